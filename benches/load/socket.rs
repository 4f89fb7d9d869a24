//! What the two ends speak by, whatever carries the messages.

use std::io;
use std::net::SocketAddrV4;
use std::path::PathBuf;
use std::time::Duration;

use crate::batch::BatchSocket;
use crate::security::Security;
use crate::stream::StreamSocket;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// What carries the messages.
    #[arg(long, value_enum, default_value_t = Transport::Udp)]
    pub(crate) transport: Transport,
    /// The directory with the certificates for TLS, which `certificates` makes.
    #[arg(long, required_if_eq("transport", "tls"))]
    certificates: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Transport {
    Udp,
    Tcp,
    Tls,
}

impl Transport {
    /// As Via names it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Transport::Udp => "UDP",
            Transport::Tcp => "TCP",
            Transport::Tls => "TLS",
        }
    }

    /// The parameter of a URI that leads here.
    pub(crate) fn parameter(self) -> &'static str {
        match self {
            Transport::Udp => "",
            Transport::Tcp => ";transport=tcp",
            Transport::Tls => ";transport=tls",
        }
    }

    /// Whether no message is lost on the way, so that none is sent again.
    pub(crate) fn is_reliable(self) -> bool {
        self != Transport::Udp
    }
}

pub(crate) enum Socket {
    Datagrams(Box<BatchSocket>),
    Streams(StreamSocket),
}

impl Socket {
    /// For who sends first.
    pub(crate) fn connect(options: &Options, local: SocketAddrV4, target: SocketAddrV4) -> io::Result<Socket> {
        match options.transport {
            Transport::Udp => Ok(Socket::Datagrams(Box::new(BatchSocket::bind(local)?))),
            Transport::Tcp | Transport::Tls => {
                Ok(Socket::Streams(StreamSocket::connect(local, target, options.security()?)?))
            }
        }
    }

    /// For who is sent to.
    pub(crate) fn listen(options: &Options, local: SocketAddrV4) -> io::Result<Socket> {
        match options.transport {
            Transport::Udp => Ok(Socket::Datagrams(Box::new(BatchSocket::bind(local)?.with_arrivals()?))),
            Transport::Tcp | Transport::Tls => Ok(Socket::Streams(StreamSocket::listen(local, options.security()?)?)),
        }
    }

    pub(crate) fn local(&self) -> io::Result<SocketAddrV4> {
        match self {
            Socket::Datagrams(socket) => socket.local(),
            Socket::Streams(socket) => Ok(socket.local),
        }
    }

    /// Takes what has come, at most a batch of datagrams; whether there may be more.
    pub(crate) fn receive(&mut self, mut take: impl FnMut(&[u8], SocketAddrV4, Option<Duration>)) -> io::Result<bool> {
        match self {
            Socket::Datagrams(socket) => Ok(socket.receive_arrivals(take)? == crate::batch::BATCH),
            Socket::Streams(socket) => socket.receive(&mut take).map(|()| false),
        }
    }

    /// Queues a message that `write` fills.
    pub(crate) fn send(&mut self, to: SocketAddrV4, write: impl FnOnce(&mut Vec<u8>)) {
        match self {
            Socket::Datagrams(socket) => socket.send(to, write),
            Socket::Streams(socket) => socket.send(to, write),
        }
    }

    /// Sends what is queued.
    pub(crate) fn flush(&mut self) {
        match self {
            Socket::Datagrams(socket) => socket.flush(),
            Socket::Streams(socket) => socket.flush(),
        }
    }

    /// Sleeps until there is something to do.
    pub(crate) fn wait(&self, timeout: Option<Duration>) {
        match self {
            Socket::Datagrams(socket) => socket.wait(timeout),
            Socket::Streams(socket) => socket.wait(timeout),
        }
    }

    /// Messages that could not be sent.
    pub(crate) fn unsent(&self) -> u64 {
        match self {
            Socket::Datagrams(socket) => socket.unsent,
            Socket::Streams(socket) => socket.unsent,
        }
    }
}

impl Options {
    fn security(&self) -> io::Result<Option<Security>> {
        self.certificates.as_deref().map(Security::load).transpose()
    }
}
