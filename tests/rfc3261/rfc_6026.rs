//! RFC 6026: 2xx to INVITE. The states Accepted, and Timers L and M, are the transaction layer's, in `section_17`.
//!
//! | requirement | test |
//! | --- | --- |
//! | 7.1: each copy of a 2xx is passed on, and not repeated by us | `each_copy_of_a_2xx_is_passed_on`, `we_repeat_no_2xx` |
//! | 7.1: a 2xx with another tag is passed on too | `a_2xx_of_another_callee_is_passed_on` |
//! | 7.1: a copy of the INVITE is absorbed after the 2xx, and not answered | `a_copy_of_an_accepted_invite_is_absorbed` |
//! | 7.1: the ACK to a 2xx goes on, each copy of it | `each_copy_of_an_ack_to_a_2xx_goes_on` |
//! | 7.1: Timer L ends it after 64*T1 | `a_2xx_that_comes_after_64_t1_is_a_stray` |
//! | 7.2: in Accepted nothing but 2xx is passed on | `after_a_2xx_a_failure_is_dropped` |
//! | 7.3, 8.9: a response without transaction is dropped | `a_stray_response_is_dropped`, `a_response_of_a_former_process_is_dropped` |
//! | 8.4: a 2xx is acknowledged by the caller alone | `we_acknowledge_no_2xx_that_is_passed_on` |
//! | 8.7: a server transaction lives on when its response cannot be sent | `responses_bear_no_ticket` in `section_16` |

use std::time::Duration;

use crate::helpers::{CALLEE, forwarded, statuses};
use crate::stage::{CARRIER, Stage, from_caller, invite, ok, response};

#[test]
fn each_copy_of_a_2xx_is_passed_on() {
    let mut stage = Stage::new();
    let (sent, answer) = stage.call(&invite(9));
    for _ in 0..7 {
        stage.millis(4_000).receive(CALLEE, &ok(&sent));
        assert_eq!(stage.one().text, answer.text);
    }
    assert_eq!((stage.calls(), stage.records().len()), (1, 1));
}

#[test]
fn we_repeat_no_2xx() {
    let mut stage = Stage::new();
    stage.call(&invite(9));
    stage.wait(Duration::from_secs(40));
    assert!(stage.sent().is_empty());
}

#[test]
fn a_2xx_of_another_callee_is_passed_on() {
    let mut stage = Stage::new();
    let (sent, _) = stage.call(&invite(9));
    for _ in 0..2 {
        stage.receive(CALLEE, &ok(&sent).replace("tag=callee", "tag=other"));
        assert_eq!(stage.one().to_tag(), "other");
    }
}

#[test]
fn a_copy_of_an_accepted_invite_is_absorbed() {
    let mut stage = Stage::new();
    stage.call(&invite(9));
    stage.millis(31_000).receive(CARRIER, &invite(9));
    assert!(stage.sent().is_empty());
}

#[test]
fn each_copy_of_an_ack_to_a_2xx_goes_on() {
    let mut stage = Stage::new();
    let (_, answer) = stage.call(&invite(9));
    for _ in 0..3 {
        stage.millis(500).receive(CARRIER, &from_caller("ACK", 1, &answer));
        let ack = stage.one();
        assert!(ack.is_request("ACK") && ack.to() == CALLEE);
    }
}

#[test]
fn a_2xx_that_comes_after_64_t1_is_a_stray() {
    let mut stage = Stage::new();
    let (sent, _) = stage.call(&invite(9));
    stage.millis(32_000).receive(CALLEE, &ok(&sent));
    assert!(stage.sent().is_empty());
    assert_eq!(stage.counters().stray_responses.get(), 1);
}

#[test]
fn after_a_2xx_a_failure_is_dropped() {
    let mut stage = Stage::new();
    let (sent, _) = stage.call(&invite(9));
    stage.receive(CALLEE, &response(&sent, 486, ""));
    assert!(stage.sent().is_empty());
    assert_eq!(stage.calls(), 1);
}

#[test]
fn a_stray_response_is_dropped() {
    let mut stage = Stage::new();
    let sent = forwarded(&mut stage, &invite(9));
    let strayed = ok(&sent).replace("branch=z9hG4bK0", "branch=z9hG4bK1");
    stage.receive(CALLEE, &strayed).receive("203.0.113.200:5060", &strayed);
    assert!(stage.sent().is_empty());
    assert_eq!(stage.counters().stray_responses.get(), 2);
}

#[test]
fn a_response_of_a_former_process_is_dropped() {
    let mut before = Stage::of_another_process();
    let sent = forwarded(&mut before, &invite(9));
    let mut stage = Stage::new();
    forwarded(&mut stage, &invite(9));
    stage.receive(CALLEE, &ok(&sent));
    assert!(stage.sent().is_empty());
    assert_eq!(stage.calls(), 0);
}

#[test]
fn we_acknowledge_no_2xx_that_is_passed_on() {
    let mut stage = Stage::new();
    let sent = forwarded(&mut stage, &invite(9));
    stage.receive(CALLEE, &ok(&sent)).receive(CALLEE, &ok(&sent));
    assert_eq!(statuses(&stage.sent()), [200, 200]);
}
