//! ATIS-1000099: 603+, as far as it is passed on. What we answer so ourselves is in `src/screen/tests/answers.rs`.
//!
//! | requirement | test |
//! | --- | --- |
//! | phrase and Reason pass unchanged, whatever they are as long as | `a_603_passes_byte_for_byte_however_long_its_reason_is`, `several_reasons_pass_in_their_order` |
//! | also where the caller is hidden or presented another number | `what_was_changed_of_the_call_changes_nothing_of_its_603` |
//! | 603 ends the search for another way (RFC 3261 section 21.6) | `no_other_target_is_tried_after_a_603`, `a_603_of_a_target_that_was_given_up_ends_the_call` |

use crate::helpers::{CALLEE, SECOND, failing_over_on, forwarded, passed_on, refusal, to_caller};
use crate::stage::{CARRIER, Stage, invite, response};

/// A Reason whose `url` has this many bytes behind its host.
fn reason(length: usize) -> String {
    let path = "x".repeat(length);
    format!("SIP;cause=603;text=\"v=analytics1;url=https://redress.example.com/{path};id=bl-7f3a_19\";location=RLN")
}

#[test]
fn a_603_passes_byte_for_byte_however_long_its_reason_is() {
    for length in [0, 128, 2_000, 20_000] {
        let mut stage = Stage::new();
        let sent = forwarded(&mut stage, &invite(9));
        let answer = refusal(&sent, "603 Network Blocked", &format!("Reason: {}\n", reason(length)));
        assert_eq!(passed_on(&mut stage, CALLEE, &answer), answer.expected, "{length}");
    }
}

#[test]
fn several_reasons_pass_in_their_order() {
    let lines = format!(
        "Reason: {}\nreason : Q.850 ;cause=21;text=\"a, b\"\nReason: SIP;cause=603;text=\"\\\"v=analytics1\\\"\", X;cause=1\n",
        reason(300)
    );
    let mut stage = Stage::new();
    let sent = forwarded(&mut stage, &invite(9));
    let answer = refusal(&sent, "603 Network Blocked", &lines);
    assert_eq!(passed_on(&mut stage, CALLEE, &answer), answer.expected);
}

#[test]
fn what_was_changed_of_the_call_changes_nothing_of_its_603() {
    let of_hidden = invite(3);
    let of_presented = invite(9).replace("22123", "50123");
    for text in [of_hidden, of_presented] {
        let mut stage = Stage::with(&[("headers = [\"P-Asserted-Identity\"]", "headers = [\"From\"]")], "");
        stage.receive(CARRIER, &text);
        let sent = stage.one();
        assert!(!sent.header("From").contains("carrier.example.net"), "it was changed: {}", sent.text);
        stage.receive(&sent.to(), &refusal(&sent, "603 Network Blocked", &format!("Reason: {}\n", reason(128))).text);
        let answer = to_caller(&mut stage).pop().unwrap();
        assert_eq!((answer.first_line(), answer.header("Reason")), ("SIP/2.0 603 Network Blocked", &*reason(128)));
    }
}

#[test]
fn no_other_target_is_tried_after_a_603() {
    let mut stage = failing_over_on("[503, 404, 480]");
    let first = forwarded(&mut stage, &invite(9));
    stage.receive(CALLEE, &response(&first, 404, ""));
    let second = stage.sent().into_iter().find(|sent| sent.to() == SECOND).unwrap();
    let answer = refusal(&second, "603 Network Blocked", &format!("Reason: {}\n", reason(128)));
    assert_eq!(passed_on(&mut stage, SECOND, &answer), answer.expected, "and not the 404 of before");

    let mut stage = failing_over_on("[503, 404, 480]");
    let first = forwarded(&mut stage, &invite(9));
    stage.receive(CALLEE, &refusal(&first, "603 Network Blocked", "").text);
    assert!(stage.sent().iter().all(|sent| sent.to() != SECOND));
}

#[test]
fn a_603_of_a_target_that_was_given_up_ends_the_call() {
    let mut stage = Stage::new();
    let first = forwarded(&mut stage, &invite(9));
    stage.millis(4_000);
    let second = stage.sent().into_iter().find(|sent| sent.to() == SECOND).unwrap();
    stage.receive(SECOND, &response(&second, 180, "")).sent();
    let answer = refusal(&first, "603 Network Blocked", &format!("Reason: {}\n", reason(128)));
    stage.receive(CALLEE, &answer.text);
    let sent = stage.sent();
    let [cancelled, refused] = [SECOND, CARRIER].map(|to| sent.iter().find(|sent| sent.to() == to).unwrap());
    assert!(cancelled.is_request("CANCEL"));
    assert_eq!(refused.text, answer.expected);
}
