//! Neighbours of plain sockets and of rustls, which check what they are shown, and no more than that.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use socket2::{Domain, Socket, Type};

use crate::authority::Stored;
use crate::uninterrupted::uninterrupted;

/// Long enough for a loaded machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Where messages come and go.
pub(crate) enum Wire {
    Udp(UdpSocket, Option<SocketAddr>),
    Stream(Box<dyn Stream>),
}

pub(crate) trait Stream: Read + Write + Send {}

impl<S: Read + Write + Send> Stream for S {}

/// One end of a way to the daemon.
pub(crate) struct Link {
    wire: Wire,
    pub(crate) local: SocketAddr,
    pub(crate) transport: &'static str,
    /// Read and not yet taken.
    read: Vec<u8>,
    /// The certificate that the daemon has shown.
    pub(crate) shown: Option<CertificateDer<'static>>,
}

impl Link {
    /// A socket at this address; where the daemon is comes later.
    pub(crate) fn udp(local: &str) -> Link {
        let socket = UdpSocket::bind((local, 0)).expect("a port");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let local = socket.local_addr().expect("an address");
        Link { wire: Wire::Udp(socket, None), local, transport: "UDP", read: Vec::new(), shown: None }
    }

    pub(crate) fn towards(mut self, daemon: SocketAddr) -> Link {
        if let Wire::Udp(_, to) = &mut self.wire {
            *to = Some(daemon);
        }
        self
    }

    /// Connects by TLS, and asks for `name`; fails as the handshake does.
    pub(crate) fn tls(from: &str, daemon: SocketAddr, name: &str, client: &Arc<ClientConfig>) -> std::io::Result<Link> {
        let mut stream = connect(from, daemon);
        let local = stream.local_addr()?;
        let name = ServerName::try_from(name.to_owned()).expect("a name");
        let mut connection = ClientConnection::new(Arc::clone(client), name).expect("a connection");
        while connection.is_handshaking() {
            connection.complete_io(&mut stream)?;
        }
        let shown = connection.peer_certificates().map(|chain| chain[0].clone());
        let wire = Wire::Stream(Box::new(StreamOwned::new(connection, stream)));
        Ok(Link { wire, local, transport: "TLS", read: Vec::new(), shown })
    }

    pub(crate) fn send(&mut self, text: &str) {
        match &mut self.wire {
            Wire::Udp(socket, daemon) => {
                socket.send_to(text.as_bytes(), daemon.expect("it has started")).expect("sent");
            }
            Wire::Stream(stream) => {
                stream.write_all(text.as_bytes()).expect("written");
                stream.flush().expect("written");
            }
        }
    }

    /// The next message of this call that begins with this; others are passed over.
    #[track_caller]
    pub(crate) fn next(&mut self, call_id: &str, start: &str) -> String {
        loop {
            let text = self.message().unwrap_or_else(|error| panic!("no {start} of {call_id}: {error}"));
            if text.starts_with(start) && text.contains(&format!("\r\nCall-ID: {call_id}\r\n")) {
                return text;
            }
        }
    }

    /// The next message; none here has a body.
    fn message(&mut self) -> std::io::Result<String> {
        let mut buffer = [0; 4096];
        loop {
            let end = self.read.windows(4).position(|window| window == b"\r\n\r\n");
            if let Some(end) = end {
                let text: Vec<u8> = self.read.drain(..end + 4).collect();
                return Ok(String::from_utf8_lossy(&text).into_owned());
            }
            let length = match &mut self.wire {
                Wire::Udp(socket, _) => uninterrupted(|| socket.recv(&mut buffer))?,
                Wire::Stream(stream) => uninterrupted(|| stream.read(&mut buffer))?,
            };
            if length == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            self.read.extend_from_slice(&buffer[..length]);
        }
    }

    /// Whether the daemon hangs up.
    pub(crate) fn is_closed(&mut self) -> bool {
        matches!(self.message(), Err(error) if error.kind() != std::io::ErrorKind::WouldBlock)
    }
}

/// A TCP connection from an address of ours.
pub(crate) fn connect(from: &str, daemon: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let from = SocketAddr::new(from.parse().expect("an address"), 0);
    socket.bind(&from.into()).expect("a port");
    socket.connect(&daemon.into()).expect("it listens");
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

/// A neighbour that is connected to by TLS.
pub(crate) struct Callee {
    pub(crate) address: SocketAddr,
    links: Receiver<std::io::Result<Link>>,
    stops: Arc<AtomicBool>,
}

impl Callee {
    /// Shows this certificate, and asks for one of this authority.
    pub(crate) fn start(ip: &str, own: &Stored, authority: &Path) -> Callee {
        let listener = TcpListener::bind((ip.parse::<IpAddr>().expect("an address"), 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let (stops, config) = (Arc::new(AtomicBool::new(false)), server_config(own, authority));
        let (tell, links) = mpsc::channel();
        let stopped = Arc::clone(&stops);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::Relaxed) || tell.send(welcome(stream, &config)).is_err() {
                    return;
                }
            }
        });
        Callee { address, links, stops }
    }

    /// The next connection, after its handshake.
    #[track_caller]
    pub(crate) fn accept(&self) -> Link {
        let link = self.links.recv_timeout(PATIENCE).expect("a connection");
        link.unwrap_or_else(|error| panic!("no handshake: {error}"))
    }

    /// Waits until the daemon has given a connection up.
    #[track_caller]
    pub(crate) fn refused(&self) {
        // In TLS 1.3 it is the client that decides last.
        if let Ok(mut link) = self.links.recv_timeout(PATIENCE).expect("a connection") {
            assert!(link.is_closed(), "the daemon believes it");
        }
    }
}

impl Drop for Callee {
    fn drop(&mut self) {
        self.stops.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

fn welcome(mut stream: TcpStream, config: &Arc<ServerConfig>) -> std::io::Result<Link> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let local = stream.local_addr()?;
    let mut connection = ServerConnection::new(Arc::clone(config)).expect("a connection");
    while connection.is_handshaking() {
        connection.complete_io(&mut stream)?;
    }
    let shown = connection.peer_certificates().map(|chain| chain[0].clone());
    let wire = Wire::Stream(Box::new(StreamOwned::new(connection, stream)));
    Ok(Link { wire, local, transport: "TLS", read: Vec::new(), shown })
}

/// A client that believes this authority, and shows its own certificate if it has one.
pub(crate) fn client(authority: &Path, own: Option<&Stored>) -> Arc<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().expect("versions");
    let builder = builder.with_root_certificates(roots(authority));
    Arc::new(match own {
        Some(own) => {
            let (chain, key) = load(own);
            builder.with_client_auth_cert(chain, key).expect("a key")
        }
        None => builder.with_no_client_auth(),
    })
}

/// A server that asks for a certificate of this authority.
fn server_config(own: &Stored, authority: &Path) -> Arc<ServerConfig> {
    let (chain, key) = load(own);
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots(authority)), Arc::clone(&provider));
    let verifier = verifier.allow_unauthenticated().build().expect("a verifier");
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.expect("versions").with_client_cert_verifier(verifier);
    Arc::new(builder.with_single_cert(chain, key).expect("a key"))
}

fn roots(authority: &Path) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority).expect("a certificate")).expect("an authority");
    roots
}

/// The certificate of a file.
pub(crate) fn certificate(own: &Stored) -> CertificateDer<'static> {
    load(own).0.remove(0)
}

fn load(own: &Stored) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let chain = CertificateDer::pem_file_iter(&own.certificate).expect("a file");
    let chain = chain.collect::<Result<_, _>>().expect("certificates");
    (chain, PrivateKeyDer::from_pem_file(&own.key).expect("a key"))
}
