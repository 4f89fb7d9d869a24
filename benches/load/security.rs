//! TLS as Ringfence speaks it: rustls with ring, and certificates made for loopback addresses.

use std::io;
use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, Connection, RootCertStore, ServerConfig, ServerConnection};

use crate::authority::Authority;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The directory to put them into: `authorities.pem`, and `own.pem` with `own.key`.
    dir: PathBuf,
}

/// Makes one certificate for all who take part.
pub(crate) fn certificates(options: &Options) -> io::Result<ExitCode> {
    let authority = Authority::new("load");
    authority.store(&options.dir, "authorities.pem");
    authority.issue(&["127.0.0.1", "127.0.0.2", "127.0.0.3"]).store(&options.dir, "own");
    Ok(ExitCode::SUCCESS)
}

/// What is shown and believed.
pub(crate) struct Security {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
}

impl Security {
    /// From the files that [`certificates`] made.
    pub(crate) fn load(dir: &Path) -> io::Result<Security> {
        let mut roots = RootCertStore::empty();
        for certificate in chain(&dir.join("authorities.pem"))? {
            roots.add(certificate).map_err(io::Error::other)?;
        }
        let key = PrivateKeyDer::from_pem_file(dir.join("own.key")).map_err(io::Error::other)?;
        let provider = Arc::new(ring::default_provider());
        let client = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(chain(&dir.join("own.pem"))?, key)
            .map_err(io::Error::other)?;
        Ok(Security { client: Arc::new(client), server: Arc::new(server) })
    }

    /// With whom we connect to.
    pub(crate) fn towards(&self, peer: SocketAddrV4) -> io::Result<Connection> {
        let name = ServerName::IpAddress(std::net::IpAddr::V4(*peer.ip()).into());
        ClientConnection::new(Arc::clone(&self.client), name).map(Connection::Client).map_err(io::Error::other)
    }

    /// With who connects to us.
    pub(crate) fn welcome(&self) -> io::Result<Connection> {
        ServerConnection::new(Arc::clone(&self.server)).map(Connection::Server).map_err(io::Error::other)
    }
}

fn chain(file: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_file_iter(file).and_then(Iterator::collect).map_err(io::Error::other)
}
