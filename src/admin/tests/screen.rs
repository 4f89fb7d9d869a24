use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};

use serde_json::{Value, json};

use super::*;
use crate::number::Number;
use crate::usage::{Attempt, AttemptLimit};

const NDJSON: &str = "application/x-ndjson";

fn screen(served: &Served, query: &str, media_type: &str, body: &str) -> Answer {
    let path = format!("/v1/screen?{query}");
    served.send("POST", &path, &[("Content-Type", media_type)], body.as_bytes().to_vec())
}

fn lines(answer: &Answer) -> Vec<Value> {
    answer.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn call_often(served: &Served, callee: &str) {
    let limit = AttemptLimit::parse("2/1h").unwrap();
    let callee: Number = callee.parse().unwrap();
    for _ in 0..2 {
        served.backend.usage.attempts().commit(callee, &[limit], limit, fake::noon()).map(Attempt::stand).unwrap();
    }
}

#[test]
fn each_number_is_judged_as_a_call_of_the_campaign_would_be_now() {
    let served = Served::new(Fake::default());
    call_often(&served, "48600000001");
    let body = "{\"number\": \"+48 221 000 007\", \"lead\": 17}\n\n{\"number\": 48600000001}\r\n{\"number\": \"112\"}\n\
                {\"lead\": 4, \"number\": \"600000002\"}";
    let answer = screen(&served, "campaign=sale", NDJSON, body);
    assert_eq!((answer.status, answer.header("content-type")), (200, NDJSON));
    assert_eq!(answer.header("ringfence-generation"), "7");
    let listed = json!({
        "number": "+48 221 000 007", "verdict": "decline", "rule": "sale", "list": "default", "entry": "48221000007",
        "ground": "listed", "status": 603, "reason": "Blacklist", "retry_after": null, "error": null
    });
    let often = json!({
        "number": "48600000001", "verdict": "decline", "rule": "sale", "list": null, "entry": null,
        "ground": "attempts", "status": 603, "reason": "Too many attempts", "retry_after": 3600, "error": null
    });
    let found = lines(&answer);
    assert_eq!(found.len(), 4, "{}", answer.text);
    assert_eq!(found[..2], [listed, often]);
    let told = |line: &Value| (line["number"].clone(), line["verdict"].clone(), line["rule"].clone());
    assert_eq!(told(&found[2]), (json!("112"), json!("pass"), json!(null)));
    assert_eq!(told(&found[3]), (json!("600000002"), json!("pass"), json!(null)));
    let usage = &served.backend.usage;
    assert_eq!(usage.attempts().callees(), 1, "nothing is counted");
}

#[test]
fn a_csv_answer_has_its_header_line_also_where_there_is_no_number() {
    let served = Served::new(Fake::default());
    for body in ["", "number\n"] {
        let answer = screen(&served, "campaign=sale", "text/csv", body);
        let header = "number,verdict,rule,list,entry,ground,status,reason,retry_after,error\n";
        assert_eq!(answer.text, header, "{body:?}");
    }
}

#[test]
fn a_csv_body_is_answered_in_csv() {
    let served = Served::new(Fake::default());
    let body = "name;phone\n\"A; B\";48221000007\nC;600100200\n\nD;4,86E+10\nE;48221000*\nF\n";
    let answer = screen(&served, "campaign=sale&number=phone", "Text/CSV; charset=utf-8", body);
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8; header=present");
    let rows: Vec<&str> = answer.text.lines().collect();
    assert_eq!(rows[0], "number,verdict,rule,list,entry,ground,status,reason,retry_after,error");
    assert_eq!(rows[1], "48221000007,decline,sale,default,48221000007,listed,603,Blacklist,,");
    assert_eq!(rows[2], "600100200,pass,,,,,,,,");
    assert!(rows[3].starts_with("\"4,86E+10\",,,,,,,,,"), "{}", rows[3]);
    assert!(rows[4].ends_with(",expected one number"), "{}", rows[4]);
    assert!(rows[5].starts_with(",,,,,,,,,the row has no such column"), "{}", rows[5]);
    assert_eq!(rows.len(), 6);
    let bare = screen(&served, "campaign=sale", "text/csv", "48221000007\n48221000008\n");
    assert_eq!(bare.text.lines().count(), 3);
    let missing = screen(&served, "campaign=sale&number=mobile", "text/csv", "name,phone\nA,48221000007\n");
    assert_eq!(missing.text.lines().last(), Some(",,,,,,,,,line 1: no column is named `mobile`"));
}

#[test]
fn what_is_no_number_is_told_in_its_line() {
    let served = Served::new(Fake::default());
    let body = "{\"number\": \"some.user\"}\nno JSON\n{\"lead\": 17}\n{\"number\": \"\"}\n[\"48600000001\"]\n{\"number\": \"1e5\"}\n";
    let answer = screen(&served, "campaign=sale", NDJSON, body);
    let found = lines(&answer);
    assert_eq!(found.len(), 6, "{}", answer.text);
    assert!(found.iter().all(|line| line["error"].is_string() && line["verdict"].is_null()), "{}", answer.text);
    let long = format!("{{\"number\": \"{}\"}}\n{{\"number\": \"48221000007\"}}\n", "1".repeat(200_000));
    let found = lines(&screen(&served, "campaign=sale", NDJSON, &long));
    assert_eq!((found.len(), &found[1]["ground"]), (2, &json!("listed")));
}

#[test]
fn a_question_that_makes_no_sense_is_refused() {
    let served = Served::new(Fake::default());
    let refused = |query: &str, media_type: &str, status| screen(&served, query, media_type, "1\n").problem(status);
    assert!(refused("campaign=sail", NDJSON, 422).contains("did you mean \"sale\"?"));
    assert!(refused("campaign=sale&trunk=carier", NDJSON, 422).contains("carrier"));
    assert!(refused("campaign=plain&from=48600000001", NDJSON, 422).contains("names no trunk"));
    assert!(refused("campaign=plain&trunk=carrier", NDJSON, 422).contains("say who calls"));
    assert!(refused("campaign=sale&number=phone", NDJSON, 422).contains("number"));
    refused("trunk=carrier", NDJSON, 400);
    refused("campaign=sale&caller=1", NDJSON, 400);
    refused("campaign=sale", "application/x-www-form-urlencoded", 415);
    let one = "{\"number\": \"48600000002\"}\n";
    let consent = screen(&served, "campaign=plain&trunk=carrier&from=600100200", NDJSON, one);
    assert_eq!(lines(&consent)[0]["ground"], "not-consented");
    let other = screen(&served, "campaign=plain&trunk=carrier&from=700100200", NDJSON, one);
    assert_eq!(lines(&other)[0]["verdict"], "pass", "no caller of the campaign");
}

/// The content of a chunked body, which must be whole (RFC 9112 section 7.1).
fn chunks(mut body: &str) -> String {
    let mut content = String::new();
    loop {
        let (size, rest) = body.split_once("\r\n").expect("the size of a chunk");
        let size = usize::from_str_radix(size, 16).expect("a size");
        if size == 0 {
            assert_eq!(rest, "\r\n");
            return content;
        }
        content += &rest[..size];
        body = rest[size..].strip_prefix("\r\n").expect("the end of a chunk");
    }
}

/// Sends the head of a request with a body of this length; what to write to, and what to read from.
fn open(served: &Served, length: usize) -> (TcpStream, BufReader<TcpStream>) {
    let mut stream = TcpStream::connect(served.address).unwrap();
    let head = format!(
        "POST /v1/screen?campaign=sale HTTP/1.1\r\nHost: localhost\r\nContent-Type: {NDJSON}\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let reader = BufReader::new(stream.try_clone().unwrap());
    (stream, reader)
}

#[test]
fn a_long_body_is_answered_while_it_comes() {
    const NUMBERS: usize = 20_000;
    let served = Served::new(Fake::default());
    let line = "{\"number\": \"48221000007\"}\n";
    let (mut stream, mut answer) = open(&served, NUMBERS * line.len());
    std::thread::scope(|scope| {
        let (half, rest) = (line.repeat(NUMBERS / 2), line.repeat(NUMBERS / 2));
        stream.write_all(half.as_bytes()).unwrap();
        let mut first = String::new();
        while !first.contains("\"listed\"") {
            assert!(answer.read_line(&mut first).unwrap() > 0, "nothing was answered before the body had ended");
        }
        scope.spawn(move || stream.write_all(rest.as_bytes()).unwrap());
        let mut text = first;
        answer.read_to_string(&mut text).unwrap();
        let body = text.split_once("\r\n\r\n").expect("a body").1;
        assert_eq!(chunks(body).matches("\"ground\":\"listed\"").count(), NUMBERS);
    });
}

#[test]
fn the_answer_to_a_body_that_is_cut_off_is_cut_off() {
    let served = Served::new(Fake::default());
    let (mut stream, mut answer) = open(&served, 1_000);
    stream.write_all(b"{\"number\": \"48221000007\"}\n").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut text = String::new();
    let _ = answer.read_to_string(&mut text);
    assert!(!text.ends_with("0\r\n\r\n"), "{text}");
}
