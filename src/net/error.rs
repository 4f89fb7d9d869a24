//! Why the sockets could not be opened.

use std::io;
use std::net::SocketAddr;

use crate::flow::Transport;

/// Why [`Net::start`](super::Net::start) failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetError {
    /// A socket of `sip.listen` could not be opened.
    #[error("cannot listen on {transport}:{address}: {}", describe(*.kind))]
    Listen {
        /// What was to be spoken.
        transport: Transport,
        /// Where.
        address: SocketAddr,
        /// What the kernel said.
        kind: io::ErrorKind,
    },
    /// The service manager passed something else than a UDP socket or one that listens for connections.
    #[error("number {index} of what the service manager passes is no UDP socket and does not listen for connections")]
    NoSocket {
        /// Its position, from 0.
        index: usize,
    },
    /// The service manager passed an IPv6 socket that takes IPv4 as well.
    #[error("the socket at {address} that the service manager passes takes IPv4 as well: set BindIPv6Only=ipv6-only")]
    TakesBoth {
        /// Where it is bound.
        address: SocketAddr,
    },
    /// The service manager passed a socket that no listener is for.
    #[error("the service manager passes a socket at {address}, which sip.listen does not name")]
    NotNamed {
        /// Where it is bound.
        address: SocketAddr,
    },
    /// No engine was given, or more than a shard number can name.
    #[error("the number of shards must be from 1 to {}", u16::MAX)]
    Shards,
    /// A thread or its eventfd could not be made.
    #[error("cannot start a shard: {}", describe(*.kind))]
    Shard {
        /// What the kernel said.
        kind: io::ErrorKind,
    },
}

fn describe(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::AddrInUse => "the address is in use; is another ringfence running?",
        io::ErrorKind::AddrNotAvailable => "no interface of this machine has the address",
        io::ErrorKind::PermissionDenied => "permission denied",
        io::ErrorKind::QuotaExceeded | io::ErrorKind::OutOfMemory => "too few resources",
        _ => "the operating system refused",
    }
}
