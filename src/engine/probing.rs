//! Asking the targets of trunks whether they answer: OPTIONS (RFC 3261 section 11) in a transaction of its own.
//!
//! A trunk is probed by one shard. Each of its targets is looked up as calls look it up, and every address that a name leads
//! to is asked apart. Any answer but 503 and 408 proves life; what else comes of a probe is a failure. What calls meet at a
//! target is a sign that [`Reach`] hands over; it leads to a probe, never to a verdict.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use rand::{Rng, RngExt};

use super::action::Hop;
use super::hash::shard_of;
use super::hops::{Guard, Way, address_of};
use super::own::Options;
use super::proxy::{Plan, ProxyId};
use super::shard::{Context, Engine, Waiting};
use crate::flow::{Flow, PeerIdentity, Sockets};
use crate::reach::{Place, Reach, Standing, State, Trial};
use crate::screen::Policy;
use crate::sip::Target;
use crate::text::hex64;
use crate::time::Now;
use crate::transaction::{ClientId, ClientRequest, Kind};

/// Names a [`ProbedHop`]; never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ProbeId(u64);

/// The targets that this shard probes.
#[derive(Debug)]
pub(super) struct Prober {
    pub reach: Arc<Reach>,
    pub shard: usize,
    /// Weak, so that an old policy does not live until the next message.
    policy: Weak<Policy>,
    targets: Vec<ProbedTarget>,
    hops: BTreeMap<ProbeId, ProbedHop>,
    last_probe: u64,
    /// When signs are looked at next.
    glance_at: Option<Instant>,
    /// When there is something to do.
    due: Option<Instant>,
}

/// A target as it stands in the config.
#[derive(Debug)]
struct ProbedTarget {
    place: Place,
    interval: Duration,
    standing: Arc<Standing>,
    /// When it is looked up next.
    due: Instant,
    /// It is being looked up.
    is_asked: bool,
    /// The sockets that it may be asked from.
    sockets: Sockets,
    guard: Guard,
    hops: Vec<ProbeId>,
}

/// An address of a target, asked as one peer. Where two names of a trunk lead to one address over TLS, each is asked whether
/// it proves to be that name, and calls leave the address out when it answers to neither: a peer that answers and fails the
/// proof costs a call no time.
#[derive(Debug)]
struct ProbedHop {
    place: Place,
    /// Whom its peer must prove to be.
    identity: Option<PeerIdentity>,
    interval: Duration,
    /// Of the place, under whatever name.
    standing: Arc<Standing>,
    /// What the Request-URI names.
    target: Target,
    /// `None` while none of our sockets has a way there: then a probe fails without being sent.
    flow: Option<Flow>,
    trial: Trial,
    /// When it is asked next.
    due: Instant,
    /// The probe that is under way.
    client: Option<ClientId>,
}

impl Prober {
    pub(super) fn new(shard: usize, reach: Arc<Reach>) -> Prober {
        Prober {
            reach,
            shard,
            policy: Weak::new(),
            targets: Vec::new(),
            hops: BTreeMap::new(),
            last_probe: 0,
            glance_at: None,
            due: None,
        }
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Finds out when there is something to do next.
    fn schedule(&mut self) {
        let targets = self.targets.iter().filter(|target| !target.is_asked).map(|target| target.due);
        let hops = self.hops.values().filter(|hop| hop.client.is_none()).map(|hop| hop.due);
        self.due = targets.chain(hops).chain(self.glance_at.filter(|_| !self.hops.is_empty())).min();
    }

    fn places(&self) -> HashSet<Place> {
        let targets = self.targets.iter().map(|target| &target.place);
        targets.chain(self.hops.values().map(|hop| &hop.place)).cloned().collect()
    }

    /// Lets go of the hops that no target leads to any more, and of the places that were known and are no longer.
    fn forget_gone(&mut self, known: &HashSet<Place>) {
        let led_to: BTreeSet<ProbeId> = self.targets.iter().flat_map(|target| &target.hops).copied().collect();
        self.hops.retain(|id, _| led_to.contains(id));
        for gone in known.difference(&self.places()) {
            self.reach.leave(gone);
        }
    }

    /// The hop of a target at this address, a new one where it is not known. What was known of the place holds for it.
    fn hop(&mut self, now: Now, at: usize, address: Target, flow: Option<Flow>) -> ProbeId {
        let ProbedTarget { place: Place { trunk, target }, interval, guard, .. } = &self.targets[at];
        let (place, identity) = (Place { trunk: trunk.clone(), target: address }, guard.identity);
        if let Some((id, hop)) = self.hops.iter_mut().find(|(_, hop)| hop.is_at(&place, identity)) {
            if hop.flow.is_some() != flow.is_some() {
                hop.due = now.mono;
            }
            (hop.flow, hop.interval) = (flow, *interval);
            return *id;
        }
        self.last_probe += 1;
        let id = ProbeId(self.last_probe);
        let standing = self.reach.enter(&place);
        let (target, interval, trial) = (target.clone(), *interval, Trial::from_state(standing.state()));
        let (due, client) = (now.mono, None);
        let hop = ProbedHop { place, identity, interval, standing, target, flow, trial, due, client };
        self.hops.insert(id, hop);
        self.glance_at.get_or_insert(now.mono + GLANCE);
        id
    }

    /// Writes down where a name stands: up as long as one of its addresses is.
    fn judge_name(&self, now: Now, target: &ProbedTarget) {
        let state = State::best(target.hops.iter().map(|id| self.hops[id].trial.state()));
        if target.standing.set(state, now.wall) {
            tell_change(&target.place, state);
        }
    }

    /// Writes down where a hop stands, and the names that lead there.
    fn judge(&self, now: Now, id: ProbeId) {
        let Some(hop) = self.hops.get(&id) else { return };
        let there = self.hops.values().filter(|other| other.place == hop.place);
        let state = State::best(there.map(|hop| hop.trial.state()));
        if hop.standing.set(state, now.wall) {
            tell_change(&hop.place, state);
        }
        for target in self.targets.iter().filter(|target| target.is_name() && target.hops.contains(&id)) {
            self.judge_name(now, target);
        }
    }

    /// Looks at what calls have met.
    fn heed_signs(&mut self, now: Now) {
        self.glance_at = Some(now.mono + GLANCE);
        let signs = self.hops.values().filter_map(|hop| Some((hop.place.clone(), hop.standing.take_sign()?)));
        // Taken once: it is for all that are asked at the place.
        for (place, answered) in signs.collect::<Vec<_>>() {
            let mut there = Vec::new();
            for (id, hop) in self.hops.iter_mut().filter(|(_, hop)| hop.place == place) {
                hop.heed_sign(now, answered);
                there.push(*id);
            }
            there.into_iter().for_each(|id| self.judge(now, id));
        }
    }
}

impl ProbedHop {
    fn is_at(&self, place: &Place, identity: Option<PeerIdentity>) -> bool {
        self.identity == identity && self.place == *place
    }

    fn heed_sign(&mut self, now: Now, answered: bool) {
        if answered {
            self.trial.answered();
            self.due = self.due.min(now.mono + SOON);
        } else if self.trial.state() == State::Up {
            self.trial.suspected();
            self.due = now.mono;
        }
    }
}

impl ProbedTarget {
    fn is_name(&self) -> bool {
        matches!(self.place.target, Target::Name(_))
    }
}

impl Engine {
    /// From here on the targets of this policy are probed. What is known of those that stay is kept.
    pub(super) fn follow_targets(&mut self, now: Now, policy: &Arc<Policy>) {
        if self.prober.policy.as_ptr() == Arc::as_ptr(policy) {
            return;
        }
        self.prober.policy = Arc::downgrade(policy);
        let known = self.prober.places();
        let before = std::mem::take(&mut self.prober.targets).into_iter();
        let mut before: HashMap<Place, ProbedTarget> = before.map(|target| (target.place.clone(), target)).collect();
        let mut taken = HashSet::new();
        for trunk in &policy.trunks {
            let shard = shard_of(&self.config.keys.shard, trunk.name.as_bytes(), self.config.shards);
            let Some(interval) = trunk.probe.filter(|_| shard == self.prober.shard) else { continue };
            for (at, target) in trunk.to.iter().enumerate() {
                let place = Place { trunk: trunk.name.clone(), target: target.clone() };
                if !taken.insert(place.clone()) {
                    continue;
                }
                let sockets = trunk.via.clone();
                let guard = Guard { identity: trunk.peers.of_target(at), ..Guard::default() };
                let target = match before.remove(&place) {
                    Some(known) => {
                        let has_its_way = known.sockets == sockets && known.guard == guard;
                        let due = if has_its_way { known.due } else { now.mono };
                        ProbedTarget { interval, sockets, guard, due, ..known }
                    }
                    None => ProbedTarget {
                        standing: self.prober.reach.enter(&place),
                        // Not all at once: neither at a start, nor for ever after.
                        due: now.mono + interval.mul_f64(self.rng.random_range(0.0..1.0)),
                        place,
                        interval,
                        is_asked: false,
                        sockets,
                        guard,
                        hops: Vec::new(),
                    },
                };
                self.prober.targets.push(target);
            }
        }
        self.prober.forget_gone(&known);
        self.prober.schedule();
    }

    /// Probes what is due.
    pub(super) fn probe(&mut self, now: Now) {
        if self.prober.due.is_none_or(|due| due > now.mono) {
            return;
        }
        if self.prober.glance_at.is_some_and(|at| at <= now.mono) {
            self.prober.heed_signs(now);
        }
        for at in 0..self.prober.targets.len() {
            let target = &self.prober.targets[at];
            if !target.is_asked && target.due <= now.mono {
                self.locate(now, at);
            }
        }
        let is_due = |hop: &ProbedHop| hop.client.is_none() && hop.due <= now.mono;
        let due: Vec<ProbeId> = self.prober.hops.iter().filter(|(_, hop)| is_due(hop)).map(|(id, _)| *id).collect();
        for id in due {
            self.send_probe(now, id);
        }
        self.prober.schedule();
    }

    /// Finds out where a target is.
    fn locate(&mut self, now: Now, at: usize) {
        let interval = self.prober.targets[at].interval;
        self.prober.targets[at].due = now.mono + self.jittered(interval);
        let ProbedTarget { place, sockets, guard, .. } = &self.prober.targets[at];
        let (place, sockets) = (place.clone(), sockets.clone());
        match self.way(now, &place.target, &sockets).guarded(*guard) {
            Way::Flow(flow) => self.settle_hops(now, at, &[flow]),
            Way::Ask(target) => self.prober.targets[at].is_asked = self.ask(target, sockets, Waiting::Probe(place)),
            Way::Unreachable => self.settle_hops(now, at, &[]),
        }
    }

    /// A target has been looked up.
    pub(super) fn target_located(&mut self, now: Now, place: &Place, hops: &[Hop]) {
        let Some(at) = self.prober.targets.iter().position(|target| target.place == *place) else { return };
        let guard = self.prober.targets[at].guard;
        let ways = self.ways(&place.target, hops).filter_map(|flow| guard.pass(flow));
        let flows: Vec<Flow> = ways.collect();
        self.prober.targets[at].is_asked = false;
        self.settle_hops(now, at, &flows);
        self.prober.schedule();
    }

    fn settle_hops(&mut self, now: Now, at: usize, flows: &[Flow]) {
        let prober = &mut self.prober;
        let address = prober.targets[at].place.target.clone();
        let mut hops: Vec<ProbeId> = match address {
            Target::Address { .. } => vec![prober.hop(now, at, address, flows.first().copied())],
            Target::Name(_) => flows.iter().map(|flow| prober.hop(now, at, address_of(flow), Some(*flow))).collect(),
        };
        hops.sort_unstable();
        hops.dedup();
        if prober.targets[at].hops != hops {
            let known = prober.places();
            prober.targets[at].hops = hops;
            prober.forget_gone(&known);
        }
        let target = &prober.targets[at];
        if target.is_name() {
            let hops = target.hops.iter().map(|id| prober.hops[id].place.target.clone()).collect();
            target.standing.tell(|told| told.hops = hops);
            prober.judge_name(now, target);
        }
    }

    fn send_probe(&mut self, now: Now, id: ProbeId) {
        let call_id = self.own_call_id();
        let (client, tag) = (self.transactions.next_client(), hex64(self.rng.next_u64()));
        let Some(hop) = self.prober.hops.get_mut(&id) else { return };
        let Some(flow) = hop.flow else { return self.miss_way(now, id) };
        let options = Options {
            target: &hop.target,
            flow: &flow,
            listener: self.config.listener(flow.listener),
            branch: &self.branches.write(client, 0),
            tag: &tag,
            call_id: &call_id,
        };
        let (bytes, context) = (options.write(), Context::Probe(id));
        hop.client = Some(client);
        hop.standing.probes.sent.add(1);
        hop.standing.tell(|told| told.next = None);
        let kind = Kind::NonInvite;
        self.transactions
            .open_client(now.mono, ClientRequest { kind, flow, bytes, keep: false, timer_c: false, context });
        self.transactions.try_for(client, now.mono + ANSWER_WITHIN);
    }

    /// There is no way to a hop: that is a failure, and the way is sought again before the next probe.
    fn miss_way(&mut self, now: Now, id: ProbeId) {
        self.conclude_probe(now, id, Err("there is no way to it"));
        let Prober { targets, hops, .. } = &mut self.prober;
        for target in targets.iter_mut().filter(|target| target.hops.contains(&id)) {
            target.due = target.due.min(hops[&id].due);
        }
    }

    /// A Call-ID whose responses come to this shard.
    fn own_call_id(&mut self) -> [u8; 16] {
        loop {
            let call_id = hex64(self.rng.next_u64());
            if shard_of(&self.config.keys.shard, &call_id, self.config.shards) == self.prober.shard {
                return call_id;
            }
        }
    }

    /// A probe has had its answer, provisional or final, or has none, and why.
    pub(super) fn probe_ended(&mut self, now: Now, id: ProbeId, client: ClientId, result: Result<u16, &'static str>) {
        let Some(hop) = self.prober.hops.get_mut(&id).filter(|hop| hop.client == Some(client)) else {
            // Its target is probed no more: nor is it asked again.
            return self.transactions.drop_client(client);
        };
        hop.client = None;
        self.conclude_probe(now, id, result);
        self.prober.schedule();
        if !matches!(result, Ok(200..)) {
            // It need not be sent again, nor anything more be heard of it.
            self.transactions.drop_client(client);
        }
    }

    fn conclude_probe(&mut self, now: Now, id: ProbeId, result: Result<u16, &'static str>) {
        let Some(hop) = self.prober.hops.get_mut(&id) else { return };
        if matches!(result, Ok(503 | 408) | Err(_)) {
            hop.standing.probes.failed.add(1);
            hop.trial.failed();
        } else {
            hop.trial.answered();
        }
        let (is_open, interval) = (hop.trial.is_open(), hop.interval);
        let pause = if is_open { SOON.min(interval) } else { self.jittered(interval) };
        if let Some(hop) = self.prober.hops.get_mut(&id) {
            hop.due = now.mono + pause;
        }
        self.prober.judge(now, id);
        let hop = &self.prober.hops[&id];
        hop.standing.tell(|told| told.next = Some(now.wall + pause));
        // What is told beside a state is what led to it, also where the place is asked as another peer as well.
        if hop.trial.state() == hop.standing.state() {
            hop.standing.tell(|told| told.last = Some(result));
        }
    }

    /// A call was answered at a target, or was not: what probing wants to know.
    pub(super) fn met(&self, id: ProxyId, flow: &Flow, answered: bool) {
        let open = self.proxies.get(id.0).and_then(|proxy| proxy.open.as_deref());
        let Some(Plan::Call(plan)) = open.map(|open| &open.plan) else { return };
        let (policy, trunk) = plan.next_trunk();
        let trunk = policy.trunk(trunk);
        if trunk.probe.is_some() {
            self.prober.reach.met(&Place { trunk: trunk.name.clone(), target: address_of(flow) }, answered);
        }
    }

    /// Intervals that differ a little keep probes from falling into step.
    fn jittered(&mut self, interval: Duration) -> Duration {
        interval.mul_f64(self.rng.random_range(JITTER))
    }
}

fn tell_change(place: &Place, state: State) {
    let Place { trunk, target } = place;
    match state {
        State::Down => tracing::warn!("trunk \"{trunk}\": {target} does not answer and is left out"),
        State::Probing => tracing::info!("trunk \"{trunk}\": {target} is doubted and asked again"),
        State::Up => tracing::info!("trunk \"{trunk}\": {target} is up"),
    }
}

/// Over UDP three copies have been sent by then (at 0, 0.5 and 1.5 s with T1 = 500 ms), and no neighbour that can take
/// calls needs longer for an OPTIONS.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// After a failure, and after the first answer of a target that was down. Three failures take no more than 8 s: calls fail
/// meanwhile. Not at once, so that a refused connection is no three failures in a millisecond.
const SOON: Duration = Duration::from_secs(1);

/// How soon a call's failure leads to a probe, also where another shard has met it: a look costs a few nanoseconds a target.
const GLANCE: Duration = Duration::from_millis(500);

/// Wide enough to spread probes within some rounds, and no operator sees another interval than he has written.
const JITTER: std::ops::Range<f64> = 0.9..1.1;
