//! Header field names and comma-separated values.

use std::borrow::Cow;

use super::identity::quoted_end;

macro_rules! header_names {
    ($($(#[$doc:meta])* $variant:ident = $long:literal $(, $compact:literal)?;)*) => {
        /// The header fields that Ringfence reads or changes; all others are [`HeaderName::Other`] and pass untouched.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        #[allow(missing_docs, reason = "each is named as in its RFC")]
        pub enum HeaderName {
            $($(#[$doc])* $variant,)*
            Other,
        }

        impl HeaderName {
            /// The name as it is written out; empty for [`HeaderName::Other`].
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(HeaderName::$variant => $long,)*
                    HeaderName::Other => "",
                }
            }

            /// Reads a long or compact name (RFC 3261 section 7.3.3) in any case.
            pub fn parse(name: &[u8]) -> HeaderName {
                if let [letter] = name {
                    return match letter.to_ascii_lowercase() {
                        $($($compact => HeaderName::$variant,)?)*
                        _ => HeaderName::Other,
                    };
                }
                // As nearly all peers write them: a chain of constants, which the compiler makes a tree of.
                $(if name == $long.as_bytes() {
                    return HeaderName::$variant;
                })*
                let Some(candidates) = BY_LENGTH.get(name.len()) else { return HeaderName::Other };
                for &candidate in candidates {
                    if candidate == HeaderName::Other || name.eq_ignore_ascii_case(candidate.as_str().as_bytes()) {
                        return candidate;
                    }
                }
                HeaderName::Other
            }

            const ALL: &[HeaderName] = &[$(HeaderName::$variant),*];
        }
    };
}

header_names! {
    Via = "Via", b'v';
    From = "From", b'f';
    To = "To", b't';
    CallId = "Call-ID", b'i';
    CSeq = "CSeq";
    Contact = "Contact", b'm';
    MaxForwards = "Max-Forwards";
    ContentLength = "Content-Length", b'l';
    ContentType = "Content-Type", b'c';
    Route = "Route";
    RecordRoute = "Record-Route";
    Require = "Require";
    ProxyRequire = "Proxy-Require";
    Supported = "Supported", b'k';
    Reason = "Reason";
    Privacy = "Privacy";
    PAssertedIdentity = "P-Asserted-Identity";
    PPreferredIdentity = "P-Preferred-Identity";
    RemotePartyId = "Remote-Party-ID";
    Diversion = "Diversion";
    HistoryInfo = "History-Info";
    Identity = "Identity", b'y';
    CallInfo = "Call-Info";
    Warning = "Warning";
    Timestamp = "Timestamp";
    RetryAfter = "Retry-After";
    ReferredBy = "Referred-By", b'b';
    ReplyTo = "Reply-To";
    Event = "Event", b'o';
    Subject = "Subject", b's';
    MaxBreadth = "Max-Breadth";
}

/// The names of each length, so that few are compared.
const BY_LENGTH: [[HeaderName; 8]; 24] = {
    let mut table = [[HeaderName::Other; 8]; 24];
    let mut at = 0;
    while at < HeaderName::ALL.len() {
        let name = HeaderName::ALL[at];
        let row = &mut table[name.as_str().len()];
        let mut free = 0;
        while !matches!(row[free], HeaderName::Other) {
            free += 1;
        }
        row[free] = name;
        at += 1;
    }
    table
};

impl HeaderName {
    /// Whether every message has it, save Max-Forwards (RFC 3261 section 8.1.1).
    pub fn is_mandatory(self) -> bool {
        use HeaderName::{CSeq, CallId, From, To, Via};
        matches!(self, Via | From | To | CallId | CSeq)
    }

    /// Whether a second field of this name makes the message ambiguous, so that it is refused.
    pub(super) fn is_single(self) -> bool {
        use HeaderName::{CSeq, CallId, ContentLength, ContentType, Event, From, MaxBreadth, MaxForwards};
        use HeaderName::{ReferredBy, RetryAfter, Subject, Timestamp, To};
        matches!(
            self,
            From | To
                | CallId
                | CSeq
                | MaxForwards
                | ContentLength
                | ContentType
                | Event
                | MaxBreadth
                | ReferredBy
                | RetryAfter
                | Subject
                | Timestamp
        )
    }
}

/// The values of a comma list, each trimmed; commas inside quotes and angle brackets do not separate.
#[derive(Debug, Clone)]
pub struct Values<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Values<'a> {
    /// The values of one header field.
    pub fn new(field: &'a [u8]) -> Values<'a> {
        Values { rest: Some(field) }
    }
}

impl<'a> Iterator for Values<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest.take()?;
        let end = value_end(rest);
        self.rest = rest.get(end + 1..);
        Some(rest[..end].trim_ascii())
    }
}

/// A field's value on one line: a fold, with the white space around it, is one space (RFC 3261 section 7.3.1).
pub fn unfolded(value: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\n', value).is_none() {
        return Cow::Borrowed(value);
    }
    let lines: Vec<&[u8]> = value.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii).collect();
    Cow::Owned(lines.join(&b' '))
}

/// Where the first value of a comma list ends: at a comma outside quotes and angle brackets, or with the field.
pub(super) fn value_end(field: &[u8]) -> usize {
    if memchr::memchr(b',', field).is_none() {
        return field.len();
    }
    let mut at = 0;
    let mut bracket = false;
    while at < field.len() {
        match field[at] {
            b',' if !bracket => return at,
            b'<' => bracket = true,
            b'>' => bracket = false,
            b'"' if !bracket => match quoted_end(&field[at..]) {
                Some(length) => {
                    at += length;
                    continue;
                }
                None => return field.len(),
            },
            _ => {}
        }
        at += 1;
    }
    field.len()
}

/// Whether all bytes may stand in a token (RFC 3261 section 25.1), and there is one.
pub fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|&byte| is_token_byte(byte))
}

/// Whether a byte may stand in a token.
pub(super) fn is_token_byte(byte: u8) -> bool {
    TOKEN[usize::from(byte)]
}

const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let bytes = b"-.!%*_+`'~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut at = 0;
    while at < bytes.len() {
        table[bytes[at] as usize] = true;
        at += 1;
    }
    table
};
