//! What is counted of calls for both of their trunks: seizures, answers, what callers wait and how long they talk.

use std::time::Duration;

use ringfence::counters::CallQuality;

use crate::stage::{CARRIER, Sent, Stage, from_caller, invite, ok, response};

const CALLEE: &str = "192.0.2.3:5070";
const SECOND: &str = "192.0.2.4:5070";

/// Seizures, answers and ended calls of the calls from a trunk and to it.
fn counted(stage: &Stage, trunk: &str) -> [[u64; 3]; 2] {
    let counters = stage.counters().trunks.of(&trunk.into());
    [&counters.calls_from, &counters.calls_to]
        .map(|calls| [calls.seizures.get(), calls.answered.get(), calls.durations.values().count()])
}

/// What the calls to a trunk come to: the ratio of answers, and the means of duration and delay.
fn quality(stage: &Stage, trunk: &str) -> (Option<f64>, Option<f64>, Option<f64>) {
    let quality = CallQuality::default().plus(&stage.counters().trunks.of(&trunk.into()));
    (quality.answer_ratio(), quality.mean_duration(), quality.mean_delay())
}

fn delays(stage: &Stage) -> u64 {
    stage.counters().trunks.of(&"pbx".into()).post_dial_delay.values().count()
}

/// The INVITE as it goes to the callee.
fn dialled(stage: &mut Stage) -> Sent {
    stage.receive(CARRIER, &invite(9));
    stage.one()
}

fn hang_up(stage: &mut Stage, answer: &Sent) {
    stage.receive(CARRIER, &from_caller("BYE", 2, answer));
    let bye = stage.one();
    stage.receive(CALLEE, &response(&bye, 200, "")).sent();
}

#[test]
fn a_call_counts_for_the_trunk_that_it_came_from_and_for_the_one_that_it_went_to() {
    let mut stage = Stage::new();
    let sent = dialled(&mut stage);
    assert_eq!((counted(&stage, "carrier"), counted(&stage, "pbx")), ([[1, 0, 0], [0; 3]], [[0; 3], [1, 0, 0]]));
    stage.millis(150).receive(CALLEE, &response(&sent, 180, "")).millis(4_000).receive(CALLEE, &ok(&sent));
    let answer = stage.sent().pop().expect("a 200");
    stage.wait(Duration::from_secs(60));
    hang_up(&mut stage, &answer);
    assert_eq!((counted(&stage, "carrier"), counted(&stage, "pbx")), ([[1, 1, 1], [0; 3]], [[0; 3], [1, 1, 1]]));
    assert_eq!(quality(&stage, "pbx"), (Some(1.0), Some(60.0), Some(0.15)), "the delay ends with the first 180");
    assert_eq!(quality(&stage, "carrier"), (None, None, None));
}

#[test]
fn a_failure_of_the_next_hop_ends_the_delay_and_is_no_answer() {
    let mut stage = Stage::new();
    let sent = dialled(&mut stage);
    stage.millis(20).receive(CALLEE, &response(&sent, 100, "")).millis(30).receive(CALLEE, &response(&sent, 486, ""));
    assert_eq!(quality(&stage, "pbx"), (Some(0.0), None, Some(0.05)));
}

#[test]
fn a_call_is_seized_once_however_many_targets_it_tries() {
    let mut stage = Stage::new();
    dialled(&mut stage);
    stage.millis(4_000);
    let second = stage.sent().into_iter().find(|sent| sent.to() == SECOND).expect("the second target");
    stage.receive(SECOND, &ok(&second));
    assert_eq!((counted(&stage, "pbx"), quality(&stage, "pbx").2), ([[0; 3], [1, 1, 0]], Some(4.0)));
}

#[test]
fn who_hangs_up_before_it_rings_and_who_hears_nothing_but_us_has_no_delay() {
    let mut stage = Stage::new();
    dialled(&mut stage);
    stage.millis(40_000);
    assert_eq!((counted(&stage, "pbx")[1], delays(&stage)), ([1, 0, 0], 0), "nobody has answered");

    let mut stage = Stage::new();
    let sent = dialled(&mut stage);
    stage.receive(CALLEE, &response(&sent, 100, ""));
    stage.receive(CARRIER, &invite(9).replace("INVITE", "CANCEL"));
    stage.receive(CALLEE, &response(&sent, 487, ""));
    assert_eq!((counted(&stage, "pbx")[1], delays(&stage)), ([1, 0, 0], 0));
}

#[test]
fn what_screening_refuses_is_no_seizure() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(1));
    assert_eq!(stage.one().status(), 603);
    assert_eq!(counted(&stage, "carrier"), [[0; 3]; 2]);
}

#[test]
fn a_message_and_a_re_invite_are_no_calls() {
    let mut stage = Stage::for_any_method();
    stage.receive(CARRIER, &invite(9).replace("INVITE", "MESSAGE"));
    let message = stage.one();
    stage.receive(CALLEE, &response(&message, 200, ""));
    assert_eq!((counted(&stage, "pbx"), delays(&stage)), ([[0; 3]; 2], 0));

    let mut stage = Stage::new();
    let (_, answer) = stage.call(&invite(9));
    stage.receive(CARRIER, &from_caller("INVITE", 2, &answer));
    let again = stage.one();
    stage.receive(CALLEE, &response(&again, 180, "")).receive(CALLEE, &ok(&again));
    assert_eq!((counted(&stage, "pbx")[1], delays(&stage)), ([1, 1, 0], 1));
}

#[test]
fn a_call_that_ends_after_a_reload_counts_for_the_trunk_that_it_went_to() {
    let mut stage = Stage::new();
    let (_, answer) = stage.call(&invite(9));
    let new = "name = \"new\"\nfrom = [\"10.9.0.0/16\"]\n[[trunk]]\nname = \"pbx\"";
    stage.reload(&[("name = \"pbx\"", new)], "");
    stage.wait(Duration::from_secs(5));
    hang_up(&mut stage, &answer);
    assert_eq!((counted(&stage, "pbx")[1], quality(&stage, "pbx").1), ([1, 1, 1], Some(5.0)));
}

#[test]
fn a_call_without_bye_lasts_until_it_is_closed() {
    let mut stage = Stage::new();
    stage.call(&invite(9));
    stage.wait(Duration::from_secs(12 * 3_600));
    assert_eq!(quality(&stage, "pbx").1, Some(43_200.0));
}
