//! Changes that are tried before callers feel them, and taken back when they do.

use std::process::Command;

use crate::office::{Calls, Office};

const LISTED: &str = "48600100200";
const HOTLINE: &str = "48221234567";

#[test]
fn a_rule_that_does_harm_is_made_to_watch_and_still_does_after_a_restart() {
    let office = Office::of("Inbound calls", Calls::In);
    let mut open = office.opens();
    open.admin("PUT", "/v1/lists/default/entries/48600100200");
    assert_eq!(open.call(LISTED, HOTLINE, &[]).start(), "603 Decline");
    open.puts("/v1/rules/hotline/mode", r#"{"mode": "observe", "reason": "customers complain"}"#);
    for restarted in [false, true] {
        let pbx = open.answering(1);
        assert_eq!(open.call(LISTED, HOTLINE, &[]).start(), "200 OK", "restarted: {restarted}");
        assert_eq!(pbx.was_called().len(), 1);
        open.restart();
    }
    open.puts("/v1/rules/hotline/mode", r#"{"mode": "enforce"}"#);
    assert_eq!(open.call(LISTED, HOTLINE, &[]).start(), "603 Decline");
}

#[test]
fn a_candidate_config_tells_what_it_would_change_of_the_calls_that_were() {
    let office = Office::of("Inbound calls", Calls::In).and("[[list]]\nname = \"default\"\nclass = \"personal\"\n");
    let open = office.opens();
    let pbx = open.answering(2);
    for _ in 0..2 {
        assert_eq!(open.call(LISTED, HOTLINE, &[]).start(), "200 OK");
    }
    pbx.was_called();
    open.ends();

    let replay = |config: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence"));
        command.current_dir(office.dir()).args(["replay", "state/records", "--config", config, "--fail-on-change"]);
        let output = command.output().expect("the binary runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, told) = replay("ringfence.toml");
    assert_eq!(code, Some(0), "{told}");
    office.write_candidate("class = \"personal\"", &format!("class = \"personal\"\nentries = [\"{LISTED}\"]"));
    let (code, told) = replay("candidate.toml");
    assert!(code != Some(0) && told.contains("hotline") && told.contains("default"), "{code:?}: {told}");
}
