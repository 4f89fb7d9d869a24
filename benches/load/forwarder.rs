//! The floors below any proxy: what the system calls of a call cost, and no SIP.

use std::io;
use std::net::SocketAddrV4;
use std::process::ExitCode;

use nix::poll::{PollFd, PollFlags, ppoll};

use crate::batch::{BATCH, BatchSocket, loopback};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Where the caller sends to.
    #[arg(long, default_value = "127.0.0.1:5090")]
    listen: SocketAddrV4,
    /// Where to send from towards the next hop.
    #[arg(long, default_value = "127.0.0.1:0")]
    local: SocketAddrV4,
    /// Where everything from the caller goes.
    #[arg(long, default_value = "127.0.0.3:5070")]
    next_hop: SocketAddrV4,
}

/// Forwards until killed. What comes back goes to whoever sent last: one caller at a time.
pub(crate) fn run(options: &Options) -> io::Result<ExitCode> {
    loopback(options.next_hop)?;
    let mut near = BatchSocket::bind(options.listen)?;
    let mut far = BatchSocket::bind(options.local)?;
    let mut caller = None;
    loop {
        let from_caller = near.receive(|bytes, peer| {
            caller = Some(peer);
            far.send(options.next_hop, |out| out.extend_from_slice(bytes));
        })?;
        let from_next_hop = far.receive(|bytes, _| {
            if let Some(caller) = caller {
                near.send(caller, |out| out.extend_from_slice(bytes));
            }
        })?;
        far.flush();
        near.flush();
        if from_caller < BATCH && from_next_hop < BATCH {
            let mut fds = [near.as_fd(), far.as_fd()].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
            // EINTR: look again.
            let _ = ppoll(&mut fds, None, None);
        }
    }
}

#[derive(clap::Args)]
pub(crate) struct DeclineOptions {
    /// Where calls come to.
    #[arg(long, default_value = "127.0.0.1:5090")]
    listen: SocketAddrV4,
}

/// Sends each INVITE back under a status line, otherwise unread, until killed.
pub(crate) fn decline(options: &DeclineOptions) -> io::Result<ExitCode> {
    let mut near = BatchSocket::bind(options.listen)?;
    let mut declined: Vec<(Vec<u8>, SocketAddrV4)> = Vec::new();
    loop {
        let taken = near.receive(|bytes, peer| {
            if let Some(end) = bytes.starts_with(b"INVITE ").then(|| memchr::memchr(b'\n', bytes)).flatten() {
                declined.push(([b"SIP/2.0 603 Decline\r\n", &bytes[end + 1..]].concat(), peer));
            }
        })?;
        for (bytes, peer) in declined.drain(..) {
            near.send(peer, |out| out.extend_from_slice(&bytes));
        }
        near.flush();
        if taken < BATCH {
            near.wait(None);
        }
    }
}
