//! RFC 3261 sections 16.10 and 9: CANCEL. The timing is the transaction layer's, in `section_17`; Reason is in
//! `rfc_3326`.
//!
//! | requirement | test |
//! | --- | --- |
//! | 16.10: a CANCEL of a known request is answered 200 at once | `a_cancel_is_answered_200_at_once` |
//! | 16.10: it belongs to the INVITE with its branch and no other | `a_cancel_with_another_branch_is_answered_481` |
//! | 16.10: pending client transactions are cancelled | `a_cancel_is_passed_on_once_the_next_hop_has_answered_provisionally`, `all_targets_that_may_ring_are_cancelled` |
//! | 16.10: a CANCEL of an unknown request is forwarded statelessly | deviation: `a_cancel_of_an_unknown_request_is_answered_481` |
//! | 9.1: CANCEL has the Request-URI, Call-ID, To, From and CSeq number of its INVITE | `our_cancel_is_made_of_its_invite` |
//! | 9.1: and its top Via alone | `our_cancel_is_made_of_its_invite` |
//! | 9.1: and its Routes | `our_cancel_follows_the_routes_of_its_invite` |
//! | 9.1: no Require and no Proxy-Require | `our_cancel_requires_nothing` |
//! | 9.1: not before a provisional response | `a_cancel_is_passed_on_once_the_next_hop_has_answered_provisionally` |
//! | 9.1: not after a final response | `a_cancel_after_the_final_response_changes_nothing` |
//! | 9.1: only an INVITE is cancelled | `the_cancel_of_another_method_is_answered_481_and_goes_no_further`; deviation: 16.10 would have 200 |
//! | 9.1: it goes where its INVITE went | `our_cancel_is_made_of_its_invite` |
//! | 9.2: without matching transaction 481 | `a_cancel_of_an_unknown_request_is_answered_481` |
//! | 9.2: the INVITE is answered, 487 where nothing better is known | `after_a_cancel_no_other_target_is_tried`, `a_cancelled_call_ends_with_the_487_of_its_target_whatever_an_earlier_one_said` |
//! | 9.2: CANCEL has the To tag of the answer to its INVITE | `the_answers_to_cancel_and_to_its_invite_have_one_to_tag` |
//! | 9.2: a CANCEL is repeated, and so is its answer | `a_repeated_cancel_is_answered_again_and_passed_on_once` |
//! | 8.2.2.3: CANCEL is not refused for what it requires | `a_cancel_is_not_refused_for_what_it_requires` |
//! | 16.7 item 5: a 2xx that crosses the CANCEL is passed on | `a_200_that_crosses_the_cancel_is_passed_on` |
//! | 22.1: CANCEL is not challenged | not applicable: nothing is challenged |

use std::time::Duration;

use crate::helpers::{CALLEE, SECOND, failing_over_on, forwarded, ringing, statuses, to_caller};
use crate::stage::{CARRIER, Sent, Stage, from_caller, invite, ok, response};

fn cancel() -> String {
    invite(9).replace("INVITE", "CANCEL")
}

/// The CANCEL of a call that rings.
fn passed_on(stage: &mut Stage) -> (Sent, Sent) {
    let invite = ringing(stage);
    stage.receive(CARRIER, &cancel());
    let cancel = stage.sent().into_iter().find(|sent| sent.is_request("CANCEL")).unwrap();
    (invite, cancel)
}

#[test]
fn a_cancel_is_answered_200_at_once() {
    let mut stage = Stage::new();
    forwarded(&mut stage, &invite(9));
    stage.receive(CARRIER, &cancel());
    let answer = stage.one();
    assert_eq!(answer.first_line(), "SIP/2.0 200 OK");
    assert_eq!((answer.header("CSeq"), answer.header("Call-ID")), ("1 CANCEL", "call"));
}

#[test]
fn a_cancel_with_another_branch_is_answered_481() {
    let mut stage = Stage::new();
    ringing(&mut stage);
    stage.receive(CARRIER, &cancel().replace("z9hG4bKinvite", "z9hG4bKother"));
    assert_eq!(stage.one().status(), 481);
}

#[test]
fn a_cancel_of_an_unknown_request_is_answered_481() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &cancel());
    assert_eq!(stage.one().status(), 481);
}

#[test]
fn a_cancel_is_passed_on_once_the_next_hop_has_answered_provisionally() {
    let mut stage = Stage::new();
    let sent = forwarded(&mut stage, &invite(9));
    stage.receive(CARRIER, &cancel());
    assert_eq!(stage.one().status(), 200);
    stage.receive(CALLEE, &response(&sent, 100, ""));
    assert!(stage.one().is_request("CANCEL"));
    stage.receive(CALLEE, &response(&sent, 487, ""));
    assert_eq!(statuses(&to_caller(&mut stage)), [487]);
}

#[test]
fn all_targets_that_may_ring_are_cancelled() {
    let mut stage = Stage::new();
    let first = forwarded(&mut stage, &invite(9));
    stage.millis(4_000);
    let second = stage.sent().pop().unwrap();
    assert_eq!(second.to(), SECOND);
    stage.receive(SECOND, &response(&second, 100, "")).receive(CARRIER, &cancel());
    assert!(stage.sent().iter().any(|sent| sent.is_request("CANCEL") && sent.to() == SECOND));
    stage.receive(CALLEE, &response(&first, 100, ""));
    let late = stage.one();
    assert!(late.is_request("CANCEL") && late.to() == CALLEE);
}

#[test]
fn our_cancel_is_made_of_its_invite() {
    let (invite, cancel) = passed_on(&mut Stage::new());
    assert_eq!((cancel.to(), cancel.uri()), (invite.to(), invite.uri()));
    for name in ["From", "To", "Call-ID"] {
        assert_eq!(cancel.header(name), invite.header(name));
    }
    assert_eq!(cancel.header("Via"), invite.headers("Via")[0]);
    assert_eq!((cancel.header("CSeq"), cancel.header("Max-Forwards")), ("1 CANCEL", "70"));
}

#[test]
fn our_cancel_follows_the_routes_of_its_invite() {
    let mut stage = Stage::new();
    let sent = forwarded(&mut stage, &invite(9));
    let behind = "Record-Route: <sip:192.0.2.79;lr>, <sip:192.0.2.78;lr>\nRecord-Route: ";
    stage.receive(CALLEE, &ok(&sent).replacen("Record-Route: ", behind, 1));
    // SIP writes a Route set downwards, nearest first.
    let answer = stage.one();
    let again = from_caller("INVITE", 2, &answer)
        .replace("<sip:192.0.2.79;lr>, <sip:192.0.2.78;lr>", "<sip:192.0.2.78;lr>, <sip:192.0.2.79;lr>");
    stage.receive(CARRIER, &again);
    let sent = stage.one();
    stage.receive(&sent.to(), &response(&sent, 180, ""));
    stage.receive(CARRIER, &again.replace("INVITE", "CANCEL").replace("z9hG4bKCANCEL2", "z9hG4bKINVITE2"));
    let cancel = stage.sent().into_iter().find(|sent| sent.is_request("CANCEL")).unwrap();
    assert_eq!(cancel.to(), "192.0.2.78:5060");
    assert_eq!(cancel.headers("Route"), ["<sip:192.0.2.78;lr>", "<sip:192.0.2.79;lr>"]);
}

#[test]
fn our_cancel_requires_nothing() {
    let mut stage = Stage::new();
    let sent = forwarded(&mut stage, &invite(9).replace("Max", "Require: 100rel\nMax"));
    stage.receive(CALLEE, &response(&sent, 180, "")).receive(CARRIER, &cancel());
    let cancel = stage.sent().into_iter().find(|sent| sent.is_request("CANCEL")).unwrap();
    assert!(cancel.headers("Require").is_empty() && cancel.headers("Proxy-Require").is_empty());
}

#[test]
fn a_cancel_after_the_final_response_changes_nothing() {
    for status in [200, 486] {
        let mut stage = Stage::new();
        let sent = ringing(&mut stage);
        stage.receive(CALLEE, &response(&sent, status, "Contact: <sip:desk@192.0.2.3:5070>")).sent();
        let before = stage.calls();
        stage.receive(CARRIER, &cancel());
        assert_eq!(stage.one().first_line(), "SIP/2.0 200 OK");
        assert_eq!(stage.calls(), before);
    }
}

#[test]
fn the_cancel_of_another_method_is_answered_481_and_goes_no_further() {
    let mut stage = Stage::for_any_method();
    let text = invite(9).replace("INVITE", "MESSAGE");
    let sent = forwarded(&mut stage, &text);
    stage.receive(CALLEE, &response(&sent, 100, ""));
    stage.receive(CARRIER, &text.replace("MESSAGE", "CANCEL"));
    assert_eq!(stage.one().status(), 481);
}

#[test]
fn after_a_cancel_no_other_target_is_tried() {
    for trouble in ["503", "error", "silence"] {
        let mut stage = Stage::new();
        let first = forwarded(&mut stage, &invite(9));
        stage.receive(CARRIER, &cancel()).sent();
        match trouble {
            "503" => stage.receive(CALLEE, &response(&first, 503, "")),
            "error" => stage.fail(first.ticket),
            _ => stage.wait(Duration::from_secs(40)),
        };
        let sent = stage.sent();
        assert!(sent.iter().all(|sent| sent.to() != SECOND), "{trouble}");
        let answers: Vec<u16> = sent.iter().filter(|sent| sent.to() == CARRIER).map(Sent::status).collect();
        assert!(answers.ends_with(&[487]), "{trouble}");
    }
}

#[test]
fn a_cancelled_call_ends_with_the_487_of_its_target_whatever_an_earlier_one_said() {
    let mut stage = failing_over_on("[480]");
    let first = forwarded(&mut stage, &invite(9));
    stage.receive(CALLEE, &response(&first, 480, ""));
    let second = stage.sent().into_iter().find(|sent| sent.is_request("INVITE")).unwrap();
    stage.receive(SECOND, &response(&second, 180, "")).receive(CARRIER, &cancel()).sent();
    stage.receive(SECOND, &response(&second, 487, ""));
    assert_eq!(statuses(&to_caller(&mut stage)), [487]);
}

#[test]
fn the_answers_to_cancel_and_to_its_invite_have_one_to_tag() {
    let mut stage = Stage::new();
    let first = forwarded(&mut stage, &invite(9));
    stage.receive(CARRIER, &cancel());
    let answer = stage.one();
    stage.fail(first.ticket);
    let final_answer = stage.one();
    assert_eq!(final_answer.status(), 487);
    assert_eq!(final_answer.to_tag(), answer.to_tag());
}

#[test]
fn a_repeated_cancel_is_answered_again_and_passed_on_once() {
    let mut stage = Stage::new();
    passed_on(&mut stage);
    stage.millis(100).receive(CARRIER, &cancel()).receive(CARRIER, &cancel());
    assert_eq!(statuses(&stage.sent()), [200, 200]);
}

#[test]
fn a_cancel_is_not_refused_for_what_it_requires() {
    let mut stage = Stage::new();
    ringing(&mut stage);
    stage.receive(CARRIER, &cancel().replace("Max", "Require: future\nProxy-Require: gin\nMax"));
    let sent = stage.sent();
    assert!(sent.iter().any(|sent| sent.is_request("CANCEL")));
    assert!(sent.iter().any(|sent| sent.to() == CARRIER && sent.status() == 200));
}

#[test]
fn a_200_that_crosses_the_cancel_is_passed_on() {
    let mut stage = Stage::new();
    let (invite, _) = passed_on(&mut stage);
    stage.receive(CALLEE, &ok(&invite));
    assert_eq!(statuses(&to_caller(&mut stage)), [200]);
    assert_eq!(stage.calls(), 1);
}
