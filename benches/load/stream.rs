//! Connections over TCP or TLS that are used like a socket of datagrams: one to each peer, as between trunks, which is read
//! and written in large pieces.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::time::{Duration, SystemTime};

use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;
use rustls::Connection;
use socket2::{Domain, Type};

use crate::batch::loopback;
use crate::message::value;
use crate::security::Security;

pub(crate) struct StreamSocket {
    listener: Option<TcpListener>,
    links: Vec<Link>,
    security: Option<Security>,
    pub(crate) local: SocketAddrV4,
    /// Messages for a peer to whom there is no connection.
    pub(crate) unsent: u64,
}

struct Link {
    peer: SocketAddrV4,
    stream: TcpStream,
    /// Over TLS.
    session: Option<Connection>,
    /// Received and not yet a whole message.
    received: Vec<u8>,
    /// To be sent.
    out: Vec<u8>,
}

impl StreamSocket {
    pub(crate) fn connect(
        local: SocketAddrV4,
        peer: SocketAddrV4,
        security: Option<Security>,
    ) -> io::Result<StreamSocket> {
        loopback(local)?;
        let socket = socket2::Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::V4(local).into())?;
        socket.connect(&SocketAddr::V4(peer).into())?;
        let stream = TcpStream::from(socket);
        let local = v4(stream.local_addr()?)?;
        let session = security.as_ref().map(|security| security.towards(peer)).transpose()?;
        let links = vec![Link::new(peer, stream, session)?];
        Ok(StreamSocket { listener: None, links, security, local, unsent: 0 })
    }

    pub(crate) fn listen(local: SocketAddrV4, security: Option<Security>) -> io::Result<StreamSocket> {
        loopback(local)?;
        let listener = TcpListener::bind(local)?;
        listener.set_nonblocking(true)?;
        let local = v4(listener.local_addr()?)?;
        Ok(StreamSocket { listener: Some(listener), links: Vec::new(), security, local, unsent: 0 })
    }

    /// Takes the messages that have come, with the time since the epoch at which they were read.
    pub(crate) fn receive(&mut self, take: &mut impl FnMut(&[u8], SocketAddrV4, Option<Duration>)) -> io::Result<()> {
        self.accept()?;
        let read = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok();
        self.links.retain_mut(|link| {
            let is_open = link.read().is_ok();
            link.take_messages(|message, peer| take(message, peer, read));
            is_open
        });
        if self.listener.is_none() && self.links.is_empty() {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(())
    }

    fn accept(&mut self) -> io::Result<()> {
        let Some(listener) = &self.listener else { return Ok(()) };
        while let Some((stream, peer)) = unless_blocked(listener.accept())? {
            let session = self.security.as_ref().map(Security::welcome).transpose()?;
            self.links.push(Link::new(v4(peer)?, stream, session)?);
        }
        Ok(())
    }

    pub(crate) fn send(&mut self, to: SocketAddrV4, write: impl FnOnce(&mut Vec<u8>)) {
        match self.links.iter_mut().find(|link| link.peer == to) {
            Some(link) => write(&mut link.out),
            None => self.unsent += 1,
        }
    }

    /// Sends as much of what is queued as the kernel takes.
    pub(crate) fn flush(&mut self) {
        // That a connection has ended is found by the next receive.
        self.links.iter_mut().for_each(|link| drop(link.write()));
    }

    /// Sleeps until there is something to receive, or room for what is still to be sent.
    pub(crate) fn wait(&self, timeout: Option<Duration>) {
        let of_link =
            |link: &Link| if link.wants_write() { PollFlags::POLLIN | PollFlags::POLLOUT } else { PollFlags::POLLIN };
        let links = self.links.iter().map(|link| (link.stream.as_fd(), of_link(link)));
        let listener = self.listener.iter().map(|listener| (listener.as_fd(), PollFlags::POLLIN));
        let mut fds: Vec<PollFd<'_>> = links.chain(listener).map(|(fd, events)| PollFd::new(fd, events)).collect();
        // EINTR: look again.
        let _ = ppoll(&mut fds, timeout.map(TimeSpec::from_duration), None);
    }
}

impl Link {
    fn new(peer: SocketAddrV4, stream: TcpStream, session: Option<Connection>) -> io::Result<Link> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        Ok(Link { peer, stream, session, received: Vec::new(), out: Vec::new() })
    }

    /// Adds what has come to what is not yet a message; an error when no more will come.
    fn read(&mut self) -> io::Result<()> {
        let mut piece = [0; PIECE];
        let Some(session) = &mut self.session else {
            while let Some(length) = unless_blocked(self.stream.read(&mut piece))? {
                self.received.extend_from_slice(&piece[..not_ended(length)?]);
                if length < piece.len() {
                    break;
                }
            }
            return Ok(());
        };
        while let Some(length) = unless_blocked(session.read_tls(&mut self.stream))? {
            not_ended(length)?;
            session.process_new_packets().map_err(io::Error::other)?;
            while let Some(length) = unless_blocked(session.reader().read(&mut piece))? {
                self.received.extend_from_slice(&piece[..not_ended(length)?]);
            }
        }
        Ok(())
    }

    fn take_messages(&mut self, mut take: impl FnMut(&[u8], SocketAddrV4)) {
        let mut taken = 0;
        while let Some(length) = message_length(&self.received[taken..]) {
            take(&self.received[taken..taken + length], self.peer);
            taken += length;
        }
        self.received.drain(..taken);
    }

    fn write(&mut self) -> io::Result<()> {
        let Some(session) = &mut self.session else {
            if !self.out.is_empty()
                && let Some(written) = unless_blocked(self.stream.write(&self.out))?
            {
                self.out.drain(..written);
            }
            return Ok(());
        };
        let written = session.writer().write(&self.out)?;
        self.out.drain(..written);
        while session.wants_write() && unless_blocked(session.write_tls(&mut self.stream))?.is_some() {}
        Ok(())
    }

    fn wants_write(&self) -> bool {
        !self.out.is_empty() || self.session.as_ref().is_some_and(|session| session.wants_write())
    }
}

/// How long the first message is, once it is whole.
fn message_length(bytes: &[u8]) -> Option<usize> {
    let head = memchr::memmem::find(bytes, b"\r\n\r\n")? + 4;
    let body = std::str::from_utf8(value(&bytes[..head], "Content-Length")).ok()?;
    let length = head + body.parse::<usize>().ok()?;
    (length <= bytes.len()).then_some(length)
}

/// How much was read, unless it is nothing: the peer has closed the connection.
fn not_ended(length: usize) -> io::Result<usize> {
    if length == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(length) }
}

/// `None` where one would have to wait.
fn unless_blocked<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Ok(None),
        Err(error) => Err(error),
    }
}

fn v4(address: SocketAddr) -> io::Result<SocketAddrV4> {
    match address {
        SocketAddr::V4(address) => Ok(address),
        SocketAddr::V6(_) => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// Bytes read at once: a hundred messages.
const PIECE: usize = 1 << 16;
