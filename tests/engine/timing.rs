//! When things happen.

use std::time::Duration;

use crate::stage::{CARRIER, Stage, invite, response};

#[test]
fn trying_is_sent_after_200_ms_and_not_before() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(9));
    assert!(stage.one().is_request("INVITE"));
    stage.millis(199);
    assert!(stage.sent().is_empty());
    stage.millis(1);
    let trying = stage.one();
    assert_eq!(trying.first_line(), "SIP/2.0 100 Trying");
    assert!(!trying.header("To").contains("tag="));
}

#[test]
fn trying_is_sent_at_once_on_a_retransmission() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(9)).sent();
    stage.millis(50).receive(CARRIER, &invite(9));
    assert_eq!(stage.one().status(), 100);
    stage.millis(200);
    assert!(stage.sent().is_empty());
}

#[test]
fn a_response_within_200_ms_makes_trying_needless() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(9));
    let forwarded = stage.one();
    stage.millis(100).receive(&forwarded.to(), &response(&forwarded, 180, ""));
    assert_eq!(stage.one().status(), 180);
    stage.millis(300);
    assert!(stage.sent().is_empty());
}

#[test]
fn the_next_hops_100_is_not_passed_on() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(9));
    let forwarded = stage.one();
    stage.millis(100).receive(&forwarded.to(), &response(&forwarded, 100, ""));
    assert!(stage.sent().is_empty());
}

#[test]
fn timer_c_cancels_a_call_that_rings_without_end_and_each_101_to_199_starts_it_anew() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(9));
    let forwarded = stage.one();
    stage.receive(&forwarded.to(), &response(&forwarded, 180, "")).sent();
    stage.millis(180_000).receive(&forwarded.to(), &response(&forwarded, 183, "")).sent();
    stage.millis(180_999);
    assert!(stage.sent().is_empty());
    stage.millis(1);
    let cancel = stage.one();
    assert!(cancel.is_request("CANCEL"));
    assert_eq!(cancel.header("Via"), forwarded.headers("Via")[0]);
    stage
        .receive(&forwarded.to(), &response(&cancel, 200, ""))
        .receive(&forwarded.to(), &response(&forwarded, 487, ""));
    let sent = stage.sent();
    assert_eq!(sent.len(), 2);
    assert!(sent[0].is_request("ACK") || sent[1].is_request("ACK"));
    assert!(sent.iter().any(|sent| sent.to() == CARRIER && sent.status() == 487));
}

#[test]
fn a_next_hop_that_rings_and_then_says_nothing_more_is_answered_408_after_timer_c() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(9));
    let forwarded = stage.one();
    stage.receive(&forwarded.to(), &response(&forwarded, 180, ""));
    stage.wait(Duration::from_secs(181 + 32));
    let last = stage.sent().into_iter().rfind(|sent| sent.to() == CARRIER).expect("an answer");
    assert_eq!(last.status(), 408);
}

#[test]
fn nothing_is_left_when_all_timers_have_run_out() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(9)).receive(CARRIER, &invite(1).replace("Call-ID: call", "Call-ID: other"));
    stage.wait(Duration::from_secs(181 + 32));
    assert_eq!(stage.load(), ringfence::engine::Load::default());
}
