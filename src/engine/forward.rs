//! What changes in a message on its way through: each change is a splice, all other bytes stay.

use std::net::SocketAddr;

use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

use super::settings::Listener;
use super::token::{Concealed, Token};
use crate::flow::Flow;
use crate::number::{Number, NumberFormat};
use crate::screen::{Callee, Presented, Trunk};
use crate::sip::{Field, HeaderName, Headers, NameAddr, Request, Response, Scheme, Span, Splice, Target, Uri, scan};
use crate::text::{put_decimal, put_socket};

/// Max-Forwards of a request that has none (RFC 3261 section 16.6 item 3).
const MAX_FORWARDS: u8 = 70;

/// Max-Breadth of a request that has none, and the most that one may have (RFC 5393 section 5.3.3).
const MAX_BREADTH: u32 = 60;

/// What identifies a caller, beside From (RFC 3323 section 4.1, RFC 3325, RFC 5806, RFC 7044, RFC 3892).
const CALLER_HEADERS: [HeaderName; 6] = [
    HeaderName::PPreferredIdentity,
    HeaderName::RemotePartyId,
    HeaderName::Diversion,
    HeaderName::HistoryInfo,
    HeaderName::ReplyTo,
    HeaderName::ReferredBy,
];

/// A request while it is changed for its next hop.
pub(super) struct Outgoing<'a> {
    pub request: &'a Request,
    pub splice: &'a mut Splice,
}

impl Outgoing<'_> {
    fn headers(&self) -> &Headers {
        self.request.headers()
    }

    fn replace(&mut self, place: Span, write: impl FnOnce(&mut Vec<u8>)) {
        self.splice.replace(place, write);
    }

    fn remove(&mut self, name: HeaderName) {
        for field in self.request.headers().named(name) {
            self.splice.remove(field.line);
        }
    }

    fn remove_fields<'f>(&mut self, fields: impl Iterator<Item = &'f Field>) {
        for field in fields {
            self.splice.remove(field.line);
        }
    }

    /// Puts our Via above, and stamps the one of the hop before (RFC 3261 16.6 item 8, 18.2.1).
    pub(super) fn via(&mut self, came_from: SocketAddr, listener: &Listener, flow: &Flow, branch: &[u8]) {
        let top = self.headers().top();
        self.replace(top, |out| {
            out.extend_from_slice(b"Via: SIP/2.0/");
            out.extend_from_slice(flow.transport.via_token().as_bytes());
            out.push(b' ');
            listener.sent_by(flow.local.ip(), out);
            out.extend_from_slice(b";branch=");
            out.extend_from_slice(branch);
            // RFC 3581 asks a client to want rport; a response finds us behind an address translation, too.
            out.extend_from_slice(b";rport\r\n");
        });
        let request = self.request;
        self.splice.replace_if(request.via_span(), |out| request.via().stamp(came_from, out));
    }

    /// Counts Max-Forwards down, bounds Max-Breadth, and says how long the body is where nothing does: a stream needs it.
    pub(super) fn hop_headers(&mut self) {
        let request = self.request;
        match (request.headers().named(HeaderName::MaxForwards).next(), request.max_forwards()) {
            (Some(field), Some(left)) => {
                let left = left.saturating_sub(1);
                self.replace(field.value, |out| put_decimal(left, out));
            }
            _ => {
                self.replace(request.headers().top(), |out| {
                    out.extend_from_slice(b"Max-Forwards: ");
                    put_decimal(MAX_FORWARDS, out);
                    out.extend_from_slice(b"\r\n");
                });
            }
        }
        match request.headers().named(HeaderName::MaxBreadth).next() {
            Some(_) if max_breadth(request.headers()).is_some_and(|breadth| breadth <= MAX_BREADTH) => {}
            Some(field) => self.replace(field.value, |out| put_decimal(MAX_BREADTH, out)),
            None => {
                self.replace(request.headers().bottom(), |out| {
                    out.extend_from_slice(b"Max-Breadth: ");
                    put_decimal(MAX_BREADTH, out);
                    out.extend_from_slice(b"\r\n");
                });
            }
        }
        if request.headers().named(HeaderName::ContentLength).next().is_none() {
            self.replace(request.headers().bottom(), |out| {
                out.extend_from_slice(b"Content-Length: ");
                put_decimal(request.headers().body().len(), out);
                out.extend_from_slice(b"\r\n");
            });
        }
    }

    /// Adds our Record-Route (16.6 item 4), twice where the two sides reach us differently (RFC 5658).
    pub(super) fn record_route(&mut self, token: &[u8], sides: [(&Listener, &Flow); 2]) {
        // Who follows it is to keep to TLS (16.6 item 4).
        let is_sips = self.request.uri().scheme == Scheme::Sips;
        let write = |(listener, flow): (&Listener, &Flow), out: &mut Vec<u8>| {
            out.extend_from_slice(if is_sips { b"Record-Route: <sips:" } else { b"Record-Route: <sip:" });
            out.extend_from_slice(token);
            out.push(b'@');
            listener.sent_by(flow.local.ip(), out);
            if !is_sips {
                out.extend_from_slice(flow.transport.uri_param().as_bytes());
            }
            out.extend_from_slice(b";lr>\r\n");
        };
        let [leaves, came] = sides;
        let top = self.headers().top();
        self.replace(top, |out| {
            let first = out.len();
            write(leaves, out);
            let second = out.len();
            write(came, out);
            if out[first..second] == out[second..] {
                out.truncate(second);
            }
        });
    }

    /// Puts another Request-URI in.
    pub(super) fn request_uri(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let place = self.request.uri_span();
        self.replace(place, write);
    }

    /// Takes every Route away: a call outside a dialog goes where our routes say, whatever it brought along.
    pub(super) fn drop_routes(&mut self) {
        self.remove(HeaderName::Route);
    }

    /// Takes these places away, and adds a Route below the others (for a strict router, 16.6 item 6).
    pub(super) fn routes(&mut self, consumed: &[Span], appended: Option<&[u8]>) {
        for &place in consumed {
            self.splice.remove(place);
        }
        if let Some(uri) = appended {
            let bottom = self.headers().bottom();
            self.replace(bottom, |out| {
                out.extend_from_slice(b"Route: <");
                out.extend_from_slice(uri);
                out.extend_from_slice(b">\r\n");
            });
        }
    }

    /// What an untrusted neighbour says of who is calling is not passed on.
    pub(super) fn distrust(&mut self) {
        self.remove(HeaderName::PAssertedIdentity);
        self.remove(HeaderName::PPreferredIdentity);
        self.remove(HeaderName::RemotePartyId);
        self.remove(HeaderName::Diversion);
    }

    /// A caller who wants privacy is not named to an untrusted neighbour (RFC 3325 section 5).
    pub(super) fn protect(&mut self) {
        if self.wants_id_privacy() {
            self.remove(HeaderName::PAssertedIdentity);
        }
    }

    fn wants_id_privacy(&self) -> bool {
        wants_privacy(self.headers(), |token| token.eq_ignore_ascii_case(b"id"))
    }

    /// Takes all fields of these names away.
    pub(super) fn remove_named(&mut self, names: &[std::sync::Arc<str>]) {
        let request = self.request;
        for name in names {
            self.remove_fields(request.headers().others(name.as_bytes()));
        }
    }

    /// The callee's own number, for a call that goes elsewhere (RFC 5806).
    pub(super) fn diversion(&mut self) {
        let request = self.request;
        let first = request.headers().named(HeaderName::Diversion).next();
        let place = first.map_or(request.headers().bottom(), |field| Span::empty(field.line.start));
        self.replace(place, |out| diversion(request.uri_bytes(), out));
    }

    /// Presents another caller number (RFC 3325), and takes away what it makes untrue.
    pub(super) fn present(&mut self, presented: &Presented, trunk: &Trunk, host: &[u8], may_show_from: bool) {
        self.remove(HeaderName::Identity);
        let (number, trunk) = (presented.number, Some(trunk));
        if presented.headers.asserted {
            self.write_instead(HeaderName::PAssertedIdentity, |out| asserted(number, trunk, host, out));
        }
        // Some networks show what stands there rather than what is asserted.
        self.remove(HeaderName::PPreferredIdentity);
        if presented.headers.remote_party && may_show_from {
            let is_private = presented.keep_privacy && self.wants_id_privacy();
            self.write_instead(HeaderName::RemotePartyId, |out| remote_party(number, trunk, host, is_private, out));
        } else {
            self.remove(HeaderName::RemotePartyId);
        }
        if presented.headers.from && may_show_from {
            self.show_from(&presented_from(number, trunk, host));
        }
        if presented.keep_privacy {
            return;
        }
        if presented.headers.no_privacy {
            self.write_instead(HeaderName::Privacy, |out| out.extend_from_slice(b"Privacy: none\r\n"));
        } else if presented.headers.asserted {
            // Without another asserted number the caller's own goes on, and what he asked for it.
            self.privacy_without_id();
        }
    }

    /// Puts one line in the place of all fields of this name.
    fn write_instead(&mut self, name: HeaderName, write: impl FnOnce(&mut Vec<u8>)) {
        let request = self.request;
        let first = request.headers().named(name).next();
        let place = first.map_or(request.headers().bottom(), |field| Span::empty(field.line.start));
        self.remove(name);
        self.replace(place, write);
    }

    /// Puts another name and URI into From; its tag and other parameters stay.
    fn show_from(&mut self, shown: &[u8]) {
        let place = address_place(self.headers(), self.request.from_span(), self.request.from());
        self.replace(place, |out| out.extend_from_slice(shown));
    }

    fn show_to(&mut self, shown: &[u8]) {
        let place = address_place(self.headers(), self.request.to_span(), self.request.to());
        self.replace(place, |out| out.extend_from_slice(shown));
    }

    fn privacy_without_id(&mut self) {
        let request = self.request;
        for field in request.headers().named(HeaderName::Privacy) {
            let value = request.headers().slice(field.value);
            let kept: Vec<&[u8]> = privacy_tokens(value).filter(|token| !token.eq_ignore_ascii_case(b"id")).collect();
            // "critical" asks that the others be honoured; without others it asks for nothing.
            let empty = kept.iter().all(|token| token.eq_ignore_ascii_case(b"critical"));
            if empty {
                self.splice.remove(field.line);
            } else {
                self.replace(field.value, |out| out.extend_from_slice(&kept.join(&b';')));
            }
        }
    }

    /// Hides the caller: From is anonymous and all else that names him goes; P-Asserted-Identity stays for a trusted
    /// neighbour, who is told to keep it to himself.
    pub(super) fn hide(&mut self, to_trusted: bool) {
        let request = self.request;
        self.show_from(ANONYMOUS);
        self.hide_headers();
        self.remove(HeaderName::Identity);
        if !to_trusted {
            self.remove(HeaderName::PAssertedIdentity);
        }
        if !wants_privacy(request.headers(), |token| token.eq_ignore_ascii_case(b"id")) {
            match request.headers().named(HeaderName::Privacy).next() {
                Some(field) => self.replace(Span::empty(field.value.start), |out| out.extend_from_slice(b"id;")),
                None => {
                    self.replace(request.headers().bottom(), |out| out.extend_from_slice(b"Privacy: id\r\n"));
                }
            }
        }
    }

    fn hide_headers(&mut self) {
        for name in CALLER_HEADERS {
            self.remove(name);
        }
        let request = self.request;
        hide_contact_user(request.headers(), self.splice);
    }

    /// Does to a request inside the dialog what was done to the one that made it.
    ///
    /// `restores` says that it goes to the caller himself: nobody else is told what was concealed from the callee.
    pub(super) fn follow_token(
        &mut self,
        token: &Token,
        from_caller: bool,
        to: Option<&Trunk>,
        host: &[u8],
        restores: bool,
    ) {
        if let (true, Some(number)) = (from_caller, token.presented) {
            let has = |name| self.request.headers().named(name).next().is_some();
            let [has_asserted, has_remote_party] = [HeaderName::PAssertedIdentity, HeaderName::RemotePartyId].map(has);
            self.remove(HeaderName::Identity);
            self.remove(HeaderName::PPreferredIdentity);
            if token.asserts && has_asserted {
                self.write_instead(HeaderName::PAssertedIdentity, |out| asserted(number, to, host, out));
            }
            if token.asserts_remote_party && has_remote_party {
                self.write_instead(HeaderName::RemotePartyId, |out| remote_party(number, to, host, false, out));
            } else {
                self.remove(HeaderName::RemotePartyId);
            }
        }
        let Some(concealed) = &token.concealed else { return };
        match (from_caller, concealed.hidden) {
            (true, true) => self.hide(to.is_some_and(|trunk| trunk.trusted)),
            (true, false) => {
                if let Some(number) = token.presented {
                    self.show_from(&presented_from(number, to, host));
                }
            }
            (false, _) if !restores => {}
            (false, _) => {
                self.show_to(&concealed.from);
                self.restore_contact_user(concealed);
            }
        }
    }

    /// The callee knows the caller's Contact without its user; the caller's switch may know nobody without it.
    fn restore_contact_user(&mut self, concealed: &Concealed) {
        let request = self.request;
        if concealed.contact_user.is_empty() || !concealed.hidden {
            return;
        }
        let uri = request.uri_bytes();
        if let Ok(parsed) = Uri::parse(uri)
            && parsed.user.is_none()
        {
            let host_at = request.headers().span(parsed.host).start;
            self.replace(Span::empty(host_at), |out| {
                out.extend_from_slice(&concealed.contact_user);
                out.push(b'@');
            });
        }
    }
}

/// Max-Breadth, where it can be read.
pub(super) fn max_breadth(headers: &Headers) -> Option<u32> {
    std::str::from_utf8(headers.first(HeaderName::MaxBreadth)?).ok()?.parse().ok()
}

/// A response while it is changed for the hop before.
pub(super) fn response_back(
    response: &Response,
    splice: &mut Splice,
    names: Option<&Names>,
    trust: ResponseTrust,
) -> Bytes {
    let headers = response.headers();
    splice.remove(response.pop_via_span());
    let unasked = trust.protected && wants_privacy(headers, |token| token.eq_ignore_ascii_case(b"id"));
    if trust.distrusted || unasked {
        for name in [HeaderName::PAssertedIdentity, HeaderName::RemotePartyId] {
            for field in headers.named(name) {
                splice.remove(field.line);
            }
        }
    }
    if let Some(names) = names {
        let from = address_place(headers, response.from_span(), response.from());
        splice.replace(from, |out| out.extend_from_slice(&names.from));
        let to = address_place(headers, response.to_span(), response.to());
        splice.replace(to, |out| out.extend_from_slice(&names.to));
        if names.sender_hidden {
            for name in CALLER_HEADERS.into_iter().chain([HeaderName::PAssertedIdentity]) {
                for field in headers.named(name) {
                    splice.remove(field.line);
                }
            }
            hide_contact_user(headers, splice);
        }
    }
    splice.finish(headers)
}

/// Appends the lines of a 401 or 407 that say which credentials are wanted.
pub(super) fn challenges(response: &Bytes, out: &mut Vec<u8>) {
    let Ok(message) = scan(response.clone()) else { return };
    let headers = message.headers();
    for name in [&b"WWW-Authenticate"[..], b"Proxy-Authenticate"] {
        for field in headers.others(name) {
            out.extend_from_slice(headers.slice(field.line));
        }
    }
}

/// Adds the challenges of other targets to a 401 or 407 (RFC 3261 16.7 item 7).
pub(super) fn with_challenges(response: Bytes, lines: &[u8]) -> Bytes {
    let Ok(message) = scan(response.clone()) else { return response };
    let mut splice = Splice::new();
    splice.replace(message.headers().bottom(), |out| out.extend_from_slice(lines));
    splice.finish(message.headers())
}

/// Who may say, and who may hear, who answers (RFC 3325 section 5).
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ResponseTrust {
    /// The next hop is not trusted to say it.
    pub distrusted: bool,
    /// The hop before is not trusted to hear it when privacy is asked for.
    pub protected: bool,
}

/// The names in From and To as the sender of a request wrote them, where we changed them on the way.
#[derive(Debug)]
pub(super) struct Names {
    from: Vec<u8>,
    to: Vec<u8>,
    /// Who answers is the hidden caller.
    sender_hidden: bool,
}

impl Names {
    pub(super) fn of(request: &Request, sender_hidden: bool) -> Names {
        let name = |span, address| address_place(request.headers(), span, address).of_bytes(request.bytes()).to_vec();
        Names {
            from: name(request.from_span(), request.from()),
            to: name(request.to_span(), request.to()),
            sender_hidden,
        }
    }
}

/// RFC 3323 section 4.1.1.3.
const ANONYMOUS: &[u8] = b"\"Anonymous\" <sip:anonymous@anonymous.invalid>";

/// What a token must keep so that From and Contact can be put back.
pub(super) fn conceal(request: &Request, hidden: bool) -> Concealed {
    let name = address_place(request.headers(), request.from_span(), request.from()).of_bytes(request.bytes());
    // Without brackets the parameters that follow would become the URI's.
    let from =
        if request.from().display.is_empty() { [b"<", request.from().uri, b">"].concat() } else { name.to_vec() };
    let contact = request.headers().values(HeaderName::Contact).next();
    let contact_user = contact
        .and_then(|value| NameAddr::parse(value).ok())
        .and_then(|address| Uri::parse(address.uri).ok())
        .and_then(|uri| uri.user)
        .unwrap_or_default();
    Concealed { hidden, from, contact_user: contact_user.to_vec() }
}

/// The name and URI of an address, without its parameters.
fn address_place(headers: &Headers, span: Span, address: NameAddr<'_>) -> Span {
    if address.params.is_empty() {
        return span;
    }
    Span { start: span.start, end: headers.span(address.params).start }
}

fn hide_contact_user(headers: &Headers, splice: &mut Splice) {
    for value in headers.values(HeaderName::Contact) {
        let Ok(address) = NameAddr::parse(value) else { continue };
        if !address.display.is_empty() {
            // A display name is followed by a URI in brackets.
            let bracket = headers.span(address.uri).start - 1;
            splice.remove(Span { start: headers.span(address.display).start, end: bracket });
        }
        let Ok(uri) = Uri::parse(address.uri) else { continue };
        match (uri.scheme, uri.user) {
            (Scheme::Sip | Scheme::Sips, Some(user)) => {
                splice.remove(Span { start: headers.span(user).start, end: headers.span(uri.host).start });
            }
            (Scheme::Sip | Scheme::Sips, None) => {}
            // A number and nothing else, as in tel: what is left of it would be no URI.
            (_, Some(whole)) => {
                let place = headers.span(whole);
                splice.replace(place, |out| out.extend_from_slice(b"anonymous"));
            }
            (_, None) => {}
        }
    }
}

/// Whether Privacy holds a token that `matches`.
pub(super) fn wants_privacy(headers: &Headers, matches: impl Fn(&[u8]) -> bool) -> bool {
    headers.named(HeaderName::Privacy).any(|field| privacy_tokens(headers.slice(field.value)).any(&matches))
}

fn privacy_tokens(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| matches!(byte, b';' | b',')).map(<[u8]>::trim_ascii).filter(|token| !token.is_empty())
}

/// A whole Diversion line that names the one who was called.
pub(super) fn diversion(request_uri: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"Diversion: <");
    out.extend_from_slice(request_uri);
    out.extend_from_slice(b">;reason=unconditional;counter=1\r\n");
}

/// A P-Asserted-Identity line of a number, to a trunk or to one that the config no longer has.
fn asserted(number: Number, trunk: Option<&Trunk>, host: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"P-Asserted-Identity: <");
    phone_uri(number, trunk, host_of(trunk, host), out);
    out.extend_from_slice(b">\r\n");
}

/// A Remote-Party-ID line likewise (draft-ietf-sip-privacy-04).
fn remote_party(number: Number, trunk: Option<&Trunk>, host: &[u8], is_private: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(b"Remote-Party-ID: <");
    put_number_at(number, trunk, host_of(trunk, host), out);
    out.extend_from_slice(b">;party=calling;privacy=");
    out.extend_from_slice(if is_private { b"full" } else { b"off" });
    out.extend_from_slice(b";screen=yes\r\n");
}

/// A From likewise, less its tag.
fn presented_from(number: Number, trunk: Option<&Trunk>, host: &[u8]) -> Vec<u8> {
    let mut shown = b"<".to_vec();
    phone_uri(number, trunk, host_of(trunk, host), &mut shown);
    shown.push(b'>');
    shown
}

/// The host that numbers have towards a trunk: its own, where it says one.
fn host_of<'h>(trunk: Option<&'h Trunk>, host: &'h [u8]) -> &'h [u8] {
    trunk.and_then(|trunk| trunk.host.as_ref()).map_or(host, |own| own.as_bytes())
}

/// `sip:NUMBER@host;user=phone`, the number as the trunk wants it.
pub(super) fn phone_uri(number: Number, trunk: Option<&Trunk>, host: &[u8], out: &mut Vec<u8>) {
    put_number_at(number, trunk, host, out);
    out.extend_from_slice(b";user=phone");
}

fn put_number_at(number: Number, trunk: Option<&Trunk>, host: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"sip:");
    match trunk {
        Some(trunk) => trunk.plan.write(number, written_format(trunk.number_format), out),
        None => {
            out.push(b'+');
            put_decimal(number.get(), out);
        }
    }
    out.push(b'@');
    out.extend_from_slice(host);
}

/// A number that we put in has not been received in any form: the one that needs no dial plan.
fn written_format(format: NumberFormat) -> NumberFormat {
    if format == NumberFormat::AsReceived { NumberFormat::PlusE164 } else { format }
}

/// What may stand unescaped in every part of a URI (RFC 3261 section 25.1, `unreserved`).
pub(super) const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// The same in a user (`user-unreserved` less `;` and `?`).
const USER: &AsciiSet = &UNRESERVED.remove(b'&').remove(b'=').remove(b'+').remove(b'$').remove(b',').remove(b'/');

/// The user, with its password if it has one, as it came. A `?` may stand there unescaped (RFC 3261 section 25.1), but
/// there are parsers that take it for the beginning of headers, and so read another host than we did.
fn copy_userinfo(uri: &[u8], parsed: &Uri<'_>, out: &mut Vec<u8>) {
    let Some(user) = parsed.user else { return };
    let start = user.as_ptr() as usize - uri.as_ptr() as usize;
    let rest = &uri[start..];
    let end = if parsed.scheme == Scheme::Tel { rest.len() } else { memchr::memchr(b'@', rest).unwrap_or(rest.len()) };
    for &byte in &rest[..end] {
        match byte {
            b'?' => out.extend_from_slice(b"%3F"),
            _ => out.push(byte),
        }
    }
}

/// Whom to call, as the trunk writes it; `number` is what the Request-URI was read as.
pub(super) fn write_user(request: &Request, callee: &Callee, number: Option<Number>, trunk: &Trunk, out: &mut Vec<u8>) {
    let as_received = trunk.number_format == NumberFormat::AsReceived;
    match (callee, number) {
        (Callee::Unchanged, Some(number)) if !as_received => trunk.plan.write(number, trunk.number_format, out),
        (Callee::Unchanged, _) => copy_userinfo(request.uri_bytes(), &request.uri(), out),
        (Callee::Number(number), _) => trunk.plan.write(*number, written_format(trunk.number_format), out),
        (Callee::Code(code), _) => out.extend_from_slice(code.to_string().as_bytes()),
        (Callee::User(user), _) => out.extend(percent_encode(user.as_bytes(), USER).flat_map(str::bytes)),
    }
}

/// The Request-URI of a call for one target: its host becomes the target's, and the number is written as the trunk
/// wants it.
pub(super) fn next_request_uri(
    request: &Request,
    callee: &Callee,
    number: Option<Number>,
    trunk: &Trunk,
    target: &Target,
    out: &mut Vec<u8>,
) {
    let (uri, parsed) = (request.uri_bytes(), request.uri());
    if parsed.scheme == Scheme::Urn {
        return out.extend_from_slice(uri);
    }
    out.extend_from_slice(if parsed.scheme == Scheme::Sips { b"sips:" } else { b"sip:" });
    let start = out.len();
    out.extend_from_slice(trunk.prefix.as_deref().unwrap_or("").as_bytes());
    write_user(request, callee, number, trunk, out);
    if out.len() > start {
        out.push(b'@');
    }
    match (&trunk.host, target) {
        (Some(host), _) => out.extend_from_slice(host.as_bytes()),
        (None, Target::Address { addr, .. }) => put_socket(*addr, out),
        // What a name leads to is no part of the request (RFC 3263 section 4).
        (None, Target::Name(name)) => {
            out.extend_from_slice(name.host.as_bytes());
            if let Some(port) = name.port {
                out.push(b':');
                put_decimal(port, out);
            }
        }
    }
    if parsed.scheme == Scheme::Tel {
        out.extend_from_slice(b";user=phone");
    }
    // These said how to reach the old host.
    parsed.write_params_without(&[b"transport", b"maddr", b"ttl", b"lr", b"method"], out);
}
