//! A request comes in: who it is from, whether it has been here, whether it may, and what screening says.

use std::sync::Arc;

use smallvec::SmallVec;

use rand::Rng;

use super::branch::Branches;
use super::call::{Parties, Screened};
use super::config::UnknownSource;
use super::counting::asked;
use super::directions;
use super::forward::{diversion, max_breadth, wants_privacy};
use super::hash::{has_stateless_tag, loop_hash, stateless_tag};
use super::memory::{AnswerText, Remembered};
use super::record::{JudgedCall, PendingRecord};
use super::shard::{Context, Engine};
use crate::counters::{Asked, By};
use crate::flow::{Flow, Transport};
use crate::screen::{
    Answer, AnswerKind, CallFacts, CallView, CountedAttempt, FEATURE_CAPS, Outcome, Policy, Trunk, TrunkId, Verdict,
    World, decide, signals_608,
};
use crate::sip::reply::{Reply, reply};
use crate::sip::{
    HeaderName, Headers, MAX_HEADERS, MAX_MESSAGE, Malformed, Method, NameAddr, Request, Scheme, Uri, Via, phrase,
};
use crate::time::Now;
use crate::transaction::{RequestParts, Retransmission, ServerKey};
use crate::usage::Attempt;

/// What we let through and answer, for Allow.
const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, MESSAGE, REFER, SUBSCRIBE, NOTIFY";

/// The most that forwarding adds, beside the Request-URI in Diversion: two Record-Routes with tokens that conceal as
/// much as they may (3 kB each), and less than 1 kB of Via, From, P-Asserted-Identity and the like. We must be able to
/// read our own INVITE, for its CANCEL and its ACK.
const ADDED_BYTES: usize = 8 * 1024;

/// The most header fields that forwarding adds: Via, two Record-Routes, Max-Forwards, Max-Breadth, Content-Length, Diversion,
/// P-Asserted-Identity, Privacy, Route; and some to spare.
const ADDED_FIELDS: usize = 16;

/// What screening says of a call.
struct Judged {
    verdict: Verdict,
    parties: Parties,
    record: Option<PendingRecord>,
    attempt: Option<Attempt>,
}

/// A request on its way through the checks.
pub(super) struct Arrival {
    pub request: Request,
    pub key: ServerKey,
    /// The way it came.
    pub flow: Flow,
    /// The way its responses take (RFC 3261 section 18.2.2).
    pub back: Flow,
}

impl Engine {
    pub(super) fn handle_request(&mut self, now: Now, world: &World, flow: Flow, request: Request) {
        let arrival = self.arrival(&world.policy, request, flow);
        let request = &arrival.request;
        if request.method() == Method::Ack {
            return self.handle_ack(now, world, arrival);
        }
        if self.handle_retransmission(now, &arrival) {
            return;
        }
        if request.method() == Method::Cancel {
            return self.handle_cancel(now, world, &arrival, self.cancelled_key(request));
        }
        if self.is_left(&arrival) {
            return;
        }
        if request.to_tag().is_some() {
            return self.handle_in_dialog(now, world, arrival);
        }
        self.handle_new(now, world, arrival);
    }

    /// A request with what is known of it before it is looked at.
    pub(super) fn arrival(&self, policy: &Policy, request: Request, flow: Flow) -> Arrival {
        let key = ServerKey::new(&self.config.keys.token, &request_parts(&request));
        let mut back = way_back(&request.via(), &flow);
        if flow.transport == Transport::Tls {
            // For a new connection, should its own be gone.
            back.identity = self.trunk_of(policy, &flow).and_then(|trunk| policy.trunk(trunk).peers.of_any());
        }
        Arrival { request, key, flow, back }
    }

    /// Handles a request that has been here before; `false` when it has not.
    pub(super) fn handle_retransmission(&mut self, now: Now, arrival: &Arrival) -> bool {
        if let Some(server) = self.transactions.server(&arrival.key) {
            self.counters.retransmissions.add(1);
            if self.transactions.handle_retransmission(server, arrival.back) == Retransmission::Unanswered
                && arrival.request.method() == Method::Invite
                && let Some(context) = self.transactions.server_context(server)
            {
                self.send_trying(now, context);
            }
            return true;
        }
        let Some(remembered) = self.memory.find(&arrival.key) else { return false };
        self.counters.retransmissions.add(1);
        if let Remembered::Answer(answer) = remembered {
            let answer = answer.clone();
            self.reply(arrival, &answer);
        }
        true
    }

    /// The key of a request's server transaction: what two copies of it have in common.
    pub fn server_key(&self, request: &Request) -> ServerKey {
        ServerKey::new(&self.config.keys.token, &request_parts(request))
    }

    /// The key of the INVITE that a CANCEL means.
    pub fn cancelled_key(&self, cancel: &Request) -> ServerKey {
        ServerKey::of_cancelled(&self.config.keys.token, &request_parts(cancel))
    }

    /// A request outside a dialog: the checks of RFC 3261 section 16.3 and of the trunk, then the judgement.
    fn handle_new(&mut self, now: Now, world: &World, arrival: Arrival) {
        let Some(trunk) = self.trunk_of(&world.policy, &arrival.flow) else {
            return self.handle_stranger(&arrival);
        };
        if let Some(retry_after) = self.drain_refusal(world, &arrival, trunk) {
            return self.answer(now, &arrival, 503, phrase(503), retry_after.to_vec());
        }
        let request = &arrival.request;
        if self.is_for_us(request, &arrival.flow) && request.method() == Method::Options {
            // Here we are no proxy but who is called (RFC 3261 section 8.2.2.3).
            if let Some(refusal) = unsupported(request, HeaderName::Require) {
                return self.answer(now, &arrival, refusal.status, phrase(refusal.status), refusal.extra);
            }
            let extra = format!("Allow: {ALLOW}\r\nAccept: application/sdp\r\n");
            return self.answer(now, &arrival, 200, "OK", extra.into_bytes());
        }
        if let Err(refusal) = self.check(request, &arrival.flow) {
            return self.answer(now, &arrival, refusal.status, phrase(refusal.status), refusal.extra);
        }
        if !world.policy.trunk(trunk).methods.allows(request.method_name()) {
            return self.answer(now, &arrival, 405, phrase(405), format!("Allow: {ALLOW}\r\n").into_bytes());
        }
        self.judge(now, world, arrival, trunk);
    }

    fn handle_stranger(&mut self, arrival: &Arrival) {
        self.counters.unknown_source.add(1);
        match self.config.unknown_source {
            UnknownSource::Drop => {}
            // Not remembered: a stranger shall not displace the answers to trunks, and gets the same one again.
            UnknownSource::Refuse => {
                self.answer_once(arrival, &AnswerText { status: 403, phrase: phrase(403).into(), extra: Vec::new() });
            }
        }
    }

    /// RFC 3261 section 16.3, save for the syntax, which the scanner has checked.
    pub(super) fn check(&self, request: &Request, flow: &Flow) -> Result<(), Refusal> {
        let uri = request.uri();
        let known_scheme = match uri.scheme {
            Scheme::Sip | Scheme::Tel => true,
            // It asks for TLS on every hop (section 26.2.2): better no call than one that only seems safe.
            Scheme::Sips => flow.transport == Transport::Tls,
            Scheme::Urn => {
                uri.user.is_some_and(|name| name.get(..8).is_some_and(|it| it.eq_ignore_ascii_case(b"service:")))
            }
            Scheme::Other => false,
        };
        if !known_scheme {
            return Err(Refusal::status(416));
        }
        if request.max_forwards() == Some(0) {
            return Err(Refusal::status(483));
        }
        if self.has_looped(request, flow) {
            return Err(Refusal::status(482));
        }
        // Each question mark in the Request-URI's user is written as three bytes.
        let escapes = 2 * memchr::memchr_iter(b'?', request.uri_bytes()).count();
        let longest = request.bytes().len() + request.uri_bytes().len() + escapes + ADDED_BYTES;
        if longest > MAX_MESSAGE || request.headers().fields().len() + ADDED_FIELDS > MAX_HEADERS {
            return Err(Refusal::status(513));
        }
        // It goes to one target at a time, which takes a breadth of 1 (RFC 5393 section 5.3.3).
        if max_breadth(request.headers()) == Some(0) {
            return Err(Refusal::status(440));
        }
        unsupported(request, HeaderName::ProxyRequire).map_or(Ok(()), Err)
    }

    /// Whether a Via of ours shows that this very request has been here (RFC 3261 16.3 item 4, RFC 5393). The hash is
    /// keyed, so the branch alone proves whose it is, whichever of our addresses the Via names.
    fn has_looped(&self, request: &Request, flow: &Flow) -> bool {
        let mut hash = None;
        let below = request.headers().values(HeaderName::Via).skip(1);
        let branches = below.filter_map(|via| Via::parse(via).ok()?.branch());
        std::iter::once(request.branch())
            .chain(branches)
            .filter_map(Branches::loop_hash_of)
            .any(|ours| ours == *hash.get_or_insert_with(|| loop_hash(&self.config.keys.token, request, flow)))
    }

    /// Whether the Request-URI means us and nobody behind us.
    fn is_for_us(&self, request: &Request, flow: &Flow) -> bool {
        let uri = request.uri();
        uri.user.is_none() && self.config.is_us(uri.host, uri.port, flow)
    }

    fn judge(&mut self, now: Now, world: &World, arrival: Arrival, trunk: TrunkId) {
        let Judged { verdict, parties, record, attempt } = match self.verdict(now, world, &arrival, trunk) {
            Ok(judged) => judged,
            Err(malformed) => {
                self.counters.malformed[malformed as usize].add(1);
                return self.answer(now, &arrival, malformed.status(), &malformed.to_string(), Vec::new());
            }
        };
        let Verdict { outcome, cause, campaigns, .. } = verdict;
        match outcome {
            Outcome::Answer(answer) => {
                if answer.kind != AnswerKind::Returned {
                    self.counters.blocked.add(1);
                }
                let answer = self.show_to_switch(now, world, answer, arrival.request.method());
                if answer.kind == AnswerKind::Returned {
                    if let Some(attempt) = attempt {
                        attempt.stand();
                    }
                    let campaigns = self.counting.campaigns(&campaigns);
                    campaigns.iter().for_each(|campaign| campaign.answers.add(answer.status));
                }
                if let Some(mut record) = record {
                    record.presented = answer.presented().map(|presented| presented.number);
                    self.records.call(now, &record, Some(answer.status));
                }
                let extra = answer_headers(&answer, &arrival.request, &parties, world.policy.trunk(trunk));
                self.answer_with(now, &arrival, AnswerText { status: answer.status, phrase: answer.phrase, extra });
            }
            Outcome::Drop => {
                self.counters.blocked.add(1);
                if let Some(record) = record {
                    self.records.call(now, &record, None);
                }
                self.memory.remember(now.mono, arrival.key, Remembered::Dropped);
            }
            Outcome::Proceed(passage) => {
                let campaigns = self.counting.campaigns(&campaigns);
                let screened = Screened { passage, parties, rule: cause.rule, campaigns, attempt };
                self.proxy_call(now, world, arrival, trunk, screened, record);
            }
        }
    }

    /// What screening says, unless what it looks at cannot be read, or could be read in two ways: what we cannot read, the
    /// next hop perhaps can, and it must not pass unscreened.
    fn verdict(&mut self, now: Now, world: &World, arrival: &Arrival, trunk: TrunkId) -> Result<Judged, Malformed> {
        let request = &arrival.request;
        let headers = request.headers();
        let believed =
            |name| if world.policy.trunk(trunk).trusted { uris(headers, name) } else { Some(SmallVec::new()) };
        let identities = believed(HeaderName::PAssertedIdentity).zip(believed(HeaderName::Diversion));
        let (asserted, diversions) = identities.ok_or(Malformed::Address)?;
        let read: SmallVec<[Option<&[u8]>; 4]> =
            (0..world.policy.headers.len()).map(|at| read_header(&world.policy, headers, at)).collect();
        let from = request.from();
        let facts = CallFacts {
            trunk,
            from: from.uri,
            from_display: from.display,
            asserted: &asserted,
            privacy: wants_privacy(headers, |token| {
                [&b"id"[..], b"user", b"header"].iter().any(|name| token.eq_ignore_ascii_case(name))
            }),
            request_uri: request.uri_bytes(),
            diversions: &diversions,
            headers: &read,
        };
        let view = CallView::new(&world.policy, &facts);
        let draw = self.rng.next_u64();
        if !view.is_emergency() && has_two_of_one(&world.policy.campaign_headers, headers) {
            return Err(Malformed::Duplicate);
        }
        let is_call = request.method() == Method::Invite;
        let (verdict, attempt) = self.decide(now, world, &view, draw, is_call);
        self.counters.judged.add(1);
        self.counting.judged(&verdict);
        let record = matches!(request.method(), Method::Invite | Method::Message).then(|| {
            let to_trunk = match &verdict.outcome {
                Outcome::Proceed(passage) => &*world.policy.trunk(passage.trunk).name,
                Outcome::Answer(_) | Outcome::Drop => "",
            };
            let route = verdict.route().map_or("", |route| &*world.policy.route(route).name);
            let call = JudgedCall {
                call_id: request.call_id(),
                flow: &arrival.flow,
                method: request.method(),
                facts: &facts,
                policy: &world.policy,
                view: &view,
                verdict: &verdict,
                to_trunk,
                route,
                presented: verdict.presented(),
                draw,
            };
            PendingRecord::new(now, &mut self.records.times, &call)
        });
        let parties = Parties::of(&view);
        Ok(Judged { verdict, parties, record, attempt })
    }

    /// Decides, and counts a call that goes on among the attempts to reach its callee. Where another shard has called him
    /// since the decision, so that a limit is reached, the call is decided anew.
    fn decide(
        &self,
        now: Now,
        world: &World,
        view: &CallView<'_>,
        draw: u64,
        is_call: bool,
    ) -> (Verdict, Option<Attempt>) {
        loop {
            let verdict = decide(view, world, &self.usage, now.wall, draw);
            let counted = verdict.counted_attempt().filter(|_| is_call).zip(world.policy.attempts_kept());
            let Some((CountedAttempt { callee, limits }, kept)) = counted else { return (verdict, None) };
            if let Some(attempt) = self.usage.attempts().commit(*callee, limits, kept, now.wall) {
                return (verdict, Some(attempt));
            }
        }
    }

    /// Answers without state: the memory will answer the retransmissions.
    pub(super) fn answer(&mut self, now: Now, arrival: &Arrival, status: u16, phrase: &str, extra: Vec<u8>) {
        self.answer_with(now, arrival, AnswerText { status, phrase: phrase.into(), extra });
    }

    pub(super) fn answer_with(&mut self, now: Now, arrival: &Arrival, answer: AnswerText) {
        let answer = Arc::new(answer);
        self.answer_once(arrival, &answer);
        self.memory.remember(now.mono, arrival.key, Remembered::Answer(answer));
    }

    /// Answers and keeps nothing of it: a retransmission is a request of its own.
    pub(super) fn answer_once(&mut self, arrival: &Arrival, answer: &AnswerText) {
        self.counting.answered(&arrival.flow, asked(&arrival.request), By::Us, answer.status);
        self.reply(arrival, answer);
    }

    fn reply(&mut self, arrival: &Arrival, answer: &AnswerText) {
        let tag = stateless_tag(&self.config.keys.token, &arrival.request);
        let text = Reply { status: answer.status, phrase: &answer.phrase, to_tag: Some(&tag), extra: &answer.extra };
        let bytes = reply(arrival.request.headers(), arrival.flow.peer, text);
        self.send(arrival.back, bytes, None);
    }

    /// Answers a message that could not be read whole; nothing is remembered, because nothing identifies it.
    pub(super) fn reply_stateless(&mut self, headers: &Headers, flow: &Flow, status: u16, phrase: &str) {
        let Some((_, via)) = headers.top_via() else { return };
        let back = way_back(&via, flow);
        let text = Reply { status, phrase, to_tag: Some(b"rfmalformed"), extra: b"" };
        let bytes = reply(headers, flow.peer, text);
        self.counting.answered(flow, Asked::Other, By::Us, status);
        self.send(back, bytes, None);
    }

    /// CANCEL belongs to the INVITE with its branch (RFC 3261 sections 9.2 and 16.10).
    fn handle_cancel(&mut self, now: Now, world: &World, arrival: &Arrival, invite: ServerKey) {
        let proxied = self.transactions.server(&invite).and_then(|server| self.transactions.server_context(server));
        let known = proxied.is_some() || self.memory.find(&invite).is_some();
        if !known && self.trunk_of(&world.policy, &arrival.flow).is_none() {
            return self.handle_stranger(arrival);
        }
        let status = if known { 200 } else { 481 };
        self.answer(now, arrival, status, phrase(status), Vec::new());
        if let Some(Context::Proxy(proxy)) = proxied {
            // There may be one for each protocol (RFC 3326 section 2).
            let reasons: SmallVec<[&[u8]; 2]> = arrival.request.headers().values(HeaderName::Reason).collect();
            self.cancel_proxy(now, proxy, &reasons.join(&b", "[..]));
        }
    }

    /// An ACK ends an INVITE transaction, or belongs to a 2xx and goes on, or to an answer that kept no state.
    fn handle_ack(&mut self, now: Now, world: &World, arrival: Arrival) {
        use crate::transaction::AckOutcome;
        let request = &arrival.request;
        if let Some(server) = self.transactions.server(&arrival.key)
            && self.transactions.handle_ack(now.mono, server) == AckOutcome::Absorbed
        {
            return;
        }
        // Our own answer keeps no state but the memory; in a dialog it has the callee's tag.
        if has_stateless_tag(&self.config.keys.token, request) || self.memory.find(&arrival.key).is_some() {
            return;
        }
        self.route_ack(now, world, arrival);
    }
}

/// Why a request goes no further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub status: u16,
    /// Whole header lines.
    pub extra: Vec<u8>,
}

impl Refusal {
    pub(super) fn status(status: u16) -> Refusal {
        Refusal { status, extra: Vec::new() }
    }
}

/// Refuses the extensions that a request requires: none is known here (RFC 3261 sections 8.2.2.3 and 16.3).
fn unsupported(request: &Request, name: HeaderName) -> Option<Refusal> {
    let required: Vec<&[u8]> = request.headers().values(name).collect();
    let extra = || [b"Unsupported: ", &required.join(&b", "[..])[..], b"\r\n"].concat();
    (!required.is_empty()).then(|| Refusal { status: 420, extra: extra() })
}

/// The addr-specs of a header's values; `None` when one of them cannot be read.
fn uris(headers: &Headers, name: HeaderName) -> Option<SmallVec<[&[u8]; 2]>> {
    let uri = |value| NameAddr::parse(value).ok().map(|address| address.uri).filter(|uri| Uri::parse(uri).is_ok());
    headers.values(name).map(uri).collect()
}

/// Whether a header that marks the calls of a campaign stands twice: one parser goes by the first and another by the last.
fn has_two_of_one(names: &[Arc<str>], headers: &Headers) -> bool {
    names.iter().any(|name| headers.others(name.as_bytes()).nth(1).is_some())
}

/// The value of one of the headers that rules read: the first. One that asks for a number must stand there once, and of
/// Feature-Caps it is the one that rules look for, if there is one.
fn read_header<'h>(policy: &Policy, headers: &'h Headers, at: usize) -> Option<&'h [u8]> {
    let name = &*policy.headers[at];
    let mut values = headers.others(name.as_bytes()).map(|field| headers.slice(field.value));
    let first = values.next()?;
    if policy.asking_headers.contains(&at) {
        return Some(first).filter(|_| values.next().is_none());
    }
    if name != FEATURE_CAPS || signals_608(first) {
        return Some(first);
    }
    values.find(|value| signals_608(value)).or(Some(first))
}

fn answer_headers(answer: &Answer, request: &Request, parties: &Parties, asked_by: &Trunk) -> Vec<u8> {
    let mut extra = Vec::new();
    if let Some(reason) = &answer.reason {
        extra.extend_from_slice(format!("Reason: {reason}\r\n").as_bytes());
    }
    if let Some(seconds) = answer.retry_after {
        extra.extend_from_slice(format!("Retry-After: {seconds}\r\n").as_bytes());
    }
    if let Some(contact) = &answer.contact {
        extra.extend_from_slice(format!("Contact: <{contact}>\r\n").as_bytes());
    }
    if let Some(directions) = &answer.directions {
        directions::write(directions, request, parties.callee(), asked_by, &mut extra);
    }
    if let Some(card) = &answer.card {
        extra.extend_from_slice(format!("Call-Info: <{card}>;purpose=jwscard\r\n").as_bytes());
    }
    if answer.diverted {
        diversion(request.uri_bytes(), &mut extra);
    }
    extra
}

fn request_parts(request: &Request) -> RequestParts<'_> {
    let via = request.via();
    RequestParts {
        method: request.method_name(),
        branch: Some(request.branch()).filter(|branch| !branch.is_empty()),
        sent_by_host: via.host,
        sent_by_port: via.port,
        request_uri: request.uri_bytes(),
        from_tag: Some(request.from_tag()).filter(|tag| !tag.is_empty()),
        to_tag: request.to_tag(),
        call_id: request.call_id(),
        cseq: request.cseq(),
        via: request.headers().slice(request.via_span()),
    }
}

/// The way that responses to a request take (RFC 3261 section 18.2.2): its connection, and should that be gone a new one
/// to where the sender listens; over UDP the address that Via and source give.
fn way_back(via: &Via<'_>, flow: &Flow) -> Flow {
    if flow.transport.is_reliable() {
        // A link-local address keeps its zone.
        let mut listens = flow.peer;
        listens.set_port(via.port.unwrap_or(flow.transport.default_port()));
        flow.towards(listens)
    } else {
        flow.towards(via.response_address(flow.peer))
    }
}
