//! The `[sip]` table.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

use super::Dscp;
use crate::flow::Transport;
use crate::sip;
use crate::time::parse_span;

/// Where SIP is spoken, and what bounds it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SipConfig {
    /// The sockets.
    pub listen: Vec<ListenConfig>,
    /// How routers shall treat what the sockets send, save those that say otherwise.
    pub dscp: Dscp,
    /// A request that is longer than this, in bytes, leaves by a stream instead of UDP where there is one (RFC 3261 section
    /// 18.1.1); `None`: never.
    pub stream_above: Option<usize>,
    /// Shards; 0: one for each core.
    pub workers: u16,
    /// What becomes of a call from an address of no trunk.
    pub unknown_source: UnknownSource,
    /// A call without BYE is closed in records and counters after this.
    #[serde(deserialize_with = "span")]
    pub call_expires: Duration,
    /// How long a process that is told to end waits for calls that are being set up.
    #[serde(deserialize_with = "span")]
    pub drain: Duration,
    /// Connections over TCP and TLS, accepted and made, together.
    pub connections: NonZeroUsize,
    /// Connections accepted from one address.
    pub connections_per_source: NonZeroUsize,
    /// How long a connection may bring nothing at all.
    #[serde(deserialize_with = "span")]
    pub idle: Duration,
}

impl Default for SipConfig {
    fn default() -> SipConfig {
        SipConfig {
            listen: vec![
                ListenConfig::new(Transport::Udp, DEFAULT_ADDR),
                ListenConfig::new(Transport::Tcp, DEFAULT_ADDR),
            ],
            dscp: Dscp::default(),
            stream_above: None,
            workers: 0,
            unknown_source: UnknownSource::default(),
            call_expires: DEFAULT_CALL_EXPIRES,
            drain: DEFAULT_DRAIN,
            connections: DEFAULT_CONNECTIONS,
            connections_per_source: DEFAULT_CONNECTIONS_PER_SOURCE,
            idle: DEFAULT_IDLE,
        }
    }
}

/// One socket: `"udp:0.0.0.0:5060"`, or a table such as
/// `{ name = "core", addr = "udp:0.0.0.0:5060", advertise = "203.0.113.5:5060", dscp = "cs3" }`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "ListenForm")]
pub struct ListenConfig {
    /// The transport.
    pub transport: Transport,
    /// The address to bind; port 0 lets the system choose.
    pub addr: SocketAddr,
    /// The host and port that neighbours are told; without it the local address that routes to them.
    pub advertise: Option<(Box<str>, Option<u16>)>,
    /// What trunks call it.
    pub name: Option<Box<str>>,
    /// Instead of [`SipConfig::dscp`].
    pub dscp: Option<Dscp>,
}

impl ListenConfig {
    fn new(transport: Transport, addr: SocketAddr) -> ListenConfig {
        ListenConfig { transport, addr, advertise: None, name: None, dscp: None }
    }
}

/// What becomes of a call from an address of no trunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum UnknownSource {
    /// It is counted and not answered: a scanner learns nothing.
    #[default]
    #[serde(rename = "drop")]
    Drop,
    /// It is answered 403.
    #[serde(rename = "403")]
    Refuse,
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected a text such as \"udp:0.0.0.0:5060\", or a table with `addr`, `advertise`, `name` and `dscp`"
)]
enum ListenForm {
    Text(String),
    Table(ListenTable),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListenTable {
    addr: String,
    advertise: Option<String>,
    name: Option<String>,
    dscp: Option<Dscp>,
}

impl TryFrom<ListenForm> for ListenConfig {
    type Error = ListenError;

    fn try_from(form: ListenForm) -> Result<ListenConfig, ListenError> {
        let table = match form {
            ListenForm::Text(addr) => ListenTable { addr, advertise: None, name: None, dscp: None },
            ListenForm::Table(table) => table,
        };
        let ListenTable { addr, advertise, name, dscp } = table;
        let (transport, addr) = addr.split_once(':').ok_or(ListenError::Form)?;
        let transport = Transport::parse(transport.as_bytes()).ok_or(ListenError::Form)?;
        let addr = addr.parse().map_err(|_| ListenError::Form)?;
        let advertise = advertise.map(|text| parse_advertised(&text)).transpose()?;
        // With a colon it would be an `addr`, which trunks may name as well.
        if name.as_ref().is_some_and(|name| name.is_empty() || name.contains(':')) {
            return Err(ListenError::Name);
        }
        Ok(ListenConfig { advertise, name: name.map(Into::into), dscp, ..ListenConfig::new(transport, addr) })
    }
}

/// Why a `listen` is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ListenError {
    /// It is no transport, address and port.
    #[error("expected a transport, an IP address and a port, such as \"udp:0.0.0.0:5060\"")]
    Form,
    /// The advertised address is none.
    #[error("expected a host with or without a port to advertise, such as \"203.0.113.5:5060\"")]
    Advertise,
    /// The name is empty or looks like an address.
    #[error("expected a name without a colon, such as \"core\"")]
    Name,
}

fn parse_advertised(text: &str) -> Result<(Box<str>, Option<u16>), ListenError> {
    let uri = format!("sip:{text}");
    let uri = sip::Uri::parse(uri.as_bytes()).map_err(|_| ListenError::Advertise)?;
    if uri.user.is_some() || !uri.params.is_empty() || !uri.headers.is_empty() {
        return Err(ListenError::Advertise);
    }
    let host = std::str::from_utf8(uri.host).map_err(|_| ListenError::Advertise)?;
    Ok((host.into(), uri.port))
}

fn span<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_span(&text).ok_or_else(|| de::Error::custom("expected a time such as \"500ms\", \"4s\", \"10m\" or \"12h\""))
}

/// RFC 3261 section 19.1.2, on every address of the machine.
const DEFAULT_ADDR: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 5060);

/// Longer than people talk; a call that outlives it lost its BYE.
const DEFAULT_CALL_EXPIRES: Duration = Duration::from_secs(12 * 3600);

/// Most calls are answered, refused or given up by then; service managers kill after 90 s.
const DEFAULT_DRAIN: Duration = Duration::from_secs(60);

/// A neighbour's switch opens a handful of connections, so this serves hundreds of neighbours, and all together hold at
/// most 256 MB of half-read messages (each at most 64 kB).
const DEFAULT_CONNECTIONS: NonZeroUsize = NonZeroUsize::new(4096).expect("above zero");

/// More than any switch opens, and few enough that one address cannot use up [`DEFAULT_CONNECTIONS`].
const DEFAULT_CONNECTIONS_PER_SOURCE: NonZeroUsize = NonZeroUsize::new(128).expect("above zero");

/// Longer than the half hour at which session timers (RFC 4028) usually refresh a call, so that a BYE finds the
/// connection of its INVITE.
const DEFAULT_IDLE: Duration = Duration::from_secs(3600);
