//! The `[tls]` table.

use std::path::PathBuf;

use serde::Deserialize;

/// Whose certificates we show and believe.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// The file of our certificate: the host's own first, then those that lead from it to its authority.
    pub certificate: PathBuf,
    /// The file of its private key.
    pub key: PathBuf,
    /// The file of the authorities that certificates of peers must come from; omitted: those of the system.
    pub authorities: Option<PathBuf>,
    /// Whether who connects to us shows a certificate.
    #[serde(default)]
    pub client_certificates: ClientCertificates,
    /// `[[tls.identity]]`: further certificates of ours, for the server names that stand in them.
    #[serde(default, rename = "identity")]
    pub identities: Vec<IdentityConfig>,
}

/// A certificate of ours.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityConfig {
    /// Its file, as that of [`TlsConfig::certificate`].
    pub certificate: PathBuf,
    /// The file of its private key.
    pub key: PathBuf,
}

/// What is asked of who connects to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientCertificates {
    /// Without a good certificate there is no connection.
    Require,
    /// He may show one: a bad one ends the connection, and trunks with `tls_names` take nobody without.
    #[default]
    Ask,
    /// None is asked for.
    Off,
}
