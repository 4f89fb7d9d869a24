//! Messages: bytes with an index into them.

use bytes::Bytes;

use super::header::{Values, value_end};
use super::scan::scan;
use super::via::ViaMarks;
use super::{HeaderName, Method, NameAddr, Scheme, Uri, Via};
use crate::flow::Transport;

/// A place in a message: its bytes from `start` up to `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// The first byte.
    pub start: u16,
    /// The byte after the last.
    pub end: u16,
}

/// One header field, continuation lines included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: HeaderName,
    /// All of it, from its name to the line end.
    pub line: Span,
    /// The value, without white space around it.
    pub value: Span,
}

/// The header fields of a message in their order, and its bytes.
#[derive(Debug, Clone)]
pub struct Headers {
    pub(super) bytes: Bytes,
    pub(super) fields: Vec<Field>,
    /// Where the body begins.
    pub(super) body: u16,
}

/// What every message has (RFC 3261 section 8.1.1), as places in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mandatory {
    pub via: TopVia,
    pub from: Address,
    pub to: Address,
    pub call_id: Span,
    pub cseq: u32,
    pub cseq_method: Method,
}

/// The first Via value, of version 2.0: the places of a [`Via`]'s parts.
#[derive(Debug, Clone, Copy)]
pub(super) struct TopVia {
    /// The value.
    pub value: Span,
    pub transport: Option<Transport>,
    pub head: Span,
    pub host: Span,
    pub port: Option<u16>,
    pub params: Span,
    /// Its branch; empty without one.
    pub branch: Span,
    pub maddr: Span,
    pub marks: ViaMarks,
    /// Where the next value of the same field begins; 0 when there is none.
    pub next: u16,
}

/// From or To: the places of a [`NameAddr`]'s parts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Address {
    pub value: Span,
    pub display: Span,
    pub uri: Span,
    pub params: Span,
    /// The tag; empty without one.
    pub tag: Span,
}

/// The places of a [`Uri`]'s parts.
#[derive(Debug, Clone, Copy)]
pub(super) struct UriPlaces {
    pub whole: Span,
    pub scheme: Scheme,
    pub user: Option<Span>,
    pub host: Span,
    pub port: Option<u16>,
    pub params: Span,
}

/// A message.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "both are handed on by value and differ by few bytes")]
pub enum Message {
    /// A request.
    Request(Request),
    /// A response.
    Response(Response),
}

/// A request that has all mandatory header fields.
#[derive(Debug, Clone)]
pub struct Request {
    pub(super) headers: Headers,
    pub(super) mandatory: Mandatory,
    pub(super) method: Method,
    pub(super) method_name: Span,
    pub(super) uri: UriPlaces,
    pub(super) max_forwards: Option<u8>,
}

/// A response that has all mandatory header fields.
#[derive(Debug, Clone)]
pub struct Response {
    pub(super) headers: Headers,
    pub(super) mandatory: Mandatory,
    pub(super) status: u16,
}

impl Span {
    /// From places that lie within [`super::MAX_MESSAGE`].
    pub(super) fn new(start: usize, end: usize) -> Span {
        let place = |at: usize| u16::try_from(at).expect("a message is no longer than MAX_MESSAGE");
        Span { start: place(start), end: place(end) }
    }

    /// The place of a slice of `bytes` in it.
    pub(super) fn of(bytes: &[u8], part: &[u8]) -> Span {
        let start = part.as_ptr() as usize - bytes.as_ptr() as usize;
        Span::new(start, start + part.len())
    }

    /// The bytes at this place.
    pub fn of_bytes(self, bytes: &[u8]) -> &[u8] {
        &bytes[usize::from(self.start)..usize::from(self.end)]
    }

    /// The empty place at `at`.
    pub fn empty(at: u16) -> Span {
        Span { start: at, end: at }
    }

    /// How many bytes there are in it.
    pub fn len(self) -> usize {
        usize::from(self.end - self.start)
    }

    /// Whether there is nothing in it.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }
}

impl Headers {
    /// The whole message.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The fields in their order.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The fields of one name.
    pub fn named(&self, name: HeaderName) -> impl Iterator<Item = &Field> + Clone {
        self.fields.iter().filter(move |field| field.name == name)
    }

    /// The value of the first field of one name.
    pub fn first(&self, name: HeaderName) -> Option<&[u8]> {
        self.named(name).next().map(|field| self.slice(field.value))
    }

    /// All values of one name, over all its fields, split at commas.
    pub fn values(&self, name: HeaderName) -> impl Iterator<Item = &[u8]> {
        self.named(name).flat_map(|field| Values::new(self.slice(field.value)))
    }

    /// The value of the first field of a name that has no [`HeaderName`], compared without regard to case.
    pub fn other(&self, name: &[u8]) -> Option<&[u8]> {
        self.others(name).next().map(|field| self.slice(field.value))
    }

    /// The fields of a name in any spelling, also of one that has no [`HeaderName`].
    pub fn others<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = &'a Field> {
        let known = HeaderName::parse(name);
        self.fields.iter().filter(move |field| {
            field.name == known && (known != HeaderName::Other || self.field_name(field).eq_ignore_ascii_case(name))
        })
    }

    /// A field's name as written.
    pub fn field_name(&self, field: &Field) -> &[u8] {
        let line = self.slice(field.line);
        let end = line.iter().position(|&byte| byte == b':' || byte == b' ' || byte == b'\t').unwrap_or(line.len());
        &line[..end]
    }

    /// The bytes at a place.
    pub fn slice(&self, span: Span) -> &[u8] {
        span.of_bytes(&self.bytes)
    }

    /// The place of a slice of this message in it.
    pub fn span(&self, part: &[u8]) -> Span {
        Span::of(&self.bytes, part)
    }

    /// The body.
    pub fn body(&self) -> &[u8] {
        &self.bytes[usize::from(self.body)..]
    }

    /// Where the first header field begins: what is inserted there stands above all fields.
    pub fn top(&self) -> Span {
        Span::empty(self.fields.first().map_or(self.body, |field| field.line.start))
    }

    /// Where the empty line after the fields begins: what is inserted there stands below all fields.
    pub fn bottom(&self) -> Span {
        Span::empty(self.body - 2)
    }

    /// The first Via value and its place; `None` when it is missing or malformed.
    pub fn top_via(&self) -> Option<(Span, Via<'_>)> {
        let value = self.first(HeaderName::Via)?;
        let value = value[..value_end(value)].trim_ascii();
        Via::parse(value).ok().map(|via| (self.span(value), via))
    }
}

impl Address {
    fn of<'a>(&self, headers: &'a Headers) -> NameAddr<'a> {
        let [display, uri, params] = [self.display, self.uri, self.params].map(|span| headers.slice(span));
        NameAddr { display, uri, params }
    }
}

impl TopVia {
    fn of<'a>(&self, headers: &'a Headers) -> Via<'a> {
        let [head, host, params] = [self.head, self.host, self.params].map(|span| headers.slice(span));
        let [branch, maddr] = [self.branch, self.maddr].map(|span| headers.slice(span));
        let &TopVia { transport, port, marks, .. } = self;
        Via { version: b"2.0", transport, head, host, port, params, branch, maddr, marks }
    }
}

impl UriPlaces {
    /// The places of a URI that was read from `bytes`. A Request-URI has no headers.
    pub(super) fn new(bytes: &[u8], whole: &[u8], uri: &Uri<'_>) -> UriPlaces {
        let place = |part: &[u8]| if part.is_empty() { Span::default() } else { Span::of(bytes, part) };
        UriPlaces {
            whole: Span::of(bytes, whole),
            scheme: uri.scheme,
            user: uri.user.map(|user| Span::of(bytes, user)),
            host: place(uri.host),
            port: uri.port,
            params: place(uri.params),
        }
    }

    fn of<'a>(&self, headers: &'a Headers) -> Uri<'a> {
        let user = self.user.map(|user| headers.slice(user));
        let (host, params) = (headers.slice(self.host), headers.slice(self.params));
        Uri { scheme: self.scheme, user, host, port: self.port, params, headers: b"" }
    }
}

macro_rules! mandatory_fields {
    ($kind:ty) => {
        impl $kind {
            /// The header fields.
            pub fn headers(&self) -> &Headers {
                &self.headers
            }

            /// The whole message.
            pub fn bytes(&self) -> &Bytes {
                &self.headers.bytes
            }

            /// Call-ID.
            pub fn call_id(&self) -> &[u8] {
                self.headers.slice(self.mandatory.call_id)
            }

            /// The number of CSeq.
            pub fn cseq(&self) -> u32 {
                self.mandatory.cseq
            }

            /// From.
            pub fn from(&self) -> NameAddr<'_> {
                self.mandatory.from.of(&self.headers)
            }

            /// The place of From's value.
            pub fn from_span(&self) -> Span {
                self.mandatory.from.value
            }

            /// From's tag, empty where a peer of RFC 2543 sends none.
            pub fn from_tag(&self) -> &[u8] {
                self.headers.slice(self.mandatory.from.tag)
            }

            /// To.
            pub fn to(&self) -> NameAddr<'_> {
                self.mandatory.to.of(&self.headers)
            }

            /// The place of To's value.
            pub fn to_span(&self) -> Span {
                self.mandatory.to.value
            }

            /// To's tag, `None` outside a dialog.
            pub fn to_tag(&self) -> Option<&[u8]> {
                Some(self.headers.slice(self.mandatory.to.tag)).filter(|tag| !tag.is_empty())
            }

            /// The first Via value.
            pub fn via(&self) -> Via<'_> {
                self.mandatory.via.of(&self.headers)
            }

            /// The place of the first Via value.
            pub fn via_span(&self) -> Span {
                self.mandatory.via.value
            }

            /// The branch of the first Via, empty where there is none.
            pub fn branch(&self) -> &[u8] {
                self.headers.slice(self.mandatory.via.branch)
            }
        }
    };
}

mandatory_fields!(Request);
mandatory_fields!(Response);

impl Request {
    /// The method.
    pub fn method(&self) -> Method {
        self.method
    }

    /// The method as written.
    pub fn method_name(&self) -> &[u8] {
        self.headers.slice(self.method_name)
    }

    /// Whether it is a new call: an INVITE outside a dialog.
    pub fn is_new_call(&self) -> bool {
        self.method == Method::Invite && self.to_tag().is_none()
    }

    /// The Request-URI as written.
    pub fn uri_bytes(&self) -> &[u8] {
        self.headers.slice(self.uri.whole)
    }

    /// The place of the Request-URI.
    pub fn uri_span(&self) -> Span {
        self.uri.whole
    }

    /// The Request-URI.
    pub fn uri(&self) -> Uri<'_> {
        self.uri.of(&self.headers)
    }

    /// The bytes of the same request with these header fields only and without its body; `None` when that is none. They
    /// take a third of the memory or less.
    pub fn condensed(&self, keep: impl Fn(&Field) -> bool) -> Option<Box<[u8]>> {
        let headers = &self.headers;
        let mut bytes = Vec::with_capacity(headers.bytes.len());
        bytes.extend_from_slice(&headers.bytes[..usize::from(headers.top().start)]);
        for field in headers.fields.iter().filter(|field| keep(field)) {
            bytes.extend_from_slice(headers.slice(field.line));
        }
        bytes.extend_from_slice(b"\r\n");
        matches!(scan(Bytes::copy_from_slice(&bytes)), Ok(Message::Request(_))).then(|| bytes.into())
    }

    /// Max-Forwards, where there is one.
    pub fn max_forwards(&self) -> Option<u8> {
        self.max_forwards
    }
}

/// Behind `SIP/2.0 603 `.
const PHRASE_AT: usize = 12;

impl Response {
    /// The status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The reason phrase.
    pub fn phrase(&self) -> &[u8] {
        let line = self.headers.bytes();
        let line = &line[..memchr::memchr(b'\r', line).unwrap_or(line.len())];
        line.get(PHRASE_AT..).unwrap_or_default()
    }

    /// The method that CSeq names.
    pub fn method(&self) -> Method {
        self.mandatory.cseq_method
    }

    /// The place to remove so that the first Via value is gone: its whole field, or the value with its comma.
    pub fn pop_via_span(&self) -> Span {
        let via = self.mandatory.via;
        if via.next != 0 {
            return Span { start: via.value.start, end: via.next };
        }
        let field = self.headers.named(HeaderName::Via).next().expect("a response has a Via");
        field.line
    }

    /// Whether a Via value that can be read remains below the first: the response is meant for someone before us.
    pub fn has_more_via(&self) -> bool {
        self.headers.values(HeaderName::Via).nth(1).is_some_and(|via| Via::parse(via).is_ok())
    }
}

impl Message {
    /// The header fields.
    pub fn headers(&self) -> &Headers {
        match self {
            Message::Request(request) => request.headers(),
            Message::Response(response) => response.headers(),
        }
    }

    /// Call-ID: what chooses the shard.
    pub fn call_id(&self) -> &[u8] {
        match self {
            Message::Request(request) => request.call_id(),
            Message::Response(response) => response.call_id(),
        }
    }

    /// The transport that the first Via names.
    pub fn via_transport(&self) -> Option<Transport> {
        match self {
            Message::Request(request) => request.via().transport,
            Message::Response(response) => response.via().transport,
        }
    }
}
