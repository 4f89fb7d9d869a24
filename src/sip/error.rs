//! What is wrong with bytes that are no message.

use super::Headers;
use crate::counters::{MALFORMED, assert_numbered};

/// Why bytes were refused; each is counted by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[repr(u8)]
pub enum Malformed {
    /// More bytes than [`super::MAX_MESSAGE`].
    #[error("the message is too long")]
    TooLong,
    /// More header fields than [`super::MAX_HEADERS`].
    #[error("the message has too many header fields")]
    TooManyHeaders,
    /// Nothing that looks like a start line.
    #[error("the start line is no request line and no status line")]
    StartLine,
    /// A SIP version other than 2.0.
    #[error("the SIP version is not 2.0")]
    Version,
    /// The Request-URI is not one.
    #[error("the Request-URI is malformed")]
    RequestUri,
    /// A CR without LF or an LF without CR.
    #[error("a carriage return or line feed stands alone")]
    BareLineEnd,
    /// The header section has no end.
    #[error("the empty line after the header fields is missing")]
    Unfinished,
    /// A header line without colon, or with something other than a token before it.
    #[error("a header field name is malformed")]
    HeaderName,
    /// A header that may stand once stands twice.
    #[error("a header field that may stand once stands twice")]
    Duplicate,
    /// Via, From, To, Call-ID or CSeq is missing.
    #[error("Via, From, To, Call-ID or CSeq is missing")]
    Missing,
    /// Via is malformed.
    #[error("Via is malformed")]
    Via,
    /// From is malformed or has no tag where it must.
    #[error("From is malformed")]
    From,
    /// To is malformed.
    #[error("To is malformed")]
    To,
    /// Call-ID is empty or holds white space.
    #[error("Call-ID is malformed")]
    CallId,
    /// CSeq is no number with a method.
    #[error("CSeq is malformed")]
    CSeq,
    /// CSeq names another method than the request line.
    #[error("CSeq and the request line name different methods")]
    Mismatch,
    /// Max-Forwards is no number up to 255.
    #[error("Max-Forwards is malformed")]
    MaxForwards,
    /// Content-Length is no number.
    #[error("Content-Length is malformed")]
    ContentLength,
    /// The body is shorter than Content-Length.
    #[error("the body is shorter than Content-Length")]
    ShortBody,
    /// An address in Contact, Route, Record-Route or P-Asserted-Identity is malformed.
    #[error("an address header field is malformed")]
    Address,
    /// CSeq names another method than the request line, and that of the request line is not known. To a newer peer the
    /// unknown method says more than the mismatch (RFC 4475 section 3.1.2.18).
    #[error("the method of the request line is unknown, and CSeq names another")]
    UnknownMethod,
}

impl Malformed {
    /// All of them, in the order of their numbers.
    pub const ALL: [Malformed; MALFORMED] = [
        Malformed::TooLong,
        Malformed::TooManyHeaders,
        Malformed::StartLine,
        Malformed::Version,
        Malformed::RequestUri,
        Malformed::BareLineEnd,
        Malformed::Unfinished,
        Malformed::HeaderName,
        Malformed::Duplicate,
        Malformed::Missing,
        Malformed::Via,
        Malformed::From,
        Malformed::To,
        Malformed::CallId,
        Malformed::CSeq,
        Malformed::Mismatch,
        Malformed::MaxForwards,
        Malformed::ContentLength,
        Malformed::ShortBody,
        Malformed::Address,
        Malformed::UnknownMethod,
    ];

    /// The status that a request with this fault is answered.
    pub fn status(self) -> u16 {
        match self {
            Malformed::UnknownMethod => 501,
            Malformed::Version => 505,
            Malformed::TooLong | Malformed::TooManyHeaders => 513,
            _ => 400,
        }
    }
}

assert_numbered!(Malformed::ALL, Malformed::UnknownMethod);

/// Bytes that are no message.
#[derive(Debug, Clone)]
pub struct Rejected {
    /// What is wrong.
    pub reason: Malformed,
    /// The headers that could be read, where they are those of a request that can be answered: it is no ACK, and its
    /// first Via can be read.
    pub headers: Option<Headers>,
}
