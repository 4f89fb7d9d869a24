use serde_json::{Value, json};

use super::*;

/// A record of these columns.
fn recorded(columns: &[(&'static str, &str)]) -> RecordedCall {
    RecordedCall(columns.iter().map(|(name, value)| (*name, (*value).to_owned())).collect())
}

const ID: &str = "6921a5c0-0123456789abcdef";

/// Blocked at noon of 2025-11-22, which the id tells, through an entry of the list "default".
fn blocked(caller: &'static str, entry: &'static str) -> RecordedCall {
    recorded(&[
        ("event", "call"),
        ("time", "2025-11-22T12:00:00.250000Z"),
        ("call_id", "1@pbx"),
        ("method", "INVITE"),
        ("privacy", ""),
        ("verdict", "decline"),
        ("rule", "hotline"),
        ("list", "default"),
        ("entry", entry),
        ("generation", "7"),
        ("draw", "81985529216486895"),
        ("reason", "v=analytics1;url=https://redress.example.com;id=6921a5c0-0123456789abcdef"),
        ("caller", caller),
        ("callee", "48225550142"),
        ("status", "603"),
        ("duration_ms", ""),
    ])
}

fn served(recorded: Vec<RecordedCall>) -> Served {
    Served::new(Fake { recorded, ..Fake::default() })
}

#[test]
fn without_a_query_the_calls_that_are_up_are_shown_and_with_one_those_of_the_past() {
    let recorded = vec![blocked("48221000001", "48221000001")];
    let served = Served::new(Fake { recorded, unread: vec!["calls-1: no".into()], ..Fake::default() });
    for path in ["/v1/calls", "/v1/calls?live", "/v1/calls?live=true"] {
        assert_eq!(served.call("GET", path, "").json(), json!({"live": 0, "calls": []}));
    }
    let past = served.call("GET", "/v1/calls?number=%2B48-221-000-001", "").json();
    let call = &past["calls"][0];
    let shown = [&call["call_id"], &call["status"], &call["draw"], &call["duration_ms"], &call["event"]];
    assert_eq!(shown, [&json!("1@pbx"), &json!(603), &json!("81985529216486895"), &Value::Null, &Value::Null]);
    assert!(call.as_object().unwrap().contains_key("duration_ms") && !call.as_object().unwrap().contains_key("event"));
    let rest = [&past["next"], &past["reached"], &past["damaged"], &past["unread"]];
    assert_eq!(rest, [&Value::Null, &json!("2025-11-22T12:00:00.250000Z"), &json!(1), &json!(["calls-1: no"])]);
}

#[test]
fn pages_of_calls_follow_each_other() {
    let served = served(["48221000001", "48221000002"].map(|caller| blocked(caller, caller)).to_vec());
    let first = served.call("GET", "/v1/calls?limit=1", "").json();
    assert_eq!((&first["calls"][0]["caller"], &first["next"]), (&json!("48221000001"), &json!("1")));
    let second = served.call("GET", "/v1/calls?limit=1&after=1", "").json();
    assert_eq!((&second["calls"][0]["caller"], &second["next"]), (&json!("48221000002"), &Value::Null));
}

#[test]
fn a_search_that_makes_no_sense_is_told_what_was_expected() {
    let served = served(vec![]);
    for (path, expected) in [
        ("/v1/calls?number=4870*", "names many numbers"),
        ("/v1/calls?number=4,86E%2B10", "no number"),
        ("/v1/calls?since=yesterday", "expected a time such as 2026-03-25T08:00:00Z"),
        ("/v1/calls?since=2026-11-22T12:00:01Z&until=2026-11-22T12:00:00Z", "after `until`"),
        ("/v1/calls?verdict=block", "expected one of decline, redirect"),
        ("/v1/calls?limit=0", "expected 1 to 1000"),
        ("/v1/calls?limit=1001", "expected 1 to 1000"),
        ("/v1/calls?after=behind", "expected a place"),
        ("/v1/calls?live&number=48221000001", "nothing else"),
        ("/v1/calls?live=false", "expected `live` or `live=true`"),
        ("/v1/blocked?number=4870*", "names many numbers"),
        ("/v1/blocked?number=48225550142&since=1", "expected a time"),
        ("/v1/blocked?number=48225550142&limit=0", "expected 1 to 1000"),
    ] {
        let detail = served.call("GET", path, "").problem(422);
        assert!(detail.contains(expected), "{path}: {detail}");
    }
    for path in ["/v1/calls?numbr=1", "/v1/blocked", "/v1/calls?limit=-1"] {
        served.call("GET", path, "").problem(400);
    }
    let served = Served::new(Fake::failing(StorageFailure::Unavailable("no folder".into())));
    assert_eq!(served.call("GET", "/v1/calls?number=48221000001", "").problem(503), "no folder");
}

#[test]
fn a_subscriber_is_told_which_calls_were_kept_from_him_and_not_who_asked_for_privacy() {
    let mut hidden = blocked("48221000002", "48221000002");
    hidden.0.iter_mut().find(|(name, _)| *name == "privacy").unwrap().1 = "yes".into();
    let calls = vec![blocked("48221000001 48221000009", "4822100*"), hidden, blocked("anonymous", "anonymous")];
    let served = served(calls);
    let path = "/v1/blocked?number=22-555-01-42&since=2025-11-01T00:00:00Z";
    let answer = served.call("GET", path, "");
    let told = answer.json();
    assert_eq!(told["number"], "48225550142");
    let callers: Vec<&Value> = told["calls"].as_array().unwrap().iter().map(|call| &call["caller"]).collect();
    assert_eq!(callers, [&json!("48221000001"), &Value::Null, &Value::Null]);
    assert!(!answer.text.contains("48221000002") && !answer.text.contains("1@pbx"), "{}", answer.text);
    let first = json!({
        "time": "2025-11-22T12:00:00.250000Z", "method": "INVITE", "caller": "48221000001", "verdict": "decline", "rule": "hotline",
        "list": "default", "status": 603
    });
    assert_eq!((&told["calls"][0], &told["more"]), (&first, &json!(false)));
    assert_eq!(told["complete_since"], "2025-11-22T12:00:00.250000Z", "there is no earlier record");
    let told = served.call("GET", &format!("{path}&limit=1"), "").json();
    assert_eq!((told["calls"].as_array().unwrap().len(), &told["more"]), (1, &json!(true)));
    let told = served.call("GET", "/v1/blocked?number=48225550142", "").json();
    assert_eq!((&told["calls"], &told["complete_since"]), (&json!([]), &json!("2026-10-25T12:00:00.000000Z")));
}

#[test]
fn an_id_leads_to_the_call_and_the_entry_and_release_removes_it() {
    let served = served(vec![blocked("48221000001", "48221000001")]);
    let told = served.call("GET", &format!("/v1/redress/{ID}"), "").json();
    assert_eq!([&told["id"], &told["list"], &told["entry"]], [ID, "default", "48221000001"]);
    assert_eq!((&told["in_force"], &told["call"]["callee"]), (&json!(true), &json!("48225550142")));
    let released = served.call("POST", &format!("/v1/redress/{ID}/release"), r#"{"reason": "ticket 7"}"#);
    let expected = json!({"id": ID, "list": "default", "entry": "48221000001", "generation": 8});
    assert_eq!((released.status, released.json()), (200, expected));
    let reason = Some(format!("redress {ID}: ticket 7"));
    assert_eq!(served.backend.told(), [(crate::lists::Action::Remove, "admin@127.0.0.1".into(), reason)]);
    let told = served.call("GET", &format!("/v1/redress/{ID}"), "").json();
    assert_eq!(told["in_force"], false);
    let again = served.call("POST", &format!("/v1/redress/{ID}/release"), "").problem(409);
    assert!(again.contains("does not hold 48221000001 any more"), "{again}");
}

#[test]
fn an_entry_that_stands_for_many_is_released_only_when_it_is_named() {
    for (caller, entry) in [("48221000001", "4822100*"), ("anonymous", "anonymous"), ("48221000001", "48221000002")] {
        let served = served(vec![blocked(caller, entry)]);
        assert_eq!(served.call("PUT", &format!("/v1/lists/default/entries/{entry}"), "").status / 100, 2);
        let path = format!("/v1/redress/{ID}/release");
        let refused = served.call("POST", &path, "");
        assert!(refused.problem(409).contains(&format!("{{\"entry\": \"{entry}\"}}")), "{}", refused.text);
        assert_eq!((&refused.json()["list"], &refused.json()["entry"]), (&json!("default"), &json!(entry)));
        served.call("POST", &path, r#"{"entry": "48*"}"#).problem(409);
        assert!(served.list("default").contains(&entry.parse().unwrap()));
        assert_eq!(served.call("POST", &path, &json!({"entry": entry}).to_string()).status, 200);
        assert!(!served.list("default").contains(&entry.parse().unwrap()));
    }
}

#[test]
fn an_id_whose_record_cannot_be_read_is_not_called_unknown() {
    let unread = vec!["calls-20251122: it has no column `reason`".to_owned()];
    let recorded = vec![blocked("48221000001", "48221000001")];
    let served = Served::new(Fake { recorded, unread, ..Fake::default() });
    let other = "/v1/redress/6921a5c1-0123456789abcdef";
    for (method, path) in [("GET", other.to_owned()), ("POST", format!("{other}/release"))] {
        let detail = served.call(method, &path, "").problem(503);
        assert!(detail.contains("calls-20251122: it has no column `reason`"), "{detail}");
    }
    assert_eq!(served.call("GET", &format!("/v1/redress/{ID}"), "").status, 200, "what was found was found");
}

#[test]
fn an_id_that_leads_to_nothing_is_unknown_or_gone() {
    let served = served(vec![blocked("48221000001", "48221000001")]);
    for id in ["0123456789abcdef", "6921a5c0-0123456789abcdeg", "6921a5c0-", "x"] {
        assert!(served.call("GET", &format!("/v1/redress/{id}"), "").problem(404).contains("expected an id such as"));
    }
    let other = "/v1/redress/6921a5c1-0123456789abcdef";
    assert!(served.call("GET", other, "").problem(404).contains("no call was answered"));
    let early = "/v1/redress/60000000-0123456789abcdef";
    assert!(served.call("GET", early, "").problem(410).contains("no longer kept"));
    served.call("POST", &format!("{early}/release"), "").problem(410);
    served.call("POST", &format!("/v1/redress/{ID}/release"), "[]").problem(422);
}
