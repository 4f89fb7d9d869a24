use serde_json::{Value, json};

use super::*;
use crate::lists::Digest;

/// A server after five edits.
fn served() -> Served {
    let served = Served::new(Fake::default());
    for (method, path) in [
        ("PUT", "/v1/lists/default/entries/48600100200?reason=night%20calls"),
        ("PUT", "/v1/lists/vip/entries/48600100200"),
        ("PUT", "/v1/lists/default/entries/4870*"),
        ("DELETE", "/v1/lists/default/entries/48600100200?reason=by%20mistake"),
        ("PUT", "/v1/lists/vip/entries/alice"),
    ] {
        assert!(served.call(method, path, "").status < 300);
    }
    served
}

fn generations(answer: &Value) -> Vec<u64> {
    answer["edits"].as_array().unwrap().iter().map(|line| line["generation"].as_u64().unwrap()).collect()
}

#[test]
fn the_trail_says_who_did_what_when_and_why() {
    let served = served();
    let trail = served.call("GET", "/v1/edits?list=default&number=600100200", "").json();
    assert_eq!((generations(&trail), &trail["next"]), (vec![11, 8], &Value::Null));
    let put = json!({
        "generation": 8, "at": "2026-11-22T12:00:00.000000Z", "actor": "admin@127.0.0.1", "reason": "night calls",
        "action": "put", "list": "default", "entry": "48600100200", "kind": "number", "date": null,
        "description": null, "expires": null, "added_by": "admin@127.0.0.1", "digest": null, "entries": null
    });
    assert_eq!(trail["edits"][1], put);
    assert_eq!((&trail["edits"][0]["action"], &trail["edits"][0]["reason"]), (&json!("remove"), &json!("by mistake")));
    assert_eq!(generations(&served.call("GET", "/v1/edits?entry=4870*", "").json()), [10]);
    assert_eq!(generations(&served.call("GET", "/v1/edits?list=vip", "").json()), [12, 9]);
    assert_eq!(generations(&served.call("GET", "/v1/edits?list=gone", "").json()), [0; 0]);
}

#[test]
fn the_trail_comes_in_pages() {
    let served = served();
    let mut seen = Vec::new();
    let mut before = String::new();
    loop {
        let page = served.call("GET", &format!("/v1/edits?limit=2{before}"), "").json();
        seen.extend(generations(&page));
        match page["next"].as_u64() {
            Some(next) => before = format!("&before={next}"),
            None => break,
        }
    }
    assert_eq!(seen, [12, 11, 10, 9, 8]);
    served.call("GET", "/v1/edits?limit=0", "").problem(422);
    served.call("GET", "/v1/edits?number=4870*", "").problem(422);
    served.call("GET", "/v1/edits?number=112&entry=112", "").problem(422);
    served.call("GET", "/v1/edits?before=now", "").problem(400);
}

#[test]
fn what_a_list_was_is_told_with_its_base_and_edits() {
    let served = served();
    let status = eventful(&served.backend);
    served.backend.state().statuses.insert("default".into(), status);
    let past = served.call("GET", "/v1/lists/default/at/10", "").json();
    assert_eq!((&past["generation"], &past["edits"], &past["held"]), (&json!(10), &json!(2), &Value::Null));
    assert_eq!((&past["base"]["since"], &past["base"]["entries"]), (&json!(7), &json!(1)));
    assert_eq!(past["base"]["digest"], Digest::of(b"48221110001").to_string());
    assert_eq!(past["base"]["files"][0]["path"], "lists/vip.csv");
    assert!(served.call("GET", "/v1/lists/default/at/13", "").problem(404).contains("still to come"));
    assert!(served.call("GET", "/v1/lists/never/at/10", "").problem(404).contains("\"never\" at generation 10"));
    served.call("GET", "/v1/lists/default/at/yesterday", "").problem(400);
}

#[test]
fn whether_a_number_was_held_is_told_with_the_edit_that_made_it_so() {
    let served = served();
    let at = |generation: u64, query: &str| {
        served.call("GET", &format!("/v1/lists/default/at/{generation}?{query}"), "").json()
    };
    let held = at(10, "number=600100200");
    assert_eq!(
        (&held["entry"], &held["held"], &held["through"]),
        (&json!("48600100200"), &json!(true), &held["entry"])
    );
    assert_eq!((&held["edit"]["generation"], &held["edit"]["reason"]), (&json!(8), &json!("night calls")));
    let removed = at(11, "entry=48600100200");
    assert_eq!((&removed["held"], &removed["through"]), (&json!(false), &Value::Null));
    assert_eq!(removed["edit"]["generation"], 11);
    assert_eq!(at(7, "number=600100200")["held"], Value::Null);
    served.call("GET", "/v1/lists/default/at/7?number=4870*", "").problem(422);
}
