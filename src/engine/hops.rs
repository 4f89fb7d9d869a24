//! Which way a message takes to a next hop.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use super::action::Hop;
use super::settings::{EngineConfig, Listener};
use crate::flow::{ConnectionId, Flow, ListenerId, PeerIdentity, Sockets, Transport};
use crate::sip::{self, Scheme, Target, Uri};

/// What is known of the way to a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Way {
    /// It can be sent to at once.
    Flow(Flow),
    /// The network must be asked.
    Ask(Target),
    /// No socket of ours speaks its transport or address family.
    Unreachable,
}

impl Way {
    /// The same, if what is known of it may be taken.
    pub(super) fn guarded(self, guard: Guard) -> Way {
        match self {
            Way::Flow(flow) => guard.pass(flow).map_or(Way::Unreachable, Way::Flow),
            way => way,
        }
    }
}

/// Where a request with this next-hop URI goes (RFC 3261 section 16.6 item 7); `otherwise` is the transport that is meant
/// where the URI names none.
pub(super) fn target_of(uri: &Uri<'_>, otherwise: Option<Transport>) -> Option<Target> {
    let host = uri.param(b"maddr").map_or_else(|| uri.target(), sip::Host::parse).ok()?;
    match (uri.scheme, uri.param(b"transport")) {
        (Scheme::Sips, _) => Some(Target::sips(host, uri.port)),
        (Scheme::Sip, Some(token)) => Some(Target::new(host, uri.port, Some(Transport::parse(token)?))),
        (Scheme::Sip, None) => Some(Target::new(host, uri.port, otherwise)),
        _ => None,
    }
}

/// What must hold of a way before a request takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Guard {
    /// The request goes over TLS or not at all: it is for a `sips:` URI (RFC 3261 section 26.2.2), or the other side of its
    /// dialog is spoken to by TLS.
    pub needs_tls: bool,
    /// Whom the peer of a TLS connection must prove to be.
    pub identity: Option<PeerIdentity>,
    /// The connection by which the peer at this address came into the call: it may be behind it alone, and needs no
    /// other proof.
    pub connection: Option<(IpAddr, ConnectionId)>,
}

impl Guard {
    /// The way with what its peer must prove; `None` where the request must not go.
    pub(super) fn pass(&self, flow: Flow) -> Option<Flow> {
        if flow.transport != Transport::Tls {
            return (!self.needs_tls).then_some(flow);
        }
        let of_call = self.connection.filter(|(ip, _)| *ip == flow.peer_ip()).map(|(_, connection)| connection);
        let (identity, connection) = (flow.identity.or(self.identity), flow.connection.or(of_call));
        (identity.is_some() || connection.is_some()).then_some(Flow { identity, connection, ..flow })
    }
}

/// The hops that names have given one request.
#[derive(Debug, Default)]
pub(super) struct Hops {
    /// Those not tried yet, all of the name that was looked up last.
    left: VecDeque<Flow>,
    given: usize,
    /// The way by UDP of a request that was too long for it, in case that no connection can be made.
    pub datagram: Option<Flow>,
}

/// The most hops of names that one request tries: what DNS says is bounded, what the config says is not. A caller waits
/// no longer than for eight times `try_for`, if as long.
pub const MOST_HOPS: usize = 8;

/// The most hops that a name is resolved to: DNS could name any number. Many more than one request tries, for each of them
/// is probed, and always the same are as long as there are no more.
pub const MOST_RESOLVED: usize = 64;

impl Hops {
    /// Takes those hops of a target that are to be tried, of a name no more than may still be.
    pub(super) fn add(&mut self, target: &Target, hops: impl IntoIterator<Item = Flow>) {
        match target {
            Target::Address { .. } => self.left.extend(hops),
            Target::Name(_) => {
                let before = self.left.len();
                self.left.extend(hops.into_iter().take(MOST_HOPS.saturating_sub(self.given)));
                self.given += self.left.len() - before;
            }
        }
    }

    /// The next hop to try.
    pub(super) fn next(&mut self) -> Option<Flow> {
        self.left.pop_front()
    }

    /// Those that have not been tried.
    pub(super) fn left(&self) -> impl ExactSizeIterator<Item = &Flow> {
        self.left.iter()
    }

    /// Whether no further name is worth a look-up.
    pub(super) fn are_spent(&self) -> bool {
        self.given >= MOST_HOPS
    }
}

/// The local addresses that route to peers, where a wildcard socket leaves them open.
#[derive(Debug, Default)]
pub(super) struct Locals {
    known: HashMap<(ListenerId, IpAddr), (IpAddr, Instant)>,
}

/// Routes change seldom, and a wrong answer is asked again soon.
const KEEP: Duration = Duration::from_secs(60);

/// More peers than a carrier has neighbours; beyond it all are asked for anew.
const MOST: usize = 4_096;

impl Locals {
    pub(super) fn learn(&mut self, now: Instant, hop: &Hop) {
        let key = (hop.listener, hop.peer.ip());
        if self.known.len() >= MOST && !self.known.contains_key(&key) {
            self.known.clear();
        }
        self.known.insert(key, (hop.local, now + KEEP));
    }

    /// The way to a target from one of these sockets.
    pub(super) fn way(&self, now: Instant, config: &EngineConfig, target: &Target, sockets: &Sockets) -> Way {
        let (transport, addr) = match target {
            Target::Address { transport, addr } => (*transport, *addr),
            // Which family a name has, and often which transport, is known when it is resolved.
            Target::Name(name) => {
                let speaks = |listener: &Listener| name.transport.is_none_or(|wanted| wanted == listener.transport);
                let is_spoken = sockets.first(&config.listeners, speaks).is_some();
                return if is_spoken { Way::Ask(target.clone()) } else { Way::Unreachable };
            }
        };
        let Some(listener) = config.listener_for(sockets, transport, addr.ip()) else { return Way::Unreachable };
        match self.local(now, listener, addr.ip()) {
            Some(local) => Way::Flow(flow(listener, addr, local)),
            None => Way::Ask(target.clone()),
        }
    }

    /// Our address towards a peer, where the socket or an earlier answer of the network says it.
    fn local(&self, now: Instant, listener: &Listener, peer: IpAddr) -> Option<IpAddr> {
        let bound = listener.bind.ip();
        if !bound.is_unspecified() {
            return Some(bound);
        }
        let known = self.known.get(&(listener.id, peer));
        known.filter(|(_, until)| *until > now).map(|(local, _)| *local)
    }
}

/// The address that a way leads to.
pub(super) fn address_of(flow: &Flow) -> Target {
    Target::Address { transport: flow.transport, addr: flow.peer }
}

/// The way from a socket to a peer.
pub(super) fn flow(listener: &Listener, peer: SocketAddr, local: IpAddr) -> Flow {
    Flow {
        transport: listener.transport,
        listener: listener.id,
        local: SocketAddr::new(local, listener.bind.port()),
        peer,
        connection: None,
        identity: None,
    }
}
