//! RFC 3261 section 18: transport. What the sockets answer for is tested where they are.
//!
//! | requirement | test |
//! | --- | --- |
//! | 18.1.1: sent-by is where we hear responses | `sent_by_names_the_socket_that_a_request_leaves_by`, `sent_by_is_what_the_config_advertises` |
//! | 18.1.1: Via names the transport | `via_names_the_transport_that_a_request_leaves_by` |
//! | 18.1.1: a request of more than 1300 bytes goes over TCP | deviation: `a_long_request_stays_on_udp`; with `sip.stream_above` `a_request_that_is_too_long_for_a_datagram_leaves_by_tcp_and_says_so` in tests/engine/streams.rs |
//! | 18.1.1: and over UDP when no connection can be made | `when_no_connection_can_be_made_it_leaves_by_udp_all_the_same` in tests/engine/streams.rs |
//! | 18.1.1: a connection to the peer is used again | `messages_to_one_peer_share_a_connection` in src/net/tests.rs |
//! | 18.1.1: UDP and TCP are heard on one address and port | the default of `sip.listen` |
//! | 18.1.2: a response whose sent-by is not ours is discarded | deviation: the keyed branch proves whose it is: `a_response_with_another_branch_is_dropped` in `section_16`, `a_response_is_ours_by_its_branch_from_any_address` |
//! | 18.2.1: a request with another host in sent-by than its source gets received | `a_host_that_is_not_the_source_is_stamped_with_received` |
//! | 18.2.1: a name gets it too | `a_host_that_is_not_the_source_is_stamped_with_received` |
//! | 18.2.1: one with the same does not | `a_host_that_is_the_source_is_not_stamped` |
//! | 18.2.2: a response over a stream takes the connection of its request | `a_response_over_a_stream_takes_the_connection_of_its_request` |
//! | 18.2.2: should that be closed, a new one to the source at the port of sent-by | `a_response_over_a_stream_knows_where_its_sender_listens`, `a_closed_connection_of_a_flow_is_replaced_by_another_to_its_peer`, `a_response_whose_connection_is_closed_goes_by_a_new_one_to_where_its_sender_listens` in src/net/tests.rs |
//! | 18.2.2: with maddr it goes there, to the port of sent-by or 5060 | `a_response_goes_to_maddr` |
//! | 18.2.2: else to the source, at the port of sent-by or 5060 | `a_response_goes_to_the_source_at_the_port_of_sent_by` |
//! | 18.2.2: the same for what we answer ourselves | `our_own_answer_takes_the_same_way` |
//! | 18.2.1: each request is handed to its transaction by branch, sent-by and method | `one_branch_of_two_senders_is_two_requests` |
//! | 18.3: over UDP the bytes beyond Content-Length are discarded | `bytes_beyond_content_length_are_discarded` |
//! | 18.3: a request with fewer is answered 400 | `a_request_shorter_than_its_content_length_is_answered_400` |
//! | 18.3: a response with fewer is discarded | `a_response_shorter_than_its_content_length_is_discarded` |
//! | 18.3: without Content-Length the body goes to the end of the datagram | `without_content_length_it_is_put_in` in `section_16` |
//! | 18.3: over a stream Content-Length frames | src/net/framing/tests.rs, `a_stream_is_answered_however_it_is_cut` and `a_message_without_length_is_rejected_and_the_stream_closed` in src/net/tests.rs |
//! | 7.5: line ends before a message are ignored | `line_ends_before_a_message_are_ignored`, `keep_alives_and_runts_are_counted_and_reach_no_core` in src/net/tests.rs |
//! | 18.4: a request that cannot be sent is told to its transaction | `an_unreachable_peer_fails_the_send_and_not_its_neighbours`, `a_refused_connection_fails_every_message_that_waits_for_it` in src/net/tests.rs |
//! | 18.4: so is one whose connection is lost before its answer | `the_loss_of_a_connection_is_told_to_every_shard_if_a_request_was_written_on_it` in src/net/tests.rs, tests/engine/streams.rs |
//! | 18.4: ICMP errors are told as well | gap: the sockets are not connected, and hear none; `try_for` goes on to the next target |
//! | 18.2.1: a connection stays open for at least 64*T1 | `StreamLimits::idle` is an hour |
//! | 18.1.1: multicast | not applicable: nothing is sent there |

use bytes::Bytes;
use ringfence::flow::{ConnectionId, Transport};

use crate::helpers::{CALLEE, forwarded, to_caller, with_body};
use crate::stage::{CARRIER, Sent, Stage, from_caller, invite, message, ok, response};

fn via(sent_by: &str, params: &str) -> String {
    invite(9).replace("198.51.100.7:5060;branch=z9hG4bKinvite", &format!("{sent_by};branch=z9hG4bKinvite{params}"))
}

/// The request as it goes on, and the response as it comes back.
fn passed(from: &str, text: &str) -> (Sent, Sent) {
    let mut stage = Stage::new();
    stage.receive(from, text);
    let sent = stage.one();
    stage.receive(CALLEE, &response(&sent, 183, ""));
    (sent, stage.one())
}

#[test]
fn sent_by_names_the_socket_that_a_request_leaves_by() {
    let mut stage = Stage::new();
    // It came to 10.0.0.2, and leaves by 10.0.0.1.
    stage.receive_by(CARRIER, 2, &invite(9));
    let sent = stage.one();
    assert_eq!(sent.flow.local, "10.0.0.1:5060".parse().unwrap());
    assert!(sent.headers("Via")[0].starts_with("SIP/2.0/UDP 10.0.0.1:5060;"));
}

#[test]
fn sent_by_is_what_the_config_advertises() {
    let mut stage = Stage::advertising("sip.example.net");
    let (sent, answer) = stage.call(&invite(9));
    assert!(sent.headers("Via")[0].starts_with("SIP/2.0/UDP sip.example.net:5060;"));
    assert!(sent.header("Record-Route").ends_with("@sip.example.net:5060;lr>"));
    stage.receive(CARRIER, &from_caller("INFO", 2, &answer));
    assert!(stage.one().headers("Route").is_empty());
}

#[test]
fn via_names_the_transport_that_a_request_leaves_by() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(9).replace("+4822", "+4834"));
    let sent = stage.one();
    assert_eq!(sent.flow.transport, Transport::Tcp);
    assert!(sent.headers("Via")[0].starts_with("SIP/2.0/TCP 10.0.0.1:5060;"));
}

#[test]
fn a_long_request_stays_on_udp() {
    let mut stage = Stage::new();
    stage.receive_bytes(CARRIER, 0, with_body(&invite(9), &[b'x'; 3_000]));
    let sent = stage.one();
    assert_eq!((sent.flow.transport, sent.body().len()), (Transport::Udp, 3_000));
}

#[test]
fn a_response_is_ours_by_its_branch_from_any_address() {
    let mut stage = Stage::new();
    let sent = forwarded(&mut stage, &invite(9));
    // Behind an address translation the next hop knows us by another address.
    stage.receive("192.0.2.200:9", &response(&sent, 183, "").replace("10.0.0.1:5060;branch", "203.0.113.200:9;branch"));
    assert_eq!(to_caller(&mut stage)[0].status(), 183);
}

#[test]
fn a_host_that_is_not_the_source_is_stamped_with_received() {
    for sent_by in ["sip.carrier.example.net:5060", "198.51.100.8:5060", "[2001:db8::1]:5060", "198.51.100.7.nip.io"] {
        let (sent, answer) = passed(CARRIER, &via(sent_by, ""));
        let stamped = format!("SIP/2.0/UDP {sent_by};branch=z9hG4bKinvite;received=198.51.100.7");
        assert_eq!((sent.headers("Via")[1], answer.header("Via")), (&*stamped, &*stamped));
    }
}

#[test]
fn a_host_that_is_the_source_is_not_stamped() {
    for sent_by in ["198.51.100.7", "198.51.100.7:5060", "198.51.100.7:9"] {
        let (sent, _) = passed(CARRIER, &via(sent_by, ""));
        assert_eq!(sent.headers("Via")[1], format!("SIP/2.0/UDP {sent_by};branch=z9hG4bKinvite"));
    }
}

#[test]
fn a_response_over_a_stream_takes_the_connection_of_its_request() {
    for text in [invite(9), invite(1)] {
        let mut stage = Stage::new();
        stage.receive_by("198.51.100.7:43210", 1, &text);
        let mut sent = stage.one();
        if sent.is_request("INVITE") {
            stage.receive(CALLEE, &ok(&sent));
            sent = stage.one();
        }
        assert_eq!((sent.flow.transport, sent.flow.connection), (Transport::Tcp, Some(ConnectionId(1))));
    }
}

#[test]
fn a_response_over_a_stream_knows_where_its_sender_listens() {
    for (sent_by, to) in [("198.51.100.7:5066", "198.51.100.7:5066"), ("far.example.net", "198.51.100.7:5060")] {
        let mut stage = Stage::new();
        stage.receive_by("198.51.100.7:43210", 1, &via(sent_by, ";maddr=203.0.113.66").replace("/UDP", "/TCP"));
        let sent = stage.one();
        stage.receive(CALLEE, &ok(&sent));
        assert_eq!(stage.one().to(), to);
    }
}

#[test]
fn a_response_goes_to_maddr() {
    for (sent_by, to) in [("198.51.100.7:5066", "198.51.100.40:5066"), ("198.51.100.7", "198.51.100.40:5060")] {
        assert_eq!(passed("198.51.100.7:9", &via(sent_by, ";maddr=198.51.100.40")).1.to(), to);
    }
}

#[test]
fn a_response_goes_to_the_source_at_the_port_of_sent_by() {
    for (sent_by, to) in [
        ("198.51.100.7:5066", "198.51.100.7:5066"),
        ("198.51.100.7", "198.51.100.7:5060"),
        ("far.example.net:5067", "198.51.100.7:5067"),
    ] {
        assert_eq!(passed("198.51.100.7:43210", &via(sent_by, "")).1.to(), to, "{sent_by}");
    }
}

#[test]
fn our_own_answer_takes_the_same_way() {
    for (params, to) in [("", "198.51.100.7:5066"), (";maddr=198.51.100.40", "198.51.100.40:5066")] {
        let mut stage = Stage::new();
        stage.receive(
            "198.51.100.7:43210",
            &via("far.example.net:5066", params).replace("Max-Forwards: 70", "Max-Forwards: 0"),
        );
        let answer = stage.one();
        assert_eq!((answer.status(), answer.to()), (483, to.to_owned()));
    }
}

#[test]
fn one_branch_of_two_senders_is_two_requests() {
    let mut stage = Stage::new();
    forwarded(&mut stage, &invite(9));
    stage.receive("198.51.100.8:5060", &via("198.51.100.8:5060", "").replace("Call-ID: call", "Call-ID: other"));
    assert!(stage.one().is_request("INVITE"));
    // Without case in the host, and whatever else changes, it is the first again.
    stage.receive(CARRIER, &invite(9).replace("Max-Forwards: 70", "Max-Forwards: 69"));
    assert_eq!(stage.one().status(), 100);
}

#[test]
fn bytes_beyond_content_length_are_discarded() {
    let mut stage = Stage::new();
    let text = String::from_utf8(with_body(&invite(9), b"hello, world").to_vec()).unwrap();
    stage.receive_bytes(CARRIER, 0, text.replace("Content-Length: 12", "Content-Length: 5").into());
    let sent = stage.one();
    assert_eq!((sent.body(), sent.header("Content-Length")), (&b"hello"[..], "5"));
    let text = String::from_utf8(message(&response(&sent, 183, "")).to_vec()).unwrap();
    stage.receive_bytes(CALLEE, 0, Bytes::from(format!("{text}\0\0INVITE")));
    assert_eq!(stage.one().body(), b"");
}

#[test]
fn a_request_shorter_than_its_content_length_is_answered_400() {
    let mut stage = Stage::new();
    let text = String::from_utf8(with_body(&invite(9), b"hello").to_vec()).unwrap();
    stage.receive_rejected(CARRIER, text.replace("Content-Length: 5", "Content-Length: 6").into());
    assert_eq!(stage.one().status(), 400);
}

#[test]
fn a_response_shorter_than_its_content_length_is_discarded() {
    let mut stage = Stage::new();
    let sent = forwarded(&mut stage, &invite(9));
    let text = String::from_utf8(with_body(&ok(&sent), b"hello").to_vec()).unwrap();
    stage.receive_rejected(CALLEE, text.replace("Content-Length: 5", "Content-Length: 6").into());
    assert!(stage.sent().is_empty());
    stage.receive_bytes(CALLEE, 0, text.into());
    assert_eq!(stage.one().body(), b"hello");
}

#[test]
fn line_ends_before_a_message_are_ignored() {
    let mut stage = Stage::new();
    let (_, answer) = stage.call(&invite(9));
    let text = String::from_utf8(message(&from_caller("INFO", 2, &answer)).to_vec()).unwrap();
    stage.receive_bytes(CARRIER, 0, format!("\r\n\r\n{text}").into());
    assert!(stage.one().is_request("INFO"));
}
