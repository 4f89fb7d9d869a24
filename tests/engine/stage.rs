//! One engine on a stage: messages written out go in, what it sends comes out, time passes when a test says so.

#![allow(dead_code, reason = "tests/engine and tests/rfc3261 share it, and each uses other parts")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use ringfence::config::{InMemory, Loaded};
use ringfence::counters::EngineCounters;
use ringfence::engine::{
    Action, DrainStage, Engine, EngineConfig, Hop, Input, Keys, Listener, QueryId, Ticket, UnknownSource,
};
use ringfence::flow::{ConnectionId, Flow, ListenerId, Sockets, Transport};
use ringfence::lists::{Change, Edit, Entry};
use ringfence::number::DialPlan;
use ringfence::reach::Reach;
use ringfence::screen::World;
use ringfence::sip::{Message, Request, Target, scan};
use ringfence::time::{Now, WallTime};
use ringfence::transaction::Timings;
use ringfence::usage::Usage;

const CONFIG: &str = r#"
[sip]
listen = ["udp:10.0.0.1:5060", "tcp:10.0.0.1:5060", "udp:10.0.0.2:5060"]

[[trunk]]
name = "carrier"
from = ["198.51.100.0/24"]
to = ["sip:198.51.100.7:5060"]
trusted = true
[[trunk]]
name = "pbx"
from = ["192.0.2.0/24"]
to = ["sip:192.0.2.3:5070", "sip:192.0.2.4:5070"]
trusted = true
[[trunk]]
name = "wild"
from = ["203.0.113.0/24"]
to = ["sip:203.0.113.9:5060"]
[[trunk]]
name = "stream"
from = ["192.0.2.128/25"]
to = ["sip:192.0.2.130:5060;transport=tcp"]
trusted = true

[[list]]
name = "default"
class = "personal"
entries = ["48600000001"]
[[list]]
name = "vip"
class = "allow"
entries = ["48600000002"]
[[list]]
name = "shy"
class = "personal"
entries = ["48600000003"]
[[list]]
name = "night"
class = "personal"
entries = ["48600000004"]
[[list]]
name = "gone"
class = "personal"
entries = ["48600000005"]
[[list]]
name = "robots"
class = "personal"
entries = ["48600000006"]
[[list]]
name = "our-numbers"
class = "pool"
entries = ["48501000000"]

[[inbound]]
name = "hotline"
lists = ["default"]
except = ["vip"]
action = "decline"
[[inbound]]
name = "hidden"
lists = ["shy"]
action = "hide"
[[inbound]]
name = "night-shift"
lists = ["night"]
action = "forward"
to = "48229999999"
[[inbound]]
name = "moved"
lists = ["gone"]
action = "redirect"
to = "sip:+48221112233@pbx.example.net"
[[inbound]]
name = "machines"
lists = ["robots"]
action = "drop"

[[route]]
name = "to-pbx"
called = ["4822*"]
to = "pbx"
[[route]]
name = "to-wild"
called = ["4833*"]
to = "wild"
[[route]]
name = "to-stream"
called = ["4834*"]
to = "stream"
[[route]]
name = "out"
called = ["4850*"]
to = "carrier"
present = { pool = "our-numbers", headers = ["P-Asserted-Identity"] }
unavailable = 486
"#;

/// The sockets of [`CONFIG`].
pub(crate) const LISTEN: &str = "listen = [\"udp:10.0.0.1:5060\", \"tcp:10.0.0.1:5060\", \"udp:10.0.0.2:5060\"]";

const SIX: &str = r#"
[[trunk]]
name = "six"
from = ["2001:db8:6::/48", "fe80::/10"]
to = ["sip:[2001:db8:6::9]:5070"]
trusted = true
[[route]]
name = "to-six"
called = ["4836*"]
to = "six"
present = { pool = "our-numbers", headers = ["P-Asserted-Identity"] }
"#;

/// What the engine sent.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) flow: Flow,
    pub(crate) text: String,
    bytes: Bytes,
    pub(crate) ticket: Option<Ticket>,
}

impl Sent {
    pub(crate) fn to(&self) -> String {
        self.flow.peer.to_string()
    }

    pub(crate) fn first_line(&self) -> &str {
        self.text.lines().next().expect("a start line")
    }

    pub(crate) fn status(&self) -> u16 {
        let code = self.first_line().strip_prefix("SIP/2.0 ").expect("a response");
        code[..3].parse().expect("a status")
    }

    pub(crate) fn is_request(&self, method: &str) -> bool {
        self.first_line().starts_with(&format!("{method} "))
    }

    pub(crate) fn uri(&self) -> &str {
        self.first_line().split(' ').nth(1).expect("a Request-URI")
    }

    /// The values of all header lines of this name.
    pub(crate) fn headers(&self, name: &str) -> Vec<&str> {
        let lines = self.text.split("\r\n\r\n").next().expect("a header section").split("\r\n");
        lines.filter_map(|line| line.split_once(": ")).filter(|(it, _)| *it == name).map(|(_, value)| value).collect()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        match self.headers(name)[..] {
            [value] => value,
            ref values => panic!("{name} is {values:?} in\n{}", self.text),
        }
    }

    pub(crate) fn body(&self) -> &[u8] {
        let end = self.bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("an empty line");
        &self.bytes[end + 4..]
    }

    pub(crate) fn to_tag(&self) -> &str {
        self.header("To").split(";tag=").nth(1).expect("a To tag")
    }
}

pub(crate) struct Stage {
    engine: Engine,
    listeners: Vec<Listener>,
    pub(crate) world: World,
    pub(crate) usage: Arc<Usage>,
    counters: Arc<EngineCounters>,
    pub(crate) reach: Arc<Reach>,
    base: Instant,
    pub(crate) now: Duration,
    records: Vec<u8>,
    queries: Vec<(QueryId, Target, Sockets)>,
    asked: Vec<String>,
    sent: Vec<Sent>,
}

impl Stage {
    pub(crate) fn new() -> Stage {
        Stage::with(&[], "")
    }

    /// A stage on which the carrier may use any method.
    pub(crate) fn for_any_method() -> Stage {
        Stage::with(&[("name = \"carrier\"", "name = \"carrier\"\nmethods = [\"*\"]")], "")
    }

    /// A stage of another process, that has the same keys.
    pub(crate) fn of_another_process() -> Stage {
        Stage::build(&[], "", 2, None)
    }

    /// The same with further rules, and with these texts of the config replaced.
    pub(crate) fn of_another_process_with(changes: &[(&str, &str)], more: &str) -> Stage {
        Stage::build(changes, more, 2, None)
    }

    /// A stage whose first socket has this name.
    pub(crate) fn advertising(name: &str) -> Stage {
        Stage::build(&[], "", 1, Some(name))
    }

    /// A stage with further rules, and with these texts of the config replaced.
    pub(crate) fn with(changes: &[(&str, &str)], more: &str) -> Stage {
        Stage::build(changes, more, 1, None)
    }

    /// A stage with sockets of both families, 0 and 1 on IPv4, 2 and 3 on IPv6, and the trunk "six" on IPv6 for +4836.
    pub(crate) fn dual_stack(changes: &[(&str, &str)]) -> Stage {
        let listen = (
            LISTEN,
            "listen = [\"udp:10.0.0.1:5060\", \"tcp:10.0.0.1:5060\", \
                              \"udp:[2001:db8::1]:5060\", \"tcp:[2001:db8::1]:5060\"]",
        );
        Stage::with(&[&[listen], changes].concat(), SIX)
    }

    /// The stage of another shard, which shares this usage.
    pub(crate) fn sharing(usage: &Arc<Usage>, more: &str) -> Stage {
        Stage::over(Arc::clone(usage), &[], more, 1, None)
    }

    fn build(changes: &[(&str, &str)], more: &str, seed: u8, name: Option<&str>) -> Stage {
        Stage::over(Arc::new(Usage::new()), changes, more, seed, name)
    }

    fn over(usage: Arc<Usage>, changes: &[(&str, &str)], more: &str, seed: u8, name: Option<&str>) -> Stage {
        let loaded = load(changes, more);
        let sip = &loaded.settings.sip;
        let listeners = (0..).map(ListenerId).zip(&sip.listen).map(|(id, listen)| Listener {
            id,
            transport: listen.transport,
            bind: listen.addr,
            advertise: name.filter(|_| id.0 == 0).map(|name| (name.into(), None)).or(listen.advertise.clone()),
        });
        let listeners: Vec<Listener> = listeners.collect();
        let config = EngineConfig {
            listeners: listeners.clone(),
            keys: Keys::from_bytes(&[7; Keys::LENGTH]),
            shards: 1,
            unknown_source: UnknownSource::Drop,
            call_expires: Duration::from_secs(12 * 3_600),
            timings: Timings::default(),
            stream_above: sip.stream_above,
            proven: Arc::default(),
        };
        let counters = Arc::new(EngineCounters::default());
        let reach = Arc::new(Reach::default());
        let engine = Engine::new(Arc::new(config), [seed; 32], usage.clone(), counters.clone());
        Stage {
            engine: engine.on_shard(0, reach.clone()),
            listeners,
            world: world(loaded),
            usage,
            counters,
            reach,
            base: Instant::now(),
            now: Duration::ZERO,
            records: Vec::new(),
            queries: Vec::new(),
            asked: Vec::new(),
            sent: Vec::new(),
        }
    }

    /// Other rules come into force: those of [`Stage::with`].
    pub(crate) fn reload(&mut self, changes: &[(&str, &str)], more: &str) {
        self.world = world(load(changes, more));
        let now = self.clock();
        self.engine.handle(now, &self.world, Input::Reloaded);
        self.drain();
    }

    fn clock(&self) -> Now {
        Now { mono: self.base + self.now, wall: WallTime::from_micros(1_774_440_000_000_000) + self.now }
    }

    fn drain(&mut self) {
        while let Some(action) = self.engine.poll_action() {
            match action {
                Action::Send { flow, bytes, ticket } => {
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    match scan(bytes.clone()) {
                        Ok(message) => assert!(message.headers().top_via().is_some(), "no Via in\n{text}"),
                        // It copies what is wrong.
                        Err(_) if text.starts_with("SIP/2.0 400 ") => {}
                        Err(rejected) => panic!("{:?} in\n{text}", rejected.reason),
                    }
                    self.sent.push(Sent { flow, text, bytes, ticket });
                }
                Action::Resolve { query, target, sockets } => {
                    self.asked.push(target.to_string());
                    self.queries.push((query, target, sockets));
                }
                Action::Records(chunk) => self.records.extend(chunk),
            }
        }
    }

    /// What was sent since this was last asked.
    pub(crate) fn sent(&mut self) -> Vec<Sent> {
        std::mem::take(&mut self.sent)
    }

    /// The one message that was sent.
    #[track_caller]
    pub(crate) fn one(&mut self) -> Sent {
        let sent = self.sent();
        match &sent[..] {
            [one] => one.clone(),
            many => panic!("{} messages: {:#?}", many.len(), many.iter().map(Sent::first_line).collect::<Vec<_>>()),
        }
    }

    /// A datagram comes in on 10.0.0.1.
    pub(crate) fn receive(&mut self, from: &str, text: &str) -> &mut Stage {
        self.receive_by(from, 0, text)
    }

    /// A message comes in on one of the listeners: 0 UDP, 1 TCP, 2 UDP on 10.0.0.2, where the config says no others.
    pub(crate) fn receive_by(&mut self, from: &str, listener: u16, text: &str) -> &mut Stage {
        self.receive_bytes(from, listener, message(text))
    }

    /// The same of bytes that stay as they are.
    pub(crate) fn receive_bytes(&mut self, from: &str, listener: u16, bytes: Bytes) -> &mut Stage {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let message = scan(bytes).unwrap_or_else(|rejected| panic!("{:?} in\n{text}", rejected.reason));
        let peer: SocketAddr = from.parse().expect("an address");
        let socket = &self.listeners[usize::from(listener)];
        let (transport, connection) = (socket.transport, socket.transport.is_reliable().then_some(ConnectionId(1)));
        let local = SocketAddr::new(local_of(socket), socket.bind.port());
        let flow = Flow { transport, listener: socket.id, local, peer, connection, identity: None };
        let now = self.clock();
        self.engine.handle(now, &self.world, Input::Message { flow, message });
        self.drain();
        self
    }

    /// A new call comes in for which there is no time, and its caller is to be told.
    pub(crate) fn receive_refused(&mut self, from: &str, text: &str) -> &mut Stage {
        self.receive_without_time(from, text, |flow, request| Input::Refused { flow, request, is_told: true })
    }

    /// The same over TCP.
    pub(crate) fn receive_refused_by_tcp(&mut self, from: &str, text: &str) -> &mut Stage {
        self.receive_without_time(from, text, |flow, request| {
            let flow = Flow { transport: Transport::Tcp, listener: ListenerId(1), ..flow };
            Input::Refused { flow, request, is_told: true }
        })
    }

    /// The same, and nobody is told.
    pub(crate) fn receive_refused_in_silence(&mut self, from: &str, text: &str) -> &mut Stage {
        self.receive_without_time(from, text, |flow, request| Input::Refused { flow, request, is_told: false })
    }

    /// A copy of a request comes in that waits to be handled.
    pub(crate) fn receive_absorbed(&mut self, from: &str, text: &str) -> &mut Stage {
        self.receive_without_time(from, text, |flow, request| Input::Absorbed { flow, request })
    }

    fn receive_without_time(&mut self, from: &str, text: &str, input: impl Fn(Flow, Request) -> Input) -> &mut Stage {
        let Ok(Message::Request(request)) = scan(message(text)) else { panic!("no request:\n{text}") };
        let (local, peer) = ("10.0.0.1:5060".parse().expect("an address"), from.parse().expect("an address"));
        let flow =
            Flow { transport: Transport::Udp, listener: ListenerId(0), local, peer, connection: None, identity: None };
        let now = self.clock();
        self.engine.handle(now, &self.world, input(flow, request));
        self.drain();
        self
    }

    /// A datagram comes in that is no message.
    pub(crate) fn receive_malformed(&mut self, from: &str, text: &str) -> &mut Stage {
        self.receive_rejected(from, message(text))
    }

    /// The same of bytes that stay as they are.
    pub(crate) fn receive_rejected(&mut self, from: &str, bytes: Bytes) -> &mut Stage {
        let rejected = scan(bytes).expect_err("it is malformed");
        let (local, peer) = ("10.0.0.1:5060".parse().expect("an address"), from.parse().expect("an address"));
        let flow =
            Flow { transport: Transport::Udp, listener: ListenerId(0), local, peer, connection: None, identity: None };
        let now = self.clock();
        self.engine.handle(now, &self.world, Input::Rejected { flow, rejected });
        self.drain();
        self
    }

    /// What has been asked for so far.
    pub(crate) fn asked(&self) -> &[String] {
        &self.asked
    }

    /// The one name that was asked for is at this address, spoken to as it says, or nowhere.
    pub(crate) fn resolve(&mut self, peer: Option<&str>) -> &mut Stage {
        let transport = match self.queries.last() {
            Some((_, Target::Address { transport, .. }, _)) => *transport,
            Some((_, Target::Name(name), _)) => name.transport.unwrap_or(Transport::Udp),
            None => panic!("a name was asked for"),
        };
        let hop = peer.map(|peer| format!("{transport}:{peer}"));
        self.resolve_to(&hop.as_deref().into_iter().collect::<Vec<_>>())
    }

    /// The one name that was asked for is at these places, such as `udp:192.0.2.7:5060`.
    pub(crate) fn resolve_to(&mut self, places: &[&str]) -> &mut Stage {
        let (query, _, sockets) = self.queries.pop().expect("a name was asked for");
        assert!(self.queries.is_empty());
        // As the network does.
        let hop = |place: &&str| {
            let (transport, peer) = place.split_once(':').expect("a transport");
            let transport = Transport::parse(transport.as_bytes()).expect("a transport");
            let peer: SocketAddr = peer.parse().expect("an address");
            let fits = |socket: &Listener| socket.transport == transport && socket.bind.is_ipv4() == peer.is_ipv4();
            let socket = sockets.first(&self.listeners, fits)?;
            Some(Hop { listener: socket.id, transport, peer, local: local_of(socket) })
        };
        let hops = places.iter().filter_map(hop).collect();
        let now = self.clock();
        self.engine.handle(now, &self.world, Input::Resolved { query, hops });
        self.drain();
        self
    }

    /// All that was asked for is at these hops.
    pub(crate) fn resolve_all_to(&mut self, hops: &[&str]) {
        while !self.queries.is_empty() {
            self.resolve_to(hops);
        }
    }

    /// The process is told to end.
    pub(crate) fn is_to_end(&mut self) -> &mut Stage {
        self.drains(DrainStage::Refuse)
    }

    /// The end of the process comes to this stage.
    pub(crate) fn drains(&mut self, stage: DrainStage) -> &mut Stage {
        let now = self.clock();
        self.engine.handle(now, &self.world, Input::Drain(stage));
        self.drain();
        self
    }

    pub(crate) fn fail(&mut self, ticket: Option<Ticket>) -> &mut Stage {
        let ticket = ticket.expect("a request has a ticket");
        let now = self.clock();
        self.engine.handle(now, &self.world, Input::SendFailed { ticket });
        self.drain();
        self
    }

    /// A request of ours has been queued on this connection.
    pub(crate) fn queued(&mut self, ticket: Option<Ticket>, connection: u64) -> &mut Stage {
        let ticket = ticket.expect("a request has a ticket");
        let now = self.clock();
        self.engine.handle(now, &self.world, Input::Queued { ticket, connection: ConnectionId(connection) });
        self
    }

    /// This connection is lost.
    pub(crate) fn lose(&mut self, connection: u64) -> &mut Stage {
        let now = self.clock();
        self.engine.handle(now, &self.world, Input::ConnectionLost { connection: ConnectionId(connection) });
        self.drain();
        self
    }

    /// Time passes; timers fire when they are due.
    pub(crate) fn wait(&mut self, span: Duration) -> &mut Stage {
        let until = self.now + span;
        while let Some(due) = self.engine.poll_timeout().map(|at| at.saturating_duration_since(self.base))
            && due <= until
        {
            self.now = self.now.max(due);
            let now = self.clock();
            self.engine.handle_timeout(now, &self.world);
            self.drain();
        }
        self.now = until;
        self
    }

    pub(crate) fn millis(&mut self, millis: u64) -> &mut Stage {
        self.wait(Duration::from_millis(millis))
    }

    pub(crate) fn calls(&self) -> usize {
        assert_eq!(self.engine.load().calls, self.usage.live());
        self.usage.live()
    }

    pub(crate) fn load(&self) -> ringfence::engine::Load {
        self.engine.load()
    }

    pub(crate) fn counters(&self) -> &EngineCounters {
        &self.counters
    }

    pub(crate) fn shared_counters(&self) -> Arc<EngineCounters> {
        Arc::clone(&self.counters)
    }

    /// The records so far, each as its fields.
    pub(crate) fn records(&mut self) -> Vec<Vec<String>> {
        self.engine.flush_records();
        self.drain();
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(&self.records[..]);
        reader.records().map(|record| record.expect("CSV").iter().map(str::to_owned).collect()).collect()
    }

    pub(crate) fn edit(&mut self, list: &str, entry: &str, change: Change) {
        let entry = Entry::parse(entry, &DialPlan::default()).expect("an entry");
        self.world = self.world.with_edits(&[Edit { list: list.into(), entry, change }]).expect("an edit");
    }

    /// Brings a call up: the INVITE that arrived at the callee, and the 200 that arrived at the caller.
    pub(crate) fn call(&mut self, invite: &str) -> (Sent, Sent) {
        self.receive(CARRIER, invite);
        let forwarded = self.one();
        self.receive(&forwarded.to(), &ok(&forwarded));
        (forwarded, self.one())
    }
}

/// A column of a record, by its name.
pub(crate) fn field<'r>(record: &'r [String], name: &str) -> &'r str {
    let at = ringfence::engine::RECORD_HEADER.split(',').position(|column| column == name);
    &record[at.expect("a column of records")]
}

/// The same of several.
pub(crate) fn columns<'r, const N: usize>(record: &'r [String], names: [&str; N]) -> [&'r str; N] {
    names.map(|name| field(record, name))
}

/// The address of a socket that its neighbours know.
fn local_of(socket: &Listener) -> IpAddr {
    match socket.bind.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::new(10, 0, 0, 1).into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::from_bits(0x2001_0db8 << 96 | 1).into(),
        ip => ip,
    }
}

/// A call from the trunk "six" to the pbx, by the last digits of its caller.
pub(crate) fn invite_from_six(caller: u32) -> String {
    invite(caller).replace("198.51.100.7", "[2001:db8:6::7]").replace("@10.0.0.1", "@[2001:db8::1]")
}

fn load(changes: &[(&str, &str)], more: &str) -> Loaded {
    let mut text = format!("{CONFIG}{more}");
    for (from, to) in changes {
        assert!(text.contains(from), "{from} is not in the config");
        text = text.replace(from, to);
    }
    let loaded = ringfence::config::parse(Path::new("stage.toml"), &text, &[], &mut InMemory::new());
    loaded.unwrap_or_else(|errors| panic!("{errors}"))
}

fn world(loaded: Loaded) -> World {
    World::new(1, loaded.lists, loaded.policy).expect("pools hold numbers")
}

pub(crate) const CARRIER: &str = "198.51.100.7:5060";

/// Line ends and Content-Length as they must be.
pub(crate) fn message(text: &str) -> Bytes {
    let text = text.trim_start().lines().map(str::trim_start).collect::<Vec<_>>().join("\r\n");
    Bytes::from(format!("{}\r\nContent-Length: 0\r\n\r\n", text.trim_end()))
}

/// A call from the carrier to the pbx, by the last digits of its caller.
pub(crate) fn invite(caller: u32) -> String {
    format!(
        "INVITE sip:+48221234567@10.0.0.1 SIP/2.0
        Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKinvite
        Max-Forwards: 70
        From: \"Caller\" <sip:+486000000{caller:02}@carrier.example.net>;tag=caller
        To: <sip:+48221234567@10.0.0.1>
        Call-ID: call
        CSeq: 1 INVITE
        Contact: <sip:line7@198.51.100.7:5060>
        "
    )
}

/// A call of its own.
pub(crate) fn call(number: u32) -> String {
    let own = invite(9).replace("Call-ID: call", &format!("Call-ID: call{number}"));
    own.replace("z9hG4bKinvite", &format!("z9hG4bKinvite{number}"))
}

/// Another call comes; the INVITE that goes on, or the answer.
#[track_caller]
pub(crate) fn dial(stage: &mut Stage, number: u32) -> Sent {
    stage.receive(CARRIER, &call(number));
    stage.one()
}

/// A request of the caller inside the dialog that `answer` made, along its Record-Route.
pub(crate) fn from_caller(method: &str, cseq: u32, answer: &Sent) -> String {
    let target = answer.header("Contact").trim_matches(['<', '>']).to_owned();
    let mut routes = answer.headers("Record-Route");
    routes.reverse();
    let routes: String = routes.iter().map(|route| format!("Route: {route}\n")).collect();
    format!(
        "{method} {target} SIP/2.0
        Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK{method}{cseq}
        Max-Forwards: 70
        {routes}From: {}
        To: {}
        Call-ID: call
        CSeq: {cseq} {method}
        ",
        answer.header("From"),
        answer.header("To"),
    )
}

/// A request of the callee inside the dialog that `invite`, as it arrived there, made.
pub(crate) fn from_callee(method: &str, cseq: u32, invite: &Sent) -> String {
    let target = invite.header("Contact").trim_matches(['<', '>']).to_owned();
    let routes: String = invite.headers("Record-Route").iter().map(|route| format!("Route: {route}\n")).collect();
    format!(
        "{method} {target} SIP/2.0
        Via: SIP/2.0/UDP {};branch=z9hG4bKcallee{method}{cseq}
        Max-Forwards: 70
        {routes}From: {};tag=callee
        To: {}
        Call-ID: call
        CSeq: {cseq} {method}
        ",
        invite.to(),
        invite.header("To"),
        invite.header("From"),
    )
}

/// A response to a request that the engine sent, with a To tag and further lines.
pub(crate) fn response(request: &Sent, status: u16, more: &str) -> String {
    let tag = if request.header("To").contains(";tag=") { "" } else { ";tag=callee" };
    let copied =
        |name: &str| -> String { request.headers(name).iter().map(|value| format!("{name}: {value}\n")).collect() };
    format!(
        "SIP/2.0 {status} Whatever\n{}{}{}To: {}{tag}\n{}{}{more}",
        copied("Via"),
        copied("Record-Route"),
        copied("From"),
        request.header("To"),
        copied("Call-ID"),
        copied("CSeq"),
    )
}

/// A 200 with a Contact at the address that the request went to.
pub(crate) fn ok(request: &Sent) -> String {
    response(request, 200, &format!("Contact: <sip:desk@{}>", request.to()))
}
