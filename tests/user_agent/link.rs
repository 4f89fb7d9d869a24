//! The sockets of a user agent: one address, one transport, all that arrives in one queue.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use socket2::{Domain, Socket, Type};

/// Beyond this nothing comes any more.
const PATIENCE: Duration = Duration::from_secs(10);

/// The way back to whom a message came from.
#[derive(Debug, Clone)]
pub(crate) enum Back {
    Udp(SocketAddr),
    Tcp(Arc<TcpStream>),
}

pub(crate) struct Link {
    pub(crate) local: SocketAddr,
    udp: Option<UdpSocket>,
    connections: HashMap<SocketAddr, Arc<TcpStream>>,
    arrivals: Receiver<(Vec<u8>, Back)>,
    arrived: Sender<(Vec<u8>, Back)>,
}

impl Link {
    pub(crate) fn udp(ip: IpAddr) -> Link {
        let (arrived, arrivals) = mpsc::channel();
        let socket = UdpSocket::bind((ip, 0)).expect("a port");
        let (reader, tell) = (socket.try_clone().expect("a socket"), arrived.clone());
        thread::spawn(move || {
            let mut buffer = [0; 65_535];
            while let Ok((length, from)) = reader.recv_from(&mut buffer) {
                if tell.send((buffer[..length].to_vec(), Back::Udp(from))).is_err() {
                    break;
                }
            }
        });
        let local = socket.local_addr().expect("bound");
        Link { local, udp: Some(socket), connections: HashMap::new(), arrivals, arrived }
    }

    pub(crate) fn tcp(ip: IpAddr) -> Link {
        let (arrived, arrivals) = mpsc::channel();
        let listener = TcpListener::bind((ip, 0)).expect("a port");
        let local = listener.local_addr().expect("bound");
        let tell = arrived.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                read(&Arc::new(stream), &tell);
            }
        });
        Link { local, udp: None, connections: HashMap::new(), arrivals, arrived }
    }

    pub(crate) fn is_udp(&self) -> bool {
        self.udp.is_some()
    }

    /// Sends a request to an address, by a connection of its own where the transport has connections.
    pub(crate) fn send(&mut self, to: SocketAddr, bytes: &[u8]) {
        if let Some(udp) = &self.udp {
            udp.send_to(bytes, to).expect("a datagram");
            return;
        }
        let (ip, tell) = (self.local.ip(), &self.arrived);
        let stream = self.connections.entry(to).or_insert_with(|| {
            let socket = Socket::new(Domain::for_address(to), Type::STREAM, None).expect("a socket");
            socket.bind(&SocketAddr::new(ip, 0).into()).expect("our address");
            socket.connect(&to.into()).expect("the program listens");
            let stream = Arc::new(TcpStream::from(socket));
            read(&stream, tell);
            stream
        });
        if (&**stream).write_all(bytes).is_err() {
            // The program has been started anew meanwhile.
            self.connections.remove(&to);
            self.send(to, bytes);
        }
    }

    /// Sends a response the way its request came.
    pub(crate) fn send_back(&self, back: &Back, bytes: &[u8]) {
        match (back, &self.udp) {
            (Back::Udp(to), Some(udp)) => drop(udp.send_to(bytes, to).expect("a datagram")),
            (Back::Tcp(stream), _) => (&**stream).write_all(bytes).expect("an open connection"),
            (Back::Udp(_), None) => unreachable!("a datagram came by a stream"),
        }
    }

    pub(crate) fn receive(&self) -> (Vec<u8>, Back) {
        self.arrivals.recv_timeout(PATIENCE).expect("a message within ten seconds")
    }
}

/// Divides a stream into messages by Content-Length (RFC 3261 section 18.3).
fn read(stream: &Arc<TcpStream>, tell: &Sender<(Vec<u8>, Back)>) {
    let (stream, tell) = (Arc::clone(stream), tell.clone());
    thread::spawn(move || {
        let (mut bytes, mut buffer) = (Vec::new(), [0; 4_096]);
        while let Ok(length) = (&*stream).read(&mut buffer) {
            if length == 0 {
                break;
            }
            bytes.extend_from_slice(&buffer[..length]);
            while let Some(head) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
                let told = text.lines().find_map(|line| line.strip_prefix("content-length:"));
                let body: usize = told.and_then(|told| told.trim().parse().ok()).expect("a stream needs a length");
                if bytes.len() < head + 4 + body {
                    break;
                }
                let message = bytes.drain(..head + 4 + body).collect();
                if tell.send((message, Back::Tcp(Arc::clone(&stream)))).is_err() {
                    return;
                }
            }
        }
    });
}
