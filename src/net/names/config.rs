//! The `[dns]` table.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

use crate::time::parse_span;

/// Who is asked for names, and how long.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DnsConfig {
    /// The servers; none: those of `/etc/resolv.conf`.
    pub servers: Vec<DnsServer>,
    /// How long all questions about one name may take together.
    #[serde(deserialize_with = "span")]
    pub timeout: Duration,
}

impl Default for DnsConfig {
    fn default() -> DnsConfig {
        DnsConfig { servers: Vec::new(), timeout: DEFAULT_TIMEOUT }
    }
}

/// One server: an address, with a port where it is not 53.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct DnsServer(pub SocketAddr);

impl TryFrom<String> for DnsServer {
    type Error = DnsServerError;

    fn try_from(text: String) -> Result<DnsServer, DnsServerError> {
        let with_port = text.parse::<SocketAddr>().ok();
        let address = with_port.or_else(|| Some(SocketAddr::new(text.parse::<IpAddr>().ok()?, DOMAIN)));
        address.filter(|address| address.port() != 0).map(DnsServer).ok_or(DnsServerError)
    }
}

/// A server that is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an IP address with or without a port, such as \"192.0.2.53\" or \"127.0.0.1:5353\"")]
pub struct DnsServerError;

fn span<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let span = parse_span(&text).filter(|span| (SHORTEST..=LONGEST).contains(span));
    span.ok_or_else(|| de::Error::custom("expected a time from \"100ms\" to \"30s\""))
}

/// RFC 1035 section 4.2.
const DOMAIN: u16 = 53;

/// As long as a target is waited for by default (`try_for`): a caller does not mind which of both is late.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(4);

/// Less would take a server on another continent for a dead one.
const SHORTEST: Duration = Duration::from_millis(100);

/// Callers have given up by then (Timer B).
const LONGEST: Duration = Duration::from_secs(30);
