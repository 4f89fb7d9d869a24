//! Requests that a proxy makes itself: ACK to a final response, CANCEL, the end of a call that nobody waits for, and the
//! question whether a neighbour answers.

use bytes::Bytes;

use super::settings::Listener;
use crate::flow::Flow;
use crate::sip::{HeaderName, MAX_CSEQ, NameAddr, Request, Response, Target, Uri, Values, request_uri};

/// The ACK to a 300-699 (RFC 3261 section 17.1.1.3).
pub(super) fn ack(invite: &Request, response: &Response) -> Bytes {
    let mut out = same_hop(invite, b"ACK");
    put(&mut out, "To", response.headers().slice(response.to_span()));
    finish(out, invite, b"ACK")
}

/// The CANCEL of an INVITE (section 9.1), with the reason why (RFC 3326).
pub(super) fn cancel(invite: &Request, reason: &[u8]) -> Bytes {
    let mut out = same_hop(invite, b"CANCEL");
    put(&mut out, "To", invite.headers().slice(invite.to_span()));
    if !reason.is_empty() {
        put(&mut out, "Reason", reason);
    }
    finish(out, invite, b"CANCEL")
}

/// The Reason of a CANCEL where another target has answered (RFC 3326 section 2).
pub(super) const COMPLETED_ELSEWHERE: &[u8] = b"SIP;cause=200;text=\"Call completed elsewhere\"";

/// ACK and BYE for a 2xx of a branch that was given up; both go the way that the INVITE went.
pub(super) fn ack_and_bye(response: &Response, listener: &Listener, flow: &Flow, branches: [&[u8]; 2]) -> [Bytes; 2] {
    let headers = response.headers();
    let contact = headers.values(HeaderName::Contact).next().and_then(|value| NameAddr::parse(value).ok());
    let contact = contact.and_then(|contact| request_uri(contact.uri));
    let target = contact.or_else(|| request_uri(response.to().uri)).expect("the scanner read the URI of To");
    // Those between us and the callee stand above our own Record-Route, the nearest last.
    let mut routes: Vec<&[u8]> = Vec::new();
    let mut us = Vec::new();
    listener.sent_by(flow.local.ip(), &mut us);
    for value in headers.values(HeaderName::RecordRoute) {
        if value.windows(us.len()).any(|window| window == us) {
            break;
        }
        routes.insert(0, value);
    }
    // A strict router finds itself in the Request-URI and the target below all Routes (section 12.2.1.1).
    let strict = routes.first().and_then(|route| NameAddr::parse(route).ok()).and_then(|route| {
        let has_lr = Uri::parse(route.uri).is_ok_and(|uri| uri.param(b"lr").is_some());
        request_uri(route.uri).filter(|_| !has_lr)
    });
    let (first_hop, last) = match strict {
        Some(router) => {
            routes.remove(0);
            (router, Some(target))
        }
        None => (target, None),
    };
    let request = |method: &str, cseq: u32, branch: &[u8]| {
        let mut out = Vec::with_capacity(512);
        start(&mut out, method.as_bytes(), &first_hop);
        put_via(&mut out, flow, &us, branch);
        out.extend_from_slice(b"Max-Forwards: 70\r\n");
        for route in &routes {
            put(&mut out, "Route", route);
        }
        if let Some(target) = &last {
            put(&mut out, "Route", &[b"<", &target[..], b">"].concat());
        }
        put(&mut out, "From", headers.slice(response.from_span()));
        put(&mut out, "To", headers.slice(response.to_span()));
        put(&mut out, "Call-ID", response.call_id());
        put(&mut out, "CSeq", format!("{cseq} {method}").as_bytes());
        out.extend_from_slice(b"Content-Length: 0\r\n\r\n");
        Bytes::from(out)
    };
    let cseq = response.cseq();
    [request("ACK", cseq, branches[0]), request("BYE", (cseq + 1).min(MAX_CSEQ), branches[1])]
}

/// A question whether a neighbour answers (section 11).
pub(super) struct Options<'a> {
    pub target: &'a Target,
    pub flow: &'a Flow,
    pub listener: &'a Listener,
    pub branch: &'a [u8],
    pub tag: &'a [u8],
    pub call_id: &'a [u8],
}

impl Options<'_> {
    /// With Max-Forwards: 0 the neighbour itself answers, also one that would pass it on to another (section 11): an answer
    /// of somebody behind it proves no less, but his silence would prove nothing.
    pub(super) fn write(&self) -> Bytes {
        let mut us = Vec::new();
        self.listener.sent_by(self.flow.local.ip(), &mut us);
        let uri = match self.target {
            Target::Address { transport, addr } => format!("sip:{addr};transport={transport}"),
            Target::Name(name) => name.to_string(),
        };
        // Both of them sips where the Request-URI is (section 8.1.1.8), which says TLS by itself.
        let (scheme, transport) = match self.target {
            Target::Name(name) if name.is_sips => ("<sips:", ""),
            _ => ("<sip:", self.flow.transport.uri_param()),
        };
        let us_uri = [scheme.as_bytes(), &us[..], transport.as_bytes(), b">"].concat();
        let mut out = Vec::with_capacity(512);
        start(&mut out, b"OPTIONS", uri.as_bytes());
        put_via(&mut out, self.flow, &us, self.branch);
        out.extend_from_slice(b"Max-Forwards: 0\r\n");
        put(&mut out, "From", &[&us_uri, &b";tag="[..], self.tag].concat());
        put(&mut out, "To", format!("<{uri}>").as_bytes());
        put(&mut out, "Call-ID", self.call_id);
        out.extend_from_slice(b"CSeq: 1 OPTIONS\r\n");
        put(&mut out, "Contact", &us_uri);
        out.extend_from_slice(b"Accept: application/sdp\r\nContent-Length: 0\r\n\r\n");
        out.into()
    }
}

/// The start line, Via, Route and From of a request that takes the very way of the INVITE.
fn same_hop(invite: &Request, method: &[u8]) -> Vec<u8> {
    let headers = invite.headers();
    let mut out = Vec::with_capacity(512);
    start(&mut out, method, invite.uri_bytes());
    put(&mut out, "Via", headers.slice(invite.via_span()));
    out.extend_from_slice(b"Max-Forwards: 70\r\n");
    for field in headers.named(HeaderName::Route) {
        for value in Values::new(headers.slice(field.value)) {
            put(&mut out, "Route", value);
        }
    }
    put(&mut out, "From", headers.slice(invite.from_span()));
    out
}

fn finish(mut out: Vec<u8>, invite: &Request, method: &[u8]) -> Bytes {
    put(&mut out, "Call-ID", invite.call_id());
    let number = format!("{} ", invite.cseq());
    put(&mut out, "CSeq", &[number.as_bytes(), method].concat());
    out.extend_from_slice(b"Content-Length: 0\r\n\r\n");
    Bytes::from(out)
}

fn start(out: &mut Vec<u8>, method: &[u8], uri: &[u8]) {
    out.extend_from_slice(method);
    out.push(b' ');
    out.extend_from_slice(uri);
    out.extend_from_slice(b" SIP/2.0\r\n");
}

fn put_via(out: &mut Vec<u8>, flow: &Flow, us: &[u8], branch: &[u8]) {
    out.extend_from_slice(b"Via: SIP/2.0/");
    out.extend_from_slice(flow.transport.via_token().as_bytes());
    out.push(b' ');
    out.extend_from_slice(us);
    out.extend_from_slice(b";branch=");
    out.extend_from_slice(branch);
    out.extend_from_slice(b";rport\r\n");
}

fn put(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}
