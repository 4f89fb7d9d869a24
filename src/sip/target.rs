//! Where a SIP URI sends a request.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use super::uri::Host;
use crate::flow::Transport;

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
    /// With a transport NAPTR is not asked (section 4.1).
    pub transport: Option<Transport>,
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
            Host::Name(name) => Target::Name(TargetName { host: name.into(), port, transport }),
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
        write!(f, "sip:{}", self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        match self.transport {
            Some(transport) => write!(f, ";transport={transport}"),
            None => Ok(()),
        }
    }
}
