//! Why certificates cannot be used.

use std::io;
use std::path::PathBuf;

/// Why the files of certificates are refused; the text names the file.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{} cannot be read: {kind}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        kind: io::ErrorKind,
    },
    /// A file is no PEM (RFC 7468).
    #[error("{}: expected PEM: a line such as -----BEGIN CERTIFICATE-----, and what belongs to it", .path.display())]
    Pem {
        /// The file.
        path: PathBuf,
    },
    /// A file of certificates has none.
    #[error("{}: there is no certificate in it", .path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// A file of a key has none.
    #[error("{}: there is no private key in it", .path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// A certificate that cannot be used.
    #[error("{}: {reason}", .path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What rustls says of it.
        reason: rustls::Error,
    },
    /// A key of another certificate, or of a kind that is not known.
    #[error("{}: it is no key for {}: {reason}", .key.display(), .certificate.display())]
    Key {
        /// The file of the key.
        key: PathBuf,
        /// The file of the certificate.
        certificate: PathBuf,
        /// What rustls says of the two.
        reason: rustls::Error,
    },
    /// No authority is known, so that no peer could be believed.
    #[error(
        "the system has no certificates of authorities: install ca-certificates, or name a file in tls.authorities"
    )]
    NoSystemAuthorities,
    /// A name that no certificate can bear.
    #[error("\"{name}\" in the `to` of a trunk is no name that TLS knows")]
    ServerName {
        /// The name.
        name: Box<str>,
    },
    /// rustls refuses what all of it amounts to.
    #[error("TLS cannot be set up: {0}")]
    Setup(rustls::Error),
}

impl TlsError {
    /// The file that is to blame.
    pub fn file(&self) -> Option<&PathBuf> {
        match self {
            TlsError::Unreadable { path, .. }
            | TlsError::Pem { path }
            | TlsError::NoCertificate { path }
            | TlsError::NoKey { path }
            | TlsError::Certificate { path, .. }
            | TlsError::Key { key: path, .. } => Some(path),
            TlsError::NoSystemAuthorities | TlsError::ServerName { .. } | TlsError::Setup(_) => None,
        }
    }
}
