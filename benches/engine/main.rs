//! What one call costs the engine, from the bytes that came in to the bytes that go out, without system calls: `declined`
//! is INVITE, 603 and ACK; `relayed` is INVITE, 180, 200, ACK, BYE and 200, each scanned, matched and forwarded;
//! `relayed-past-dead` is the same where the first target of the trunk is known to be down.
//!
//! Calls follow each other every 3 ms of the engine's time, so that some 10,000 of them linger in their transactions.

use std::hint::black_box;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use ringfence::config::InMemory;
use ringfence::counters::EngineCounters;
use ringfence::engine::{Action, Engine, EngineConfig, Input, Keys, Listener, UnknownSource};
use ringfence::flow::{Flow, ListenerId, Transport};
use ringfence::reach::{Place, Reach, State};
use ringfence::screen::World;
use ringfence::sip::{Target, scan};
use ringfence::time::{Now, WallTime};
use ringfence::transaction::Timings;
use ringfence::usage::Usage;

const CONFIG: &str = r#"
[[trunk]]
name = "carrier"
from = ["127.0.0.2"]
to = ["sip:127.0.0.2:5070"]
trusted = true
[[trunk]]
name = "pbx"
from = ["127.0.0.3"]
to = ["sip:127.0.0.3:5070"]
trusted = true
[[list]]
name = "blocked"
class = "personal"
entries = ["48701000000-48701099999"]
[[inbound]]
name = "blocked"
lists = ["blocked"]
action = "decline"
[[route]]
name = "to-pbx"
trunks = ["carrier"]
to = "pbx"
"#;

const CALLER: &str = "127.0.0.2:5072";
const CALLEE: &str = "127.0.0.3:5070";
const SDP: &str = "v=0\r\no=load 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
    m=audio 40000 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n\
    a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n";

/// An engine, its clock, and how long it has worked.
struct Bench {
    engine: Engine,
    reach: Arc<Reach>,
    world: World,
    now: Now,
    calls: u64,
    worked: Duration,
}

impl Bench {
    fn new() -> Bench {
        Bench::with(CONFIG)
    }

    fn past_dead() -> Bench {
        let two = "to = [\"sip:127.0.0.3:5071\", \"sip:127.0.0.3:5070\"]\nprobe = \"10s\"";
        let bench = Bench::with(&CONFIG.replace("to = [\"sip:127.0.0.3:5070\"]", two));
        let target = Target::Address { transport: Transport::Udp, addr: "127.0.0.3:5071".parse().expect("an address") };
        bench.reach.enter(&Place { trunk: "pbx".into(), target }).set(State::Down, bench.now.wall);
        bench
    }

    fn with(config: &str) -> Bench {
        let loaded = ringfence::config::parse(Path::new(""), config, &[], &mut InMemory::new()).expect("a good config");
        let bind = "127.0.0.1:5060".parse().expect("an address");
        let config = EngineConfig {
            listeners: vec![Listener { id: ListenerId(0), transport: Transport::Udp, bind, advertise: None }],
            keys: Keys::from_bytes(&[7; Keys::LENGTH]),
            shards: 1,
            unknown_source: UnknownSource::Drop,
            call_expires: Duration::from_secs(12 * 3600),
            timings: Timings::default(),
            stream_above: None,
            proven: Arc::default(),
        };
        let (usage, counters) = (Arc::new(Usage::new()), Arc::new(EngineCounters::default()));
        let reach = Arc::new(Reach::default());
        let engine = Engine::new(Arc::new(config), [9; 32], usage, counters);
        Bench {
            // Another shard probes: nothing answers here.
            engine: engine.on_shard(1, reach.clone()),
            reach,
            world: World::new(1, loaded.lists, loaded.policy).expect("a good world"),
            now: Now { mono: Instant::now(), wall: WallTime::from_micros(1_774_440_000_000_000) },
            calls: 0,
            worked: Duration::ZERO,
        }
    }

    /// One message in, and what goes out.
    fn receive(&mut self, peer: &str, text: String) -> Vec<Bytes> {
        let (peer, datagram) = (peer.parse().expect("an address"), text.into_bytes());
        let began = Instant::now();
        let sent = self.handle(peer, &datagram);
        self.worked += began.elapsed();
        sent
    }

    /// Apart, so that a profiler can tell it from the rest of the benchmark.
    #[inline(never)]
    fn handle(&mut self, peer: SocketAddr, datagram: &[u8]) -> Vec<Bytes> {
        let flow = Flow {
            transport: Transport::Udp,
            listener: ListenerId(0),
            local: SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 5060),
            peer,
            connection: None,
            identity: None,
        };
        let mut sent = Vec::with_capacity(4);
        let message = scan(Bytes::copy_from_slice(datagram)).expect("a good message");
        self.engine.handle(self.now, &self.world, Input::Message { flow, message });
        while let Some(action) = self.engine.poll_action() {
            match action {
                Action::Send { bytes, .. } => sent.push(bytes),
                other => drop(black_box(other)),
            }
        }
        sent
    }

    fn next_call(&mut self) -> u64 {
        self.calls += 1;
        let step = Duration::from_millis(3);
        self.now = Now { mono: self.now.mono + step, wall: self.now.wall + step };
        let began = Instant::now();
        self.engine.handle_timeout(self.now, &self.world);
        while let Some(action) = self.engine.poll_action() {
            drop(black_box(action));
        }
        self.worked += began.elapsed();
        self.calls
    }

    fn declined(&mut self) {
        let call = self.next_call();
        let sent = self.receive(CALLER, invite(call, "48701000777"));
        let answer = text(&sent[0]);
        assert!(answer.starts_with("SIP/2.0 603 "), "{answer}");
        let ack = in_dialog(call, "ACK", "sip:48221234567@127.0.0.1:5060", &answer, "", "INVITE");
        assert!(self.receive(CALLER, ack).is_empty());
    }

    fn relayed(&mut self) {
        let call = self.next_call();
        let sent = self.receive(CALLER, invite(call, "48600100200"));
        let forwarded = text(&sent[0]);
        assert!(forwarded.starts_with("INVITE "), "{forwarded}");
        assert_eq!(self.receive(CALLEE, response(&forwarded, "180 Ringing")).len(), 1);
        let answer = text(&self.receive(CALLEE, response(&forwarded, "200 OK"))[0]);
        let routes: String =
            lines(&answer, "Record-Route").map(|line| format!("{}\r\n", &line["Record-".len()..])).collect();
        let ack = in_dialog(call, "ACK", "sip:next-hop@127.0.0.3:5070", &answer, &routes, "ACK");
        assert_eq!(self.receive(CALLER, ack).len(), 1);
        let bye = in_dialog(call, "BYE", "sip:next-hop@127.0.0.3:5070", &answer, &routes, "BYE");
        let ended = text(&self.receive(CALLER, bye)[0]);
        assert_eq!(self.receive(CALLEE, response(&ended, "200 OK")).len(), 1);
    }
}

fn text(bytes: &Bytes) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

fn lines<'a>(message: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    message.lines().filter(move |line| line.split(':').next() == Some(name))
}

fn invite(call: u64, from: &str) -> String {
    format!(
        "INVITE sip:48221234567@127.0.0.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP {CALLER};branch=z9hG4bK77-{call};rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:{from}@{CALLER}>;tag=c{call}\r\nTo: <sip:48221234567@127.0.0.1:5060>\r\n\
         Call-ID: {call}-77@load\r\nCSeq: 1 INVITE\r\nContact: <sip:load@{CALLER}>\r\n\
         Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{SDP}",
        SDP.len()
    )
}

/// ACK or BYE; the ACK to a refusal has the branch of its INVITE.
fn in_dialog(call: u64, method: &str, uri: &str, answer: &str, routes: &str, branch: &str) -> String {
    let branch = if branch == "INVITE" { String::new() } else { format!("-{branch}") };
    let cseq = if method == "ACK" { 1 } else { 2 };
    let (from, to) = (lines(answer, "From").next().unwrap_or(""), lines(answer, "To").next().unwrap_or(""));
    format!(
        "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {CALLER};branch=z9hG4bK77-{call}{branch};rport\r\n{routes}\
         Max-Forwards: 70\r\n{from}\r\n{to}\r\nCall-ID: {call}-77@load\r\nCSeq: {cseq} {method}\r\n\
         Content-Length: 0\r\n\r\n"
    )
}

fn response(request: &str, status: &str) -> String {
    let mut out = format!("SIP/2.0 {status}\r\n");
    for name in ["Via", "Record-Route", "From", "To", "Call-ID", "CSeq"] {
        for line in lines(request, name) {
            let tag = if name == "To" && !line.contains(";tag=") { ";tag=next-hop" } else { "" };
            out += &format!("{line}{tag}\r\n");
        }
    }
    out + "Contact: <sip:next-hop@127.0.0.3:5070>\r\nContent-Length: 0\r\n\r\n"
}

fn measure(c: &mut Criterion) {
    type Make = fn() -> Bench;
    type Call = fn(&mut Bench);
    let measured: [(&str, Make, Call); 3] = [
        ("declined", Bench::new, Bench::declined),
        ("relayed", Bench::new, Bench::relayed),
        ("relayed-past-dead", Bench::past_dead, Bench::relayed),
    ];
    for (name, make, call) in measured {
        let mut bench = make();
        c.bench_function(&format!("engine/{name}"), |bencher| {
            bencher.iter_custom(|calls| {
                bench.worked = Duration::ZERO;
                for _ in 0..calls {
                    call(&mut bench);
                }
                bench.worked
            });
        });
    }
}

criterion_group!(benches, measure);
criterion_main!(benches);
