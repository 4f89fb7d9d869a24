//! Handshakes: bounded in time and number, and told once where the operator must act.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use dashmap::DashMap;
use rustls::{CertificateError, Error};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

use super::sources::Sources;
use crate::counters::{HandshakeCounters, HandshakeFailure, NetCounters};
use crate::flow::{ConnectionId, PeerDemand, PeerIdentity, PeerNames, ProvenNames};
use crate::net::tls::{Client, TlsStore, names_of};

/// Makes connections safe.
pub(in crate::net) struct Handshakes {
    store: Arc<TlsStore>,
    proven: Arc<ProvenNames>,
    counters: Arc<NetCounters>,
    places: Semaphore,
    sources: Sources,
    /// Whom we do not believe, and why: told when it changes, and not for each call.
    told: DashMap<(PeerIdentity, SocketAddr), HandshakeFailure>,
}

/// A connection after its handshake.
pub(super) struct Secured<S> {
    pub(super) stream: S,
    /// What the peer has proved; `None` where it has shown no certificate.
    pub(super) names: Option<PeerNames>,
}

impl Handshakes {
    pub(in crate::net) fn new(
        store: Arc<TlsStore>,
        proven: Arc<ProvenNames>,
        counters: Arc<NetCounters>,
    ) -> Handshakes {
        let (places, sources) = (Semaphore::new(HANDSHAKES), Sources::default());
        Handshakes { store, proven, counters, places, sources, told: DashMap::new() }
    }

    /// With who has connected to us; `None`, and counted, where it fails.
    pub(super) async fn accept(
        &self,
        deadline: Instant,
        stream: TcpStream,
        source: IpAddr,
    ) -> Option<Secured<server::TlsStream<TcpStream>>> {
        let made =
            timeout_at(deadline, self.try_accept(stream, source)).await.unwrap_or(Err(HandshakeFailure::Timeout));
        self.counted(&self.counters.tls_accepted, made)
    }

    async fn try_accept(
        &self,
        stream: TcpStream,
        source: IpAddr,
    ) -> Result<Secured<server::TlsStream<TcpStream>>, HandshakeFailure> {
        // Whoever is silent takes nobody's turn.
        stream.readable().await.map_err(|_| HandshakeFailure::Closed)?;
        let _held = self.sources.hold(source, HANDSHAKES_PER_SOURCE).ok_or(HandshakeFailure::Crowded)?;
        let _place = self.places.acquire().await;
        // Not before it is needed, so that it is the one in force.
        let tls = self.store.load_full().ok_or(HandshakeFailure::Unknown)?;
        let acceptor = TlsAcceptor::from(Arc::clone(&tls.server));
        let stream = acceptor.accept(stream).await.map_err(|error| failure(&error))?;
        let names = stream.get_ref().1.peer_certificates().and_then(<[_]>::first).map(names_of);
        Ok(Secured { stream, names })
    }

    /// With whom we have connected to, who must prove this; `None`, and counted, where it fails.
    pub(super) async fn connect(
        &self,
        deadline: Instant,
        stream: TcpStream,
        peer: SocketAddr,
        identity: PeerIdentity,
    ) -> Option<Secured<client::TlsStream<TcpStream>>> {
        let client = self.store.load().as_ref().and_then(|tls| tls.client(identity));
        let Some(Client { config, server_name, demand }) = client else {
            return self.counted(&self.counters.tls_made, Err(HandshakeFailure::Unknown));
        };
        let connecting = timeout_at(deadline, TlsConnector::from(config).connect(server_name, stream));
        let made = match connecting.await {
            Ok(Ok(stream)) => {
                self.told.remove(&(identity, peer));
                let names = stream.get_ref().1.peer_certificates().and_then(<[_]>::first).map(names_of);
                Ok(Secured { stream, names })
            }
            Ok(Err(error)) => {
                let failure = failure(&error);
                self.tell(peer, &demand, failure, &error);
                Err(failure)
            }
            Err(_) => Err(HandshakeFailure::Timeout),
        };
        self.counted(&self.counters.tls_made, made)
    }

    fn counted<T>(&self, counters: &HandshakeCounters, made: Result<T, HandshakeFailure>) -> Option<T> {
        match &made {
            Ok(_) => counters.done.add(1),
            Err(failure) => {
                counters.failed[*failure as usize].add(1);
                self.counters.streams_closed.add(1);
            }
        }
        made.ok()
    }

    /// That a peer of a trunk proves nothing is the operator's to mend.
    fn tell(&self, peer: SocketAddr, demand: &PeerDemand, failure: HandshakeFailure, error: &io::Error) {
        let is_unproven =
            matches!(failure, HandshakeFailure::Untrusted | HandshakeFailure::Expired | HandshakeFailure::Name);
        if !is_unproven {
            return;
        }
        if self.told.len() >= MOST_TOLD {
            self.told.clear();
        }
        if self.told.insert((demand.id, peer), failure) != Some(failure) {
            let names: Vec<String> = demand.names.iter().map(ToString::to_string).collect();
            tracing::warn!(%peer, "a peer does not prove to be {}: {error}", names.join(" or "));
        }
    }

    /// A connection is open.
    pub(super) fn enter(&self, connection: ConnectionId, names: Option<PeerNames>) {
        if let Some(names) = names {
            self.proven.enter(connection, names);
        }
    }

    /// A connection is closed.
    pub(super) fn forget(&self, connection: ConnectionId) {
        self.proven.forget(connection);
    }
}

/// What an error of tokio-rustls comes from: rustls itself, or the connection.
fn failure(error: &io::Error) -> HandshakeFailure {
    let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) else {
        return HandshakeFailure::Closed;
    };
    match error {
        Error::InvalidMessage(_) => HandshakeFailure::NotTls,
        Error::PeerIncompatible(_) | Error::NoApplicationProtocol => HandshakeFailure::Incompatible,
        Error::NoCertificatesPresented => HandshakeFailure::NoCertificate,
        Error::AlertReceived(_) => HandshakeFailure::Refused,
        Error::InvalidCertificate(error) => match error {
            CertificateError::NotValidForName => HandshakeFailure::Name,
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => HandshakeFailure::Expired,
            _ => HandshakeFailure::Untrusted,
        },
        _ => HandshakeFailure::Other,
    }
}

/// Peers that are not believed; names may lead to ever new addresses, and beyond this many they are told anew.
const MOST_TOLD: usize = 1024;

/// Handshakes with who connects that are under way at once: each takes a millisecond of a processor and some 20 kB, so that
/// a flood of them takes neither for long from those that are served.
const HANDSHAKES: usize = 1024;

/// Of these from one source: enough for a neighbour that opens all its connections anew, and few enough that whoever begins
/// handshakes and does not go on keeps nobody else from his.
const HANDSHAKES_PER_SOURCE: usize = 64;
