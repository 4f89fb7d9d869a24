//! Where a SIP URI sends a request.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use super::uri::Host;
use crate::flow::{PeerName, Transport};

/// Where a SIP URI sends a request (RFC 3263 section 4): TARGET there, with port and transport.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// An address: nothing is looked up.
    Address {
        /// The transport.
        transport: Transport,
        /// The address and port.
        addr: SocketAddr,
    },
    /// A name to be looked up.
    Name(TargetName),
}

/// A name to be looked up, and what its URI says beside it: the less, the more DNS decides.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TargetName {
    /// The name, in lower case.
    pub host: Arc<str>,
    /// With a port neither NAPTR nor SRV is asked (RFC 3263 section 4.2).
    pub port: Option<u16>,
    /// With a transport NAPTR is not asked (section 4.1), unless the URI is `sips:`.
    pub transport: Option<Transport>,
    /// The URI is `sips:`: only what leads to TLS is asked for.
    pub is_sips: bool,
}

impl Target {
    /// The target of a URI that has these parts.
    pub fn new(host: Host, port: Option<u16>, transport: Option<Transport>) -> Target {
        match host {
            Host::Address(ip) => {
                // RFC 3263 section 4.1: an address without a transport is spoken to by UDP.
                let transport = transport.unwrap_or(Transport::Udp);
                Target::Address { transport, addr: SocketAddr::new(ip, port.unwrap_or(transport.default_port())) }
            }
            Host::Name(name) => Target::Name(TargetName { host: name.into(), port, transport, is_sips: false }),
        }
    }

    /// The target of a `sips:` URI: TLS, and nothing else (RFC 3261 section 26.2.2).
    pub fn sips(host: Host, port: Option<u16>) -> Target {
        match Target::new(host, port, Some(Transport::Tls)) {
            Target::Name(name) => Target::Name(TargetName { is_sips: true, ..name }),
            address => address,
        }
    }

    /// Whether it is spoken to by TLS, whatever DNS says.
    pub fn is_tls(&self) -> bool {
        let (Target::Address { transport, .. } | Target::Name(TargetName { transport: Some(transport), .. })) = self
        else {
            return false;
        };
        *transport == Transport::Tls
    }

    /// Whom a peer there must prove to be: the name of the URI and not what DNS makes of it (RFC 5922 section 7.3).
    pub fn peer_name(&self) -> PeerName {
        match self {
            Target::Address { addr, .. } => PeerName::Address(addr.ip()),
            Target::Name(name) => PeerName::domain(&name.host),
        }
    }
}

/// An address as `udp:192.0.2.1:5060`, a name as its URI.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Address { transport, addr } => write!(f, "{transport}:{addr}"),
            Target::Name(name) => name.fmt(f),
        }
    }
}

impl fmt::Display for TargetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", if self.is_sips { "sips" } else { "sip" }, self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        match self.transport {
            Some(transport) if !self.is_sips => write!(f, ";transport={transport}"),
            _ => Ok(()),
        }
    }
}
