//! The real sockets of one machine, on loopback addresses and free ports.

mod core;
mod crowded;
mod datagrams;
mod lifecycle;
mod lookups;
mod streams;
// Shared with the tests of the daemon, and with those of the app.
#[path = "../../../tests/shared/uninterrupted.rs"]
pub(crate) mod uninterrupted;

use std::collections::VecDeque;
use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use bytes::Bytes;
use tokio::runtime::Runtime;

use self::core::{Echo, Script, Seen};
use self::uninterrupted::uninterrupted;
use crate::counters::NetCounters;
use crate::engine::{Action, Dscp, QueryId, Ticket};
use crate::flow::{Flow, ListenerId, Sockets, Transport};
use crate::net::names::tests::dns::DnsServer;
use crate::net::{DnsConfig, Listen, Net, NetConfig, Records, StreamLimits};
use crate::sip::{Host, Request, Target};
use crate::transaction::RequestParts;

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
