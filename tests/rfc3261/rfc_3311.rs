//! RFC 3311: UPDATE passes through.
//!
//! | requirement | test |
//! | --- | --- |
//! | 4, 5.1: UPDATE passes in an early dialog, from either side | `update_passes_in_an_early_dialog_from_either_side` |
//! | 5.1: and in a confirmed one | `update_passes_in_a_confirmed_dialog_from_either_side` |
//! | 5.1: its Contact is a new remote target, and passes with its offer | `contact_and_offer_of_an_update_pass_untouched` |
//! | 5.2: its answers pass, 491 and 500 with Retry-After as well | `the_answers_to_update_pass_untouched` |
//! | 4: Allow passes, so that each side knows what the other can | `allow_passes_untouched` |
//! | 5: UPDATE outside a dialog | `update_outside_a_dialog_is_answered_405` |

use crate::helpers::{CALLEE, answer, forwarded, with_body};
use crate::stage::{CARRIER, Stage, from_callee, from_caller, invite, response};

#[test]
fn update_passes_in_an_early_dialog_from_either_side() {
    let mut stage = Stage::new();
    let sent = forwarded(&mut stage, &invite(9));
    stage.receive(CALLEE, &response(&sent, 183, "Contact: <sip:desk@192.0.2.3:5070>"));
    let early = stage.one();
    stage.receive(CARRIER, &from_caller("UPDATE", 2, &early));
    let down = stage.one();
    assert_eq!((down.to(), down.uri()), (CALLEE.to_owned(), "sip:desk@192.0.2.3:5070"));
    stage.receive(CALLEE, &from_callee("UPDATE", 1, &sent));
    let up = stage.one();
    assert_eq!((up.to(), up.uri()), (CARRIER.to_owned(), "sip:line7@198.51.100.7:5060"));
}

#[test]
fn update_passes_in_a_confirmed_dialog_from_either_side() {
    let mut stage = Stage::new();
    let (sent, answer) = stage.call(&invite(9));
    stage.receive(CARRIER, &from_caller("UPDATE", 2, &answer));
    assert_eq!(stage.one().to(), CALLEE);
    stage.receive(CALLEE, &from_callee("UPDATE", 1, &sent));
    assert_eq!(stage.one().to(), CARRIER);
    assert_eq!(stage.records().len(), 1);
}

#[test]
fn contact_and_offer_of_an_update_pass_untouched() {
    let mut stage = Stage::new();
    let (_, answer) = stage.call(&invite(9));
    let lines = "Contact: <sip:line8@198.51.100.8>;x\nContent-Type: application/sdp\n";
    stage.receive_bytes(
        CARRIER,
        0,
        with_body(&format!("{}{lines}", from_caller("UPDATE", 2, &answer).trim_end().to_owned() + "\n"), b"v=0\r\n"),
    );
    let update = stage.one();
    assert_eq!((update.header("Contact"), update.body()), ("<sip:line8@198.51.100.8>;x", &b"v=0\r\n"[..]));
}

#[test]
fn the_answers_to_update_pass_untouched() {
    for (status, line) in [(200, "Contact: <sip:d@192.0.2.9>"), (491, "X: y"), (500, "Retry-After: 5"), (504, "X: y")] {
        let mut stage = Stage::new();
        let (_, answer) = stage.call(&invite(9));
        stage.receive(CARRIER, &from_caller("UPDATE", 2, &answer));
        let update = stage.one();
        stage.receive(CALLEE, &response(&update, status, line));
        let answer = stage.one();
        assert_eq!(answer.status(), status);
        assert!(answer.text.contains(&format!("\r\n{line}\r\n")));
    }
}

#[test]
fn allow_passes_untouched() {
    let line = "Allow: INVITE, ACK, UPDATE, X-OWN";
    let mut stage = Stage::new();
    let sent = forwarded(&mut stage, &invite(9).replace("Max", &format!("{line}\nMax")));
    assert!(sent.text.contains(&format!("\r\n{line}\r\n")));
    stage.receive(CALLEE, &response(&sent, 180, line));
    assert!(stage.one().text.contains(&format!("\r\n{line}\r\n")));
}

#[test]
fn update_outside_a_dialog_is_answered_405() {
    assert_eq!(answer(&invite(9).replace("INVITE", "UPDATE")).status(), 405);
}
