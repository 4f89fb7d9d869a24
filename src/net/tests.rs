//! The real sockets of one machine, on loopback addresses and free ports.

#[path = "../../tests/shared/uninterrupted.rs"]
mod uninterrupted;

use std::collections::{BTreeMap, VecDeque};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use bytes::Bytes;
use tokio::runtime::Runtime;
use uninterrupted::uninterrupted;

use super::admission::LONGEST_WAIT;
use super::names::tests::dns::{DnsServer, Does};
use super::{DnsConfig, Listen, Net, NetConfig, NetError, Records, ShardCore, StreamLimits};
use crate::counters::{LookupOutcome, NetCounters};
use crate::engine::{Action, Dscp, Hop, Input, QueryId, Ticket};
use crate::flow::{ConnectionId, Flow, ListenerId, Sockets, Transport};
use crate::screen::TrunkId;
use crate::sip::{Host, Malformed, Request, Target};
use crate::time::Now;
use crate::transaction::{RequestParts, ServerKey};

/// What a core does with the next message: the world of these tests.
#[derive(Default)]
struct Script {
    /// Done once, by whoever gets the next message.
    actions: Mutex<Vec<Action>>,
    /// Whoever gets a message whose Call-ID begins with `hold` stands still until it can have the first of these; with
    /// `stop`, the second.
    gates: [Mutex<()>; 2],
    /// A timer to set.
    timer: Option<Duration>,
    panics: bool,
}

/// Sends every message back by its flow and tells what it was given.
struct Echo {
    index: usize,
    seen: mpsc::Sender<(usize, Seen)>,
    actions: VecDeque<Action>,
    due: Option<Instant>,
}

#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Message(String, Flow),
    Refused(String),
    Absorbed(String),
    Rejected(Malformed, bool),
    SendFailed(Ticket),
    ConnectionLost(ConnectionId),
    Resolved(QueryId, Vec<Hop>),
    Drain,
    Reloaded,
    Timeout,
    Finish,
}

impl ShardCore for Echo {
    type World = Script;

    fn handle(&mut self, now: Now, world: &Script, input: Input) {
        let seen = match input {
            Input::Refused { request, is_told, .. } => {
                assert!(is_told, "no test refuses so many");
                Seen::Refused(text(request.call_id()))
            }
            Input::Absorbed { request, .. } => Seen::Absorbed(text(request.call_id())),
            Input::Message { flow, message } => {
                assert!(!world.panics, "as the script says");
                self.actions.push_back(Action::Send { flow, bytes: message.headers().bytes().clone(), ticket: None });
                self.actions.extend(world.actions.lock().unwrap().drain(..));
                self.due = world.timer.map(|timer| now.mono + timer);
                let call_id = text(message.call_id());
                let gate = ["hold", "stop"].iter().position(|name| call_id.starts_with(name));
                if let Some(gate) = gate {
                    let _ = self.seen.send((self.index, Seen::Message(call_id, flow)));
                    drop(world.gates[gate].lock());
                    return;
                }
                Seen::Message(call_id, flow)
            }
            Input::Rejected { rejected, .. } => Seen::Rejected(rejected.reason, rejected.headers.is_some()),
            Input::SendFailed { ticket } => Seen::SendFailed(ticket),
            // Most tests do not care which connection it is.
            Input::Queued { .. } => return,
            Input::ConnectionLost { connection } => Seen::ConnectionLost(connection),
            Input::Resolved { query, hops } => Seen::Resolved(query, hops),
            Input::Drain(_) => Seen::Drain,
            Input::Reloaded => Seen::Reloaded,
        };
        let _ = self.seen.send((self.index, seen));
    }

    /// All but this address are trunks.
    fn trunk_of(&self, _: &Script, flow: &Flow) -> Option<TrunkId> {
        (flow.peer_ip().to_string() != STRANGER).then_some(TrunkId(0))
    }

    fn is_emergency(&self, _: &Script, _: TrunkId, request_uri: &[u8]) -> bool {
        request_uri.starts_with(b"sip:112@")
    }

    fn server_key(&self, request: &Request) -> ServerKey {
        ServerKey::new(&KEY, &by_branch(request))
    }

    fn cancelled_key(&self, cancel: &Request) -> ServerKey {
        ServerKey::of_cancelled(&KEY, &by_branch(cancel))
    }

    fn handle_timeout(&mut self, now: Now, _: &Script) {
        assert!(self.due.is_some_and(|due| due <= now.mono), "called before it was due");
        self.due = None;
        let _ = self.seen.send((self.index, Seen::Timeout));
    }

    fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }

    fn finish(&mut self, _: Now) {
        self.actions.push_back(Action::Records(b"the last line\n".to_vec()));
        let _ = self.seen.send((self.index, Seen::Finish));
    }
}

/// A running network with what its cores have seen.
struct Bench {
    net: Net,
    runtime: Runtime,
    seen: mpsc::Receiver<(usize, Seen)>,
    records: mpsc::Receiver<Vec<u8>>,
    world: Arc<ArcSwap<Script>>,
    counters: Arc<NetCounters>,
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What tells requests of these tests apart.
pub(super) fn by_branch(request: &Request) -> RequestParts<'_> {
    RequestParts {
        method: request.method_name(),
        branch: Some(request.branch()),
        sent_by_host: b"127.0.0.1",
        sent_by_port: None,
        request_uri: b"",
        from_tag: None,
        to_tag: None,
        call_id: b"",
        cseq: 1,
        via: b"",
    }
}

const STRANGER: &str = "127.0.0.99";
const KEY: [u8; 16] = *b"key of the tests";
const PATIENCE: Duration = Duration::from_secs(10);
const UDP: ListenerId = ListenerId(0);
const TCP: ListenerId = ListenerId(1);

impl Bench {
    /// A UDP and a TCP listener at this address.
    fn start(address: &str, shards: usize) -> Bench {
        Bench::with(address, shards, Script::default(), StreamLimits::default())
    }

    fn with(address: &str, shards: usize, script: Script, streams: StreamLimits) -> Bench {
        Bench::of(address, shards, script, streams, DnsConfig::default())
    }

    /// One that asks this server for names, and not for long.
    fn asking(address: &str, shards: usize, dns: &DnsServer) -> Bench {
        let dns = DnsConfig { servers: vec![super::DnsServer(dns.address)], timeout: Duration::from_secs(1) };
        Bench::of(address, shards, Script::default(), StreamLimits::default(), dns)
    }

    fn of(address: &str, shards: usize, script: Script, streams: StreamLimits, dns: DnsConfig) -> Bench {
        let bind = SocketAddr::new(address.parse().unwrap(), 0);
        let listeners = vec![
            Listen { id: UDP, transport: Transport::Udp, bind, dscp: Dscp::default() },
            Listen { id: TCP, transport: Transport::Tcp, bind, dscp: Dscp::default() },
        ];
        let config = NetConfig { streams, dns, ..NetConfig::new(listeners, KEY) };
        let runtime = Runtime::new().unwrap();
        let (tell, seen) = mpsc::channel();
        let core = |index| Echo { index, seen: tell.clone(), actions: VecDeque::new(), due: None };
        let (record, records) = mpsc::channel();
        let record = Mutex::new(record);
        let sink: Records = Arc::new(move |lines| record.lock().unwrap().send(lines).unwrap());
        let world = Arc::new(ArcSwap::from_pointee(script));
        let counters = Arc::new(NetCounters::default());
        let cores = (0..shards).map(core).collect();
        let net = Net::start(config, runtime.handle(), Arc::clone(&world), cores, sink, Arc::clone(&counters)).unwrap();
        Bench { net, runtime, seen, records, world, counters }
    }

    fn udp(&self) -> SocketAddr {
        self.net.listeners()[0].bind
    }

    fn tcp(&self) -> SocketAddr {
        self.net.listeners()[1].bind
    }

    fn next(&self) -> Seen {
        self.seen.recv_timeout(PATIENCE).unwrap().1
    }

    /// The next that is no message.
    fn next_event(&self) -> Seen {
        loop {
            match self.next() {
                Seen::Message(..) => {}
                other => return other,
            }
        }
    }

    /// Lets the core of the next message do this, and sends one.
    fn make(&self, actions: Vec<Action>) {
        *self.world.load().actions.lock().unwrap() = actions;
        client("127.0.0.1").send_to(&options("make"), self.udp()).unwrap();
    }

    /// A socket whose datagrams this shard of two reads.
    fn client_read_by(&self, shard: usize) -> UdpSocket {
        loop {
            let socket = client("127.0.0.1");
            let before = self.counters.handed_over.get();
            // The count comes after the message, and before the next one is read.
            for call_id in call_ids_of(shard, "find").take(2) {
                socket.send_to(&options(&call_id), self.udp()).unwrap();
                assert!(matches!(self.next(), Seen::Message(..)));
                uninterrupted(|| socket.recv(&mut [0; 2048])).unwrap();
            }
            if self.counters.handed_over.get() == before {
                return socket;
            }
        }
    }

    /// Which shard got what next, with the Call-ID of the message.
    fn next_call(&self) -> (usize, &'static str, String) {
        match self.seen.recv_timeout(PATIENCE).unwrap() {
            (shard, Seen::Message(call_id, _)) => (shard, "taken", call_id),
            (shard, Seen::Refused(call_id)) => (shard, "refused", call_id),
            (shard, Seen::Absorbed(call_id)) => (shard, "absorbed", call_id),
            (_, other) => panic!("{other:?}"),
        }
    }

    /// The same of one shard.
    fn next_of(&self, shard: usize) -> (&'static str, String) {
        loop {
            let (at, what, call_id) = self.next_call();
            if at == shard {
                return (what, call_id);
            }
        }
    }

    fn stop(self) {
        self.runtime.block_on(self.net.stop());
    }
}

fn resolve(query: u64, host: &str, port: Option<u16>) -> Action {
    let target = Target::new(Host::parse(host.as_bytes()).unwrap(), port, None);
    Action::Resolve { query: QueryId(query), target, sockets: Sockets::Any }
}

fn client(address: &str) -> UdpSocket {
    let socket = UdpSocket::bind((address, 0)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn accept(listener: &TcpListener) -> TcpStream {
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn options(call_id: &str) -> Vec<u8> {
    request("OPTIONS", "sip:a@127.0.0.1", call_id, call_id)
}

fn request(method: &str, uri: &str, call_id: &str, branch: &str) -> Vec<u8> {
    format!(
        "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK{branch}\r\nFrom: <sip:b@c>;tag=1\r\n\
         To: <sip:a@b>\r\nCall-ID: {call_id}\r\nCSeq: 1 {method}\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    )
    .into_bytes()
}

/// A call with a branch of its own.
fn invite(call_id: &str) -> Vec<u8> {
    request("INVITE", "sip:a@b", call_id, call_id)
}

/// Call-IDs that belong to this shard of two.
fn call_ids_of(shard: usize, begin: &str) -> impl Iterator<Item = String> {
    let call_ids = (0..).map(move |n| format!("{begin}-{n}"));
    call_ids.filter(move |call_id| crate::engine::shard_of(&KEY, call_id.as_bytes(), 2) == shard)
}

#[track_caller]
fn until(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "in vain: {what}");
        std::thread::yield_now();
    }
}

fn read_exactly(stream: &mut TcpStream, expected: &[u8]) {
    let mut read = vec![0; expected.len()];
    stream.read_exact(&mut read).unwrap();
    assert_eq!(read, expected);
}

fn assert_closed(stream: &mut TcpStream) {
    let ended = uninterrupted(|| stream.read(&mut [0; 16]));
    assert!(matches!(&ended, Ok(0)) || ended.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset));
}

fn send(transport: Transport, local: &str, peer: SocketAddr, ticket: u64) -> Action {
    let listener = if transport == Transport::Udp { UDP } else { TCP };
    let local = SocketAddr::new(local.parse().unwrap(), 5060);
    let flow = Flow { transport, listener, local, peer, connection: None, identity: None };
    Action::Send { flow, bytes: Bytes::from(options(&format!("sent-{ticket}"))), ticket: Some(Ticket(ticket)) }
}

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

#[test]
fn timers_fire_when_they_are_due() {
    let script = Script { timer: Some(Duration::from_millis(20)), ..Script::default() };
    let bench = Bench::with("127.0.0.1", 2, script, StreamLimits::default());
    bench.make(Vec::new());
    assert_eq!(bench.next_event(), Seen::Timeout);
    bench.stop();
}

#[test]
fn the_next_message_meets_the_newest_world() {
    let bench = Bench::start("127.0.0.1", 1);
    bench.make(Vec::new());
    assert!(matches!(bench.next(), Seen::Message(..)));
    bench.world.store(Arc::new(Script { timer: Some(Duration::ZERO), ..Script::default() }));
    bench.make(Vec::new());
    assert_eq!(bench.next_event(), Seen::Timeout);
    bench.stop();
}

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

#[test]
fn names_and_addresses_are_resolved_with_our_own_address() {
    let dns = DnsServer::start(
        "_sip._tcp.sbc.example.net 60 SRV 2 0 5071 two.example.net
        _sip._udp.sbc.example.net 60 SRV 1 0 5070 two.example.net
        two.example.net 60 A 127.0.0.2",
    );
    let bench = Bench::asking("0.0.0.0", 2, &dns);
    let local = "127.0.0.1".parse().unwrap();
    let hop = |transport: Transport, peer: &str| {
        let listener = if transport == Transport::Udp { UDP } else { TCP };
        Hop { listener, transport, peer: peer.parse().unwrap(), local }
    };
    bench.make(vec![resolve(1, "localhost", Some(5070))]);
    assert_eq!(bench.next_event(), Seen::Resolved(QueryId(1), vec![hop(Transport::Udp, "127.0.0.1:5070")]));
    bench.make(vec![resolve(2, "127.0.0.9", Some(5070))]);
    assert_eq!(bench.next_event(), Seen::Resolved(QueryId(2), vec![hop(Transport::Udp, "127.0.0.9:5070")]));
    bench.make(vec![resolve(3, "[::1]", Some(5070))]);
    assert_eq!(bench.next_event(), Seen::Resolved(QueryId(3), vec![]));
    bench.make(vec![resolve(4, "nowhere.example.net", None)]);
    assert_eq!(bench.next_event(), Seen::Resolved(QueryId(4), vec![]));
    assert_eq!(bench.counters.resolves_failed.get(), 2);
    bench.make(vec![resolve(5, "sbc.example.net", None)]);
    let hops = vec![hop(Transport::Udp, "127.0.0.2:5070"), hop(Transport::Tcp, "127.0.0.2:5071")];
    assert_eq!(bench.next_event(), Seen::Resolved(QueryId(5), hops));
    let lookups = LookupOutcome::ALL.map(|outcome| bench.counters.lookups[outcome as usize].get());
    assert_eq!(lookups, [2, 1, 0, 0]);
    bench.stop();
}

#[test]
fn one_look_up_serves_all_who_ask_meanwhile_and_later() {
    let dns = DnsServer::start("sbc.example.net 60 A 127.0.0.2");
    dns.does(Does::AnswerLate(Duration::from_millis(50)));
    let bench = Bench::asking("127.0.0.1", 2, &dns);
    bench.make((0..20).map(|query| resolve(query, "sbc.example.net", Some(5070))).collect());
    let local = "127.0.0.1".parse().unwrap();
    let hop = Hop { listener: UDP, transport: Transport::Udp, peer: "127.0.0.2:5070".parse().unwrap(), local };
    for query in 0..20 {
        assert_eq!(bench.next_event(), Seen::Resolved(QueryId(query), vec![hop]));
    }
    bench.make(vec![resolve(20, "sbc.example.net", Some(5070))]);
    assert_eq!(bench.next_event(), Seen::Resolved(QueryId(20), vec![hop]));
    assert_eq!(dns.asked(), ["A sbc.example.net."]);
    bench.stop();
}

#[test]
fn a_silent_server_holds_nothing_up_but_who_asks() {
    let dns = DnsServer::start("");
    dns.does(Does::Nothing);
    let bench = Bench::asking("127.0.0.1", 1, &dns);
    bench.make(vec![resolve(1, "sbc.example.net", None)]);
    assert!(matches!(bench.next(), Seen::Message(..)));
    bench.make(Vec::new());
    assert!(matches!(bench.next(), Seen::Message(..)));
    assert_eq!(bench.next_event(), Seen::Resolved(QueryId(1), vec![]));
    assert_eq!(bench.counters.lookups[LookupOutcome::Failed as usize].get(), 1);
    bench.stop();
}

#[test]
fn a_network_is_alive_while_each_shard_works() {
    let bench = Bench::start("127.0.0.1", 2);
    until("both have made a pass", || bench.net.is_alive());
    until("idle ones are woken", || bench.net.is_alive());
    let trunk = client("127.0.0.1");
    let script = bench.world.load_full();
    let gate = script.gates[0].lock().unwrap();
    trunk.send_to(&options("hold"), bench.udp()).unwrap();
    assert!(matches!(bench.next(), Seen::Message(..)));
    // What it did before it hung.
    bench.net.is_alive();
    assert!((0..100).all(|_| !bench.net.is_alive()));
    drop(gate);
    until("it works again", || bench.net.is_alive());
    bench.stop();
}

#[test]
fn a_cancel_waits_only_behind_its_invite_and_a_copy_not_at_all() {
    let bench = Bench::start("127.0.0.1", 1);
    let trunk = client("127.0.0.1");
    let script = bench.world.load_full();
    let gate = script.gates[0].lock().unwrap();
    let send = |bytes: Vec<u8>| trunk.send_to(&bytes, bench.udp()).unwrap();
    send(options("hold"));
    assert_eq!(bench.next_of(0), ("taken", "hold".to_owned()));
    // All of these are read in one pass, which handles 32 of the calls.
    let calls: Vec<String> = (0..40).map(|n| format!("call-{n}")).collect();
    for call_id in &calls {
        send(invite(call_id));
    }
    send(request("CANCEL", "sip:a@b", "cancel-of-last", "call-39"));
    send(invite("call-39"));
    send(request("CANCEL", "sip:a@b", "cancel-of-last", "call-39"));
    send(request("CANCEL", "sip:a@b", "cancel-of-none", "none"));
    send(request("CANCEL", "sip:a@b", "cancel-of-first", "call-0"));
    // A stranger's call takes no place in the queue.
    client(STRANGER).send_to(&invite("strange"), bench.udp()).unwrap();
    drop(gate);
    let taken = |call_id: &str| ("taken", call_id.to_owned());
    let absorbed = |call_id: &str| ("absorbed", call_id.to_owned());
    let mut expected: Vec<_> = calls[..32].iter().map(|call_id| taken(call_id)).collect();
    expected.extend([absorbed("call-39"), absorbed("cancel-of-last")]);
    expected.extend([taken("cancel-of-none"), taken("cancel-of-first"), taken("strange")]);
    expected.extend(calls[32..].iter().map(|call_id| taken(call_id)));
    expected.push(taken("cancel-of-last"));
    let seen: Vec<_> = expected.iter().map(|_| bench.next_of(0)).collect();
    assert_eq!(seen, expected);
    bench.stop();
}

#[test]
fn a_shard_with_too_many_calls_refuses_its_own_and_passes_on_those_of_others() {
    let bench = Bench::start("127.0.0.1", 2);
    let trunk = bench.client_read_by(0);
    let script = bench.world.load_full();
    let send = |bytes: Vec<u8>| trunk.send_to(&bytes, bench.udp()).unwrap();
    let [hold, stop] = script.gates.each_ref().map(|gate| gate.lock().unwrap());
    let (first, second) = (call_ids_of(0, "hold").next().unwrap(), call_ids_of(0, "stop").next().unwrap());
    send(options(&first));
    assert_eq!(bench.next_of(0), ("taken", first));
    // It handles 32 of these in one pass, of which the first holds it up; eight wait.
    let mut own = call_ids_of(0, "call");
    let held: Vec<String> = std::iter::once(second).chain(own.by_ref().take(39)).collect();
    for call_id in &held {
        send(invite(call_id));
    }
    drop(hold);
    assert_eq!(bench.next_of(0), ("taken", held[0].clone()));
    let began = Instant::now();
    until("they have waited for too long", || began.elapsed() > LONGEST_WAIT);
    let (late, other) = (own.next().unwrap(), call_ids_of(1, "call").next().unwrap());
    send(invite(&other));
    send(invite(&late));
    drop(stop);
    let (mut of_late, mut of_other) = (None, None);
    while of_late.is_none() || of_other.is_none() {
        match bench.next_call() {
            (0, what, call_id) if call_id == late => of_late = Some(what),
            (1, what, call_id) if call_id == other => of_other = Some(what),
            _ => {}
        }
    }
    assert_eq!((of_late, of_other), (Some("refused"), Some("taken")));
    bench.stop();
}

#[test]
fn a_shard_with_too_many_calls_refuses_what_comes_and_what_has_waited_for_too_long() {
    let bench = Bench::start("127.0.0.1", 1);
    let trunk = client("127.0.0.1");
    let script = bench.world.load_full();
    let send = |bytes: Vec<u8>| trunk.send_to(&bytes, bench.udp()).unwrap();
    let [hold, stop] = script.gates.each_ref().map(|gate| gate.lock().unwrap());
    send(options("hold"));
    assert_eq!(bench.next_of(0), ("taken", "hold".to_owned()));
    let calls: Vec<String> = (1..40).map(|n| format!("call-{n}")).collect();
    send(invite("stop"));
    for call_id in &calls {
        send(invite(call_id));
    }
    drop(hold);
    assert_eq!(bench.next_of(0), ("taken", "stop".to_owned()));
    let began = Instant::now();
    until("they have waited for too long", || began.elapsed() > LONGEST_WAIT);
    send(invite("call-40"));
    // A copy of one that waits, a request in a folded writing, an emergency, OPTIONS to us and to somebody else.
    send(invite("call-39"));
    let folded = String::from_utf8(invite("folded")).unwrap().replace("To: ", "To:\r\n ");
    send(folded.into_bytes());
    send(request("INVITE", "sip:112@b", "emergency", "emergency"));
    send(request("OPTIONS", "sip:b", "to-us", "to-us"));
    send(request("OPTIONS", "sip:a@b", "to-another", "to-another"));
    client(STRANGER).send_to(&invite("strange"), bench.udp()).unwrap();
    drop(stop);
    let all = |what: &'static str, call_ids: &[&str]| -> Vec<_> {
        call_ids.iter().map(|call_id| (what, (*call_id).to_owned())).collect()
    };
    let calls: Vec<&str> = calls.iter().map(String::as_str).collect();
    let expected = [
        all("taken", &calls[..31]),
        all("refused", &["call-40"]),
        all("absorbed", &["call-39"]),
        all("refused", &["folded"]),
        all("taken", &["emergency", "to-us"]),
        all("refused", &["to-another"]),
        all("refused", &calls[31..]),
    ]
    .concat();
    let seen: Vec<_> = expected.iter().map(|_| bench.next_of(0)).collect();
    assert_eq!(seen, expected);
    assert_eq!(bench.counters.overload_strangers.get(), 1);
    bench.stop();
}

#[test]
fn calls_for_a_crowded_shard_are_refused_by_who_reads_them_but_not_an_emergency_nor_a_cancel() {
    const CALLS: usize = 100;
    let bench = Bench::start("127.0.0.1", 2);
    let trunk = bench.client_read_by(0);
    let script = bench.world.load_full();
    let send = |bytes: Vec<u8>| trunk.send_to(&bytes, bench.udp()).unwrap();
    let hold = script.gates[0].lock().unwrap();
    let first = call_ids_of(1, "hold").next().unwrap();
    send(options(&first));
    assert_eq!(bench.next_of(1), ("taken", first));
    // Its mailbox gets more than a half full, of what must not be refused.
    let mut call_ids = call_ids_of(1, "call");
    let queued = || bench.net.gauges().queues()[1];
    for filled in (0..=4096).step_by(256) {
        for call_id in call_ids.by_ref().take(256) {
            send(request("OPTIONS", "sip:b", &call_id, &call_id));
        }
        until("they are handed over", || queued() == filled + 256);
    }
    let calls: Vec<String> = call_ids.by_ref().take(CALLS).collect();
    let before = queued();
    for call_id in &calls {
        send(invite(call_id));
    }
    let unread = || usize::try_from(bench.counters.overload_unread.get()).unwrap();
    until("they are refused", || queued() - before + unread() == CALLS);
    assert!(unread() > 0 && queued() > before, "a few are told: {}", unread());
    let (emergency, cancel) = (call_ids.next().unwrap(), call_ids.next().unwrap());
    send(request("INVITE", "sip:112@b", &emergency, &emergency));
    send(request("CANCEL", "sip:a@b", &cancel, &cancel));
    drop(hold);
    let (mut refused, mut taken) = (0, Vec::new());
    while taken.last() != Some(&cancel) {
        match bench.next_of(1) {
            ("refused", call_id) => refused += usize::from(calls.contains(&call_id)),
            (_, call_id) => taken.push(call_id),
        }
    }
    assert_eq!(refused + unread(), CALLS);
    assert!(taken.contains(&emergency) && !calls.iter().any(|call_id| taken.contains(call_id)));
    bench.stop();
}

#[test]
fn stop_ends_threads_tasks_and_connections_and_frees_the_ports() {
    let bench = Bench::start("127.0.0.1", 3);
    let (udp, tcp) = (bench.udp(), bench.tcp());
    let mut trunk = connect(tcp);
    trunk.write_all(&options("one")).unwrap();
    read_exactly(&mut trunk, &options("one"));
    let Bench { net, runtime, seen, records, .. } = bench;
    let began = Instant::now();
    runtime.block_on(net.stop());
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert_closed(&mut trunk);
    // All cores are gone, and each was asked to finish first.
    let finished = seen.iter().filter(|(_, seen)| *seen == Seen::Finish).count();
    assert_eq!((finished, records.iter().count()), (3, 3));
    UdpSocket::bind(udp).unwrap();
    assert!(TcpStream::connect(tcp).is_err());
}

#[test]
fn an_address_in_use_is_named() {
    let bench = Bench::start("127.0.0.1", 2);
    for (transport, address) in [(Transport::Udp, bench.udp()), (Transport::Tcp, bench.tcp())] {
        let (tell, _seen) = mpsc::channel();
        let core = Echo { index: 0, seen: tell, actions: VecDeque::new(), due: None };
        let config = NetConfig::new(vec![Listen { id: UDP, transport, bind: address, dscp: Dscp::default() }], KEY);
        let world = Arc::new(ArcSwap::from_pointee(Script::default()));
        let started = Net::start(
            config,
            bench.runtime.handle(),
            world,
            vec![core],
            Arc::new(drop),
            Arc::new(NetCounters::default()),
        );
        let kind = std::io::ErrorKind::AddrInUse;
        let error = started.err().unwrap();
        assert_eq!(error, NetError::Listen { transport, address, kind });
        assert!(error.to_string().contains(&format!("{transport}:{address}: the address is in use")), "{error}");
    }
    bench.stop();
}

#[test]
fn the_death_of_a_shard_is_told() {
    let script = Script { panics: true, ..Script::default() };
    let bench = Bench::with("127.0.0.1", 2, script, StreamLimits::default());
    let failed = bench.net.failed();
    bench.make(Vec::new());
    bench.runtime.block_on(async { tokio::time::timeout(PATIENCE, failed).await.unwrap() });
    bench.stop();
}
