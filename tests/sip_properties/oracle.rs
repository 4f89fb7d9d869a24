//! rsip as a second opinion: where it accepts a message that we accept, both read the same.
//!
//! It takes compact names for other headers, and knows fourteen methods: where it cannot find a header by its long name
//! or refuses a value, there is no second opinion.

use ringfence::sip::{HeaderName, Headers, Message, is_token};
use rsip::prelude::*;

pub(crate) fn agrees(message: &Message) {
    let headers = message.headers();
    let Ok(text) = std::str::from_utf8(headers.bytes()) else { return };
    let Ok(theirs) = rsip::SipMessage::try_from(text) else { return };
    match (message, &theirs) {
        (Message::Request(ours), rsip::SipMessage::Request(theirs)) => {
            // It reads methods without regard to case and spaces; RFC 3261 section 7.1 has them as written.
            assert!(ours.method_name().eq_ignore_ascii_case(theirs.method().to_string().as_bytes()));
            let tags = [Some(ours.from_tag()).filter(|tag| !tag.is_empty()), ours.to_tag()];
            common(theirs, headers, ours.cseq(), tags, ours.branch());
        }
        (Message::Response(ours), rsip::SipMessage::Response(theirs)) => {
            assert_eq!(ours.status(), theirs.status_code().code());
            let tags = [Some(ours.from_tag()).filter(|tag| !tag.is_empty()), ours.to_tag()];
            common(theirs, headers, ours.cseq(), tags, ours.branch());
        }
        _ => panic!("one takes for a request what the other takes for a response"),
    }
}

fn common(theirs: &impl HeadersExt, headers: &Headers, cseq: u32, tags: [Option<&[u8]>; 2], branch: &[u8]) {
    if let Some(header) = theirs.call_id_header().ok().filter(|_| is_long(headers, HeaderName::CallId)) {
        assert_eq!(Some(header.value().trim().as_bytes()), headers.first(HeaderName::CallId));
    }
    if let Some(Ok(number)) = theirs.cseq_header().ok().map(|header| header.seq()) {
        assert_eq!(number, cseq);
    }
    let from = theirs.from_header().ok().and_then(|header| header.tag().ok());
    let to = theirs.to_header().ok().and_then(|header| header.tag().ok());
    for (tag, ours) in [from, to].into_iter().zip(tags) {
        if let Some(Some(tag)) = tag {
            assert_eq!(Some(tag.value().trim().as_bytes()), ours);
        }
    }
    let via = theirs.via_header().ok().filter(|_| is_long(headers, HeaderName::Via));
    let via = via.and_then(|header| header.typed().ok());
    // Of a branch that is no token, which we pass on as it is, it reads a part.
    if let Some(theirs) = via.as_ref().and_then(|via| via.branch()).filter(|_| is_token(branch)) {
        assert_eq!(theirs.value().trim().as_bytes(), branch);
    }
}

/// Whether the first field of this name is one that rsip finds.
fn is_long(headers: &Headers, name: HeaderName) -> bool {
    headers.named(name).next().is_some_and(|field| headers.field_name(field).len() > 1)
}
