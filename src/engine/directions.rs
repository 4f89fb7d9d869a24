//! A redirect server's 302: how the switch that asked is to go on (RFC 3261 section 8.3).

use percent_encoding::percent_encode;

use super::forward::{UNRESERVED, phone_uri, write_user};
use crate::number::Party;
use crate::screen::{Callee, Directions, Presented, Trunk};
use crate::sip::{Request, Scheme, Uri};
use crate::text::put_decimal;

/// Writes the lines of the 302: the Contact, and what the switch is to say of the caller, once in the Contact's headers
/// (section 19.1.1) and once by itself, for switches that look there.
///
/// Numbers are written as `trunk`, that of the switch, writes its own; `callee` is whom the request called.
pub(super) fn write(directions: &Directions, request: &Request, callee: &Party<'_>, trunk: &Trunk, out: &mut Vec<u8>) {
    let host = host(directions, request.uri());
    let identity = directions.presented.map(|Presented { number, .. }| {
        let mut identity = b"<".to_vec();
        phone_uri(number, Some(trunk), &host, &mut identity);
        identity.push(b'>');
        identity
    });
    out.extend_from_slice(b"Contact: <");
    let takes_headers = contact(directions, request, callee, trunk, &host, out);
    let identity_header = identity.as_deref().map(|identity| ("P-Asserted-Identity", identity));
    let privacy_header = directions.hide.then_some(("Privacy", &b"id"[..]));
    let headers = [identity_header, privacy_header];
    if takes_headers {
        for ((name, value), separator) in headers.into_iter().flatten().zip([b'?', b'&']) {
            out.push(separator);
            out.extend_from_slice(name.as_bytes());
            out.push(b'=');
            out.extend(percent_encode(value, UNRESERVED).flat_map(str::bytes));
        }
    }
    out.extend_from_slice(b">\r\n");
    for (name, value) in headers.into_iter().flatten() {
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value);
        out.extend_from_slice(b"\r\n");
    }
}

/// The Contact's URI, less its headers; `false` where it cannot have any: in tel and urn.
fn contact(
    directions: &Directions,
    request: &Request,
    callee: &Party<'_>,
    trunk: &Trunk,
    host: &[u8],
    out: &mut Vec<u8>,
) -> bool {
    let (uri, parsed) = (request.uri_bytes(), request.uri());
    let is_own = directions.callee == Callee::Unchanged;
    // A service has no host, and a number as tel needs none.
    if is_own && (parsed.scheme == Scheme::Urn || (parsed.scheme == Scheme::Tel && host.is_empty())) {
        out.extend_from_slice(uri);
        return false;
    }
    if host.is_empty()
        && let Callee::Number(number) = directions.callee
    {
        out.extend_from_slice(format!("tel:+{number}").as_bytes());
        return false;
    }
    // Whoever asked for TLS on every hop is not sent elsewhere (section 26.2.2).
    out.extend_from_slice(if parsed.scheme == Scheme::Sips { b"sips:" } else { b"sip:" });
    let start = out.len();
    let number = if let Party::Number(number) = callee { Some(*number) } else { None };
    write_user(request, &directions.callee, number, trunk, out);
    if out.len() > start {
        out.push(b'@');
    }
    out.extend_from_slice(if host.is_empty() { NOWHERE } else { host });
    let is_phone = match &directions.callee {
        Callee::Unchanged => matches!(callee, Party::Number(_) | Party::Code(_)),
        Callee::Number(_) | Callee::Code(_) => true,
        Callee::User(_) => false,
    };
    if is_phone {
        out.extend_from_slice(b";user=phone");
    }
    true
}

/// The host with its port as the Request-URI has them, unless the route names another; empty for tel and urn.
fn host(directions: &Directions, uri: Uri<'_>) -> Vec<u8> {
    if let Some(host) = &directions.host {
        return host.as_bytes().to_vec();
    }
    let mut host = uri.host.to_vec();
    if let Some(port) = uri.port {
        host.push(b':');
        put_decimal(port, &mut host);
    }
    host
}

/// The host of a user whom a tel URI was forwarded to: none is known (RFC 2606 section 2).
const NOWHERE: &[u8] = b"switch.invalid";
