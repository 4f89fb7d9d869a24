//! Who is called over TCP.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use crate::lab::Host;
use crate::phone::{PATIENCE, response};
use crate::ringfence::SIP;
use crate::uninterrupted::uninterrupted;

/// The SIP port of a host, and the connection that is in use.
pub(crate) struct Desk<'l> {
    host: &'l Host,
    listener: TcpListener,
    connection: Option<TcpStream>,
    /// What came after the message that was heard last.
    rest: Vec<u8>,
}

impl<'l> Desk<'l> {
    pub(crate) fn on(host: &'l Host) -> Desk<'l> {
        let listener = host.does(|| TcpListener::bind(host.address(SIP)).expect("a socket"));
        Desk { host, listener, connection: None, rest: Vec::new() }
    }

    /// The next message that begins with this, by the connection in use or the next one; how long it took to come.
    #[track_caller]
    pub(crate) fn hears(&mut self, start: &str) -> (String, Duration) {
        let began = Instant::now();
        loop {
            let text = self.next();
            if text.starts_with(start) {
                return (text, began.elapsed());
            }
        }
    }

    fn next(&mut self) -> String {
        let mut buffer = [0; 4096];
        loop {
            // None of these messages has a body.
            if let Some(end) = self.rest.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                let message: Vec<u8> = self.rest.drain(..end + 4).collect();
                return String::from_utf8(message).expect("a text");
            }
            let connection = self.connection.get_or_insert_with(|| accept(&self.listener));
            let length = uninterrupted(|| connection.read(&mut buffer)).expect("bytes");
            assert!(length > 0, "Ringfence ends the connection");
            self.rest.extend_from_slice(&buffer[..length]);
        }
    }

    pub(crate) fn answers(&mut self, request: &str, status: &str) {
        let text = response(request, status, self.host.address(SIP), ";transport=tcp");
        self.connection.as_mut().expect("a connection").write_all(text.as_bytes()).expect("sent");
    }

    /// The connection is lost; whoever connects again is heard.
    pub(crate) fn hangs_up(&mut self) {
        self.connection = None;
        self.rest.clear();
    }

    /// Opens a connection of its own.
    pub(crate) fn calls_back(&mut self) {
        let proxy: SocketAddr = self.host.proxy(SIP);
        self.connection = Some(self.host.does(|| TcpStream::connect(proxy).expect("Ringfence listens")));
    }
}

fn accept(listener: &TcpListener) -> TcpStream {
    let (connection, _) = listener.accept().expect("a connection");
    connection.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    connection
}
