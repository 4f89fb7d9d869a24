//! Which way a message takes to a next hop.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use super::action::Host;
use super::settings::{EngineConfig, Listener};
use crate::flow::{Flow, ListenerId, Transport};
use crate::sip::{self, Scheme, Uri};

/// A place to send to, as a URI or a trunk names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Destination {
    pub host: Host,
    pub port: u16,
    pub transport: Transport,
}

/// What is known of the way to a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Way {
    /// It can be sent to at once.
    Flow(Flow),
    /// The network must be asked, on behalf of this socket.
    Ask(ListenerId),
    /// No socket of ours speaks its transport or address family.
    Unreachable,
}

impl Destination {
    pub(super) fn address(addr: SocketAddr, transport: Transport) -> Destination {
        Destination { host: Host::Address(addr.ip()), port: addr.port(), transport }
    }

    /// Where a request with this next-hop URI goes (RFC 3261 section 16.6 item 7, without NAPTR and SRV).
    pub(super) fn of_uri(uri: &Uri<'_>) -> Option<Destination> {
        let transport = match (uri.scheme, uri.param(b"transport")) {
            (Scheme::Sips, _) => Transport::Tls,
            (Scheme::Sip, Some(token)) => Transport::parse(token)?,
            (Scheme::Sip, None) => Transport::Udp,
            _ => return None,
        };
        let host = match uri.param(b"maddr").map_or_else(|| uri.target(), sip::Host::parse).ok()? {
            sip::Host::Address(ip) => Host::Address(ip),
            sip::Host::Name(name) => Host::Name(name.into()),
        };
        Some(Destination { host, port: uri.port.unwrap_or(transport.default_port()), transport })
    }
}

/// The local addresses that route to peers, where a wildcard socket leaves them open.
#[derive(Debug, Default)]
pub(super) struct Locals {
    known: HashMap<IpAddr, (IpAddr, Instant)>,
}

/// Routes change seldom, and a wrong answer is asked again soon.
const KEEP: Duration = Duration::from_secs(60);

/// More peers than a carrier has neighbours; beyond it all are asked for anew.
const MOST: usize = 4_096;

impl Locals {
    pub(super) fn learn(&mut self, now: Instant, peer: IpAddr, local: IpAddr) {
        if self.known.len() >= MOST && !self.known.contains_key(&peer) {
            self.known.clear();
        }
        self.known.insert(peer, (local, now + KEEP));
    }

    pub(super) fn way(&self, now: Instant, config: &EngineConfig, destination: &Destination) -> Way {
        let Host::Address(ip) = destination.host else {
            // Which family a name has is known when it is resolved; a socket of either will do to ask.
            let listener = config.listeners.iter().find(|listener| listener.transport == destination.transport);
            return listener.map_or(Way::Unreachable, |listener| Way::Ask(listener.id));
        };
        let Some(listener) = config.listener_for(destination.transport, ip) else { return Way::Unreachable };
        let bound = listener.bind.ip();
        let local = if bound.is_unspecified() {
            self.known.get(&ip).filter(|(_, until)| *until > now).map(|(local, _)| *local)
        } else {
            Some(bound)
        };
        match local {
            Some(local) => Way::Flow(flow(listener, SocketAddr::new(ip, destination.port), local)),
            None => Way::Ask(listener.id),
        }
    }
}

/// The way from a socket to a peer.
pub(super) fn flow(listener: &Listener, peer: SocketAddr, local: IpAddr) -> Flow {
    Flow {
        transport: listener.transport,
        listener: listener.id,
        local: SocketAddr::new(local, listener.bind.port()),
        peer,
        connection: None,
    }
}
