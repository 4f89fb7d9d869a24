use serde_json::json;

use super::*;
use crate::lists::Action;
use crate::screen::Ground;

#[test]
fn campaigns_show_what_became_of_their_calls_over_all_shards() {
    let served = Served::new(Fake::default());
    for (shard, engine) in served.backend.engines.iter().enumerate() {
        let counted = engine.campaigns.of(&"sale".into());
        counted.judged.add(10);
        counted.refused.add(3);
        counted.grounds[Ground::Listed as usize].add(2);
        counted.grounds[Ground::Attempts as usize].add(1);
        engine.verdicts.of(&("sale".into(), "default".into())).refused_callees.add(2);
        counted.answers.add(if shard == 0 { 200 } else { 486 });
    }
    let shown = served.call("GET", "/v1/campaigns/sale", "").json();
    let expected = json!({
        "generation": 7, "name": "sale", "mode": "enforce", "lists": ["default"], "only": null, "hours": false,
        "attempts": "2/3600s", "block_into": "default", "judged": 20, "passed": 14, "refused": 6,
        "grounds": {"listed": 4, "not-consented": 0, "outside-hours": 0, "attempts": 2}, "by_list": {"default": 4},
        "observed": {"listed": 0, "not-consented": 0, "outside-hours": 0, "attempts": 0},
        "answers": {"200": 1, "486": 1}
    });
    assert_eq!(shown, expected);
    let all = served.call("GET", "/v1/campaigns", "").json();
    assert_eq!((&all["campaigns"][0]["judged"], &all["campaigns"][1]["judged"]), (&json!(20), &json!(0)));
    assert_eq!(all["campaigns"][1]["only"], json!(["vip"]));
    assert!(served.call("GET", "/v1/campaigns/sail", "").problem(404).contains("sail"));
}

#[test]
fn a_number_that_is_blocked_is_on_the_campaigns_list_at_once() {
    let served = Served::new(Fake::default());
    let body = r#"{"description": "asked on the phone", "expires": "2027-01-01T00:00:00Z"}"#;
    let answer = served.call("POST", "/v1/campaigns/sale/block/600%20100%20200?reason=call%2017", body);
    let expected = json!({
        "list": "default", "entry": "48600100200", "kind": "number", "date": null, "description": "asked on the phone",
        "expires": "2027-01-01T00:00:00.000000Z", "added_by": "admin@127.0.0.1", "generation": 8
    });
    assert_eq!((answer.status, answer.json()), (201, expected), "{}", answer.text);
    assert!(answer.header("etag").starts_with('"'));
    assert!(served.list("default").contains(&"48600100200".parse().unwrap()));
    assert_eq!(served.backend.told(), [(Action::Put, "admin@127.0.0.1".into(), Some("call 17".into()))]);
    let again = served.call("POST", "/v1/campaigns/sale/block/+48600100200", "");
    assert_eq!((again.status, &again.json()["generation"]), (200, &json!(9)));
    let name = served.call("POST", "/v1/campaigns/sale/block/some.user", "");
    assert_eq!((name.status, &name.json()["kind"]), (201, &json!("user")));
}

#[test]
fn what_cannot_be_blocked_changes_nothing() {
    let served = Served::new(Fake::default());
    let block = |path: &str, body: &str| served.call("POST", &format!("/v1/campaigns/{path}"), body);
    assert!(block("sail/block/48600100200", "").problem(404).contains("sail"));
    assert!(block("plain/block/48600100200", "").problem(409).contains("block_into"));
    for number in ["999", "4870*", "48600000000-48600000009", "anonymous", "unavailable", "4,86E+10"] {
        block(&format!("sale/block/{number}"), "").problem(422);
    }
    block("sale/block/48600100200", r#"{"expires": "soon"}"#).problem(422);
    block("sale/block/48600100200", r#"{"date": "2026-01-01"}"#).problem(422);
    assert!(served.backend.told().is_empty());
}
