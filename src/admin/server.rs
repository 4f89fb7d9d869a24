//! The listener and its limits.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use super::guard::Peer;
use super::router::router;
use super::token::{TokenError, Tokens};
use super::{Backend, Config};

/// The bound listener.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    tokens: Option<Arc<Tokens>>,
}

/// Why the admin port cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdminError {
    /// The address cannot be listened on.
    #[error("the admin port cannot listen on {address}: {kind}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        kind: io::ErrorKind,
    },
    /// Without tokens everybody who reaches the port may change lists.
    #[error("the admin port may only listen on a loopback address without admin.tokens, not on {address}")]
    Open {
        /// The address.
        address: SocketAddr,
    },
    /// The file of tokens is refused.
    #[error(transparent)]
    Tokens(#[from] TokenError),
}

impl Server {
    /// Reads the tokens and binds the port.
    pub async fn bind(config: &Config) -> Result<Server, AdminError> {
        let address = config.listen;
        let tokens = match &config.tokens {
            Some(path) => Some(Arc::new(Tokens::load(path)?)),
            None if address.ip().to_canonical().is_loopback() => None,
            None => return Err(AdminError::Open { address }),
        };
        let listener =
            TcpListener::bind(address).await.map_err(|error| AdminError::Bind { address, kind: error.kind() })?;
        Ok(Server { listener, tokens })
    }

    /// Where it listens; the real port when the config said 0.
    pub fn local_address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` becomes true; requests that have begun are answered first, for a short while.
    pub async fn serve<B: Backend>(self, backend: Arc<B>, mut stop: watch::Receiver<bool>) {
        let router = router(backend, self.tokens);
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let accepted = tokio::select! {
                accepted = accept(&self.listener, &places) => accepted,
                () = stopped(&mut stop) => break,
            };
            match accepted {
                Ok((stream, peer, place)) => {
                    let connection = serve_connection(stream, peer, router.clone(), stop.clone());
                    tokio::spawn(async move {
                        connection.await;
                        drop(place);
                    });
                }
                // Most often no file descriptor is left: wait for one rather than end or spin.
                Err(error) => {
                    tracing::warn!(%error, "the admin port cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        let everybody = u32::try_from(CONNECTIONS).expect("few connections");
        let _ = tokio::time::timeout(STOP, places.acquire_many(everybody)).await;
    }
}

/// Waits for a free place first: connections beyond the limit wait in the kernel's queue.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.expect("the semaphore is never closed");
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, place))
}

async fn serve_connection(stream: TcpStream, peer: SocketAddr, router: Router, mut stop: watch::Receiver<bool>) {
    let _ = stream.set_nodelay(true);
    let resources = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        resources.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection to the admin port ended early");
    }
}

/// Also returns when whoever could say so is gone.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Operators, their scripts and a metrics reader; each connection holds two small buffers.
const CONNECTIONS: usize = 64;

/// How long a request's headers may take, and how long a connection may wait for its next request.
const HEADERS: Duration = Duration::from_secs(15);

/// Longest request line and headers together; an entry in a path is far shorter.
const BUFFER: usize = 16_384;

/// Long enough for a descriptor to come free, short enough not to be noticed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long requests that have begun may go on at the end.
const STOP: Duration = Duration::from_secs(2);
