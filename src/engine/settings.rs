//! What an engine is built with; none of it changes while it lives.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use super::action::Hop;
use super::config::UnknownSource;
use crate::flow::{Flow, ListenerId, ProvenNames, Sockets, Transport};
use crate::sip::{Host, Scheme, Uri};
use crate::text::{put_decimal, put_host};
use crate::transaction::Timings;

/// One of the configured sockets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// Its position in `sip.listen`.
    pub id: ListenerId,
    /// Its transport.
    pub transport: Transport,
    /// The address it is bound to, with the port that it really has.
    pub bind: SocketAddr,
    /// The host, and perhaps the port, that neighbours shall see instead of the local address.
    pub advertise: Option<(Box<str>, Option<u16>)>,
}

impl Listener {
    /// What Via and Record-Route say when a message leaves by this socket from `local`.
    pub fn sent_by(&self, local: IpAddr, out: &mut Vec<u8>) {
        let port = match &self.advertise {
            Some((host, port)) => {
                out.extend_from_slice(host.as_bytes());
                port.unwrap_or(self.bind.port())
            }
            None => {
                put_host(local, out);
                self.bind.port()
            }
        };
        out.push(b':');
        put_decimal(port, out);
    }

    /// Whether a host and port in a message stand for this socket, reached at `local`.
    pub fn is_named(&self, host: &[u8], port: Option<u16>, local: IpAddr) -> bool {
        if let Some((name, advertised)) = &self.advertise
            && is_same_host(host, name)
            && port.unwrap_or(self.transport.default_port()) == advertised.unwrap_or(self.bind.port())
        {
            return true;
        }
        if port.unwrap_or(self.transport.default_port()) != self.bind.port() {
            return false;
        }
        let ip = if self.bind.ip().is_unspecified() { local } else { self.bind.ip() };
        Host::is_address(host, ip)
    }

    /// Whether what is sent to `peer` comes in on this socket; `local` is the address that routes there.
    fn is_at(&self, peer: SocketAddr, local: IpAddr) -> bool {
        let bound = self.bind.ip();
        let is_here = if bound.is_unspecified() {
            self.bind.is_ipv4() == peer.is_ipv4() && (peer.ip() == local || peer.ip().is_loopback())
        } else {
            peer.ip() == bound
        };
        let is_advertised = self.advertise.as_ref().is_some_and(|(host, port)| {
            port.unwrap_or(self.bind.port()) == peer.port() && Host::is_address(host.as_bytes(), peer.ip())
        });
        is_advertised || (is_here && self.bind.port() == peer.port())
    }
}

/// Whether two hosts are one; an IPv6 address has many spellings.
fn is_same_host(host: &[u8], name: &str) -> bool {
    host.eq_ignore_ascii_case(name.as_bytes())
        || (name.starts_with('[') && host.starts_with(b"[") && Host::parse(host) == Host::parse(name.as_bytes()))
}

/// Secrets made once for an installation: with them tokens, tags and shards survive a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keys {
    /// Of the keyed hashes in Record-Route tokens and To tags.
    pub token: [u8; 16],
    /// Of the hash that chooses a call's shard.
    pub shard: [u8; 16],
    /// Of the cipher around what a token restores.
    pub seal: [u8; 32],
}

impl Keys {
    /// How many random bytes they are made of.
    pub const LENGTH: usize = 64;

    /// The keys that these random bytes make.
    pub fn from_bytes(bytes: &[u8; Keys::LENGTH]) -> Keys {
        let mut keys = Keys { token: [0; 16], shard: [0; 16], seal: [0; 32] };
        keys.token.copy_from_slice(&bytes[..16]);
        keys.shard.copy_from_slice(&bytes[16..32]);
        keys.seal.copy_from_slice(&bytes[32..]);
        keys
    }
}

/// What an engine is built with.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// The sockets, by [`ListenerId`].
    pub listeners: Vec<Listener>,
    /// The installation's secrets.
    pub keys: Keys,
    /// How many shards there are.
    pub shards: usize,
    /// What happens to strangers.
    pub unknown_source: UnknownSource,
    /// When a call without BYE is closed in records and counters.
    pub call_expires: Duration,
    /// The timers of RFC 3261.
    pub timings: Timings,
    /// A request that is longer than this, in bytes, leaves by a stream instead of UDP; `None`: never.
    pub stream_above: Option<usize>,
    /// What the peers of TLS connections have proved; the network writes it.
    pub proven: Arc<ProvenNames>,
}

impl EngineConfig {
    /// A socket by its id, which must come from this config.
    pub fn listener(&self, id: ListenerId) -> &Listener {
        &self.listeners[usize::from(id.0)]
    }

    /// The socket that messages to `peer` leave by: the first of these that has its transport and address family.
    pub fn listener_for(&self, sockets: &Sockets, transport: Transport, peer: IpAddr) -> Option<&Listener> {
        let fits = |listener: &Listener| listener.transport == transport && listener.bind.is_ipv4() == peer.is_ipv4();
        sockets.first(&self.listeners, fits)
    }

    /// The socket that a Route of ours names; `None` where there are no two of a kind to choose from. A wildcard socket stands
    /// for every address of its family: the other side of a call may reach us at another one than this side.
    pub(super) fn socket_named(&self, route: &Uri<'_>) -> Option<ListenerId> {
        // There are six kinds, so that this ends soon, and with one socket of each nothing need be read.
        let kind = |listener: &Listener| (listener.transport, listener.bind.is_ipv4());
        let has_double =
            |(at, listener): (usize, &Listener)| self.listeners[..at].iter().any(|other| kind(other) == kind(listener));
        if !self.listeners.iter().enumerate().any(has_double) {
            return None;
        }
        // We write none into one that is `sips:`.
        let default = if route.scheme == Scheme::Sips { Transport::Tls } else { Transport::Udp };
        let transport = route.param(b"transport").map_or(Some(default), Transport::parse)?;
        let is_named = |listener: &&Listener| {
            let any = match route.target() {
                Ok(Host::Address(ip)) if ip.is_ipv4() == listener.bind.is_ipv4() => ip,
                _ => listener.bind.ip(),
            };
            listener.transport == transport && listener.is_named(route.host, route.port, any)
        };
        self.listeners.iter().find(is_named).map(|listener| listener.id)
    }

    /// The sockets that lead to a side of a call. Where it was seen behind an address translation, that is the one that it has
    /// used, for no other is let through; else those of its trunk's `via`; else all, with the one that it has used before the
    /// others.
    pub(super) fn sockets_towards(
        &self,
        seen: Option<(Transport, SocketAddr)>,
        via: Option<&Sockets>,
        used: Option<ListenerId>,
    ) -> Sockets {
        let wanted = used.map_or(Sockets::Any, Sockets::First);
        // Which one it has used is not known where our addresses have changed since.
        let likely = if used.is_none() { via.unwrap_or(&wanted) } else { &wanted };
        let listener_for = |(transport, addr): (Transport, SocketAddr)| {
            let found = self.listener_for(likely, transport, addr.ip());
            found.or_else(|| self.listener_for(&wanted, transport, addr.ip()))
        };
        match (seen.and_then(listener_for), via) {
            (Some(listener), _) => Sockets::Only([listener.id].into()),
            (None, Some(via @ Sockets::Only(_))) => via.clone(),
            (None, _) => wanted,
        }
    }

    /// Whether a hop is one of our own sockets.
    pub(super) fn is_own(&self, hop: &Hop) -> bool {
        let mut sockets = self.listeners.iter().filter(|listener| listener.transport == hop.transport);
        sockets.any(|listener| listener.is_at(hop.peer, hop.local))
    }

    /// Whether a host and port in a message that came by `flow` stand for us.
    pub fn is_us(&self, host: &[u8], port: Option<u16>, flow: &Flow) -> bool {
        self.listeners.iter().any(|listener| listener.is_named(host, port, flow.local.ip()))
    }
}
