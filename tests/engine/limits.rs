//! How many calls a trunk takes, at once and in a second.

use std::time::Duration;

use ringfence::counters::Limit;

use crate::stage::{CARRIER, Sent, Stage, field, from_caller, invite, ok, response};

const PBX: &str = "name = \"pbx\"";
const HELP: &str = "[[route]]\nname = \"help\"\ncalled = [\"112\"]\nto = \"pbx\"\n";
const CALLEE: &str = "192.0.2.3:5070";

/// A stage whose pbx has further keys.
fn stage(keys: &str) -> Stage {
    Stage::with(&[(PBX, &format!("{PBX}\n{keys}"))], HELP)
}

/// A call of its own.
fn call(number: u32) -> String {
    let own = invite(9).replace("Call-ID: call", &format!("Call-ID: call{number}"));
    own.replace("z9hG4bKinvite", &format!("z9hG4bKinvite{number}"))
}

/// Another call comes; the INVITE that goes on, or the answer.
#[track_caller]
fn dial(stage: &mut Stage, number: u32) -> Sent {
    stage.receive(CARRIER, &call(number));
    stage.one()
}

fn taken(stage: &Stage) -> [u64; 2] {
    ["carrier", "pbx"].map(|trunk| stage.usage.load(&trunk.into()).seats())
}

fn limited(stage: &Stage, trunk: &str, limit: Limit) -> u64 {
    stage.counters().trunks.of(&trunk.into()).limited(limit).get()
}

fn statuses(sent: &[Sent]) -> Vec<u16> {
    sent.iter().filter(|sent| sent.to() == CARRIER).map(Sent::status).collect()
}

#[test]
fn beyond_max_calls_the_routes_unavailable_is_answered_and_recorded() {
    let mut stage = stage("max_calls = 2");
    assert!(dial(&mut stage, 1).is_request("INVITE") && dial(&mut stage, 2).is_request("INVITE"));
    assert_eq!(dial(&mut stage, 3).status(), 500);
    assert_eq!((taken(&stage), limited(&stage, "pbx", Limit::Calls)), ([2, 2], 1));
    let record = stage.records().pop().expect("a record");
    assert_eq!((field(&record, "verdict"), field(&record, "status")), ("pass", "500"));
    // It comes again for want of an answer, and is no other call.
    assert_eq!(dial(&mut stage, 3).status(), 500);
    assert_eq!(limited(&stage, "pbx", Limit::Calls), 1);
}

#[test]
fn a_trunk_says_in_its_own_words_that_it_is_full() {
    let mut stage = stage("max_calls = 1\nreply = \"486 All lines busy\"");
    dial(&mut stage, 1);
    assert_eq!(dial(&mut stage, 2).first_line(), "SIP/2.0 486 All lines busy");
}

#[test]
fn the_limit_of_the_trunk_that_calls_counts_as_that_of_the_one_that_is_called() {
    let carrier = "name = \"carrier\"";
    let mut stage = Stage::with(&[(carrier, &format!("{carrier}\nmax_calls = 1\nreply = \"480 Full\""))], "");
    dial(&mut stage, 1);
    assert_eq!(dial(&mut stage, 2).status(), 480);
    assert_eq!((taken(&stage), limited(&stage, "carrier", Limit::Calls)), ([1, 1], 1));
}

#[test]
fn a_call_holds_its_place_until_its_bye() {
    let mut stage = stage("max_calls = 1");
    let (_, answer) = stage.call(&invite(9));
    assert_eq!(dial(&mut stage, 2).status(), 500);
    stage.receive(CARRIER, &from_caller("BYE", 2, &answer));
    let bye = stage.one();
    assert_eq!(taken(&stage), [1, 1]);
    stage.receive(CALLEE, &response(&bye, 200, "")).sent();
    assert_eq!(taken(&stage), [0, 0]);
    assert!(dial(&mut stage, 3).is_request("INVITE"));
}

#[test]
fn a_call_whose_bye_is_lost_holds_its_place_until_it_expires() {
    let mut stage = stage("max_calls = 1");
    stage.call(&invite(9));
    stage.wait(Duration::from_secs(12 * 3_600 - 1));
    assert_eq!(taken(&stage), [1, 1]);
    stage.wait(Duration::from_secs(1));
    assert_eq!(taken(&stage), [0, 0]);
}

#[test]
fn a_call_that_fails_gives_its_place_back() {
    for status in [404, 486, 503, 603] {
        let mut stage = stage("max_calls = 1\nfailover_on = [500]");
        let sent = dial(&mut stage, 1);
        stage.receive(CALLEE, &response(&sent, status, "")).sent();
        assert_eq!(taken(&stage), [0, 0], "{status}");
    }
}

#[test]
fn a_call_that_no_target_answers_gives_its_place_back() {
    let mut stage = stage("max_calls = 1");
    dial(&mut stage, 1);
    stage.wait(Duration::from_secs(8));
    assert_eq!(statuses(&stage.sent()), [100, 500]);
    assert_eq!(taken(&stage), [0, 0]);
}

#[test]
fn a_cancelled_call_gives_its_place_back_once_it_is_over() {
    let mut stage = stage("max_calls = 1");
    let sent = dial(&mut stage, 1);
    stage.receive(CALLEE, &response(&sent, 180, "")).sent();
    let cancel = call(1).replace("INVITE sip", "CANCEL sip").replace("1 INVITE", "1 CANCEL");
    stage.receive(CARRIER, &cancel).sent();
    assert_eq!(taken(&stage), [1, 1]);
    stage.receive(CALLEE, &response(&sent, 487, "")).sent();
    assert_eq!(taken(&stage), [0, 0]);
}

#[test]
fn each_call_of_a_fork_has_a_place_of_its_own() {
    let mut stage = stage("max_calls = 1");
    let (sent, first) = stage.call(&invite(9));
    stage.receive(CALLEE, &ok(&sent).replace("tag=callee", "tag=other"));
    let other = stage.one();
    assert_eq!(taken(&stage), [2, 2]);
    for (cseq, answer) in [(2, first), (3, other)] {
        stage.receive(CARRIER, &from_caller("BYE", cseq, &answer));
        let bye = stage.one();
        stage.receive(CALLEE, &response(&bye, 200, "")).sent();
    }
    assert_eq!(taken(&stage), [0, 0]);
}

#[test]
fn beyond_max_cps_a_call_waits_for_its_second() {
    let mut stage = stage("max_cps = 2");
    assert!(dial(&mut stage, 1).is_request("INVITE") && dial(&mut stage, 2).is_request("INVITE"));
    assert_eq!(dial(&mut stage, 3).status(), 500);
    assert_eq!((taken(&stage), limited(&stage, "pbx", Limit::Rate)), ([2, 2], 1));
    stage.millis(499).sent();
    assert_eq!(dial(&mut stage, 4).status(), 500);
    stage.millis(1).sent();
    assert!(dial(&mut stage, 5).is_request("INVITE"));
}

#[test]
fn a_call_that_the_next_trunk_cannot_take_costs_the_first_no_turn() {
    let carrier = "name = \"carrier\"";
    let changes = [(PBX, &*format!("{PBX}\nmax_cps = 1")), (carrier, &*format!("{carrier}\nmax_cps = 2"))];
    let mut stage = Stage::with(&changes, "");
    assert!(dial(&mut stage, 1).is_request("INVITE"));
    assert_eq!(dial(&mut stage, 2).status(), 500);
    assert_eq!(dial(&mut stage, 3).status(), 500);
    assert_eq!([limited(&stage, "pbx", Limit::Rate), limited(&stage, "carrier", Limit::Rate)], [2, 0]);
}

#[test]
fn a_call_for_help_passes_every_limit_and_counts() {
    let mut stage = stage("max_calls = 1\nmax_cps = 1");
    let help = |stage: &mut Stage, number| {
        stage.receive(CARRIER, &call(number).replace("+48221234567", "112"));
        assert!(stage.one().is_request("INVITE"));
    };
    (1..4).for_each(|number| help(&mut stage, number));
    assert_eq!(taken(&stage), [3, 3]);
    assert_eq!(dial(&mut stage, 5).status(), 500);
}

#[test]
fn a_limit_that_comes_with_a_reload_knows_the_calls_of_before() {
    let mut stage = Stage::new();
    let _ = stage.call(&invite(9));
    stage.reload(&[(PBX, &format!("{PBX}\nmax_calls = 1"))], "");
    assert_eq!(dial(&mut stage, 2).status(), 500);
}
