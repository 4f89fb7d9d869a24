use std::net::SocketAddr;

use super::*;
use crate::admin::AdminError;
use crate::admin::token::{TokenError, Tokens};

#[test]
fn an_unknown_method_is_told_the_allowed_ones() {
    let served = Served::new(Fake::default());
    let answer = served.call("POST", "/v1/lists/default/entries/48600100200", "");
    answer.problem(405);
    assert_eq!(answer.header("allow"), "GET,HEAD,PUT,DELETE");
    let answer = served.call("GET", "/v1/reload", "");
    answer.problem(405);
    assert_eq!(answer.header("allow"), "POST");
}

#[test]
fn a_token_names_the_actor_and_its_absence_refuses() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("admin-tokens.toml");
    // printf 'a secret of two words' | sha256sum
    let sha256 = sha256_hex("a secret of two words");
    let text = format!(
        "[[token]]\nname = \"ops\"\ntoken = \"0123456789abcdef\"\n[[token]]\nname = \"crm\"\nsha256 = \"{sha256}\"\n"
    );
    std::fs::write(&path, text).unwrap();
    let config = Config { listen: "127.0.0.1:0".parse().unwrap(), tokens: Some(path) };
    let mut served = Served::with_config(Fake::default(), &config);
    let put = |served: &Served| served.call("PUT", "/v1/lists/default/entries/118", "");
    let refused = put(&served);
    refused.problem(401);
    assert_eq!(refused.header("www-authenticate"), "Bearer");
    served.token = Some("0123456789abcdeF");
    put(&served).problem(401);
    served.token = Some("0123456789abcdef");
    assert_eq!(put(&served).json()["added_by"], "ops");
    served.token = Some("a secret of two words");
    assert_eq!(put(&served).json()["added_by"], "crm");
    served.token = None;
    assert_eq!(served.call("GET", "/healthz", "").status, 200);
    served.call("GET", "/metrics", "").problem(401);
}

fn sha256_hex(text: &str) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_bad_file_of_tokens_refuses_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("admin-tokens.toml");
    let error = |text: &str| {
        std::fs::write(&path, text).unwrap();
        Tokens::load(&path).unwrap_err()
    };
    assert!(matches!(error(""), TokenError::None { .. }));
    assert!(matches!(error("[[token]]\nname = \"a\"\n"), TokenError::Value { .. }));
    assert!(matches!(error("[[token]]\nname = \"a\"\ntoken = \"short\"\n"), TokenError::Value { .. }));
    assert!(matches!(error("[[token]]\nname = \"a\"\nsha256 = \"12\"\n"), TokenError::Value { .. }));
    assert!(matches!(error("[[token]]\nname = \"a\"\nsecret = \"12\"\n"), TokenError::Toml { .. }));
    let twice = "[[token]]\nname = \"a\"\ntoken = \"0123456789abcdef\"\n".repeat(2);
    assert!(matches!(error(&twice), TokenError::Duplicate { .. }));
    let unclosed = error("[[token]]\nname = \"a\"\ntoken = \"0123456789abcdef\n").to_string();
    assert!(unclosed.starts_with(&format!("{}:3:", path.display())), "{unclosed}");
    for secret in ["\"0123456789abcdef\n", "123456789", "0123456789abcdef", "\"x\"\n0123456789abcdef = 1"] {
        let told = error(&format!("[[token]]\nname = \"a\"\ntoken = {secret}\n")).to_string();
        assert!(!told.contains("3456789"), "{told}");
    }
    let missing = dir.path().join("missing.toml");
    let told = Tokens::load(&missing).unwrap_err().to_string();
    assert!(told.starts_with("admin.tokens: ") && told.contains("missing.toml"), "{told}");
}

#[test]
fn the_port_is_only_opened_to_the_network_with_tokens() {
    let runtime = Runtime::new().unwrap();
    let address: SocketAddr = "0.0.0.0:0".parse().unwrap();
    let error = runtime.block_on(Server::bind(&Config { listen: address, tokens: None })).unwrap_err();
    assert_eq!(error, AdminError::Open { address });
}

#[test]
fn a_taken_address_is_named() {
    let runtime = Runtime::new().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let error = runtime.block_on(Server::bind(&Config { listen: address, tokens: None })).unwrap_err();
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}

#[test]
fn pages_of_other_sites_are_refused() {
    use std::io::{Read, Write};
    let served = Served::new(Fake::default());
    let status = |origin: &str| {
        let mut stream = std::net::TcpStream::connect(served.address).unwrap();
        let host = served.address;
        let request =
            format!("POST /v1/reload HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().to_owned()
    };
    assert_eq!(status("http://evil.example"), "403");
    assert_eq!(status(&format!("http://{}", served.address)), "200");
}

#[test]
fn a_name_that_was_made_to_lead_here_is_refused_without_tokens() {
    use std::io::{Read, Write};
    let served = Served::new(Fake::default());
    let status = |path: &str, hosts: &[&str]| {
        let mut stream = std::net::TcpStream::connect(served.address).unwrap();
        let mut request = format!("GET {path} HTTP/1.1\r\nConnection: close\r\n");
        for host in hosts {
            request += &format!("Host: {host}\r\nOrigin: http://{host}\r\n");
        }
        stream.write_all(format!("{request}\r\n").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().to_owned()
    };
    for named in ["evil.example", "evil.example:8060", "localhost.evil.example", "127.0.0.1.evil.example:1", "[::1", ""]
    {
        assert_eq!(status("/v1/lists", &[named]), "403", "{named}");
    }
    assert_eq!(status("/v1/lists", &["127.0.0.1", "evil.example"]), "403");
    for address in ["127.0.0.1", "127.0.0.1:8060", "[::1]", "[::1]:8060", "localhost", "LocalHost:8060"] {
        assert_eq!(status("/v1/lists", &[address]), "200", "{address}");
    }
    assert_eq!(status("/healthz", &[]), "200", "probes of HTTP/1.0 name no host");
}

/// The body comes when the answer has been given: it is read all the same, and the connection serves on.
#[test]
fn a_refusal_is_seen_by_a_client_that_is_still_writing() {
    use std::io::{Read, Write};
    let served = Served::new(Fake::default());
    let mut stream = std::net::TcpStream::connect(served.address).unwrap();
    let host = served.address;
    let size = 8 << 20;
    let head = format!("POST /v1/lists/missing/import HTTP/1.1\r\nHost: {host}\r\nContent-Length: {size}\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&vec![b'1'; size]).unwrap();
    stream.write_all(format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    assert!(answers.starts_with("HTTP/1.1 404") && answers.ends_with("ok\n"), "{answers}");
}

#[test]
fn a_client_that_asks_before_it_sends_is_refused_without_a_byte_of_its_body() {
    use std::io::{Read, Write};
    let served = Served::new(Fake::default());
    let mut stream = std::net::TcpStream::connect(served.address).unwrap();
    let host = served.address;
    let head = format!(
        "POST /v1/lists/missing/import HTTP/1.1\r\nHost: {host}\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 404");
}
