//! A call, or another request outside a dialog, that screening lets through: its way to the next trunk.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rand::Rng;

use super::admission::Seats;
use super::calls::{Call, Side};
use super::counting::{CampaignsCounted, asked};
use super::forward::{Names, Outgoing, ResponseTrust, conceal, next_request_uri};
use super::hops::{Guard, Hops};
use super::presenting::{EmptyPool, Shows};
use super::proxy::{Open, Plan, ProxyId, Returning};
use super::quality::Between;
use super::record::PendingRecord;
use super::request::Arrival;
use super::ringing::Kept;
use super::settings::EngineConfig;
use super::shard::Engine;
use super::token::{MOST_CONCEALED, NONCE, Seen, Token, short_hash};
use crate::counters::CampaignCounters;
use crate::flow::{ConnectionId, Flow, Sockets, Transport};
use crate::number::Party;
use crate::screen::{CallView, Passage, Policy, Presented, RouteId, TrunkId, World};
use crate::sip::{HeaderName, Headers, NameAddr, Request, Response, Scheme, Splice, Target, phrase, request_uri};
use crate::time::Now;
use crate::transaction::ClientId;
use crate::usage::{Attempt, CallKey, LiveCall, Showing};

/// What a call needs until its final response.
#[derive(Debug)]
pub(super) struct CallPlan {
    /// The policy that judged it: a reload meanwhile changes nothing for it.
    policy: Arc<Policy>,
    from_trunk: TrunkId,
    passage: Passage,
    parties: Parties,
    /// For the table of live calls.
    rule: Option<Arc<str>>,
    campaigns: CampaignsCounted,
    /// Until it goes on.
    attempt: Option<Attempt>,
    /// Likewise.
    showing: Option<Showing>,
    token: Token,
    /// What the token is sealed with.
    nonce: [u8; NONCE],
    /// The positions of the targets in the order in which they are tried; `None`: as they stand.
    order: Option<Box<[usize]>>,
    /// How many targets have been tried or left out.
    tried: usize,
    /// Those of a call that is being set up.
    seats: Option<Seats>,
    /// What becomes of it is counted here.
    pub between: Between,
    /// Its Request-URI is `sips:`.
    is_sips: bool,
}

/// A call that screening lets through.
pub(super) struct Screened {
    pub passage: Passage,
    pub parties: Parties,
    pub rule: Option<Arc<str>>,
    pub campaigns: CampaignsCounted,
    pub attempt: Option<Attempt>,
}

/// Who calls whom, as it was screened.
#[derive(Debug)]
pub(super) struct Parties {
    caller: Party<'static>,
    callee: Party<'static>,
}

impl Engine {
    /// Sends a call on to its trunk.
    pub(super) fn proxy_call(
        &mut self,
        now: Now,
        world: &World,
        arrival: Arrival,
        from_trunk: TrunkId,
        screened: Screened,
        mut record: Option<PendingRecord>,
    ) {
        let Screened { mut passage, parties, rule, campaigns, attempt } = screened;
        let request = &arrival.request;
        let policy = world.policy.clone();
        let (from, to) = (policy.trunk(from_trunk), policy.trunk(passage.trunk));
        // A call for help goes by whatever way there is.
        let is_sips = request.uri().scheme == Scheme::Sips && !passage.emergency;
        if is_sips && !to.speaks_tls() {
            // RFC 5630: there is no way that is safe all along.
            return self.refuse_call(now, &arrival, record, 480);
        }
        let concealed = passage.shows_other_from().then(|| Box::new(conceal(request, passage.hide)));
        let too_long = |concealed: &super::token::Concealed| {
            concealed.from.len() > MOST_CONCEALED || concealed.contact_user.len() > MOST_CONCEALED
        };
        if concealed.as_deref().is_some_and(too_long) {
            return self.refuse_call(now, &arrival, record, 513);
        }
        let seats = match self.admit(now, &policy, from_trunk, &passage, request.method()) {
            Ok(seats) => seats,
            Err(answer) => {
                if let Some(record) = record {
                    self.records.call(now, &record, Some(answer.status));
                }
                return self.answer_with(now, &arrival, answer);
            }
        };
        let mut showing = None;
        if let Some(presented) = passage.present {
            let Ok(shows) = self.show(now, world, passage.route, presented, request.method()) else {
                return self.refuse_call(now, &arrival, record, EmptyPool::STATUS);
            };
            (passage.present, showing) = (shows.presented, shows.showing);
            if let Some(record) = &mut record {
                record.presented = passage.present.map(|presented| presented.number);
            }
        }
        let shows_other_from = passage.shows_other_from();
        let keys = &self.config.keys;
        let mut token = Token {
            caller_trunk: self.trunks.hash(keys, &policy, from_trunk),
            callee_trunk: self.trunks.hash(keys, &policy, passage.trunk),
            caller_tag: short_hash(keys, request.from_tag()),
            process: self.process,
            minted: now.wall.seconds(),
            asserts: false,
            asserts_remote_party: false,
            presented: None,
            seen: from.nat.then(|| {
                let caller = Some((arrival.flow.transport, arrival.flow.peer));
                Box::new(Seen { caller, callee: None })
            }),
            came_by_tls: came_by_tls(&arrival.flow),
            concealed: concealed.filter(|_| shows_other_from),
        };
        token.present(passage.present);
        let mut nonce = [0; NONCE];
        if token.concealed.is_some() {
            self.rng.fill_bytes(&mut nonce);
        }
        let names = shows_other_from.then(|| Box::new(Names::of(request, false)));
        let trust = ResponseTrust { distrusted: !to.trusted, protected: !from.trusted };
        let order = self.order_of_targets(to, request.call_id());
        let between = Between::new(&self.counting, from_trunk, passage.trunk);
        let plan = CallPlan {
            from_trunk,
            parties,
            rule,
            campaigns,
            attempt,
            showing,
            token,
            nonce,
            order,
            tried: 0,
            seats,
            between,
            is_sips,
            passage,
            policy,
        };
        let open = Open {
            asked: asked(request),
            request: Kept::Whole(Box::new(arrival.request)),
            came_by: arrival.flow.into(),
            came_at: now.mono,
            plan: Plan::Call(Box::new(plan)),
            best: None,
            hops: Hops::default(),
            record,
        };
        self.open_proxy(now, world, arrival.key, arrival.back, open, Returning { names, trust, ends: None });
    }

    /// Answers a call that screening lets through and that cannot go on.
    fn refuse_call(&mut self, now: Now, arrival: &Arrival, record: Option<PendingRecord>, status: u16) {
        if let Some(record) = record {
            self.records.call(now, &record, Some(status));
        }
        self.answer(now, arrival, status, phrase(status), Vec::new());
    }

    /// A call is answered: it is up until its BYE.
    pub(super) fn open_call(&mut self, now: Now, id: ProxyId, client: ClientId, response: &Response) {
        let Some(proxy) = self.proxies.get_mut(id.0) else { return };
        let Some(open) = &mut proxy.open else { return };
        let Plan::Call(plan) = &mut open.plan else { return };
        let (Some(_), Some(leaves_by)) = (response.to_tag(), self.transactions.client_flow(client)) else { return };
        let request = open.request.read();
        let call = Call {
            token: std::mem::take(&mut plan.token),
            caller: Side { flow: open.came_by.clone(), contact: contact(request.headers()) },
            callee: Side { flow: leaves_by.into(), contact: contact(response.headers()) },
            _seats: plan.seats.take(),
            between: plan.between.clone(),
        };
        let live = LiveCall {
            call_id: String::from_utf8_lossy(request.call_id()).into(),
            caller: text_of(&plan.parties.caller).into(),
            callee: text_of(&plan.parties.callee).into(),
            from_trunk: plan.policy.trunk(plan.from_trunk).name.clone(),
            to_trunk: plan.policy.trunk(plan.passage.trunk).name.clone(),
            rule: plan.rule.take(),
            since: now.wall,
        };
        let key = self.key_of_response(response);
        self.enter_call(now, key, call, live);
    }

    /// Another phone behind the same next hop has answered too: a call of its own, like the first one but for who
    /// answered. After the end of the first it is known by its token only.
    pub(super) fn open_fork(&mut self, now: Now, id: ProxyId, response: &Response) {
        let Some(first) = self.proxies[id.0].dialogs.first().copied() else { return };
        let (Some(call), Some(live)) = (self.calls.find(first), self.usage.call(first)) else { return };
        let callee = Side { contact: contact(response.headers()), ..call.callee.clone() };
        let call = Call { callee, ..call.clone() };
        let key = self.key_of_response(response);
        self.enter_call(now, key, call, LiveCall { since: now.wall, ..live });
    }

    fn enter_call(&mut self, now: Now, key: CallKey, call: Call, live: LiveCall) {
        if self.calls.is_over(key) {
            return;
        }
        self.calls.open(key, call, now.mono + self.config.call_expires);
        self.usage.open(key, live);
        self.counters.calls_opened.add(1);
    }
}

/// Where a peer wants requests inside its dialog, fit for a request line; empty when it does not say.
fn contact(headers: &Headers) -> Box<[u8]> {
    let first = headers.values(HeaderName::Contact).next();
    let address = first.and_then(|value| NameAddr::parse(value).ok());
    address.and_then(|address| request_uri(address.uri)).map_or(Box::default(), Box::from)
}

impl CallPlan {
    pub(super) fn next_target(&mut self) -> Option<Target> {
        let target = self.target(self.tried)?.clone();
        self.tried += 1;
        Some(target)
    }

    pub(super) fn current_target(&self) -> Option<&Target> {
        self.target(self.tried.checked_sub(1)?)
    }

    /// The target that is tried at this place of the order.
    fn target(&self, place: usize) -> Option<&Target> {
        self.policy.trunk(self.passage.trunk).to.get(self.position(place)?)
    }

    /// Where in the trunk's `to` the target stands that is tried at this place of the order.
    fn position(&self, place: usize) -> Option<usize> {
        match &self.order {
            Some(order) => order.get(place).copied(),
            None => Some(place),
        }
    }

    /// Whether the call leaves a target out, or a place that a name has led to.
    pub(super) fn leaves_out(&self, engine: &Engine, target: &Target) -> bool {
        engine.is_left_out(&self.policy, &self.passage, target)
    }

    /// What must hold of the way to the current target.
    pub(super) fn guard(&self) -> Guard {
        let peers = &self.policy.trunk(self.passage.trunk).peers;
        let at = self.tried.checked_sub(1).and_then(|place| self.position(place));
        let identity = at.and_then(|at| peers.of_target(at));
        Guard { needs_tls: self.is_sips, identity, connection: None }
    }

    /// The number that it shows instead of its caller's.
    pub(super) fn presented(&self) -> Option<Presented> {
        self.passage.present
    }

    /// Shows another number from now on, or the caller's own. That of before was not shown, unless it stands.
    pub(super) fn present_instead(&mut self, shows: Shows) {
        self.passage.present = shows.presented;
        self.showing = shows.showing;
        self.token.present(shows.presented);
        if !self.passage.shows_other_from() {
            self.token.concealed = None;
        }
    }

    /// The route that it takes, with the policy that has it.
    pub(super) fn route(&self) -> Option<(&Arc<Policy>, RouteId)> {
        self.passage.route.map(|route| (&self.policy, route))
    }

    /// The trunk that it goes to, with the policy that has it.
    pub(super) fn next_trunk(&self) -> (&Arc<Policy>, TrunkId) {
        (&self.policy, self.passage.trunk)
    }

    /// The sockets that its trunk is spoken to from.
    pub(super) fn sockets(&self) -> &Sockets {
        &self.policy.trunk(self.passage.trunk).via
    }

    /// It is sent to a target: from now on it counts among the attempts to reach its callee, and its number was shown.
    pub(super) fn goes_on(&mut self) {
        if let Some(attempt) = self.attempt.take() {
            attempt.stand();
        }
        if let Some(showing) = self.showing.take() {
            showing.stand();
        }
    }

    /// The counters of the campaigns that have judged it.
    pub(super) fn campaigns(&self) -> &[Arc<CampaignCounters>] {
        &self.campaigns
    }

    /// Whether there is a target left to try.
    pub(super) fn has_more(&self) -> bool {
        self.tried < self.policy.trunk(self.passage.trunk).to.len()
    }

    pub(super) fn try_for(&self) -> Duration {
        self.policy.trunk(self.passage.trunk).try_for
    }

    pub(super) fn fails_over_on(&self, status: u16) -> bool {
        self.policy.trunk(self.passage.trunk).failover_on.contains(&status)
    }

    pub(super) fn unavailable(&self) -> u16 {
        self.passage.unavailable
    }

    /// The request as it goes to the target of `flow`.
    pub(super) fn write(
        &self,
        request: &Request,
        came_by: &Flow,
        config: &EngineConfig,
        splice: &mut Splice,
        flow: &Flow,
        branch: &[u8],
    ) -> Bytes {
        let passage = &self.passage;
        let (from, to) = (self.policy.trunk(self.from_trunk), self.policy.trunk(passage.trunk));
        let listener = config.listener(flow.listener);
        let mut out = Outgoing { request, splice };
        out.via(came_by.peer, listener, flow, branch);
        if request.method().may_make_dialog() {
            let sides = [(listener, flow), (config.listener(came_by.listener), came_by)];
            out.record_route(&self.token_text(request, config, flow), sides);
        }
        out.hop_headers();
        out.drop_routes();
        let number = match self.parties.callee {
            Party::Number(number) => Some(number),
            _ => None,
        };
        if let Some(target) = self.current_target() {
            out.request_uri(|out| next_request_uri(request, &passage.callee, number, to, target, out));
        }
        out.remove_named(&self.policy.removed_headers);
        if !from.trusted {
            out.distrust();
        }
        if passage.forwarded {
            out.diversion();
        }
        if let Some(presented) = &passage.present {
            let mut host = Vec::with_capacity(48);
            listener.sent_by(flow.local.ip(), &mut host);
            // A hidden caller shows no From of his own and none of ours.
            out.present(presented, to, &host, !passage.hide);
        }
        if passage.hide {
            out.hide(to.trusted);
        } else if !to.trusted && !passage.present.is_some_and(|presented| presented.headers.asserted) {
            out.protect();
        }
        splice.finish(request.headers())
    }

    /// The token as it is written for the target of `flow`.
    fn token_text(&self, request: &Request, config: &EngineConfig, flow: &Flow) -> Vec<u8> {
        let mut text = Vec::new();
        let write = |token: &Token, text| token.write(&config.keys, request.call_id(), self.nonce, text);
        if self.policy.trunk(self.passage.trunk).nat {
            write(&self.token.with_callee_at(flow), &mut text);
        } else {
            write(&self.token, &mut text);
        }
        text
    }
}

/// Who came by TLS is reached by his connection where nothing else proves who he is.
fn came_by_tls(flow: &Flow) -> Option<Box<(IpAddr, ConnectionId)>> {
    let connection = flow.connection.filter(|_| flow.transport == Transport::Tls)?;
    Some(Box::new((flow.peer_ip(), connection)))
}

impl Parties {
    pub(super) fn of(view: &CallView<'_>) -> Parties {
        let caller = match view.asserted_number().or(view.from_number()) {
            Some(number) => Party::Number(number),
            None if view.is_anonymous() => Party::Anonymous,
            None => Party::Unavailable,
        };
        Parties { caller, callee: view.callee().clone().into_owned() }
    }

    /// Whom the call was for as it came.
    pub(super) fn callee(&self) -> &Party<'static> {
        &self.callee
    }
}

/// As the table of live calls and the records show it.
pub(super) fn text_of(party: &Party<'_>) -> String {
    match party {
        Party::Number(number) => number.to_string(),
        Party::Code(code) => code.to_string(),
        Party::User(user) => user.to_string(),
        Party::Anonymous => "anonymous".to_owned(),
        Party::Unavailable => "unavailable".to_owned(),
    }
}
