use std::io::Write;
use std::net::{Shutdown, TcpStream};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::*;
use crate::lists::Action;

const FILE: &str =
    "phone;since;note\n600100200;2026-03-25;\"rings; at night\"\n48221000001;;\n600 100 200;;\n4870*;;\n";

fn import(served: &Served, query: &str, body: &[u8]) -> Answer {
    served.send("POST", &format!("/v1/lists/default/import?{query}"), &[], body.to_vec())
}

#[test]
fn a_file_is_added_to_a_list_by_its_columns() {
    let served = Served::new(Fake::default());
    let answer = import(&served, "number=phone&date=2&description=note&reason=from%20the%20CRM", FILE.as_bytes());
    let expected = json!({
        "generation": 8, "dry_run": false, "rows": 4, "accepted": 3, "added": 2, "changed": 1, "removed": 0,
        "duplicates": 1, "rejected": 0, "kinds": {}, "errors": [], "guessed": 0, "not_utf8": 0, "header": true,
        "digest": null
    });
    assert_eq!((answer.status, answer.json()), (200, expected), "{}", answer.text);
    let entry = served.call("GET", "/v1/lists/default/entries/48600100200", "").json();
    assert_eq!((&entry["date"], &entry["description"]), (&json!("2026-03-25"), &json!("rings; at night")));
    assert_eq!(entry["added_by"], "admin@127.0.0.1");
    let told = served.backend.told();
    assert_eq!(told, [(Action::Import, "admin@127.0.0.1".into(), Some("from the CRM".into()))]);
}

#[test]
fn a_dry_run_shows_what_was_understood_and_does_nothing() {
    let served = Served::new(Fake::default());
    let answer = import(&served, "number=1&description=3&dry_run=true", FILE.as_bytes()).json();
    assert_eq!(
        (&answer["generation"], &answer["dry_run"], &answer["header"]),
        (&Value::Null, &json!(true), &json!(true))
    );
    let head = json!({
        "entry": "48600100200", "kind": "number", "date": null, "description": "rings; at night", "expires": null,
        "added_by": null
    });
    assert_eq!((&answer["head"][0], &answer["head"][3]["entry"]), (&head, &json!("4870*")));
    assert_eq!(served.backend.world().generation, 7);
}

#[test]
fn a_bad_row_refuses_the_file_with_line_column_cell_and_reason() {
    let served = Served::new(Fake::default());
    let body = "number,date\n48600100200,2026-02-30\n\"4,86E+10\",\n48600100201,\n999,\n";
    let answer = import(&served, "", body.as_bytes());
    assert_eq!(answer.problem(422), "3 rows are wrong; nothing was changed");
    let date = json!({
        "line": 2, "column": 2, "cell": "2026-02-30", "kind": "no-such-date",
        "detail": "there is no such day: expected a date of the calendar"
    });
    assert_eq!(answer.json()["errors"][0], date);
    assert_eq!(
        (&answer.json()["errors"][2]["line"], &answer.json()["errors"][2]["kind"]),
        (&json!(5), &json!("never-block"))
    );
    assert_eq!(answer.json()["kinds"], json!({"never-block": 1, "no-such-date": 1, "rounded": 1}));
    assert_eq!(served.backend.world().generation, 7);
}

#[test]
fn bad_rows_are_left_out_up_to_a_limit() {
    let served = Served::new(Fake::default());
    let body = b"48600100200\n48x\n48y\n48600100201\n";
    let skipped = import(&served, "on_error=skip", body).json();
    assert_eq!((&skipped["accepted"], &skipped["rejected"], &skipped["rows"]), (&json!(2), &json!(2), &json!(4)));
    assert_eq!((&skipped["errors"][1]["line"], &skipped["errors"][1]["cell"]), (&json!(3), &json!("48y")));
    let refused = import(&served, "on_error=skip&skip_limit=1", body);
    assert_eq!(refused.problem(422), "2 rows are wrong, but at most 1 may be skipped; nothing was changed");
    assert_eq!(refused.json()["rejected"], 2);
}

#[test]
fn compressed_files_and_those_of_registries_are_read_as_they_are() {
    let served = Served::new(Fake::default());
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(b"212,5550142\n212,5550143\n").unwrap();
    let answer = import(&served, "format=ftc", &gzip.finish().unwrap());
    assert_eq!((answer.status, &answer.json()["added"]), (200, &json!(2)), "{}", answer.text);
    assert!(served.list("default").contains(&"12125550142".parse().unwrap()));
    // Not as a Polish number, though the list's own plan is Poland's.
    assert_eq!(import(&served, "format=tps", b"02079460000 ").status, 200);
    assert!(served.list("default").contains(&"442079460000".parse().unwrap()));
    let encoded = import(&served, "encoding=windows-1250&description=2&number=1", b"48600100300,za\xbf\xf3\xb3\xe6\n");
    assert_eq!(encoded.status, 200, "{}", encoded.text);
    let entry = served.call("GET", "/v1/lists/default/entries/48600100300", "").json();
    assert_eq!(entry["description"], "zażółć");
}

#[test]
fn options_that_make_no_sense_are_refused_before_the_file_is_read() {
    let served = Served::new(Fake::default());
    for (query, told) in [
        ("number=0", "expected a column from 1 to 65535"),
        ("number=65536", "expected a column from 1 to 65535"),
        ("delimiter=%2C%2C", "delimiter: expected one character"),
        ("encoding=cp9", "encoding: \"cp9\" is no character encoding"),
        ("date_format=%25d", "date_format: "),
        ("format=ftc&number=2", "`number` means nothing with format = \"ftc\""),
        ("skip_limit=4", "`skip_limit` counts rows that are skipped"),
    ] {
        let answer = import(&served, query, b"48600100200\n").problem(422);
        assert!(answer.contains(told), "{query}: {answer}");
    }
    for query in ["format=xls", "dry_run=perhaps", "colour=red"] {
        import(&served, query, b"48600100200\n").problem(400);
    }
    let form = [("Content-Type", "multipart/form-data; boundary=x")];
    served.send("POST", "/v1/lists/default/import", &form, b"--x\r\n".to_vec()).problem(415);
    served.call("POST", "/v1/lists/missing/import", "48600100200\n").problem(404);
    assert_eq!(
        import(&served, "", b"").problem(422),
        "the file is empty: expected a header or an entry; nothing was changed"
    );
    assert_eq!(
        import(&served, "number=phone", b"number\n1\n").problem(422),
        "line 1: no column is named `phone`; nothing was changed"
    );
    assert_eq!(served.backend.world().generation, 7);
}

#[test]
fn a_large_file_comes_in_pieces() {
    let served = Served::new(Fake::default());
    let body: String = (0..200_000).map(|number| format!("486{number:08}\n")).collect();
    let answer = import(&served, "", body.as_bytes()).json();
    assert_eq!((&answer["rows"], &answer["added"]), (&json!(200_000), &json!(200_000)));
    assert_eq!(served.list("default").len(), 200_250);
}

/// Every row that came is good: only the missing end tells that there were more.
#[test]
fn a_body_that_is_cut_off_is_not_imported() {
    let served = Served::new(Fake::default());
    for (length, body) in
        [("Content-Length: 1000", "48600100200\n"), ("Transfer-Encoding: chunked", "c\r\n48600100200\n\r\n")]
    {
        let mut stream = TcpStream::connect(served.address).unwrap();
        let host = served.address;
        let request = format!("POST /v1/lists/default/import HTTP/1.1\r\nHost: {host}\r\n{length}\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        // Whether it is still told depends on how far the connection is gone.
        let _ = std::io::Read::read_to_string(&mut stream, &mut answer);
        assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    // The same server goes on, and has places left for those who end what they began.
    assert_eq!(served.backend.world().generation, 7);
    assert_eq!(import(&served, "", b"48600100201\n").status, 200);
}
