//! What the caller of [`Net::start`](super::Net::start) decides.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::{DnsConfig, Inherited, TlsStore};
use crate::engine::{Dscp, SipConfig};
use crate::flow::{ListenerId, ProvenNames, Transport};

/// The sockets to open, and their limits.
pub struct NetConfig {
    /// `sip.listen`, in its order.
    pub listeners: Vec<Listen>,
    /// Those that are open already.
    pub inherited: Inherited,
    /// Whether shard *n* is bound to the *n*-th processor that this process may use.
    pub pin: bool,
    /// Limits of connections.
    pub streams: StreamLimits,
    /// Who is asked for names.
    pub dns: DnsConfig,
    /// Whose certificates are shown and believed from now on; whoever reloads replaces what is in it.
    pub tls: Arc<TlsStore>,
    /// Where it is kept what the peers of connections have proved; the engines have the same.
    pub proven: Arc<ProvenNames>,
    /// What Call-IDs are hashed with to find their shard; the engines have the same.
    pub shard_key: [u8; 16],
}

impl NetConfig {
    /// These sockets, with the default limits.
    pub fn new(listeners: Vec<Listen>, shard_key: [u8; 16]) -> NetConfig {
        NetConfig {
            listeners,
            inherited: Inherited::default(),
            pin: false,
            streams: StreamLimits::default(),
            dns: DnsConfig::default(),
            tls: Arc::default(),
            proven: Arc::default(),
            shard_key,
        }
    }
}

/// One socket among `sip.listen`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen {
    /// Its position there.
    pub id: ListenerId,
    /// What is spoken on it.
    pub transport: Transport,
    /// Where it listens. With an unspecified address a reply leaves from the address its request came to; port 0
    /// takes a free port.
    pub bind: SocketAddr,
    /// How routers shall treat what it sends.
    pub dscp: Dscp,
}

/// Limits of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamLimits {
    /// Connections accepted and made, together.
    pub connections: usize,
    /// Connections accepted from one address.
    pub per_source: usize,
    /// How long a connection may take to open, with the handshake where it is TLS.
    pub connect: Duration,
    /// How long a message may take from its first byte to its last.
    pub message: Duration,
    /// How long a connection may bring nothing at all.
    pub idle: Duration,
}

impl StreamLimits {
    /// Those that `[sip]` sets, beside those that nobody has to.
    pub fn new(sip: &SipConfig) -> StreamLimits {
        StreamLimits {
            connections: sip.connections.get(),
            per_source: sip.connections_per_source.get(),
            connect: CONNECT_TIMEOUT,
            message: MESSAGE_TIMEOUT,
            idle: sip.idle,
        }
    }
}

impl Default for StreamLimits {
    fn default() -> StreamLimits {
        StreamLimits::new(&SipConfig::default())
    }
}

/// Where chunks of records go. It must not wait; what it cannot take it drops and counts itself.
pub type Records = Arc<dyn Fn(Vec<u8>) + Send + Sync>;

/// Two retransmissions of a SYN (after 1 s and 3 s). A trunk's `try_for` is usually shorter and wins.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);

/// A message of 64 kB over a line that still carries a call (64 kbit/s) takes 8 s; whoever sends a byte now and then
/// to hold a connection open takes longer.
const MESSAGE_TIMEOUT: Duration = Duration::from_secs(10);
