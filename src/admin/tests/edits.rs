use serde_json::{Value, json};

use super::*;
use crate::lists::Action;

fn edits(served: &Served, body: &str) -> Answer {
    served.call("POST", "/v1/lists/default/edits", body)
}

#[test]
fn a_group_of_edits_is_made_as_one() {
    let served = Served::new(Fake::default());
    let body = "{\"entry\": \"600 100 200\", \"description\": \"rings at night\", \"date\": \"2026-03-25\"}\r\n\
        \n  \n{\"entry\": \"48221000001\", \"change\": \"remove\"}\n{\"change\": \"put\", \"entry\": \"48221000002\"}";
    let answer = served.call("POST", "/v1/lists/default/edits?reason=complaints", body);
    let expected = json!({"generation": 10, "added": 1, "changed": 1, "removed": 1});
    assert_eq!((answer.status, answer.json()), (200, expected));
    let entry = served.call("GET", "/v1/lists/default/entries/48600100200", "").json();
    assert_eq!((&entry["description"], &entry["added_by"]), (&json!("rings at night"), &json!("admin@127.0.0.1")));
    served.call("GET", "/v1/lists/default/entries/48221000001", "").problem(404);
    let actions: Vec<Action> = served.backend.told().into_iter().map(|(action, ..)| action).collect();
    assert_eq!(actions, [Action::Put, Action::Remove, Action::Put]);
    assert!(served.backend.told().iter().all(|(_, _, reason)| reason.as_deref() == Some("complaints")));
}

#[test]
fn each_wrong_line_is_told_and_then_none_is_done() {
    let served = Served::new(Fake::default());
    let body = "{\"entry\": \"48600100200\"}\n{\"entry\": \"48x\"}\n\n{\"entry\": 1}\n[\"48600100201\"]\n\
        {\"entry\": \"48600100202\", \"when\": 1}\n{\"entry\": \"48600100203\", \"date\": \"2026-02-30\"}\n\
        {\"entry\": \"48600100204\", \"change\": \"remove\"}\n\
        {\"entry\": \"48221000001\", \"change\": \"remove\", \"date\": \"2026-02-03\"}\n{\"entry\": \"4*\"";
    let answer = edits(&served, body);
    assert_eq!(answer.problem(422), "8 lines are wrong; nothing was changed");
    let told: Vec<(u64, String)> = answer.json()["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["line"].as_u64().unwrap(), error["detail"].as_str().unwrap().to_owned()))
        .collect();
    let expected = [
        (2, "\"48x\" is no entry"),
        (4, "invalid type: integer `1`, expected a string"),
        (5, "expected a JSON object"),
        (6, "unknown field `when`"),
        (7, "date \"2026-02-30\""),
        (8, "48600100204 is not in the list"),
        (9, "what is removed needs no details"),
        (10, "EOF while parsing"),
    ];
    assert_eq!(told.len(), expected.len());
    for ((line, detail), (expected_line, expected)) in told.iter().zip(expected) {
        assert!(*line == expected_line && detail.starts_with(expected), "{line}: {detail}");
    }
    assert_eq!(answer.json()["errors"][1]["column"], 11);
    assert_eq!(answer.json()["errors"][0]["column"], Value::Null);
    assert_eq!(served.backend.world().generation, 7);
}

#[test]
fn a_line_is_judged_after_those_before_it() {
    let served = Served::new(Fake::default());
    let (put, remove) = ("{\"entry\": \"48600100200\"}\n", "{\"entry\": \"48600100200\", \"change\": \"remove\"}\n");
    let answer = edits(&served, &[put, remove, put].concat());
    assert_eq!(answer.json(), json!({"generation": 10, "added": 2, "changed": 0, "removed": 1}));
    assert_eq!(edits(&served, &[remove, remove].concat()).problem(422).split(':').next(), Some("line 2"));
    assert_eq!(served.backend.world().generation, 10);
}

#[test]
fn an_edit_that_only_the_backend_refuses_is_told_with_its_line() {
    let served = Served::new(Fake::default());
    let answer = edits(&served, "\n{\"entry\": \"48600100200\"}\n\n{\"entry\": \"999\"}\n");
    let told = answer.problem(422);
    assert!(told.starts_with("line 4: ") && told.contains("never_block"), "{told}");
    assert_eq!(answer.json()["errors"][0]["line"], 4);
    assert_eq!(served.backend.world().generation, 7);
    let pool = served.call("POST", "/v1/lists/our%20numbers/edits", "{\"entry\": \"4870*\"}");
    assert!(pool.problem(422).contains("numbers and ranges"), "{}", pool.text);
}

#[test]
fn a_hundred_wrong_lines_are_told_and_all_are_counted() {
    let served = Served::new(Fake::default());
    let answer = edits(&served, &"{\"entry\": \"\"}\n".repeat(150));
    assert_eq!(answer.problem(422), "150 lines are wrong; nothing was changed");
    assert_eq!((answer.json()["errors"].as_array().unwrap().len(), &answer.json()["rejected"]), (100, &json!(150)));
}

#[test]
fn a_group_has_bounds() {
    let served = Served::new(Fake::default());
    let lines: String = (0..100_001).map(|number| format!("{{\"entry\": \"486{number:08}\"}}\n")).collect();
    let told = edits(&served, &lines).problem(422);
    assert!(told.starts_with("line 100001: expected at most 100000 edits"), "{told}");
    edits(&served, &" ".repeat((32 << 20) + 1)).problem(413);
    edits(&served, "\n\n").problem(422);
    served.call("POST", "/v1/lists/missing/edits", "{\"entry\": \"112\"}").problem(404);
    let long = format!("/v1/lists/default/edits?reason={}", "x".repeat(501));
    assert!(served.call("POST", &long, "{\"entry\": \"112\"}").problem(422).contains("at most 500 bytes"));
    let control = served.call("POST", "/v1/lists/default/edits?reason=a%0Ab", "{\"entry\": \"112\"}");
    assert!(control.problem(422).contains("0x0a"), "{}", control.text);
    assert_eq!(served.backend.world().generation, 7);
}
