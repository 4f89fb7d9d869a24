//! Somebody who calls over UDP and hears how the call ends.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::PATIENCE;
use crate::uninterrupted::uninterrupted;

/// A socket of the trunk `carrier`.
pub(crate) struct Caller {
    socket: UdpSocket,
    local: SocketAddr,
}

impl Caller {
    pub(crate) fn new(ip: IpAddr, proxy: SocketAddr) -> Caller {
        let socket = UdpSocket::bind((ip, 0)).expect("a port");
        socket.connect(proxy).expect("an address");
        socket.set_read_timeout(Some(PATIENCE)).expect("a time");
        let local = socket.local_addr().expect("it is bound");
        Caller { socket, local }
    }

    /// The status that a call from this number is answered with, and acknowledges it.
    #[track_caller]
    pub(crate) fn call_from(&self, number: &str) -> u16 {
        static CALLS: AtomicU32 = AtomicU32::new(0);
        let call = CALLS.fetch_add(1, Ordering::Relaxed);
        let to = "<sip:48221234567@example.net>";
        self.send("INVITE", call, number, to);
        loop {
            let mut buffer = [0; 65_535];
            let length = uninterrupted(|| self.socket.recv(&mut buffer)).expect("an answer comes");
            let answer = String::from_utf8_lossy(&buffer[..length]);
            let header =
                |name: &str| answer.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim();
            let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a response");
            if status < 200 || header("Call-ID:") != self.call_id(call) {
                continue;
            }
            self.send("ACK", call, number, header("To:"));
            return status;
        }
    }

    fn call_id(&self, call: u32) -> String {
        format!("{call}@{}", self.local)
    }

    fn send(&self, method: &str, call: u32, number: &str, to: &str) {
        let (local, call_id) = (self.local, self.call_id(call));
        let request = format!(
            "{method} sip:48221234567@example.net SIP/2.0\r\n\
             Via: SIP/2.0/UDP {local};branch=z9hG4bK-{call}\r\n\
             Max-Forwards: 70\r\n\
             From: <sip:{number}@example.org>;tag=caller\r\n\
             To: {to}\r\n\
             Call-ID: {call_id}\r\n\
             CSeq: 1 {method}\r\n\
             Contact: <sip:{local}>\r\n\
             Content-Length: 0\r\n\r\n"
        );
        self.socket.send(request.as_bytes()).expect("a datagram can be sent");
    }
}

/// A listed caller is declined.
pub(crate) const DECLINED: u16 = 603;

/// Any other has no route.
pub(crate) const PASSED: u16 = 404;
