//! What waits and what was lost before a shard could take it: of the mailboxes, and of the kernel's socket buffers, of
//! which no receive call tells.

use std::net::SocketAddr;
use std::sync::Arc;
use std::{fs, io};

use super::post::Post;

/// Reads the queues of a running network.
#[derive(Debug, Clone)]
pub struct NetGauges {
    post: Arc<Post>,
    udp: Arc<[UdpSocketId]>,
}

/// One of our UDP sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct UdpSocketId {
    pub(super) local: SocketAddr,
    pub(super) shard: usize,
    pub(super) inode: u64,
}

/// What the kernel says of one UDP socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UdpSocketState {
    /// The address it is bound to; each shard has a socket there.
    pub local: SocketAddr,
    /// The shard that reads it.
    pub shard: usize,
    /// Bytes that wait in its receive buffer, with what the kernel needs around them.
    pub queued: u64,
    /// Datagrams dropped so far because the buffer was full.
    pub drops: u64,
}

impl NetGauges {
    pub(super) fn new(post: Arc<Post>, udp: Arc<[UdpSocketId]>) -> NetGauges {
        NetGauges { post, udp }
    }

    /// How many inputs wait in the mailbox of each shard.
    pub fn queues(&self) -> Vec<usize> {
        self.post.lengths()
    }

    /// Of each UDP socket what `/proc/self/net/udp` and `udp6` have. Reads files: for a task that may wait a little.
    pub fn udp_sockets(&self) -> io::Result<Vec<UdpSocketState>> {
        let mut table = fs::read_to_string("/proc/self/net/udp")?;
        match fs::read_to_string("/proc/self/net/udp6") {
            Ok(more) => table += &more,
            // A kernel without IPv6.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        Ok(states(&table, &self.udp))
    }
}

fn states(table: &str, sockets: &[UdpSocketId]) -> Vec<UdpSocketState> {
    let of_line = |line: &str| {
        let columns: Vec<&str> = line.split_ascii_whitespace().collect();
        let inode = columns.get(9)?.parse::<u64>().ok()?;
        let socket = sockets.iter().find(|socket| socket.inode == inode)?;
        let queued = u64::from_str_radix(columns.get(4)?.split_once(':')?.1, 16).ok()?;
        let drops = columns.get(12)?.parse().ok()?;
        Some(UdpSocketState { local: socket.local, shard: socket.shard, queued, drops })
    };
    let mut states: Vec<UdpSocketState> = table.lines().filter_map(of_line).collect();
    states.sort_by_key(|state| (state.local, state.shard));
    states
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Dscp;
    use crate::flow::ListenerId;
    use crate::flow::Transport;
    use crate::net::{Listen, udp};

    #[test]
    fn each_socket_of_ours_is_found_by_its_inode() {
        let table = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
            \x20 123: 0100007F:13C4 00000000:0000 07 00000000:00000A00 00:00000000 00000000     0        0 41 2 0000000000000000 7\n\
            \x20 124: 0100007F:13C4 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 42 2 0000000000000000 5\n\
            \x20 125: 0100007F:13C4 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 43 2 0000000000000000 9\n\
            \x20 cut\n";
        let local = "127.0.0.1:5060".parse().unwrap();
        let sockets = [UdpSocketId { local, shard: 1, inode: 41 }, UdpSocketId { local, shard: 0, inode: 42 }];
        let expected = [
            UdpSocketState { local, shard: 0, queued: 0, drops: 5 },
            UdpSocketState { local, shard: 1, queued: 2560, drops: 7 },
        ];
        assert_eq!(states(table, &sockets), expected);
    }

    #[test]
    fn a_socket_that_nobody_reads_drops() {
        let bind = "127.0.0.1:0".parse().unwrap();
        let listen = Listen { id: ListenerId(0), transport: Transport::Udp, bind, dscp: Dscp::default() };
        let endpoints = udp::bind(&listen, 1).unwrap();
        let local = endpoints[0].local();
        let socket = UdpSocketId { local, shard: 0, inode: endpoints[0].inode().unwrap() };
        let state = || states(&fs::read_to_string("/proc/self/net/udp").unwrap(), &[socket])[0];
        assert_eq!((state().queued, state().drops), (0, 0));
        let sender = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        for _ in 0..10_000 {
            sender.send_to(&[0; 1000], local).unwrap();
        }
        assert!(state().queued > 0 && state().drops > 0, "{:?}", state());
    }
}
