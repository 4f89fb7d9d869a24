//! Accepting connections.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;
use socket2::{Domain, Protocol, Socket, Type};

use super::Streams;
use crate::net::{Listen, dscp};

/// Opens a listening socket. Connections that it accepts are marked like it.
pub(in crate::net) fn bind(listen: &Listen) -> io::Result<TcpListener> {
    let address = listen.bind;
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        // So that 0.0.0.0 and :: may both be listened on, and no peer has two spellings.
        socket.set_only_v6(true)?;
    }
    dscp::mark(&socket, address, listen.dscp)?;
    // Connections of a former run in TIME_WAIT must not keep this one from starting.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Takes over a socket that listens already.
pub(in crate::net) fn adopt(listen: &Listen, listener: TcpListener) -> io::Result<TcpListener> {
    dscp::mark(&listener, listen.bind, listen.dscp)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

impl Streams {
    /// Accepts until told to stop. No failure ends it: each is of one connection, or passes.
    pub(in crate::net) async fn listen(self: Arc<Self>, listen: Listen, listener: tokio::net::TcpListener) {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = self.tasks.stopping() => return,
            };
            match accepted {
                Ok((stream, peer)) => self.accept(&listen, stream, peer),
                Err(error) => {
                    self.counters.streams_accept_errors.add(1);
                    // The connection stays in the backlog and the next accept would fail at once.
                    if is_exhaustion(&error) {
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        }
    }
}

fn is_exhaustion(error: &io::Error) -> bool {
    let exhausted = [Errno::EMFILE, Errno::ENFILE, Errno::ENOBUFS, Errno::ENOMEM];
    error.raw_os_error().is_some_and(|code| exhausted.contains(&Errno::from_raw(code)))
}

/// A neighbour that restarts opens its connections at once; the kernel cuts this to net.core.somaxconn.
const BACKLOG: i32 = 1024;

/// Long enough to cost nothing, short against the patience of who connects.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
