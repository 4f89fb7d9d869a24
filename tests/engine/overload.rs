//! Calls for which there is no time.

use ringfence::counters::{Asked, By};
use ringfence::engine::Load;
use ringfence::sip::Method;

use crate::stage::{CARRIER, Stage, invite, response};

#[test]
fn a_refused_caller_hears_503_and_when_to_try_again_and_nothing_is_recorded() {
    let mut stage = Stage::new();
    stage.receive_refused(CARRIER, &invite(9));
    let answer = stage.one();
    assert_eq!(answer.first_line(), "SIP/2.0 503 Service Unavailable");
    assert!(["1", "2", "3", "4"].contains(&answer.header("Retry-After")));
    let ack =
        invite(9).replace("INVITE", "ACK").replace("10.0.0.1>\n", &format!("10.0.0.1>;tag={}\n", answer.to_tag()));
    stage.receive(CARRIER, &ack);
    assert!(stage.sent().is_empty() && stage.records().is_empty());
    assert_eq!(stage.load(), Load { remembered: 1, ..Load::default() });
}

#[test]
fn a_refused_call_that_comes_again_hears_the_same_also_when_there_is_time() {
    let mut stage = Stage::new();
    stage.receive_refused(CARRIER, &invite(9));
    let first = stage.one();
    stage.receive(CARRIER, &invite(9));
    assert_eq!(stage.one().text, first.text);
    stage.receive_refused_in_silence(CARRIER, &invite(9));
    assert_eq!(stage.one().text, first.text);
    assert_eq!(stage.counters().retransmissions.get(), 2);
    assert_eq!((stage.counters().overload_answered.get(), stage.counters().overload_unanswered.get()), (1, 0));
}

#[test]
fn a_call_that_was_refused_in_silence_is_judged_when_it_comes_again() {
    let mut stage = Stage::new();
    stage.receive_refused_in_silence(CARRIER, &invite(9));
    assert!(stage.sent().is_empty());
    assert_eq!(stage.load(), Load::default());
    assert_eq!((stage.counters().overload_answered.get(), stage.counters().overload_unanswered.get()), (0, 1));
    stage.receive(CARRIER, &invite(9));
    assert!(stage.one().is_request("INVITE"));
}

#[test]
fn a_retransmission_of_a_call_that_is_under_way_is_answered_as_ever() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(9));
    let forwarded = stage.one();
    stage.receive_refused(CARRIER, &invite(9));
    assert_eq!(stage.one().status(), 100);
    stage.receive(&forwarded.to(), &response(&forwarded, 486, ""));
    assert!(stage.sent().iter().any(|sent| sent.to() == CARRIER && sent.status() == 486));
    stage.receive_refused_in_silence(CARRIER, &invite(9));
    assert_eq!(stage.one().status(), 486);
}

#[test]
fn a_retransmission_of_a_declined_call_hears_the_same_again() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(1));
    let declined = stage.one();
    assert_eq!(declined.status(), 603);
    stage.receive_refused(CARRIER, &invite(1));
    assert_eq!(stage.one().text, declined.text);
}

#[test]
fn a_call_over_a_stream_is_refused_and_forgotten() {
    let mut stage = Stage::new();
    stage.receive_refused_by_tcp(CARRIER, &invite(9));
    assert_eq!(stage.one().status(), 503);
    assert_eq!(stage.load(), Load::default());
}

#[test]
fn a_stranger_hears_nothing_of_overload_either() {
    let mut stage = Stage::new();
    stage.receive_refused("8.8.8.8:5060", &invite(9));
    assert!(stage.sent().is_empty());
    assert_eq!(stage.counters().unknown_source.get(), 1);
}

#[test]
fn what_is_refused_absorbed_or_malformed_has_come_in() {
    let mut stage = Stage::new();
    stage.receive_refused(CARRIER, &invite(1).replace("z9hG4bK", "z9hG4bK1"));
    stage.receive_refused_in_silence(CARRIER, &invite(1).replace("z9hG4bK", "z9hG4bK2"));
    stage.receive_absorbed(CARRIER, &invite(1).replace("z9hG4bK", "z9hG4bK3"));
    stage.receive_malformed(CARRIER, &invite(1).replace("Max-Forwards: 70", "Max-Forwards: 999"));
    // Nobody can tell what these are.
    stage.receive_malformed(CARRIER, "INVITE sip:a@b");
    let counters = stage.counters();
    let carrier = counters.trunks.of(&"carrier".into());
    assert_eq!((counters.requests.get(), carrier.requests_in[Method::Invite as usize].get()), (4, 4));
    assert_eq!(counters.retransmissions.get(), 1);
    let answers = |asked| carrier.answers(asked, By::Us).all().collect::<Vec<_>>();
    assert_eq!((answers(Asked::Call), answers(Asked::Other)), (vec![(503, 1)], vec![(400, 1)]));
}
