//! Marking what a socket sends.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;

use socket2::SockRef;

use crate::engine::Dscp;

/// Marks all that this socket sends; `address` is one of its family.
pub(super) fn mark(socket: &impl AsFd, address: SocketAddr, dscp: Dscp) -> io::Result<()> {
    let class = u32::from(dscp.traffic_class());
    match address {
        // What nobody asked for is left to the system.
        _ if dscp == Dscp::default() => Ok(()),
        SocketAddr::V4(_) => SockRef::from(socket).set_tos_v4(class),
        SocketAddr::V6(_) => SockRef::from(socket).set_tclass_v6(class),
    }
}

#[cfg(test)]
mod tests {
    use std::io::IoSliceMut;
    use std::net::{TcpStream, UdpSocket};
    use std::os::fd::AsRawFd;

    use bytes::Bytes;
    use nix::libc;
    use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg};
    use serde::Deserialize;
    use serde::de::IntoDeserializer;
    use serde::de::value::{Error, StrDeserializer};

    use super::*;
    use crate::flow::{Flow, ListenerId, Transport};
    use crate::net::udp::{Outgoing, UdpPort};
    use crate::net::{Listen, stream, udp};

    const LOOPBACKS: [&str; 2] = ["127.0.0.1:0", "[::1]:0"];
    const CLASS: u8 = 24 << 2;

    fn listen(transport: Transport, bind: &str) -> Listen {
        let name: StrDeserializer<'_, Error> = "cs3".into_deserializer();
        let dscp = Dscp::deserialize(name).unwrap();
        Listen { id: ListenerId(0), transport, bind: bind.parse().unwrap(), dscp }
    }

    fn class_of(socket: &impl AsFd, address: SocketAddr) -> u32 {
        let socket = SockRef::from(socket);
        if address.is_ipv4() { socket.tos_v4() } else { socket.tclass_v6() }.unwrap()
    }

    /// The traffic class of the next datagram.
    fn received(socket: &UdpSocket) -> u8 {
        let (mut bytes, mut control) = ([0; 16], nix::cmsg_space!(libc::c_int));
        let mut slices = [IoSliceMut::new(&mut bytes)];
        let fd = socket.as_raw_fd();
        let message = recvmsg::<SockaddrStorage>(fd, &mut slices, Some(&mut control), MsgFlags::empty()).unwrap();
        let class = message.cmsgs().unwrap().find_map(|control| match control {
            ControlMessageOwned::Ipv4Tos(class) => Some(class),
            ControlMessageOwned::Ipv6TClass(class) => u8::try_from(class).ok(),
            _ => None,
        });
        class.unwrap()
    }

    #[test]
    fn datagrams_arrive_marked() {
        for address in LOOPBACKS {
            let receiver = UdpSocket::bind(address).unwrap();
            let peer = receiver.local_addr().unwrap();
            SockRef::from(&receiver).set_recv_tos_v4(peer.is_ipv4()).unwrap();
            if peer.is_ipv6() {
                SockRef::from(&receiver).set_recv_tclass_v6(true).unwrap();
            }
            let mut sockets = udp::bind(&listen(Transport::Udp, address), 1).unwrap();
            let mut port = UdpPort::new(sockets.remove(0));
            port.queue(Outgoing { local: peer.ip(), peer, bytes: Bytes::from_static(b"x"), ticket: None });
            assert_eq!(port.flush(&mut Vec::new()).datagrams, 1);
            assert_eq!(received(&receiver), CLASS, "{address}");
        }
    }

    #[test]
    fn connections_that_are_accepted_and_made_are_marked() {
        for address in LOOPBACKS {
            let listener = stream::bind(&listen(Transport::Tcp, address)).unwrap();
            listener.set_nonblocking(false).unwrap();
            let peer = listener.local_addr().unwrap();
            let client = TcpStream::connect(peer).unwrap();
            let (accepted, _) = listener.accept().unwrap();
            assert_eq!((class_of(&accepted, peer), class_of(&client, peer)), (u32::from(CLASS), 0), "{address}");

            let local = SocketAddr::new(peer.ip(), 5060);
            let flow = Flow {
                transport: Transport::Tcp,
                listener: ListenerId(0),
                local,
                peer,
                connection: None,
                identity: None,
            };
            let dscp = listen(Transport::Tcp, address).dscp;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
            let (made, _) = runtime.block_on(stream::open_socket(&flow, dscp)).unwrap();
            assert_eq!(class_of(&made, peer), u32::from(CLASS), "{address}");
        }
    }
}
