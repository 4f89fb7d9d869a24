//! What the certificate of a peer proves (RFC 5922).

use std::net::IpAddr;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::flow::{AltName, PeerDemand, PeerNames};

/// Believes who has a certificate of our authorities with one of the names that are demanded.
#[derive(Debug)]
pub(super) struct PeerVerifier {
    pub(super) roots: Arc<RootCertStore>,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
    pub(super) demand: Arc<PeerDemand>,
}

impl ServerCertVerifier for PeerVerifier {
    /// The chain as for any server; the names by RFC 5922 section 7, which knows URIs and no wildcards.
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let certificate = ParsedCertificate::try_from(end_entity)?;
        let algorithms = self.algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&certificate, &self.roots, intermediates, now, algorithms)?;
        if names_of(end_entity).bear_any(&self.demand.names) {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::NotValidForName.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// The names in a certificate; none where they cannot be read.
pub(in crate::net) fn names_of(certificate: &CertificateDer<'_>) -> PeerNames {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else { return PeerNames::default() };
    let Ok(Some(names)) = certificate.subject_alternative_name() else { return PeerNames::default() };
    PeerNames::new(names.value.general_names.iter().filter_map(alt_name))
}

fn alt_name<'a>(name: &GeneralName<'a>) -> Option<AltName<'a>> {
    match *name {
        GeneralName::URI(uri) => Some(AltName::Uri(uri)),
        GeneralName::DNSName(name) => Some(AltName::Dns(name)),
        GeneralName::IPAddress(bytes) => address(bytes).map(AltName::Address),
        _ => None,
    }
}

/// RFC 5280 section 4.2.1.6: four octets, or sixteen.
fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}
