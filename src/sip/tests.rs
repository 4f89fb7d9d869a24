use bytes::Bytes;

use super::reply::{Reply, reply};
use super::*;
use crate::flow::Transport;

const INVITE: &str = "INVITE sip:+48221234567@198.51.100.7;user=phone SIP/2.0\r\n\
    Via: SIP/2.0/UDP 192.0.2.1:5062;branch=z9hG4bK776asdhds;rport, SIP/2.0/TCP 192.0.2.9\r\n\
    Max-Forwards: 70\r\n\
    f: \"Alice, \\\"A\\\"\" <sip:alice@example.com>;tag=1928301774\r\n\
    To: Bob <sip:bob@example.org>\r\n\
    i: a84b4c76e66710@pc33\r\n\
    CSeq: 314159 INVITE\r\n\
    Contact: <sip:alice@192.0.2.1>,\r\n <sip:second@192.0.2.1>\r\n\
    X-Campaign : spring\r\n\
    Content-Length: 4\r\n\r\nbody";

fn request(text: &str) -> Request {
    match scan(Bytes::copy_from_slice(text.as_bytes())) {
        Ok(Message::Request(request)) => request,
        other => panic!("no request: {other:?}"),
    }
}

fn fault(text: &str) -> Malformed {
    scan(Bytes::copy_from_slice(text.as_bytes())).expect_err("it is malformed").reason
}

#[test]
fn every_mandatory_field_is_found_in_long_and_compact_form() {
    let request = request(INVITE);
    assert_eq!(request.method(), Method::Invite);
    assert_eq!(request.uri_bytes(), b"sip:+48221234567@198.51.100.7;user=phone");
    assert_eq!(request.call_id(), b"a84b4c76e66710@pc33");
    assert_eq!(request.cseq(), 314_159);
    assert_eq!(request.from_tag(), b"1928301774");
    assert_eq!(request.from().display_text(), b"Alice, \"A\"");
    assert_eq!(request.to_tag(), None);
    assert_eq!(request.branch(), b"z9hG4bK776asdhds");
    assert_eq!(request.max_forwards(), Some(70));
    assert_eq!(request.headers().body(), b"body");
    assert_eq!(request.headers().other(b"x-campaign"), Some(&b"spring"[..]));
}

#[test]
fn comma_lists_are_split_outside_quotes_and_brackets_and_over_folded_lines() {
    let request = request(INVITE);
    let contacts: Vec<_> = request.headers().values(HeaderName::Contact).collect();
    assert_eq!(contacts, [&b"<sip:alice@192.0.2.1>"[..], b"<sip:second@192.0.2.1>"]);
    let vias: Vec<_> = request.headers().values(HeaderName::Via).collect();
    assert_eq!(vias.len(), 2);
    assert_eq!(Values::new(b"\"a,b\" <sip:x,y@z>, c").count(), 2);
}

#[test]
fn bytes_beyond_content_length_are_cut_off() {
    let request = request(&format!("{INVITE}INVITE sip:smuggled SIP/2.0\r\n"));
    assert_eq!(request.headers().body(), b"body");
    assert!(request.bytes().ends_with(b"\r\n\r\nbody"));
}

#[test]
fn each_fault_has_its_own_reason() {
    let with = |from: &str, to: &str| fault(&INVITE.replace(from, to));
    assert_eq!(with("Length: 4", "Length: 5"), Malformed::ShortBody);
    assert_eq!(with("Length: 4", "Length: 36893488147419103232"), Malformed::ContentLength);
    assert_eq!(with("Length: 4", "Length: -4"), Malformed::ContentLength);
    assert_eq!(with("Length: 4", "Length: 4\r\nl: 4"), Malformed::Duplicate);
    assert_eq!(with("314159 INVITE", "314159 OPTIONS"), Malformed::Mismatch);
    assert_eq!(with("314159 INVITE", "314159 NEWMETHOD"), Malformed::Mismatch);
    assert_eq!(with("314159", "36893488147419103232"), Malformed::CSeq);
    assert_eq!(with("314159", "2147483648"), Malformed::CSeq);
    assert_eq!(with("CSeq: 314159 INVITE\r\n", ""), Malformed::Missing);
    assert_eq!(with("Max-Forwards: 70", "Max-Forwards: 300"), Malformed::MaxForwards);
    assert_eq!(with("To: Bob <sip:bob", "To: \"Bob <sip:bob"), Malformed::To);
    assert_eq!(with("To: Bob", "To: Bob, Alexander"), Malformed::To);
    assert_eq!(with("<sip:alice@example.com>", "<sip:alice@ example.com>"), Malformed::From);
    assert_eq!(with("Max-Forwards: 70\r\n", "Max-Forwards: 70\n"), Malformed::BareLineEnd);
    assert_eq!(with("Max-Forwards: 70\r\n", "Max-Forwards: 70\r"), Malformed::BareLineEnd);
    assert_eq!(with("X-Campaign :", "X-Camp\u{1}aign:"), Malformed::HeaderName);
    assert_eq!(with("X-Campaign : spring", "X-Campaign spring"), Malformed::HeaderName);
    assert_eq!(with("INVITE sip:", "INVITE  sip:"), Malformed::RequestUri);
    assert_eq!(with(";user=phone SIP/2.0", "?Route=%3Csip:x%3E SIP/2.0"), Malformed::RequestUri);
    assert_eq!(with("sip:+48221234567@198.51.100.7;user=phone", "<sip:a@b>"), Malformed::RequestUri);
    assert_eq!(with(" SIP/2.0\r\nVia", " SIP/7.0\r\nVia"), Malformed::Version);
    assert_eq!(with("branch=z9hG4bK776asdhds", "branch=z9hG4bK"), Malformed::Via);
    assert_eq!(with(";rport,", ";;,"), Malformed::Via);
    assert_eq!(with("\r\n\r\nbody", "\r\n"), Malformed::Unfinished);
    assert_eq!(fault("hello"), Malformed::Unfinished);
    assert_eq!(fault("\r\n\r\n"), Malformed::Unfinished);
    assert_eq!(fault(&"x".repeat(MAX_MESSAGE + 1)), Malformed::TooLong);
    let many = format!("Max-Forwards: 70\r\n{}", "x:\r\n".repeat(MAX_HEADERS));
    assert_eq!(with("Max-Forwards: 70\r\n", &many), Malformed::TooManyHeaders);
}

#[test]
fn a_fault_can_be_answered_when_the_first_via_can_be_read_and_it_is_no_ack() {
    let answerable =
        |text: &str| scan(Bytes::copy_from_slice(text.as_bytes())).expect_err("malformed").headers.is_some();
    assert!(answerable(&INVITE.replace("CSeq: 314159 INVITE\r\n", "")));
    assert!(!answerable(&INVITE.replace("Via: SIP", "X-Via: SIP")));
    assert!(!answerable(
        &INVITE.replace("INVITE sip", "ACK sip").replace("159 INVITE", "159 ACK").replace("70", "999")
    ));
}

#[test]
fn status_lines_need_three_digits_and_no_phrase() {
    let response = |line: &str| {
        let rest = &INVITE[INVITE.find("Via").expect("a Via")..];
        scan(Bytes::from(format!("{line}\r\n{rest}")))
    };
    assert!(matches!(response("SIP/2.0 486 Busy Here"), Ok(Message::Response(r)) if r.status() == 486));
    assert!(matches!(response("SIP/2.0 100 "), Ok(Message::Response(r)) if r.status() == 100));
    assert!(matches!(response("SIP/2.0 699"), Ok(Message::Response(r)) if r.status() == 699));
    for line in ["SIP/2.0 4294967301 x", "SIP/2.0 20 x", "SIP/2.0 700 x", "SIP/2.0  200 x", "SIP/2.0 20a x", "SIP/2.0"]
    {
        assert!(response(line).is_err(), "{line}");
    }
}

#[test]
fn an_uri_is_split_at_the_at_sign_whatever_the_user_holds() {
    let uri = Uri::parse(b"sip:user;par=u%40example.net:secret@example.com:5070;transport=TCP;lr?x=y").expect("valid");
    assert_eq!(uri.user, Some(&b"user;par=u%40example.net"[..]));
    assert_eq!((uri.host, uri.port), (&b"example.com"[..], Some(5070)));
    assert_eq!(uri.param(b"Transport"), Some(&b"TCP"[..]));
    assert_eq!(uri.param(b"lr"), Some(&b""[..]));
    assert_eq!(uri.param(b"ttl"), None);
    assert_eq!(uri.headers, b"x=y");
}

#[test]
fn hosts_are_names_ipv4_or_ipv6() {
    let host = |text: &str| Uri::parse(text.as_bytes()).and_then(|uri| uri.target());
    assert_eq!(host("sip:[::1]:5060"), Ok(Host::Address("::1".parse().expect("address"))));
    // Mapped, it is the IPv4 address; with a third colon before one of IPv4 it is the IPv6 address (RFC 5118 4.9, 4.10).
    assert_eq!(host("sip:[::FFFF:192.0.2.1]"), Ok(Host::Address("192.0.2.1".parse().expect("address"))));
    assert_eq!(host("sip:[2001:db8:::192.0.2.1]"), Ok(Host::Address("2001:db8::c000:201".parse().expect("address"))));
    for bad in ["sip:[2001:db8:::1]", "sip:[2001:db8::::192.0.2.1]", "sip:[1:::2:::192.0.2.1]", "sip:[fe80::1%eth0]"] {
        assert!(host(bad).is_err(), "{bad}");
    }
    assert_eq!(host("sip:a@192.0.2.1"), Ok(Host::Address("192.0.2.1".parse().expect("address"))));
    assert_eq!(host("sip:Example.COM"), Ok(Host::Name("example.com".into())));
    for bad in ["sip:", "sip:a@", "sip:[::1", "sip:a@b@c", "sip:exa mple", "sip:h:99999", "sip:h:", "sip:%4", "x", ":x"]
    {
        assert!(host(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_via_is_read_with_white_space_everywhere() {
    let via = Via::parse(b"SIP  / 2.0\r\n / TCP     spindle.example.com : 5070  ;\r\n  branch  =   z9hG4bK9ikj8")
        .expect("via");
    assert_eq!(via.transport, Some(Transport::Tcp));
    assert_eq!((via.host, via.port), (&b"spindle.example.com"[..], Some(5070)));
    assert_eq!(via.branch(), Some(&b"z9hG4bK9ikj8"[..]));
    assert!(Via::parse(b"SIP/2.0/UDP").is_err());
    assert!(Via::parse(b"SIP/2.0/UDP a b").is_err());
    assert_eq!(Via::parse(b"SIP/2.0/XYZ [::1]:5070").expect("via").transport, None);
}

#[test]
fn a_via_is_stamped_with_the_source_and_never_believed() {
    let stamp = |via: &str, source: &str| {
        let mut out = Vec::new();
        let stamped = Via::parse(via.as_bytes()).expect("via").stamp(source.parse().expect("source"), &mut out);
        stamped.then(|| String::from_utf8(out).expect("text"))
    };
    assert_eq!(stamp("SIP/2.0/UDP 192.0.2.1:5062;branch=z9hG4bKa", "192.0.2.1:9"), None);
    assert_eq!(
        stamp("SIP/2.0/UDP 10.0.0.1;rport;branch=z9hG4bKa;received=8.8.8.8", "192.0.2.1:9").as_deref(),
        Some("SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKa;received=192.0.2.1;rport=9")
    );
    assert_eq!(
        stamp("SIP/2.0/UDP pbx.example.net;branch=z9hG4bKa", "192.0.2.1:9").as_deref(),
        Some("SIP/2.0/UDP pbx.example.net;branch=z9hG4bKa;received=192.0.2.1")
    );
}

#[test]
fn a_reply_copies_what_the_request_says_and_adds_its_tag() {
    let request = request(INVITE);
    let source = "192.0.2.7:6000".parse().expect("address");
    let reply = reply(
        request.headers(),
        source,
        Reply { status: 603, phrase: "Decline", to_tag: Some(b"ours"), extra: b"Reason: SIP;cause=603\r\n" },
    );
    let text = std::str::from_utf8(&reply).expect("text");
    assert!(text.starts_with("SIP/2.0 603 Decline\r\nVia: SIP/2.0/UDP 192.0.2.1:5062;branch=z9hG4bK776asdhds;received=192.0.2.7;rport=6000, SIP/2.0/TCP 192.0.2.9\r\n"));
    assert!(text.contains("\r\nTo: Bob <sip:bob@example.org>;tag=ours\r\n"));
    assert!(text.ends_with("Reason: SIP;cause=603\r\nContent-Length: 0\r\n\r\n"));
    assert!(matches!(scan(reply), Ok(Message::Response(response)) if response.status() == 603));
}

#[test]
fn a_splice_changes_the_named_places_and_nothing_else() {
    let request = request(INVITE);
    let headers = request.headers();
    let mut splice = Splice::new();
    splice.replace(request.uri_span(), |out| out.extend_from_slice(b"sip:x@y"));
    splice.replace(headers.top(), |out| out.extend_from_slice(b"Via: first\r\n"));
    splice.replace(headers.top(), |out| out.extend_from_slice(b"Record-Route: second\r\n"));
    let campaign = headers.others(b"X-Campaign").next().expect("the header").line;
    splice.remove(campaign);
    let out = splice.finish(headers);
    let expected = INVITE
        .replace("sip:+48221234567@198.51.100.7;user=phone", "sip:x@y")
        .replacen("Via:", "Via: first\r\nRecord-Route: second\r\nVia:", 1)
        .replace("X-Campaign : spring\r\n", "");
    assert_eq!(out, expected.as_bytes());
}

#[test]
fn the_via_of_a_response_is_popped_from_a_comma_list_or_with_its_line() {
    let text = |via: &str| {
        format!("SIP/2.0 200 OK\r\n{via}\r\nf: <sip:a@b>;tag=1\r\nt: <sip:c@d>;tag=2\r\ni: x\r\nCSeq: 1 INVITE\r\n\r\n")
    };
    for via in ["v: SIP/2.0/UDP us ,  SIP/2.0/UDP them", "v: SIP/2.0/UDP us\r\nVia: SIP/2.0/UDP them"] {
        let Ok(Message::Response(response)) = scan(Bytes::from(text(via))) else { panic!("no response") };
        assert!(response.has_more_via());
        let mut splice = Splice::new();
        splice.remove(response.pop_via_span());
        let Ok(Message::Response(popped)) = scan(splice.finish(response.headers())) else { panic!("no response") };
        assert_eq!(popped.via().host, b"them");
        assert!(!popped.has_more_via());
    }
}

#[test]
fn only_blanks_stand_between_a_header_name_and_its_colon() {
    let with = |name: &str| scan(Bytes::from(INVITE.replace("X-Campaign :", name)));
    assert!(with("X-Campaign \t :").is_ok_and(|message| message.headers().other(b"x-campaign").is_some()));
    for name in ["X-Campaign\r\n :", "X-Campaign\u{c}:", "Max-Breadth\r\n :"] {
        assert_eq!(with(name).expect_err("malformed").reason, Malformed::HeaderName, "{name:?}");
    }
}

#[test]
fn what_two_parsers_would_read_differently_is_refused() {
    let with = |from: &str, to: &str| fault(&INVITE.replace(from, to));
    assert_eq!(with("tag=1928301774", "tag=1928301774;Tag=2"), Malformed::From);
    assert_eq!(with("tag=1928301774", "tag="), Malformed::From);
    assert_eq!(with("tag=1928301774", "tag=1928301774;x=\"open"), Malformed::From);
    assert_eq!(with("bob@example.org>", "bob@example.org>;tag"), Malformed::To);
    assert_eq!(with(";rport,", ";branch=z9hG4bKother,"), Malformed::Via);
    assert_eq!(with(";rport,", ";x=\"open,"), Malformed::Via);
    assert_eq!(with(" SIP/2.0/TCP 192.0.2.9\r\n", "\r\n"), Malformed::Via);
    assert_eq!(with("sip:+48221234567@198.51.100.7;user=phone", "tel:123@198.51.100.7"), Malformed::RequestUri);
}

#[test]
fn quoted_via_parameters_are_no_parameters_of_their_own() {
    let text = "SIP/2.0/UDP 10.0.0.1;x=\"a;received=1.1.1.1;;\\\";rport\";branch=z9hG4bKa";
    let request = request(&INVITE.replace("SIP/2.0/UDP 192.0.2.1:5062;branch=z9hG4bK776asdhds;rport", text));
    assert_eq!(request.branch(), b"z9hG4bKa");
    assert!(!request.via().wants_rport());
    let mut out = Vec::new();
    assert!(request.via().stamp("192.0.2.1:9".parse().expect("source"), &mut out));
    assert_eq!(String::from_utf8(out).expect("text"), format!("{text};received=192.0.2.1"));
}

#[test]
fn a_via_with_an_ipv6_reference_may_have_white_space_around_its_colon() {
    let via = Via::parse(b"SIP/2.0/UDP [2001:db8::9] : 6050 ;branch=z9hG4bKa").expect("via");
    assert_eq!((via.host, via.port), (&b"[2001:db8::9]"[..], Some(6050)));
}

#[test]
fn an_address_without_brackets_has_no_closing_one() {
    assert_eq!(NameAddr::parse(b"sip:a@b>;tag=1"), Err(NameAddrError::Bracket));
    assert_eq!(NameAddr::parse(b"<sip:a@b>;x=\"open"), Err(NameAddrError::Quote));
}

#[test]
fn an_unknown_method_that_cseq_does_not_name_is_answered_501() {
    let text = "NEWMETHOD sip:b@c SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n\
        To: <sip:b@c>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n\r\n";
    let reason = scan(Bytes::from(text)).expect_err("a mismatch").reason;
    assert_eq!((reason, reason.status()), (Malformed::UnknownMethod, 501));
}
