//! Trunks that somebody has closed while calls are up.

use std::collections::BTreeMap;
use std::sync::Arc;

use ringfence::screen::TrunkState;

use crate::stage::{CARRIER, Stage, field, from_callee, from_caller, invite};

const CALLEE: &str = "192.0.2.3:5070";

fn close(stage: &mut Stage, trunk: &str, state: TrunkState) {
    stage.world = stage.world.clone().closing(Arc::new(BTreeMap::from([(trunk.into(), state)])));
}

#[test]
fn the_next_call_to_a_drained_trunk_is_answered_without_a_look_at_its_targets() {
    let mut stage = Stage::new();
    close(&mut stage, "pbx", TrunkState::Drain);
    stage.receive(CARRIER, &invite(9));
    assert_eq!(stage.one().status(), 500);
    let record = stage.records().pop().expect("a record");
    assert_eq!((field(&record, "verdict"), field(&record, "status")), ("trunk-closed", "500"));
}

#[test]
fn what_a_trunk_that_is_off_sends_is_answered_500_without_retry_after() {
    let mut stage = Stage::new();
    close(&mut stage, "carrier", TrunkState::Off);
    stage.receive(CARRIER, &invite(9));
    let answer = stage.one();
    assert_eq!((answer.status(), answer.headers("Retry-After").len()), (500, 0));
}

#[test]
fn requests_inside_dialogs_go_on_both_ways() {
    for state in [TrunkState::Drain, TrunkState::Off] {
        let mut stage = Stage::new();
        let (forwarded, answer) = stage.call(&invite(9));
        close(&mut stage, "carrier", state);
        stage.receive(CARRIER, &from_caller("INVITE", 2, &answer));
        assert_eq!(stage.one().to(), CALLEE);
        stage.receive(CALLEE, &from_callee("BYE", 1, &forwarded));
        let sent = stage.sent();
        assert!(sent.iter().any(|sent| sent.is_request("BYE") && sent.to() == CARRIER), "{state:?}");
    }
}

#[test]
fn a_call_for_help_goes_to_a_trunk_that_is_off() {
    let mut stage = Stage::with(&[], "[[route]]\nname = \"help\"\ncalled = [\"112\"]\nto = \"pbx\"\n");
    close(&mut stage, "pbx", TrunkState::Off);
    stage.receive(CARRIER, &invite(9).replace("+48221234567", "112"));
    assert_eq!(stage.one().to(), CALLEE);
}
