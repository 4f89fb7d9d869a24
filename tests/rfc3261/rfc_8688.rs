//! RFC 8688: 608 Rejected.
//!
//! | requirement | test |
//! | --- | --- |
//! | 3.1: who rejects adds a Call-Info with a signed card | `a_608_of_ours_names_the_card` |
//! | 3.1: 608 goes only to who says that he understands it; else 603 | `without_the_callers_word_a_608_becomes_603` |
//! | 3.2: `sip.608` in any Feature-Caps header, in any case (RFC 6809) | `the_word_may_stand_in_any_feature_caps` |
//! | 3: a 608 of another passes with its card, and ends the search for another way | `a_608_passes_with_its_card_byte_for_byte` |
//! | 3.2: Feature-Caps passes to the next hop | `feature_caps_pass_to_the_next_hop` |

use crate::helpers::{CALLEE, failing_over_on, forwarded, passed_on, refusal};
use crate::stage::{CARRIER, Sent, Stage, invite};

const CARD: &str = "[answers]\ncard = \"https://block.example.net/complaint-jws\"\n";

/// A stage on which the rule "hotline" answers 608.
fn rejecting() -> Stage {
    let decline = "except = [\"vip\"]\naction = \"decline\"";
    Stage::with(&[(decline, &format!("{decline}\nreply = \"608 Rejected\"\nstatus = \"spam\""))], CARD)
}

/// The answer to a listed caller whose INVITE has these lines.
fn rejected(lines: &str) -> Sent {
    let mut stage = rejecting();
    stage.receive(CARRIER, &invite(1).replace("Max-Forwards", &format!("{lines}Max-Forwards")));
    assert_eq!(stage.load().transactions, 0);
    stage.one()
}

#[test]
fn a_608_of_ours_names_the_card() {
    let answer = rejected("Feature-Caps: *;+sip.608\n");
    assert_eq!(answer.first_line(), "SIP/2.0 608 Rejected");
    assert_eq!(answer.header("Call-Info"), "<https://block.example.net/complaint-jws>;purpose=jwscard");
    assert_eq!(answer.header("Reason"), "SIP;cause=608;text=\"spam\"");
}

#[test]
fn without_the_callers_word_a_608_becomes_603() {
    for lines in ["", "Feature-Caps: *;+g.3gpp.atcf\n", "Feature-Caps: *;+sip.6080\n", "Supported: sip.608\n"] {
        let answer = rejected(lines);
        assert_eq!(answer.first_line(), "SIP/2.0 603 Decline", "{lines}");
        assert_eq!((answer.headers("Call-Info").len(), answer.header("Reason")), (0, "SIP;cause=603;text=\"spam\""));
    }
}

#[test]
fn the_word_may_stand_in_any_feature_caps() {
    for lines in [
        "feature-caps:*;+SIP.608\n",
        "Feature-Caps: *;+g.3gpp.atcf=\"<sip:a@b>\", * ;+sip.608\n",
        "Feature-Caps: *;+g.3gpp.atcf\nFeature-Caps: *;+sip.608\n",
    ] {
        assert_eq!(rejected(lines).status(), 608, "{lines}");
    }
}

#[test]
fn the_record_holds_the_word_so_that_the_decision_can_be_repeated() {
    let mut stage = rejecting();
    let lines = "Feature-Caps: *;+g.one\nFeature-Caps: *;+sip.608\nMax-Forwards";
    stage.receive(CARRIER, &invite(1).replace("Max-Forwards", lines)).sent();
    let record = stage.records().pop().unwrap();
    let column = |name: &str| ringfence::engine::RECORD_HEADER.split(',').position(|it| it == name).unwrap();
    assert_eq!(record[column("headers")], "feature-caps=%2A%3B%2Bsip%2E608");
    assert_eq!(record[column("status")], "608");
}

#[test]
fn a_608_passes_with_its_card_byte_for_byte() {
    let lines = "Call-Info: <https://other.example.net/jws>;purpose=jwscard\n\
                 Reason: SIP;cause=608;text=\"Rejected\"\nCall-Info: <https://a.example/logo.png>;purpose=icon\n";
    let mut stage = failing_over_on("[503, 480]");
    let sent = forwarded(&mut stage, &invite(9));
    let answer = refusal(&sent, "608 Rejected", lines);
    assert_eq!(passed_on(&mut stage, CALLEE, &answer), answer.expected);
}

#[test]
fn feature_caps_pass_to_the_next_hop() {
    let mut stage = rejecting();
    let sent = forwarded(&mut stage, &invite(9).replace("Max", "Feature-Caps: *;+sip.608\nMax"));
    assert_eq!(sent.header("Feature-Caps"), "*;+sip.608");
}
