//! A real engine between a caller and a callee that say anything: it never panics, what it sends can be read again, and
//! header fields that it does not know go through as they came.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use ringfence::config::InMemory;
use ringfence::counters::EngineCounters;
use ringfence::engine::{Action, Engine, EngineConfig, Hop, Input, Keys, Listener, UnknownSource};
use ringfence::flow::{ConnectionId, Flow, ListenerId, Transport};
use ringfence::screen::World;
use ringfence::sip::{HeaderName, Headers, MAX_MESSAGE, Message, NameAddr, Request, Target, scan};
use ringfence::time::{Now, WallTime};
use ringfence::transaction::Timings;
use ringfence::usage::Usage;

/// Each trunk has its way of changing a call.
const CONFIG: &str = r#"
    [sip]
    listen = ["udp:127.0.0.1:5060", "tcp:127.0.0.1:5060"]
    [[trunk]]
    name = "carrier"
    from = ["198.51.100.0/24"]
    to = ["sip:198.51.100.7:5060", "sip:198.51.100.8:5060;transport=tcp"]
    trusted = true
    methods = ["*"]
    failover_on = [503]
    number_format = "+e164"
    [[trunk]]
    name = "pbx"
    from = ["192.0.2.0/24"]
    to = ["sip:192.0.2.1:5070;transport=tcp"]
    methods = ["*"]
    [[list]]
    name = "blocked"
    class = "dnc"
    entries = ["48600100201", "anonymous"]
    [[list]]
    name = "ours"
    class = "pool"
    entries = ["48221230000-48221230009"]
    [[inbound]]
    name = "blocked"
    lists = ["blocked"]
    [[inbound]]
    name = "hidden"
    callers = ["48600100200"]
    trunks = ["carrier"]
    action = "hide"
    [[inbound]]
    name = "elsewhere"
    called = ["48221234569"]
    action = "forward"
    to = "48221234567"
    [[inbound]]
    name = "moved"
    called = ["48221234568"]
    action = "redirect"
    to = "sip:+48221230000@pbx.example.net"
    [[campaign]]
    name = "spring"
    header = { name = "X-Campaign", value = "winter" }
    lists = ["blocked"]
    [[route]]
    name = "to-pbx"
    trunks = ["carrier"]
    to = "pbx"
    [[route]]
    name = "out"
    trunks = ["pbx"]
    to = "carrier"
    present = { pool = "ours", headers = ["P-Asserted-Identity", "From"] }
"#;

/// The header that the config names, and that is therefore taken away.
const REMOVED: &[u8] = b"x-campaign";

/// The most messages that one run answers: two who answer each other must end.
const MOST_ANSWERS: usize = 24;

/// Read once: a fuzzer makes thousands of benches.
static WORLD: LazyLock<World> = LazyLock::new(|| {
    let loaded = ringfence::config::parse(Path::new(""), CONFIG, &[], &mut InMemory::new()).expect("a good config");
    World::new(1, loaded.lists, loaded.policy).expect("a world")
});

/// Two neighbours with the engine between them.
pub(crate) struct Bench {
    engine: Engine,
    world: World,
    mono: Instant,
    /// What has been sent, not yet looked at.
    sent: VecDeque<(Flow, Bytes)>,
    /// Requests that the engine forwarded or made.
    pub(crate) forwarded: usize,
}

impl Bench {
    pub(crate) fn new() -> Bench {
        let listener = |id, transport| Listener {
            id: ListenerId(id),
            transport,
            bind: "127.0.0.1:5060".parse().expect("an address"),
            advertise: None,
        };
        let config = EngineConfig {
            listeners: vec![listener(0, Transport::Udp), listener(1, Transport::Tcp)],
            keys: Keys::from_bytes(&[7; Keys::LENGTH]),
            shards: 1,
            unknown_source: UnknownSource::Refuse,
            call_expires: Duration::from_secs(3_600),
            timings: Timings::default(),
            stream_above: None,
            proven: Arc::default(),
        };
        Bench {
            engine: Engine::new(Arc::new(config), [1; 32], Arc::new(Usage::new()), Arc::new(EngineCounters::default())),
            world: WORLD.clone(),
            mono: Instant::now(),
            sent: VecDeque::new(),
            forwarded: 0,
        }
    }

    fn now(&self) -> Now {
        Now { mono: self.mono, wall: WallTime::from_micros(1_774_440_000_000_000) }
    }

    fn handle(&mut self, input: Input) {
        self.engine.handle(self.now(), &self.world, input);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(action) = self.engine.poll_action() {
            match action {
                Action::Send { flow, bytes, .. } => self.sent.push_back((flow, bytes)),
                Action::Resolve { query, target, .. } => {
                    let local = "127.0.0.1".parse().expect("an address");
                    let hops = match target {
                        Target::Address { transport, addr } => {
                            let listener = ListenerId(u16::from(transport.is_reliable()));
                            vec![Hop { listener, transport, peer: addr, local }]
                        }
                        Target::Name(_) => Vec::new(),
                    };
                    self.handle(Input::Resolved { query, hops });
                }
                Action::Records(lines) => assert!(lines.ends_with(b"\n")),
            }
        }
    }

    /// Bytes arrive from a neighbour; gives back what of them was a message.
    pub(crate) fn arrive(&mut self, flow: Flow, bytes: &[u8]) -> Option<Message> {
        match scan(Bytes::copy_from_slice(bytes)) {
            Ok(message) => {
                self.handle(Input::Message { flow, message: message.clone() });
                Some(message)
            }
            Err(rejected) => {
                self.handle(Input::Rejected { flow, rejected });
                None
            }
        }
    }

    /// What was sent next; it must be a message.
    fn take_sent(&mut self) -> Option<(Flow, Message)> {
        let (flow, bytes) = self.sent.pop_front()?;
        let text = bytes.escape_ascii().to_string();
        // What we add may make a message outgrow what we take ourselves.
        if bytes.len() > MAX_MESSAGE {
            return self.take_sent();
        }
        match scan(bytes) {
            Ok(message) => Some((flow, message)),
            Err(rejected) if rejected.reason == ringfence::sip::Malformed::TooManyHeaders => self.take_sent(),
            // A malformed request may lack what its answer copies.
            Err(_) if ["400", "505", "513"].contains(&&text[8..11]) => self.take_sent(),
            Err(rejected) => panic!("{}: {text}", rejected.reason),
        }
    }

    /// Time passes until nothing is left to be done.
    pub(crate) fn let_time_pass(&mut self) {
        for _ in 0..200 {
            let Some(next) = self.engine.poll_timeout() else { break };
            self.mono = self.mono.max(next);
            self.engine.handle_timeout(self.now(), &self.world);
            self.drain();
            while self.take_sent().is_some() {}
        }
        let load = self.engine.load();
        assert_eq!((load.transactions, load.proxies, load.waiting, load.cancels), (0, 0, 0, 0), "{load:?}");
    }

    /// A call: the caller's first message, what the callee adds to his answers, and which answers he gives.
    pub(crate) fn call(&mut self, caller: &[u8], added: &[u8], answers: &[u8]) {
        let came_by = flow_from(answers.first().copied().unwrap_or_default());
        let first = self.arrive(came_by, caller);
        let mut answered = 0;
        while let Some((leaves_by, message)) = self.take_sent() {
            let Message::Request(request) = message else { continue };
            self.forwarded += 1;
            if let Some(Message::Request(first)) = &first
                && first.cseq() == request.cseq()
                && first.method_name() == request.method_name()
            {
                passed_through(first, &request);
            }
            if answered >= MOST_ANSWERS {
                continue;
            }
            let choice = answers.get(1 + answered % answers.len().max(1)).copied().unwrap_or(2);
            answered += 1;
            self.answer(&request, leaves_by, added, choice);
            if choice & 64 != 0 {
                self.cancel(caller, came_by);
            }
            if choice & 128 != 0 {
                self.follow_up(&request, leaves_by, choice);
            }
        }
    }

    /// The callee's answer to a request.
    fn answer(&mut self, request: &Request, flow: Flow, added: &[u8], choice: u8) {
        const STATUS: [u16; 8] = [100, 180, 200, 200, 302, 407, 503, 603];
        let mut bytes = Vec::new();
        ringfence::sip::status_line(STATUS[usize::from(choice % 8)], "Answer", &mut bytes);
        for name in [HeaderName::Via, HeaderName::RecordRoute, HeaderName::From, HeaderName::CallId, HeaderName::CSeq] {
            for field in request.headers().named(name) {
                bytes.extend_from_slice(request.headers().slice(field.line));
            }
        }
        bytes.extend_from_slice(b"To: ");
        bytes.extend_from_slice(request.headers().slice(request.to_span()));
        if request.to_tag().is_none() {
            bytes.extend_from_slice(b";tag=callee");
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(added);
        bytes.extend_from_slice(b"\r\n");
        self.arrive(flow, &bytes);
    }

    /// The caller hangs up: the CANCEL is his INVITE with the method changed.
    fn cancel(&mut self, invite: &[u8], flow: Flow) {
        let text = String::from_utf8_lossy(invite);
        let cancel = text.replacen("INVITE", "CANCEL", 1).replace(" INVITE\r\n", " CANCEL\r\n");
        self.arrive(flow, cancel.as_bytes());
    }

    /// A request of the callee inside the dialog, by the Record-Route that it was shown or without.
    fn follow_up(&mut self, request: &Request, flow: Flow, choice: u8) {
        let method = ["BYE", "INVITE", "NEW", "ACK"][usize::from(choice >> 2) % 4];
        let headers = request.headers();
        let contact = headers.values(HeaderName::Contact).next().and_then(|value| NameAddr::parse(value).ok());
        let target = contact.map_or(&b"sip:127.0.0.1:5060"[..], |contact| contact.uri);
        let mut bytes = [method.as_bytes(), b" ", target, b" SIP/2.0\r\n"].concat();
        bytes.extend_from_slice(b"Via: SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKfollow;rport\r\n");
        for value in headers.values(HeaderName::RecordRoute).filter(|_| choice & 1 == 0) {
            bytes.extend_from_slice(&[b"Route: ", value, b"\r\n"].concat());
        }
        for (name, span) in [(&b"To: "[..], request.from_span()), (b"From: ", request.to_span())] {
            bytes.extend_from_slice(name);
            bytes.extend_from_slice(headers.slice(span));
            if name == b"From: " && request.to_tag().is_none() {
                bytes.extend_from_slice(b";tag=callee");
            }
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(&[b"Call-ID: ", request.call_id(), b"\r\n"].concat());
        bytes.extend_from_slice(format!("CSeq: 9 {method}\r\nContent-Length: 0\r\n\r\n").as_bytes());
        self.arrive(flow, &bytes);
    }
}

/// Where a message comes from: one of the two trunks, or a stranger.
fn flow_from(choice: u8) -> Flow {
    let transport = if choice & 4 == 0 { Transport::Udp } else { Transport::Tcp };
    let peer = ["198.51.100.7:5060", "192.0.2.1:5070", "198.51.100.9:6060", "203.0.113.9:1"][usize::from(choice % 4)];
    Flow {
        transport,
        listener: ListenerId(u16::from(transport == Transport::Tcp)),
        local: "127.0.0.1:5060".parse().expect("an address"),
        peer: peer.parse().expect("an address"),
        connection: (transport == Transport::Tcp).then_some(ConnectionId(1)),
        identity: None,
    }
}

/// Header fields that nobody here reads, and the body, go through as they came and in their order.
fn passed_through(before: &Request, after: &Request) {
    assert_eq!(before.headers().body(), after.headers().body());
    let unknown = |headers: &Headers| {
        let fields = headers.fields().iter().filter(|field| {
            field.name == HeaderName::Other && !headers.field_name(field).eq_ignore_ascii_case(REMOVED)
        });
        fields.map(|field| headers.slice(field.line).to_vec()).collect::<Vec<_>>()
    };
    assert_eq!(unknown(before.headers()), unknown(after.headers()));
    assert!(after.headers().others(REMOVED).next().is_none() || after.to_tag().is_some());
    let kept = [HeaderName::Subject, HeaderName::Event, HeaderName::ContentType, HeaderName::CSeq, HeaderName::CallId];
    for name in kept {
        let lines =
            |headers: &Headers| headers.named(name).map(|field| headers.slice(field.line).to_vec()).collect::<Vec<_>>();
        assert_eq!(lines(before.headers()), lines(after.headers()));
    }
}
