//! The `[admin]` table.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::Deserialize;

/// Where the admin port listens and whom it believes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The address of the HTTP server.
    pub listen: SocketAddr,
    /// The file of bearer tokens; without it `listen` must be a loopback address. Relative to the config file, which
    /// the config row resolves.
    pub tokens: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Config {
        Config { listen: DEFAULT_LISTEN, tokens: None }
    }
}

/// Loopback, so that a config without an `[admin]` table opens nothing to the network.
const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8060);
