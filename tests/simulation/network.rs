//! The network between agents and engines: a virtual clock, an event queue ordered by time and number, links that lose,
//! repeat and delay, agents that die and a proxy that is killed and started again, all drawn from one seed.

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
    Action, Engine, EngineConfig, Hop, Input, Keys, Listener, QueryId, Ticket, UnknownSource, shard_of,
};
use ringfence::flow::{ConnectionId, Flow, ListenerId, Transport};
use ringfence::sip::{Message, Target, scan};
use ringfence::time::{Now, WallTime};
use ringfence::transaction::Timings;
use ringfence::usage::{TrunkCalls, Usage};

use crate::agent::{Agent, Out, Plan, Step, Timer};
use crate::liars::lie;
use crate::plans;
use crate::records::{self, CALL_EXPIRES, Life};
use crate::reference::{Cause, Effects, Reference, Scene, Sent, State};
use crate::rules::{self, Model};
use crate::watch::{Watch, Worlds};

/// What a run gives.
pub(crate) struct Outcome {
    /// Of everything that was sent, in order, and of the records.
    pub(crate) digest: u64,
    pub(crate) violations: Vec<(String, String)>,
    pub(crate) watch: Watch,
    pub(crate) messages: u64,
    pub(crate) calls: usize,
    pub(crate) answered: usize,
    /// How often what happened.
    pub(crate) census: BTreeMap<&'static str, u64>,
}

/// How a UDP link treats datagrams, the same for all links of a seed.
struct Link {
    loss: f64,
    duplication: f64,
    /// The least and the most that a datagram takes, in milliseconds: what spreads more is reordered.
    delay: (u64, u64),
}

/// What happens; what belongs to one process of the proxy bears its number, and is lost with it.
enum Event {
    Wake {
        agent: usize,
        timer: Timer,
    },
    ToProxy {
        agent: usize,
        port: u16,
        to: SocketAddr,
        bytes: Bytes,
        epoch: usize,
    },
    ToAgent {
        agent: usize,
        port: u16,
        from: SocketAddr,
        bytes: Bytes,
        epoch: usize,
    },
    Engine {
        shard: usize,
        epoch: usize,
    },
    SendFailed {
        shard: usize,
        ticket: Ticket,
        epoch: usize,
    },
    Resolved {
        shard: usize,
        query: QueryId,
        hops: Vec<Hop>,
        epoch: usize,
    },
    /// About this number, or any.
    Edit(Option<u64>),
    Die(usize),
    Lie,
    Kill,
    Start,
}

struct Network {
    rng: StdRng,
    base: Instant,
    now: Duration,
    events: BTreeMap<(Duration, u64), Event>,
    count: u64,
    link: Link,
    agents: Vec<Agent>,
    /// When an agent is dead.
    down: Vec<Option<(Duration, Duration)>>,
    /// When the last message of each TCP direction arrives: nothing overtakes it.
    last_arrival: BTreeMap<(usize, bool), Duration>,
    /// None while the proxy is dead.
    engines: Vec<Engine>,
    armed: Vec<Option<Duration>>,
    config: Arc<EngineConfig>,
    usage: Arc<Usage>,
    /// How often the proxy has been killed.
    epoch: usize,
    reference: Reference,
    /// Those of the processes that were killed, and when.
    lives: Vec<Life>,
    worlds: Worlds,
    plans: Vec<Plan>,
    watch: Watch,
    records: Vec<u8>,
    hasher: DefaultHasher,
    messages: u64,
    last_message: Duration,
}

/// Nothing of this is Ringfence's: `(name, address, port, transport)`, the name begins with the trunk's.
const AGENTS: [(&str, [u8; 4], u16, Transport); 9] = [
    ("carrier-7", [198, 51, 100, 7], 5060, Transport::Udp),
    ("carrier-8", [198, 51, 100, 8], 5062, Transport::Tcp),
    ("pbx-3", [192, 0, 2, 3], 5070, Transport::Udp),
    ("pbx-4", [192, 0, 2, 4], 5070, Transport::Udp),
    ("wild-9", [203, 0, 113, 9], 5060, Transport::Tcp),
    ("wild-10", [203, 0, 113, 10], 5060, Transport::Tcp),
    ("wild-11", [203, 0, 113, 11], 5060, Transport::Udp),
    ("wild-12", [203, 0, 113, 12], 5060, Transport::Udp),
    ("alien-1", [100, 64, 0, 1], 5060, Transport::Udp),
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
            shards: 0,
            unknown_source: UnknownSource::Drop,
            call_expires: CALL_EXPIRES,
            timings: Timings::default(),
            stream_above: None,
            proven: Arc::default(),
        });
        let agents: Vec<Agent> = (AGENTS.iter())
            .map(|(name, ip, port, transport)| {
                let elsewhere = second && *name == "carrier-7";
                let proxy = if elsewhere { "10.0.0.2:5060" } else { "10.0.0.1:5060" };
                let mut agent = Agent::new(name, *ip, *port, *transport, proxy.parse().expect("an address"));
                if *transport == Transport::Udp && rng.random_bool(0.1) {
                    agent.repeats = rng.random_range(1..4);
                }
                agent
            })
            .collect();
        let plans = plans::draw(&mut rng, seed);
        let worlds = Worlds {
            begin: WallTime::from_micros(1_774_440_000_000_000),
            worlds: BTreeMap::from([(1, (rules::world(), Model::new()))]),
        };
        let mut network = Network {
            rng,
            base: Instant::now(),
            now: Duration::ZERO,
            events: BTreeMap::new(),
            count: 0,
            link,
            down: vec![None; agents.len()],
            agents,
            last_arrival: BTreeMap::new(),
            armed: Vec::new(),
            engines: Vec::new(),
            config,
            usage: Arc::new(Usage::new()),
            epoch: 0,
            reference: Reference::default(),
            lives: Vec::new(),
            worlds,
            plans,
            watch: Watch::default(),
            records: Vec::new(),
            hasher: DefaultHasher::new(),
            messages: 0,
            last_message: Duration::ZERO,
        };
        network.start();
        network.schedule_all();
        network
    }

    fn schedule(&mut self, after: Duration, event: Event) {
        self.count += 1;
        self.events.insert((self.now + after, self.count), event);
    }

    /// Everything that is drawn beforehand.
    fn schedule_all(&mut self) {
        for at in 0..self.plans.len() {
            let (agent, start) = (self.plans[at].caller, self.plans[at].start);
            self.schedule(start, Event::Wake { agent, timer: Timer::Start(at) });
        }
        for _ in 0..self.rng.random_range(0..30) {
            let at = self.some_time(0..60_000);
            self.schedule(at, Event::Edit(None));
        }
        for agent in 0..self.agents.len() {
            if self.rng.random_bool(if self.agents[agent].transport == Transport::Tcp { 0.3 } else { 0.1 }) {
                let begin = self.some_time(0..60_000);
                self.down[agent] = Some((begin, begin + self.some_time(1_000..15_000)));
                self.schedule(begin, Event::Die(agent));
            }
        }
        for _ in 0..self.rng.random_range(0..8) {
            let at = self.some_time(0..90_000);
            self.schedule(at, Event::Lie);
        }
        let kills = if self.rng.random_bool(0.4) { self.rng.random_range(1..3) } else { 0 };
        for _ in 0..kills {
            let at = self.some_time(0..100_000);
            self.schedule(at, Event::Kill);
        }
    }

    fn some_time(&mut self, millis: std::ops::Range<u64>) -> Duration {
        Duration::from_micros(self.rng.random_range(millis.start * 1_000..millis.end * 1_000))
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
            Event::ToAgent { agent, port, from, bytes, epoch } => {
                // What was on its way over a connection goes with it.
                if self.agents[agent].transport == Transport::Udp || epoch == self.epoch {
                    let message = scan(bytes).expect("checked when it was sent");
                    self.with_agent(agent, |agent, step| agent.receive(step, port, from, &message));
                }
            }
            Event::ToProxy { agent, port, to, bytes, epoch } => {
                if self.agents[agent].transport == Transport::Udp || epoch == self.epoch {
                    self.deliver_to_proxy(agent, port, to, bytes);
                }
            }
            Event::Engine { shard, epoch } if epoch == self.epoch => {
                self.armed[shard] = None;
                let now = self.clock();
                self.engines[shard].handle_timeout(now, &self.worlds.current().0);
                self.drain(shard, Cause::Timer);
            }
            Event::SendFailed { shard, ticket, epoch } if epoch == self.epoch => {
                self.hand(shard, Input::SendFailed { ticket }, Cause::SendFailed(ticket));
            }
            Event::Resolved { shard, query, hops, epoch } if epoch == self.epoch => {
                self.hand(shard, Input::Resolved { query, hops }, Cause::Resolved(query));
            }
            Event::Engine { .. } | Event::SendFailed { .. } | Event::Resolved { .. } => {}
            Event::Edit(about) => self.edit(about),
            Event::Die(agent) => self.agents[agent].forget(),
            Event::Lie => self.lie(),
            Event::Kill => self.kill(),
            Event::Start => self.start(),
        }
    }

    fn clock(&self) -> Now {
        Now { mono: self.base + self.now, wall: self.worlds.wall(self.now) }
    }

    fn edit(&mut self, about: Option<u64>) {
        let wall = self.worlds.wall(self.now);
        let (world, model) = self.worlds.current();
        let mut model = model.clone();
        let edit = model.edit(&mut self.rng, wall, about);
        let next = world.with_edits(std::slice::from_ref(&edit)).expect("an edit that can be made");
        self.worlds.worlds.insert(next.generation, (next, model));
    }

    /// The proxy is gone from one moment to the next, with all that it had in memory.
    fn kill(&mut self) {
        if self.engines.is_empty() {
            return;
        }
        self.epoch += 1;
        self.engines.clear();
        self.check_seats("dead engines", |_| 0);
        self.usage = Arc::new(Usage::new());
        self.last_arrival.clear();
        let next = self.reference.restarted();
        let reference = std::mem::replace(&mut self.reference, next);
        self.lives.push(Life { reference, killed: Some(self.now) });
        let after = self.some_time(0..3_000);
        self.schedule(after, Event::Start);
    }

    /// Another process begins, with the keys and lists of the one before and perhaps another number of shards.
    fn start(&mut self) {
        let shards = self.rng.random_range(1..=4);
        self.config = Arc::new(EngineConfig { shards, ..EngineConfig::clone(&self.config) });
        self.armed = vec![None; shards];
        self.engines = (0..shards)
            .map(|_| {
                let mut seed = [0; 32];
                self.rng.fill_bytes(&mut seed);
                Engine::new(self.config.clone(), seed, self.usage.clone(), Arc::new(EngineCounters::default()))
            })
            .collect();
    }

    fn lie(&mut self) {
        let told = lie(&mut self.rng, &self.reference, &self.agents, self.count);
        if let Some((agent, text)) = told {
            let (port, to) = (self.agents[agent].port, self.agents[agent].proxy);
            self.send_to_proxy(agent, port, to, &Bytes::from(text));
        }
    }

    fn is_down(&self, agent: usize) -> bool {
        self.down[agent].is_some_and(|(begin, end)| (begin..end).contains(&self.now))
    }

    fn with_agent(&mut self, at: usize, act: impl FnOnce(&mut Agent, &mut Step<'_>)) {
        if self.is_down(at) {
            return;
        }
        let mut step = Step { plans: &self.plans, rng: &mut self.rng, epoch: self.epoch, out: Vec::new() };
        act(&mut self.agents[at], &mut step);
        for out in step.out {
            match out {
                Out::Wake { after, timer } => self.schedule(after, Event::Wake { agent: at, timer }),
                Out::Send { port, to, bytes } => self.send_to_proxy(at, port, to, &bytes),
                Out::Complain { call_id, text } => self.watch.complain(&call_id, text),
            }
        }
    }

    fn send_to_proxy(&mut self, agent: usize, port: u16, to: SocketAddr, bytes: &Bytes) {
        for _ in 0..=self.agents[agent].repeats {
            self.note(agent, true, bytes);
            for delay in self.delays(agent, true, self.agents[agent].transport) {
                let event = Event::ToProxy { agent, port, to, bytes: bytes.clone(), epoch: self.epoch };
                self.schedule(delay, event);
            }
        }
        // An operator edits a list between an INVITE and its retransmission.
        if bytes.starts_with(b"INVITE") && self.rng.random_bool(0.1) {
            let Ok(Message::Request(invite)) = scan(bytes.clone()) else { return };
            let plan = self.plans.iter().find(|plan| plan.call_id.as_bytes() == invite.call_id());
            let numbers: Vec<u64> = plan.into_iter().flat_map(|plan| plan.facts.numbers()).collect();
            let about = (!numbers.is_empty()).then(|| numbers[self.rng.random_range(0..numbers.len())]);
            let after = self.some_time(0..1_000);
            self.schedule(after, Event::Edit(about));
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

    /// The connection between an agent and this process of the proxy.
    fn connection(&self, agent: usize) -> Option<ConnectionId> {
        let id = (self.epoch * AGENTS.len() + agent) as u64;
        (self.agents[agent].transport == Transport::Tcp).then_some(ConnectionId(id))
    }

    fn deliver_to_proxy(&mut self, agent: usize, port: u16, to: SocketAddr, bytes: Bytes) {
        if self.engines.is_empty() {
            return;
        }
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
            connection: self.connection(agent),
            identity: None,
        };
        let message = scan(bytes).expect("agents write messages");
        self.watch.arrives(&message);
        self.last_message = self.now;
        let shard = shard_of(&self.config.keys.shard, message.call_id(), self.config.shards);
        let cause = Cause::Message { agent, message: &message };
        self.hand(shard, Input::Message { flow, message: message.clone() }, cause);
    }

    fn hand(&mut self, shard: usize, input: Input, cause: Cause<'_>) {
        let now = self.clock();
        self.engines[shard].handle(now, &self.worlds.current().0, input);
        self.drain(shard, cause);
    }

    /// Holds what an engine does against the reference, and then lets it happen.
    fn drain(&mut self, shard: usize, cause: Cause<'_>) {
        let mut effects = Effects::default();
        let mut ways = Vec::new();
        while let Some(action) = self.engines[shard].poll_action() {
            match action {
                Action::Send { flow, bytes, ticket } => {
                    if let Some(sent) = self.read(&flow, bytes, ticket) {
                        ways.push(flow);
                        effects.sent.push(sent);
                    }
                }
                Action::Resolve { query, target, sockets } => {
                    let Target::Address { transport, addr } = target else { panic!("the simulation has no names") };
                    let local = "10.0.0.1".parse().expect("an address");
                    let listener = self.config.listener_for(&sockets, transport, addr.ip()).expect("a socket").id;
                    let hops = vec![Hop { listener, transport, peer: addr, local }];
                    let after = self.some_time(1..300);
                    self.schedule(after, Event::Resolved { shard, query, hops, epoch: self.epoch });
                    let agent = self.agents.iter().position(|agent| agent.ip == addr.ip()).expect("an agent");
                    effects.asked.push((query, agent));
                }
                Action::Records(chunk) => {
                    chunk.hash(&mut self.hasher);
                    self.records.extend_from_slice(&chunk);
                }
            }
        }
        let scene = Scene { now: self.now, shard, agents: &self.agents, plans: &self.plans, worlds: &self.worlds };
        for complaint in self.reference.step(scene, cause, &effects) {
            let call_id = match (cause, effects.sent.first()) {
                (Cause::Message { message, .. }, _) => message.call_id(),
                (_, Some(sent)) => sent.message.call_id(),
                _ => b"",
            };
            let call_id = String::from_utf8_lossy(call_id).into_owned();
            self.watch.complain(&call_id, format!("{:.3} {complaint}", self.now.as_secs_f64()));
        }
        for (flow, sent) in ways.into_iter().zip(effects.sent) {
            self.send(shard, flow, sent);
        }
        let due = self.engines[shard].poll_timeout().map(|at| at.saturating_duration_since(self.base));
        if let Some(due) = due
            && self.armed[shard].is_none_or(|armed| due < armed || armed < self.now)
        {
            self.armed[shard] = Some(due);
            self.schedule(due.saturating_sub(self.now), Event::Engine { shard, epoch: self.epoch });
        }
    }

    /// Reads what an engine sends.
    fn read(&mut self, flow: &Flow, bytes: Bytes, ticket: Option<Ticket>) -> Option<Sent> {
        self.last_message = self.now;
        let Some(agent) = self.agents.iter().position(|agent| agent.ip == flow.peer.ip()) else {
            self.watch.complain("", format!("a message to {}, whom nobody knows", flow.peer));
            return None;
        };
        self.note(agent, false, &bytes);
        match scan(bytes.clone()) {
            Ok(message) => Some(Sent { agent, message, bytes, ticket }),
            Err(rejected) => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                self.watch.complain("", format!("{:?} in what was sent:\n{text}", rejected.reason));
                None
            }
        }
    }

    fn send(&mut self, shard: usize, flow: Flow, sent: Sent) {
        let Sent { agent: at, message, bytes, ticket } = sent;
        let call_id = String::from_utf8_lossy(message.call_id()).into_owned();
        let Some(plan) = self.plans.iter().find(|plan| plan.call_id == call_id) else {
            return self.watch.complain(&call_id, "a message of no call");
        };
        let hidden = self.is_hidden(&call_id);
        let agent = &self.agents[at];
        self.watch.leaves(agent, &message, plan, hidden);
        let right_port = agent.ports.contains(&flow.peer.port());
        let right_way = match (&message, agent.transport) {
            (_, Transport::Udp) => right_port && flow.connection.is_none(),
            (Message::Response(_), _) => flow.connection == self.connection(at),
            (Message::Request(_), _) => right_port,
        };
        if agent.transport != flow.transport || !right_way {
            return self.watch.complain(&call_id, format!("sent to {} by {flow}", agent.name));
        }
        if self.is_down(at) {
            if let Some(ticket) = ticket.filter(|_| flow.transport != Transport::Udp) {
                let after = self.some_time(1..2_000);
                self.schedule(after, Event::SendFailed { shard, ticket, epoch: self.epoch });
            }
            return;
        }
        for delay in self.delays(at, false, flow.transport) {
            let (port, from, bytes, epoch) = (flow.peer.port(), flow.local, bytes.clone(), self.epoch);
            self.schedule(delay, Event::ToAgent { agent: at, port, from, bytes, epoch });
        }
    }

    /// Whether each process that judged this call hid its caller.
    fn is_hidden(&self, call_id: &str) -> bool {
        let references = self.lives.iter().map(|life| &life.reference).chain([&self.reference]);
        let judged = references.flat_map(Reference::requests).filter(|incoming| incoming.call_id == call_id);
        let mut words =
            judged.filter_map(|incoming| incoming.judgement).map(|(judgement, _)| judgement.word).peekable();
        words.peek().is_some() && words.all(|word| word == "hide")
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
            self.engines[shard].handle_timeout(now, &self.worlds.current().0);
            self.drain(shard, Cause::Timer);
            let load = self.engines[shard].load();
            let left = [load.transactions, load.proxies, load.remembered, load.waiting, load.cancels, load.unanswered];
            if left != [0; 6] {
                self.watch.complain("", format!("not quiet: {load:?}"));
            }
        }
        for (call_id, method) in self.reference.unanswered() {
            self.watch.violations.push((call_id.to_owned(), format!("a {method} was never answered")));
        }
        let mut up: Vec<String> =
            self.usage.calls(usize::MAX).into_iter().map(|(_, call)| call.call_id.into()).collect();
        let calls: usize = self.engines.iter().map(|engine| engine.load().calls).sum();
        if calls != up.len() {
            self.watch.complain("", format!("the engines have {calls} calls, the table {}", up.len()));
        }
        self.check_seats("quiet", |up| up.from + up.to);
        let dialogs = self.reference.dialogs.iter().filter(|(_, dialog)| dialog.state == State::Up);
        let mut expected: Vec<String> = dialogs.map(|((call_id, ..), _)| call_id.clone()).collect();
        up.sort();
        expected.sort();
        if up != expected {
            let call_id = up.iter().chain(&expected).find(|call_id| {
                let count = |all: &[String]| all.iter().filter(|other| other == call_id).count();
                count(&up) != count(&expected)
            });
            let call_id = call_id.cloned().unwrap_or_default();
            self.watch.complain(&call_id, format!("calls up: {up:?}, not {expected:?}"));
        }
    }

    /// Whoever still talks does so in a call that is up.
    fn check_talking(&mut self) {
        let killed = self.lives.iter().filter_map(|life| life.killed).collect::<Vec<_>>();
        let mut wrong = Vec::new();
        for (at, agent) in self.agents.iter().enumerate() {
            // A BYE may have found it down.
            if self.down[at].is_some() {
                continue;
            }
            // Where nothing is lost, we know of everyone who rings, and have told him to stop.
            if self.link.loss == 0.0 && killed.is_empty() {
                wrong.extend(agent.ringing().map(|call_id| (call_id, format!("{} still rings", agent.name))));
            }
            for (call_id, is_caller) in agent.talking() {
                let mut dialogs = self.reference.dialogs.iter().filter(|((of, ..), _)| of == call_id);
                let plan = self.plans.iter().find(|plan| plan.call_id == call_id).expect("its plan");
                // What was set up before can no longer be followed without its Record-Route, and a BYE that comes before
                // its call finds nobody.
                let excused = !killed.is_empty() || plan.callee_side.hangs_up_early || plan.caller_side.hangs_up_early;
                if !excused && !dialogs.any(|(_, dialog)| dialog.state == State::Up) {
                    let side = if is_caller { "caller" } else { "callee" };
                    wrong.push((call_id.to_owned(), format!("the {side} still talks")));
                }
            }
        }
        self.watch.violations.extend(wrong);
    }

    /// Twelve hours later even those are closed.
    fn expire(&mut self) {
        self.now += CALL_EXPIRES;
        for shard in 0..self.engines.len() {
            let now = self.clock();
            self.engines[shard].handle_timeout(now, &self.worlds.current().0);
            self.engines[shard].flush_records();
            self.drain(shard, Cause::Timer);
            let load = self.engines[shard].load();
            if load != ringfence::engine::Load::default() {
                self.watch.complain("", format!("twelve hours later: {load:?}"));
            }
        }
        if self.usage.live() != 0 {
            self.watch.complain("", "calls never expire");
        }
        self.check_seats("twelve hours later", |_| 0);
    }

    /// However calls end, no trunk's limit counts one that is over.
    fn check_seats(&mut self, when: &str, expected: impl Fn(TrunkCalls) -> u64) {
        let (world, _) = self.worlds.current();
        for trunk in world.policy.trunks.clone() {
            let seats = self.usage.load(&trunk.name).seats();
            let expected = expected(self.usage.trunk_calls(&trunk.name));
            if seats != expected {
                self.watch
                    .complain("", format!("{when}: {} has {seats} calls in its limits, not {expected}", trunk.name));
            }
        }
    }

    fn finish(mut self) -> Outcome {
        let mut reference = std::mem::take(&mut self.reference);
        let mut census = std::mem::take(&mut reference.census);
        census.insert("a crash", self.epoch as u64);
        self.lives.push(Life { reference, killed: None });
        records::check(&mut self.watch, &self.records, &self.plans, &self.lives, &self.worlds);
        let dialogs = self.lives.iter().flat_map(|life| life.reference.dialogs.keys());
        let answered: std::collections::BTreeSet<&String> = dialogs.map(|(call_id, ..)| call_id).collect();
        Outcome {
            digest: self.hasher.finish(),
            violations: std::mem::take(&mut self.watch.violations),
            messages: self.messages,
            calls: self.plans.len(),
            answered: answered.len(),
            census,
            watch: self.watch,
        }
    }
}

/// Timer C and 64*T1.
const QUIET: Duration = Duration::from_secs(181 + 32);

/// No plan starts later.
pub(crate) const LAST_START: Duration = Duration::from_secs(60);
