//! The files that a config names, and what is in them.

use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::{IdentityConfig, Tls, TlsConfig, TlsError};
use crate::flow::PeerDemand;

/// What a whole config says of TLS; all paths are relative to the working directory.
#[derive(Debug, Clone, PartialEq)]
pub struct TlsFiles {
    /// `[tls]`
    pub config: TlsConfig,
    /// What trunks are shown instead of its certificate, by [`PeerDemand::certificate`].
    pub shown: Vec<(Arc<str>, IdentityConfig)>,
    /// What the peers of trunks must prove.
    pub demands: Vec<Arc<PeerDemand>>,
}

impl TlsFiles {
    /// Reads all files: all of it, or the first mistake.
    pub fn read(&self) -> Result<Tls, TlsError> {
        Tls::read(self)
    }
}

/// A certificate of ours with its key, which must be its own.
pub(super) fn read_identity(files: &IdentityConfig, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let IdentityConfig { certificate, key } = files;
    let chain = read_certificates(certificate)?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| match error {
        pem::Error::NoItemsFound => TlsError::NoKey { path: key.clone() },
        error => unread(key, &error),
    })?;
    CertifiedKey::from_der(chain, private, provider).map_err(|reason| match reason {
        rustls::Error::InvalidCertificate(_) => TlsError::Certificate { path: certificate.clone(), reason },
        reason => TlsError::Key { key: key.clone(), certificate: certificate.clone(), reason },
    })
}

/// The authorities of a file, or those of the system.
pub(super) fn read_authorities(path: Option<&Path>) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    let Some(path) = path else {
        // Some systems have certificates that are older than the rules of today: the others are enough.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        return if roots.is_empty() { Err(TlsError::NoSystemAuthorities) } else { Ok(roots) };
    };
    for certificate in read_certificates(path)? {
        roots.add(certificate).map_err(|reason| TlsError::Certificate { path: path.into(), reason })?;
    }
    Ok(roots)
}

fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = certificates.map_err(|error| unread(path, &error))?;
    if certificates.is_empty() { Err(TlsError::NoCertificate { path: path.into() }) } else { Ok(certificates) }
}

fn unread(path: &Path, error: &pem::Error) -> TlsError {
    match error {
        pem::Error::Io(error) => TlsError::Unreadable { path: path.into(), kind: error.kind() },
        _ => TlsError::Pem { path: path.into() },
    }
}
