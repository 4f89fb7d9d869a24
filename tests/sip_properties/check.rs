//! Equalities that hold for all bytes. Property tests and fuzz targets assert the same ones.

use std::net::SocketAddr;

use bytes::Bytes;
use ringfence::sip::reply::{Reply, reply};
use ringfence::sip::{
    HeaderName, Headers, Host, MAX_HEADERS, MAX_MESSAGE, Message, NameAddr, Request, Span, Splice, Uri, Values, Via,
    param, scan,
};

/// Reads bytes; where they are a message, its parts lie in them in order and without gaps, and it reads itself again.
pub(crate) fn scanned(bytes: &[u8]) -> Option<Message> {
    let message = match scan(Bytes::copy_from_slice(bytes)) {
        Ok(message) => message,
        Err(rejected) => {
            assert!((400..=599).contains(&rejected.reason.status()));
            if let Some(headers) = &rejected.headers {
                in_order(headers, None);
                assert!(headers.top_via().is_some(), "an answer needs a way back");
            }
            return None;
        }
    };
    let headers = message.headers();
    in_order(headers, Some(headers.body()));
    let leading = bytes.iter().take_while(|byte| b"\r\n".contains(byte)).count();
    assert!(bytes[leading..].starts_with(headers.bytes()), "a message is a part of what came");
    mandatory(&message);
    let again = scan(headers.bytes().clone()).expect("a message is one");
    assert_eq!(again.headers().fields(), headers.fields());
    assert_eq!(again.headers().bytes(), headers.bytes());
    Some(message)
}

/// Start line, field lines, empty line and body are the message, and each field's parts lie in its line. In a rejected
/// message the fields end at its fault.
fn in_order(headers: &Headers, body: Option<&[u8]>) {
    let bytes = headers.bytes();
    let mut at = headers.top().start;
    assert!(bytes[..usize::from(at)].ends_with(b"\r\n"), "a start line stands above the fields");
    for field in headers.fields() {
        assert_eq!(field.line.start, at);
        assert!(field.line.start < field.value.start && field.value.start <= field.value.end);
        assert!(field.value.end + 2 <= field.line.end);
        assert!(headers.slice(field.line).ends_with(b"\r\n"));
        let (line, name) = (headers.slice(field.line), headers.field_name(field));
        assert!(line.starts_with(name) && ringfence::sip::is_token(name));
        assert_eq!(line[name.len()..].trim_ascii_start().first(), Some(&b':'), "nothing stands between name and colon");
        assert_eq!(HeaderName::parse(name), field.name);
        assert!(headers.others(name).any(|other| other == field), "a field is found by its name as written");
        at = field.line.end;
    }
    if let Some(body) = body {
        assert_eq!(bytes[usize::from(at)..], [b"\r\n", body].concat());
        assert_eq!(headers.bottom(), Span::empty(at));
    }
}

/// What a message cannot lack can be read, and lies in its header field.
fn mandatory(message: &Message) {
    let headers = message.headers();
    assert_eq!(headers.first(HeaderName::CallId), Some(message.call_id()));
    assert!(!message.call_id().is_empty());
    let (from, to, via, tags) = match message {
        Message::Request(request) => {
            let uri = request.uri();
            assert!(uri.headers.is_empty());
            let line = [request.method_name(), b" ", request.uri_bytes(), b" SIP/2.0\r\n"].concat();
            let start = &headers.bytes()[..usize::from(headers.top().start)];
            assert!(start.eq_ignore_ascii_case(&line));
            (request.from(), request.to(), request.via(), [request.from_tag(), request.to_tag().unwrap_or_default()])
        }
        Message::Response(response) => {
            assert!((100..700).contains(&response.status()));
            (
                response.from(),
                response.to(),
                response.via(),
                [response.from_tag(), response.to_tag().unwrap_or_default()],
            )
        }
    };
    for (address, tag) in [from, to].iter().zip(tags) {
        assert!(Uri::parse(address.uri).is_ok());
        assert_eq!(address.param(b"tag").unwrap_or_default(), tag);
    }
    let first = headers.values(HeaderName::Via).next().expect("a Via");
    assert_eq!(Via::parse(first), Ok(via));
    assert_eq!(headers.top_via().map(|(_, via)| via), Some(via));
}

/// Changes chosen by `choices` are made, and all else keeps its bytes and its order.
pub(crate) fn spliced(message: &Message, choices: &[u8]) {
    let headers = message.headers();
    let mut splice = Splice::new();
    let mut expected = headers.bytes()[..usize::from(headers.top().start)].to_vec();
    let mut untouched = Vec::new();
    // The same choices go round, each time shifted, so that few of them make many combinations.
    let choice = |at: usize| {
        let shift = u8::try_from(at % 251).expect("less than 251");
        choices.get(at % choices.len().max(1)).copied().unwrap_or_default().wrapping_add(shift)
    };
    if choice(0) & 1 == 1 {
        splice.replace(headers.top(), |out| out.extend_from_slice(b"X-Added-Top: 1\r\n"));
        expected.extend_from_slice(b"X-Added-Top: 1\r\n");
    }
    // Changes may be made in any order: those of odd fields are made last.
    let mut late = Vec::new();
    for (at, field) in headers.fields().iter().enumerate() {
        let line = headers.slice(field.line);
        let changeable = field.name == HeaderName::Other;
        match choice(at + 1) % 8 {
            0 if changeable && at % 2 == 1 => late.push(field.line),
            0 if changeable => splice.remove(field.line),
            1 if changeable => {
                splice.replace(field.value, |out| out.extend_from_slice(b"changed"));
                expected.extend_from_slice(&line[..usize::from(field.value.start - field.line.start)]);
                expected.extend_from_slice(b"changed");
                expected.extend_from_slice(&line[usize::from(field.value.end - field.line.start)..]);
            }
            2 => {
                splice.replace(Span::empty(field.line.start), |out| out.extend_from_slice(b"X-Added-Before: 1\r\n"));
                expected.extend_from_slice(b"X-Added-Before: 1\r\n");
                expected.extend_from_slice(line);
                untouched.push(line);
            }
            3 if changeable => {
                splice.replace(field.line, |out| out.extend_from_slice(b"X-Added-Instead: 1\r\n"));
                // Inside what is replaced, nothing else is.
                splice.replace(field.value, |out| out.extend_from_slice(b"lost"));
                expected.extend_from_slice(b"X-Added-Instead: 1\r\n");
            }
            _ => {
                expected.extend_from_slice(line);
                untouched.push(line);
            }
        }
    }
    late.into_iter().rev().for_each(|line| splice.remove(line));
    splice.replace(headers.bottom(), |out| out.extend_from_slice(b"X-Added-Bottom: 1\r\n"));
    expected.extend_from_slice(b"X-Added-Bottom: 1\r\n\r\n");
    expected.extend_from_slice(headers.body());
    let out = splice.finish(headers);
    assert_eq!(out, expected);
    if !fits(&out, headers.fields().len() * 2 + 2) {
        return;
    }
    let again = scan(out).expect("the changed message is one");
    let again = again.headers();
    let left = again.fields().iter().filter(|field| {
        let name = again.field_name(field);
        !name.starts_with(b"X-Added-") && again.slice(field.value) != b"changed"
    });
    let was_changed = |line: &&[u8]| line.ends_with(b"changed\r\n");
    let left: Vec<&[u8]> = left.map(|field| again.slice(field.line)).collect();
    untouched.retain(|line| !was_changed(line) && !line.starts_with(b"X-Added-"));
    assert!(left.into_iter().filter(|line| !was_changed(line)).eq(untouched));
    assert_eq!(again.body(), headers.body());
    // A splice that was finished has forgotten its changes.
    assert_eq!(&splice.finish(headers), headers.bytes());
}

/// Whether a message that we made larger is still within what the scanner takes.
pub(crate) fn fits(bytes: &[u8], fields: usize) -> bool {
    bytes.len() <= MAX_MESSAGE && fields <= MAX_HEADERS
}

/// A response to any request can be read, and says what the request says.
pub(crate) fn replied(request: &Request, source: SocketAddr) {
    let headers = request.headers();
    for (status, tag) in [(100, None), (603, Some("ours"))] {
        let text =
            Reply { status, phrase: "Decline", to_tag: tag.map(str::as_bytes), extra: b"Reason: SIP;cause=603\r\n" };
        let bytes = reply(headers, source, text);
        if !fits(&bytes, headers.fields().len() + 2) {
            return;
        }
        let Ok(Message::Response(response)) = scan(bytes) else { panic!("a reply is a response") };
        let values = |headers: &Headers| headers.values(HeaderName::Via).map(<[u8]>::to_vec).collect::<Vec<_>>();
        let (asked, given) = (values(headers), values(response.headers()));
        assert_eq!(asked.len(), given.len());
        assert_eq!(asked[1..], given[1..]);
        stamped(&request.via(), &response.via(), source);
        assert_eq!(headers.slice(request.from_span()), response.headers().slice(response.from_span()));
        assert_eq!(request.from_tag(), response.from_tag());
        assert_eq!(request.call_id(), response.call_id());
        assert_eq!((request.cseq(), request.method()), (response.cseq(), response.method()));
        assert_eq!(headers.first(HeaderName::CSeq), response.headers().first(HeaderName::CSeq));
        assert_eq!(response.to_tag(), request.to_tag().or(tag.map(str::as_bytes)));
        assert_eq!(request.to().uri, response.to().uri);
        assert_eq!(response.status(), status);
        assert!(response.headers().body().is_empty());
        let Some(second) = asked.get(1) else { continue };
        // The hop before gets it with its own Via on top.
        let mut splice = Splice::new();
        splice.remove(response.pop_via_span());
        let popped = splice.finish(response.headers());
        if Via::parse(second).is_ok() {
            let below = values_of(&popped, b"v", b"via");
            assert_eq!(below, given[1..]);
        }
    }
}

/// The values of a header, found by a second and slower reader.
fn values_of(bytes: &[u8], compact: &[u8], long: &[u8]) -> Vec<Vec<u8>> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("an end of the fields");
    let mut lines: Vec<Vec<u8>> = Vec::new();
    for line in bytes[..end].split(|&byte| byte == b'\n') {
        match (line.first(), lines.last_mut()) {
            (Some(b' ' | b'\t'), Some(last)) => {
                last.push(b'\n');
                last.extend_from_slice(line);
            }
            _ => lines.push(line.to_vec()),
        }
    }
    let mut values = Vec::new();
    for line in &lines {
        let Some(colon) = line.iter().position(|&byte| byte == b':') else { continue };
        let name = line[..colon].trim_ascii();
        if name.eq_ignore_ascii_case(compact) || name.eq_ignore_ascii_case(long) {
            values.extend(Values::new(line[colon + 1..].trim_ascii()).map(<[u8]>::to_vec));
        }
    }
    values
}

/// A Via that was stamped is the same one with `received`, and with `rport` where it was asked for.
pub(crate) fn stamped(before: &Via<'_>, after: &Via<'_>, source: SocketAddr) {
    assert_eq!((before.transport, before.head), (after.transport, after.head));
    assert_eq!((before.host, before.port, before.branch()), (after.host, after.port, after.branch()));
    let received = param(after.params, b"received");
    match received {
        Some(received) => assert_eq!(received, source.ip().to_string().as_bytes()),
        None => assert_eq!(Host::parse(after.host), Ok(Host::Address(source.ip()))),
    }
    assert_eq!(before.wants_rport(), after.wants_rport());
    if before.wants_rport() {
        assert_eq!(param(after.params, b"rport"), Some(source.port().to_string().as_bytes()));
    }
    let others = |via: &Via<'_>| {
        let mut names = parameters(via.params);
        names.retain(|text| {
            let name = text.split(|&byte| byte == b'=').next().unwrap_or_default().trim_ascii();
            !name.eq_ignore_ascii_case(b"received") && !name.eq_ignore_ascii_case(b"rport")
        });
        names
    };
    assert_eq!(others(before), others(after));
}

/// `;a;b="x;y"` divided at the semicolons outside quotes, by a second and slower reader.
fn parameters(params: &[u8]) -> Vec<Vec<u8>> {
    let (mut found, mut quoted, mut escaped) = (Vec::new(), false, false);
    for &byte in params {
        match byte {
            b';' if !quoted => {
                found.push(Vec::new());
                continue;
            }
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ => {}
        }
        if let Some(last) = found.last_mut() {
            last.push(byte);
        }
    }
    found.iter().map(|text| text.trim_ascii().to_vec()).filter(|text| !text.is_empty()).collect()
}

/// All Vias of a message, stamped and read again.
pub(crate) fn vias(headers: &Headers, source: SocketAddr) {
    for value in headers.values(HeaderName::Via) {
        let Ok(via) = Via::parse(value) else { continue };
        let mut out = Vec::new();
        if via.stamp(source, &mut out) {
            let after = Via::parse(&out).expect("a stamped Via is one");
            stamped(&via, &after, source);
            // It is stamped for good: by the same source it comes out the same.
            let mut again = Vec::new();
            after.stamp(source, &mut again);
            assert_eq!(Via::parse(&again).map(|via| via.params.to_vec()), Ok(after.params.to_vec()));
        } else {
            stamped(&via, &via, source);
        }
    }
}

/// The values of joined values are the values.
pub(crate) fn values(field: &[u8]) {
    let values: Vec<&[u8]> = Values::new(field).collect();
    for separator in [&b","[..], b" ,\r\n\t"] {
        let joined = values.join(separator);
        assert!(Values::new(&joined).eq(values.iter().copied()), "{}", joined.escape_ascii());
    }
}

/// The parts of a URI lie in it, and written again they are the same URI.
pub(crate) fn uri(bytes: &[u8]) {
    let Ok(uri) = Uri::parse(bytes) else { return };
    let colon = bytes.iter().position(|&byte| byte == b':').expect("a scheme");
    let mut written = bytes[..=colon].to_vec();
    if let Some(user) = uri.user {
        written.extend_from_slice(user);
        if !uri.host.is_empty() {
            written.push(b'@');
        }
    }
    written.extend_from_slice(uri.host);
    if let Some(port) = uri.port {
        written.extend_from_slice(format!(":{port}").as_bytes());
    }
    written.extend_from_slice(uri.params);
    if !uri.headers.is_empty() {
        written.push(b'?');
        written.extend_from_slice(uri.headers);
    }
    // What is not kept: a password, leading zeros of a port, a question mark without headers.
    assert!(written.len() <= bytes.len() && written.starts_with(&bytes[..=colon]));
    let again = Uri::parse(&written).expect("a URI written again is one");
    assert_eq!(again, uri);
    if !uri.host.is_empty() {
        assert!(uri.target().is_ok(), "a host is an address or a name");
    }
}

/// An address can be read again from its parts, and its display name from its text.
pub(crate) fn address(value: &[u8]) {
    let Ok(address) = NameAddr::parse(value) else { return };
    let mut written = address.display.to_vec();
    written.extend_from_slice(b" <");
    written.extend_from_slice(address.uri);
    written.push(b'>');
    written.extend_from_slice(address.params);
    let again = NameAddr::parse(&written).expect("an address written again is one");
    assert_eq!(again, address);
    assert!(address.display_text().len() <= address.display.len());
}
