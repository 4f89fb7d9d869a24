use serde_json::json;

use super::*;
use crate::lists::Action;

#[test]
fn lists_are_shown_with_class_entries_edits_and_last_load() {
    let served = Served::new(Fake::default());
    let answer = served.call("GET", "/v1/lists", "");
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    let default = json!({
        "name": "default", "class": "personal", "entries": 250, "edits": 0, "made_at_run_time": false, "file": null,
        "format": null, "loaded": "2026-11-22T11:00:00.000000Z", "from_snapshot": false, "base": null, "earlier": [],
        "imports": [], "progress": null, "waiting": null, "set_aside": null, "stale_from": null, "stale": null,
        "alarm": null, "skipped": null, "guessed": 0, "not_utf8": 0
    });
    assert_eq!(answer.json()["generation"], 7);
    assert_eq!(answer.json()["lists"][0], default);
    assert_eq!(served.call("GET", "/v1/lists/our%20numbers", "").json()["class"], "pool");
    assert!(served.call("GET", "/v1/lists/missing", "").problem(404).contains("missing"));
}

#[test]
fn all_that_is_to_be_known_of_a_list_s_files_is_shown() {
    let fake = Fake::default();
    let status = eventful(&fake);
    fake.state().statuses.insert("vip".into(), status);
    let served = Served::new(fake);
    let shown = served.call("GET", "/v1/lists/vip", "").json();
    let digest = |number: &str| crate::lists::Digest::of(number.as_bytes()).to_string();
    let base = |number: &str| {
        let files = json!([{
            "path": "lists/vip.csv", "digest": digest(number), "bytes": 12, "modified": "1970-01-01T00:00:00.000000Z"
        }]);
        json!({"digest": digest(number), "entries": 1, "files": files})
    };
    let noon = "2026-11-22T12:00:00.000000Z";
    for (member, value) in [
        ("format", json!("csv")),
        ("loaded", json!(noon)),
        ("from_snapshot", json!(true)),
        ("base", base("48221110001")),
        ("earlier", json!([base("48221110002")])),
        ("progress", json!({"bytes": 6, "total_bytes": 12, "rows": 1})),
        ("stale_from", json!(noon)),
        ("stale", json!({"since": noon, "does": "pass"})),
        ("alarm", json!("the file is cut off")),
        ("guessed", json!(2)),
        ("not_utf8", json!(3)),
    ] {
        assert_eq!(shown[member], value, "{member}");
    }
    let waiting = json!({
        "digest": digest("48221110003"), "entries": 1, "added": 1, "removed": 1, "changed_percent": 200.0,
        "max_change": 30.0
    });
    assert_eq!(shown["waiting"], waiting);
    let row = json!({
        "line": 3, "column": 1, "cell": "48x", "kind": "missing",
        "detail": "the row has no such column: expected a number there"
    });
    assert_eq!(shown["skipped"], json!({"rejected": 1, "kinds": {"missing": 1}, "errors": [row]}));
}

#[test]
fn a_list_is_made_and_removed_at_run_time() {
    let served = Served::new(Fake::default());
    let made = served.call("POST", "/v1/lists", r#"{"name": "spring 2026", "class": "dnc", "reason": "ticket 7"}"#);
    assert_eq!((made.status, made.header("location")), (201, "/v1/lists/spring%202026"), "{}", made.text);
    assert_eq!((&made.json()["generation"], &made.json()["made_at_run_time"]), (&json!(8), &json!(true)));
    assert_eq!(served.call("GET", made.header("location"), "").json()["class"], "dnc");
    assert_eq!(served.call("PUT", "/v1/lists/spring%202026/entries/48600100200", "").status, 201);
    let removed = served.call("DELETE", "/v1/lists/spring%202026?reason=over", "");
    assert_eq!((removed.status, removed.text.as_str()), (204, ""));
    served.call("GET", "/v1/lists/spring%202026", "").problem(404);
    served.call("DELETE", "/v1/lists/spring%202026", "").problem(404);
    let told = served.backend.told();
    assert_eq!(told.first(), Some(&(Action::Make, "admin@127.0.0.1".into(), Some("ticket 7".into()))));
    assert_eq!(told.last(), Some(&(Action::Unmake, "admin@127.0.0.1".into(), Some("over".into()))));
}

#[test]
fn a_list_of_the_config_is_neither_made_again_nor_removed() {
    let served = Served::new(Fake::default());
    let twice = served.call("POST", "/v1/lists", r#"{"name": "vip", "class": "allow"}"#).problem(409);
    assert_eq!(twice, "there is a list \"vip\" already");
    assert!(served.call("DELETE", "/v1/lists/vip", "").problem(409).contains("the config names"));
    assert_eq!(served.backend.world().generation, 7);
}

#[test]
fn a_list_s_name_fits_into_a_path_and_a_line_of_text() {
    let served = Served::new(Fake::default());
    let make = |name: &str| {
        let body = json!({"name": name, "class": "dnc"}).to_string();
        served.call("POST", "/v1/lists", &body)
    };
    for name in ["", " a", "a ", "a/b", "a\nb", "a\u{0}b", "..", "a?b", "a%b", "a\"b", &"a".repeat(65)] {
        assert!(make(name).problem(422).starts_with("name: "), "{name}");
    }
    for name in ["a", "zażółć", "v1.2_a-b", "two words", &"a".repeat(64)] {
        assert_eq!(make(name).status, 201, "{name}");
    }
    let unknown = served.call("POST", "/v1/lists", r#"{"name": "x", "class": "dnd"}"#).problem(422);
    assert!(unknown.contains("unknown variant `dnd`"), "{unknown}");
    served.call("POST", "/v1/lists", "").problem(400);
}
