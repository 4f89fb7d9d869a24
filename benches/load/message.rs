//! As much of SIP as the two ends need. It reads what Ringfence writes, unfolded and with long or compact names; it is
//! no parser for strangers' messages.

use std::net::SocketAddrV4;

/// The header field that says when a message was sent, in nanoseconds since the epoch.
pub(crate) const SENT: &str = "X-Sent";

/// The header fields: names and trimmed values.
pub(crate) fn headers(message: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let head = memchr::memmem::find(message, b"\r\n\r\n").map_or(message, |end| &message[..end]);
    head.split(|&byte| byte == b'\n').skip(1).filter_map(|line| {
        let colon = memchr::memchr(b':', line)?;
        Some((line[..colon].trim_ascii(), line[colon + 1..].trim_ascii()))
    })
}

/// All values of a header field in their order.
pub(crate) fn values<'a>(message: &'a [u8], name: &'static str) -> impl Iterator<Item = &'a [u8]> {
    let compact: &[u8] = match name {
        "Via" => b"v",
        "From" => b"f",
        "To" => b"t",
        "Call-ID" => b"i",
        "Contact" => b"m",
        _ => b"",
    };
    headers(message).filter_map(move |(found, value)| {
        (found.eq_ignore_ascii_case(name.as_bytes()) || found.eq_ignore_ascii_case(compact)).then_some(value)
    })
}

/// The first value of a header field; empty without one.
pub(crate) fn value<'a>(message: &'a [u8], name: &'static str) -> &'a [u8] {
    values(message, name).next().unwrap_or_default()
}

/// The status of a response; `None` for a request.
pub(crate) fn status(message: &[u8]) -> Option<u16> {
    let code = message.strip_prefix(b"SIP/2.0 ")?.get(..3)?;
    std::str::from_utf8(code).ok()?.parse().ok()
}

/// The method: of a request its first word, of a response that in CSeq.
pub(crate) fn method(message: &[u8]) -> &[u8] {
    match status(message) {
        Some(_) => value(message, "CSeq").rsplit(|&byte| byte == b' ').next().unwrap_or_default(),
        None => message.split(|&byte| byte == b' ').next().unwrap_or_default(),
    }
}

/// The values of Record-Route one by one, as they stand.
pub(crate) fn record_route(message: &[u8]) -> Vec<&[u8]> {
    let mut routes = Vec::new();
    for value in values(message, "Record-Route") {
        let (mut start, mut is_inside) = (0, false);
        for (at, byte) in value.iter().enumerate() {
            match byte {
                b'<' => is_inside = true,
                b'>' => is_inside = false,
                b',' if !is_inside => {
                    routes.push(value[start..at].trim_ascii());
                    start = at + 1;
                }
                _ => {}
            }
        }
        routes.push(value[start..].trim_ascii());
    }
    routes
}

/// What stands between `<` and `>`.
pub(crate) fn uri(value: &[u8]) -> &[u8] {
    let start = memchr::memchr(b'<', value).map_or(0, |at| at + 1);
    let end = memchr::memchr(b'>', &value[start..]).map_or(value.len(), |at| start + at);
    &value[start..end]
}

/// The address in a SIP URI.
pub(crate) fn address(uri: &[u8]) -> Option<SocketAddrV4> {
    let rest = uri.strip_prefix(b"sip:")?;
    let end = rest.iter().position(|byte| matches!(byte, b';' | b'?')).unwrap_or(rest.len());
    let host = rest[..end].rsplit(|&byte| byte == b'@').next()?;
    let host = std::str::from_utf8(host).ok()?;
    host.parse().ok().or_else(|| Some(SocketAddrV4::new(host.parse().ok()?, 5060)))
}
