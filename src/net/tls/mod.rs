//! TLS: whose certificates we show and believe.
//!
//! * `config` is the table `[tls]`; `files` says which files a whole config names, and reads them.
//! * [`Tls`] is what was read of them: how connections are accepted, and how one is opened for each
//!   [`PeerDemand`](crate::flow::PeerDemand). A reload puts another one into the [`TlsStore`]; connections that are open go
//!   on as they are.
//! * `own` chooses which certificate of ours a peer is shown, `peer` checks theirs (RFC 5922).
//!
//! There is no way to leave a peer unchecked. Handshakes are made in `stream`.

mod config;
mod error;
mod files;
mod material;
mod own;
mod peer;

#[cfg(test)]
mod tests;

pub use config::{ClientCertificates, IdentityConfig, TlsConfig};
pub use error::TlsError;
pub use files::TlsFiles;
pub use material::{Tls, TlsStore, TlsWarning};

pub(super) use material::Client;
pub(super) use peer::names_of;
