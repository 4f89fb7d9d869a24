use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::thread;

use super::*;
use crate::admin::Backend;
use crate::admin::tests::{Fake, Served};

/// A server that answers each request in turn with these bytes and closes.
fn canned(answers: Vec<String>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
                head.push(byte[0]);
            }
            stream.write_all(answer.as_bytes()).expect("writes");
        }
    });
    address
}

fn asked(address: SocketAddr, words: &[&str]) -> (End, String, String) {
    let url = format!("http://{address}/");
    run(Path::new("/nonexistent/r.toml"), &[words, &["--url", &url]].concat(), None)
}

#[test]
fn a_file_is_imported_and_counted() {
    let served = Served::new(Fake::default());
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("a.csv");
    fs::write(&path, "phone;note\n600100200;one\n48221000001;two\n600100200;three\n").expect("writes");
    let path = path.to_str().expect("UTF-8");
    let columns = ["--number", "phone", "--description", "2", "--reason", "CRM"];
    let preview = done(&served, &[&["list", "import", "default", path, "--dry-run"], &columns[..]].concat());
    assert!(preview.contains("\n48600100200                           one\n"), "{preview}");
    assert!(preview.ends_with("\ndefault: 3 rows: 1 added, 1 changed, 1 duplicate, 0 left out; nothing was changed\n"));
    assert_eq!(served.backend.world().generation, 7);
    let out = done(&served, &[&["list", "import", "default", path], &columns[..]].concat());
    assert_eq!(out, "default: 3 rows: 1 added, 1 changed, 1 duplicate, 0 left out; generation 8\n");
    assert_eq!(served.backend.told()[0].2.as_deref(), Some("CRM"));
}

#[test]
fn the_standard_input_is_imported() {
    let served = Served::new(Fake::default());
    let out = done(&served, &["list", "import", "vip", "-", "--json"]);
    assert!(out.starts_with("{\"generation\":8,\"dry_run\":false,\"rows\":2,"), "{out}");
    assert_eq!(served.list("vip").len(), 2);
}

#[test]
fn bad_rows_are_told_whether_they_refuse_the_file_or_are_left_out() {
    let served = Served::new(Fake::default());
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("a.csv");
    fs::write(&path, "48600100200\n48x\n48600100201\n").expect("writes");
    let path = path.to_str().expect("UTF-8");
    let row = "  line 2, column 1: `48x`: `x` in a number: expected digits\n";
    let (end, out, err) = of(&served, &["list", "import", "vip", path]);
    assert_eq!((end, out.as_str()), (End::Refused, ""));
    assert_eq!(err, format!("1 row is wrong; nothing was changed\n{row}"));
    let (end, out, err) = of(&served, &["list", "import", "vip", path, "--skip", "1"]);
    assert_eq!((end, err), (End::Done, format!("1 row left out:\n{row}")));
    assert_eq!(out, "vip: 3 rows: 2 added, 0 changed, 0 duplicates, 1 left out; generation 8\n");
    assert_eq!(of(&served, &["list", "import", "vip", path, "--skip", "0"]).0, End::Refused);
}

#[test]
fn a_file_that_is_not_there_is_this_side_s_trouble() {
    let served = Served::new(Fake::default());
    let (end, _, err) = of(&served, &["list", "import", "vip", "/nonexistent/a.csv"]);
    assert_eq!((end, err.as_str()), (End::Refused, "/nonexistent/a.csv: entity not found\n"));
    let dir = tempfile::tempdir().expect("a directory");
    let folder = dir.path().to_str().expect("UTF-8");
    let (end, _, err) = of(&served, &["list", "import", "vip", folder]);
    assert_eq!((end, err), (End::Refused, format!("{folder}: is a directory\n")));
    assert_eq!(served.backend.world().generation, 7);
}

#[test]
fn an_export_replaces_its_file_and_is_imported_again() {
    let served = Served::new(Fake::default());
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("a.csv");
    fs::write(&path, "of before").expect("writes");
    let name = path.to_str().expect("UTF-8");
    let out = done(&served, &["list", "export", "default", name]);
    let text = fs::read_to_string(&path).expect("reads");
    let written = fs::canonicalize(&path).expect("a path");
    assert_eq!(out, format!("default: written to {name}, {} bytes\n", text.len()), "{}", written.display());
    assert_eq!(text.lines().count(), 251);
    assert_eq!(fs::read_dir(dir.path()).expect("a directory").count(), 1);
    assert_eq!(done(&served, &["list", "export", "default"]), text);
    assert!(done(&served, &["list", "import", "vip", name]).contains(": 250 rows: 250 added, "));
    assert_eq!(of(&served, &["list", "export", "missing", name]).0, End::Refused);
    assert_eq!(fs::read_to_string(&path).expect("reads"), text);
}

#[test]
fn an_export_that_breaks_off_leaves_the_file_of_before() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("a.csv");
    fs::write(&path, "of before").expect("writes");
    let size = "HTTP/1.1 200 OK\r\nContent-Length: 13\r\nConnection: close\r\n\r\n{\"entries\":2}";
    let half = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n14\r\nnumber\n48600100200\n\r\n";
    let address = canned(vec![size.to_owned(), half.to_owned()]);
    let (end, out, err) = asked(address, &["list", "export", "default", path.to_str().expect("UTF-8")]);
    assert_eq!((end, out.as_str()), (End::Refused, ""));
    assert!(err.starts_with("the answer broke off before its end"), "{err}");
    assert_eq!(fs::read_to_string(&path).expect("reads"), "of before");
    assert_eq!(fs::read_dir(dir.path()).expect("a directory").count(), 1, "nothing unfinished is left");
}

#[test]
fn an_export_into_a_device_leaves_it_a_device() {
    let served = Served::new(Fake::default());
    done(&served, &["list", "export", "default", "/dev/null"]);
    assert!(!fs::metadata("/dev/null").expect("there").is_file());
}

#[test]
fn an_answer_of_something_else_is_told_as_such() {
    let page = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
    let gateway = "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>";
    let moved = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let address = canned(vec![page.to_owned(), gateway.to_owned(), moved.to_owned()]);
    let show = || asked(address, &["list", "show"]);
    assert_eq!(show(), (End::Refused, String::new(), "the answer is none of Ringfence's admin port\n".to_owned()));
    assert_eq!(show(), (End::Refused, String::new(), "answered with HTTP status 502\n".to_owned()));
    assert_eq!(show(), (End::Refused, String::new(), "answered with HTTP status 302\n".to_owned()));
}
