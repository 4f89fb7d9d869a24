//! A process that is told to end: what is under way is finished, what is new is sent away.

use ringfence::engine::DrainStage;

use crate::stage::{CARRIER, Stage, from_caller, invite, ok, response};

const CALLEE: &str = "192.0.2.3:5070";

#[test]
fn a_new_call_is_sent_away_with_503_and_no_record() {
    let mut stage = Stage::new();
    stage.is_to_end().receive(CARRIER, &invite(9));
    let refusal = stage.one();
    assert_eq!((refusal.status(), refusal.header("Retry-After")), (503, "5"));
    stage.receive(CARRIER, &invite(9));
    assert_eq!(stage.one().status(), 503);
    assert!(stage.records().is_empty());
}

#[test]
fn options_tell_a_prober_that_calls_belong_elsewhere() {
    let mut stage = Stage::new();
    let options = invite(9).replace("INVITE sip:+48221234567@", "OPTIONS sip:").replace("1 INVITE", "1 OPTIONS");
    stage.is_to_end().receive(CARRIER, &options);
    assert_eq!(stage.one().status(), 503);
}

#[test]
fn a_call_for_help_goes_on() {
    let mut stage = Stage::with(&[], "[[route]]\nname = \"help\"\ncalled = [\"112\"]\nto = \"pbx\"\n");
    stage.is_to_end().receive(CARRIER, &invite(9).replace("+48221234567", "112"));
    assert!(stage.one().is_request("INVITE"));
}

#[test]
fn a_call_that_rings_is_answered_and_requests_inside_dialogs_are_served() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(9));
    let forwarded = stage.one();
    stage.receive(CALLEE, &response(&forwarded, 180, "")).sent();
    assert_eq!(stage.is_to_end().load().unanswered, 1);
    stage.receive(CALLEE, &ok(&forwarded));
    let answer = stage.one();
    assert_eq!((answer.status(), stage.load().unanswered), (200, 0));
    stage.receive(CARRIER, &from_caller("BYE", 2, &answer));
    assert_eq!(stage.one().to(), CALLEE);
}

#[test]
fn at_the_last_a_request_over_udp_is_left_to_the_next_process_and_one_over_tcp_is_not() {
    let mut stage = Stage::new();
    let (_, answer) = stage.call(&invite(9));
    stage.drains(DrainStage::Leave);
    let bye = from_caller("BYE", 2, &answer);
    stage.receive(CARRIER, &bye);
    assert!(stage.sent().is_empty());
    stage.receive_by(CARRIER, 1, &bye);
    assert!(stage.one().is_request("BYE"));
}

#[test]
fn at_the_last_answers_and_acks_still_pass() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(9));
    let forwarded = stage.one();
    stage.drains(DrainStage::Leave).receive(CALLEE, &ok(&forwarded));
    let answer = stage.one();
    assert_eq!(answer.status(), 200);
    stage.receive(CARRIER, &from_caller("ACK", 1, &answer));
    assert!(stage.one().is_request("ACK"));
}

#[test]
fn when_time_is_up_who_waits_is_told_503_and_who_rings_is_cancelled() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(9));
    let forwarded = stage.one();
    stage.receive(CALLEE, &response(&forwarded, 180, "")).sent();
    let sent = stage.drains(DrainStage::GiveUp).sent();
    let [refusal, cancel] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!((refusal.status(), refusal.header("Retry-After")), (503, "5"));
    assert!(cancel.is_request("CANCEL"));
    assert_eq!(stage.load().unanswered, 0);
    assert_eq!(stage.records().len(), 1);
}
