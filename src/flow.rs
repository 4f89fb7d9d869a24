//! Flow: the transport, addresses and connection that a message came by or leaves by.

mod identity;

use std::fmt;
use std::net::{IpAddr, SocketAddr, SocketAddrV4};
use std::num::NonZeroU64;
use std::sync::Arc;

pub use identity::{AltName, PeerDemand, PeerIdentity, PeerName, PeerNames, ProvenNames};

/// A SIP transport protocol (RFC 3261 section 18; TLS is `SIPS`-less `TLS` in Via).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Transport {
    /// Datagrams; messages are retransmitted by the transaction layer.
    Udp,
    /// A stream framed by Content-Length.
    Tcp,
    /// TCP under TLS.
    Tls,
}

impl Transport {
    /// Whether the transport itself delivers or fails: no retransmissions, and the timers D, I, J and K are zero.
    pub fn is_reliable(self) -> bool {
        self != Transport::Udp
    }

    /// The token of a Via's `sent-protocol`.
    pub fn via_token(self) -> &'static str {
        match self {
            Transport::Udp => "UDP",
            Transport::Tcp => "TCP",
            Transport::Tls => "TLS",
        }
    }

    /// The value of a SIP URI's `transport` parameter.
    pub fn uri_token(self) -> &'static str {
        match self {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
            Transport::Tls => "tls",
        }
    }

    /// The parameter of a SIP URI that asks for it; UDP is what a URI without one means (RFC 3263 section 4.1).
    pub fn uri_param(self) -> &'static str {
        match self {
            Transport::Udp => "",
            Transport::Tcp => ";transport=tcp",
            Transport::Tls => ";transport=tls",
        }
    }

    /// Reads either spelling, in any case; `None` for a transport that Ringfence does not speak.
    pub fn parse(token: &[u8]) -> Option<Transport> {
        [Transport::Udp, Transport::Tcp, Transport::Tls]
            .into_iter()
            .find(|transport| token.eq_ignore_ascii_case(transport.uri_token().as_bytes()))
    }

    /// The port of a URI or Via that names none (RFC 3261 section 19.1.2).
    pub fn default_port(self) -> u16 {
        match self {
            Transport::Udp | Transport::Tcp => 5060,
            Transport::Tls => 5061,
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.uri_token())
    }
}

/// Names one stream connection for as long as it is open; never reused within a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConnectionId(pub u64);

/// Which of the configured `sip.listen` sockets: its position there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ListenerId(pub u16);

/// Which of the `sip.listen` sockets may be used, and which of them is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Sockets {
    /// All, in their order.
    #[default]
    Any,
    /// These and no other, in this order.
    Only(Arc<[ListenerId]>),
    /// All, but this one before the others.
    First(ListenerId),
}

impl Sockets {
    /// Whether this one may be used.
    pub fn holds(&self, socket: ListenerId) -> bool {
        match self {
            Sockets::Any | Sockets::First(_) => true,
            Sockets::Only(sockets) => sockets.contains(&socket),
        }
    }

    /// Whether there is one that both may use.
    pub fn overlap(&self, other: &Sockets) -> bool {
        match self {
            Sockets::Any | Sockets::First(_) => !matches!(other, Sockets::Only(sockets) if sockets.is_empty()),
            Sockets::Only(sockets) => sockets.iter().any(|&socket| other.holds(socket)),
        }
    }

    /// The first that may be used and that `fits`, of all sockets, which stand in the order of their ids.
    pub fn first<'a, S>(&self, all: &'a [S], fits: impl Fn(&S) -> bool) -> Option<&'a S> {
        let by_id = |socket: &ListenerId| all.get(usize::from(socket.0)).filter(|socket| fits(socket));
        match self {
            Sockets::Any => all.iter().find(|socket| fits(socket)),
            Sockets::Only(sockets) => sockets.iter().find_map(by_id),
            Sockets::First(socket) => by_id(socket).or_else(|| all.iter().find(|socket| fits(socket))),
        }
    }
}

/// The way of one message.
///
/// On a message that came in, `local` is the address it was sent to, also on a wildcard socket. On a message that
/// goes out, `local.ip()` may be unspecified: then the kernel chooses; `connection` is tried first, and when it
/// is `None` or closed a connection to `peer` is reused or opened (RFC 3261 section 18.1.1, 18.2.2). Over TLS only one
/// whose peer has proved `identity` is: without an identity none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Flow {
    /// The transport.
    pub transport: Transport,
    /// The socket among `sip.listen`.
    pub listener: ListenerId,
    /// Our address.
    pub local: SocketAddr,
    /// The neighbour's address.
    pub peer: SocketAddr,
    /// The connection, on streams.
    pub connection: Option<ConnectionId>,
    /// Whom the peer must prove to be, on a message that goes out over TLS. What has proved who sent a message that came
    /// in stands in [`ProvenNames`].
    pub identity: Option<PeerIdentity>,
}

impl Flow {
    /// The same way to another address of the same neighbour: what a response without a usable connection takes.
    pub fn towards(self, peer: SocketAddr) -> Flow {
        Flow { peer, ..self }
    }

    /// The neighbour's address without its port.
    pub fn peer_ip(&self) -> IpAddr {
        self.peer.ip()
    }
}

/// A [`Flow`] that is kept for as long as a call, which keeps several: over IPv4 it takes a third of the room.
#[derive(Debug, Clone)]
pub struct KeptFlow(Repr);

#[derive(Debug, Clone)]
enum Repr {
    V4 {
        transport: Transport,
        listener: ListenerId,
        local: SocketAddrV4,
        peer: SocketAddrV4,
        /// The number of a [`ConnectionId`].
        connection: Option<NonZeroU64>,
        identity: Option<PeerIdentity>,
    },
    Other(Box<Flow>),
}

impl KeptFlow {
    /// The flow.
    pub fn get(&self) -> Flow {
        match self.0 {
            Repr::V4 { transport, listener, local, peer, connection, identity } => {
                let connection = connection.map(|number| ConnectionId(number.get()));
                Flow { transport, listener, local: local.into(), peer: peer.into(), connection, identity }
            }
            Repr::Other(ref flow) => **flow,
        }
    }
}

impl From<Flow> for KeptFlow {
    fn from(flow: Flow) -> KeptFlow {
        let Flow { transport, listener, identity, .. } = flow;
        let connection = flow.connection.and_then(|id| NonZeroU64::new(id.0));
        let is_whole = connection.is_some() == flow.connection.is_some();
        KeptFlow(match (flow.local, flow.peer) {
            (SocketAddr::V4(local), SocketAddr::V4(peer)) if is_whole => {
                Repr::V4 { transport, listener, local, peer, connection, identity }
            }
            _ => Repr::Other(Box::new(flow)),
        })
    }
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}>{}", self.transport, self.peer, self.local)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_found_in_the_order_in_which_they_are_wanted() {
        let all = ["udp", "tcp", "udp too"];
        let is_udp = |name: &&str| name.starts_with("udp");
        let only = |ids: &[u16]| Sockets::Only(ids.iter().copied().map(ListenerId).collect());
        for (sockets, found) in [
            (Sockets::Any, Some("udp")),
            (Sockets::First(ListenerId(2)), Some("udp too")),
            (Sockets::First(ListenerId(1)), Some("udp")),
            (only(&[1, 2, 0]), Some("udp too")),
            (only(&[1]), None),
            (only(&[7]), None),
        ] {
            assert_eq!(sockets.first(&all, is_udp).copied(), found, "{sockets:?}");
        }
    }

    #[test]
    fn sockets_overlap_where_one_is_in_both() {
        let only = |ids: &[u16]| Sockets::Only(ids.iter().copied().map(ListenerId).collect());
        for (one, other, overlap) in [
            (Sockets::Any, Sockets::Any, true),
            (Sockets::Any, only(&[3]), true),
            (only(&[1, 3]), only(&[3]), true),
            (only(&[1]), only(&[3]), false),
            (Sockets::Any, only(&[]), false),
        ] {
            assert_eq!((one.overlap(&other), other.overlap(&one)), (overlap, overlap), "{one:?} {other:?}");
        }
    }

    #[test]
    fn a_kept_flow_is_the_flow_and_small() {
        for (local, peer) in [("10.0.0.1:5060", "10.0.0.2:5070"), ("[fe80::1%2]:5060", "[fe80::2%2]:5070")] {
            for connection in [None, Some(ConnectionId(0)), Some(ConnectionId(u64::MAX))] {
                let (local, peer) = (local.parse().expect("an address"), peer.parse().expect("an address"));
                let name = PeerName::domain("a.example");
                let identity = Some(PeerDemand::new(name.clone(), vec![name], None).id);
                let flow =
                    Flow { transport: Transport::Tls, listener: ListenerId(7), local, peer, connection, identity };
                assert_eq!(KeptFlow::from(flow).get(), flow);
            }
        }
        assert_eq!(size_of::<KeptFlow>(), 32);
    }
}
