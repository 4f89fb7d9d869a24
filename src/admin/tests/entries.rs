use std::sync::Arc;
use std::thread;

use serde_json::{Value, json};

use super::*;
use crate::lists::Entry;

#[test]
fn an_entry_is_added_changed_and_removed() {
    let served = Served::new(Fake::default());
    let path = "/v1/lists/default/entries/%2B48%20600-100-200";
    let body = r#"{"date": "2026-03-25", "description": "called at night", "expires": "2027-01-01T00:00:00Z"}"#;
    let answer = served.call("PUT", path, body);
    let expected = json!({
        "list": "default", "entry": "48600100200", "kind": "number", "date": "2026-03-25",
        "description": "called at night", "expires": "2027-01-01T00:00:00.000000Z",
        "added_by": "admin@127.0.0.1", "generation": 8
    });
    assert_eq!((answer.status, answer.json()), (201, expected.clone()));
    assert_eq!(served.call("GET", "/v1/lists/default/entries/600100200", "").json(), expected);
    let changed = served.call("PUT", path, "");
    assert_eq!(
        (changed.status, &changed.json()["generation"], &changed.json()["date"]),
        (200, &json!(9), &Value::Null)
    );
    let removed = served.call("DELETE", path, "");
    assert_eq!((removed.status, removed.text.as_str()), (204, ""));
    served.call("DELETE", path, "").problem(404);
    served.call("GET", path, "").problem(404);
    let actors: Vec<String> = served.backend.told().into_iter().map(|(_, actor, _)| actor).collect();
    assert_eq!(actors, vec!["admin@127.0.0.1"; 3]);
}

#[test]
fn every_kind_of_entry_has_a_path() {
    let served = Served::new(Fake::default());
    for (path, entry, kind) in [
        ("4870*", "4870*", "prefix"),
        ("48700000000-48700009999", "48700000000-48700009999", "range"),
        ("118", "118", "code"),
        ("anonymous", "anonymous", "anonymous"),
        ("unavailable", "unavailable", "unavailable"),
        ("alice%2Fdesk", "alice/desk", "user"),
    ] {
        let answer = served.call("PUT", &format!("/v1/lists/default/entries/{path}"), "");
        assert_eq!(
            (answer.status, &answer.json()["entry"], &answer.json()["kind"]),
            (201, &json!(entry), &json!(kind))
        );
    }
}

/// 223334455 is both a national number of Poland and a number of country 223.
#[test]
fn an_entry_is_spelled_so_that_it_leads_back_to_itself() {
    let served = Served::new(Fake::default());
    let added = served.call("PUT", "/v1/lists/default/entries/%2B223334455", "");
    assert_eq!((added.status, &added.json()["entry"]), (201, &json!("+223334455")));
    let listed = served.call("GET", "/v1/lists/default/entries?search=223334455", "").json();
    assert_eq!(listed["entries"][0]["entry"], "+223334455");
    served.call("DELETE", "/v1/lists/default/entries/223334455", "").problem(404);
    assert_eq!(served.call("DELETE", "/v1/lists/default/entries/%2B223334455", "").status, 204);
}

#[test]
fn bad_requests_are_told_what_was_expected() {
    let served = Served::new(Fake::default());
    let put = |path: &str, body: &str| served.call("PUT", &format!("/v1/lists/{path}"), body);
    assert!(put("missing/entries/48600100200", "").problem(404).contains("missing"));
    assert!(put("default/entries/4,86E%2B10", "").problem(422).contains("spreadsheet"));
    assert!(put("default/entries/4*", "").problem(422).contains("at least 2"));
    put("default/entries/48600100200", "{").problem(400);
    put("default/entries/48600100200", "[1,").problem(400);
    assert!(put("default/entries/48600100200", r#" ["2026-03-25"]"#).problem(422).contains("object"));
    assert!(put("default/entries/48600100200", r#"{"dat": "2026-03-25"}"#).problem(422).contains("dat"));
    assert!(put("default/entries/48600100200", r#"{"date": "25.3.2026"}"#).problem(422).contains("2026-03-25"));
    assert!(put("default/entries/48600100200", r#"{"expires": "soon"}"#).problem(422).contains("expected a time"));
    let long = format!(r#"{{"description": "{}"}}"#, "x".repeat(1001));
    put("default/entries/48600100200", &long).problem(422);
    let oversized = format!(r#"{{"description": "{}"}}"#, "x".repeat(200_000));
    assert!(put("default/entries/48600100200", &oversized).problem(413).contains("65536"));
    assert!(put("our%20numbers/entries/4870*", "").problem(422).contains("numbers and ranges"));
    put("default/entries/%FF", "").problem(400);
    served.call("GET", "/v2", "").problem(404);
    assert_eq!(served.backend.world().generation, 7, "none of them changed anything");
}

#[test]
fn entries_come_in_pages() {
    let served = Served::new(Fake::default());
    let mut after = String::new();
    let mut seen = Vec::new();
    loop {
        let page = served.call("GET", &format!("/v1/lists/default/entries?limit=100{after}"), "").json();
        seen.extend(
            page["entries"].as_array().unwrap().iter().map(|entry| entry["entry"].as_str().unwrap().to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    let expected: Vec<String> = (0..250).map(|number| format!("48221{number:06}")).collect();
    assert_eq!(seen, expected);
    let found = served.call("GET", "/v1/lists/default/entries?search=00024", "").json();
    assert_eq!(found["entries"].as_array().unwrap().len(), 11, "24 and 240 to 249");
    served.call("GET", "/v1/lists/default/entries?limit=0", "").problem(422);
    served.call("GET", "/v1/lists/default/entries?limit=many", "").problem(400);
    assert!(served.call("GET", "/v1/lists/default/entries?serach=1", "").problem(400).contains("serach"));
    served.call("GET", "/v1/lists/default/entries?after=48*70", "").problem(422);
    served.call("GET", "/v1/lists/missing/entries", "").problem(404);
}

#[test]
fn a_number_is_found_through_the_entry_that_holds_it() {
    let served = Served::new(Fake::default());
    served.call("PUT", "/v1/lists/vip/entries/4822*", r#"{"description": "all of Warsaw"}"#);
    let answer = served.call("GET", "/v1/numbers/%2B48%2022%20100%2000%2001", "").json();
    assert_eq!(answer["number"], "48221000001");
    let lists: Vec<_> =
        answer["lists"].as_array().unwrap().iter().map(|held| (&held["list"], &held["entry"])).collect();
    assert_eq!(lists, [(&json!("default"), &json!("48221000001")), (&json!("vip"), &json!("4822*"))]);
    assert_eq!(served.call("GET", "/v1/numbers/48999999999", "").json()["lists"], json!([]));
    served.call("GET", "/v1/numbers/4822*", "").problem(422);
    served.call("GET", "/v1/numbers/48x", "").problem(422);
}

#[test]
fn edits_of_many_clients_are_all_made() {
    let served = Arc::new(Served::new(Fake::default()));
    let clients: Vec<_> = (0..8)
        .map(|client| {
            let served = Arc::clone(&served);
            thread::spawn(move || {
                (0..10)
                    .map(|number| served.call("PUT", &format!("/v1/lists/vip/entries/48600{client}0000{number}"), ""))
                    .filter(|answer| answer.status == 201)
                    .count()
            })
        })
        .collect();
    let added: usize = clients.into_iter().map(|client| client.join().unwrap()).sum();
    assert_eq!(added, 80);
    assert_eq!(served.backend.world().lists.get("vip").unwrap().len(), 80);
    assert!(served.backend.world().lists.get("vip").unwrap().contains(&"48600000009".parse::<Entry>().unwrap()));
}

#[test]
fn an_entry_s_tag_changes_with_it_and_is_the_same_wherever_it_is_told() {
    let served = Served::new(Fake::default());
    let path = "/v1/lists/default/entries/48600100200";
    let added = served.call("PUT", path, r#"{"description": "one"}"#);
    let tag = added.header("etag").to_owned();
    assert!(tag.len() == 18 && tag.starts_with('"') && tag.ends_with('"'), "{tag}");
    assert_eq!(served.call("GET", path, "").header("etag"), tag);
    let known = served.send("GET", path, &[("If-None-Match", &format!("\"x\", W/{tag}"))], Vec::new());
    assert_eq!((known.status, known.header("etag"), known.text.as_str()), (304, tag.as_str(), ""));
    assert_eq!(served.send("GET", path, &[("If-None-Match", "\"0000000000000000\"")], Vec::new()).status, 200);
    let changed = served.call("PUT", path, r#"{"description": "two"}"#);
    assert_ne!(changed.header("etag"), tag);
}

#[test]
fn a_change_under_a_condition_is_made_only_where_it_holds() {
    let served = Served::new(Fake::default());
    let path = "/v1/lists/default/entries/48600100200";
    let send = |method: &str, name: &str, value: &str| served.send(method, path, &[(name, value)], Vec::new());
    send("PUT", "If-Match", "*").problem(412);
    send("DELETE", "If-Match", "*").problem(412);
    let added = send("PUT", "If-None-Match", "*");
    assert_eq!(added.status, 201);
    send("PUT", "If-None-Match", "*").problem(412);
    let tag = added.header("etag").to_owned();
    assert_eq!(served.call("PUT", path, r#"{"description": "two"}"#).status, 200);
    send("PUT", "If-Match", &tag).problem(412);
    send("DELETE", "If-Match", &format!("\"not, ours\", {tag}")).problem(412);
    let tag = served.call("GET", path, "").header("etag").to_owned();
    send("DELETE", "If-Match", &format!("W/{tag}")).problem(412);
    assert_eq!(send("DELETE", "If-Match", &format!("\"not, ours\" , {tag}")).status, 204);
    assert_eq!(served.backend.world().generation, 10);
}

#[test]
fn conditions_that_are_none_are_refused() {
    let served = Served::new(Fake::default());
    let path = "/v1/lists/default/entries/48221000001";
    for (name, value) in [
        ("If-Match", "0123456789abcdef"),
        ("If-Match", "\"0123456789abcdef"),
        ("If-Match", "\"a\" \"b\""),
        ("If-Match", ""),
        ("If-None-Match", "\"0123456789abcdef\""),
    ] {
        served.send("PUT", path, &[(name, value)], Vec::new()).problem(400);
    }
    served.send("DELETE", path, &[("If-Match", "*"), ("If-None-Match", "*")], Vec::new()).problem(400);
    assert_eq!(served.backend.world().generation, 7);
}

#[test]
fn a_number_that_nothing_may_block_is_refused() {
    let served = Served::new(Fake::default());
    assert!(served.call("PUT", "/v1/lists/default/entries/999", "").problem(422).contains("never_block"));
}

#[test]
fn a_reason_stands_in_the_query_or_in_the_body() {
    let served = Served::new(Fake::default());
    let path = "/v1/lists/default/entries/48600100200";
    assert_eq!(served.call("PUT", path, r#"{"reason": "in the body"}"#).status, 201);
    assert_eq!(served.call("PUT", &format!("{path}?reason=in%20the%20query"), "").status, 200);
    assert_eq!(served.call("PUT", &format!("{path}?reason=%20"), r#"{}"#).status, 200);
    assert_eq!(served.call("DELETE", &format!("{path}?reason=za%C5%BC%C3%B3%C5%82%C4%87"), "").status, 204);
    let reasons: Vec<Option<String>> = served.backend.told().into_iter().map(|(_, _, reason)| reason).collect();
    let expected = ["in the body", "in the query", "", "zażółć"];
    assert_eq!(reasons, expected.map(|reason| (!reason.is_empty()).then(|| reason.to_owned())));
    served.call("PUT", &format!("{path}?reason=a"), r#"{"reason": "b"}"#).problem(422);
    assert!(served.call("DELETE", &format!("{path}?raeson=a"), "").problem(400).contains("raeson"));
}

#[test]
fn a_description_is_kept_without_outer_spaces_and_a_date_is_written_one_way() {
    let served = Served::new(Fake::default());
    let path = "/v1/lists/default/entries/48600100200";
    let put = |body: &str| served.call("PUT", path, body);
    assert_eq!(put(r#"{"description": " one \n"}"#).json()["description"], "one");
    assert_eq!(put(r#"{"description": "  "}"#).json()["description"], Value::Null);
    for date in ["20260325", "2026-03-25T08:00", "-000001-03-25", "2026-3-25"] {
        put(&json!({ "date": date }).to_string()).problem(422);
    }
}
