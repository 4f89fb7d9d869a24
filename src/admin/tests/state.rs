use serde_json::json;

use super::*;
use crate::lists::Action;
use crate::usage::LiveCall;

#[test]
fn explain_tells_the_verdict_and_its_steps() {
    let served = Served::new(Fake::default());
    let body = r#"{"from": "+48221000001", "to": "48221234567", "trunk": "carrier"}"#;
    let answer = served.call("POST", "/v1/explain", body);
    assert_eq!((answer.status, &answer.json()["status"]), (200, &json!(603)), "{}", answer.text);
    assert_eq!(answer.json()["rule"], "hotline");
    assert_eq!(answer.json()["entry"], "48221000001");
    assert!(!answer.json()["steps"].as_array().unwrap().is_empty());
    let asserted = r#"{"from": "1", "to": "48221234567", "trunk": "carrier",
        "headers": {"p-asserted-identity": "\"A, B\" <sip:+48221000001@h>, <tel:+48221000001>", "Privacy": "id"}}"#;
    assert_eq!(served.call("POST", "/v1/explain", asserted).json()["entry"], "48221000001");
    let unknown = r#"{"from": "1", "to": "2", "trunk": "carier"}"#;
    assert!(served.call("POST", "/v1/explain", unknown).problem(422).contains("carrier"));
    served.call("POST", "/v1/explain", "").problem(400);
    served.call("POST", "/v1/explain", r#"{"from": "1"}"#).problem(422);
}

#[test]
fn a_reload_answers_what_changed_or_where_the_mistake_is() {
    let done = Reloaded {
        generation: 8,
        lists: vec![ListChange { list: "default".into(), before: Some(250), after: Some(251) }],
        restart_needed: vec!["sip.listen".into()],
        ..Reloaded::default()
    };
    let served = Served::new(Fake { reload: Ok(done), ..Fake::default() });
    let answer = served.call("POST", "/v1/reload", "");
    let expected = json!({
        "generation": 8, "lists": [{"list": "default", "before": 250, "after": 251}], "rules": [],
        "restart_needed": ["sip.listen"], "warnings": []
    });
    assert_eq!((answer.status, answer.json()), (200, expected));

    let problem = ReloadProblem {
        detail: "expected digits".into(),
        file: Some("lists/a.csv".into()),
        line: Some(3),
        column: Some(1),
    };
    let served = Served::new(Fake { reload: Err(ReloadFailure::Invalid(vec![problem])), ..Fake::default() });
    let answer = served.call("POST", "/v1/reload", "");
    assert_eq!(answer.problem(422), "lists/a.csv:3:1: expected digits; nothing was changed");
    assert_eq!(served.backend.told(), [(Action::Reload, "admin@127.0.0.1".into(), None)]);
    let place = json!([{"detail": "expected digits", "file": "lists/a.csv", "line": 3, "column": 1}]);
    assert_eq!(answer.json()["errors"], place);
}

#[test]
fn a_full_disk_is_answered_507_and_any_other_trouble_of_the_storage_503() {
    let full = StorageFailure::Full("no space left on the disk".into());
    let other = StorageFailure::Unavailable("input/output error".into());
    for (failure, status) in [(full, 507), (other, 503)] {
        let why = failure.to_string();
        let served =
            Served::new(Fake { reload: Err(ReloadFailure::Storage(failure.clone())), ..Fake::failing(failure) });
        let digest = format!(r#"{{"digest": "{}"}}"#, "0".repeat(64));
        for (method, path, body) in [
            ("PUT", "/v1/lists/default/entries/118", ""),
            ("DELETE", "/v1/lists/default/entries/118", ""),
            ("POST", "/v1/lists/default/edits", r#"{"entry": "118"}"#),
            ("POST", "/v1/lists/default/import", "118\n"),
            ("POST", "/v1/lists/default/rollback", ""),
            ("POST", "/v1/lists/default/confirm", digest.as_str()),
            ("POST", "/v1/lists", r#"{"name": "new", "class": "dnc"}"#),
            ("DELETE", "/v1/lists/vip", ""),
            ("GET", "/v1/edits", ""),
            ("GET", "/v1/lists/vip/at/7", ""),
            ("POST", "/v1/reload", ""),
        ] {
            let told = served.call(method, path, body).problem(status);
            assert!(told.contains(&why), "{method} {path}: {told}");
        }
        assert_eq!(served.backend.world().generation, 7);
    }
}

#[test]
fn trunks_and_calls_show_what_is_up() {
    let served = Served::new(Fake::default());
    let call = LiveCall {
        call_id: "a@b".into(),
        caller: "48600100200".into(),
        callee: "48221234567".into(),
        from_trunk: "carrier".into(),
        to_trunk: "pbx".into(),
        rule: None,
        since: WallTime::parse("2026-11-22T11:59:00Z").unwrap(),
    };
    served.backend.usage.open(1, call);
    let trunk = served.call("GET", "/v1/trunks", "").json()["trunks"][0].clone();
    let expected = json!({
        "name": "carrier", "trusted": true, "to": ["udp:127.0.0.2:5060"], "calls_from": 1, "calls_to": 0
    });
    assert_eq!(trunk, expected);
    let calls = served.call("GET", "/v1/calls", "").json();
    assert_eq!((&calls["live"], &calls["calls"][0]["seconds"]), (&json!(1), &json!(60)));
}

#[test]
fn readiness_follows_the_details_and_health_only_the_process() {
    let served = Served::new(Fake::default());
    assert_eq!(served.call("GET", "/readyz", "").status, 200);
    let served = Served::new(Fake { healthy: false, ..Fake::default() });
    let answer = served.call("GET", "/readyz", "");
    assert_eq!((answer.status, &answer.json()["details"][0]["name"]), (503, &json!("records")));
    assert_eq!(served.call("GET", "/healthz", "").status, 200);
}

#[test]
fn metrics_are_in_the_text_format_of_prometheus() {
    let served = Served::new(Fake::default());
    let answer = served.call("GET", "/metrics", "");
    assert!(answer.header("content-type").starts_with("text/plain; version=0.0.4"));
    let expected = "# HELP list_entries Entries in force\n# TYPE list_entries gauge\nlist_entries{list=\"default\"} 250\n\
                    # HELP entries_total Entries in force\n# TYPE entries_total counter\nentries_total 250\n\
                    # HELP wait_seconds Entries in force\n# TYPE wait_seconds histogram\nwait_seconds_sum 2.5\n\
                    wait_seconds_count 3\nwait_seconds_bucket{le=\"0.5\"} 1\nwait_seconds_bucket{le=\"+Inf\"} 3\n";
    assert_eq!(answer.text, expected);
}
