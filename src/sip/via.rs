//! Via (RFC 3261 section 20.42, RFC 3581).

use std::net::{IpAddr, SocketAddr};

use super::header::is_token_byte;
use super::identity::{Params, quotes_match};
use super::uri::{Host, split_host_port};
use crate::flow::Transport;
use crate::text::{put_decimal, put_ip};

/// Why bytes are no Via value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ViaError {
    /// `sent-protocol` is not `SIP/2.0/transport`.
    #[error("a Via begins with SIP/2.0/ and a transport")]
    Protocol,
    /// `sent-by` is no host with an optional port.
    #[error("a Via names the host, and perhaps the port, that it was sent by")]
    SentBy,
    /// Something other than parameters follows.
    #[error("after the sent-by of a Via come parameters, each behind a semicolon")]
    Parameters,
}

/// One Via value, borrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Via<'a> {
    /// The version, as written: only `2.0` is spoken, but a 505 finds its way back through another.
    pub version: &'a [u8],
    /// The transport, `None` for one that Ringfence does not speak.
    pub transport: Option<Transport>,
    /// All before the parameters, as written.
    pub head: &'a [u8],
    /// The host of `sent-by`.
    pub host: &'a [u8],
    /// The port of `sent-by`, where one is named.
    pub port: Option<u16>,
    /// The parameters from their first `;` on, or empty.
    pub params: &'a [u8],
    /// The value of the parameter `branch`; empty where there is none.
    pub branch: &'a [u8],
    /// The value of the parameter `maddr`; empty where there is none.
    pub maddr: &'a [u8],
    /// Which other parameters there are.
    pub marks: ViaMarks,
}

/// What the parameters of a Via say by being there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ViaMarks {
    /// `rport`: the sender asks for responses to the port it sent from (RFC 3581).
    pub rport: bool,
    /// `received`: a server has written where it came from, or the sender pretends so.
    pub received: bool,
    /// A parameter without name, or a second branch: each reader takes another one.
    pub ambiguous: bool,
}

impl<'a> Via<'a> {
    /// Reads one value, white space around `/`, `:`, `;` and `=` included (RFC 4475 3.1.1.1).
    pub fn parse(value: &'a [u8]) -> Result<Via<'a>, ViaError> {
        let value = value.trim_ascii();
        // As nearly all peers write it.
        let (version, rest) = match value.strip_prefix(b"SIP/2.0/") {
            Some(rest) => (&value[4..7], rest.trim_ascii_start()),
            None => version_part(protocol_part(value, b"SIP")?).map(|(rest, version)| (version, rest))?,
        };
        let token_end = rest.iter().position(|&byte| !is_token_byte(byte)).unwrap_or(rest.len());
        let (transport, after) = rest.split_at(token_end);
        if transport.is_empty() || !after.first().is_some_and(u8::is_ascii_whitespace) {
            return Err(ViaError::Protocol);
        }
        let after = after.trim_ascii_start();
        let params_at = memchr::memchr(b';', after).unwrap_or(after.len());
        let (sent_by, params) = after.split_at(params_at);
        let sent_by = sent_by.trim_ascii_end();
        let (host, port) = split_sent_by(sent_by).ok_or(ViaError::SentBy)?;
        let is_plain = memchr::memchr2(0, b'"', params).is_none();
        if !is_plain && (memchr::memchr(0, params).is_some() || !quotes_match(params)) {
            return Err(ViaError::Parameters);
        }
        let head = value[..value.len() - params.len()].trim_ascii_end();
        let transport = Transport::parse(transport);
        let (mut branch, mut maddr, mut marks) = (None, None, ViaMarks::default());
        for (name, value) in Params::new(params) {
            match name.len() {
                0 => marks.ambiguous = true,
                5 if name == b"rport" || name.eq_ignore_ascii_case(b"rport") => marks.rport = true,
                5 if name.eq_ignore_ascii_case(b"maddr") => maddr = maddr.or(Some(value)),
                6 if name == b"branch" || name.eq_ignore_ascii_case(b"branch") => {
                    marks.ambiguous |= branch.is_some();
                    branch = branch.or(Some(value));
                }
                8 if name == b"received" || name.eq_ignore_ascii_case(b"received") => marks.received = true,
                _ => {}
            }
        }
        let (branch, maddr) = (branch.unwrap_or_default(), maddr.unwrap_or_default());
        Ok(Via { version, transport, head, host, port, params, branch, maddr, marks })
    }

    /// The branch.
    pub fn branch(&self) -> Option<&'a [u8]> {
        Some(self.branch).filter(|branch| !branch.is_empty())
    }

    /// Whether the sender asks for responses to the port it sent from (RFC 3581).
    pub fn wants_rport(&self) -> bool {
        self.marks.rport
    }

    /// Whether the value must be changed before it is copied: `received` where the host is not the source, and for
    /// RFC 3581; a `received` or `rport` value that the sender wrote himself is never believed.
    fn needs_stamp(&self, source: IpAddr) -> bool {
        self.marks.rport || self.marks.received || !Host::is_address(self.host, source)
    }

    /// Writes the value with `received` and `rport` of the address it came from (RFC 3261 18.2.1, RFC 3581 4), or
    /// returns `false` and writes nothing when it is right as it stands.
    pub fn stamp(&self, source: SocketAddr, out: &mut Vec<u8>) -> bool {
        if !self.needs_stamp(source.ip()) {
            return false;
        }
        out.extend_from_slice(self.head);
        let mut params = Params::new(self.params);
        while let Some(text) = params.next_text() {
            let (name, _) = Params::divide(text);
            if !name.eq_ignore_ascii_case(b"received") && !name.eq_ignore_ascii_case(b"rport") {
                out.push(b';');
                out.extend_from_slice(text);
            }
        }
        out.extend_from_slice(b";received=");
        put_ip(source.ip(), out);
        if self.marks.rport {
            out.extend_from_slice(b";rport=");
            put_decimal(source.port(), out);
        }
        true
    }

    /// Where a response goes over an unreliable transport (RFC 3261 18.2.2, RFC 3581 4).
    pub fn response_address(&self, source: SocketAddr) -> SocketAddr {
        // Of the transport that brought the request, whatever Via says of it.
        let default_port = self.port.unwrap_or(Transport::Udp.default_port());
        if !self.maddr.is_empty()
            && let Ok(Host::Address(ip)) = Host::parse(self.maddr)
        {
            return SocketAddr::new(ip, default_port);
        }
        let mut back = source;
        if !self.marks.rport {
            back.set_port(default_port);
        }
        back
    }
}

/// Reads `version /` and gives what follows.
fn version_part(value: &[u8]) -> Result<(&[u8], &[u8]), ViaError> {
    let is_version = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
    let end = value.iter().position(|byte| !is_version(byte)).ok_or(ViaError::Protocol)?;
    let (version, rest) = value.split_at(end);
    let rest = rest.trim_ascii_start().strip_prefix(b"/").ok_or(ViaError::Protocol)?;
    Ok((rest.trim_ascii_start(), version))
}

/// Reads `name /` in any case and with white space, and gives what follows.
fn protocol_part<'a>(value: &'a [u8], name: &[u8]) -> Result<&'a [u8], ViaError> {
    let (part, rest) = value.split_at_checked(name.len()).ok_or(ViaError::Protocol)?;
    if !part.eq_ignore_ascii_case(name) {
        return Err(ViaError::Protocol);
    }
    let rest = rest.trim_ascii_start().strip_prefix(b"/").ok_or(ViaError::Protocol)?;
    Ok(rest.trim_ascii_start())
}

/// `host[:port]` with optional white space around the colon.
fn split_sent_by(sent_by: &[u8]) -> Option<(&[u8], Option<u16>)> {
    if let Ok(parts) = split_host_port(sent_by) {
        return Some(parts);
    }
    if !sent_by.iter().any(u8::is_ascii_whitespace) {
        // RFC 5118 4.5: an IPv6 literal without brackets.
        return matches!(Host::parse(sent_by), Ok(Host::Address(_))).then_some((sent_by, None));
    }
    let host_end = match sent_by.first() {
        Some(b'[') => memchr::memchr(b']', sent_by)? + 1,
        _ => sent_by.iter().position(|&byte| byte.is_ascii_whitespace() || byte == b':')?,
    };
    let rest = sent_by[host_end..].trim_ascii();
    let (host, none) = split_host_port(&sent_by[..host_end]).ok()?;
    let digits = rest.strip_prefix(b":")?.trim_ascii();
    let port = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    none.is_none().then_some((host, Some(port.parse().ok()?)))
}
