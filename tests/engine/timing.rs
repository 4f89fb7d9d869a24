//! When things happen.

use std::time::Duration;

use crate::stage::{CARRIER, Sent, Stage, from_callee, invite, ok, response};

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

/// After a second less is kept of a call that rings; nobody must see it.
#[test]
fn a_call_ends_in_the_same_way_however_long_it_rings() {
    type End = fn(&mut Stage, &Sent);
    let ends: [(&str, End); 4] = [
        ("retransmitted", |stage, _| {
            stage.receive(CARRIER, &through_two_hops("INVITE"));
        }),
        ("cancelled", |stage, forwarded| {
            stage.receive(CARRIER, &through_two_hops("CANCEL"));
            stage.receive(&forwarded.to(), &response(forwarded, 487, ""));
        }),
        ("cancelled and never answered", |stage, _| {
            stage.receive(CARRIER, &through_two_hops("CANCEL")).wait(Duration::from_secs(33));
        }),
        ("answered, and ended without Record-Route", |stage, forwarded| {
            stage.receive(&forwarded.to(), &ok(forwarded));
            let bye = from_callee("BYE", 2, forwarded).replace("Route:", "X-Lost:");
            stage.receive(&forwarded.to(), &bye);
        }),
    ];
    for (what, end) in ends {
        let [short, long] = [100, 5_000].map(|millis| {
            let mut stage = Stage::new();
            stage.receive(CARRIER, &through_two_hops("INVITE"));
            let forwarded = stage.one();
            stage.receive(&forwarded.to(), &response(&forwarded, 180, "")).millis(millis).sent();
            end(&mut stage, &forwarded);
            stage.sent().into_iter().map(|sent| sent.text).collect::<Vec<_>>()
        });
        assert!(!short.is_empty(), "{what}");
        assert_eq!(short, long, "{what}");
    }
}

/// The request of a caller behind another proxy.
fn through_two_hops(method: &str) -> String {
    let below =
        "Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKinvite\nVia: SIP/2.0/UDP below.example;branch=z9hG4bKbelow";
    invite(9).replace("Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKinvite", below).replace("INVITE", method)
}
