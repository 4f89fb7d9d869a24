//! RFC 3261 sections 16.6 and 16.11.
//!
//! | requirement | test |
//! | --- | --- |
//! | 16.6 item 1: all header fields are copied, also those that nobody knows | `what_needs_no_change_passes_byte_for_byte` |
//! | 16.6 item 1, 7.3.1: fields of one name keep their order | `fields_of_one_name_keep_their_order` |
//! | 16.6 item 1: the body is not touched | `a_body_of_any_bytes_passes_untouched`, `compact_and_folded_headers_pass_as_they_came` |
//! | 16.6 item 2: the Request-URI becomes the target | `the_request_uri_becomes_the_target` |
//! | 16.6 item 2: parameters that no Request-URI may have are taken away | `the_request_uri_loses_what_no_request_uri_may_have` |
//! | 16.6 item 3: Max-Forwards is one less | `max_forwards_is_counted_down` |
//! | 16.6 item 3: without one, 70 is put in | `without_max_forwards_70_is_put_in` |
//! | 16.6 item 4: Record-Route above all others, in a request that makes a dialog | `our_record_route_stands_above_the_others`, `a_request_that_makes_no_dialog_gets_no_record_route` |
//! | 16.6 item 4: it is a SIP URI with lr | `our_record_route_is_a_sip_uri_with_lr` |
//! | 16.6 item 4: it must lead to us from both sides | `rfc_5658` |
//! | 16.6 item 4: in a request inside a dialog as well | `a_request_inside_a_dialog_gets_the_same_record_route` |
//! | 16.6 item 4: a sips URI where the Request-URI is one | `a_sips_call_goes_on_by_tls_and_its_dialog_stays_there` in tests/tls |
//! | 16.6 item 5: headers may be added | those of presentation: tests/engine |
//! | 16.6 item 6: Route | `routing` |
//! | 16.6 item 7: each next hop is tried in a client transaction of its own | `each_next_hop_has_a_branch_of_its_own` |
//! | 16.6 item 8: our Via above the others, with the cookie, and unique | `our_via_stands_above_the_others`, `each_next_hop_has_a_branch_of_its_own` |
//! | 16.6 item 8: the branch shows a loop | `rfc_5393` |
//! | 16.6 item 9: Content-Length where there is none | `without_content_length_it_is_put_in` |
//! | 16.6 item 10: a retransmission of our own has the same bytes | `an_unanswered_request_is_sent_again_as_it_was` |
//! | 16.6 item 11: Timer C | `responses` |
//! | 16.11: an ACK to a 2xx goes on without a transaction | `an_ack_to_a_2xx_goes_on_without_state` |
//! | 16.11: its branch is the same for each copy, and another for each ACK | `a_repeated_ack_has_the_same_branch_and_another_ack_another` |
//! | 16.11: an ACK with no forwards left goes no further | `an_ack_with_no_forwards_left_is_dropped` |
//! | 16.11: requests other than ACK | not applicable: they are proxied statefully |
//! | 12: Contact is not touched | `what_needs_no_change_passes_byte_for_byte` |

use crate::helpers::{CALLEE, SECOND, forwarded, with_body};
use crate::stage::{CARRIER, Stage, from_callee, from_caller, invite};

const BODY: &[u8] = b"v=0\r\no=- 1 1 IN IP4 198.51.100.7\r\n\r\n\0\x01\xff\xfe\r\nINVITE sip:x SIP/2.0\r\n\r\n";

fn with(lines: &str) -> String {
    invite(9).replace("Contact", &format!("{lines}\nContact"))
}

#[test]
fn what_needs_no_change_passes_byte_for_byte() {
    let lines = [
        "From: \"Caller\" <sip:+48600000009@carrier.example.net>;tag=caller",
        "To: <sip:+48221234567@10.0.0.1>",
        "Call-ID: call",
        "CSeq: 1 INVITE",
        "X-Unknown:no blank,  \"many\"   blanks ",
        "allow-Events : presence;x , dialog",
        "P-Charging-Vector: icid-value=1234;orig-ioi=home1.net",
        "Session-Expires: 1800;refresher=uac",
        "Contact: <sip:line7@198.51.100.7:5060>",
        "Content-Type: application/sdp",
    ];
    let sent = forwarded(
        &mut Stage::new(),
        &with(&format!("{}\n{}\n{}\n{}", lines[4], lines[5], lines[6], lines[7]))
            .replace(lines[8], &format!("{}\n{}", lines[8], lines[9])),
    );
    // In their order, and nothing between them.
    assert!(sent.text.contains(&lines.join("\r\n")), "{}", sent.text);
}

#[test]
fn fields_of_one_name_keep_their_order() {
    let sent = forwarded(&mut Stage::new(), &with("X-One: 1\nX-Two: a\nX-One: 2, 3\nX-Two: b\nX-One: 4"));
    assert_eq!((sent.headers("X-One"), sent.headers("X-Two")), (vec!["1", "2, 3", "4"], vec!["a", "b"]));
}

#[test]
fn a_body_of_any_bytes_passes_untouched() {
    let mut stage = Stage::new();
    stage.receive_bytes(CARRIER, 0, with_body(&with("Content-Type: multipart/mixed;boundary=x"), BODY));
    let sent = stage.one();
    assert_eq!(sent.body(), BODY);
    assert_eq!(sent.header("Content-Length"), BODY.len().to_string());
}

#[test]
fn compact_and_folded_headers_pass_as_they_came() {
    let folded = "Subject: a\r\n  b\r\n\t c\r\n";
    let text = String::from_utf8(with_body(&invite(9), b"body").to_vec()).unwrap();
    let text = text.replace("Contact:", "m:").replace("Call-ID:", "i :").replace("CSeq", &format!("{folded}CSeq"));
    let mut stage = Stage::new();
    stage.receive_bytes(CARRIER, 0, text.into());
    let sent = stage.one();
    let expected = format!("i : call\r\n{folded}CSeq: 1 INVITE\r\nm: <sip:line7@198.51.100.7:5060>\r\n");
    assert!(sent.text.contains(&expected), "{}", sent.text);
    assert_eq!(sent.body(), b"body");
}

#[test]
fn the_request_uri_becomes_the_target() {
    let mut stage = Stage::new();
    let first = forwarded(&mut stage, &invite(9));
    assert_eq!(first.uri(), "sip:+48221234567@192.0.2.3:5070");
    stage.fail(first.ticket);
    assert_eq!(stage.one().uri(), "sip:+48221234567@192.0.2.4:5070");
}

#[test]
fn the_request_uri_loses_what_no_request_uri_may_have() {
    let uri = "sip:+48221234567;npdi@10.0.0.1:5060;transport=udp;x=1;Method=BYE;user=phone;maddr=10.0.0.1;ttl=1;lr";
    let text = invite(9).replacen("sip:+48221234567@10.0.0.1", uri, 1);
    let expected = "sip:+48221234567;npdi@192.0.2.3:5070;x=1;user=phone";
    assert_eq!(forwarded(&mut Stage::new(), &text).uri(), expected);
    // What a Contact says beside comes into the Request-URI only by the peer that writes it there.
    let mut stage = Stage::new();
    let sent = forwarded(
        &mut stage,
        &invite(9).replace("<sip:line7@198.51.100.7:5060>", "<sip:line7@198.51.100.7:5060;method=BYE?Subject=x>"),
    );
    stage.receive(CALLEE, &crate::stage::ok(&sent)).sent();
    let lost = from_callee("INFO", 7, &sent)
        .replace("sip:line7@198.51.100.7:5060;method=BYE?Subject=x", "sip:10.0.0.1:5060")
        .replace("\nRoute: ", "\nX-Route: ");
    stage.receive(CALLEE, &lost.replace("        Route: ", "X-Route: "));
    assert_eq!(stage.one().uri(), "sip:line7@198.51.100.7:5060");
}

#[test]
fn max_forwards_is_counted_down() {
    for (before, after) in [("70", "69"), ("1", "0"), ("255", "254"), ("010", "9")] {
        let text = invite(9).replace("Max-Forwards: 70", &format!("Max-Forwards: {before}"));
        assert_eq!(forwarded(&mut Stage::new(), &text).header("Max-Forwards"), after);
    }
}

#[test]
fn without_max_forwards_70_is_put_in() {
    let sent = forwarded(&mut Stage::new(), &invite(9).replace("Max-Forwards: 70\n", ""));
    assert_eq!(sent.header("Max-Forwards"), "70");
}

#[test]
fn our_record_route_stands_above_the_others() {
    let others = "Record-Route: <sip:198.51.100.20;lr>, <sip:198.51.100.21;lr>";
    let sent = forwarded(&mut Stage::new(), &with(others));
    let routes = sent.headers("Record-Route");
    assert!(routes[0].contains("@10.0.0.1:5060") && routes.len() == 2, "{routes:?}");
    assert_eq!(format!("Record-Route: {}", routes[1]), others);
}

#[test]
fn our_record_route_is_a_sip_uri_with_lr() {
    let mut stage = Stage::for_any_method();
    for method in ["INVITE", "SUBSCRIBE", "REFER", "FLASH"] {
        let text = invite(9).replace("INVITE", method).replace("Call-ID: call", &format!("Call-ID: {method}"));
        let sent = forwarded(&mut stage, &text);
        let route = sent.header("Record-Route");
        assert!(route.starts_with("<sip:") && route.ends_with("@10.0.0.1:5060;lr>"), "{method}: {route}");
    }
}

#[test]
fn a_request_that_makes_no_dialog_gets_no_record_route() {
    let mut stage = Stage::for_any_method();
    for method in ["MESSAGE", "OPTIONS", "PUBLISH", "REGISTER"] {
        let text = invite(9).replace("INVITE", method).replace("Call-ID: call", &format!("Call-ID: {method}"));
        assert!(forwarded(&mut stage, &text).headers("Record-Route").is_empty(), "{method}");
    }
}

#[test]
fn a_request_inside_a_dialog_gets_the_same_record_route() {
    let mut stage = Stage::new();
    let (sent, answer) = stage.call(&invite(9));
    for (cseq, method, count) in [(2, "INVITE", 1), (3, "UPDATE", 1), (4, "REFER", 1), (5, "BYE", 0)] {
        stage.receive(CARRIER, &from_caller(method, cseq, &answer));
        let inside = stage.one();
        assert_eq!(inside.headers("Record-Route"), vec![sent.header("Record-Route"); count], "{method}");
    }
}

#[test]
fn our_via_stands_above_the_others() {
    let others = "SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKinvite, SIP/2.0/TCP far.example.net;branch=z9hG4bKfar";
    let text = invite(9).replace("SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKinvite", others);
    let sent = forwarded(&mut Stage::new(), &text.replace("Contact", "v: SIP/2.0/UDP farther;branch=1\nContact"));
    let vias = sent.headers("Via");
    assert!(vias[0].starts_with("SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK"), "{vias:?}");
    assert_eq!(vias[1..], [others]);
    assert_eq!(sent.header("v"), "SIP/2.0/UDP farther;branch=1");
}

#[test]
fn each_next_hop_has_a_branch_of_its_own() {
    let mut stage = Stage::new();
    let first = forwarded(&mut stage, &invite(9));
    stage.fail(first.ticket);
    let second = stage.one();
    assert_eq!(second.to(), SECOND);
    assert_ne!(first.headers("Via")[0], second.headers("Via")[0]);
    assert_eq!(first.headers("Via")[1..], second.headers("Via")[1..]);
}

#[test]
fn without_content_length_it_is_put_in() {
    let text = String::from_utf8(with_body(&with("Content-Type: text/plain"), b"hello").to_vec()).unwrap();
    for called in ["+4822", "+4834"] {
        let mut stage = Stage::new();
        let text = text.replace("Content-Length: 5\r\n", "").replace("+4822", called);
        stage.receive_bytes(CARRIER, 0, text.into());
        let sent = stage.one();
        assert_eq!((sent.header("Content-Length"), sent.body()), ("5", &b"hello"[..]), "{called}");
    }
}

#[test]
fn an_unanswered_request_is_sent_again_as_it_was() {
    let mut stage = Stage::new();
    let first = forwarded(&mut stage, &invite(9));
    stage.millis(500);
    let again = stage.sent().into_iter().find(|sent| sent.to() == CALLEE).unwrap();
    assert_eq!(again.text, first.text);
}

#[test]
fn an_ack_to_a_2xx_goes_on_without_state() {
    let mut stage = Stage::new();
    let (_, answer) = stage.call(&invite(9));
    let before = stage.load();
    stage.receive_bytes(CARRIER, 0, with_body(&from_caller("ACK", 1, &answer), BODY));
    let ack = stage.one();
    assert_eq!((ack.to(), ack.uri()), (CALLEE.to_owned(), "sip:desk@192.0.2.3:5070"));
    assert_eq!((ack.header("CSeq"), ack.header("Max-Forwards"), ack.body()), ("1 ACK", "69", BODY));
    assert_eq!(stage.load(), before);
    stage.millis(3_000);
    assert!(stage.sent().is_empty());
}

#[test]
fn a_repeated_ack_has_the_same_branch_and_another_ack_another() {
    let mut stage = Stage::new();
    let (_, answer) = stage.call(&invite(9));
    let ack = from_caller("ACK", 1, &answer);
    stage.receive(CARRIER, &ack).receive(CARRIER, &ack);
    stage.receive(CARRIER, &ack.replace("z9hG4bKACK1", "z9hG4bKACK2"));
    let branches: Vec<String> = stage.sent().iter().map(|sent| sent.headers("Via")[0].to_owned()).collect();
    assert_eq!(branches[0], branches[1]);
    assert_ne!(branches[0], branches[2]);
}

#[test]
fn an_ack_with_no_forwards_left_is_dropped() {
    let mut stage = Stage::new();
    let (_, answer) = stage.call(&invite(9));
    stage.receive(CARRIER, &from_caller("ACK", 1, &answer).replace("Max-Forwards: 70", "Max-Forwards: 0"));
    assert!(stage.sent().is_empty());
}
