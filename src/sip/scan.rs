//! The scanner: one pass over the bytes, one allocation for the index, nothing copied.

use bytes::Bytes;

use super::header::{is_token, is_token_byte, value_end};
use super::identity::Params;
use super::message::{Address, Mandatory, TopVia, UriPlaces};
use super::{Field, HeaderName, Headers, Malformed, Message, Method, NameAddr, Rejected, Request, Response, Span};
use super::{Uri, Via};

/// The longest message: the largest UDP datagram, and what the index can address. Also the limit on streams.
pub const MAX_MESSAGE: usize = 65_535;

/// The most header fields: eight times what long call paths show (RFC 4475's longest message has 40), so that a
/// message of empty fields cannot make a peer's bytes cost a multiple of their length.
pub const MAX_HEADERS: usize = 320;

/// Header fields of an ordinary INVITE: the index of most messages is allocated once.
const USUAL_HEADERS: usize = 24;

/// Reads one message: a datagram, or what a stream's framing cut out. Line ends before the start line are passed over
/// (RFC 3261 section 7.5); bytes beyond Content-Length are cut off (18.3).
pub fn scan(bytes: Bytes) -> Result<Message, Rejected> {
    let leading = bytes.iter().take_while(|&&byte| byte == b'\r' || byte == b'\n').count();
    let bytes = if leading == 0 { bytes } else { bytes.slice(leading..) };
    if bytes.len() > MAX_MESSAGE {
        return Err(Rejected { reason: Malformed::TooLong, headers: None });
    }
    let first_end = line_end(&bytes, 0).map_err(|reason| Rejected { reason, headers: None })?;
    let is_response = bytes.len() >= 4 && bytes[..4].eq_ignore_ascii_case(b"SIP/");
    let fields = Fields::read(&bytes, first_end);
    let headers = Headers { bytes, fields: fields.fields, body: fields.body };
    if is_response {
        return match read_response(&headers, first_end, fields.fault) {
            Ok((status, mandatory, end)) => {
                Ok(Message::Response(Response { headers: headers.cut(end), mandatory, status }))
            }
            Err(reason) => Err(Rejected { reason, headers: None }),
        };
    }
    match read_request(&headers, first_end, fields.fault) {
        Ok((start, mandatory, max_forwards, end)) => Ok(Message::Request(Request {
            headers: headers.cut(end),
            mandatory,
            method: start.method,
            method_name: start.method_name,
            uri: start.uri,
            max_forwards,
        })),
        Err(reason) => {
            let answerable = can_be_answered(&headers);
            Err(Rejected { reason, headers: answerable.then_some(headers) })
        }
    }
}

impl Headers {
    fn cut(mut self, end: usize) -> Headers {
        self.bytes.truncate(end);
        self
    }
}

/// The header section, with its first fault; the fields before the fault can be read.
struct Fields {
    fields: Vec<Field>,
    body: u16,
    fault: Option<Malformed>,
}

impl Fields {
    fn read(bytes: &[u8], first_end: usize) -> Fields {
        let mut fields: Vec<Field> = Vec::with_capacity(USUAL_HEADERS);
        let mut seen = [false; HeaderName::Other as usize + 1];
        let mut fault = None;
        let mut start = first_end;
        loop {
            let next = match Fields::next(bytes, start) {
                Ok(Some(field)) if fields.len() < MAX_HEADERS => Ok(field),
                Ok(Some(_)) => Err(Malformed::TooManyHeaders),
                Ok(None) => return Fields { fields, body: Span::new(start, start + 2).end, fault },
                Err(reason) => Err(reason),
            };
            match next {
                Ok(field) => {
                    if field.name.is_single() && std::mem::replace(&mut seen[field.name as usize], true) {
                        fault = fault.or(Some(Malformed::Duplicate));
                    }
                    start = usize::from(field.line.end);
                    fields.push(field);
                }
                Err(reason) => {
                    let body = Span::new(bytes.len(), bytes.len()).start;
                    return Fields { fields, body, fault: fault.or(Some(reason)) };
                }
            }
        }
    }

    /// The field that begins at `start`; `None` at the empty line.
    fn next(bytes: &[u8], start: usize) -> Result<Option<Field>, Malformed> {
        let mut end = line_end(bytes, start)?;
        if end == start + 2 {
            return Ok(None);
        }
        while matches!(bytes.get(end), Some(b' ' | b'\t')) {
            end = line_end(bytes, end)?;
        }
        let line = &bytes[start..end - 2];
        let name_end = line.iter().position(|&byte| !is_token_byte(byte)).ok_or(Malformed::HeaderName)?;
        let (name, after) = line.split_at(name_end);
        // Only these two may stand before the colon (RFC 3261 section 25.1, HCOLON): a line end there would give the
        // field a name for one reader and none for another.
        let blanks = after.iter().take_while(|&&byte| byte == b' ' || byte == b'\t').count();
        let value = after[blanks..].strip_prefix(b":").filter(|_| !name.is_empty()).ok_or(Malformed::HeaderName)?;
        let value = value.trim_ascii();
        let name = HeaderName::parse(name);
        Ok(Some(Field { name, line: Span::new(start, end), value: Span::of(bytes, value) }))
    }
}

struct RequestLine {
    method: Method,
    method_name: Span,
    uri: UriPlaces,
}

type ReadRequest = (RequestLine, Mandatory, Option<u8>, usize);

fn read_request(headers: &Headers, first_end: usize, fault: Option<Malformed>) -> Result<ReadRequest, Malformed> {
    let start = request_line(&headers.bytes, first_end)?;
    if let Some(fault) = fault {
        return Err(fault);
    }
    let mandatory = mandatory(headers)?;
    if start.method == Method::Other {
        let (_, name) = cseq(headers.first(HeaderName::CSeq).ok_or(Malformed::Missing)?)?;
        if name != headers.slice(start.method_name) {
            return Err(Malformed::UnknownMethod);
        }
    } else if mandatory.cseq_method != start.method {
        return Err(Malformed::Mismatch);
    }
    let max_forwards = match headers.first(HeaderName::MaxForwards) {
        Some(value) => Some(number(value, 255).ok_or(Malformed::MaxForwards)?.to_le_bytes()[0]),
        None => None,
    };
    Ok((start, mandatory, max_forwards, message_end(headers)?))
}

fn read_response(
    headers: &Headers,
    first_end: usize,
    fault: Option<Malformed>,
) -> Result<(u16, Mandatory, usize), Malformed> {
    let status = status_code(&headers.bytes[..first_end - 2])?;
    if let Some(fault) = fault {
        return Err(fault);
    }
    Ok((status, mandatory(headers)?, message_end(headers)?))
}

/// Where the line that begins at `start` ends, its CR LF included.
fn line_end(bytes: &[u8], start: usize) -> Result<usize, Malformed> {
    let length = memchr::memchr2(b'\r', b'\n', &bytes[start..]).ok_or(Malformed::Unfinished)?;
    let end = start + length;
    match (bytes[end], bytes.get(end + 1)) {
        (b'\r', Some(b'\n')) => Ok(end + 2),
        (b'\r', None) => Err(Malformed::Unfinished),
        _ => Err(Malformed::BareLineEnd),
    }
}

/// `Method SP Request-URI SP SIP/2.0`, with exactly these spaces (RFC 3261 section 7.1).
fn request_line(bytes: &[u8], first_end: usize) -> Result<RequestLine, Malformed> {
    let line = &bytes[..first_end - 2];
    let method_end = memchr::memchr(b' ', line).ok_or(Malformed::StartLine)?;
    let uri_end = memchr::memrchr(b' ', line).filter(|&end| end > method_end).ok_or(Malformed::StartLine)?;
    let (method, uri, version) = (&line[..method_end], &line[method_end + 1..uri_end], &line[uri_end + 1..]);
    if !is_token(method) {
        return Err(Malformed::StartLine);
    }
    if !version.eq_ignore_ascii_case(b"SIP/2.0") {
        let is_sip = version.get(..4).is_some_and(|name| name.eq_ignore_ascii_case(b"SIP/"));
        return Err(if is_sip { Malformed::Version } else { Malformed::StartLine });
    }
    // A Request-URI carries no headers (RFC 3261 table 1): they could become header fields further on.
    let parsed = Uri::parse(uri).ok().filter(|uri| uri.headers.is_empty()).ok_or(Malformed::RequestUri)?;
    let uri = UriPlaces::new(bytes, uri, &parsed);
    Ok(RequestLine { method: Method::parse(method), method_name: Span::new(0, method_end), uri })
}

/// The code of `SIP/2.0 SP code SP phrase`; the phrase, and the space before it, may be missing.
fn status_code(line: &[u8]) -> Result<u16, Malformed> {
    let (version, rest) = line.split_at_checked(7).ok_or(Malformed::StartLine)?;
    if !version.eq_ignore_ascii_case(b"SIP/2.0") {
        return Err(Malformed::Version);
    }
    match rest {
        [b' ', hundreds @ b'1'..=b'6', tens @ b'0'..=b'9', ones @ b'0'..=b'9', tail @ ..]
            if matches!(tail.first(), None | Some(b' ')) =>
        {
            let digit = |byte: &u8| u16::from(byte - b'0');
            Ok(digit(hundreds) * 100 + digit(tens) * 10 + digit(ones))
        }
        _ => Err(Malformed::StartLine),
    }
}

fn mandatory(headers: &Headers) -> Result<Mandatory, Malformed> {
    let via = top_via(headers)?;
    let from = address(headers, HeaderName::From).map_err(|fault| fault.unwrap_or(Malformed::From))?;
    let to = address(headers, HeaderName::To).map_err(|fault| fault.unwrap_or(Malformed::To))?;
    let call_id = headers.first(HeaderName::CallId).ok_or(Malformed::Missing)?;
    if call_id.is_empty() || call_id.iter().any(|&byte| byte <= b' ' || byte == 0x7f) {
        return Err(Malformed::CallId);
    }
    // Without angle brackets a question mark would be read as part of the URI by one and not by another (20.10).
    let bare = |value: &[u8]| memchr::memchr(b'<', value).is_none() && memchr::memchr(b'?', value).is_some();
    if headers.named(HeaderName::Contact).any(|field| bare(headers.slice(field.value))) {
        return Err(Malformed::Address);
    }
    let (number, method) = cseq(headers.first(HeaderName::CSeq).ok_or(Malformed::Missing)?)?;
    let (call_id, cseq_method) = (headers.span(call_id), Method::parse(method));
    Ok(Mandatory { via, from, to, call_id, cseq: number, cseq_method })
}

fn top_via(headers: &Headers) -> Result<TopVia, Malformed> {
    let field = headers.first(HeaderName::Via).ok_or(Malformed::Missing)?;
    let end = value_end(field);
    let value = field[..end].trim_ascii();
    let via = Via::parse(value).map_err(|_| Malformed::Via)?;
    // The cookie alone is nobody's branch (RFC 4475 3.3.1).
    if via.version != b"2.0" || via.marks.ambiguous || via.branch.eq_ignore_ascii_case(b"z9hG4bK") {
        return Err(Malformed::Via);
    }
    let next = match field.get(end + 1..) {
        // Behind the last comma stands the Via of the hop before, or nobody could be answered.
        Some(rest) if rest.trim_ascii().is_empty() => return Err(Malformed::Via),
        Some(rest) => headers.span(rest).start,
        None => 0,
    };
    Ok(TopVia {
        value: headers.span(value),
        transport: via.transport,
        head: headers.span(via.head),
        host: headers.span(via.host),
        port: via.port,
        params: place(headers, via.params),
        branch: place(headers, via.branch),
        maddr: place(headers, via.maddr),
        marks: via.marks,
        next,
    })
}

/// The place of a part that may be missing.
fn place(headers: &Headers, part: &[u8]) -> Span {
    if part.is_empty() { Span::default() } else { headers.span(part) }
}

/// From or To; the error is `None` when the field is there and malformed.
fn address(headers: &Headers, name: HeaderName) -> Result<Address, Option<Malformed>> {
    let value = headers.first(name).ok_or(Some(Malformed::Missing))?;
    let parsed = NameAddr::parse(value).map_err(|_| None)?;
    let is_uri = Uri::parse(parsed.uri).is_ok();
    let mut tag = None;
    for (name, value) in Params::new(parsed.params) {
        if name.eq_ignore_ascii_case(b"tag") {
            // Of two tags each reader takes another one, and one without value is a tag to one and none to another.
            if tag.is_some() || !is_token(value) {
                return Err(None);
            }
            tag = Some(value);
        }
    }
    if !is_uri || value_end(value) != value.len() {
        return Err(None);
    }
    Ok(Address {
        value: headers.span(value),
        display: place(headers, parsed.display),
        uri: headers.span(parsed.uri),
        params: place(headers, parsed.params),
        tag: tag.map_or(Span::default(), |tag| headers.span(tag)),
    })
}

/// `number LWS method`.
fn cseq(value: &[u8]) -> Result<(u32, &[u8]), Malformed> {
    let digits_end = value.iter().position(|byte| !byte.is_ascii_digit()).ok_or(Malformed::CSeq)?;
    let number = number(&value[..digits_end], u64::from(MAX_CSEQ)).ok_or(Malformed::CSeq)?;
    let method = value[digits_end..].trim_ascii_start();
    let separated = method.len() < value.len() - digits_end;
    if !separated || !is_token(method) {
        return Err(Malformed::CSeq);
    }
    Ok((u32::try_from(number).map_err(|_| Malformed::CSeq)?, method))
}

/// The largest CSeq number (RFC 3261 section 8.1.1.5: less than 2^31).
pub const MAX_CSEQ: u32 = (1 << 31) - 1;

/// Where the message ends by Content-Length; without one, with the last byte.
fn message_end(headers: &Headers) -> Result<usize, Malformed> {
    let Some(value) = headers.first(HeaderName::ContentLength) else {
        return Ok(headers.bytes.len());
    };
    // A length that no message can have is a length that this one does not have.
    let length = number(value, u64::MAX).ok_or(Malformed::ContentLength)?;
    let available = headers.bytes.len() - usize::from(headers.body);
    let length = usize::try_from(length).map_err(|_| Malformed::ShortBody)?;
    if length > available {
        return Err(Malformed::ShortBody);
    }
    Ok(usize::from(headers.body) + length)
}

/// Decimal digits, at least one, up to a largest value; leading zeros are allowed.
fn number(digits: &[u8], largest: u64) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    let mut value: u64 = 0;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
    }
    (value <= largest).then_some(value)
}

/// Whether a response has a way back: the request is no ACK and its first Via can be read.
fn can_be_answered(headers: &Headers) -> bool {
    let is_ack = headers.bytes.starts_with(b"ACK ")
        || headers.first(HeaderName::CSeq).is_some_and(|value| value.ends_with(b"ACK"));
    !is_ack && headers.top_via().is_some()
}
