//! Datagrams.

use std::net::UdpSocket;

use crate::random::Random;
use crate::ringfence::Role;
use crate::{RULES, calls, memory, metric, other_caller, request, scene, stranger, until};

/// A development build takes ten times as long for each.
const DATAGRAMS: u64 = if cfg!(debug_assertions) { 100_000 } else { 1_000_000 };

/// So many are under way at most: half of what the socket's buffer holds.
const AT_ONCE: u64 = 500;

/// Of resident memory, for a million datagrams: what the allocator keeps, and pages of buffers that are touched the first
/// time. Kept messages would be 700 MB.
const GROWTH: u64 = 8 << 20;

/// Shorter datagrams are not read (`net::shard`).
const SHORTEST_MESSAGE: usize = 64;

/// Another one makes other datagrams.
const SEEDS: u64 = 0x5eed;

#[test]
fn a_million_random_datagrams_change_nothing_for_other_callers_and_leave_memory_where_it_was() {
    let scene = scene();
    let mut ringfence = scene.start(RULES);
    let other = other_caller(&scene);
    let proxy = scene.address(Role::Ringfence);
    let sockets = [scene.ip(Role::Caller), stranger(&scene)].map(|ip| UdpSocket::bind((ip, 0)).expect("a port"));
    let locals = [0, 1].map(|at: usize| sockets[at].local_addr().expect("it is bound"));
    let messages: Vec<String> = ["INVITE", "OPTIONS", "CANCEL", "ACK", "BYE", "MESSAGE"]
        .iter()
        .enumerate()
        .map(|(at, method)| request(method, "UDP", locals[0], at as u64))
        .chain([request("INVITE", "UDP", locals[0], 7).replacen(
            "INVITE sip:48221234567@example.net SIP/2.0",
            "SIP/2.0 200 OK",
            1,
        )])
        .collect();
    for _ in 0..100 {
        calls(&other);
    }
    // The last of them is an ACK, which nobody answers.
    let received = |metrics: &str| metric(metrics, "ringfence_udp_received_total");
    until("all are read", || received(&ringfence.metrics()) == 400);
    let before = memory(&ringfence);
    let counted = ringfence.metrics();

    let (mut random, mut datagram) = (Random(SEEDS), Vec::new());
    let (mut rounds, mut answerable) = (0, 0);
    for _ in 0..DATAGRAMS / AT_ONCE {
        for at in 0..AT_ONCE {
            if at % 4 < 2 {
                random.noise(&mut datagram);
            } else {
                let message = random.below(messages.len());
                random.mutated(messages[message].as_bytes(), &mut datagram);
            }
            // What is no message and can be answered all the same is a request that has come in.
            if datagram.len() >= SHORTEST_MESSAGE {
                let scanned = ::ringfence::sip::scan(bytes::Bytes::copy_from_slice(&datagram));
                answerable += u64::from(scanned.is_err_and(|rejected| rejected.headers.is_some()));
            }
            let socket = &sockets[usize::from(at % 2 == 0)];
            socket.send_to(&datagram, proxy).expect("a datagram can be sent");
        }
        // They wait behind all of them, and are answered.
        calls(&other);
        rounds += 1;
    }

    // INVITE and ACK, of both calls.
    let of_other = 4 * rounds;
    until("all are read", || received(&ringfence.metrics()) == received(&counted) + DATAGRAMS + of_other);
    let metrics = ringfence.metrics();
    let grown = |family| metric(&metrics, family) - metric(&counted, family);
    assert_eq!(metric(&metrics, "ringfence_udp_receive_drops_total"), 0);
    let (requests, responses) = (grown("ringfence_requests_total"), grown("ringfence_responses_total"));
    let short = grown("ringfence_udp_runts_total") + grown("ringfence_udp_keep_alives_total");
    let malformed = grown("ringfence_malformed_total");
    assert_eq!(requests + responses + short + malformed, DATAGRAMS + of_other + answerable, "{metrics}");
    assert!(malformed > DATAGRAMS / 2 && short > 0 && responses > 0 && requests > of_other, "{metrics}");
    assert!(grown("ringfence_unknown_source_total") > DATAGRAMS / 3, "{metrics}");
    assert_eq!(grown("ringfence_stray_responses_total"), responses, "{metrics}");

    let at_once = memory(&ringfence);
    until("answers are forgotten", || metric(&ringfence.metrics(), "ringfence_answers_remembered") == 0);
    let after = memory(&ringfence);
    println!("resident: {before} bytes before, {at_once} with answers kept, {after} after");
    assert!(after <= before + GROWTH, "{before} bytes before, {at_once} at once, {after} after");
    calls(&other);
    // Not `stop`, which reads records as text: those of mutated calls hold their bytes as they came.
    ringfence.end();
}
