//! `kill -9` around what is set by hand: what was acknowledged is in force at the next start.

use serde_json::json;

use crate::client::Client;
use crate::daemon::Scene;

fn state(client: &Client) -> String {
    let trunks = client.get("/v1/trunks").expect(200).body;
    trunks["trunks"][0]["state"].as_str().expect("a state").to_owned()
}

#[test]
fn a_trunk_that_was_closed_is_closed_after_a_kill() {
    let scene = Scene::new("");
    for wanted in ["off", "drain", "up", "drain", "off", "up"].repeat(5) {
        let mut daemon = scene.start();
        let before = daemon.client.get("/v1/trunks").expect(200).generation();
        let body = json!({"state": wanted, "reason": "works"}).to_string();
        let answer = daemon.client.ask("PUT", "/v1/trunks/carrier/state", body.as_bytes());
        assert_eq!(answer.expect("it is answered").expect(200).generation(), before + 1);
        daemon.kill();
        let daemon = scene.start();
        assert_eq!(state(&daemon.client), wanted);
        let trail = daemon.client.get("/v1/edits?limit=1").expect(200).body;
        let line = &trail["edits"][0];
        assert_eq!(
            (&line["action"], &line["trunk"], &line["reason"]),
            (&json!(wanted), &json!("carrier"), &json!("works"))
        );
    }
}

#[test]
fn a_mode_that_was_set_is_in_force_after_a_kill() {
    let scene = Scene::new("[[inbound]]\nname = \"hotline\"\nlists = [\"default\"]\n");
    for wanted in [json!("off"), json!("observe"), json!("enforce"), json!(null)].iter().cycle().take(12) {
        let mut daemon = scene.start();
        let before = daemon.client.get("/v1/rules").expect(200).generation();
        let body = json!({"mode": wanted, "reason": "works"}).to_string();
        let answer = daemon.client.ask("PUT", "/v1/rules/hotline/mode", body.as_bytes());
        assert_eq!(answer.expect("it is answered").expect(200).generation(), before + 1);
        daemon.kill();
        let rule = scene.start().client.get("/v1/rules/hotline").expect(200).body;
        let expected = if wanted.is_null() { &json!("enforce") } else { wanted };
        assert_eq!((&rule["mode"], &rule["by_hand"]), (expected, &json!(!wanted.is_null())));
    }
}
