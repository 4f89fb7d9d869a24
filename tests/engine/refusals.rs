//! What a proxy refuses (RFC 3261 section 16.3), and what it answers itself.

use crate::stage::{CARRIER, Sent, Stage, invite};

fn answer(text: &str) -> Sent {
    let mut stage = Stage::new();
    stage.receive(CARRIER, text);
    stage.one()
}

#[test]
fn options_to_us_is_answered_200() {
    let options = invite(9).replace("INVITE", "OPTIONS").replace("sip:+48221234567@10.0.0.1 SIP", "sip:10.0.0.1 SIP");
    let answer = answer(&options);
    assert_eq!(answer.status(), 200);
    assert!(answer.header("Allow").contains("INVITE"));
}

#[test]
fn options_to_us_with_no_forwards_left_is_answered_200() {
    let options = invite(9).replace("INVITE", "OPTIONS").replace("sip:+48221234567@10.0.0.1 SIP", "sip:10.0.0.1 SIP");
    assert_eq!(answer(&options.replace("Max-Forwards: 70", "Max-Forwards: 0")).status(), 200);
}

#[test]
fn a_method_that_its_trunk_may_not_use_is_answered_405_with_allow() {
    let answer = answer(&invite(9).replace("INVITE", "SUBSCRIBE"));
    assert_eq!(answer.status(), 405);
    assert!(!answer.header("Allow").is_empty());
}

#[test]
fn a_request_uri_of_another_scheme_is_answered_416() {
    let text = invite(9).replacen("sip:+48221234567@10.0.0.1", "mailto:someone@example.com", 1);
    assert_eq!(answer(&text).status(), 416);
}

#[test]
fn an_extension_that_a_proxy_must_know_is_answered_420_with_unsupported() {
    let answer = answer(&invite(9).replace("Max", "Proxy-Require: gin, future\nMax"));
    assert_eq!(answer.status(), 420);
    assert_eq!(answer.header("Unsupported"), "gin, future");
}

#[test]
fn a_request_with_no_forwards_left_is_answered_483() {
    assert_eq!(answer(&invite(9).replace("Max-Forwards: 70", "Max-Forwards: 0")).status(), 483);
}

#[test]
fn a_request_that_comes_back_unchanged_is_answered_482() {
    // The next hop has sent the call back to us with the Request-URI that we gave it, twice.
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(9));
    let mut came_back = stage.one();
    for _ in 0..2 {
        let via = format!("Via: SIP/2.0/UDP 192.0.2.3:5070;branch=z9hG4bK{}\r\nVia: ", came_back.text.len());
        let text = came_back.text.replacen("Via: ", &via, 1).replace("Content-Length: 0\r\n", "");
        stage.receive("192.0.2.3:5070", text.trim_end());
        came_back = stage.sent().pop().expect("an answer or a request");
    }
    assert_eq!(came_back.status(), 482);
}

#[test]
fn a_callee_without_route_is_answered_404() {
    assert_eq!(answer(&invite(9).replace("+4822", "+4877")).status(), 404);
}

#[test]
fn an_empty_pool_is_answered_403() {
    let mut stage = Stage::new();
    stage.edit("default", "48501000000", ringfence::lists::Change::Put(ringfence::lists::Details::default()));
    stage.receive(CARRIER, &invite(9).replace("22123", "50123"));
    assert_eq!(stage.one().status(), 403);
}

#[test]
fn an_identity_that_cannot_be_read_is_answered_400_and_not_passed_unscreened() {
    for bad in ["Bob (mobile) <sip:+48600000001@c>", "\"Bob <sip:+48600000001@c>", "<sip:a sip:+48600000001@c>"] {
        for name in ["P-Asserted-Identity", "Diversion"] {
            let answer = answer(&invite(9).replace("Max", &format!("{name}: {bad}\nMax")));
            assert_eq!(answer.status(), 400, "{name}: {bad}");
        }
    }
}

#[test]
fn a_request_uri_that_would_outgrow_a_message_is_answered_513() {
    let long = format!("sip:{}@10.0.0.1", "?".repeat(28_000));
    assert_eq!(answer(&invite(9).replacen("sip:+48221234567@10.0.0.1", &long, 1)).status(), 513);
}

#[test]
fn a_malformed_message_of_a_stranger_is_not_answered() {
    let mut stage = Stage::new();
    let malformed = invite(9).replace("Max-Forwards: 70", "Max-Forwards: 999");
    stage.receive_malformed("8.8.8.8:5060", &malformed);
    assert!(stage.sent().is_empty());
    stage.receive_malformed(CARRIER, &malformed);
    assert_eq!(stage.one().status(), 400);
}
