//! Calls for which there is no time.

use crate::stage::{CARRIER, Stage, invite, response};

fn numbered(number: usize) -> String {
    invite(9)
        .replace("Call-ID: call", &format!("Call-ID: call{number}"))
        .replace("z9hG4bK", &format!("z9hG4bK{number}"))
}

#[test]
fn a_refused_caller_hears_503_and_when_to_try_again_and_nothing_is_kept_or_recorded() {
    let mut stage = Stage::new();
    stage.receive_refused(CARRIER, &invite(9));
    let answer = stage.one();
    assert_eq!(answer.first_line(), "SIP/2.0 503 Service Unavailable");
    assert!(["1", "2", "3", "4"].contains(&answer.header("Retry-After")));
    let ack =
        invite(9).replace("INVITE", "ACK").replace("10.0.0.1>\n", &format!("10.0.0.1>;tag={}\n", answer.to_tag()));
    stage.receive(CARRIER, &ack);
    assert!(stage.sent().is_empty() && stage.records().is_empty());
    assert_eq!(stage.load(), ringfence::engine::Load::default());
}

#[test]
fn a_refused_call_that_comes_again_is_judged() {
    let mut stage = Stage::new();
    stage.receive_refused(CARRIER, &invite(9)).sent();
    stage.receive(CARRIER, &invite(9));
    assert!(stage.one().is_request("INVITE"));
}

#[test]
fn a_retransmission_of_a_call_that_is_under_way_is_not_refused() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(9));
    let forwarded = stage.one();
    stage.receive_refused(CARRIER, &invite(9));
    assert!(stage.sent().is_empty());
    stage.receive(&forwarded.to(), &response(&forwarded, 486, ""));
    assert!(stage.sent().iter().any(|sent| sent.to() == CARRIER && sent.status() == 486));
}

#[test]
fn a_trunk_hears_of_100_refusals_a_second_and_no_other_trunk_of_fewer_for_it() {
    let mut stage = Stage::new();
    let mut told = 0;
    for number in 0..10_000 {
        stage.receive_refused(CARRIER, &numbered(number));
        told += stage.sent().len();
        if number % 10 == 9 {
            stage.millis(1);
        }
    }
    // In a second, and a fifth of a second's worth to begin with.
    assert_eq!(told, 119);
    stage.receive_refused("203.0.113.9:5060", &numbered(1));
    assert_eq!(stage.one().status(), 503);
}

#[test]
fn a_stranger_hears_nothing_of_overload_either() {
    let mut stage = Stage::new();
    stage.receive_refused("8.8.8.8:5060", &invite(9));
    assert!(stage.sent().is_empty());
}
