//! The responses that a server makes of a request (RFC 3261 section 8.2.6).

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use super::{HeaderName, Headers, NameAddr, phrase, status_line};

/// One response to be written.
#[derive(Debug, Clone, Copy)]
pub struct Reply<'a> {
    /// The status.
    pub status: u16,
    /// The reason phrase.
    pub phrase: &'a str,
    /// The tag that To gets where it has none; `None` for 100.
    pub to_tag: Option<&'a [u8]>,
    /// Whole header lines with their line ends.
    pub extra: &'a [u8],
}

/// Writes the response to a request that came from `source`: Via as received and stamped, From, To, Call-ID, CSeq, for
/// 100 also Timestamp (8.2.6.1), and no body.
pub fn reply(headers: &Headers, source: SocketAddr, reply: Reply<'_>) -> Bytes {
    write(headers, source, reply, Duration::ZERO)
}

/// Writes the 100 to a request that came this long ago: its Timestamp says so (8.2.6.1).
pub fn trying(headers: &Headers, source: SocketAddr, delay: Duration) -> Bytes {
    write(headers, source, Reply { status: 100, phrase: phrase(100), to_tag: None, extra: b"" }, delay)
}

fn write(headers: &Headers, source: SocketAddr, reply: Reply<'_>, delay: Duration) -> Bytes {
    let mut out = Vec::with_capacity(headers.bytes().len().min(1024) + reply.extra.len());
    status_line(reply.status, reply.phrase, &mut out);
    let mut first_via = true;
    // Of a malformed request that has two, the first is copied.
    let mut copied = [false; HeaderName::Other as usize + 1];
    for field in headers.fields() {
        let line = headers.slice(field.line);
        let again = std::mem::replace(&mut copied[field.name as usize], true);
        match field.name {
            HeaderName::From | HeaderName::To | HeaderName::CallId | HeaderName::CSeq if again => {}
            HeaderName::Via if first_via => {
                first_via = false;
                match headers.top_via() {
                    Some((span, via)) => {
                        let before = usize::from(span.start - field.line.start);
                        let after = usize::from(span.end - field.line.start);
                        out.extend_from_slice(&line[..before]);
                        if !via.stamp(source, &mut out) {
                            out.extend_from_slice(&line[before..after]);
                        }
                        out.extend_from_slice(&line[after..]);
                    }
                    None => out.extend_from_slice(line),
                }
            }
            HeaderName::To => {
                let value = headers.slice(field.value);
                let untagged = NameAddr::parse(value).is_ok_and(|to| to.param(b"tag").is_none());
                match reply.to_tag {
                    Some(tag) if untagged => {
                        out.extend_from_slice(b"To: ");
                        out.extend_from_slice(value);
                        out.extend_from_slice(b";tag=");
                        out.extend_from_slice(tag);
                        out.extend_from_slice(b"\r\n");
                    }
                    _ => out.extend_from_slice(line),
                }
            }
            HeaderName::Via | HeaderName::From | HeaderName::CallId | HeaderName::CSeq => out.extend_from_slice(line),
            HeaderName::Timestamp if reply.status == 100 && delay.is_zero() => out.extend_from_slice(line),
            HeaderName::Timestamp if reply.status == 100 => {
                out.extend_from_slice(b"Timestamp: ");
                // A delay that the request names itself is of a hop before, and of another way.
                let sent = headers.slice(field.value).split(u8::is_ascii_whitespace).next().unwrap_or_default();
                out.extend_from_slice(sent);
                out.extend_from_slice(format!(" {:.3}\r\n", delay.as_secs_f64()).as_bytes());
            }
            _ => {}
        }
    }
    out.extend_from_slice(reply.extra);
    out.extend_from_slice(b"Content-Length: 0\r\n\r\n");
    Bytes::from(out)
}
