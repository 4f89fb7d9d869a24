//! The network between agents and engines: a virtual clock, an event queue ordered by time and number, links that lose,
//! repeat and delay, all drawn from one seed.

use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use ringfence::counters::EngineCounters;
use ringfence::engine::{
    Action, Engine, EngineConfig, Hop, Host, Input, Keys, Listener, QueryId, Ticket, UnknownSource, shard_of,
};
use ringfence::flow::{ConnectionId, Flow, ListenerId, Transport};
use ringfence::sip::{Message, scan};
use ringfence::time::{Now, WallTime};
use ringfence::transaction::Timings;
use ringfence::usage::Usage;

use crate::agent::{Agent, Out, Plan, Step, Timer};
use crate::plans;
use crate::rules::{self, Model};
use crate::watch::{Watch, Worlds, check_records};

/// What a run gives.
pub(crate) struct Outcome {
    /// Of everything that was sent, in order, and of the records.
    pub(crate) digest: u64,
    pub(crate) violations: Vec<(String, String)>,
    pub(crate) watch: Watch,
    pub(crate) messages: u64,
    pub(crate) calls: usize,
    pub(crate) answered: usize,
}

/// How a UDP link treats datagrams, the same for all links of a seed.
struct Link {
    loss: f64,
    duplication: f64,
    /// The least and the most that a datagram takes, in milliseconds: what spreads more is reordered.
    delay: (u64, u64),
}

enum Event {
    Wake { agent: usize, timer: Timer },
    ToProxy { agent: usize, port: u16, to: SocketAddr, bytes: Bytes },
    ToAgent { agent: usize, port: u16, from: SocketAddr, bytes: Bytes },
    Engine(usize),
    SendFailed { shard: usize, ticket: Ticket },
    Resolved { shard: usize, query: QueryId, hops: Vec<Hop> },
    Edit,
}

struct Network {
    rng: StdRng,
    base: Instant,
    now: Duration,
    events: BTreeMap<(Duration, u64), Event>,
    count: u64,
    link: Link,
    agents: Vec<Agent>,
    /// When an agent's TCP listener is down.
    down: Vec<Option<(Duration, Duration)>>,
    /// When the last message of each TCP direction arrives: nothing overtakes it.
    last_arrival: BTreeMap<(usize, bool), Duration>,
    engines: Vec<Engine>,
    armed: Vec<Option<Duration>>,
    config: Arc<EngineConfig>,
    usage: Arc<Usage>,
    worlds: Worlds,
    plans: Vec<Plan>,
    watch: Watch,
    records: Vec<u8>,
    hasher: DefaultHasher,
    messages: u64,
    last_message: Duration,
}

/// Nothing of this is Ringfence's: `(name, address, port, transport, our address)`, the name begins with the trunk's.
const AGENTS: [(&str, [u8; 4], u16, Transport); 7] = [
    ("carrier-7", [198, 51, 100, 7], 5060, Transport::Udp),
    ("carrier-8", [198, 51, 100, 8], 5062, Transport::Tcp),
    ("pbx-3", [192, 0, 2, 3], 5070, Transport::Udp),
    ("pbx-4", [192, 0, 2, 4], 5070, Transport::Udp),
    ("wild-9", [203, 0, 113, 9], 5060, Transport::Tcp),
    ("wild-10", [203, 0, 113, 10], 5060, Transport::Tcp),
    ("wild-11", [203, 0, 113, 11], 5060, Transport::Udp),
];

/// Runs one seed to its end.
pub(crate) fn run(seed: u64) -> Outcome {
    let mut network = Network::new(seed);
    network.run_calls();
    network.check_quiet();
    network.check_talking();
    network.expire();
    network.finish()
}

impl Network {
    fn new(seed: u64) -> Network {
        let mut rng = StdRng::seed_from_u64(seed);
        let lossless = rng.random_bool(0.2);
        let low = rng.random_range(1..40);
        let link = Link {
            loss: if lossless { 0.0 } else { rng.random_range(0.0..0.2) },
            duplication: if lossless { 0.0 } else { rng.random_range(0.0..0.1) },
            delay: (low, low + rng.random_range(1..400)),
        };
        let wildcard = rng.random_bool(0.5);
        let second = rng.random_bool(0.3);
        let udp: SocketAddr = if wildcard { "0.0.0.0:5060" } else { "10.0.0.1:5060" }.parse().expect("an address");
        let listener = |id, transport, bind| Listener { id: ListenerId(id), transport, bind, advertise: None };
        let mut listeners = vec![listener(0, Transport::Udp, udp), listener(1, Transport::Tcp, udp)];
        if second {
            listeners.push(listener(2, Transport::Udp, "10.0.0.2:5060".parse().expect("an address")));
        }
        let mut keys = [0; Keys::LENGTH];
        rng.fill_bytes(&mut keys);
        let config = Arc::new(EngineConfig {
            listeners,
            keys: Keys::from_bytes(&keys),
            shards: rng.random_range(1..=4),
            unknown_source: UnknownSource::Drop,
            call_expires: CALL_EXPIRES,
            timings: Timings::default(),
        });
        let usage = Arc::new(Usage::new());
        let engines: Vec<Engine> = (0..config.shards)
            .map(|_| {
                let mut seed = [0; 32];
                rng.fill_bytes(&mut seed);
                Engine::new(config.clone(), seed, usage.clone(), Arc::new(EngineCounters::default()))
            })
            .collect();
        let agents: Vec<Agent> = (AGENTS.iter())
            .map(|(name, ip, port, transport)| {
                let elsewhere = second && *name == "carrier-7";
                let proxy = if elsewhere { "10.0.0.2:5060" } else { "10.0.0.1:5060" };
                Agent::new(name, *ip, *port, *transport, proxy.parse().expect("an address"))
            })
            .collect();
        let down = (agents.iter())
            .map(|agent| {
                let begin = Duration::from_millis(rng.random_range(0..60_000));
                let length = Duration::from_millis(rng.random_range(1_000..15_000));
                let falls = agent.transport == Transport::Tcp && rng.random_bool(0.3);
                falls.then_some((begin, begin + length))
            })
            .collect();
        let plans = plans::draw(&mut rng, seed);
        let worlds = Worlds {
            begin: WallTime::from_micros(1_774_440_000_000_000),
            worlds: BTreeMap::from([(1, (rules::world(), Model::new()))]),
            agents: agents.iter().map(|agent| agent.ip).collect(),
        };
        let mut network = Network {
            rng,
            base: Instant::now(),
            now: Duration::ZERO,
            events: BTreeMap::new(),
            count: 0,
            link,
            agents,
            down,
            last_arrival: BTreeMap::new(),
            armed: vec![None; config.shards],
            engines,
            config,
            usage,
            worlds,
            plans,
            watch: Watch::default(),
            records: Vec::new(),
            hasher: DefaultHasher::new(),
            messages: 0,
            last_message: Duration::ZERO,
        };
        for at in 0..network.plans.len() {
            let (agent, start) = (network.plans[at].caller, network.plans[at].start);
            network.schedule(start, Event::Wake { agent, timer: Timer::Start(at) });
        }
        for _ in 0..network.rng.random_range(0..30) {
            let at = Duration::from_micros(network.rng.random_range(0..60_000_000));
            network.schedule(at, Event::Edit);
        }
        network
    }

    fn schedule(&mut self, after: Duration, event: Event) {
        self.count += 1;
        self.events.insert((self.now + after, self.count), event);
    }

    /// Until nothing has been said for Timer C + 64*T1.
    fn run_calls(&mut self) {
        while let Some(((at, _), _)) = self.events.first_key_value() {
            if *at > self.last_message.max(LAST_START) + QUIET {
                break;
            }
            self.step();
        }
    }

    fn step(&mut self) {
        let Some(((at, _), event)) = self.events.pop_first() else { return };
        self.now = at;
        match event {
            Event::Wake { agent, timer } => self.with_agent(agent, |agent, step| agent.wake(step, timer)),
            Event::ToAgent { agent, port, from, bytes } => {
                let message = scan(bytes).expect("checked when it was sent");
                self.with_agent(agent, |agent, step| agent.receive(step, port, from, &message));
            }
            Event::ToProxy { agent, port, to, bytes } => self.deliver_to_proxy(agent, port, to, bytes),
            Event::Engine(shard) => {
                self.armed[shard] = None;
                let now = self.clock();
                self.engines[shard].handle_timeout(now);
                self.drain(shard);
            }
            Event::SendFailed { shard, ticket } => self.hand(shard, Input::SendFailed { ticket }),
            Event::Resolved { shard, query, hops } => self.hand(shard, Input::Resolved { query, hops }),
            Event::Edit => self.edit(),
        }
    }

    fn clock(&self) -> Now {
        Now { mono: self.base + self.now, wall: self.worlds.wall(self.now) }
    }

    fn edit(&mut self) {
        let wall = self.worlds.wall(self.now);
        let (world, model) = self.worlds.current();
        let mut model = model.clone();
        let edit = model.edit(&mut self.rng, wall);
        let next = world.with_edits(std::slice::from_ref(&edit)).expect("an edit that can be made");
        self.worlds.worlds.insert(next.generation, (next, model));
    }

    fn with_agent(&mut self, at: usize, act: impl FnOnce(&mut Agent, &mut Step<'_>)) {
        let mut step = Step { plans: &self.plans, rng: &mut self.rng, out: Vec::new() };
        act(&mut self.agents[at], &mut step);
        for out in step.out {
            match out {
                Out::Wake { after, timer } => self.schedule(after, Event::Wake { agent: at, timer }),
                Out::Send { port, to, bytes } => {
                    self.note(at, true, &bytes);
                    let transport = self.agents[at].transport;
                    for delay in self.delays(at, true, transport) {
                        self.schedule(delay, Event::ToProxy { agent: at, port, to, bytes: bytes.clone() });
                    }
                }
                Out::Complain { call_id, text } => self.watch.complain(&call_id, text),
            }
        }
    }

    /// When the copies of a message arrive: none when it is lost, two when it is repeated.
    fn delays(&mut self, agent: usize, to_proxy: bool, transport: Transport) -> Vec<Duration> {
        let (low, high) = self.link.delay;
        let copies = match transport {
            Transport::Udp if self.rng.random_bool(self.link.loss) => 0,
            Transport::Udp if self.rng.random_bool(self.link.duplication) => 2,
            _ => 1,
        };
        let draw = |rng: &mut StdRng| Duration::from_micros(rng.random_range(low * 1_000..high * 1_000));
        let mut delays: Vec<Duration> = (0..copies).map(|_| draw(&mut self.rng)).collect();
        if transport != Transport::Udp {
            let last = self.last_arrival.entry((agent, to_proxy)).or_default();
            *last = (*last).max(self.now + delays[0]);
            delays[0] = *last - self.now;
        }
        delays
    }

    fn deliver_to_proxy(&mut self, agent: usize, port: u16, to: SocketAddr, bytes: Bytes) {
        let sender = &self.agents[agent];
        let listener = match (sender.transport, to.ip().to_string().as_str()) {
            (Transport::Udp, "10.0.0.1") => 0,
            (Transport::Udp, "10.0.0.2") => 2,
            (Transport::Tcp, "10.0.0.1") => 1,
            _ => return self.watch.complain("", format!("{} sends to {to}, which is not ours", sender.name)),
        };
        let flow = Flow {
            transport: sender.transport,
            listener: ListenerId(listener),
            local: to,
            peer: SocketAddr::new(sender.ip, port),
            connection: (sender.transport == Transport::Tcp).then_some(ConnectionId(agent as u64)),
        };
        let message = scan(bytes).expect("agents write messages");
        let generation = self.worlds.current().0.generation;
        self.watch.arrives(self.now, generation, &message);
        self.last_message = self.now;
        let shard = shard_of(&self.config.keys.shard, message.call_id(), self.config.shards);
        self.hand(shard, Input::Message { flow, message });
    }

    fn hand(&mut self, shard: usize, input: Input) {
        let now = self.clock();
        self.engines[shard].handle(now, &self.worlds.current().0, input);
        self.drain(shard);
    }

    fn drain(&mut self, shard: usize) {
        while let Some(action) = self.engines[shard].poll_action() {
            match action {
                Action::Send { flow, bytes, ticket } => self.send(shard, flow, bytes, ticket),
                Action::Resolve { query, host, port, .. } => {
                    let Host::Address(ip) = host else { panic!("the simulation has no names") };
                    let local = "10.0.0.1".parse().expect("an address");
                    let hops = vec![Hop { peer: SocketAddr::new(ip, port), local }];
                    let after = Duration::from_millis(self.rng.random_range(1..300));
                    self.schedule(after, Event::Resolved { shard, query, hops });
                }
                Action::Records(chunk) => {
                    chunk.hash(&mut self.hasher);
                    self.records.extend_from_slice(&chunk);
                }
            }
        }
        let due = self.engines[shard].poll_timeout().map(|at| at.saturating_duration_since(self.base));
        if let Some(due) = due
            && self.armed[shard].is_none_or(|armed| due < armed || armed < self.now)
        {
            self.armed[shard] = Some(due);
            self.schedule(due.saturating_sub(self.now), Event::Engine(shard));
        }
    }

    fn send(&mut self, shard: usize, flow: Flow, bytes: Bytes, ticket: Option<Ticket>) {
        self.last_message = self.now;
        let Some(at) = self.agents.iter().position(|agent| agent.ip == flow.peer.ip()) else {
            return self.watch.complain("", format!("a message to {}, whom nobody knows", flow.peer));
        };
        self.note(at, false, &bytes);
        let message = match scan(bytes.clone()) {
            Ok(message) => message,
            Err(rejected) => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                return self.watch.complain("", format!("{:?} in what was sent:\n{text}", rejected.reason));
            }
        };
        self.watch.leaves(&self.agents[at], &message, &self.plans, &self.worlds);
        let agent = &self.agents[at];
        let call_id = String::from_utf8_lossy(message.call_id()).into_owned();
        let right_port = agent.ports.contains(&flow.peer.port());
        let right_way = match (&message, agent.transport) {
            (_, Transport::Udp) => right_port && flow.connection.is_none(),
            (Message::Response(_), _) => flow.connection == Some(ConnectionId(at as u64)),
            (Message::Request(_), _) => right_port,
        };
        if agent.transport != flow.transport || !right_way {
            return self.watch.complain(&call_id, format!("sent to {} by {flow}", agent.name));
        }
        let is_down = self.down[at].is_some_and(|(begin, end)| (begin..end).contains(&self.now));
        if is_down {
            if let Some(ticket) = ticket {
                let after = Duration::from_millis(self.rng.random_range(1..2_000));
                self.schedule(after, Event::SendFailed { shard, ticket });
            }
            return;
        }
        for delay in self.delays(at, false, flow.transport) {
            let (port, from, bytes) = (flow.peer.port(), flow.local, bytes.clone());
            self.schedule(delay, Event::ToAgent { agent: at, port, from, bytes });
        }
    }

    /// Puts a message into the digest and its call's ladder.
    fn note(&mut self, agent: usize, to_proxy: bool, bytes: &Bytes) {
        self.messages += 1;
        (self.now, agent, to_proxy, &bytes[..]).hash(&mut self.hasher);
        let Ok(message) = scan(bytes.clone()) else { return };
        let headers = message.headers();
        let cseq = headers.first(ringfence::sip::HeaderName::CSeq).unwrap_or_default();
        let first = bytes.split(|&byte| byte == b'\r').next().unwrap_or_default();
        let tag = match &message {
            Message::Request(request) => request.to_tag().unwrap_or_default().to_vec(),
            Message::Response(response) => response.to_tag().unwrap_or_default().to_vec(),
        };
        let arrow = if to_proxy { ">" } else { "<" };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let line = format!(
            "{:>10.3} {:>9} {arrow} {:<60} {} {}",
            self.now.as_secs_f64(),
            self.agents[agent].name,
            text(first),
            text(cseq),
            text(&tag)
        );
        self.watch.call(&text(message.call_id())).ladder.push(line);
    }

    /// Timer C + 64*T1 after the last message: only calls are left, and exactly those that were answered and not ended.
    fn check_quiet(&mut self) {
        self.now = self.now.max(self.last_message.max(LAST_START) + QUIET);
        for shard in 0..self.engines.len() {
            let now = self.clock();
            self.engines[shard].handle_timeout(now);
            self.drain(shard);
            let load = self.engines[shard].load();
            let left = [load.transactions, load.proxies, load.remembered, load.waiting, load.cancels];
            if left != [0; 5] {
                self.watch.complain("", format!("not quiet: {load:?}"));
            }
        }
        let mut up: Vec<String> =
            self.usage.calls(usize::MAX).into_iter().map(|(_, call)| call.call_id.into()).collect();
        up.sort();
        let calls: usize = self.engines.iter().map(|engine| engine.load().calls).sum();
        let expected: Vec<String> = (self.watch.calls.iter())
            .filter(|(_, call)| call.answered && !call.ended)
            .map(|(call_id, _)| call_id.clone())
            .collect();
        if calls != up.len() {
            self.watch.complain("", format!("the engines have {calls} calls, the table {}", up.len()));
        }
        for call_id in up.iter().filter(|call_id| !expected.contains(call_id)) {
            self.watch.complain(call_id, "still up");
        }
        for call_id in expected.iter().filter(|call_id| !up.contains(call_id)) {
            self.watch.complain(call_id, "no longer up");
        }
    }

    /// Whoever still talks does so in a call that is up, with one other.
    fn check_talking(&mut self) {
        let mut talking: BTreeMap<(String, bool), usize> = BTreeMap::new();
        for (at, agent) in self.agents.iter().enumerate() {
            // A BYE may have found it down.
            if self.down[at].is_none() {
                // Where nothing is lost, we know of everyone who rings, and have told him to stop.
                let ringing = agent.ringing().filter(|_| self.link.loss == 0.0);
                ringing.for_each(|call_id| self.watch.complain(&call_id, format!("{} still rings", agent.name)));
                for (call_id, is_caller) in agent.talking() {
                    *talking.entry((call_id.to_owned(), is_caller)).or_default() += 1;
                }
            }
        }
        for ((call_id, is_caller), count) in talking {
            let call = self.watch.call(&call_id);
            if count > 1 || !call.answered || call.ended {
                let side = if is_caller { "caller" } else { "callee" };
                self.watch.complain(&call_id, format!("{count} times the {side} still talks"));
            }
        }
    }

    /// Twelve hours later even those are closed.
    fn expire(&mut self) {
        self.now += CALL_EXPIRES;
        for shard in 0..self.engines.len() {
            let now = self.clock();
            self.engines[shard].handle_timeout(now);
            self.engines[shard].flush_records();
            self.drain(shard);
            let load = self.engines[shard].load();
            if load != ringfence::engine::Load::default() {
                self.watch.complain("", format!("twelve hours later: {load:?}"));
            }
        }
        if self.usage.live() != 0 {
            self.watch.complain("", "calls never expire");
        }
    }

    fn finish(mut self) -> Outcome {
        let invented = self.plans.iter().filter(|plan| plan.invented_tag);
        for plan in invented {
            let Some(call) = self.watch.calls.get(&plan.call_id) else { continue };
            if call.finals.values().flatten().any(|(status, _)| !matches!(status, 481)) {
                self.watch.violations.push((plan.call_id.clone(), "an invented tag is not answered 481".to_owned()));
            }
        }
        for (call_id, call) in &self.watch.calls {
            let plan = self.plans.iter().find(|plan| plan.call_id == *call_id);
            let Some((plan, (at, generation))) = plan.zip(call.arrived) else { continue };
            let judgement = self.worlds.worlds[&generation].1.judge(&plan.facts, self.worlds.wall(at));
            let dropped = judgement.word == "drop" && plan.max_forwards != Some(0);
            let wrong = call.finals.iter().filter(|((_, cseq), finals)| {
                // A MESSAGE that its next hop does not answer is not answered at all (RFC 4320 section 4.2).
                let may_lack = plan.method == "MESSAGE";
                let expected = usize::from(!(dropped && *cseq == 1));
                finals.len() != expected && !(may_lack && finals.is_empty())
            });
            for ((_, cseq), finals) in wrong {
                self.watch
                    .violations
                    .push((call_id.clone(), format!("CSeq {cseq} had the final responses {finals:?}")));
            }
        }
        let records = std::mem::take(&mut self.records);
        check_records(&mut self.watch, &records, &self.plans, &self.worlds);
        Outcome {
            digest: self.hasher.finish(),
            violations: std::mem::take(&mut self.watch.violations),
            messages: self.messages,
            calls: self.plans.len(),
            answered: self.watch.calls.values().filter(|call| call.answered).count(),
            watch: self.watch,
        }
    }
}

/// `sip.call_expires` as it is by default.
const CALL_EXPIRES: Duration = Duration::from_secs(12 * 3_600);

/// Timer C and 64*T1.
const QUIET: Duration = Duration::from_secs(181 + 32);

/// No plan starts later.
pub(crate) const LAST_START: Duration = Duration::from_secs(60);
