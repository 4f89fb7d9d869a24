//! As much of HTTP as the admin port needs: one connection, one request at a time.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddrV4, TcpStream};

/// A connection that is kept.
pub(crate) struct Port {
    host: SocketAddrV4,
    stream: BufReader<TcpStream>,
}

impl Port {
    pub(crate) fn connect(host: SocketAddrV4) -> io::Result<Port> {
        let stream = TcpStream::connect(host)?;
        stream.set_nodelay(true)?;
        Ok(Port { host, stream: BufReader::new(stream) })
    }

    /// Sends a request and reads the body of its answer; an answer other than 2xx is an error.
    pub(crate) fn ask(&mut self, method: &str, path: &str, body: &[u8]) -> io::Result<Vec<u8>> {
        let length = body.len();
        let mut request =
            format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: {length}\r\n\r\n", self.host).into_bytes();
        // A small one in one packet.
        let (small, large) = if length < 8192 { (body, &[][..]) } else { (&[][..], body) };
        request.extend_from_slice(small);
        self.stream.get_mut().write_all(&request)?;
        self.stream.get_mut().write_all(large)?;
        let (status, answer) = self.answer()?;
        if (200..300).contains(&status) {
            return Ok(answer);
        }
        let told = String::from_utf8_lossy(&answer);
        Err(io::Error::other(format!("{method} {path}: {status} {told}")))
    }

    fn answer(&mut self) -> io::Result<(u16, Vec<u8>)> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| io::Error::other("no answer of HTTP"))?;
        let mut length = 0;
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            let Some((name, value)) = line.split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok((status, body))
    }
}
