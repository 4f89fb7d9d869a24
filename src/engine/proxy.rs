//! A proxied request: its targets tried in order, its responses handed back (RFC 3261 sections 16.6 to 16.10).
//!
//! One branch at a time is waited for. A branch that was given up lives on in its transaction: a late 1xx is
//! cancelled, a late 2xx acknowledged and ended, and a late 6xx ends the call.

use std::time::{Duration, Instant};

use bytes::Bytes;
use smallvec::SmallVec;

use super::action::{Hop, Ticket};
use super::call::CallPlan;
use super::dialog::InDialog;
use super::failures::{Best, Failure};
use super::forward::{Names, ResponseTrust, response_back};
use super::hash::{keyed, loop_hash};
use super::hops::{Guard, Hops, MOST_HOPS, Way, address_of};
use super::own;
use super::presenting::EmptyPool;
use super::record::{EndedBy, PendingRecord};
use super::ringing::Kept;
use super::shard::{Context, Engine, Waiting};
use crate::counters::{Asked, By};
use crate::flow::{Flow, KeptFlow, Sockets};
use crate::number::Number;
use crate::screen::World;
use crate::sip::reply::trying;
use crate::sip::{Message, Method, Request, Response, Target, scan};
use crate::slots::Slot;
use crate::time::Now;
use crate::transaction::{ClientId, ClientRequest, FailureOutcome, Kind, ResponseOutcome, ServerId, ServerKey};
use crate::usage::CallKey;

/// Names a [`Proxy`] of one engine for as long as a transaction or a query belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct ProxyId(pub Slot);

/// One request between its server transaction and its client transactions.
#[derive(Debug)]
pub(super) struct Proxy {
    pub server: ServerId,
    pub method: Method,
    /// The transactions and queries that name this proxy: with the last it goes.
    pub references: u16,
    /// The final response has been given.
    pub answered: bool,
    /// A 101-199 has been passed on: from then on no other target is tried.
    pub ringing: bool,
    /// The caller has hung up, with this Reason.
    pub cancelled: Option<Box<[u8]>>,
    pub branches: SmallVec<[Branch; 1]>,
    /// The dialogs that 2xx responses to an INVITE have made, for a next hop may fork it: calls by their key, and those
    /// of branches that were given up, which have been ended, by another.
    pub dialogs: SmallVec<[u64; 1]>,
    pub returning: Returning,
    /// What is needed until the final response and no longer.
    pub open: Option<Box<Open>>,
}

/// What is done with responses.
#[derive(Debug, Default)]
pub(super) struct Returning {
    /// What From and To are in them, where they were changed in the request.
    pub names: Option<Box<Names>>,
    pub trust: ResponseTrust,
    /// The call that this request, a BYE, ends.
    pub ends: Option<(CallKey, EndedBy)>,
}

/// A request sent to one target.
#[derive(Debug, Clone, Copy)]
pub(super) struct Branch {
    pub client: ClientId,
    state: BranchState,
    /// The number that it shows instead of the caller's.
    pub presented: Option<Number>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BranchState {
    /// Its responses are waited for.
    Tried,
    /// Another target is tried instead, or the caller has been answered.
    GivenUp,
    /// Its 2xx has been passed on; further ones are as well.
    Won,
}

/// Longer than the network tries to open a connection: a connection that hangs is not what `try_for` is meant for.
const CONNECTING: Duration = Duration::from_secs(5);

/// The most dialogs of one INVITE that are told apart: a next hop could make any number.
const MOST_DIALOGS: usize = 16;

/// What a proxy needs until the final response.
#[derive(Debug)]
pub(super) struct Open {
    pub request: Kept,
    pub asked: Asked,
    pub came_by: KeptFlow,
    pub came_at: Instant,
    pub plan: Plan,
    pub best: Option<Box<Best>>,
    pub hops: Hops,
    pub record: Option<PendingRecord>,
}

/// How the next hop is found and what changes on the way.
#[derive(Debug)]
pub(super) enum Plan {
    /// A call, or another request outside a dialog.
    Call(Box<CallPlan>),
    /// A request inside a dialog.
    Dialog(Box<InDialog>),
}

impl Engine {
    /// Opens the proxy of a request and sends it to its first target.
    pub(super) fn open_proxy(
        &mut self,
        now: Now,
        world: &World,
        key: ServerKey,
        back: Flow,
        open: Open,
        returning: Returning,
    ) {
        let id = ProxyId(self.proxies.vacant());
        let method = open.request.read().method();
        let server = self.transactions.open_server(now.mono, key, kind(method), back, Context::Proxy(id));
        self.proxies.insert(Proxy {
            server,
            method,
            references: 1,
            answered: false,
            ringing: false,
            cancelled: None,
            branches: SmallVec::new(),
            dialogs: SmallVec::new(),
            returning,
            open: Some(Box::new(open)),
        });
        self.counters.forwarded.add(1);
        self.unanswered += 1;
        self.try_next(now, world, id, Failure::Unavailable);
    }

    /// Sends the request to its next target; when there is none, answers it.
    pub(super) fn try_next(&mut self, now: Now, world: &World, id: ProxyId, failure: Failure) {
        let Some(proxy) = self.proxies.get_mut(id.0) else { return };
        if proxy.answered {
            return;
        }
        // Whoever sent a request other than INVITE has given up with its transaction (RFC 4320 section 4.2).
        let is_wanted = self.transactions.server_context(proxy.server).is_some();
        let may_try = is_wanted && proxy.cancelled.is_none() && !proxy.ringing;
        let Some(mut open) = proxy.open.take() else { return };
        if failure != Failure::Unsent {
            open.hops.datagram = None;
        }
        let mut under_way = false;
        while may_try && !under_way {
            let Some(way) = self.next_way(now, &mut open) else { break };
            let is_asked = matches!(way, Way::Ask(_));
            under_way = match way {
                Way::Flow(flow) => {
                    if self.show_again(now, world, id, &mut open).is_err() {
                        self.proxies[id.0].open = Some(open);
                        return self.answer_proxied(now, id, EmptyPool::STATUS, b"");
                    }
                    self.send_branch(now, id, &mut open, flow);
                    true
                }
                Way::Ask(target) => self.ask(target, open.plan.sockets().clone(), Waiting::Branch(id)),
                Way::Unreachable => false,
            };
            if under_way && is_asked {
                self.proxies[id.0].references += 1;
                self.proxies[id.0].open = Some(open);
                // RFC 4320 section 4.1: other requests get no 100 before Timer E has reached T2.
                if self.proxies[id.0].method == Method::Invite {
                    self.send_trying(now, Context::Proxy(id));
                }
                return;
            }
        }
        self.proxies[id.0].open = Some(open);
        if !under_way {
            self.conclude_without_answer(now, id, failure);
        }
    }

    /// The way to the next hop of a name, or else to the next target; `None` when all have been tried.
    fn next_way(&self, now: Now, open: &mut Open) -> Option<Way> {
        if let Some(flow) = open.hops.datagram {
            return Some(Way::Flow(flow));
        }
        // One that answered when its name was looked up may have died since.
        while let Some(flow) = open.hops.next() {
            if !open.plan.leaves_out_hop(self, &flow) {
                return Some(Way::Flow(flow));
            }
        }
        let mut target = open.plan.next_target()?;
        while open.plan.leaves_out(self, &target) {
            target = open.plan.next_target()?;
        }
        let way = match open.plan.direct() {
            Some(flow) => Way::Flow(flow),
            None if matches!(target, Target::Name(_)) && open.hops.are_spent() => Way::Unreachable,
            None => self.way(now, &target, open.plan.sockets()),
        };
        Some(way.guarded(open.plan.guard()))
    }

    pub(super) fn branch_resolved(&mut self, now: Now, world: &World, id: ProxyId, hops: &[Hop]) {
        let Some(proxy) = self.proxies.get_mut(id.0) else { return };
        let open = if proxy.answered || proxy.cancelled.is_some() { None } else { proxy.open.take() };
        if let Some(mut open) = open {
            if let Some(target) = open.plan.current_target() {
                let (plan, guard) = (&open.plan, open.plan.guard());
                let ways: SmallVec<[Flow; MOST_HOPS]> =
                    self.ways(target, hops).filter_map(|flow| guard.pass(flow)).collect();
                open.hops.add(target, ways.iter().copied().filter(|way| !plan.leaves_out_hop(self, way)));
                if let (Target::Name(_), Plan::Call(plan)) = (target, plan) {
                    let (policy, trunk) = plan.next_trunk();
                    ways.iter().for_each(|way| self.counting.learn(policy, trunk, way));
                }
            }
            self.proxies[id.0].open = Some(open);
            self.try_next(now, world, id, Failure::Unavailable);
        }
        self.release(Context::Proxy(id));
    }

    fn send_branch(&mut self, now: Now, id: ProxyId, open: &mut Open, mut flow: Flow) {
        let client = self.transactions.next_client();
        let mut bytes = self.write_branch(open, client, &flow);
        // By UDP it goes all the same once no connection could be made.
        let is_second_try = open.hops.datagram.take() == Some(flow);
        let stream = self.stream_instead(&flow, open.plan.sockets(), bytes.len()).filter(|_| !is_second_try);
        if let Some(stream) = stream {
            open.hops.datagram = Some(std::mem::replace(&mut flow, stream));
            bytes = self.write_branch(open, client, &flow);
        }
        let proxy = &mut self.proxies[id.0];
        if let Some(between) = open.plan.between(proxy.method).filter(|_| proxy.branches.is_empty()) {
            between.seized();
        }
        let kind = kind(proxy.method);
        let is_invite = kind == Kind::Invite;
        let context = Context::Proxy(id);
        let request = ClientRequest { kind, flow, bytes, keep: is_invite, timer_c: is_invite, context };
        let opened = self.transactions.open_client(now.mono, request);
        debug_assert_eq!(opened, client);
        if let Plan::Call(plan) = &mut open.plan {
            plan.goes_on();
            if is_invite || plan.has_more() || open.hops.left().len() > 0 {
                let connects = if stream.is_some() { CONNECTING } else { Duration::ZERO };
                self.transactions.try_for(client, now.mono + connects + plan.try_for());
            }
        }
        self.counters.failovers.add(u64::from(!proxy.branches.is_empty()));
        let presented = match &open.plan {
            Plan::Call(plan) => plan.presented().map(|presented| presented.number),
            Plan::Dialog(_) => None,
        };
        proxy.branches.push(Branch { client, state: BranchState::Tried, presented });
        proxy.references += 1;
    }

    /// The request as it goes this way, with the branch of this transaction.
    fn write_branch(&mut self, open: &Open, client: ClientId, flow: &Flow) -> Bytes {
        let (request, came_by) = (open.request.read(), open.came_by.get());
        let branch = self.branches.write(client, loop_hash(&self.config.keys.token, &request, &came_by));
        match &open.plan {
            Plan::Call(plan) => plan.write(&request, &came_by, &self.config, &mut self.splice, flow, &branch),
            Plan::Dialog(plan) => plan.write(&request, &self.config, &self.counting, &mut self.splice, flow, &branch),
        }
    }

    /// Answers 100, once nothing else has been answered.
    pub(super) fn send_trying(&mut self, now: Now, context: Context) {
        let Context::Proxy(id) = context else { return };
        let Some(proxy) = self.proxies.get(id.0).filter(|proxy| !proxy.answered && !proxy.ringing) else { return };
        let Some(open) = &proxy.open else { return };
        let delay = now.mono.saturating_duration_since(open.came_at);
        let bytes = trying(open.request.read().headers(), open.came_by.get().peer, delay);
        // After a final response there is nothing to be said any more.
        let _ = self.transactions.respond(now.mono, proxy.server, 100, bytes);
    }

    pub(super) fn handle_response(&mut self, now: Now, world: &World, response: &Response) {
        let Some(client) = self.branches.read(response.branch()) else {
            return self.counters.stray_responses.add(1);
        };
        // Our CANCEL has the branch of its INVITE (RFC 3261 section 9.1).
        if response.method() == Method::Cancel {
            if let Some(cancel) = self.cancels.get(&client).filter(|_| !response.has_more_via()) {
                self.transactions.handle_response(now.mono, *cancel, response.status());
            }
            return;
        }
        let context = self.transactions.client_context(client);
        let expected = match context {
            // Below ours stands the Via of the hop before, or the response is for nobody.
            Some(Context::Proxy(id)) if response.has_more_via() => self.proxies.get(id.0).map(|proxy| proxy.method),
            // A request of our own is answered with our Via alone (section 8.1.3.3).
            Some(Context::Bye) if !response.has_more_via() => Some(Method::Bye),
            Some(Context::Probe(_)) if !response.has_more_via() => Some(Method::Options),
            Some(Context::Proxy(_) | Context::Bye | Context::Probe(_) | Context::Cancel(_)) | None => None,
        };
        if expected != Some(response.method()) {
            return self.counters.stray_responses.add(1);
        }
        match self.transactions.handle_response(now.mono, client, response.status()) {
            ResponseOutcome::Ended => return self.counters.stray_responses.add(1),
            ResponseOutcome::Absorb => return,
            ResponseOutcome::PassAndAck => {
                if let Some(invite) = self.kept_request(client) {
                    self.transactions.set_ack(client, own::ack(&invite, response));
                }
            }
            ResponseOutcome::Pass => {}
        }
        match context {
            Some(Context::Proxy(id)) => {
                // Silence that somebody behind the next hop has met is told by 408.
                if !matches!(response.status(), 408 | 503)
                    && let Some(flow) = self.transactions.client_flow(client)
                {
                    self.met(id, &flow, true);
                }
                self.pass_response(now, world, id, client, response);
            }
            Some(Context::Probe(id)) => self.probe_ended(now, id, client, Ok(response.status())),
            Some(Context::Bye | Context::Cancel(_)) | None => {}
        }
    }

    /// The INVITE of a client transaction as it was sent.
    pub(super) fn kept_request(&self, client: ClientId) -> Option<Request> {
        let bytes = self.transactions.request(client)?;
        match scan(bytes.clone()) {
            Ok(Message::Request(request)) => Some(request),
            Ok(Message::Response(_)) | Err(_) => {
                // A peer's bytes have made us write what we cannot read: its call suffers, and no other.
                tracing::error!("an INVITE of ours cannot be read again");
                None
            }
        }
    }

    fn pass_response(&mut self, now: Now, world: &World, id: ProxyId, client: ClientId, response: &Response) {
        let Some(proxy) = self.proxies.get_mut(id.0) else { return };
        let Some(branch) = proxy.branches.iter_mut().find(|branch| branch.client == client) else { return };
        let answered = proxy.answered;
        // An INVITE that was given up may ring a second person; any other request has one answer, from wherever.
        if branch.state == BranchState::GivenUp && proxy.method != Method::Invite {
            branch.state = BranchState::Tried;
        }
        match (response.status(), branch.state) {
            (100, BranchState::Tried) if !answered => {}
            // Nobody sends these to a non-INVITE (RFC 4320 section 4.1), and who passes one on does.
            (101..=199, BranchState::Tried) if !answered && proxy.method != Method::Invite => {}
            (101..=199, BranchState::Tried) if !answered => {
                if !std::mem::replace(&mut proxy.ringing, true) {
                    if let Some(open) = &proxy.open {
                        open.heard(now, proxy.method);
                    }
                    self.condense_later(now, id, client);
                }
                self.respond_with(now, id, response);
            }
            (100..=199, _) => {
                self.transactions.cancel(now.mono, client);
            }
            (200..=299, BranchState::Won) => {
                self.respond_with(now, id, response);
                if self.is_new_dialog(id, self.key_of_response(response)) {
                    self.open_fork(now, id, response);
                }
            }
            (200..=299, BranchState::Tried) if !answered => {
                branch.state = BranchState::Won;
                self.transactions.release_request(client);
                let bytes = self.back(id, response);
                let given = self.give(now, id, response.status(), bytes, By::NextHop);
                self.note_answer(id, client);
                if response.method() == Method::Invite {
                    // First, since forks are made after it, whatever late 2xx of other branches came before.
                    let key = self.key_of_response(response);
                    self.proxies[id.0].dialogs.insert(0, key);
                    self.open_call(now, id, client, response);
                }
                self.conclude(now, id, given);
            }
            (200..=299, _) if proxy.method == Method::Invite => {
                let tag = response.to_tag().unwrap_or_default();
                let key = keyed(&self.config.keys.token, [b"late", response.branch(), tag]);
                let is_new = self.is_new_dialog(id, key);
                self.end_late_call(now, client, response, is_new);
            }
            (200..=299, _) => {}
            // A 6xx speaks for every target, whoever says it and however late (RFC 3261 section 16.7 items 4 and 6).
            (_, BranchState::Tried) | (600..=699, BranchState::GivenUp) if !answered => {
                self.handle_failure_response(now, world, id, client, response);
            }
            _ => {}
        }
    }

    /// Whether a 2xx to an INVITE makes a dialog that none before it has made.
    fn is_new_dialog(&mut self, id: ProxyId, key: u64) -> bool {
        let proxy = &mut self.proxies[id.0];
        let dialogs = &mut proxy.dialogs;
        let is_new = proxy.method == Method::Invite && dialogs.len() < MOST_DIALOGS && !dialogs.contains(&key);
        if is_new {
            dialogs.push(key);
        }
        is_new
    }

    fn count_answer(&mut self, now: Now, id: ProxyId, status: u16, by: By) {
        let Some(proxy) = self.proxies.get(id.0) else { return };
        let Some(open) = &proxy.open else { return };
        self.counting.answered(&open.came_by.get(), open.asked, by, status);
        if let Plan::Call(plan) = &open.plan {
            plan.campaigns().iter().for_each(|campaign| campaign.answers.add(status));
        }
        if by == By::NextHop && !proxy.ringing && proxy.cancelled.is_none() {
            open.heard(now, proxy.method);
        }
        if let Some(between) = open.plan.between(proxy.method).filter(|_| (200..300).contains(&status)) {
            between.answered();
        }
    }

    /// The request is answered: its record is written, and what is no longer needed goes.
    pub(super) fn conclude(&mut self, now: Now, id: ProxyId, status: Option<u16>) {
        let Some(proxy) = self.proxies.get_mut(id.0) else { return };
        if !std::mem::replace(&mut proxy.answered, true) {
            self.unanswered -= 1;
        }
        if let Some(record) = proxy.open.take().and_then(|open| open.record) {
            if proxy.method == Method::Invite && matches!(status, Some(200..=299)) {
                self.counters.setup.add(record.age(now));
            }
            self.records.call(now, &record, status);
        }
        // With 401 or 407 the BYE comes again with credentials; anything else ends the call or says that it is over.
        let ended = proxy.returning.ends.take().filter(|_| !matches!(status, Some(401 | 407)));
        for branch in proxy.branches.clone() {
            // One that has had its final response is past cancelling.
            self.transactions.cancel(now.mono, branch.client);
        }
        if let Some((key, ended_by)) = ended {
            let was_up = self.end_call(now, key, ended_by);
            if !was_up && matches!(status, Some(200..=299)) {
                self.calls.end_early(now.mono, key, now.mono + self.config.timings.transaction_timeout());
            }
        }
    }

    /// Gives a final answer to the hop before; `None`, and no answer is counted, where that no longer waits for one, as it
    /// does for 64*T1 where it is no INVITE (RFC 4320 section 4.2).
    pub(super) fn give(&mut self, now: Now, id: ProxyId, status: u16, bytes: Bytes, by: By) -> Option<u16> {
        let server = self.proxies[id.0].server;
        if self.transactions.respond(now.mono, server, status, bytes).is_err() {
            self.counters.stray_responses.add(1);
            return None;
        }
        self.count_answer(now, id, status, by);
        Some(status)
    }

    fn respond_with(&mut self, now: Now, id: ProxyId, response: &Response) {
        let bytes = self.back(id, response);
        let server = self.proxies[id.0].server;
        // A server transaction that has ended makes this response a stray (RFC 6026 section 7.1).
        if self.transactions.respond(now.mono, server, response.status(), bytes).is_err() {
            self.counters.stray_responses.add(1);
        }
    }

    /// The response as it goes to the hop before.
    pub(super) fn back(&mut self, id: ProxyId, response: &Response) -> Bytes {
        let proxy = &self.proxies[id.0];
        response_back(response, &mut self.splice, proxy.returning.names.as_deref(), proxy.returning.trust)
    }

    /// ACK and, once, BYE for a 2xx of a branch that was given up.
    fn end_late_call(&mut self, now: Now, client: ClientId, response: &Response, with_bye: bool) {
        let Some(flow) = self.transactions.client_flow(client) else { return };
        let ack_branch = self.branches.write_stateless(response.branch(), response.call_id());
        let bye_branch = self.branches.write(self.transactions.next_client(), 0);
        let listener = self.config.listener(flow.listener);
        let [ack, bye] = own::ack_and_bye(response, listener, &flow, [&ack_branch, &bye_branch]);
        self.send(flow, ack, None);
        if with_bye {
            let context = Context::Bye;
            let request =
                ClientRequest { kind: Kind::NonInvite, flow, bytes: bye, keep: false, timer_c: false, context };
            self.transactions.open_client(now.mono, request);
        }
    }

    /// The caller hangs up before the call is answered.
    pub(super) fn cancel_proxy(&mut self, now: Now, id: ProxyId, reason: &[u8]) {
        let Some(proxy) = self.proxies.get_mut(id.0) else { return };
        if proxy.answered || proxy.cancelled.is_some() || proxy.method != Method::Invite {
            return;
        }
        proxy.cancelled = Some(reason.into());
        let mut waits = false;
        for branch in proxy.branches.clone() {
            let cancelled = self.transactions.cancel(now.mono, branch.client);
            waits |= cancelled && branch.state == BranchState::Tried;
        }
        if !waits {
            self.conclude_without_answer(now, id, Failure::Unavailable);
        }
    }

    pub(super) fn send_cancel(&mut self, now: Now, client: ClientId, context: Context) {
        let Context::Proxy(id) = context else { return };
        let (Some(flow), Some(proxy)) = (self.transactions.client_flow(client), self.proxies.get(id.0)) else {
            return;
        };
        let is_elsewhere = proxy.branches.iter().any(|branch| branch.state == BranchState::Won);
        let given = proxy.cancelled.as_deref().unwrap_or_default();
        let reason = if is_elsewhere { own::COMPLETED_ELSEWHERE } else { given };
        let Some(invite) = self.kept_request(client) else { return };
        let bytes = own::cancel(&invite, reason);
        let context = Context::Cancel(client);
        let request = ClientRequest { kind: Kind::NonInvite, flow, bytes, keep: false, timer_c: false, context };
        let cancel = self.transactions.open_client(now.mono, request);
        self.cancels.insert(client, cancel);
    }

    pub(super) fn handle_send_failed(&mut self, now: Now, world: &World, ticket: Ticket) {
        let client = ClientId::from(ticket.0);
        let (context, flow) = (self.transactions.client_context(client), self.transactions.client_flow(client));
        if self.transactions.client_failed(client) != FailureOutcome::BeforeFinal {
            return;
        }
        match context {
            Some(Context::Proxy(id)) => {
                if let Some(flow) = flow {
                    self.met(id, &flow, false);
                }
                self.branch_failed(now, world, id, client, Failure::Unsent);
            }
            Some(Context::Probe(id)) => self.probe_ended(now, id, client, Err("it cannot be reached")),
            Some(Context::Bye | Context::Cancel(_)) | None => {}
        }
    }

    /// No final response in its time, or no response at all within `try_for`: the next target, and this one is no longer
    /// waited for.
    pub(super) fn branch_timed_out(&mut self, now: Now, world: &World, client: ClientId, context: Context) {
        match context {
            Context::Proxy(id) => {
                if let Some(flow) = self.transactions.client_flow(client)
                    && self.transactions.is_answered(client) == Some(false)
                {
                    self.met(id, &flow, false);
                }
                self.branch_failed(now, world, id, client, Failure::Timeout);
            }
            Context::Probe(id) => self.probe_ended(now, id, client, Err("no answer")),
            Context::Bye | Context::Cancel(_) => {}
        }
    }

    pub(super) fn branch_failed(&mut self, now: Now, world: &World, id: ProxyId, client: ClientId, failure: Failure) {
        let Some(proxy) = self.proxies.get_mut(id.0) else { return };
        let Some(branch) = proxy.branches.iter_mut().find(|branch| branch.client == client) else { return };
        if branch.state != BranchState::Tried || proxy.answered {
            return;
        }
        branch.state = BranchState::GivenUp;
        self.try_next(now, world, id, failure);
    }

    pub(super) fn client_ended(&mut self, client: ClientId, context: Context) {
        match context {
            Context::Cancel(invite) => {
                if self.cancels.get(&invite) == Some(&client) {
                    self.cancels.remove(&invite);
                }
            }
            Context::Proxy(_) => self.release(context),
            Context::Bye | Context::Probe(_) => {}
        }
    }

    /// One transaction or query fewer belongs to a proxy; with the last it goes.
    pub(super) fn release(&mut self, context: Context) {
        let Context::Proxy(id) = context else { return };
        let Some(proxy) = self.proxies.get_mut(id.0) else { return };
        proxy.references -= 1;
        if proxy.references == 0 {
            self.proxies.remove(id.0);
        }
    }
}

impl Plan {
    /// The next place to try; each is given once.
    fn next_target(&mut self) -> Option<Target> {
        match self {
            Plan::Call(plan) => plan.next_target(),
            Plan::Dialog(plan) => plan.next_target(),
        }
    }

    /// The place that [`Plan::next_target`] gave last.
    fn current_target(&self) -> Option<&Target> {
        match self {
            Plan::Call(plan) => plan.current_target(),
            Plan::Dialog(plan) => Some(&plan.target),
        }
    }

    /// The sockets that it may leave by.
    fn sockets(&self) -> &Sockets {
        match self {
            Plan::Call(plan) => plan.sockets(),
            Plan::Dialog(plan) => &plan.sockets,
        }
    }

    /// What must hold of the way to that place.
    fn guard(&self) -> Guard {
        match self {
            Plan::Call(plan) => plan.guard(),
            Plan::Dialog(plan) => plan.guard,
        }
    }

    /// Whether a place is not tried because it does not answer: where a dialog goes is not ours to choose.
    fn leaves_out(&self, engine: &Engine, target: &Target) -> bool {
        match self {
            Plan::Call(plan) => plan.leaves_out(engine, target),
            Plan::Dialog(_) => false,
        }
    }

    /// The same of a hop that a name has led to.
    fn leaves_out_hop(&self, engine: &Engine, hop: &Flow) -> bool {
        self.leaves_out(engine, &address_of(hop))
    }

    /// The way, where it is known without a look at addresses.
    fn direct(&self) -> Option<Flow> {
        match self {
            Plan::Call(_) => None,
            Plan::Dialog(plan) => plan.direct,
        }
    }
}

fn kind(method: Method) -> Kind {
    if method == Method::Invite { Kind::Invite } else { Kind::NonInvite }
}
