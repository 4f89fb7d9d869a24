//! RFC 3261 section 12: the dialogs that pass through a proxy, which it must not break, and the one that it ends itself:
//! a late 2xx of a target that was given up gets ACK and BYE.
//!
//! | requirement | test |
//! | --- | --- |
//! | 12.1.1: Record-Route of the request is copied into the response, and passes back | `the_route_set_is_the_same_on_both_sides` |
//! | 12.1: Call-ID and both tags are the same on both sides | `the_dialog_id_is_the_same_on_both_sides` |
//! | 12.1.1, 12.2: the remote target is that of Contact, in each direction and anew with each refresh | `contacts_pass_both_ways`, `a_new_remote_target_is_followed` |
//! | 12.1: a provisional response with a tag makes an early dialog | `a_request_inside_an_early_dialog_goes_through` |
//! | 12.1: there may be several early dialogs of one INVITE | `each_early_dialog_of_a_forked_call_is_reached` |
//! | 12.1, 13.2.2.4: and several confirmed ones | `a_reinvite_and_bye_reach_each_dialog_of_a_forked_call` |
//! | 12.2.1.1: CSeq numbers are the end points' affair, and pass | `cseq_numbers_pass_both_ways` |
//! | 12.2.1: a request inside a dialog goes through in both directions | `requests_inside_a_dialog_go_through_in_both_directions` |
//! | 12.2.1.1: From, To and CSeq of our BYE are those of the dialog, CSeq one higher | `our_bye_continues_the_dialog_of_its_2xx` |
//! | 12.2.1.1: its Request-URI is the remote target | `our_bye_continues_the_dialog_of_its_2xx`, `without_contact_our_bye_goes_to_the_uri_of_to` |
//! | 12.2.1.1: its Routes are those behind us, nearest first | `our_bye_follows_the_route_set_behind_us` |
//! | 12.2.1.1: before a strict router its target is the last Route | `our_bye_is_written_for_a_strict_router` |
//! | 12.2.1.1: no Record-Route in a Request-URI, no headers | `the_request_uri_of_our_bye_has_no_headers` |
//! | 8.1.2: it goes where its first Route or its Request-URI says | deviation: `our_bye_goes_the_way_of_its_invite`: the only way that is known to be open |
//! | 13.2.2.4: each copy of the 2xx gets the ACK again, and the BYE goes once | `each_copy_of_a_late_2xx_is_acknowledged_and_the_bye_goes_once` |
//! | 12.2.2: what belongs to no dialog is answered 481 | `a_request_of_no_dialog_is_answered_481` |
//! | 12.2.2: by its token alone, where the peer has moved | `a_request_with_a_token_is_inside_its_dialog_from_any_source_address` in tests/engine |
//! | 12.2.2: one that lost its Route set | deviation: `a_peer_that_lost_record_route_follows_its_call_from_its_own_address_only` in tests/engine |
//! | 12.3, 15: BYE ends a dialog, whatever its answer | `a_bye_closes_the_call_whatever_its_answer` |

use crate::helpers::{CALLEE, forwarded, statuses};
use crate::stage::{CARRIER, Sent, Stage, from_callee, from_caller, invite, ok, response};

/// The ACK and BYE that a late 200, changed so, makes.
fn ended_late(change: impl Fn(String) -> String) -> (Sent, Sent) {
    let mut stage = Stage::new();
    let first = forwarded(&mut stage, &invite(9));
    stage.millis(4_000).sent();
    stage.receive(CALLEE, &change(ok(&first)));
    match &stage.sent()[..] {
        [ack, bye] => (ack.clone(), bye.clone()),
        other => panic!("{other:?}"),
    }
}

fn behind(routes: &str) -> impl Fn(String) -> String {
    move |text| text.replacen("Record-Route: ", &format!("Record-Route: {routes}\nRecord-Route: "), 1)
}

#[test]
fn the_route_set_is_the_same_on_both_sides() {
    let before = "Record-Route: <sip:198.51.100.20;lr>\nMax-Forwards";
    let mut stage = Stage::new();
    let sent = forwarded(&mut stage, &invite(9).replace("Max-Forwards", before));
    for status in [180, 200] {
        stage.receive(CALLEE, &response(&sent, status, ""));
        assert_eq!(stage.one().headers("Record-Route"), sent.headers("Record-Route"), "{status}");
    }
    assert_eq!(sent.headers("Record-Route")[1], "<sip:198.51.100.20;lr>");
}

#[test]
fn the_dialog_id_is_the_same_on_both_sides() {
    let mut stage = Stage::new();
    let (sent, answer) = stage.call(&invite(9));
    for name in ["Call-ID", "From"] {
        assert_eq!(sent.header(name), answer.header(name));
    }
    assert_eq!(answer.header("To"), format!("{};tag=callee", sent.header("To")));
}

#[test]
fn contacts_pass_both_ways() {
    let mut stage = Stage::new();
    let (sent, answer) = stage.call(&invite(9));
    assert_eq!(sent.header("Contact"), "<sip:line7@198.51.100.7:5060>");
    assert_eq!(answer.header("Contact"), "<sip:desk@192.0.2.3:5070>");
}

#[test]
fn a_new_remote_target_is_followed() {
    let mut stage = Stage::new();
    let (_, answer) = stage.call(&invite(9));
    stage.receive(CARRIER, &from_caller("INVITE", 2, &answer));
    let again = stage.one();
    stage.receive(CALLEE, &response(&again, 200, "Contact: <sip:moved@192.0.2.44:5099>"));
    assert_eq!(stage.one().header("Contact"), "<sip:moved@192.0.2.44:5099>");
    let bye = from_caller("BYE", 3, &answer).replacen("sip:desk@192.0.2.3:5070", "sip:moved@192.0.2.44:5099", 1);
    stage.receive(CARRIER, &bye);
    assert_eq!(stage.one().to(), "192.0.2.44:5099");
}

/// What the caller hears of this response to his INVITE.
fn heard(stage: &mut Stage, text: &str) -> Sent {
    stage.receive(CALLEE, text);
    stage.one()
}

#[test]
fn a_request_inside_an_early_dialog_goes_through() {
    let mut stage = Stage::new();
    let sent = forwarded(&mut stage, &invite(9));
    let early = heard(&mut stage, &response(&sent, 183, "Contact: <sip:desk@192.0.2.3:5070>"));
    stage.receive(CARRIER, &from_caller("PRACK", 2, &early));
    assert!(stage.one().is_request("PRACK"));
    stage.receive(CALLEE, &from_callee("UPDATE", 7, &sent));
    let update = stage.one();
    assert!(update.is_request("UPDATE") && update.to() == CARRIER);
}

#[test]
fn each_early_dialog_of_a_forked_call_is_reached() {
    let mut stage = Stage::new();
    let sent = forwarded(&mut stage, &invite(9));
    let text = response(&sent, 183, "Contact: <sip:desk@192.0.2.3:5070>");
    for (cseq, tag, contact) in [(2, "callee", "192.0.2.3:5070"), (3, "other", "192.0.2.55:5070")] {
        let text =
            text.replace("tag=callee", &format!("tag={tag}")).replace("@192.0.2.3:5070>", &format!("@{contact}>"));
        let early = heard(&mut stage, &text);
        assert_eq!(early.to_tag(), tag);
        stage.receive(CARRIER, &from_caller("PRACK", cseq, &early));
        let prack = stage.one();
        assert_eq!((prack.to(), prack.to_tag()), (contact.to_owned(), tag));
    }
}

#[test]
fn a_reinvite_and_bye_reach_each_dialog_of_a_forked_call() {
    let mut stage = Stage::new();
    let (sent, first) = stage.call(&invite(9));
    let second =
        heard(&mut stage, &ok(&sent).replace("tag=callee", "tag=other").replace("desk@192.0.2.3", "desk@192.0.2.55"));
    for (answer, to) in [(&second, "192.0.2.55:5070"), (&first, CALLEE)] {
        stage.receive(
            CARRIER,
            &from_caller("ACK", 1, answer).replace("z9hG4bKACK", &format!("z9hG4bKACK{}", answer.to_tag())),
        );
        assert_eq!(stage.one().to(), to);
    }
    stage.receive(CARRIER, &from_caller("INVITE", 2, &second));
    let again = stage.one();
    assert!(again.is_request("INVITE") && again.to() == "192.0.2.55:5070");
    stage.receive("192.0.2.55:5070", &ok(&again)).sent();
    stage.receive(CARRIER, &from_caller("BYE", 3, &second));
    let bye = stage.one();
    assert_eq!(bye.to(), "192.0.2.55:5070");
    stage.receive("192.0.2.55:5070", &response(&bye, 200, "")).sent();
    // The call goes on in the other.
    assert_eq!(stage.calls(), 1);
}

#[test]
fn cseq_numbers_pass_both_ways() {
    let mut stage = Stage::new();
    let (sent, answer) = stage.call(&invite(9));
    for cseq in [2, 900, 17] {
        stage.receive(CARRIER, &from_caller("INFO", cseq, &answer));
        assert_eq!(stage.one().header("CSeq"), format!("{cseq} INFO"));
        stage.receive(CALLEE, &from_callee("INFO", cseq, &sent));
        assert_eq!(stage.one().header("CSeq"), format!("{cseq} INFO"));
    }
}

#[test]
fn requests_inside_a_dialog_go_through_in_both_directions() {
    let mut stage = Stage::new();
    let (sent, answer) = stage.call(&invite(9));
    stage.receive(CARRIER, &from_caller("ACK", 1, &answer)).sent();
    for method in ["INVITE", "UPDATE", "INFO", "REFER", "NOTIFY", "SUBSCRIBE", "MESSAGE", "OPTIONS", "FLASH", "BYE"] {
        stage.receive(CARRIER, &from_caller(method, 2, &answer));
        let down = stage.one();
        assert!(down.is_request(method) && down.to() == CALLEE && down.uri() == "sip:desk@192.0.2.3:5070");
        stage.receive(CALLEE, &from_callee(method, 7, &sent));
        let up = stage.one();
        assert!(up.is_request(method) && up.to() == CARRIER && up.uri() == "sip:line7@198.51.100.7:5060");
    }
}

#[test]
fn our_bye_continues_the_dialog_of_its_2xx() {
    let (ack, bye) = ended_late(|text| text);
    for sent in [&ack, &bye] {
        assert_eq!(sent.uri(), "sip:desk@192.0.2.3:5070");
        assert_eq!(sent.header("From"), "\"Caller\" <sip:+48600000009@carrier.example.net>;tag=caller");
        assert_eq!(sent.header("To"), "<sip:+48221234567@10.0.0.1>;tag=callee");
        assert_eq!(sent.header("Call-ID"), "call");
        assert!(sent.headers("Route").is_empty());
    }
    assert_eq!((ack.header("CSeq"), bye.header("CSeq")), ("1 ACK", "2 BYE"));
}

#[test]
fn without_contact_our_bye_goes_to_the_uri_of_to() {
    let (_, bye) = ended_late(|text| text.replace("Contact: ", "X-Contact: "));
    assert_eq!(bye.uri(), "sip:+48221234567@10.0.0.1");
}

#[test]
fn our_bye_follows_the_route_set_behind_us() {
    let (ack, bye) = ended_late(behind("<sip:192.0.2.79;lr>, \"Near, by\" <sip:192.0.2.78;lr>"));
    for sent in [ack, bye] {
        assert_eq!(sent.headers("Route"), ["\"Near, by\" <sip:192.0.2.78;lr>", "<sip:192.0.2.79;lr>"]);
        assert_eq!(sent.uri(), "sip:desk@192.0.2.3:5070");
    }
}

#[test]
fn our_bye_is_written_for_a_strict_router() {
    let (ack, bye) = ended_late(behind("<sip:192.0.2.79;lr>, <sip:192.0.2.78?Subject=x>"));
    for sent in [ack, bye] {
        assert_eq!(sent.uri(), "sip:192.0.2.78");
        assert_eq!(sent.headers("Route"), ["<sip:192.0.2.79;lr>", "<sip:desk@192.0.2.3:5070>"]);
    }
}

#[test]
fn the_request_uri_of_our_bye_has_no_headers() {
    let contact = "<sip:desk@192.0.2.3:5070;method=INVITE;x=1?Subject=y>";
    let (_, bye) = ended_late(|text| text.replace("<sip:desk@192.0.2.3:5070>", contact));
    assert_eq!(bye.uri(), "sip:desk@192.0.2.3:5070;x=1");
}

#[test]
fn our_bye_goes_the_way_of_its_invite() {
    let (ack, bye) = ended_late(|text| text.replace("desk@192.0.2.3:5070", "desk@203.0.113.66:9"));
    assert_eq!(bye.uri(), "sip:desk@203.0.113.66:9");
    assert_eq!((ack.to(), bye.to()), (CALLEE.to_owned(), CALLEE.to_owned()));
}

#[test]
fn each_copy_of_a_late_2xx_is_acknowledged_and_the_bye_goes_once() {
    let mut stage = Stage::new();
    let first = forwarded(&mut stage, &invite(9));
    stage.millis(4_000).sent();
    stage.receive(CALLEE, &ok(&first));
    let ack = stage.sent()[0].clone();
    stage.receive(CALLEE, &ok(&first));
    assert_eq!(stage.one().text, ack.text);
}

#[test]
fn a_request_of_no_dialog_is_answered_481() {
    let mut stage = Stage::new();
    let text = invite(9).replace("10.0.0.1>\n", "10.0.0.1>;tag=x\n");
    for method in ["BYE", "INFO", "INVITE", "NOTIFY"] {
        stage.receive(CARRIER, &text.replace("INVITE", method));
        assert_eq!(statuses(&stage.sent()), [481], "{method}");
    }
}

#[test]
fn a_bye_closes_the_call_whatever_its_answer() {
    for status in [200, 202, 400, 404, 481, 500, 603] {
        let mut stage = Stage::new();
        let (_, answer) = stage.call(&invite(9));
        stage.receive(CARRIER, &from_caller("BYE", 2, &answer));
        let bye = stage.one();
        stage.receive(CALLEE, &response(&bye, status, ""));
        assert_eq!((stage.one().status(), stage.calls()), (status, 0));
    }
}
