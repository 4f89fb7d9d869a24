//! RFC 3262: reliable provisional responses pass through.
//!
//! | requirement | test |
//! | --- | --- |
//! | 3: Supported and Require: 100rel pass, in requests and responses | `what_asks_for_reliability_passes_untouched` |
//! | 3: a reliable provisional response is passed on with its RSeq, and each copy of it | `each_copy_of_a_reliable_provisional_response_is_passed_on` |
//! | 3: a proxy makes no reliable response of its own | `our_own_100_is_not_reliable` |
//! | 4: PRACK passes like any request inside a dialog, with its RAck | `prack_passes_with_its_rack` |
//! | 4: and so does its answer | `the_answer_to_prack_passes` |
//! | 4: PRACK of a peer that has lost its Route set | gap: `prack_without_route_is_answered_481`: before the 2xx no call is known |
//! | 3: an INVITE with PRACK under way is cancelled as ever | `a_call_with_prack_under_way_can_be_cancelled` |

use crate::helpers::{CALLEE, forwarded};
use crate::stage::{CARRIER, Sent, Stage, from_caller, invite, response};

const RELIABLE: &str = "Require: 100rel\nRSeq: 988789\nContact: <sip:desk@192.0.2.3:5070>";

/// A call that rings reliably: the INVITE as it arrived, and the 183 as it came back.
fn ringing(stage: &mut Stage) -> (Sent, Sent) {
    let sent = forwarded(stage, &invite(9).replace("Max", "Supported: 100rel\nRequire: 100rel\nMax"));
    stage.receive(CALLEE, &response(&sent, 183, RELIABLE));
    (sent, stage.one())
}

fn prack(early: &Sent) -> String {
    from_caller("PRACK", 2, early).replace("Max", "RAck: 988789 1 INVITE\nMax")
}

#[test]
fn what_asks_for_reliability_passes_untouched() {
    let (sent, early) = ringing(&mut Stage::new());
    assert_eq!((sent.header("Supported"), sent.header("Require")), ("100rel", "100rel"));
    assert_eq!((early.header("Require"), early.header("RSeq")), ("100rel", "988789"));
}

#[test]
fn each_copy_of_a_reliable_provisional_response_is_passed_on() {
    let mut stage = Stage::new();
    let (sent, early) = ringing(&mut stage);
    for millis in [500, 1_000, 2_000] {
        stage.millis(millis).receive(CALLEE, &response(&sent, 183, RELIABLE));
        assert_eq!(stage.one().text, early.text);
    }
}

#[test]
fn our_own_100_is_not_reliable() {
    let mut stage = Stage::new();
    forwarded(&mut stage, &invite(9).replace("Max", "Require: 100rel\nMax"));
    stage.millis(200);
    let trying = stage.one();
    assert_eq!(trying.status(), 100);
    assert!(trying.headers("Require").is_empty() && trying.headers("RSeq").is_empty());
}

#[test]
fn prack_passes_with_its_rack() {
    let mut stage = Stage::new();
    let (_, early) = ringing(&mut stage);
    stage.receive(CARRIER, &prack(&early));
    let prack = stage.one();
    assert_eq!((prack.to(), prack.uri()), (CALLEE.to_owned(), "sip:desk@192.0.2.3:5070"));
    assert_eq!((prack.header("RAck"), prack.header("CSeq")), ("988789 1 INVITE", "2 PRACK"));
}

#[test]
fn the_answer_to_prack_passes() {
    let mut stage = Stage::new();
    let (_, early) = ringing(&mut stage);
    stage.receive(CARRIER, &prack(&early));
    let prack = stage.one();
    stage.receive(CALLEE, &response(&prack, 200, ""));
    let answer = stage.one();
    assert_eq!((answer.status(), answer.to(), answer.header("CSeq")), (200, CARRIER.to_owned(), "2 PRACK"));
    // The call rings on, and is answered.
    assert_eq!(stage.calls(), 0);
}

#[test]
fn prack_without_route_is_answered_481() {
    let mut stage = Stage::new();
    let (_, early) = ringing(&mut stage);
    stage.receive(CARRIER, &prack(&early).replace("Route: ", "X-Route: "));
    assert_eq!(stage.one().status(), 481);
}

#[test]
fn a_call_with_prack_under_way_can_be_cancelled() {
    let mut stage = Stage::new();
    let (_, early) = ringing(&mut stage);
    stage.receive(CARRIER, &prack(&early)).sent();
    stage.receive(CARRIER, &invite(9).replace("INVITE", "CANCEL"));
    assert!(stage.sent().iter().any(|sent| sent.is_request("CANCEL") && sent.to() == CALLEE));
}
