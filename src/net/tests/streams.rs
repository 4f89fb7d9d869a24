//! Connections: framing, reuse, loss and limits.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{
    Bench, PATIENCE, Script, Seen, accept, assert_closed, client, connect, options, read_exactly, send, uninterrupted,
    until,
};
use crate::engine::{Action, Ticket};
use crate::flow::{ConnectionId, Transport};
use crate::net::StreamLimits;
use crate::sip::Malformed;

#[test]
fn a_stream_is_answered_however_it_is_cut() {
    let bench = Bench::start("127.0.0.1", 3);
    let mut trunk = connect(bench.tcp());
    trunk.set_nodelay(true).unwrap();
    let both = [options("one"), options("two")].concat();
    for piece in both.chunks(13) {
        trunk.write_all(piece).unwrap();
    }
    let mut seen = vec![bench.next(), bench.next()];
    seen.sort_by_key(|seen| matches!(seen, Seen::Message(id, _) if id == "two"));
    let flows: Vec<_> = seen
        .into_iter()
        .map(|seen| match seen {
            Seen::Message(_, flow) => flow,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(flows[0], flows[1]);
    assert_eq!((flows[0].local, flows[0].peer), (bench.tcp(), trunk.local_addr().unwrap()));
    assert!(flows[0].connection.is_some());
    // The answers may come in either order: they are of two shards.
    let mut answers = vec![0; both.len()];
    trunk.read_exact(&mut answers).unwrap();
    assert!(answers == both || answers == [options("two"), options("one")].concat());
    bench.stop();
}

#[test]
fn two_line_ends_on_a_stream_are_answered_with_one() {
    let bench = Bench::start("127.0.0.1", 1);
    let mut trunk = connect(bench.tcp());
    trunk.write_all(b"\r\n\r\n").unwrap();
    read_exactly(&mut trunk, b"\r\n");
    trunk.write_all(&options("after")).unwrap();
    read_exactly(&mut trunk, &options("after"));
    bench.stop();
}

#[test]
fn a_message_without_length_is_rejected_and_the_stream_closed() {
    let bench = Bench::start("127.0.0.1", 2);
    let mut trunk = connect(bench.tcp());
    let text = String::from_utf8(options("x")).unwrap().replace("Content-Length: 0\r\n", "");
    trunk.write_all(text.as_bytes()).unwrap();
    trunk.write_all(&options("never read")).unwrap();
    assert_eq!(bench.next(), Seen::Rejected(Malformed::ContentLength, true));
    assert_closed(&mut trunk);
    assert_eq!(bench.counters.streams_broken.get(), 1);
    bench.stop();
}

#[test]
fn a_message_that_does_not_come_whole_in_time_ends_its_stream() {
    let limits = StreamLimits { message: Duration::from_millis(50), ..StreamLimits::default() };
    let bench = Bench::with("127.0.0.1", 1, Script::default(), limits);
    let mut trunk = connect(bench.tcp());
    trunk.write_all(b"OPTIONS sip:").unwrap();
    assert_closed(&mut trunk);
    assert_eq!(bench.counters.streams_timed_out.get(), 1);
    bench.stop();
}

#[test]
fn one_address_has_so_many_connections_and_gets_its_place_back() {
    let limits = StreamLimits { per_source: 1, ..StreamLimits::default() };
    let bench = Bench::with("127.0.0.1", 1, Script::default(), limits);
    let mut first = connect(bench.tcp());
    first.write_all(&options("first")).unwrap();
    read_exactly(&mut first, &options("first"));
    assert_closed(&mut connect(bench.tcp()));
    assert_eq!(bench.counters.streams_refused.get(), 1);
    drop(first);
    let began = Instant::now();
    loop {
        let mut again = connect(bench.tcp());
        again.write_all(&options("again")).unwrap();
        if matches!(again.read(&mut [0; 2048]), Ok(1..)) {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "the place is not given back");
    }
    bench.stop();
}

#[test]
fn messages_to_one_peer_share_a_connection() {
    let bench = Bench::start("127.0.0.1", 2);
    let next_hop = TcpListener::bind("127.0.0.1:0").unwrap();
    let peer = next_hop.local_addr().unwrap();
    bench.make(vec![send(Transport::Tcp, "127.0.0.1", peer, 1), send(Transport::Tcp, "127.0.0.1", peer, 2)]);
    let mut stream = accept(&next_hop);
    read_exactly(&mut stream, &[options("sent-1"), options("sent-2")].concat());
    // And what comes back on it is a message of the same peer.
    assert!(matches!(bench.next(), Seen::Message(..)));
    stream.write_all(&options("back")).unwrap();
    let Seen::Message(call_id, flow) = bench.next() else { panic!("no message") };
    assert_eq!((call_id.as_str(), flow.local, flow.peer), ("back", bench.tcp(), peer));
    read_exactly(&mut stream, &options("back"));
    assert_eq!(bench.counters.streams_connected.get(), 1);
    bench.stop();
}

#[test]
fn a_closed_connection_of_a_flow_is_replaced_by_another_to_its_peer() {
    let bench = Bench::start("127.0.0.1", 1);
    let next_hop = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut action = send(Transport::Tcp, "127.0.0.1", next_hop.local_addr().unwrap(), 1);
    if let Action::Send { flow, .. } = &mut action {
        flow.connection = Some(ConnectionId(u64::MAX));
    }
    bench.make(vec![action]);
    read_exactly(&mut accept(&next_hop), &options("sent-1"));
    bench.stop();
}

#[test]
fn a_response_whose_connection_is_closed_goes_by_a_new_one_to_where_its_sender_listens() {
    let bench = Bench::start("127.0.0.1", 1);
    let listening = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut trunk = connect(bench.tcp());
    trunk.write_all(&options("asks")).unwrap();
    let Seen::Message(_, flow) = bench.next() else { panic!("no message") };
    drop(trunk);
    until("it is closed", || bench.counters.streams_closed.get() == 1);
    let flow = flow.towards(listening.local_addr().unwrap());
    bench.make(vec![Action::Send { flow, bytes: Bytes::from(options("answer")), ticket: None }]);
    read_exactly(&mut accept(&listening), &options("answer"));
    bench.stop();
}

#[test]
fn the_loss_of_a_connection_is_told_to_every_shard_if_a_request_was_written_on_it() {
    let bench = Bench::start("127.0.0.1", 2);
    let next_hop = TcpListener::bind("127.0.0.1:0").unwrap();
    bench.make(vec![send(Transport::Tcp, "127.0.0.1", next_hop.local_addr().unwrap(), 1)]);
    let mut stream = accept(&next_hop);
    read_exactly(&mut stream, &options("sent-1"));
    drop(stream);
    let told = [bench.next_event(), bench.next_event()];
    assert!(matches!(told, [Seen::ConnectionLost(one), Seen::ConnectionLost(other)] if one == other), "{told:?}");

    // Nobody waits for what comes back on one that only answers took.
    let mut trunk = connect(bench.tcp());
    trunk.write_all(&options("asks")).unwrap();
    read_exactly(&mut trunk, &options("asks"));
    drop(trunk);
    until("both are closed", || bench.counters.streams_closed.get() == 2);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    bench.make(vec![send(Transport::Tcp, "127.0.0.1", closed, 2)]);
    // Shards take turns as they like.
    let mut told: Vec<Seen> = (0..3).map(|_| bench.next_event()).collect();
    told.retain(|seen| *seen != Seen::SendFailed(Ticket(2)));
    assert!(matches!(told[..], [Seen::ConnectionLost(one), Seen::ConnectionLost(other)] if one == other), "{told:?}");
    bench.stop();
}

#[test]
fn ipv6_is_spoken_over_datagrams_and_streams() {
    let bench = Bench::start("::1", 1);
    let datagrams = client("::1");
    datagrams.send_to(&options("datagram"), bench.udp()).unwrap();
    let (length, from) = uninterrupted(|| datagrams.recv_from(&mut [0; 2048])).unwrap();
    assert_eq!((length, from), (options("datagram").len(), bench.udp()));
    let mut stream = connect(bench.tcp());
    stream.write_all(&options("stream")).unwrap();
    read_exactly(&mut stream, &options("stream"));
    let flows = [bench.next(), bench.next()].map(|seen| match seen {
        Seen::Message(_, flow) => (flow.local, flow.peer),
        other => panic!("{other:?}"),
    });
    assert_eq!(flows[0], (bench.udp(), datagrams.local_addr().unwrap()));
    assert_eq!(flows[1], (bench.tcp(), stream.local_addr().unwrap()));
    let next_hop = TcpListener::bind("[::1]:0").unwrap();
    datagrams.send_to(&options("make"), bench.udp()).unwrap();
    *bench.world.load().actions.lock().unwrap() = vec![send(Transport::Tcp, "::1", next_hop.local_addr().unwrap(), 1)];
    datagrams.send_to(&options("again"), bench.udp()).unwrap();
    read_exactly(&mut accept(&next_hop), &options("sent-1"));
    bench.stop();
}

#[test]
fn a_refused_connection_fails_every_message_that_waits_for_it() {
    let bench = Bench::start("127.0.0.1", 2);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    bench.make((1..=3).map(|n| send(Transport::Tcp, "127.0.0.1", closed, n)).collect());
    let events = std::iter::repeat_with(|| bench.next_event());
    let failures = events.filter(|seen| matches!(seen, Seen::SendFailed(_)));
    let mut failed: Vec<_> = failures.take(3).map(|seen| format!("{seen:?}")).collect();
    failed.sort();
    assert_eq!(failed, ["SendFailed(Ticket(1))", "SendFailed(Ticket(2))", "SendFailed(Ticket(3))"]);
    bench.stop();
}

#[test]
fn a_transport_without_listener_fails_the_send() {
    let bench = Bench::start("127.0.0.1", 1);
    bench.make(vec![send(Transport::Tls, "127.0.0.1", "127.0.0.1:5061".parse().unwrap(), 4)]);
    assert_eq!(bench.next_event(), Seen::SendFailed(Ticket(4)));
    bench.stop();
}

#[test]
fn a_peer_that_does_not_read_fails_the_sends_beyond_its_queue() {
    let bench = Bench::start("127.0.0.1", 1);
    let next_hop = TcpListener::bind("127.0.0.1:0").unwrap();
    let peer = next_hop.local_addr().unwrap();
    let big = Bytes::from(vec![b'x'; 60_000]);
    let actions = (0..400).map(|n| match send(Transport::Tcp, "127.0.0.1", peer, n) {
        Action::Send { flow, ticket, .. } => Action::Send { flow, ticket, bytes: big.clone() },
        other => other,
    });
    bench.make(actions.collect());
    assert!(matches!(bench.next_event(), Seen::SendFailed(_)));
    assert!(bench.counters.stream_send_full.get() > 0);
    drop(next_hop);
    bench.stop();
}
