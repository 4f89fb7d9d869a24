//! A next hop that dies in the middle of a call: it is silent from then on, as over UDP nobody says that it is gone.

use std::time::Duration;

use crate::stage::{CARRIER, Sent, Stage, from_caller, invite, ok, response};

const FIRST: &str = "192.0.2.3:5070";
const SECOND: &str = "192.0.2.4:5070";

/// Timer C (RFC 3261 section 16.6 item 11), and 64*T1 for the answer to a CANCEL.
const TIMER_C: Duration = Duration::from_secs(181);
const TRANSACTION: Duration = Duration::from_secs(32);

/// A call whose first hop has said this.
fn heard(status: u16) -> (Stage, Sent) {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(9));
    let forwarded = stage.one();
    stage.receive(FIRST, &response(&forwarded, status, "")).sent();
    (stage, forwarded)
}

fn cancel() -> String {
    invite(9).replace("INVITE sip", "CANCEL sip").replace("1 INVITE", "1 CANCEL")
}

/// The final responses that the caller got.
fn answers(sent: &[Sent]) -> Vec<u16> {
    sent.iter().filter(|sent| sent.to() == CARRIER).map(Sent::status).filter(|&status| status >= 200).collect()
}

#[test]
fn after_its_100_the_caller_waits_until_timer_c_and_then_the_second_is_tried() {
    let (mut stage, _) = heard(100);
    let sent = stage.wait(TIMER_C).sent();
    assert!(sent.iter().any(|sent| sent.is_request("CANCEL") && sent.to() == FIRST));
    assert!(sent.iter().all(|sent| sent.to() != SECOND));
    let sent = stage.wait(TRANSACTION).sent();
    let second = sent.into_iter().find(|sent| sent.is_request("INVITE") && sent.to() == SECOND).expect("the second");
    stage.receive(SECOND, &ok(&second));
    assert_eq!(answers(&stage.sent()), [200]);
}

#[test]
fn after_its_180_the_caller_hears_408_at_timer_c_and_nobody_else_rings() {
    let (mut stage, _) = heard(180);
    let sent = stage.wait(TIMER_C + TRANSACTION).sent();
    assert!(sent.iter().any(|sent| sent.is_request("CANCEL") && sent.to() == FIRST));
    assert!(sent.iter().all(|sent| sent.to() != SECOND));
    assert_eq!(answers(&sent)[0], 408);
}

#[test]
fn who_hangs_up_on_a_dead_hop_is_told_so_within_32_seconds() {
    for status in [100, 180] {
        let (mut stage, _) = heard(status);
        stage.receive(CARRIER, &cancel());
        assert_eq!(answers(&stage.sent()), [200]);
        let sent = stage.wait(TRANSACTION).sent();
        assert_eq!(answers(&sent)[0], 487, "after {status}");
        assert!(sent.iter().all(|sent| sent.to() != SECOND));
    }
}

#[test]
fn after_its_200_the_bye_of_the_caller_ends_the_call_though_nobody_answers() {
    let mut stage = Stage::new();
    let (_, answer) = stage.call(&invite(9));
    stage.receive(CARRIER, &from_caller("BYE", 2, &answer));
    assert_eq!(stage.one().to(), FIRST);
    let sent = stage.wait(TRANSACTION).sent();
    assert!(sent.iter().all(|sent| sent.is_request("BYE") || sent.status() == 100), "RFC 4320: no 408");
    assert_eq!(stage.calls(), 0);
}

#[test]
fn a_reinvite_to_a_dead_hop_is_answered_408_and_the_call_stays_up_until_its_bye() {
    let mut stage = Stage::new();
    let (_, answer) = stage.call(&invite(9));
    stage.receive(CARRIER, &from_caller("INVITE", 2, &answer));
    assert_eq!(stage.one().to(), FIRST);
    let sent = stage.wait(TRANSACTION + Duration::from_secs(1)).sent();
    assert_eq!(answers(&sent)[0], 408);
    assert_eq!(stage.calls(), 1);
    stage.receive(CARRIER, &from_caller("BYE", 3, &answer)).wait(TRANSACTION);
    assert_eq!(stage.calls(), 0);
}
