//! Datagrams: which shard gets them, and where answers leave from.

use std::collections::BTreeMap;
use std::net::{SocketAddr, UdpSocket};

use super::{Bench, KEY, PATIENCE, Seen, client, options, send, uninterrupted};
use crate::engine::Ticket;
use crate::flow::Transport;
use crate::sip::Malformed;

#[test]
fn each_message_reaches_the_shard_of_its_call_id_from_one_address() {
    for shards in 1..=4 {
        let bench = Bench::start("127.0.0.1", shards);
        let trunk = client("127.0.0.1");
        let mut reached: BTreeMap<usize, usize> = BTreeMap::new();
        for n in 0..64 {
            let sent = options(&format!("call-{n}"));
            trunk.send_to(&sent, bench.udp()).unwrap();
            let (shard, seen) = bench.seen.recv_timeout(PATIENCE).unwrap();
            let Seen::Message(call_id, flow) = seen else { panic!("{seen:?}") };
            assert_eq!(call_id, format!("call-{n}"));
            assert_eq!((flow.local, flow.peer), (bench.udp(), trunk.local_addr().unwrap()));
            assert_eq!(shard, crate::engine::shard_of(&KEY, call_id.as_bytes(), shards));
            *reached.entry(shard).or_default() += 1;
            let mut answer = [0; 2048];
            let (length, from) = uninterrupted(|| trunk.recv_from(&mut answer)).unwrap();
            assert_eq!((&answer[..length], from), (&sent[..], bench.udp()));
        }
        assert_eq!(reached.len(), shards, "64 calls miss a shard of {shards} once in 10^7 runs");
        // One address is one socket, and so one reader.
        let handed_over = bench.counters.handed_over.get();
        assert!(reached.values().any(|&kept| handed_over == 64 - kept as u64), "{handed_over} of {reached:?}");
        bench.stop();
    }
}

#[test]
fn bursts_beyond_a_batch_are_answered_whole() {
    let bench = Bench::start("127.0.0.1", 3);
    let trunk = client("127.0.0.1");
    for round in 0..10 {
        for n in 0..100 {
            trunk.send_to(&options(&format!("{round}-{n}")), bench.udp()).unwrap();
        }
        for _ in 0..100 {
            uninterrupted(|| trunk.recv_from(&mut [0; 2048])).unwrap();
        }
    }
    bench.stop();
}

#[test]
fn a_reply_leaves_from_the_address_that_the_request_came_to() {
    let bench = Bench::start("0.0.0.0", 2);
    for address in ["127.0.0.1", "127.0.0.2", "127.0.0.77"] {
        let to = SocketAddr::new(address.parse().unwrap(), bench.udp().port());
        let trunk = client("127.0.0.1");
        for n in 0..40 {
            trunk.send_to(&options(&format!("{address}-{n}")), to).unwrap();
        }
        for _ in 0..40 {
            let (_, from) = uninterrupted(|| trunk.recv_from(&mut [0; 2048])).unwrap();
            assert_eq!(from, to);
        }
    }
    bench.stop();
}

#[test]
fn one_batch_may_leave_from_several_addresses() {
    let bench = Bench::start("0.0.0.0", 1);
    let next_hop = client("127.0.0.1");
    let peer = next_hop.local_addr().unwrap();
    let from = ["127.0.0.2", "127.0.0.3", "127.0.0.2", "0.0.0.0", "127.0.0.3"];
    bench.make(from.iter().zip(0..).map(|(local, n)| send(Transport::Udp, local, peer, n)).collect());
    let mut seen: Vec<_> =
        from.iter().map(|_| uninterrupted(|| next_hop.recv_from(&mut [0; 2048])).unwrap().1.ip().to_string()).collect();
    seen.sort();
    assert_eq!(seen, ["127.0.0.1", "127.0.0.2", "127.0.0.2", "127.0.0.3", "127.0.0.3"]);
    bench.stop();
}

#[test]
fn ipv6_replies_leave_from_the_address_that_the_request_came_to() {
    let Ok(trunk) = UdpSocket::bind("[::1]:0") else { return };
    trunk.set_read_timeout(Some(PATIENCE)).unwrap();
    let bench = Bench::start("::", 1);
    let to = SocketAddr::new("::1".parse().unwrap(), bench.udp().port());
    trunk.send_to(&options("six"), to).unwrap();
    assert_eq!(uninterrupted(|| trunk.recv_from(&mut [0; 2048])).unwrap().1, to);
    bench.stop();
}

#[test]
fn keep_alives_and_runts_are_counted_and_reach_no_core() {
    let bench = Bench::start("127.0.0.1", 1);
    let trunk = client("127.0.0.1");
    for datagram in [&b"\r\n\r\n"[..], b"\0\0\0\0", b"", b"hello"] {
        trunk.send_to(datagram, bench.udp()).unwrap();
    }
    trunk.send_to(&[b'x'; 100], bench.udp()).unwrap();
    assert_eq!(bench.next(), Seen::Rejected(Malformed::Unfinished, false));
    assert_eq!((bench.counters.udp_keep_alives.get(), bench.counters.udp_runts.get()), (3, 1));
    bench.stop();
}

#[test]
fn an_unreachable_peer_fails_the_send_and_not_its_neighbours() {
    let bench = Bench::start("127.0.0.1", 1);
    let next_hop = client("127.0.0.1");
    let reachable = next_hop.local_addr().unwrap();
    // A socket bound to a loopback address cannot send elsewhere.
    let unreachable = "198.51.100.1:5060".parse().unwrap();
    let peers = [reachable, unreachable, reachable, unreachable];
    bench.make(peers.into_iter().zip(0..).map(|(peer, n)| send(Transport::Udp, "127.0.0.1", peer, n)).collect());
    assert_eq!(bench.next_event(), Seen::SendFailed(Ticket(1)));
    assert_eq!(bench.next_event(), Seen::SendFailed(Ticket(3)));
    uninterrupted(|| next_hop.recv_from(&mut [0; 2048])).unwrap();
    uninterrupted(|| next_hop.recv_from(&mut [0; 2048])).unwrap();
    bench.stop();
}

#[test]
fn a_peer_of_the_other_address_family_fails_the_send() {
    let bench = Bench::start("127.0.0.1", 1);
    bench.make(vec![send(Transport::Udp, "127.0.0.1", "[::1]:5060".parse().unwrap(), 5)]);
    assert_eq!(bench.next_event(), Seen::SendFailed(Ticket(5)));
    bench.stop();
}
