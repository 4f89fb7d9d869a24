//! `kill -9` around the closing of trunks: what was acknowledged is in force at the next start.

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
