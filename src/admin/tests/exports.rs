use std::io::{Read, Write};
use std::net::TcpStream;

use proptest::prelude::*;
use serde_json::json;

use super::fake::noon;
use super::*;
use crate::lists::{Columns, FileOptions, Progress, read_list};

#[test]
fn an_export_is_a_file_of_what_is_in_force() {
    let served = Served::new(Fake::default());
    let put = |entry: &str, body: serde_json::Value| {
        served.call("PUT", &format!("/v1/lists/vip/entries/{entry}"), &body.to_string())
    };
    put("48600100200", json!({"date": "2026-03-25", "description": "=1+1, \"quoted\"\nand broken"}));
    put("48600100201", json!({"expires": "2026-11-22T12:00:00Z"}));
    put("48600100202", json!({"expires": "2026-11-22T12:00:01Z"}));
    put("%2B223334455", json!({}));
    let answer = served.call("GET", "/v1/lists/vip/export", "");
    let expected = "number,date,description,expires,added_by\n+223334455,,,,admin@127.0.0.1\n\
        48600100200,2026-03-25,\"=1+1, \"\"quoted\"\"\nand broken\",,admin@127.0.0.1\n\
        48600100202,,,2026-11-22T12:00:01.000000Z,admin@127.0.0.1\n";
    assert_eq!((answer.status, answer.text.as_str()), (200, expected));
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8; header=present");
    assert_eq!(answer.header("ringfence-generation"), "11");
    let all = served.call("GET", "/v1/lists/vip/export?expired=true", "").text;
    assert!(all.contains("\n48600100201,,,2026-11-22T12:00:00.000000Z,"), "{all}");
    served.call("GET", "/v1/lists/missing/export", "").problem(404);
    served.call("GET", "/v1/lists/vip/export?expired=perhaps", "").problem(400);
}

#[test]
fn an_export_is_named_after_its_list() {
    let served = Served::new(Fake::default());
    let name = |list: &str| {
        served.call("GET", &format!("/v1/lists/{list}/export"), "").header("content-disposition").to_owned()
    };
    assert_eq!(name("our%20numbers"), "attachment; filename=\"our numbers.csv\"; filename*=UTF-8''our%20numbers.csv");
    served.call("POST", "/v1/lists", r#"{"name": "zażółć", "class": "dnc"}"#);
    assert_eq!(
        name("za%C5%BC%C3%B3%C5%82%C4%87"),
        "attachment; filename=\"za____.csv\"; filename*=UTF-8''za%C5%BC%C3%B3%C5%82%C4%87.csv"
    );
}

#[test]
fn an_export_of_any_size_comes_in_pieces_and_to_its_end() {
    let served = Served::new(Fake::default());
    let body: String = (0..200_000).map(|number| format!("486{number:08}\n")).collect();
    served.call("POST", "/v1/lists/vip/import", &body);
    let answer = served.call("GET", "/v1/lists/vip/export", "");
    assert_eq!(answer.text.lines().count(), 200_001);
    assert_eq!(answer.header("transfer-encoding"), "chunked");
    assert!(answer.text.ends_with("\n48600199999,,,,admin@127.0.0.1\n"));
}

/// Whoever goes away in the middle leaves no thread behind that others would wait for.
#[test]
fn an_export_that_nobody_reads_on_ends() {
    let served = Served::new(Fake::default());
    let body: String = (0..200_000).map(|number| format!("486{number:08}\n")).collect();
    served.call("POST", "/v1/lists/vip/import", &body);
    for _ in 0..100 {
        let mut stream = TcpStream::connect(served.address).unwrap();
        let host = served.address;
        stream.write_all(format!("GET /v1/lists/vip/export HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes()).unwrap();
        let mut head = [0; 64];
        stream.read_exact(&mut head).unwrap();
        assert!(head.starts_with(b"HTTP/1.1 200"));
    }
    // More than there are places for connections were taken and given back.
    assert_eq!(served.call("GET", "/healthz", "").status, 200);
}

fn entry() -> impl Strategy<Value = Entry> {
    let number = 100_000_000u64..999_999_999_999_999;
    let text = prop_oneof![
        number.clone().prop_map(|number| number.to_string()),
        // National numbers of Poland, and numbers of elsewhere that look like them.
        (200_000_000u64..999_999_999).prop_map(|number| number.to_string()),
        number.prop_map(|number| format!("{}*", number / 100_000)),
        (48_600_000_000u64..48_700_000_000, 0u64..1000).prop_map(|(first, more)| format!("{first}-{}", first + more)),
        (100u32..999_999).prop_map(|code| code.to_string()),
        Just("anonymous".to_owned()),
        Just("unavailable".to_owned()),
        Just("number".to_owned()),
        "[a-zA-ZżółćŻ=@]{0,1}[a-z][a-z0-9_.!~'()&=+$,;?/-]{0,20}",
    ];
    text.prop_filter_map("an entry", |text| text.parse().ok())
}

fn details() -> impl Strategy<Value = Details> {
    let date = proptest::option::of((1900i16..2100, 1i8..=12, 1i8..=28));
    let description = proptest::option::of("[ -~żółć\r\n\t;=@]{1,40}");
    let expires = proptest::option::of(0u64..4_000_000_000_000_000);
    (date, description, expires).prop_map(|(date, description, expires)| Details {
        date: date.map(|(year, month, day)| jiff::civil::date(year, month, day)),
        description: description.map(|text| text.trim().into()).filter(|text: &Arc<str>| !text.is_empty()),
        expires: expires.map(WallTime::from_micros),
        added_by: None,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn an_export_that_is_read_back_is_the_same_list(
        entries in proptest::collection::btree_map(entry(), details(), 1..40),
        in_base in any::<u64>(),
    ) {
        let mut builder = BaseBuilder::new();
        let mut changes = Vec::new();
        for (at, (entry, details)) in entries.iter().enumerate() {
            match in_base >> (at % 64) & 1 {
                0 => builder.push(entry.clone(), details),
                _ => changes.push((entry.clone(), Change::Put(details.clone()))),
            }
        }
        let list = List::new("default".into(), Class::Personal, None, Arc::new(builder.build())).with(&changes);
        let served = Served::new(Fake::default());
        served.backend.replace(list.clone());
        let text = served.call("GET", "/v1/lists/default/export?expired=true", "").text;
        let options = FileOptions { columns: Columns::default(), ..FileOptions::default() };
        let read = read_list(text.as_bytes(), &options, 1, &|_: &Entry| false, &Progress::default());
        let base = Arc::new(read.unwrap().builder.build());
        let read = List::new("default".into(), Class::Personal, None, base);
        let (expected, found): (Vec<_>, Vec<_>) = (list.entries(None).collect(), read.entries(None).collect());
        prop_assert_eq!(expected, found);
        let in_force = served.call("GET", "/v1/lists/default/export", "").text;
        let read = read_list(in_force.as_bytes(), &options, 1, &|_: &Entry| false, &Progress::default());
        let expected = list.entries(None).filter(|(_, details)| details.in_force(noon())).count() as u64;
        prop_assert_eq!(read.unwrap().rows, expected);
    }
}
