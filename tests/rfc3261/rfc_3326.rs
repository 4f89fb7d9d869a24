//! RFC 3326: Reason, as far as a proxy writes it into a CANCEL or passes it on.
//!
//! | requirement | test |
//! | --- | --- |
//! | 2: a proxy that gets a CANCEL copies its Reason into the CANCEL that it makes | `the_reason_of_a_cancel_is_copied` |
//! | 2: there may be one for each protocol | `the_reasons_of_all_protocols_are_copied` |
//! | 2: a CANCEL because another target has answered says `SIP;cause=200` | `a_cancel_because_another_target_has_answered_says_so` |
//! | 2: a CANCEL without Reason is passed on without one | `a_cancel_without_reason_becomes_one_without_reason` |
//! | 2: Reason in other requests and in responses passes untouched | `the_reason_of_a_bye_passes_untouched`, `the_reason_of_a_response_passes_untouched` |

use crate::stage::{CARRIER, Sent, Stage, from_caller, invite, ok, response};

const CALLEE: &str = "192.0.2.3:5070";

/// The CANCEL that goes out when one with these lines comes in.
fn cancelled(lines: &str) -> Sent {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(9));
    let forwarded = stage.one();
    stage.receive(CALLEE, &response(&forwarded, 180, "")).sent();
    stage.receive(CARRIER, &invite(9).replace("INVITE", "CANCEL").replace("Contact", &format!("{lines}Contact")));
    stage.sent().into_iter().find(|sent| sent.is_request("CANCEL")).unwrap()
}

#[test]
fn the_reason_of_a_cancel_is_copied() {
    let reason = "SIP ;cause=200 ;text=\"Call completed elsewhere\"";
    assert_eq!(cancelled(&format!("Reason: {reason}\n")).header("Reason"), reason);
}

#[test]
fn the_reasons_of_all_protocols_are_copied() {
    let two = "Reason: SIP;cause=487;text=\"a, b\"\nReason: Q.850;cause=16\n";
    let both = "SIP;cause=487;text=\"a, b\", Q.850;cause=16";
    assert_eq!(cancelled(two).header("Reason"), both);
    assert_eq!(cancelled(&format!("Reason: {both}\n")).header("Reason"), both);
}

#[test]
fn a_cancel_without_reason_becomes_one_without_reason() {
    assert!(cancelled("").headers("Reason").is_empty());
}

#[test]
fn a_cancel_because_another_target_has_answered_says_so() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(9));
    let first = stage.one();
    stage.millis(4_000);
    let second = stage.sent().pop().unwrap();
    stage.receive(&second.to(), &ok(&second)).sent();
    stage.receive(CALLEE, &response(&first, 180, ""));
    let cancel = stage.one();
    assert!(cancel.is_request("CANCEL") && cancel.to() == CALLEE);
    assert_eq!(cancel.header("Reason"), "SIP;cause=200;text=\"Call completed elsewhere\"");
}

#[test]
fn the_reason_of_a_bye_passes_untouched() {
    let mut stage = Stage::new();
    let (_, answer) = stage.call(&invite(9));
    let reason = "Q.850 ;cause=16 ;text=\"Terminated\"";
    stage.receive(CARRIER, &from_caller("BYE", 2, &answer).replace("Max", &format!("Reason: {reason}\nMax")));
    assert_eq!(stage.one().header("Reason"), reason);
}

#[test]
fn the_reason_of_a_response_passes_untouched() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(9));
    let forwarded = stage.one();
    // 603+ (ATIS-1000099): every hop passes it on, longer than 128 characters as well.
    let reason =
        format!("SIP;cause=603;text=\"v=analytics1;url=https://redress.example.com/{}\";location=RLN", "x".repeat(128));
    stage.receive(CALLEE, &response(&forwarded, 603, &format!("Reason: {reason}")));
    let answer = stage.sent().into_iter().find(|sent| sent.to() == CARRIER).unwrap();
    assert_eq!(answer.header("Reason"), reason);
}
