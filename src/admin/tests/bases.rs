use serde_json::json;

use super::*;
use crate::lists::{Action, Digest};

/// A server whose list `vip` has an earlier base and one that waits.
fn served() -> Served {
    let fake = Fake::default();
    let status = eventful(&fake);
    fake.state().statuses.insert("vip".into(), status);
    Served::new(fake)
}

fn holds(served: &Served, number: &str) -> bool {
    served.list("vip").contains(&number.parse().unwrap())
}

#[test]
fn a_rollback_puts_the_base_before_in_force() {
    let served = served();
    let answer = served.call("POST", "/v1/lists/vip/rollback?reason=half%20a%20file", "");
    assert_eq!((answer.status, &answer.json()["generation"]), (200, &json!(8)), "{}", answer.text);
    assert_eq!(answer.json()["set_aside"], Digest::of(b"48221110001").to_string());
    assert_eq!(answer.json()["base"]["digest"], Digest::of(b"48221110002").to_string());
    assert!(holds(&served, "48221110002"));
    assert_eq!(served.backend.told(), [(Action::Rollback, "admin@127.0.0.1".into(), Some("half a file".into()))]);
    served.call("POST", "/v1/lists/vip/rollback", "").problem(409);
}

#[test]
fn a_rollback_goes_to_the_base_that_is_named_and_to_no_other() {
    let served = served();
    let to = |digest: &str| served.call("POST", "/v1/lists/vip/rollback", &json!({"to": digest}).to_string());
    to(&Digest::of(b"never there").to_string()).problem(409);
    assert!(to("12ab").problem(422).starts_with("to: expected 64"));
    assert_eq!(to(&Digest::of(b"48221110002").to_string()).status, 200);
}

#[test]
fn what_is_confirmed_is_what_was_looked_at() {
    let served = served();
    let confirm = |digest: Digest| {
        let body = json!({"digest": digest.to_string(), "reason": "as announced"});
        served.call("POST", "/v1/lists/vip/confirm", &body.to_string())
    };
    let waiting = Digest::of(b"48221110003");
    assert!(confirm(Digest::of(b"another")).problem(409).contains(&waiting.to_string()));
    assert!(!holds(&served, "48221110003"));
    let answer = confirm(waiting);
    assert_eq!((answer.status, &answer.json()["waiting"]), (200, &json!(null)), "{}", answer.text);
    assert!(holds(&served, "48221110003"));
    assert_eq!(served.backend.told(), [(Action::Confirm, "admin@127.0.0.1".into(), Some("as announced".into()))]);
    assert!(confirm(waiting).problem(409).contains("nothing waits"));
    served.call("POST", "/v1/lists/vip/confirm", "").problem(400);
    served.call("POST", "/v1/lists/vip/confirm", "{}").problem(422);
}
