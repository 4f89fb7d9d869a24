//! RFC 4320: what is answered to requests other than INVITE. The timing itself is the transaction layer's, in
//! `section_17`.
//!
//! | requirement | test |
//! | --- | --- |
//! | 4.1: no provisional response other than 100 is sent | `a_provisional_response_to_a_non_invite_is_not_passed_on`, `a_provisional_response_to_a_non_invite_does_not_stop_the_search` |
//! | 4.1: no 100 over UDP before Timer E has reached T2, and 100 then | `a_non_invite_is_answered_100_when_timer_e_has_reached_t2_and_not_before` |
//! | 4.1: also where a name must be looked up first | `a_non_invite_that_waits_for_a_name_is_not_answered_100_early` |
//! | 4.1: its retransmissions are absorbed meanwhile | `a_retransmitted_non_invite_is_answered_nothing_before_its_time` |
//! | 4.1: 100 does not follow an answer | `an_answered_non_invite_gets_no_100` |
//! | 4.2: no 408 is sent | `a_non_invite_that_nobody_answers_gets_no_final_response` |
//! | 4.2: no 408 is passed on | `a_408_to_a_non_invite_is_not_passed_on`, `a_408_to_a_bye_closes_its_call_all_the_same` |
//! | 4.2: no response without a server transaction: late ones are dropped | `a_late_response_to_a_non_invite_is_dropped` |

use std::time::Duration;

use crate::stage::{CARRIER, Sent, Stage, from_caller, invite, response};

const CALLEE: &str = "192.0.2.3:5070";
const SECOND: &str = "192.0.2.4:5070";

fn message() -> String {
    invite(9).replace("INVITE", "MESSAGE")
}

/// A MESSAGE that went to its first target.
fn sent_message(stage: &mut Stage) -> Sent {
    stage.receive(CARRIER, &message());
    let sent = stage.one();
    assert!(sent.is_request("MESSAGE") && sent.to() == CALLEE);
    sent
}

fn to_caller(stage: &mut Stage) -> Vec<u16> {
    stage.sent().iter().filter(|sent| sent.to() == CARRIER).map(Sent::status).collect()
}

#[test]
fn a_provisional_response_to_a_non_invite_is_not_passed_on() {
    let mut stage = Stage::for_any_method();
    let sent = sent_message(&mut stage);
    for status in [100, 180, 183, 199] {
        stage.receive(CALLEE, &response(&sent, status, ""));
        assert!(stage.sent().is_empty(), "{status}");
    }
    stage.receive(CALLEE, &response(&sent, 200, ""));
    assert_eq!(stage.one().status(), 200);
}

#[test]
fn a_provisional_response_to_a_non_invite_does_not_stop_the_search() {
    let mut stage = Stage::for_any_method();
    let sent = sent_message(&mut stage);
    stage.receive(CALLEE, &response(&sent, 183, "")).receive(CALLEE, &response(&sent, 503, ""));
    assert_eq!(stage.one().to(), SECOND);
}

#[test]
fn a_non_invite_is_answered_100_when_timer_e_has_reached_t2_and_not_before() {
    let mut stage = Stage::new();
    let (_, answer) = stage.call(&invite(9));
    stage.receive(CARRIER, &from_caller("INFO", 2, &answer));
    stage.millis(3_499);
    assert!(to_caller(&mut stage).is_empty());
    stage.millis(1);
    assert_eq!(to_caller(&mut stage), [100]);
}

#[test]
fn a_non_invite_that_waits_for_a_name_is_not_answered_100_early() {
    let behind = "Record-Route: <sip:edge.example.net;lr>\nRecord-Route: ";
    for (method, at_once) in [("INFO", 0), ("INVITE", 1)] {
        let mut stage = Stage::new();
        stage.receive(CARRIER, &invite(9));
        let forwarded = stage.one();
        stage.receive(CALLEE, &crate::stage::ok(&forwarded).replacen("Record-Route: ", behind, 1));
        let answer = stage.one();
        stage.receive(CARRIER, &from_caller(method, 2, &answer));
        assert_eq!(to_caller(&mut stage).len(), at_once, "{method}");
        stage.millis(3_000).resolve(Some("192.0.2.99:5060"));
        assert_eq!(stage.sent().pop().unwrap().to(), "192.0.2.99:5060");
    }
}

#[test]
fn a_retransmitted_non_invite_is_answered_nothing_before_its_time() {
    let mut stage = Stage::for_any_method();
    sent_message(&mut stage);
    stage.receive(CARRIER, &message()).receive(CARRIER, &message());
    assert!(stage.sent().is_empty());
}

#[test]
fn an_answered_non_invite_gets_no_100() {
    let mut stage = Stage::for_any_method();
    let sent = sent_message(&mut stage);
    stage.receive(CALLEE, &response(&sent, 200, "")).millis(10_000);
    assert_eq!(to_caller(&mut stage), [200]);
}

#[test]
fn a_non_invite_that_nobody_answers_gets_no_final_response() {
    for method in ["MESSAGE", "SUBSCRIBE", "FLASH"] {
        let mut stage = Stage::for_any_method();
        stage.receive(CARRIER, &invite(9).replace("INVITE", method)).wait(Duration::from_secs(70));
        assert!(to_caller(&mut stage).iter().all(|status| *status == 100), "{method}");
    }
}

#[test]
fn a_408_to_a_non_invite_is_not_passed_on() {
    let mut stage = Stage::for_any_method();
    let sent = sent_message(&mut stage);
    stage.receive(CALLEE, &response(&sent, 408, "")).wait(Duration::from_secs(40));
    assert!(to_caller(&mut stage).iter().all(|status| *status == 100));
}

#[test]
fn a_408_to_a_bye_closes_its_call_all_the_same() {
    let mut stage = Stage::new();
    let (_, answer) = stage.call(&invite(9));
    stage.receive(CARRIER, &from_caller("BYE", 2, &answer));
    let bye = stage.one();
    stage.receive(CALLEE, &response(&bye, 408, ""));
    assert!(stage.sent().is_empty());
    assert_eq!(stage.calls(), 0);
}

#[test]
fn a_late_response_to_a_non_invite_is_dropped() {
    let mut stage = Stage::for_any_method();
    let sent = sent_message(&mut stage);
    stage.wait(Duration::from_secs(33)).sent();
    stage.receive(CALLEE, &response(&sent, 200, ""));
    assert!(stage.sent().is_empty());
    assert_eq!(stage.counters().stray_responses.get(), 1);
}
