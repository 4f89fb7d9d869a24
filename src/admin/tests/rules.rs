//! Rules, and the modes that somebody sets.

use serde_json::json;

use super::*;
use crate::lists::Action;

#[test]
fn a_rule_shows_its_modes_lists_and_calls() {
    let served = Served::new(Fake::default());
    let expected = json!({
        "name": "hotline", "kind": "inbound", "mode": "enforce", "configured": "enforce", "by_hand": false,
        "action": "decline", "lists": ["default"], "except": [], "calls": {"decided": 3, "observed": 1}
    });
    let all = served.call("GET", "/v1/rules", "").json();
    assert_eq!((&all["generation"], &all["rules"][0]), (&json!(7), &expected));
    let kinds = all["rules"].as_array().unwrap().iter().map(|rule| (&rule["kind"], &rule["name"])).collect::<Vec<_>>();
    let (inbound, campaign) = (&json!("inbound"), &json!("campaign"));
    let names = [(inbound, &json!("hotline")), (campaign, &json!("sale")), (campaign, &json!("plain"))];
    assert_eq!(kinds, names);
    let one = served.call("GET", "/v1/rules/hotline", "").json();
    assert_eq!((&one["generation"], &one["calls"]["decided"]), (&json!(7), &json!(3)));
    assert!(served.call("GET", "/v1/rules/hotlin", "").problem(404).contains("hotlin"));
}

#[test]
fn a_mode_is_set_with_a_reason_in_the_trail_and_decides_at_once() {
    let served = Served::new(Fake::default());
    let call = r#"{"from": "+48221000001", "to": "48221234567", "trunk": "carrier"}"#;
    let verdict = |served: &Served| served.call("POST", "/v1/explain", call).json()["verdict"].clone();
    assert_eq!(verdict(&served), "decline");
    let body = r#"{"mode": "observe", "reason": "it blocks too much"}"#;
    let set = served.call("PUT", "/v1/rules/hotline/mode", body);
    let shown = set.json();
    let told = ["generation", "mode", "configured", "by_hand"].map(|key| shown[key].clone());
    assert_eq!((set.status, told), (200, [json!(8), json!("observe"), json!("enforce"), json!(true)]), "{}", set.text);
    assert_eq!(verdict(&served), "pass");
    let why = Some("it blocks too much".into());
    assert_eq!(served.backend.told(), [(Action::Observe, "admin@127.0.0.1".into(), why)]);
    let line = served.call("GET", "/v1/edits", "").json()["edits"][0].clone();
    assert_eq!((&line["action"], &line["rule"], &line["list"]), (&json!("observe"), &json!("hotline"), &json!(null)));
}

#[test]
fn null_and_delete_go_back_to_what_the_config_says() {
    for (method, body) in [("PUT", r#"{"mode": null}"#), ("DELETE", ""), ("DELETE", r#"{"reason": "over"}"#)] {
        let served = Served::new(Fake::default());
        served.call("PUT", "/v1/rules/hotline/mode", r#"{"mode": "off"}"#);
        let reset = served.call(method, "/v1/rules/hotline/mode", body).json();
        let told = ["generation", "mode", "by_hand"].map(|key| reset[key].clone());
        assert_eq!(told, [json!(9), json!("enforce"), json!(false)], "{method} {body}");
        assert_eq!(served.backend.told().last().map(|(action, ..)| *action), Some(Action::Reset));
    }
}

#[test]
fn a_mode_that_makes_no_sense_changes_nothing() {
    let served = Served::new(Fake::default());
    let off = r#"{"mode": "off"}"#;
    assert!(served.call("PUT", "/v1/rules/hotlin/mode", off).problem(404).contains("hotlin"));
    assert!(served.call("DELETE", "/v1/rules/hotlin/mode", "").problem(404).contains("hotlin"));
    for body in ["", "{}", r#"{"mode": "on"}"#, r#"{"mode": "off", "state": "off"}"#] {
        let status = served.call("PUT", "/v1/rules/hotline/mode", body).status;
        assert!([400, 422].contains(&status), "{body}: {status}");
    }
    assert!(served.backend.told().is_empty());
    let full = Served::new(Fake::failing(StorageFailure::Full("no space left".into())));
    full.call("PUT", "/v1/rules/hotline/mode", off).problem(507);
}
