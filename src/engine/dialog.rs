//! Requests inside a dialog: never screened, routed by their Route set, or, where a peer has lost it, along the call.

use std::sync::Arc;

use bytes::Bytes;
use smallvec::SmallVec;

use super::calls::call_key;
use super::counting::{Counting, asked};
use super::forward::{Names, Outgoing, ResponseTrust};
use super::hops::{Guard, Hops, Way, target_of};
use super::proxy::{Open, Plan, Returning};
use super::record::EndedBy;
use super::request::{Arrival, Refusal};
use super::ringing::Kept;
use super::settings::EngineConfig;
use super::shard::{Engine, Waiting};
use super::token::Token;
use crate::flow::{Flow, ListenerId, ProvenNames, Sockets, Transport};
use crate::screen::{Policy, Trunk, TrunkId, World};
use crate::sip::{
    HeaderName, Method, NameAddr, Request, Response, Scheme, Span, Splice, Target, Uri, phrase, request_uri,
};
use crate::time::Now;
use crate::usage::CallKey;

/// A request inside a dialog and where it goes.
#[derive(Debug)]
pub(super) struct InDialog {
    policy: Arc<Policy>,
    came_by: Flow,
    /// The request, for an ACK that waits; other requests are held by their proxy.
    ack: Option<Box<Request>>,
    pub target: Target,
    /// The sockets that it may leave by.
    pub sockets: Sockets,
    /// The side that it goes to is spoken to by TLS.
    needs_tls: bool,
    /// The way, when it follows a live call instead of a Route set.
    pub direct: Option<Flow>,
    pub guard: Guard,
    /// The Request-URI that it goes on with, where that changes.
    uri: Option<Vec<u8>>,
    /// Route values of ours, and the last one where a strict router put it into the Request-URI.
    consumed: SmallVec<[Span; 2]>,
    /// What a strict router wants to find below all Routes.
    appended: Option<Vec<u8>>,
    token: Token,
    /// The caller's trunk and the callee's, if the config still has them.
    caller_trunk: Option<TrunkId>,
    callee_trunk: Option<TrunkId>,
    /// The token as it came, for another Record-Route; `None` where the peer has lost it.
    token_text: Option<Span>,
    from_caller: bool,
    tried: bool,
}

/// Who is ours in a Route set.
struct Routing {
    token: Token,
    token_text: Span,
    uri: Option<Vec<u8>>,
    consumed: SmallVec<[Span; 2]>,
    appended: Option<Vec<u8>>,
    next_hop: Target,
    /// The side that it goes to is spoken to by TLS.
    needs_tls: bool,
    caller_trunk: Option<TrunkId>,
    callee_trunk: Option<TrunkId>,
    from_caller: bool,
    /// The socket that the last Route of ours names: that of the side which the request goes to.
    socket: Option<ListenerId>,
}

impl Engine {
    pub(super) fn handle_in_dialog(&mut self, now: Now, world: &World, arrival: Arrival) {
        let request = &arrival.request;
        let Some(in_dialog) = self.route(now, world, request, &arrival.flow) else {
            // Strangers are told nothing here either.
            if self.trunk_of(&world.policy, &arrival.flow).is_none() {
                return self.counters.unknown_source.add(1);
            }
            return self.answer(now, &arrival, 481, phrase(481), Vec::new());
        };
        if let Err(Refusal { status, extra }) = self.check(request, &arrival.flow) {
            return self.answer(now, &arrival, status, phrase(status), extra);
        }
        let names = in_dialog.token.concealed.as_ref().map(|concealed| {
            let answered_by_hidden = concealed.hidden && !in_dialog.from_caller;
            Box::new(Names::of(request, answered_by_hidden))
        });
        let ends = (request.method() == Method::Bye).then(|| {
            let ended_by = if in_dialog.from_caller { EndedBy::Caller } else { EndedBy::Callee };
            (self.key_of(request), ended_by)
        });
        let trust = ResponseTrust {
            distrusted: in_dialog.next_trunk().is_some_and(|trunk| !trunk.trusted),
            protected: in_dialog.sender_trunk().is_some_and(|trunk| !trunk.trusted),
        };
        let open = Open {
            asked: asked(request),
            request: Kept::Whole(Box::new(arrival.request)),
            came_by: arrival.flow.into(),
            came_at: now.mono,
            plan: Plan::Dialog(Box::new(in_dialog)),
            best: None,
            hops: Hops::default(),
            record: None,
        };
        self.open_proxy(now, world, arrival.key, arrival.back, open, Returning { names, trust, ends });
    }

    /// An ACK to a 2xx goes on without a transaction (RFC 3261 section 16.11); what belongs to no call is dropped.
    pub(super) fn route_ack(&mut self, now: Now, world: &World, arrival: Arrival) {
        let Arrival { request, flow, .. } = arrival;
        let in_dialog = request.to_tag().and_then(|_| self.route(now, world, &request, &flow));
        let Some(mut in_dialog) = in_dialog.filter(|_| request.max_forwards() != Some(0)) else {
            return self.counters.stray_acks.add(1);
        };
        let way = match in_dialog.direct {
            Some(flow) => Way::Flow(flow),
            None => self.way(now, &in_dialog.target, &in_dialog.sockets),
        };
        let way = way.guarded(in_dialog.guard);
        in_dialog.ack = Some(Box::new(request));
        match way {
            Way::Flow(flow) => self.forward_ack(&in_dialog, flow),
            Way::Ask(target) => {
                self.ask(target, in_dialog.sockets.clone(), Waiting::Ack(Box::new(in_dialog)));
            }
            Way::Unreachable => self.counters.stray_acks.add(1),
        }
    }

    pub(super) fn forward_ack(&mut self, in_dialog: &InDialog, flow: Flow) {
        let Some(ack) = &in_dialog.ack else { return };
        let via = ack.headers().slice(ack.via_span());
        let branch = self.branches.write_stateless(via, ack.call_id());
        let bytes = in_dialog.write(ack, &self.config, &self.counting, &mut self.splice, &flow, &branch);
        self.send(flow, bytes, None);
    }

    fn key_of(&self, request: &Request) -> CallKey {
        let tag = request.to_tag().unwrap_or_default();
        call_key(&self.config.keys.token, request.call_id(), request.from_tag(), tag)
    }

    pub(super) fn key_of_response(&self, response: &Response) -> CallKey {
        let tag = response.to_tag().unwrap_or_default();
        call_key(&self.config.keys.token, response.call_id(), response.from_tag(), tag)
    }

    /// Where a request with a To tag goes: by our token, or along a live call; `None` when it belongs to no dialog.
    fn route(&mut self, now: Now, world: &World, request: &Request, flow: &Flow) -> Option<InDialog> {
        let mut in_dialog = self.follow_token(now, world, request, flow)?;
        in_dialog.guard = self.guard_of(&in_dialog, request);
        Some(in_dialog)
    }

    /// Over TLS only the trunk at the other side may get what belongs to the call. A peer without certificate is known by
    /// the connection that the call came by.
    fn guard_of(&self, in_dialog: &InDialog, request: &Request) -> Guard {
        let needs_tls = in_dialog.needs_tls || request.uri().scheme == Scheme::Sips;
        if !in_dialog.target.is_tls() {
            return Guard { needs_tls, ..Guard::default() };
        }
        let of_call = self.calls.find(self.key_of(request)).and_then(|call| {
            let side = if in_dialog.from_caller { &call.callee } else { &call.caller };
            let flow = side.flow.get();
            Some((flow.peer_ip(), flow.connection.filter(|_| flow.transport == Transport::Tls)?))
        });
        // What is no call, or not yet: the caller's connection stands in the token.
        let Token { process, came_by_tls, .. } = &in_dialog.token;
        let of_caller = came_by_tls.as_deref().filter(|_| !in_dialog.from_caller && *process == self.process);
        let identity = in_dialog.next_trunk().and_then(|trunk| trunk.peers.of_any());
        Guard { needs_tls, identity, connection: of_call.or(of_caller.copied()) }
    }

    fn follow_token(&mut self, now: Now, world: &World, request: &Request, flow: &Flow) -> Option<InDialog> {
        if let Some(routing) = self.read_routes(&world.policy, request, flow)
            && self.may_refresh(now, &routing.token, request)
        {
            let Routing { token, token_text, uri, consumed, appended, next_hop, from_caller, socket, .. } = routing;
            let Routing { needs_tls, caller_trunk, callee_trunk, .. } = routing;
            let next_trunk = if from_caller { callee_trunk } else { caller_trunk };
            let via = next_trunk.map(|trunk| &world.policy.trunk(trunk).via);
            return Some(InDialog {
                caller_trunk,
                callee_trunk,
                sockets: self.config.sockets_towards(token.seen_onward(from_caller), via, socket),
                policy: world.policy.clone(),
                came_by: *flow,
                ack: None,
                target: next_hop,
                needs_tls,
                direct: None,
                guard: Guard::default(),
                uri,
                consumed,
                appended,
                token,
                token_text: Some(token_text),
                from_caller,
                tried: false,
            });
        }
        self.follow_call(world, request, flow)
    }

    /// Whether an INVITE with this token belongs to a call that is up. A token alone would let its caller send INVITEs
    /// with invented To tags past screening; only what an earlier process let through, and may still be up, is believed
    /// without a look at the calls.
    fn may_refresh(&self, now: Now, token: &Token, request: &Request) -> bool {
        request.method() != Method::Invite
            || self.calls.find(self.key_of(request)).is_some()
            || (token.process != self.process
                && u64::from(now.wall.seconds().saturating_sub(token.minted)) < self.config.call_expires.as_secs())
    }

    /// The way of a request whose sender has lost our Record-Route: to the other side of its call.
    fn follow_call(&mut self, world: &World, request: &Request, flow: &Flow) -> Option<InDialog> {
        let call = self.calls.find(self.key_of(request))?;
        let from_caller = call.token.is_from_caller(&self.config.keys, request.from_tag());
        let (sender, other) = if from_caller { (&call.caller, &call.callee) } else { (&call.callee, &call.caller) };
        if sender.flow.get().peer_ip() != flow.peer_ip() {
            return None;
        }
        let onward = other.flow.get();
        let uri = request.uri();
        let means_us = self.config.is_us(uri.host, uri.port, flow);
        let uri = (means_us && !other.contact.is_empty()).then(|| other.contact.to_vec());
        let routes = request.headers().named(HeaderName::Route).map(|field| field.line);
        let (keys, policy) = (&self.config.keys, &world.policy);
        Some(InDialog {
            caller_trunk: self.trunks.find(keys, policy, call.token.caller_trunk),
            callee_trunk: self.trunks.find(keys, policy, call.token.callee_trunk),
            policy: world.policy.clone(),
            came_by: *flow,
            ack: None,
            target: Target::Address { transport: onward.transport, addr: onward.peer },
            sockets: Sockets::Only([onward.listener].into()),
            needs_tls: false,
            // What was demanded of the peer then may be demanded no more: the guard says what is now.
            direct: Some(Flow { identity: None, ..onward }),
            guard: Guard::default(),
            uri,
            consumed: routes.collect(),
            appended: None,
            token: call.token.clone(),
            token_text: None,
            from_caller,
            tried: false,
        })
    }

    /// Reads the Route set by RFC 3261 section 16.4: consecutive Routes of ours at its top are consumed together, and
    /// a strict router's Request-URI is put right. `None` without a token of ours, or when it leads to us or nowhere.
    fn read_routes(&mut self, policy: &Arc<Policy>, request: &Request, flow: &Flow) -> Option<Routing> {
        let headers = request.headers();
        let values: SmallVec<[&[u8]; 4]> = headers.values(HeaderName::Route).collect();
        let (mut token, mut socket) = (None, None);
        let mut uri: Option<Vec<u8>> = None;
        let mut last = values.len();
        // A strict router before us has put our Route into the Request-URI and the target at the end (16.4).
        if let Some(ours) = self.token_in(&request.uri(), request.call_id()) {
            token = Some(ours);
            socket = self.config.socket_named(&request.uri());
            last = last.checked_sub(1)?;
            uri = Some(request_uri(NameAddr::parse(values[last]).ok()?.uri)?.into_owned());
        }
        let mut first = 0;
        while first < last {
            let route = NameAddr::parse(values[first]).ok()?;
            let Ok(uri) = Uri::parse(route.uri) else { break };
            let ours = self.token_in(&uri, request.call_id());
            if ours.is_none() && !self.config.is_us(uri.host, uri.port, flow) {
                break;
            }
            token = token.or(ours);
            socket = self.config.socket_named(&uri).or(socket);
            first += 1;
        }
        let (token, token_text) = token?;
        let from_caller = token.sender(&self.config.keys, request)?;
        let (target, read) = request_target(uri.as_deref(), request)?;
        if let Some(stripped) = self.without_our_maddr(target, &read, flow) {
            uri = Some(stripped);
        }
        let mut appended = None;
        let next = match values[first..last].first() {
            Some(route) => {
                let route = NameAddr::parse(route).ok()?.uri;
                let next = Uri::parse(route).ok()?;
                if next.param(b"lr").is_none() {
                    // The next hop is a strict router itself (16.6 item 6).
                    first += 1;
                    let target = uri.replace(request_uri(route)?.into_owned());
                    appended = Some(target.unwrap_or_else(|| request.uri_bytes().to_vec()));
                }
                next
            }
            None => request_target(uri.as_deref(), request)?.1,
        };
        let [caller_trunk, callee_trunk] =
            [token.caller_trunk, token.callee_trunk].map(|trunk| self.trunks.find(&self.config.keys, policy, trunk));
        let needs_tls = if from_caller {
            callee_trunk.is_some_and(|trunk| policy.trunk(trunk).is_reached_by_tls_only())
        } else {
            token.came_by_tls.is_some()
        };
        let next_hop = match token.seen_onward(from_caller) {
            // What its Contact says, is said of another network.
            Some((transport, addr)) => Target::Address { transport, addr },
            None if self.config.is_us(next.param(b"maddr").unwrap_or(next.host), next.port, flow) => return None,
            // Where its Contact leaves the transport open, it stays what it was.
            None => target_of(&next, needs_tls.then_some(Transport::Tls))?,
        };
        let consumed = consumed_places(request, &values, first, last);
        Some(Routing {
            token,
            token_text: headers.span(token_text),
            uri,
            consumed,
            appended,
            next_hop,
            needs_tls,
            caller_trunk,
            callee_trunk,
            from_caller,
            socket,
        })
    }

    /// A Request-URI less the maddr that names us, and the port and transport that say how we are reached (16.4).
    fn without_our_maddr(&self, bytes: &[u8], uri: &Uri<'_>, flow: &Flow) -> Option<Vec<u8>> {
        let default = if uri.scheme == Scheme::Sips { Transport::Tls } else { Transport::Udp };
        let transport = uri.param(b"transport").map_or(Some(default), Transport::parse);
        if !self.config.is_us(uri.param(b"maddr")?, uri.port, flow) || transport != Some(flow.transport) {
            return None;
        }
        let end_of = |part: &[u8]| part.as_ptr() as usize - bytes.as_ptr() as usize + part.len();
        let mut out = bytes[..end_of(uri.host)].to_vec();
        uri.write_params_without(&[b"maddr", b"transport"], &mut out);
        Some(out)
    }

    /// A token of ours, and its text.
    fn token_in<'a>(&self, uri: &Uri<'a>, call_id: &[u8]) -> Option<(Token, &'a [u8])> {
        let text = uri.user?;
        Token::read(&self.config.keys, call_id, text).map(|token| (token, text))
    }
}

/// Where a request means to go: its Request-URI, or the one that stands in for it.
fn request_target<'a>(changed: Option<&'a [u8]>, request: &'a Request) -> Option<(&'a [u8], Uri<'a>)> {
    match changed {
        Some(bytes) => Uri::parse(bytes).ok().map(|uri| (bytes, uri)),
        None => Some((request.uri_bytes(), request.uri())),
    }
}

/// The places to take out so that the values before `first` and from `last` on are gone.
fn consumed_places(request: &Request, values: &[&[u8]], first: usize, last: usize) -> SmallVec<[Span; 2]> {
    let headers = request.headers();
    let mut places = SmallVec::new();
    let mut at = 0;
    for field in headers.named(HeaderName::Route) {
        let count = crate::sip::Values::new(headers.slice(field.value)).count();
        let kept: SmallVec<[usize; 4]> = (at..at + count).filter(|index| (first..last).contains(index)).collect();
        match (kept.first(), kept.last()) {
            (Some(&from), Some(&to)) if kept.len() < count => {
                let (start, end) = (headers.span(values[from]).start, headers.span(values[to]).end);
                places.push(Span { start: field.value.start, end: start });
                places.push(Span { start: end, end: field.value.end });
            }
            (Some(_), Some(_)) => {}
            _ => places.push(field.line),
        }
        at += count;
    }
    places
}

impl InDialog {
    pub(super) fn next_target(&mut self) -> Option<Target> {
        let first = !std::mem::replace(&mut self.tried, true);
        first.then(|| self.target.clone())
    }

    /// The trunk that it goes to, if the config still has it.
    fn next_trunk(&self) -> Option<&Trunk> {
        let id = if self.from_caller { self.callee_trunk } else { self.caller_trunk };
        id.map(|id| self.policy.trunk(id))
    }

    /// The trunk that it came from, if the config still has it.
    fn sender_trunk(&self) -> Option<&Trunk> {
        let id = if self.from_caller { self.caller_trunk } else { self.callee_trunk };
        id.map(|id| self.policy.trunk(id))
    }

    /// Whether a request that takes this way reaches the caller's trunk, by whose addresses or certificate he is known.
    fn reaches_caller(&self, flow: &Flow, proven: &ProvenNames, counting: &Counting) -> bool {
        let Some(trunk) = self.caller_trunk else { return false };
        self.direct.is_some()
            || flow.identity.is_some()
            || self
                .policy
                .trunk(trunk)
                .to
                .iter()
                .any(|target| matches!(target, Target::Address { addr, .. } if *addr == flow.peer))
            || counting.leads_to(&self.policy, trunk, flow)
            || self.policy.trunk_of(flow, proven) == Some(trunk)
    }

    /// The request as it goes on.
    pub(super) fn write(
        &self,
        request: &Request,
        config: &EngineConfig,
        counting: &Counting,
        splice: &mut Splice,
        flow: &Flow,
        branch: &[u8],
    ) -> Bytes {
        let listener = config.listener(flow.listener);
        let mut out = Outgoing { request, splice };
        out.via(self.came_by.peer, listener, flow, branch);
        // Who restarts learns his Route set anew (16.6 item 4); who subscribes takes it from NOTIFY (RFC 6665 section 4.3).
        if let Some(token) = self.token_text.filter(|_| request.method().may_make_dialog()) {
            let sides = [(listener, flow), (config.listener(self.came_by.listener), &self.came_by)];
            out.record_route(request.headers().slice(token), sides);
        }
        out.hop_headers();
        out.routes(&self.consumed, self.appended.as_deref());
        if let Some(uri) = &self.uri {
            out.request_uri(|out| out.extend_from_slice(uri));
        }
        let next = self.next_trunk();
        // A trunk that the config no longer has is nobody whom we trust.
        if !self.sender_trunk().is_some_and(|trunk| trunk.trusted) {
            out.distrust();
        }
        if !next.is_some_and(|trunk| trunk.trusted) {
            out.protect();
        }
        out.remove_named(&self.policy.removed_headers);
        if self.token.presented.is_some() || self.token.concealed.is_some() {
            let mut host = Vec::with_capacity(48);
            listener.sent_by(flow.local.ip(), &mut host);
            let reaches_caller = self.reaches_caller(flow, &config.proven, counting);
            out.follow_token(&self.token, self.from_caller, next, &host, reaches_caller);
        }
        splice.finish(request.headers())
    }
}
