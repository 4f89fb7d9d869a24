//! RFC 5118: torture messages of IPv6; ours, one or two for each of its sections.
//!
//! | requirement | test |
//! | --- | --- |
//! | 4.1: an IPv6 reference is a host wherever one stands | `ipv6_references_stand_in_every_header` |
//! | 4.2: an address without brackets in a Request-URI is no URI | `a_request_uri_without_brackets_is_answered_400` |
//! | 4.3: what looks like a port inside the brackets belongs to the address | `a_port_inside_the_brackets_belongs_to_the_address` |
//! | 4.4: a port behind them is a port | `a_port_behind_the_brackets_is_a_port` |
//! | 4.5: `received` with and without brackets | `received_is_read_in_both_spellings` |
//! | 4.6, 4.8: SDP with addresses of IPv6, and of both | `bodies_with_ipv6_pass_byte_for_byte` |
//! | 4.7: addresses of both families in the Vias of one message | `vias_of_both_families_lead_back` |
//! | 4.9: IPv4-mapped addresses are read | `mapped_addresses_are_read_and_never_written` |
//! | 4.10: a third colon before an IPv4 address is tolerated | `a_third_colon_before_an_ipv4_address_is_tolerated` |

use crate::helpers::{CALLEE, with_body};
use crate::stage::{Sent, Stage, from_caller, invite, invite_from_six, message, ok, response};

const CALLER: &str = "[2001:db8:6::7]:5060";
const UDP6: u16 = 2;

/// The INVITE as it arrives at the pbx.
fn forwarded(stage: &mut Stage, text: &str) -> Sent {
    stage.receive_by(CALLER, UDP6, text);
    stage.one()
}

/// Where an ACK goes when the callee's Contact is this URI.
fn acknowledged_at(contact: &str) -> String {
    let mut stage = Stage::dual_stack(&[]);
    let sent = forwarded(&mut stage, &invite_from_six(9));
    stage.receive(CALLEE, &response(&sent, 200, &format!("Contact: <{contact}>")));
    let answer = stage.one();
    stage.receive_by(CALLER, UDP6, &from_caller("ACK", 1, &answer));
    stage.one().to()
}

#[test]
fn ipv6_references_stand_in_every_header() {
    let mut stage = Stage::dual_stack(&[]);
    let more = "Reply-To: <sip:[2001:db8:6::7]>\nHistory-Info: <sip:+48221234567@[2001:db8:6::8]>;index=1\n\
                P-Asserted-Identity: <sip:+48600000009@[2001:db8:6::7]:5062>\nMax-Forwards: 70";
    let text = invite_from_six(9).replace("carrier.example.net", "[2001:db8:6::7]").replace("Max-Forwards: 70", more);
    let sent = forwarded(&mut stage, &text);
    for (name, value) in [
        ("From", "\"Caller\" <sip:+48600000009@[2001:db8:6::7]>;tag=caller"),
        ("To", "<sip:+48221234567@[2001:db8::1]>"),
        ("Contact", "<sip:line7@[2001:db8:6::7]:5060>"),
        ("Reply-To", "<sip:[2001:db8:6::7]>"),
        ("History-Info", "<sip:+48221234567@[2001:db8:6::8]>;index=1"),
        ("P-Asserted-Identity", "<sip:+48600000009@[2001:db8:6::7]:5062>"),
    ] {
        assert_eq!(sent.header(name), value);
    }
    assert_eq!(sent.headers("Via")[1], "SIP/2.0/UDP [2001:db8:6::7]:5060;branch=z9hG4bKinvite");
}

#[test]
fn a_request_uri_without_brackets_is_answered_400() {
    let text = invite_from_six(9).replace("INVITE sip:+48221234567@[2001:db8::1]", "INVITE sip:2001:db8::1");
    let mut stage = Stage::new();
    stage.receive_rejected("198.51.100.7:5060", message(&text));
    assert_eq!(stage.one().status(), 400);
}

#[test]
fn a_port_inside_the_brackets_belongs_to_the_address() {
    assert_eq!(acknowledged_at("sip:desk@[2001:db8:6::10:5070]"), "[2001:db8:6::10:5070]:5060");
}

#[test]
fn a_port_behind_the_brackets_is_a_port() {
    assert_eq!(acknowledged_at("sip:desk@[2001:db8:6::10]:5070"), "[2001:db8:6::10]:5070");
}

#[test]
fn received_is_read_in_both_spellings() {
    for received in ["2001:db8::9:255", "[2001:db8::9:255]"] {
        let mut stage = Stage::dual_stack(&[]);
        let below = format!("SIP/2.0/UDP [2001:db8:6::5];received={received};branch=z9hG4bKbelow");
        let text = invite_from_six(9).replace("Max-Forwards: 70", &format!("Via: {below}\nMax-Forwards: 70"));
        let sent = forwarded(&mut stage, &text);
        assert_eq!(sent.headers("Via")[2], below);
        stage.receive(CALLEE, &response(&sent, 180, ""));
        let ringing = stage.one();
        assert_eq!((ringing.to().as_str(), ringing.headers("Via")[1]), (CALLER, &*below));
    }
}

#[test]
fn bodies_with_ipv6_pass_byte_for_byte() {
    for body in [
        "v=0\r\no=- 1 1 IN IP6 2001:db8::20\r\ns=-\r\nc=IN IP6 2001:db8::20\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\n",
        "v=0\r\no=- 1 1 IN IP6 host.example\r\ns=-\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\nc=IN IP6 2001:db8::1\r\n\
         m=video 6024 RTP/AVP 107\r\nc=IN IP4 1.2.3.4\r\n",
        "v=0\r\no=- 1 1 IN IP6 ::ffff:192.0.2.2\r\ns=-\r\nc=IN IP6 ::ffff:192.0.2.2\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\n",
    ] {
        let mut stage = Stage::dual_stack(&[]);
        stage.receive_bytes(CALLER, UDP6, with_body(&invite_from_six(9), body.as_bytes()));
        assert_eq!(stage.one().body(), body.as_bytes());
    }
}

#[test]
fn vias_of_both_families_lead_back() {
    let mut stage = Stage::dual_stack(&[]);
    let below = ["SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKfour", "SIP/2.0/TCP [2001:db8::9:1];branch=z9hG4bKsix"];
    let vias = format!("Via: {}\nVia: {}\nMax-Forwards: 70", below[0], below[1]);
    let sent = forwarded(&mut stage, &invite_from_six(9).replace("Max-Forwards: 70", &vias));
    assert_eq!(sent.headers("Via")[2..], below);
    stage.receive(CALLEE, &ok(&sent));
    let answer = stage.one();
    assert_eq!((answer.to().as_str(), &answer.headers("Via")[1..]), (CALLER, &below[..]));
}

#[test]
fn mapped_addresses_are_read_and_never_written() {
    let mut stage = Stage::dual_stack(&[]);
    let text = invite(9).replace("198.51.100.7", "[::ffff:198.51.100.7]");
    stage.receive("198.51.100.7:5060", &text);
    let sent = stage.one();
    let stamped = "SIP/2.0/UDP [::ffff:198.51.100.7]:5060;branch=z9hG4bKinvite;received=198.51.100.7";
    assert_eq!(sent.headers("Via")[1], stamped);
    assert_eq!(sent.header("Contact"), "<sip:line7@[::ffff:198.51.100.7]:5060>");
    assert!(!sent.headers("Via")[0].contains("ffff") && !sent.header("Record-Route").contains("ffff"));
    stage.receive(CALLEE, &ok(&sent));
    assert_eq!(stage.one().to(), "198.51.100.7:5060");
    assert_eq!(acknowledged_at("sip:desk@[::ffff:192.0.2.3]:5070"), CALLEE);
}

#[test]
fn a_third_colon_before_an_ipv4_address_is_tolerated() {
    for host in ["[2001:db8:::192.0.2.1]", "[2001:db8::192.0.2.1]"] {
        assert_eq!(acknowledged_at(&format!("sip:desk@{host}")), "[2001:db8::c000:201]:5060");
    }
}
