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
fn nothing_is_left_when_all_timers_have_run_out() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(9)).receive(CARRIER, &invite(1).replace("Call-ID: call", "Call-ID: other"));
    stage.wait(Duration::from_secs(181 + 32));
    assert_eq!(stage.load(), ringfence::engine::Load::default());
}
