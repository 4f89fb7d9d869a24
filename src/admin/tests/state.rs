use std::time::Duration;

use serde_json::json;

use super::*;
use crate::lists::Action;
use crate::reach::{Place, State};
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
            ("POST", "/v1/campaigns/sale/block/118", ""),
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
    let idle = served.call("GET", "/v1/trunks", "").json()["trunks"][0].clone();
    assert_eq!([&idle["asr"], &idle["acd_seconds"], &idle["pdd_ms"]], [&json!(null); 3]);
    let counters = served.backend.counters.of(&"carrier".into());
    counters.calls_to.seizures.add(3);
    counters.calls_to.answered.add(2);
    for seconds in [60, 121] {
        counters.calls_to.durations.add(Duration::from_secs(seconds));
    }
    counters.post_dial_delay.add(Duration::from_millis(250));
    let trunk = served.call("GET", "/v1/trunks", "").json()["trunks"][0].clone();
    let expected = json!({
        "name": "carrier", "state": "up", "trusted": true, "to": ["udp:127.0.0.2:5060"], "load_balance": "ordered",
        "targets": [{"target": "udp:127.0.0.2:5060", "weight": 1}],
        "calls_from": 1, "calls_to": 0, "calls": 0, "max_calls": null, "max_cps": null,
        "asr": 0.667, "acd_seconds": 90.5, "pdd_ms": 250.0
    });
    assert_eq!(trunk, expected);
    let calls = served.call("GET", "/v1/calls", "").json();
    assert_eq!((&calls["live"], &calls["calls"][0]["seconds"]), (&json!(1), &json!(60)));
}

#[test]
fn a_trunk_that_is_probed_shows_what_is_known_of_its_targets() {
    let served = Served::new(Fake::default());
    let addr = "127.0.0.2:5060".parse().unwrap();
    let target = crate::sip::Target::Address { transport: crate::flow::Transport::Udp, addr };
    let standing = served.backend.reach.enter(&Place { trunk: "carrier".into(), target });
    standing.set(State::Down, WallTime::parse("2026-11-22T11:59:00Z").unwrap());
    standing.tell(|told| told.last = Some(Err("no answer")));
    let shown = served.call("GET", "/v1/trunks", "").json()["trunks"][0]["targets"].clone();
    let expected = json!([{
        "target": "udp:127.0.0.2:5060", "weight": 1, "state": "down", "since": "2026-11-22T11:59:00.000000Z",
        "last": "no answer", "next": null
    }]);
    assert_eq!(shown, expected);
    let call = r#"{"from": "1", "to": "2", "trunk": "carrier"}"#;
    let explained = served.call("POST", "/v1/explain", call).json();
    assert_eq!(explained["verdict"], "pass", "what changes by itself is no part of the decision");
    assert!(explained.to_string().contains("no target of trunk \\\"carrier\\\" answers"), "{explained}");
}

#[test]
fn a_trunk_is_closed_and_opened_with_a_reason_in_the_trail() {
    let served = Served::new(Fake::default());
    let body = r#"{"state": "off", "reason": "it floods us"}"#;
    let answer = served.call("PUT", "/v1/trunks/carrier/state", body);
    let shown = answer.json();
    let told = [&shown["generation"], &shown["name"], &shown["state"]];
    assert_eq!((answer.status, told), (200, [&json!(8), &json!("carrier"), &json!("off")]), "{}", answer.text);
    assert_eq!(served.call("GET", "/v1/trunks", "").json()["trunks"][0]["state"], "off");
    assert_eq!(served.backend.told(), [(Action::Off, "admin@127.0.0.1".into(), Some("it floods us".into()))]);
    let line = served.call("GET", "/v1/edits", "").json()["edits"][0].clone();
    assert_eq!((&line["action"], &line["trunk"], &line["list"]), (&json!("off"), &json!("carrier"), &json!(null)));
    let call = r#"{"from": "1", "to": "2", "trunk": "carrier"}"#;
    let explained = served.call("POST", "/v1/explain", call).json();
    assert_eq!((&explained["verdict"], &explained["status"]), (&json!("trunk-closed"), &json!(500)));
    served.call("PUT", "/v1/trunks/carrier/state?reason=over", r#"{"state": "up"}"#);
    assert_eq!(served.call("POST", "/v1/explain", call).json()["verdict"], "pass");
}

#[test]
fn a_state_that_makes_no_sense_changes_nothing() {
    let served = Served::new(Fake::default());
    assert!(served.call("PUT", "/v1/trunks/carier/state", r#"{"state": "off"}"#).problem(404).contains("carier"));
    for body in ["", r#"{"state": "gone"}"#, r#"{"reason": "why"}"#] {
        let status = served.call("PUT", "/v1/trunks/carrier/state", body).status;
        assert!([400, 422].contains(&status), "{body}: {status}");
    }
    assert!(served.backend.told().is_empty());
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
                    wait_seconds_count 3\nwait_seconds_bucket{le=\"0.5\"} 1\nwait_seconds_bucket{le=\"+Inf\"} 3\n\
                    # HELP delay_seconds Entries in force\n# TYPE delay_seconds histogram\n\
                    delay_seconds_sum{trunk=\"pbx\"} 2.5\ndelay_seconds_count{trunk=\"pbx\"} 3\n\
                    delay_seconds_bucket{le=\"0.5\",trunk=\"pbx\"} 1\ndelay_seconds_bucket{le=\"+Inf\",trunk=\"pbx\"} 3\n";
    assert_eq!(answer.text, expected);
}
