//! Messages made of pieces that are legal, odd or wrong, and messages with a few bytes changed.

use proptest::prelude::*;
use proptest::sample::{Index, select};

const START: &[&str] = &[
    "INVITE sip:+48221234567@198.51.100.7;user=phone SIP/2.0",
    "INVITE sip:+48221234567@198.51.100.7;user=phone SIP/2.0",
    "INVITE tel:+48-22-123-45-67;phone-context=+48 SIP/2.0",
    "INVITE tel:123@x SIP/2.0",
    "INVITE urn:service:sos SIP/2.0",
    "INVITE sips:bob:secret@[2001:db8::1]:5071;lr?x SIP/2.0",
    "INVITE sip:user;par=u%40example.net@example.com;transport=TCP SIP/2.0",
    "BYE sip:198.51.100.7 SIP/2.0",
    "ACK sip:bob@198.51.100.7 SIP/2.0",
    "OPTIONS sip:127.0.0.1:5060 SIP/2.0",
    "NEWMETHOD. sip:x@y sip/2.0",
    "SIP/2.0 200 OK",
    "SIP/2.0 183",
    "SIP/2.0 603 \u{17b}egnaj, \"x\"",
];
const VIA: &[&str] = &[
    "Via: SIP/2.0/UDP 192.0.2.1:5062;branch=z9hG4bK776asdhds;rport",
    "v: SIP/2.0/TCP pbx.example.net;branch=z9hG4bKa;received=8.8.8.8;rport=7",
    "VIA:SIP / 2.0 / UDP\r\n first.example.com : 4000 ;ttl=16 ; maddr=224.2.0.1 ;branch = z9hG4bKa7c6a8dlze.1",
    "Via: SIP/2.0/UDP [2001:db8::9:1]:6050;branch=z9hG4bKas3-111",
    "Via: SIP/2.0/UDP [2001:db8::9] : 6050;branch=z9hG4bKas3-112",
    "Via: SIP/2.0/UDP 192.0.2.1 ;x=\"a;received=1.1.1.1;;b\";branch=z9hG4bKq",
    "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1, SIP/2.0/TCP 192.0.2.9;branch=z9hG4bK2",
    "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1,",
    "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1;branch=z9hG4bK2",
    "Via: SIP/2.0/UDP 192.0.2.1;x=\"open",
    "Via: SIP/2.0/SCTP 192.0.2.1",
];
const FROM: &[&str] = &[
    "From: \"Alice, \\\"A\\\"\" <sip:alice@example.com>;tag=1928301774",
    "f: sip:+48600100200@example.com;tag=x",
    "From: Alice  Example\r\n <sips:alice@example.com;lr?x=y> ; tag = q ; other=\"a;tag=z\"",
    "From: <tel:+48600100200>;tag=1",
    "From: sip:nobody@example.com",
    "From: <sip:a@b>;tag=",
    "From: <sip:a@b>;tag=1;tag=2",
    "From: \"open <sip:a@b>;tag=1",
];
const TO: &[&str] = &[
    "To: Bob <sip:bob@example.org>",
    "t: <sip:bob@example.org>;tag=b",
    "To: sip:bob@example.org;x=y",
    "To: <sip:bob@example.org>;tag",
    "To: <sip:bob@example.org>;",
    "To: , <sip:bob@example.org>",
];
const CALL_ID: &[&str] = &["Call-ID: a84b4c76e66710@pc33", "i:x", "Call-ID: ", "I : ()<>:\\\"/[]?{}"];
const CSEQ: &[&str] =
    &["CSeq: 314159 INVITE", "cseq:\t000001\r\n INVITE", "CSeq: 1 BYE", "CSeq: 2 ACK", "CSeq: 3 OPTIONS"];
const OTHER: &[&str] = &[
    "Max-Forwards: 70",
    "Max-Forwards: 0",
    "Contact: <sip:alice@192.0.2.1>,\r\n <sip:second@192.0.2.1>",
    "m: <tel:+48600100200>",
    "m: sip:a b@c",
    "Contact: \"Mr, X\" <sip:alice:pw@192.0.2.1:5070;transport=tcp?Route=%3Csip:x%3E>;expires=7",
    "X-Campaign : spring",
    "X-Odd\r\n : folded before the colon",
    "X-Form\u{c}: feed",
    "X-Empty:",
    "x-lists: a,\"b,c\",<d,e>, ,",
    "Route: <sip:127.0.0.1;lr>, <sip:198.51.100.9;lr>",
    "Record-Route: <sip:198.51.100.9;lr>",
    "P-Asserted-Identity: <sip:+48600100200@example.com>, <tel:+48600100200>",
    "Remote-Party-ID: <sip:+48600100200@example.com>;party=calling",
    "Diversion: <sip:+48221234567@x>;reason=unconditional",
    "Privacy: id;critical",
    "Privacy: header; ID",
    "Identity: eyJ;info=<https://x>",
    "Timestamp: 54 .0",
    "Require: 100rel",
    "Proxy-Require: foo, bar",
    "X-Binary: \u{1}\u{7f}\u{fffd}",
    "Reason: SIP;cause=200;text=\"x\"",
    "no colon",
];

/// A message; often one that is accepted.
pub(crate) fn message() -> impl Strategy<Value = Vec<u8>> {
    let some = |pieces: &'static [&'static str]| prop_oneof![8 => Just(pieces[0]), 4 => select(pieces)];
    let single = (some(START), some(VIA), some(FROM), some(TO), some(CALL_ID), some(CSEQ));
    let others = prop::collection::vec(select(OTHER), 0..6);
    let vias = prop::collection::vec(select(VIA), 0..3);
    let body = prop_oneof![Just(Vec::new()), prop::collection::vec(any::<u8>(), 0..40)];
    let length = prop_oneof![4 => Just(0_i8), 1 => -2..3_i8, 2 => Just(i8::MAX)];
    (single, others, vias, body, length, any::<[Index; 2]>()).prop_map(
        |((start, via, from, to, call_id, cseq), others, vias, body, length, swaps)| {
            let mut lines = vec![via];
            lines.extend(vias);
            lines.extend([from, to, call_id, cseq]);
            lines.extend(others);
            let count = lines.len();
            lines.swap(swaps[0].index(count), swaps[1].index(count));
            let mut text = start.as_bytes().to_vec();
            for line in lines {
                text.extend_from_slice(b"\r\n");
                text.extend_from_slice(line.as_bytes());
            }
            if length != i8::MAX {
                let told = i64::try_from(body.len()).expect("short") + i64::from(length);
                text.extend_from_slice(format!("\r\nl: {told}").as_bytes());
            }
            text.extend_from_slice(b"\r\n\r\n");
            text.extend_from_slice(&body);
            text
        },
    )
}

/// A message with a few bytes put in, taken out or changed.
pub(crate) fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![select(b"\r\n \t\"<>,;:=@%?\\\0/[]".to_vec()), any::<u8>()];
    let changes = prop::collection::vec((any::<Index>(), 0..3_u8, byte), 1..4);
    (message(), changes).prop_map(|(mut text, changes)| {
        for (at, kind, byte) in changes {
            let at = at.index(text.len());
            match kind {
                0 => text[at] = byte,
                1 => text.insert(at, byte),
                _ => drop(text.remove(at)),
            }
        }
        text
    })
}

/// Text of the bytes that separate and quote.
pub(crate) fn punctuation() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![4 => select(b",;<>\"\\ =:@%?\r\n\t".to_vec()), 3 => select(b"ab1z".to_vec())];
    prop::collection::vec(byte, 0..24)
}

/// A call that is let through more often than not.
pub(crate) fn call() -> impl Strategy<Value = Vec<u8>> {
    let uri = select(&[
        "sip:+48221234567@198.51.100.7;user=phone",
        "sip:+48221234569@198.51.100.7",
        "sip:+48221234568@198.51.100.7",
        "tel:+48-22-123-45-67;phone-context=+48;x=a:b",
        "sips:bob@127.0.0.1;lr",
        "urn:service:sos",
    ]);
    let from = select(&FROM[..5]);
    (uri, from, lines(), select(&VIA[..7])).prop_map(|(uri, from, others, via)| {
        let mut text = format!("INVITE {uri} SIP/2.0\r\n{via}\r\n{from}\r\n").into_bytes();
        text.extend_from_slice(b"To: Bob <sip:bob@example.org>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n");
        text.extend_from_slice(&others);
        text.extend_from_slice(b"\r\nbody");
        text
    })
}

/// A few header lines that are no mandatory ones.
pub(crate) fn lines() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(select(ADDED), 0..5)
        .prop_map(|lines| lines.iter().flat_map(|line| [line.as_bytes(), b"\r\n"].concat()).collect())
}

const ADDED: &[&str] = &[
    "Contact: <sip:alice@192.0.2.1>,\r\n <sip:second@192.0.2.1>",
    "m: <tel:+48600100200>",
    "m: sip:a b@c",
    "Contact: <sip:a\r\n b@c>",
    "Contact: \"Mr, X\" <sip:alice:pw@192.0.2.1:5070;transport=tcp?Route=%3Csip:x%3E>;expires=7",
    "X-Campaign : spring",
    "x-lists: a,\"b,c\",<d,e>, ,",
    "X-Long: first\r\n  second\r\n\tthird",
    "Route: <sip:127.0.0.1;lr>, <sip:198.51.100.9;lr>",
    "Route: <sip:a b>",
    "Record-Route: <sip:198.51.100.9;lr>",
    "Record-Route: <sip:198.51.100.9?x=y>, <sip:a b>",
    "P-Asserted-Identity: <sip:+48600100200@example.com>, <tel:+48600100200>",
    "P-Asserted-Identity: sip:a b@c",
    "Remote-Party-ID: <sip:+48600100200@example.com>;party=calling",
    "Diversion: <sip:+48221234567@x>;reason=unconditional",
    "Privacy: id;critical",
    "Privacy: header; ID",
    "Identity: eyJ;info=<https://x>",
    "Reason: SIP\r\n ;cause=200;text=\"x\"",
    "History-Info: <sip:x@y>;index=1",
];
