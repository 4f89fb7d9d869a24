//! Who calls and who is called: plain sockets on the hosts.

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use crate::lab::Host;
use crate::ringfence::SIP;
use crate::uninterrupted::uninterrupted;

/// Long enough for a loaded machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A UDP socket at the SIP port of its host.
pub(crate) struct Phone {
    socket: UdpSocket,
    address: SocketAddr,
    proxy: SocketAddr,
}

impl Phone {
    pub(crate) fn on(host: &Host) -> Phone {
        let address = host.address(SIP);
        let socket = host.does(|| UdpSocket::bind(address).expect("a socket"));
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        Phone { socket, address, proxy: host.proxy(SIP) }
    }

    pub(crate) fn invites(&self, call_id: &str) {
        let (from, to) = (self.address, self.proxy);
        self.send(&format!(
            "INVITE sip:48221234567@{to} SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bK{call_id}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:48600100200@{from}>;tag=1\r\nTo: <sip:48221234567@{to}>\r\n\
             Call-ID: {call_id}\r\nCSeq: 1 INVITE\r\nContact: <sip:caller@{from}>\r\nContent-Length: 0\r\n\r\n"
        ));
    }

    /// Answers a request that has come in.
    pub(crate) fn answers(&self, request: &str, status: &str) {
        self.send(&response(request, status, self.address, ""));
    }

    /// Sends a request inside the dialog that this answer to an INVITE has made.
    pub(crate) fn sends(&self, method: &str, cseq: u32, answer: &str) {
        let lines = |name: &str| -> Vec<&str> {
            answer.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).collect()
        };
        let target = lines("Contact")[0].trim_matches(['<', '>']);
        let routes: String = lines("Record-Route").iter().rev().map(|route| format!("Route: {route}\r\n")).collect();
        self.send(&format!(
            "{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bK{method}{cseq}\r\nMax-Forwards: 70\r\n\
             {routes}From: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {cseq} {method}\r\nContent-Length: 0\r\n\r\n",
            self.address,
            lines("From")[0],
            lines("To")[0],
            lines("Call-ID")[0],
        ));
    }

    fn send(&self, text: &str) {
        self.socket.send_to(text.as_bytes(), self.proxy).expect("sent");
    }

    /// The next message of this call, or of any, that begins with this; how long it took to come.
    #[track_caller]
    pub(crate) fn hears(&self, call_id: &str, start: &str) -> (String, Duration) {
        let began = Instant::now();
        let mut buffer = [0; 4096];
        loop {
            let length =
                uninterrupted(|| self.socket.recv(&mut buffer)).unwrap_or_else(|error| panic!("no {start}: {error}"));
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if text.starts_with(start) && (call_id.is_empty() || text.contains(&format!("Call-ID: {call_id}\r\n"))) {
                return (text, began.elapsed());
            }
        }
    }
}

/// The response to a request of who can be reached at this address.
pub(crate) fn response(request: &str, status: &str, contact: SocketAddr, params: &str) -> String {
    let mut text = format!("SIP/2.0 {status}\r\n");
    for line in request.lines() {
        match line.split(':').next().unwrap_or_default() {
            "Via" | "Record-Route" | "From" | "Call-ID" | "CSeq" => text += &format!("{line}\r\n"),
            "To" if line.contains(";tag=") => text += &format!("{line}\r\n"),
            "To" => text += &format!("{line};tag=2\r\n"),
            _ => {}
        }
    }
    format!("{text}Contact: <sip:callee@{contact}{params}>\r\nContent-Length: 0\r\n\r\n")
}
