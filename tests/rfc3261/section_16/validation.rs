//! RFC 3261 sections 16.2 and 16.3.
//!
//! | requirement | test |
//! | --- | --- |
//! | 16.2: a request of an unknown method is proxied as any other | `a_request_of_an_unknown_method_is_proxied`, `an_unknown_method_inside_a_dialog_passes` |
//! | 16.2: each new request opens a server transaction, which absorbs its retransmissions | `a_retransmission_is_not_proxied_again` |
//! | 16.2: no 100 to a non-INVITE | `a_non_invite_is_not_answered_100_at_once`; RFC 4320 says when: `rfc_4320` |
//! | 16.3: a request that fails is answered as a UAS does | `section_8` |
//! | 16.3 item 1: what is needed to proxy is well-formed, else 400 | `a_request_that_cannot_be_read_is_answered_400` |
//! | 16.3 item 1: what is not needed is ignored and stays, well-formed or not | `a_malformed_header_that_no_proxy_needs_passes_untouched` |
//! | 16.3 item 1: what may be read in two ways | deviation: `what_two_readers_would_read_differently_is_answered_400` |
//! | 16.3 item 1: unknown header fields and methods are no fault | `an_unknown_header_passes_untouched` |
//! | 7.1: another version of SIP is answered 505 | `another_version_of_sip_is_answered_505` |
//! | 16.3 item 2: a scheme that is not understood is answered 416 | `a_request_uri_of_another_scheme_is_answered_416` |
//! | 16.3 item 2: tel and urn:service are understood | `a_tel_uri_is_routed_by_its_number` |
//! | 16.3 item 2, 26.2.2: sips is TLS on every hop | `a_sips_uri_is_answered_416_where_it_did_not_come_by_tls`, tests/tls/sips.rs |
//! | 16.3 item 3: without Max-Forwards the check passes | `a_request_without_max_forwards_passes` |
//! | 16.3 item 3: with more than 0 it passes | `a_request_with_one_forward_left_passes` |
//! | 16.3 item 3: with 0 it is not forwarded, and answered 483 | `a_request_with_no_forwards_left_is_answered_483` |
//! | 16.3 item 3: an OPTIONS may be answered | `options_to_us_with_no_forwards_left_is_answered_200`, `options_to_another_with_no_forwards_left_is_answered_483` |
//! | 16.3 item 4: a loop is answered 482, a spiral goes on | `rfc_5393` |
//! | 16.3 item 5: Proxy-Require is answered 420, with all that is not understood in Unsupported | `an_extension_that_a_proxy_must_know_is_answered_420_with_unsupported` |
//! | 16.3 item 5: Require is no affair of a proxy's | `require_is_none_of_a_proxys_business` |
//! | 16.3 item 6, 22.3: credentials for others are not consumed | `credentials_pass_untouched` |
//! | 16.3: the checks come in this order | `the_first_check_that_fails_gives_the_answer` |
//! | 16.3: inside a dialog as well | `the_checks_are_made_inside_a_dialog_too` |

use crate::helpers::{answer, forwarded, statuses, to_caller};
use crate::stage::{CARRIER, Stage, from_caller, invite};

fn with(line: &str) -> String {
    invite(9).replace("Max-Forwards", &format!("{line}\nMax-Forwards"))
}

fn to_uri(uri: &str) -> String {
    invite(9).replacen("sip:+48221234567@10.0.0.1", uri, 1)
}

#[test]
fn a_request_of_an_unknown_method_is_proxied() {
    let mut stage = Stage::for_any_method();
    let sent = forwarded(&mut stage, &invite(9).replace("INVITE", "FLASH"));
    assert!(sent.is_request("FLASH"));
    assert_eq!(sent.header("CSeq"), "1 FLASH");
}

#[test]
fn an_unknown_method_inside_a_dialog_passes() {
    let mut stage = Stage::new();
    let (_, answer) = stage.call(&invite(9));
    stage.receive(CARRIER, &from_caller("FLASH", 2, &answer));
    assert!(stage.one().is_request("FLASH"));
}

#[test]
fn a_retransmission_is_not_proxied_again() {
    for method in ["INVITE", "MESSAGE"] {
        let mut stage = Stage::for_any_method();
        let text = invite(9).replace("INVITE", method);
        forwarded(&mut stage, &text);
        stage.millis(100).receive(CARRIER, &text);
        assert!(stage.sent().iter().all(|sent| sent.to() == CARRIER), "{method}");
    }
}

#[test]
fn a_non_invite_is_not_answered_100_at_once() {
    let mut stage = Stage::for_any_method();
    forwarded(&mut stage, &invite(9).replace("INVITE", "MESSAGE"));
    stage.millis(500);
    assert!(to_caller(&mut stage).is_empty());
}

#[test]
fn a_request_that_cannot_be_read_is_answered_400() {
    for (good, bad) in [
        ("Max-Forwards: 70", "Max-Forwards: many"),
        ("Max-Forwards: 70", "Max-Forwards: 256"),
        ("CSeq: 1 INVITE", "CSeq: one INVITE"),
        ("CSeq: 1 INVITE", "CSeq: 2147483648 INVITE"),
        ("CSeq: 1 INVITE", "CSeq: 1 BYE"),
        ("Call-ID: call", "Call-ID: "),
        ("From: \"Caller\" <", "From: \"Caller <"),
        ("To: <sip:+48221234567@10.0.0.1>\n", ""),
        ("SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKinvite", "SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK"),
        ("sip:+48221234567@10.0.0.1 SIP", "sip:+48221234567@10.0.0.1?To=x SIP"),
        ("sip:+48221234567@10.0.0.1 SIP", "sip:%zz@10.0.0.1 SIP"),
    ] {
        let mut stage = Stage::new();
        stage.receive_malformed(CARRIER, &invite(9).replacen(good, bad, 1));
        assert_eq!(stage.one().status(), 400, "{bad}");
    }
}

#[test]
fn a_malformed_header_that_no_proxy_needs_passes_untouched() {
    for line in [
        "Date: yesterday, about noon",
        "Expires: 0 0l@company.com",
        "Warning: 1812 overture \"In Progress\"",
        "Retry-After: soon",
        "Accept: ;;;",
        "Content-Disposition: \"unbalanced",
    ] {
        let sent = forwarded(&mut Stage::new(), &with(line));
        assert!(sent.text.contains(&format!("\r\n{line}\r\n")), "{line}");
    }
}

#[test]
fn what_two_readers_would_read_differently_is_answered_400() {
    for line in ["Max-Forwards: 5", "Call-ID: other", "Content-Type: a/b\nContent-Type: c/d", "Subject: a\nSubject: b"]
    {
        let mut stage = Stage::new();
        stage.receive_malformed(CARRIER, &with(line));
        assert_eq!(stage.one().status(), 400, "{line}");
    }
}

#[test]
fn an_unknown_header_passes_untouched() {
    let line = "X-Whatever:   a , \"b\" ;c";
    assert!(forwarded(&mut Stage::new(), &with(line)).text.contains(&format!("\r\n{line}\r\n")));
}

#[test]
fn another_version_of_sip_is_answered_505() {
    let mut stage = Stage::new();
    stage.receive_malformed(CARRIER, &invite(9).replacen(" SIP/2.0", " SIP/7.0", 1));
    assert_eq!(stage.one().first_line(), "SIP/2.0 505 Version Not Supported");
}

#[test]
fn a_request_uri_of_another_scheme_is_answered_416() {
    for uri in ["mailto:someone@example.com", "nobodyKnowsThis:abc", "http://example.com/", "urn:uuid:f81d4fae"] {
        assert_eq!(answer(&to_uri(uri)).status(), 416, "{uri}");
    }
}

#[test]
fn a_tel_uri_is_routed_by_its_number() {
    assert_eq!(forwarded(&mut Stage::new(), &to_uri("tel:+48-22-123-45-67")).header("Max-Forwards"), "69");
}

#[test]
fn a_sips_uri_is_answered_416_where_it_did_not_come_by_tls() {
    assert_eq!(answer(&to_uri("sips:+48221234567@10.0.0.1")).status(), 416);
}

#[test]
fn a_request_without_max_forwards_passes() {
    forwarded(&mut Stage::new(), &invite(9).replace("Max-Forwards: 70\n", ""));
}

#[test]
fn a_request_with_one_forward_left_passes() {
    let sent = forwarded(&mut Stage::new(), &invite(9).replace("Max-Forwards: 70", "Max-Forwards: 1"));
    assert_eq!(sent.header("Max-Forwards"), "0");
}

#[test]
fn a_request_with_no_forwards_left_is_answered_483() {
    assert_eq!(answer(&invite(9).replace("Max-Forwards: 70", "Max-Forwards: 0")).status(), 483);
}

#[test]
fn options_to_us_with_no_forwards_left_is_answered_200() {
    let options = to_uri("sip:10.0.0.1").replace("INVITE", "OPTIONS");
    assert_eq!(answer(&options.replace("Max-Forwards: 70", "Max-Forwards: 0")).status(), 200);
}

#[test]
fn options_to_another_with_no_forwards_left_is_answered_483() {
    let options = invite(9).replace("INVITE", "OPTIONS").replace("Max-Forwards: 70", "Max-Forwards: 0");
    assert_eq!(answer(&options).status(), 483);
}

#[test]
fn an_extension_that_a_proxy_must_know_is_answered_420_with_unsupported() {
    let answer = answer(&with("Proxy-Require: gin, future\nProxy-Require: more"));
    assert_eq!(answer.first_line(), "SIP/2.0 420 Bad Extension");
    assert_eq!(answer.header("Unsupported"), "gin, future, more");
}

#[test]
fn require_is_none_of_a_proxys_business() {
    let sent = forwarded(&mut Stage::new(), &with("Require: 100rel, from-the-future\nSupported: timer"));
    assert_eq!((sent.header("Require"), sent.header("Supported")), ("100rel, from-the-future", "timer"));
}

#[test]
fn credentials_pass_untouched() {
    let line = "Digest username=\"a,b\", realm=\"other.example.com\", nonce=\"1\", uri=\"sip:x\", response=\"2\"";
    let sent = forwarded(&mut Stage::new(), &with(&format!("Proxy-Authorization: {line}\nAuthorization: {line}")));
    assert_eq!((sent.header("Proxy-Authorization"), sent.header("Authorization")), (line, line));
}

#[test]
fn the_first_check_that_fails_gives_the_answer() {
    let all = with("Proxy-Require: gin").replace("Max-Forwards: 70", "Max-Forwards: 0");
    let scheme = all.replacen("sip:+48221234567@10.0.0.1", "mailto:someone@example.com", 1);
    assert_eq!(answer(&scheme).status(), 416);
    assert_eq!(answer(&all).status(), 483);
    assert_eq!(answer(&with("Proxy-Require: gin")).status(), 420);
}

#[test]
fn the_checks_are_made_inside_a_dialog_too() {
    let mut stage = Stage::new();
    let (_, answer) = stage.call(&invite(9));
    let info = |cseq, from: &str, to: &str| from_caller("INFO", cseq, &answer).replacen(from, to, 1);
    stage.receive(CARRIER, &info(2, "Max-Forwards: 70", "Max-Forwards: 0"));
    stage.receive(CARRIER, &info(3, "Max-Forwards", "Proxy-Require: gin\nMax-Forwards"));
    assert_eq!(statuses(&stage.sent()), [483, 420]);
}
