//! One shard's engine: takes inputs, hands each to its place, and collects what is to be done.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::action::{Action, Hop, QueryId, Ticket};
use super::branch::Branches;
use super::calls::{Call, Calls};
use super::counting::{Counting, method_of_request};
use super::drain::DrainStage;
use super::hops::{self, Locals, Way};
use super::input::Input;
use super::memory::Memory;
use super::probing::{ProbeId, Prober};
use super::proxy::{Proxy, ProxyId};
use super::record::{EndedBy, Records};
use super::ringing::Ring;
use super::settings::EngineConfig;
use super::streams::Carried;
use super::trunks::{TrunkHashes, TrunkLoads};
use crate::counters::EngineCounters;
use crate::flow::{Flow, Sockets};
use crate::reach::{Place, Reach};
use crate::screen::{Policy, TrunkId, World};
use crate::sip::{Message, Method, Rejected, Splice, Target};
use crate::slots::Slots;
use crate::time::Now;
use crate::transaction::{ClientId, Event, Transactions};
use crate::usage::{CallKey, Usage};

/// What a transaction belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Context {
    /// A request that is being proxied.
    Proxy(ProxyId),
    /// Our CANCEL of this INVITE.
    Cancel(ClientId),
    /// Our BYE to a call that nobody waits for: its answer says nothing.
    Bye,
    /// Our question whether a target answers.
    Probe(ProbeId),
}

/// What waits for a name or a local address.
#[derive(Debug)]
pub(super) enum Waiting {
    /// The next branch of a proxied request.
    Branch(ProxyId),
    /// An ACK to a 2xx, which has no transaction.
    Ack(Box<super::dialog::InDialog>),
    /// The probes of this target.
    Probe(Place),
}

/// The calls of one shard. Owned by one thread; see the module's documentation for the verbs.
#[derive(Debug)]
pub struct Engine {
    pub(super) config: Arc<EngineConfig>,
    pub(super) rng: StdRng,
    pub(super) branches: Branches,
    pub(super) usage: Arc<Usage>,
    pub(super) counters: Arc<EngineCounters>,
    pub(super) counting: Counting,
    pub(super) transactions: Transactions<Context>,
    pub(super) proxies: Slots<Proxy>,
    /// Our CANCEL for an INVITE: its responses bear the INVITE's branch.
    pub(super) cancels: HashMap<ClientId, ClientId>,
    pub(super) memory: Memory,
    pub(super) calls: Calls,
    pub(super) locals: Locals,
    pub(super) trunks: TrunkHashes,
    pub(super) loads: TrunkLoads,
    pub(super) prober: Prober,
    pub(super) waiting: HashMap<QueryId, Waiting>,
    pub(super) records: Records,
    pub(super) rings: VecDeque<Ring>,
    pub(super) carried: Carried,
    /// Proxied requests that have no final response yet.
    pub(super) unanswered: usize,
    /// How far the end of the process has come.
    pub(super) draining: Option<DrainStage>,
    /// In the tokens that it writes: those with another number are of an earlier process.
    pub(super) process: u32,
    pub(super) splice: Splice,
    actions: VecDeque<Action>,
    last_query: u64,
}

/// The most requests that wait for a name or a local address: each holds its message, and no peer waits longer than
/// Timer B.
const MOST_WAITING: usize = 10_000;

impl Engine {
    /// An engine without calls. `seed` must be random in a real shard, where it makes branches that nobody can guess;
    /// the same seed and inputs give the same actions.
    pub fn new(config: Arc<EngineConfig>, seed: [u8; 32], usage: Arc<Usage>, counters: Arc<EngineCounters>) -> Engine {
        let mut rng = StdRng::from_seed(seed);
        let mut branch_key = [0; 16];
        rng.fill_bytes(&mut branch_key);
        let process = rng.next_u32();
        let memory = Memory::new(config.timings.transaction_timeout());
        Engine {
            transactions: Transactions::new(config.timings),
            counting: Counting::new(Arc::clone(&counters), Arc::clone(&config.proven)),
            config,
            rng,
            branches: Branches::new(branch_key),
            usage,
            counters,
            proxies: Slots::default(),
            cancels: HashMap::new(),
            memory,
            calls: Calls::default(),
            locals: Locals::default(),
            trunks: TrunkHashes::default(),
            loads: TrunkLoads::default(),
            prober: Prober::new(0, Arc::default()),
            waiting: HashMap::new(),
            records: Records::default(),
            rings: VecDeque::new(),
            carried: Carried::default(),
            unanswered: 0,
            draining: None,
            process,
            splice: Splice::new(),
            actions: VecDeque::new(),
            last_query: 0,
        }
    }

    /// The engine of one of several shards: it probes those trunks that are this one's, and goes by what all shards know of
    /// targets. To be said before its first input.
    pub fn on_shard(mut self, shard: usize, reach: Arc<Reach>) -> Engine {
        self.prober = Prober::new(shard, reach);
        self
    }

    /// Handles one input under the world of this moment.
    pub fn handle(&mut self, now: Now, world: &World, input: Input) {
        self.counting.follow(&world.policy);
        self.follow_targets(now, &world.policy);
        match input {
            Input::Message { flow, message: Message::Request(request) } => {
                self.count_request(&flow, request.method());
                self.handle_request(now, world, flow, request);
            }
            Input::Message { flow, message: Message::Response(response) } => {
                self.counters.responses.add(1);
                self.counting.response_came(&flow, response.method());
                self.handle_response(now, world, &response);
            }
            Input::Refused { flow, request, is_told } => {
                self.count_request(&flow, request.method());
                self.refuse(now, world, flow, request, is_told);
            }
            Input::Absorbed { flow, request } => {
                self.count_request(&flow, request.method());
                self.counters.retransmissions.add(1);
            }
            Input::Rejected { flow, rejected } => self.handle_rejected(world, &flow, &rejected),
            Input::SendFailed { ticket } => self.handle_send_failed(now, world, ticket),
            Input::Queued { ticket, connection } => self.handle_queued(ticket, connection),
            Input::ConnectionLost { connection } => self.handle_connection_lost(now, world, connection),
            Input::Resolved { query, hops } => self.handle_resolved(now, world, query, &hops),
            Input::Drain(stage) => self.drain(now, stage),
            Input::Reloaded => {}
        }
        self.settle(now, world);
    }

    fn count_request(&mut self, flow: &Flow, method: Method) {
        self.counters.requests.add(1);
        self.counting.request_came(flow, method);
    }

    /// Lets everything happen whose time has come, under the world of this moment.
    pub fn handle_timeout(&mut self, now: Now, world: &World) {
        self.transactions.handle_timeout(now.mono);
        self.memory.forget_ended(now.mono);
        while let Some((key, call)) = self.calls.pop_expired(now.mono) {
            self.record_end(now, key, &call, EndedBy::Expiry);
        }
        self.probe(now);
        self.settle(now, world);
    }

    /// What is to be done next; drain it after each call.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When [`Engine::handle_timeout`] has something to do next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let ring = self.rings.front().map(|ring| ring.condense_at);
        let [transaction, answer] = [self.transactions.poll_timeout(), self.memory.next_end()];
        let [expiry, record, probe] = [self.calls.next_expiry(), self.records.next_due(), self.prober.due()];
        [ring, transaction, answer, expiry, record, probe].into_iter().flatten().min()
    }

    /// Hands out the records that wait for company: when the shard stops.
    pub fn flush_records(&mut self) {
        if let Some(chunk) = self.records.take() {
            self.actions.push_back(Action::Records(chunk));
        }
    }

    /// What the engine holds, for the simulator and the admin port.
    pub fn load(&self) -> Load {
        Load {
            transactions: self.transactions.len(),
            proxies: self.proxies.len(),
            remembered: self.memory.len(),
            calls: self.calls.len(),
            waiting: self.waiting.len(),
            cancels: self.cancels.len(),
            carried: self.carried.len(),
            unanswered: self.unanswered,
        }
    }

    /// Deals with what the transactions say until they say nothing more.
    fn settle(&mut self, now: Now, world: &World) {
        while let Some(event) = self.transactions.poll() {
            match event {
                Event::Send { flow, bytes, ticket } => {
                    self.send(flow, bytes, ticket.map(|client| Ticket(u64::from(client))));
                }
                Event::TryingDue { context, .. } => self.send_trying(now, context),
                Event::NoAck { .. } => self.counters.unacknowledged.add(1),
                Event::ServerEnded { context, .. } => self.release(context),
                Event::ClientEnded { client, context } => self.client_ended(client, context),
                Event::TimedOut { client, context } | Event::Unanswered { client, context } => {
                    self.branch_timed_out(now, world, client, context);
                }
                Event::TimerC { client, .. } => {
                    self.transactions.cancel(now.mono, client);
                }
                Event::CancelNow { client, context } => self.send_cancel(now, client, context),
            }
        }
        self.condense_ringing(now);
        if let Some(chunk) = self.records.take_due(now.mono) {
            self.actions.push_back(Action::Records(chunk));
        }
        self.tell_load();
    }

    /// Stores of a few nanoseconds, after every input.
    fn tell_load(&self) {
        let counters = &self.counters;
        counters.server_transactions.set(self.transactions.servers());
        counters.client_transactions.set(self.transactions.clients());
        counters.resent.set(self.transactions.resent());
        counters.remembered.set(self.memory.len());
        counters.waiting.set(self.waiting.len());
        counters.unanswered.set(self.unanswered);
    }

    pub(super) fn send(&mut self, flow: Flow, bytes: Bytes, ticket: Option<Ticket>) {
        self.counting.goes(&flow, &bytes);
        self.actions.push_back(Action::Send { flow, bytes, ticket });
    }

    /// Asks the network for the way to a target; `false` when too much waits already.
    pub(super) fn ask(&mut self, target: Target, sockets: Sockets, waiting: Waiting) -> bool {
        if self.waiting.len() >= MOST_WAITING {
            self.counters.unresolved_full.add(1);
            return false;
        }
        self.last_query += 1;
        let query = QueryId(self.last_query);
        self.waiting.insert(query, waiting);
        self.actions.push_back(Action::Resolve { query, target, sockets });
        true
    }

    pub(super) fn way(&self, now: Now, target: &Target, sockets: &Sockets) -> Way {
        self.locals.way(now.mono, &self.config, target, sockets)
    }

    fn handle_resolved(&mut self, now: Now, world: &World, query: QueryId, hops: &[Hop]) {
        let Some(waiting) = self.waiting.remove(&query) else { return };
        for hop in hops {
            self.locals.learn(now.mono, hop);
        }
        match waiting {
            Waiting::Branch(proxy) => self.branch_resolved(now, world, proxy, hops),
            Waiting::Probe(place) => self.target_located(now, &place, hops),
            Waiting::Ack(ack) => {
                let flow = self.ways(&ack.target, hops).find_map(|flow| ack.guard.pass(flow));
                match flow {
                    Some(flow) => self.forward_ack(&ack, flow),
                    None => self.counters.stray_acks.add(1),
                }
            }
        }
    }

    /// The ways to the hops of a target. A name that leads back to us would make a request go round; an address does what
    /// the config says.
    pub(super) fn ways(&self, target: &Target, hops: &[Hop]) -> impl Iterator<Item = Flow> {
        let is_name = matches!(target, Target::Name(_));
        hops.iter()
            .filter(move |hop| !(is_name && self.config.is_own(hop)))
            .map(|hop| hops::flow(self.config.listener(hop.listener), hop.peer, hop.local))
    }

    /// The trunk that a message which came this way belongs to.
    pub fn trunk_of(&self, policy: &Policy, flow: &Flow) -> Option<TrunkId> {
        policy.trunk_of(flow, &self.config.proven)
    }

    fn handle_rejected(&mut self, world: &World, flow: &Flow, rejected: &Rejected) {
        self.counters.malformed[rejected.reason as usize].add(1);
        if let Some(headers) = &rejected.headers {
            self.count_request(flow, method_of_request(headers.bytes()));
        }
        // A stranger learns nothing, and cannot name a place for our answer.
        if self.trunk_of(&world.policy, flow).is_none() {
            return self.counters.unknown_source.add(1);
        }
        let Some(headers) = &rejected.headers else { return };
        let status = rejected.reason.status();
        let phrase = if status == 400 { rejected.reason.to_string() } else { crate::sip::phrase(status).to_owned() };
        self.reply_stateless(headers, flow, status, &phrase);
    }

    /// Closes a call in records and counters; whether it was up.
    pub(super) fn end_call(&mut self, now: Now, key: CallKey, ended_by: EndedBy) -> bool {
        let Some(call) = self.calls.close(key) else { return false };
        self.record_end(now, key, &call, ended_by);
        true
    }

    fn record_end(&mut self, now: Now, key: CallKey, call: &Call, ended_by: EndedBy) {
        self.counters.calls_closed.add(1);
        if let Some(live) = self.usage.close(key) {
            let duration = now.wall.since(live.since);
            call.between.ended(duration);
            self.records.end(now, &live, duration, ended_by);
        }
    }
}

/// What an engine holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Load {
    /// Server and client transactions.
    pub transactions: usize,
    /// Requests being proxied, or whose transactions linger.
    pub proxies: usize,
    /// Answers in the memory.
    pub remembered: usize,
    /// Calls that are up.
    pub calls: usize,
    /// Requests that wait for a name or an address.
    pub waiting: usize,
    /// Our CANCELs.
    pub cancels: usize,
    /// Requests on connections, some of which are over.
    pub carried: usize,
    /// Requests being proxied that have no final response yet.
    pub unanswered: usize,
}
