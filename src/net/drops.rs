//! Datagrams that the kernel dropped because a socket's receive buffer was full: no receive call tells of them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::{fs, io};

use super::Listen;
use crate::flow::Transport;

/// Datagrams dropped so far on the UDP sockets of these listeners, as `/proc/net/udp` and `udp6` have it. Reads files:
/// for a task that may wait a little.
pub fn receive_drops(listeners: &[Listen]) -> io::Result<u64> {
    let is_ours = |address| listeners.iter().any(|listen| listen.transport == Transport::Udp && listen.bind == address);
    let mut drops = dropped(&fs::read_to_string("/proc/net/udp")?, is_ours);
    match fs::read_to_string("/proc/net/udp6") {
        Ok(table) => drops += dropped(&table, is_ours),
        // A kernel without IPv6.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    Ok(drops)
}

/// The sum of the last column over the lines whose local address, the second, is ours.
fn dropped(table: &str, is_ours: impl Fn(SocketAddr) -> bool) -> u64 {
    let of_line = |line: &str| {
        let local = parse_address(line.split_ascii_whitespace().nth(1)?)?;
        let drops = line.split_ascii_whitespace().nth(12)?.parse::<u64>().ok()?;
        is_ours(local).then_some(drops)
    };
    table.lines().skip(1).filter_map(of_line).sum()
}

/// `0100007F:13C4`: 32-bit words as this machine stores them, then the port as a number.
fn parse_address(text: &str) -> Option<SocketAddr> {
    let (words, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |at: usize| Some(u32::from_str_radix(words.get(at * 8..at * 8 + 8)?, 16).ok()?.to_ne_bytes());
    let ip: IpAddr = match words.len() {
        8 => Ipv4Addr::from(word(0)?).into(),
        32 => {
            let words = [word(0)?, word(1)?, word(2)?, word(3)?];
            Ipv6Addr::from(<[u8; 16]>::try_from(words.concat()).ok()?).into()
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::ListenerId;

    #[test]
    fn the_drops_of_our_sockets_are_added_up() {
        let table = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
            \x20 123: 0100007F:13C4 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 41 2 0000000000000000 7\n\
            \x20 124: 0100007F:13C4 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 42 2 0000000000000000 5\n\
            \x20 125: 0200007F:13C4 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 43 2 0000000000000000 9\n\
            \x20 cut\n";
        assert_eq!(dropped(table, |address| address == "127.0.0.1:5060".parse().unwrap()), 12);
    }

    #[test]
    fn an_ipv6_address_is_read() {
        let address = parse_address("00000000000000000000000001000000:13C4");
        assert_eq!(address, Some("[::1]:5060".parse().unwrap()));
    }

    #[test]
    fn a_socket_that_nobody_reads_drops() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let bind = socket.local_addr().unwrap();
        let listeners = [Listen { id: ListenerId(0), transport: Transport::Udp, bind }];
        assert_eq!(receive_drops(&listeners).unwrap(), 0);
        for _ in 0..10_000 {
            socket.send_to(&[0; 1000], bind).unwrap();
        }
        assert!(receive_drops(&listeners).unwrap() > 0);
    }
}
