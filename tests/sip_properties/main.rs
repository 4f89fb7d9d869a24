//! Properties of the wire format and of what the engine sends, for messages made of legal, odd and wrong pieces. The
//! fuzz targets `scan`, `splice`, `uri` and `forward` assert the same of arbitrary bytes.

mod check;
mod generate;
mod oracle;
mod proxy;

use std::net::SocketAddr;

use proptest::prelude::*;
use ringfence::sip::{Message, Scheme, Uri};

fn source() -> impl Strategy<Value = SocketAddr> {
    prop::sample::select(vec!["192.0.2.1:5062", "[2001:db8::9]:6050", "203.0.113.9:1"])
        .prop_map(|text| text.parse().expect("an address"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn the_parts_of_a_message_lie_in_it_in_order_and_without_gaps(bytes in generate::message()) {
        check::scanned(&bytes);
    }

    #[test]
    fn the_parts_of_a_damaged_message_lie_in_it_in_order_and_without_gaps(bytes in generate::damaged()) {
        check::scanned(&bytes);
    }

    #[test]
    fn a_second_parser_reads_what_we_read(bytes in prop_oneof![generate::message(), generate::damaged()]) {
        if let Some(message) = check::scanned(&bytes) {
            oracle::agrees(&message);
        }
    }

    #[test]
    fn what_a_splice_does_not_name_keeps_its_bytes_and_its_order(
        bytes in prop_oneof![generate::message(), generate::damaged()],
        choices in prop::collection::vec(any::<u8>(), 1..16),
    ) {
        if let Some(message) = check::scanned(&bytes) {
            check::spliced(&message, &choices);
        }
    }

    #[test]
    fn a_reply_says_what_its_request_says(
        bytes in prop_oneof![generate::message(), generate::damaged()],
        source in source(),
    ) {
        if let Some(message) = check::scanned(&bytes) {
            check::vias(message.headers(), source);
            if let Message::Request(request) = &message {
                check::replied(request, source);
            }
        }
    }

    #[test]
    fn an_engine_sends_only_what_can_be_read_and_passes_on_what_it_does_not_know(
        caller in prop_oneof![3 => generate::call(), 1 => generate::message(), 1 => generate::damaged()],
        added in generate::lines(),
        answers in prop::collection::vec(any::<u8>(), 1..8),
    ) {
        let mut bench = proxy::Bench::new();
        bench.call(&caller, &added, &answers);
        bench.let_time_pass();
    }

    #[test]
    fn the_values_of_joined_values_are_the_values(field in generate::punctuation()) {
        check::values(&field);
        check::address(&field);
    }

    #[test]
    fn an_uri_written_again_is_the_same(
        scheme in prop::sample::select(vec!["sip:", "SIPS:", "tel:", "urn:", "x-y:", ""]),
        rest in prop_oneof![
            "[a-z0-9;=%@:.?\\[\\]+-]{0,24}".prop_map(String::into_bytes),
            generate::punctuation(),
        ],
    ) {
        check::uri(&[scheme.as_bytes(), &rest].concat());
    }
}

#[test]
fn most_generated_messages_are_accepted() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let accepted = (0..1_000)
        .filter(|_| {
            let tree = generate::message().new_tree(&mut runner).expect("a message");
            check::scanned(&tree.current()).is_some()
        })
        .count();
    assert!((200..950).contains(&accepted), "{accepted} of 1,000");
}

#[test]
fn most_generated_calls_are_forwarded() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let forwarded = (0..200_u8).filter(|at| {
        let caller = generate::call().new_tree(&mut runner).expect("a call").current();
        let mut bench = proxy::Bench::new();
        bench.call(&caller, b"", &[at % 2]);
        bench.forwarded > 0
    });
    assert!(forwarded.count() > 60);
}

/// A call from a caller who is hidden.
fn hidden_call(contact: &str, more: &str) -> Vec<u8> {
    format!(
        "INVITE sip:+48221234567@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKa\r\n\
         From: <sip:+48600100200@198.51.100.7>;tag=a\r\nTo: <sip:+48221234567@127.0.0.1>\r\nCall-ID: x\r\n\
         CSeq: 1 INVITE\r\nContact: {contact}\r\n{more}Content-Length: 0\r\n\r\n"
    )
    .into_bytes()
}

#[test]
fn a_contact_that_is_no_sip_uri_ends_neither_the_call_nor_the_program() {
    for contact in ["<tel:+48600100200>", "<sip:a b@c>", "<sip:a\r\n b@c>", "<sip:a@c?Route=x>", "\"open", "<>"] {
        // The callee rings, answers, and sends an INVITE inside the dialog, with and without our Record-Route.
        for choice in [0b1000_0110, 0b1000_0111] {
            let mut bench = proxy::Bench::new();
            let added = format!("Contact: {contact}\r\n");
            bench.call(&hidden_call(contact, ""), added.as_bytes(), &[0, choice, 2, 6]);
            assert!(bench.forwarded > 0, "{contact}");
            bench.let_time_pass();
        }
    }
}

#[test]
fn a_request_that_would_outgrow_our_own_limits_is_refused() {
    let fields = "x:\r\n".repeat(ringfence::sip::MAX_HEADERS - 9);
    let long = format!("X-Long: {}\r\n", "x".repeat(ringfence::sip::MAX_MESSAGE - 1_000));
    for more in [fields, long] {
        let mut bench = proxy::Bench::new();
        // Ringing, then hung up: for the CANCEL the INVITE is read again.
        bench.call(&hidden_call("<sip:a@b>", &more), b"", &[0, 64 + 1]);
        assert_eq!(bench.forwarded, 0);
        bench.let_time_pass();
    }
    let mut bench = proxy::Bench::new();
    bench.call(&hidden_call("<sip:a@b>", &"x:\r\n".repeat(200)), b"", &[0, 64 + 1]);
    assert!(bench.forwarded > 1, "an ordinary one and its CANCEL go on");
}

#[test]
fn messages_of_another_builder_are_accepted() {
    for text in built() {
        let message = check::scanned(text.as_bytes()).unwrap_or_else(|| panic!("{text}"));
        oracle::agrees(&message);
        check::spliced(&message, &[1, 2, 3]);
        if let Message::Request(request) = &message {
            check::replied(request, "192.0.2.1:5060".parse().expect("an address"));
            assert_eq!(Uri::parse(request.uri_bytes()).map(|uri| uri.scheme), Ok(Scheme::Sip));
        }
    }
}

/// A request and a response of each kind that rsip can build.
fn built() -> Vec<String> {
    use rsip::headers::*;
    let uri = |text: &str| rsip::Uri::try_from(text).expect("a URI");
    let mut built = Vec::new();
    for method in rsip::Method::all() {
        let mut headers = rsip::Headers::default();
        headers.push(Via::new("SIP/2.0/UDP pc33.example.com:5066;branch=z9hG4bK776asdhds;rport").into());
        headers.push(Via::new("SIP/2.0/TCP [2001:db8::9]:5060;branch=z9hG4bKother").into());
        headers.push(MaxForwards::from(70).into());
        headers.push(
            typed::From { display_name: Some("Alice".into()), uri: uri("sip:alice@example.com"), params: vec![] }
                .with_tag("a48s".into())
                .into(),
        );
        headers.push(typed::To { display_name: None, uri: uri("sip:+48221234567@example.org"), params: vec![] }.into());
        headers.push(CallId::new("f81d4fae-7dec-11d0-a765-00a0c91e6bf6@biloxi.example.com").into());
        headers.push(typed::CSeq { seq: 1, method }.into());
        headers.push(
            typed::Contact { display_name: None, uri: uri("sip:alice@pc33.example.com:5066"), params: vec![] }.into(),
        );
        headers.push(rsip::Header::Other("X-Campaign".into(), "spring".into()));
        headers.push(ContentLength::from(4).into());
        let request = rsip::Request {
            method,
            uri: uri("sip:+48221234567@192.0.2.7:5070;user=phone"),
            version: rsip::Version::V2,
            headers: headers.clone(),
            body: b"body".to_vec(),
        };
        built.push(request.to_string());
        for status in [100, 180, 200, 302, 404, 486, 503, 603] {
            let response = rsip::Response {
                status_code: rsip::StatusCode::from(status),
                version: rsip::Version::V2,
                headers: headers.clone(),
                body: b"body".to_vec(),
            };
            built.push(response.to_string());
        }
    }
    built
}
