//! One shard's UDP socket: batches in, batches out.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;

use bytes::Bytes;
use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, MultiHeaders, RecvMsg, SockaddrStorage, recvmmsg, sendmmsg,
    setsockopt, sockopt,
};
use socket2::{Domain, Protocol, SockRef, Socket, Type};

use super::admission::Fate;
use super::{Listen, dscp};
use crate::engine::{Dscp, Ticket};
use crate::flow::{Flow, ListenerId, Transport};
use crate::sip::MAX_MESSAGE;

/// Datagrams per system call. One at a time costs 11 to 46 % more processor time a call; beyond 8 the size hardly
/// matters, and 32 lets a burst through without holding timers up.
pub(super) const BATCH: usize = 32;

/// Socket buffers. A small datagram costs the kernel about 2.3 kB of it, so this holds some 1,800: 180 ms at 10,000
/// messages a second, longer than any pause of a shard.
const SOCKET_BUFFER: usize = 4 << 20;

/// Opens the sockets of one UDP listener, one for each shard, all on one port.
pub(super) fn bind(listen: &Listen, shards: usize) -> io::Result<Vec<Endpoint>> {
    // SO_REUSEPORT would let another process share the port in silence and take half of the calls, so first see
    // whether it is free.
    let port = open(listen.bind, listen.dscp, false)?.local_addr()?.port();
    let address = SocketAddr::new(listen.bind.ip(), port);
    let endpoint = |socket| Endpoint { socket, listener: listen.id, local: address };
    (0..shards).map(|_| open(address, listen.dscp, true).map(endpoint)).collect()
}

/// Takes over the sockets of one UDP listener, all of them: to each the kernel gives the datagrams of some peers. Where there
/// are fewer than shards, some shards share one; where there are more, some have several.
pub(super) fn adopt(listen: &Listen, sockets: Vec<UdpSocket>, shards: usize) -> io::Result<Vec<Endpoint>> {
    for socket in &sockets {
        configure(&SockRef::from(socket), listen.bind, listen.dscp)?;
    }
    let of_shard =
        |socket: &UdpSocket| Ok(Endpoint { socket: socket.try_clone()?, listener: listen.id, local: listen.bind });
    sockets.iter().cycle().take(shards.max(sockets.len())).map(of_shard).collect()
}

fn open(address: SocketAddr, dscp: Dscp, shared: bool) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        // So that 0.0.0.0 and :: may both be listened on, and no peer has two spellings.
        socket.set_only_v6(true)?;
    }
    if shared {
        socket.set_reuse_port(true)?;
    }
    // Before bind, so that no datagram comes without its destination.
    configure(&socket, address, dscp)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

fn configure(socket: &Socket, address: SocketAddr, dscp: Dscp) -> io::Result<()> {
    dscp::mark(socket, address, dscp)?;
    // The unprivileged option is capped by net.core.rmem_max and never fails for its size.
    if setsockopt(&socket, sockopt::RcvBufForce, &SOCKET_BUFFER).is_err() {
        socket.set_recv_buffer_size(SOCKET_BUFFER)?;
    }
    if setsockopt(&socket, sockopt::SndBufForce, &SOCKET_BUFFER).is_err() {
        socket.set_send_buffer_size(SOCKET_BUFFER)?;
    }
    if address.ip().is_unspecified() {
        match address {
            SocketAddr::V4(_) => setsockopt(&socket, sockopt::Ipv4PacketInfo, &true)?,
            SocketAddr::V6(_) => setsockopt(&socket, sockopt::Ipv6RecvPacketInfo, &true)?,
        }
    }
    socket.set_nonblocking(true)
}

/// One socket, as it may be handed to the thread of its shard.
#[derive(Debug)]
pub(super) struct Endpoint {
    socket: UdpSocket,
    listener: ListenerId,
    /// The address it is bound to.
    local: SocketAddr,
}

impl Endpoint {
    /// The address it is bound to.
    pub(super) fn local(&self) -> SocketAddr {
        self.local
    }

    /// The number that `/proc/self/net/udp` tells it by; `None` without /proc.
    pub(super) fn inode(&self) -> Option<u64> {
        let path = format!("/proc/self/fd/{}", self.socket.as_raw_fd());
        std::fs::metadata(path).ok().map(|socket| socket.ino())
    }
}

/// The memory that datagrams are received into, shared by the sockets of a shard.
pub(super) struct Buffers([Box<[u8]>; BATCH]);

impl Buffers {
    /// 2 MB of addresses; only the pages that datagrams touch become memory.
    pub(super) fn new() -> Buffers {
        Buffers(std::array::from_fn(|_| vec![0; MAX_MESSAGE].into_boxed_slice()))
    }
}

/// A datagram that came in.
#[derive(Debug)]
pub(super) struct Datagram {
    pub(super) flow: Flow,
    pub(super) bytes: Bytes,
    /// It is a new call, and its shard is to refuse it.
    pub(super) is_refused: bool,
}

/// A datagram to be sent.
#[derive(Debug)]
pub(super) struct Outgoing {
    /// The address it leaves from; unspecified: the kernel chooses.
    pub(super) local: IpAddr,
    pub(super) peer: SocketAddr,
    pub(super) bytes: Bytes,
    pub(super) ticket: Option<Ticket>,
}

/// What one receive call brought, beside the datagrams.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Received {
    /// Datagrams taken from the socket.
    pub(super) datagrams: usize,
    /// Of these, cut by the kernel and dropped.
    pub(super) truncated: usize,
    /// Of these, without readable addresses and dropped.
    pub(super) unreadable: usize,
    /// Of these, calls of trunks dropped because there were too many.
    pub(super) unwanted: usize,
    /// Of these, calls of strangers dropped likewise.
    pub(super) strangers: usize,
}

/// What became of a batch that was sent.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sent {
    /// Given to the kernel.
    pub(super) datagrams: usize,
    /// Refused by the kernel.
    pub(super) refused: usize,
    /// Dropped because the send buffer stayed full.
    pub(super) full: usize,
}

/// One socket in the hands of its shard.
pub(super) struct UdpPort {
    endpoint: Endpoint,
    is_wildcard: bool,
    receiving: MultiHeaders<SockaddrStorage>,
    sending: MultiHeaders<SockaddrStorage>,
    outgoing: Vec<Outgoing>,
}

impl UdpPort {
    pub(super) fn new(endpoint: Endpoint) -> UdpPort {
        let is_wildcard = endpoint.local.ip().is_unspecified();
        // Separate headers: sendmmsg leaves pointers to the caller's addresses in them, which recvmmsg would write to.
        let (receiving, sending) = (headers(endpoint.local), headers(endpoint.local));
        UdpPort { endpoint, is_wildcard, receiving, sending, outgoing: Vec::with_capacity(BATCH) }
    }

    pub(super) fn listener(&self) -> ListenerId {
        self.endpoint.listener
    }

    pub(super) fn is_ipv4(&self) -> bool {
        self.endpoint.local.is_ipv4()
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.endpoint.socket.as_fd()
    }

    /// Receives at most [`BATCH`] datagrams without waiting; an empty socket is no error. `fate` says of each, before it is
    /// copied, what is to become of it.
    pub(super) fn receive(
        &mut self,
        buffers: &mut Buffers,
        into: &mut Vec<Datagram>,
        mut fate: impl FnMut(&Flow, &[u8]) -> Fate,
    ) -> Result<Received, Errno> {
        let fd = self.endpoint.socket.as_raw_fd();
        let mut received = Received::default();
        {
            let mut slices = buffers.0.each_mut().map(|buffer| [IoSliceMut::new(buffer)]);
            let batch = match recvmmsg(fd, &mut self.receiving, slices.iter_mut(), MsgFlags::MSG_DONTWAIT, None) {
                Ok(batch) => batch,
                Err(Errno::EAGAIN | Errno::EINTR) => return Ok(received),
                Err(errno) => return Err(errno),
            };
            for message in batch {
                received.datagrams += 1;
                if message.flags.contains(MsgFlags::MSG_TRUNC) {
                    received.truncated += 1;
                    continue;
                }
                let local = if self.is_wildcard { destination(&message) } else { Some(self.endpoint.local.ip()) };
                let (Some(local), Some(peer)) = (local, message.address.as_ref().and_then(socket_address)) else {
                    received.unreadable += 1;
                    continue;
                };
                let flow = Flow {
                    transport: Transport::Udp,
                    listener: self.endpoint.listener,
                    local: SocketAddr::new(local, self.endpoint.local.port()),
                    peer,
                    connection: None,
                    identity: None,
                };
                let bytes = message.iovs().next().unwrap_or_default();
                let is_refused = match fate(&flow, bytes) {
                    Fate::Take => false,
                    Fate::Refuse => true,
                    Fate::Drop => {
                        received.unwanted += 1;
                        continue;
                    }
                    Fate::Ignore => {
                        received.strangers += 1;
                        continue;
                    }
                };
                // A copy of its own size: a message may live as long as its transaction.
                into.push(Datagram { flow, bytes: Bytes::copy_from_slice(bytes), is_refused });
            }
        }
        if received.unreadable > 0 {
            // The kernel wrote a shorter length of control data into the headers, and nix would offer it no more room
            // the next time.
            self.receiving = headers(self.endpoint.local);
        }
        Ok(received)
    }

    /// Takes a datagram for the next [`UdpPort::flush`]; true when there is a batch.
    pub(super) fn queue(&mut self, outgoing: Outgoing) -> bool {
        self.outgoing.push(outgoing);
        self.outgoing.len() >= BATCH
    }

    /// Sends all queued datagrams; names the tickets of those that the kernel refused.
    pub(super) fn flush(&mut self, failed: &mut Vec<Ticket>) -> Sent {
        let mut sent = Sent::default();
        if self.outgoing.is_empty() {
            return sent;
        }
        let mut outgoing = std::mem::take(&mut self.outgoing);
        if self.is_wildcard {
            // One call sends from one address. The sort is stable: what goes to one peer keeps its order.
            outgoing.sort_by_key(|datagram| datagram.local);
            for group in outgoing.chunk_by(|one, other| one.local == other.local) {
                self.flush_from(group, failed, &mut sent);
            }
        } else {
            self.flush_from(&outgoing, failed, &mut sent);
        }
        outgoing.clear();
        self.outgoing = outgoing;
        sent
    }

    fn flush_from(&mut self, group: &[Outgoing], failed: &mut Vec<Ticket>, sent: &mut Sent) {
        let mut rest = group;
        let mut has_waited = false;
        while let Some(first) = rest.first() {
            let batch = &rest[..rest.len().min(BATCH)];
            match self.send(first.local, batch) {
                // The kernel may stop short; what stopped it is reported by the next call, for its first datagram.
                Ok(count) if count > 0 => {
                    sent.datagrams += count;
                    rest = &rest[count.min(rest.len())..];
                    has_waited = false;
                }
                Err(Errno::EINTR) => {}
                Ok(_) | Err(Errno::EAGAIN | Errno::ENOBUFS) => {
                    if !has_waited && self.wait_until_writable() {
                        has_waited = true;
                        continue;
                    }
                    // UDP loses datagrams; the timers of the transactions make up for it.
                    sent.full += rest.len();
                    return;
                }
                Err(_) => {
                    sent.refused += 1;
                    failed.extend(first.ticket);
                    rest = &rest[1..];
                    has_waited = false;
                }
            }
        }
    }

    fn send(&mut self, local: IpAddr, batch: &[Outgoing]) -> Result<usize, Errno> {
        let mut slices = [[IoSlice::new(&[])]; BATCH];
        let mut addresses = [None; BATCH];
        for ((datagram, slice), address) in batch.iter().zip(&mut slices).zip(&mut addresses) {
            *slice = [IoSlice::new(&datagram.bytes)];
            *address = Some(SockaddrStorage::from(datagram.peer));
        }
        let (info_v4, info_v6) = match local {
            IpAddr::V4(local) => (packet_info_v4(local), packet_info_v6(Ipv6Addr::UNSPECIFIED)),
            IpAddr::V6(local) => (packet_info_v4(Ipv4Addr::UNSPECIFIED), packet_info_v6(local)),
        };
        // By the family of the socket, not of `local`: the headers have room for exactly this message.
        let control = match self.endpoint.local {
            SocketAddr::V4(_) => [ControlMessage::Ipv4PacketInfo(&info_v4)],
            SocketAddr::V6(_) => [ControlMessage::Ipv6PacketInfo(&info_v6)],
        };
        let control = if self.is_wildcard { &control[..] } else { &[] };
        let fd = self.endpoint.socket.as_raw_fd();
        let slices = slices.iter().take(batch.len());
        sendmmsg(fd, &mut self.sending, slices, addresses, control, MsgFlags::MSG_DONTWAIT).map(Iterator::count)
    }

    /// Waits a little for room in the send buffer: the network card empties a full one within milliseconds, and a
    /// shard must not stand still for longer.
    fn wait_until_writable(&self) -> bool {
        use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
        const MILLISECONDS: u8 = 2;
        let mut fds = [PollFd::new(self.as_fd(), PollFlags::POLLOUT)];
        matches!(poll(&mut fds, PollTimeout::from(MILLISECONDS)), Ok(1..))
    }
}

/// Headers for a socket bound to this address, with room for the address a datagram was sent to where it is told.
fn headers(local: SocketAddr) -> MultiHeaders<SockaddrStorage> {
    let control = local.ip().is_unspecified().then(|| match local {
        SocketAddr::V4(_) => nix::cmsg_space!(libc::in_pktinfo),
        SocketAddr::V6(_) => nix::cmsg_space!(libc::in6_pktinfo),
    });
    MultiHeaders::preallocate(BATCH, control)
}

/// The address that a datagram was sent to.
fn destination(message: &RecvMsg<'_, '_, SockaddrStorage>) -> Option<IpAddr> {
    message.cmsgs().ok()?.find_map(|control| match control {
        // Not ipi_addr, which may be a broadcast address: a reply must be able to leave from it.
        ControlMessageOwned::Ipv4PacketInfo(info) => {
            Some(Ipv4Addr::from(u32::from_be(info.ipi_spec_dst.s_addr)).into())
        }
        ControlMessageOwned::Ipv6PacketInfo(info) => Some(Ipv6Addr::from(info.ipi6_addr.s6_addr).into()),
        _ => None,
    })
}

fn socket_address(address: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = || address.as_sockaddr_in().map(|v4| SocketAddr::V4((*v4).into()));
    v4().or_else(|| address.as_sockaddr_in6().map(|v6| SocketAddr::V6((*v6).into())))
}

fn packet_info_v4(local: Ipv4Addr) -> libc::in_pktinfo {
    let any = libc::in_addr { s_addr: 0 };
    libc::in_pktinfo { ipi_ifindex: 0, ipi_spec_dst: libc::in_addr { s_addr: u32::from(local).to_be() }, ipi_addr: any }
}

fn packet_info_v6(local: Ipv6Addr) -> libc::in6_pktinfo {
    libc::in6_pktinfo { ipi6_addr: libc::in6_addr { s6_addr: local.octets() }, ipi6_ifindex: 0 }
}
