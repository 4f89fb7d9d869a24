//! What a proxy refuses (RFC 3261 section 16.3), and what it answers itself.

use crate::stage::{CARRIER, Sent, Stage, invite};

fn answer(text: &str) -> Sent {
    let mut stage = Stage::new();
    stage.receive(CARRIER, text);
    stage.one()
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
