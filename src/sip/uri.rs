//! URIs: `sip:`, `sips:` (RFC 3261 section 19.1), `tel:` (RFC 3966), `urn:service:` (RFC 5031) and others by name only.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::identity::param;

/// What stands before the first colon of a URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// `sip:`
    Sip,
    /// `sips:`
    Sips,
    /// `tel:`
    Tel,
    /// `urn:`
    Urn,
    /// A scheme that Ringfence does not route (RFC 3261 section 16.3: 416).
    Other,
}

/// Why bytes are no URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UriError {
    /// There is no scheme.
    #[error("a URI begins with a scheme such as sip:")]
    Scheme,
    /// White space, control bytes, `<`, `>` or `"` inside.
    #[error("a URI holds no white space, quotes or angle brackets")]
    Character,
    /// A `%` without two hexadecimal digits.
    #[error("a % in a URI is followed by two hexadecimal digits")]
    Escape,
    /// The host is empty or has characters that no host has.
    #[error("the host of a URI is a name, an IPv4 address or an IPv6 address in brackets")]
    Host,
    /// The port is no number up to 65535.
    #[error("the port of a URI is a number up to 65535")]
    Port,
}

/// A URI, borrowed from the bytes it was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uri<'a> {
    /// The scheme.
    pub scheme: Scheme,
    /// The user as written: still percent-encoded and with its `;parameters`, without password. For `tel:` and
    /// other schemes all that follows the colon.
    pub user: Option<&'a [u8]>,
    /// The host as written, IPv6 with its brackets; empty where the scheme has none.
    pub host: &'a [u8],
    /// The port, where one is named.
    pub port: Option<u16>,
    /// The parameters from their first `;` on, or empty.
    pub params: &'a [u8],
    /// The headers after `?`, or empty.
    pub headers: &'a [u8],
}

/// The host of a SIP URI or Via.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// An IPv4 or IPv6 literal.
    Address(IpAddr),
    /// A name, in lower case.
    Name(Box<str>),
}

impl<'a> Uri<'a> {
    /// Reads a whole addr-spec.
    pub fn parse(bytes: &'a [u8]) -> Result<Uri<'a>, UriError> {
        // As nearly all peers write it.
        if let Some(rest) = bytes.strip_prefix(b"sip:") {
            return Uri::parse_sip(Scheme::Sip, rest);
        }
        let colon = memchr::memchr(b':', bytes).ok_or(UriError::Scheme)?;
        let (name, rest) = (&bytes[..colon], &bytes[colon + 1..]);
        let scheme = Scheme::parse(name)?;
        if matches!(scheme, Scheme::Sip | Scheme::Sips) {
            return Uri::parse_sip(scheme, rest);
        }
        check_characters(rest)?;
        // RFC 3966 section 3 has neither; in the user of a SIP URI they would begin its host and its headers.
        if scheme == Scheme::Tel && memchr::memchr2(b'@', b'?', rest).is_some() {
            return Err(UriError::Character);
        }
        Ok(Uri { scheme, user: Some(rest), host: b"", port: None, params: b"", headers: b"" })
    }

    /// One pass over what follows the scheme: each URI of each message comes through here.
    fn parse_sip(scheme: Scheme, rest: &'a [u8]) -> Result<Uri<'a>, UriError> {
        let (mut at, mut user_end, mut host_start) = (0, None, 0);
        let (mut colon, mut semicolon, mut question) = (None, None, None);
        while let Some(plain) = rest[at..].iter().position(|&byte| MARKS[usize::from(byte)] != Mark::None) {
            at += plain;
            match MARKS[usize::from(rest[at])] {
                Mark::None => {}
                Mark::Forbidden => return Err(UriError::Character),
                Mark::Escape => {
                    let pair = rest.get(at + 1..at + 3).ok_or(UriError::Escape)?;
                    if !pair.iter().all(u8::is_ascii_hexdigit) {
                        return Err(UriError::Escape);
                    }
                    at += 2;
                }
                // The user may hold `;`, `?` and `/` unescaped, the rest of the URI never an `@`: so the `@` decides.
                Mark::At if user_end.is_some() => return Err(UriError::Character),
                Mark::At => {
                    user_end = Some(colon.take().unwrap_or(at));
                    (semicolon, question) = (None, None);
                    host_start = at + 1;
                }
                Mark::Colon => colon = colon.or(Some(at)),
                Mark::Semicolon => semicolon = semicolon.or(Some(at)),
                Mark::Question => question = question.or(Some(at)),
            }
            at += 1;
        }
        let params_end = question.unwrap_or(rest.len());
        // Behind the question mark a semicolon begins nothing.
        let host_end = semicolon.filter(|&start| start < params_end).unwrap_or(params_end);
        let (host, port) = split_host_port(&rest[host_start..host_end])?;
        Ok(Uri {
            scheme,
            user: user_end.map(|end| &rest[..end]),
            host,
            port,
            params: &rest[host_end..params_end],
            headers: question.map_or(b"", |mark| &rest[mark + 1..]),
        })
    }

    /// The value of a parameter, empty for one without value; names are compared without regard to case.
    pub fn param(&self, name: &[u8]) -> Option<&'a [u8]> {
        param(self.params, name)
    }

    /// Writes all parameters but those of these names.
    pub fn write_params_without(&self, names: &[&[u8]], out: &mut Vec<u8>) {
        for text in self.params.split(|&byte| byte == b';').filter(|text| !text.is_empty()) {
            let name = text.split(|&byte| byte == b'=').next().unwrap_or_default();
            if !names.iter().any(|other| name.eq_ignore_ascii_case(other)) {
                out.push(b';');
                out.extend_from_slice(text);
            }
        }
    }

    /// The host as an address or a name.
    pub fn target(&self) -> Result<Host, UriError> {
        Host::parse(self.host)
    }
}

impl Scheme {
    fn parse(name: &[u8]) -> Result<Scheme, UriError> {
        let valid = name.first().is_some_and(u8::is_ascii_alphabetic)
            && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte));
        match name {
            _ if !valid => Err(UriError::Scheme),
            _ if name.eq_ignore_ascii_case(b"sip") => Ok(Scheme::Sip),
            _ if name.eq_ignore_ascii_case(b"sips") => Ok(Scheme::Sips),
            _ if name.eq_ignore_ascii_case(b"tel") => Ok(Scheme::Tel),
            _ if name.eq_ignore_ascii_case(b"urn") => Ok(Scheme::Urn),
            _ => Ok(Scheme::Other),
        }
    }
}

impl Host {
    /// Whether a host as it stands in a URI or Via is this address.
    pub fn is_address(host: &[u8], ip: IpAddr) -> bool {
        match ip {
            IpAddr::V4(ip) => parse_ipv4(host) == Some(ip),
            IpAddr::V6(_) => Host::parse(host) == Ok(Host::Address(ip)),
        }
    }

    /// An IPv4-mapped address is the IPv4 address: no socket of ours takes the one for the other.
    fn of_ipv6(ip: Ipv6Addr) -> Host {
        Host::Address(ip.to_canonical())
    }

    /// Reads a host as it stands in a URI or Via.
    pub fn parse(host: &[u8]) -> Result<Host, UriError> {
        if let Some(ip) = parse_ipv4(host) {
            return Ok(Host::Address(ip.into()));
        }
        let text = std::str::from_utf8(host).map_err(|_| UriError::Host)?;
        if let Some(inner) = text.strip_prefix('[') {
            let inner = inner.strip_suffix(']').ok_or(UriError::Host)?;
            return parse_ipv6(inner).map(Host::of_ipv6).ok_or(UriError::Host);
        }
        // RFC 5118 4.1: an IPv6 literal without brackets stands in some Vias; it is read, never written.
        if let Ok(ip) = text.parse::<Ipv6Addr>() {
            return Ok(Host::of_ipv6(ip));
        }
        if !text.is_empty() && text.bytes().all(is_host_byte) {
            return Ok(Host::Name(text.to_ascii_lowercase().into()));
        }
        Err(UriError::Host)
    }
}

/// Reads an IPv6 address. The grammar of RFC 3261 puts a third colon before one of IPv4 at its end, and RFC 5118 section 4.10
/// wants that read as well.
fn parse_ipv6(text: &str) -> Option<Ipv6Addr> {
    text.parse().ok().or_else(|| {
        let (before, ipv4) = text.split_once(":::")?;
        ipv4.parse::<Ipv4Addr>().ok()?;
        format!("{before}::{ipv4}").parse().ok()
    })
}

/// Reads dotted decimals as [`Ipv4Addr`]'s `FromStr` does: no leading zeros, nothing around them.
fn parse_ipv4(host: &[u8]) -> Option<Ipv4Addr> {
    let mut octets = [0; 4];
    let mut parts = host.split(|&byte| byte == b'.');
    for octet in &mut octets {
        let digits = parts.next().filter(|digits| (1..=3).contains(&digits.len()))?;
        if digits.len() > 1 && digits[0] == b'0' {
            return None;
        }
        let mut value: u16 = 0;
        for digit in digits {
            value = value * 10 + u16::from(digit.wrapping_sub(b'0'));
            if !digit.is_ascii_digit() {
                return None;
            }
        }
        *octet = u8::try_from(value).ok()?;
    }
    parts.next().is_none().then(|| Ipv4Addr::from(octets))
}

/// The part of a URI that may stand in a request line: without its method and its headers (RFC 3261 table 1), which could
/// become header fields further on; `None` when it is no URI.
pub fn request_uri(bytes: &[u8]) -> Option<Cow<'_, [u8]>> {
    let uri = Uri::parse(bytes).ok()?;
    let headers = if uri.headers.is_empty() { 0 } else { uri.headers.len() + 1 };
    let uri_end = bytes.len() - headers;
    if uri.param(b"method").is_none() {
        return Some(Cow::Borrowed(&bytes[..uri_end]));
    }
    let mut out = bytes[..uri_end - uri.params.len()].to_vec();
    uri.write_params_without(&[b"method"], &mut out);
    Some(Cow::Owned(out))
}

/// Splits `host[:port]`, where the host may be an IPv6 reference.
pub(super) fn split_host_port(hostport: &[u8]) -> Result<(&[u8], Option<u16>), UriError> {
    let host_end = match hostport.first() {
        Some(b'[') => memchr::memchr(b']', hostport).ok_or(UriError::Host)? + 1,
        _ => hostport.iter().position(|&byte| !is_host_byte(byte)).unwrap_or(hostport.len()),
    };
    let (host, rest) = hostport.split_at(host_end);
    if host.is_empty() || (host[0] == b'[' && Host::parse(host).is_err()) {
        return Err(UriError::Host);
    }
    match rest {
        [] => Ok((host, None)),
        [b':', digits @ ..] => Ok((host, Some(parse_port(digits).ok_or(UriError::Port)?))),
        _ => Err(UriError::Host),
    }
}

fn parse_port(digits: &[u8]) -> Option<u16> {
    if !(1..=5).contains(&digits.len()) {
        return None;
    }
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| u32::from(byte - b'0'));
    let value = digits.iter().try_fold(0, |value, byte| Some(value * 10 + digit(byte)?))?;
    u16::try_from(value).ok()
}

/// Letters, digits, `-` and `.`; `_` as well, which no RFC allows and many networks use.
fn is_host_byte(byte: u8) -> bool {
    HOST[usize::from(byte)]
}

const HOST: [bool; 256] = {
    let mut table = [false; 256];
    let bytes = b"-._0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut at = 0;
    while at < bytes.len() {
        table[bytes[at] as usize] = true;
        at += 1;
    }
    table
};

fn check_characters(rest: &[u8]) -> Result<(), UriError> {
    if rest.iter().any(|&byte| MARKS[usize::from(byte)] == Mark::Forbidden) {
        return Err(UriError::Character);
    }
    let escaped = |at: usize| rest.get(at + 1..at + 3).is_some_and(|pair| pair.iter().all(u8::is_ascii_hexdigit));
    if memchr::memchr_iter(b'%', rest).all(escaped) { Ok(()) } else { Err(UriError::Escape) }
}

/// What a byte means in a URI.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    None,
    /// It stands nowhere in a URI: control bytes, space, `<`, `>` and `"`.
    Forbidden,
    Escape,
    At,
    Colon,
    Semicolon,
    Question,
}

const MARKS: [Mark; 256] = {
    let mut table = [Mark::None; 256];
    let mut byte = 0;
    while byte <= b' ' as usize {
        table[byte] = Mark::Forbidden;
        byte += 1;
    }
    table[0x7f] = Mark::Forbidden;
    table[b'<' as usize] = Mark::Forbidden;
    table[b'>' as usize] = Mark::Forbidden;
    table[b'"' as usize] = Mark::Forbidden;
    table[b'%' as usize] = Mark::Escape;
    table[b'@' as usize] = Mark::At;
    table[b':' as usize] = Mark::Colon;
    table[b';' as usize] = Mark::Semicolon;
    table[b'?' as usize] = Mark::Question;
    table
};
