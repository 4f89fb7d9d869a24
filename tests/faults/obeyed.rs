//! What was acknowledged decides the very next call.

use std::fmt::Write as _;

use crate::caller::{DECLINED, PASSED};
use crate::client::Client;
use crate::daemon::Scene;

const LISTS: &str = r#"
[[list]]
name = "register"
class = "dnc"
file = "register.csv"
max_change = 30
[[inbound]]
name = "hotline"
lists = ["default", "register"]
"#;

#[test]
fn an_acknowledged_edit_decides_the_very_next_call() {
    let scene = Scene::new("[[inbound]]\nname = \"hotline\"\nlists = [\"default\"]\n");
    let daemon = scene.start();
    let caller = daemon.caller();
    for round in 0..ROUNDS {
        let number = format!("48600100{round:03}");
        assert_eq!(daemon.client.put(&number).status, 201);
        assert_eq!(caller.call_from(&number), DECLINED, "round {round}");
        assert_eq!(daemon.client.remove(&number).status, 204);
        assert_eq!(caller.call_from(&number), PASSED, "round {round}");
    }
    assert_eq!(daemon.client.put("48600100*").status, 201);
    assert_eq!(caller.call_from("48600100999"), DECLINED);
}

#[test]
fn imports_groups_and_reloads_decide_the_very_next_call() {
    let scene = Scene::new(LISTS);
    scene.write("register.csv", "48600100001\n");
    let daemon = scene.start();
    let (client, caller) = (&daemon.client, daemon.caller());
    let import = |file: &str| client.post("/v1/lists/default/import", file).expect(200);

    import("48600100002\n48600100003\n");
    assert_eq!(caller.call_from("48600100002"), DECLINED);
    let group = "{\"entry\":\"48600100004\"}\n{\"entry\":\"48600100002\",\"change\":\"remove\"}\n";
    client.post("/v1/lists/default/edits", group).expect(200);
    assert_eq!([caller.call_from("48600100004"), caller.call_from("48600100002")], [DECLINED, PASSED]);

    let mut large = String::from("48600100005\n");
    for number in 0..100_000_u64 {
        let _ = writeln!(large, "{}", 48_700_000_000 + number);
    }
    assert!(import(&large).body["digest"].is_string(), "as a file");
    assert_eq!([caller.call_from("48600100005"), caller.call_from("48600100004")], [DECLINED, DECLINED]);

    scene.write("register.csv", "48600100001\n48600100006\n");
    // Twice the entries: it waits.
    client.reload().expect(200);
    assert_eq!(caller.call_from("48600100006"), PASSED);
    confirm(client);
    assert_eq!(caller.call_from("48600100006"), DECLINED);
    client.post("/v1/lists/register/rollback", "").expect(200);
    assert_eq!([caller.call_from("48600100006"), caller.call_from("48600100001")], [PASSED, DECLINED]);
}

#[test]
fn a_list_made_at_run_time_decides_calls_until_it_is_dropped() {
    // Rules name the list by the config; it is there as soon as it is made.
    let scene = Scene::new("");
    let daemon = scene.start();
    let client = &daemon.client;
    client.post("/v1/lists", r#"{"name": "tonight", "class": "dnc"}"#).expect(201);
    client.post("/v1/lists/tonight/import", "48600100001\n").expect(200);
    let scene = scene.with_rules("[[inbound]]\nname = \"hotline\"\nlists = [\"tonight\"]\n");
    client.reload().expect(200);
    let caller = daemon.caller();
    assert_eq!(caller.call_from("48600100001"), DECLINED);
    let refused = client.ask("DELETE", "/v1/lists/tonight", b"").expect("an answer").expect(409);
    assert!(refused.detail().contains("tonight"), "{refused:?}");
    assert_eq!(caller.call_from("48600100001"), DECLINED, "a list that a rule names stays");

    let _scene = scene.with_rules("");
    client.reload().expect(200);
    assert_eq!(caller.call_from("48600100001"), PASSED);
    client.ask("DELETE", "/v1/lists/tonight", b"").expect("an answer").expect(204);
    client.get("/v1/lists/tonight").expect(404);
}

fn confirm(client: &Client) {
    let waiting = &client.list("register")["waiting"]["digest"];
    client.post("/v1/lists/register/confirm", format!("{{\"digest\": {waiting}}}")).expect(200);
}

/// Twice as many calls follow at the heels of an edit.
const ROUNDS: u32 = 200;
