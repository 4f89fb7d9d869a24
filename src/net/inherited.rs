//! Sockets that the service manager opened (`sd_listen_fds`(3)): they outlive the process, so that what is sent between two
//! processes waits for the next one.

use std::net::{SocketAddr, TcpListener, UdpSocket};

use listenfd::ListenFd;
use socket2::SockRef;

use super::NetError;

/// Open sockets, of which listeners take theirs by address.
#[derive(Debug, Default)]
pub struct Inherited {
    udp: Vec<(SocketAddr, UdpSocket)>,
    tcp: Vec<(SocketAddr, TcpListener)>,
}

impl Inherited {
    /// What the environment says was passed to this process; nothing without a service manager.
    pub fn from_env() -> Result<Inherited, NetError> {
        let mut passed = ListenFd::from_env();
        let mut inherited = Inherited::default();
        for index in 0..passed.len() {
            if let Ok(Some(socket)) = passed.take_udp_socket(index)
                && let Ok(address) = socket.local_addr()
            {
                check_family(&SockRef::from(&socket), address)?;
                inherited.udp.push((address, socket));
            } else if let Ok(Some(listener)) = passed.take_tcp_listener(index)
                && let Ok(address) = listener.local_addr()
            {
                check_family(&SockRef::from(&listener), address)?;
                inherited.tcp.push((address, listener));
            } else {
                return Err(NetError::NoSocket { index });
            }
        }
        Ok(inherited)
    }

    /// The UDP sockets that are bound there.
    pub(super) fn take_udp(&mut self, bound: SocketAddr) -> Vec<UdpSocket> {
        let (taken, left) = std::mem::take(&mut self.udp).into_iter().partition(|(address, _)| *address == bound);
        self.udp = left;
        taken.into_iter().map(|(_, socket): (_, UdpSocket)| socket).collect()
    }

    /// A socket that listens there for connections.
    pub(super) fn take_tcp(&mut self, bound: SocketAddr) -> Option<TcpListener> {
        let at = self.tcp.iter().position(|(address, _)| *address == bound)?;
        Some(self.tcp.swap_remove(at).1)
    }

    /// Fails when nobody has taken a socket: calls would go there, and nobody would answer.
    pub(super) fn all_taken(&self) -> Result<(), NetError> {
        let udp = self.udp.first().map(|(address, _)| *address);
        match udp.or_else(|| self.tcp.first().map(|(address, _)| *address)) {
            Some(address) => Err(NetError::NotNamed { address }),
            None => Ok(()),
        }
    }
}

/// A socket that takes IPv4 beside IPv6 gives every peer a second address.
fn check_family(socket: &SockRef<'_>, address: SocketAddr) -> Result<(), NetError> {
    let takes_both = address.is_ipv6() && !socket.only_v6().unwrap_or(false);
    if takes_both { Err(NetError::TakesBoth { address }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use socket2::{Domain, Socket, Type};

    use super::*;

    #[test]
    fn a_socket_of_both_families_is_refused() {
        for only_v6 in [true, false] {
            let socket = Socket::new(Domain::IPV6, Type::DGRAM, None).unwrap();
            socket.set_only_v6(only_v6).unwrap();
            let address = "[::1]:5060".parse().unwrap();
            assert_eq!(check_family(&SockRef::from(&socket), address).is_ok(), only_v6);
        }
    }

    #[test]
    fn each_listener_takes_what_is_bound_to_its_address() {
        let sockets = [(); 3].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
        let addresses = [0, 1, 2].map(|at| sockets[at].local_addr().unwrap());
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let listens = tcp.local_addr().unwrap();
        let mut inherited = Inherited { udp: addresses.into_iter().zip(sockets).collect(), tcp: vec![(listens, tcp)] };
        for address in addresses {
            assert!(inherited.take_tcp(address).is_none());
            assert_eq!(inherited.all_taken(), Err(NetError::NotNamed { address }));
            assert_eq!(inherited.take_udp(address)[0].local_addr().unwrap(), address);
        }
        assert_eq!(inherited.all_taken(), Err(NetError::NotNamed { address: listens }));
        assert_eq!(inherited.take_tcp(listens).unwrap().local_addr().unwrap(), listens);
        assert_eq!(inherited.all_taken(), Ok(()));
    }
}
