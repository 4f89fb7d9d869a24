//! A UDP socket that is read and written in batches.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{SocketAddrV4, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, MultiHeaders, SockaddrIn, recvmmsg, sendmmsg, setsockopt, sockopt,
};
use nix::sys::time::TimeSpec;

/// Datagrams per system call: as many as Ringfence takes.
pub(crate) const BATCH: usize = 32;

/// Longer than any message of this program, with room for what proxies add.
const DATAGRAM: usize = 8192;

/// As in Ringfence: about 1,800 small datagrams.
const SOCKET_BUFFER: usize = 4 << 20;

pub(crate) struct BatchSocket {
    socket: UdpSocket,
    // Separate, since nix leaves pointers to the caller's addresses in the headers that sendmmsg used.
    receiving: MultiHeaders<SockaddrIn>,
    sending: MultiHeaders<SockaddrIn>,
    buffers: [Box<[u8]>; BATCH],
    out: Vec<(Vec<u8>, SocketAddrV4)>,
    spare: Vec<Vec<u8>>,
    /// Datagrams that the kernel did not take.
    pub(crate) unsent: u64,
}

impl BatchSocket {
    pub(crate) fn bind(address: SocketAddrV4) -> io::Result<BatchSocket> {
        loopback(address)?;
        let socket = UdpSocket::bind(address)?;
        socket.set_nonblocking(true)?;
        if setsockopt(&socket, sockopt::RcvBufForce, &SOCKET_BUFFER).is_err() {
            setsockopt(&socket, sockopt::RcvBuf, &SOCKET_BUFFER)?;
        }
        Ok(BatchSocket {
            socket,
            receiving: MultiHeaders::preallocate(BATCH, None),
            sending: MultiHeaders::preallocate(BATCH, None),
            buffers: std::array::from_fn(|_| vec![0; DATAGRAM].into_boxed_slice()),
            out: Vec::with_capacity(BATCH),
            spare: Vec::new(),
            unsent: 0,
        })
    }

    pub(crate) fn local(&self) -> io::Result<SocketAddrV4> {
        match self.socket.local_addr()? {
            std::net::SocketAddr::V4(address) => Ok(address),
            std::net::SocketAddr::V6(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Has the kernel say when each datagram came.
    pub(crate) fn with_arrivals(mut self) -> io::Result<BatchSocket> {
        setsockopt(&self.socket, sockopt::ReceiveTimestampns, &true)?;
        self.receiving = MultiHeaders::preallocate(BATCH, Some(nix::cmsg_space!(TimeSpec)));
        Ok(self)
    }

    /// Takes at most a batch; the number of datagrams taken.
    pub(crate) fn receive(&mut self, mut take: impl FnMut(&[u8], SocketAddrV4)) -> io::Result<usize> {
        self.receive_arrivals(|bytes, peer, _| take(bytes, peer))
    }

    /// The same, with the time since the epoch at which each came where [`BatchSocket::with_arrivals`] asked for it.
    pub(crate) fn receive_arrivals(
        &mut self,
        mut take: impl FnMut(&[u8], SocketAddrV4, Option<Duration>),
    ) -> io::Result<usize> {
        let mut slices = self.buffers.each_mut().map(|buffer| [IoSliceMut::new(buffer)]);
        let fd = self.socket.as_raw_fd();
        let batch = match recvmmsg(fd, &mut self.receiving, slices.iter_mut(), MsgFlags::MSG_DONTWAIT, None) {
            Ok(batch) => batch,
            Err(Errno::EAGAIN | Errno::EINTR) => return Ok(0),
            Err(errno) => return Err(errno.into()),
        };
        let mut count = 0;
        for datagram in batch {
            count += 1;
            let arrived = datagram.cmsgs().ok().and_then(|mut controls| {
                controls.find_map(|control| match control {
                    ControlMessageOwned::ScmTimestampns(at) => Some(Duration::from(at)),
                    _ => None,
                })
            });
            if let (Some(bytes), Some(peer)) = (datagram.iovs().next(), datagram.address) {
                take(bytes, peer.into(), arrived);
            }
        }
        Ok(count)
    }

    /// Queues a datagram that `write` fills; a full batch is sent at once.
    pub(crate) fn send(&mut self, to: SocketAddrV4, write: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = self.spare.pop().unwrap_or_default();
        bytes.clear();
        write(&mut bytes);
        self.out.push((bytes, to));
        if self.out.len() >= BATCH {
            self.flush();
        }
    }

    /// Sends what is queued.
    pub(crate) fn flush(&mut self) {
        let mut sent = 0;
        while sent < self.out.len() {
            let rest = &self.out[sent..];
            let mut slices = [[IoSlice::new(&[])]; BATCH];
            let mut addresses = [None; BATCH];
            for (((bytes, to), slice), address) in rest.iter().zip(&mut slices).zip(&mut addresses) {
                *slice = [IoSlice::new(bytes)];
                *address = Some(SockaddrIn::from(*to));
            }
            let slices = slices.iter().take(rest.len());
            let flags = MsgFlags::MSG_DONTWAIT;
            let fd = self.socket.as_raw_fd();
            match sendmmsg(fd, &mut self.sending, slices, addresses, [], flags).map(Iterator::count) {
                Ok(count) => sent += count,
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) if self.wait_for(PollFlags::POLLOUT, Some(Duration::from_millis(10))) => {}
                Err(_) => {
                    self.unsent += 1;
                    sent += 1;
                }
            }
        }
        self.spare.extend(self.out.drain(..).map(|(bytes, _)| bytes));
    }

    /// Sleeps until there is something to receive.
    pub(crate) fn wait(&self, timeout: Option<Duration>) {
        self.wait_for(PollFlags::POLLIN, timeout);
    }

    fn wait_for(&self, event: PollFlags, timeout: Option<Duration>) -> bool {
        let mut fds = [PollFd::new(self.socket.as_fd(), event)];
        ppoll(&mut fds, timeout.map(TimeSpec::from_duration), None).is_ok_and(|ready| ready > 0)
    }

    pub(crate) fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// A load generator must not be turned on the world.
pub(crate) fn loopback(address: SocketAddrV4) -> io::Result<()> {
    if address.ip().is_loopback() {
        return Ok(());
    }
    Err(io::Error::other(format!("{address} is no loopback address, and this program speaks on no other")))
}
