//! [`Tls`]: what was read, ready for handshakes.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::ServerName;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, ConfigBuilder, ConfigSide, RootCertStore, ServerConfig, WantsVerifier, WantsVersions};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::files::{read_authorities, read_identity};
use super::own::OwnCertificates;
use super::peer::PeerVerifier;
use super::{ClientCertificates, IdentityConfig, TlsConfig, TlsError, TlsFiles};
use crate::flow::{PeerDemand, PeerIdentity, PeerName};

/// What is in force; empty where the config has no `[tls]`.
pub type TlsStore = ArcSwapOption<Tls>;

/// How connections are accepted, and opened to whom.
pub struct Tls {
    pub(in crate::net) server: Arc<ServerConfig>,
    clients: HashMap<PeerIdentity, Client>,
    /// What works but not for long, or not with everybody.
    pub warnings: Vec<TlsWarning>,
}

/// How a connection is opened to who must prove one identity.
#[derive(Clone)]
pub(in crate::net) struct Client {
    pub(in crate::net) config: Arc<ClientConfig>,
    pub(in crate::net) server_name: ServerName<'static>,
    pub(in crate::net) demand: Arc<PeerDemand>,
}

/// Something that the operator had better know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsWarning {
    /// A certificate of ours that nobody believes any more, or not yet.
    #[error("{}: our certificate has expired or is not valid yet: peers will not believe it", .path.display())]
    Expired {
        /// The file.
        path: PathBuf,
    },
}

impl Tls {
    pub(super) fn read(files: &TlsFiles) -> Result<Tls, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let config = &files.config;
        let roots = Arc::new(read_authorities(config.authorities.as_deref())?);
        let mut warnings = Vec::new();
        let mut read = |files: &IdentityConfig| {
            let own = read_identity(files, &provider)?;
            if !is_valid(&own) {
                warnings.push(TlsWarning::Expired { path: files.certificate.clone() });
            }
            Ok(Arc::new(own))
        };
        let default = read(&IdentityConfig { certificate: config.certificate.clone(), key: config.key.clone() })?;
        let others = config.identities.iter().map(&mut read).collect::<Result<_, _>>()?;
        let of_trunk = |(name, files): &(Arc<str>, IdentityConfig)| Ok((Arc::clone(name), read(files)?));
        let shown = files.shown.iter().map(of_trunk).collect::<Result<HashMap<_, _>, _>>()?;
        let client = |demand: &Arc<PeerDemand>| {
            let own = demand.certificate.as_ref().and_then(|name| shown.get(name)).unwrap_or(&default);
            Ok((demand.id, client(demand, own, &roots, &provider)?))
        };
        let clients = files.demands.iter().map(client).collect::<Result<_, _>>()?;
        let own = OwnCertificates { default, others };
        Ok(Tls { server: Arc::new(server(config, own, &roots, &provider)?), clients, warnings })
    }

    /// How a connection to who must prove this is opened; `None` where the config does not know it any more.
    pub(in crate::net) fn client(&self, identity: PeerIdentity) -> Option<Client> {
        self.clients.get(&identity).cloned()
    }
}

/// Without a word of keys.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("clients", &self.clients.len()).field("warnings", &self.warnings).finish()
    }
}

fn server(
    config: &TlsConfig,
    own: OwnCertificates,
    roots: &Arc<RootCertStore>,
    provider: &Arc<CryptoProvider>,
) -> Result<ServerConfig, TlsError> {
    let versions = versions(ServerConfig::builder_with_provider(Arc::clone(provider)))?;
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::clone(roots), Arc::clone(provider));
    let built = match config.client_certificates {
        ClientCertificates::Off => None,
        ClientCertificates::Require => Some(verifier.build()),
        ClientCertificates::Ask => Some(verifier.allow_unauthenticated().build()),
    };
    let wants_certificate = match built {
        None => versions.with_no_client_auth(),
        // There is an authority, which is all that it asks for.
        Some(verifier) => versions.with_client_cert_verifier(
            verifier.map_err(|error| TlsError::Setup(rustls::Error::General(error.to_string())))?,
        ),
    };
    let mut server = wants_certificate.with_cert_resolver(Arc::new(own));
    server.session_storage = Arc::new(NoServerSessionStorage {});
    if config.client_certificates == ClientCertificates::Off {
        // Peers keep what their sessions need themselves, so that any number of them takes no memory here. A session that
        // is resumed goes by a certificate that was checked once, so where there are any, none is.
        server.ticketer = ring::Ticketer::new().map_err(TlsError::Setup)?;
    } else {
        server.send_tls13_tickets = 0;
    }
    Ok(server)
}

fn client(
    demand: &Arc<PeerDemand>,
    own: &Arc<CertifiedKey>,
    roots: &Arc<RootCertStore>,
    provider: &Arc<CryptoProvider>,
) -> Result<Client, TlsError> {
    let verifier = PeerVerifier {
        roots: Arc::clone(roots),
        algorithms: provider.signature_verification_algorithms,
        demand: Arc::clone(demand),
    };
    let versions = versions(ClientConfig::builder_with_provider(Arc::clone(provider)))?;
    let verified = versions.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
    let shown = Arc::new(SingleCertAndKey::from(Arc::clone(own)));
    let mut config = verified.with_client_cert_resolver(shown);
    // A resumed session would go by a certificate that was checked once; connections are few and last long.
    config.resumption = Resumption::disabled();
    Ok(Client { config: Arc::new(config), server_name: server_name(&demand.server)?, demand: Arc::clone(demand) })
}

fn versions<S: ConfigSide>(
    builder: ConfigBuilder<S, WantsVersions>,
) -> Result<ConfigBuilder<S, WantsVerifier>, TlsError> {
    builder.with_safe_default_protocol_versions().map_err(TlsError::Setup)
}

fn server_name(name: &PeerName) -> Result<ServerName<'static>, TlsError> {
    match name {
        PeerName::Address(address) => Ok(ServerName::IpAddress((*address).into())),
        PeerName::Domain(name) => {
            ServerName::try_from(name.to_string()).map_err(|_| TlsError::ServerName { name: Box::from(&**name) })
        }
    }
}

fn is_valid(own: &CertifiedKey) -> bool {
    let certificate = own.cert.first().map(|certificate| X509Certificate::from_der(certificate));
    let Some(Ok((_, certificate))) = certificate else { return false };
    certificate.validity().is_valid()
}
