//! Which certificate of ours a peer is shown.

use std::sync::Arc;

use rustls::client::verify_server_name;
use rustls::pki_types::ServerName;
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// Our certificates.
#[derive(Debug)]
pub(super) struct OwnCertificates {
    /// For who asks for no name, or for one that stands in none of the others.
    pub(super) default: Arc<CertifiedKey>,
    /// In the order of the config.
    pub(super) others: Vec<Arc<CertifiedKey>>,
}

impl ResolvesServerCert for OwnCertificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // A name that is asked for in vain is no reason to hang up (RFC 6066 section 3): the peer decides.
        Some(Arc::clone(hello.server_name().map_or(&self.default, |name| self.for_name(name))))
    }
}

impl OwnCertificates {
    fn for_name(&self, name: &str) -> &Arc<CertifiedKey> {
        let Ok(name) = ServerName::try_from(name) else { return &self.default };
        let all = std::iter::once(&self.default).chain(&self.others);
        all.into_iter().find(|own| bears(own, &name)).unwrap_or(&self.default)
    }
}

/// Whether a certificate is one for this name. Ours may have wildcards: who believes them is the peer's affair.
fn bears(own: &CertifiedKey, name: &ServerName<'_>) -> bool {
    let certificate = own.end_entity_cert().and_then(ParsedCertificate::try_from);
    certificate.is_ok_and(|certificate| verify_server_name(&certificate, name).is_ok())
}
