//! A look at bytes that may be dropped before they are read.

use memchr::{memchr, memchr_iter};

/// What is seen of a new call without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeekedCall<'a> {
    /// The Request-URI.
    pub uri: &'a [u8],
    /// Call-ID.
    pub call_id: &'a [u8],
}

/// Looks at bytes that are a new call for sure ([`Request::is_new_call`](super::Request::is_new_call)). In doubt, as with a
/// folded or a missing To, they are none, and are to be read as a whole.
///
/// It looks at the start line and for two header fields, and costs a seventh of [`scan`](super::scan).
pub fn peek_new_call(bytes: &[u8]) -> Option<PeekedCall<'_>> {
    let rest = bytes.strip_prefix(b"INVITE ")?;
    let uri = &rest[..memchr(b' ', rest)?];
    let (mut is_new, mut call_id) = (false, None);
    for start in memchr_iter(b'\n', bytes).map(|feed| feed + 1) {
        let line = &bytes[start..];
        match line.first()? {
            b'\r' | b'\n' => return None,
            b't' | b'T' | b'c' | b'C' | b'i' | b'I' => {}
            _ => continue,
        }
        let (line, next) = line.split_at(memchr(b'\n', line)?);
        let Some(colon) = memchr(b':', line) else { continue };
        let (name, value) = (line[..colon].trim_ascii_end(), line[colon + 1..].trim_ascii());
        let is_folded = matches!(next.get(1), Some(b' ' | b'\t'));
        let is = |long: &[u8], compact: &[u8]| name.eq_ignore_ascii_case(long) || name.eq_ignore_ascii_case(compact);
        if is(b"To", b"t") {
            is_new = !is_folded && !value.windows(3).any(|part| part.eq_ignore_ascii_case(b"tag"));
            if !is_new {
                return None;
            }
        } else if is(b"Call-ID", b"i") {
            call_id = Some(value).filter(|_| !is_folded);
        }
        if let (true, Some(call_id)) = (is_new, call_id) {
            return Some(PeekedCall { uri, call_id });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::super::{Message, scan};
    use super::*;

    fn invite(to: &str) -> String {
        format!(
            "INVITE sip:+48221234567@c SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nTimestamp: 1\r\nFrom: <sip:a@b>;tag=1\r\n\
             {to}Call-ID: x\r\nCSeq: 1 INVITE\r\n\r\n"
        )
    }

    #[test]
    fn an_invite_without_to_tag_is_a_new_call_in_every_plain_spelling() {
        for to in ["To: <sip:b@c>\r\n", "t:<sip:b@c>\r\n", "TO \t: Bob <sip:b@c>;x=1\r\n"] {
            let peeked = PeekedCall { uri: b"sip:+48221234567@c", call_id: b"x" };
            assert_eq!(peek_new_call(invite(to).as_bytes()), Some(peeked), "{to}");
        }
    }

    #[test]
    fn what_is_no_new_call_or_may_be_none_is_read_as_a_whole() {
        for to in ["To: <sip:b@c>;tag=2\r\n", "t: <sip:b@c>\r\n ;tag=2\r\n", "To: <sip:b@c> ; TAG = 2\r\n", ""] {
            assert_eq!(peek_new_call(invite(to).as_bytes()), None, "{to}");
        }
        let whole = invite("To: <sip:b@c>\r\n");
        for other in ["BYE", "ACK", "invite", "INVITES"] {
            assert_eq!(peek_new_call(whole.replacen("INVITE", other, 1).as_bytes()), None, "{other}");
        }
        for call_id in ["", "Call-ID: x\r\n y\r\n", "Call-ID\r\n", "c: x\r\n"] {
            let other = whole.replacen("Call-ID: x\r\n", call_id, 1);
            assert_eq!(peek_new_call(other.as_bytes()), None, "{call_id}");
        }
        for end in 0..whole.find("CSeq").expect("a CSeq") - 1 {
            assert_eq!(peek_new_call(&whole.as_bytes()[..end]), None, "cut at {end}");
        }
    }

    proptest! {
        /// Whatever is in the lines: what peeks as a new call is one, or is no message at all.
        #[test]
        fn a_peek_never_takes_a_request_inside_a_dialog_for_a_new_call(
            lines in prop::collection::vec(
                prop::sample::select(vec![
                    "To: <sip:b@c>\r\n", "To: <sip:b@c>;tag=2\r\n", "t: <sip:b@c>;tag=2\r\n", "t: \"x\"\r\n <sip:b@c>;tag=3\r\n",
                    "From: <sip:a@b>;tag=1\r\n", "Call-ID: x\r\n", "i : y \r\n", "CALL-ID: z\r\n z\r\n", "CSeq: 1 INVITE\r\n", "Tool: To: x\r\n", " To: x\r\n", "\r\n",
                    "X: y\r\n", "Via: SIP/2.0/UDP a;branch=z9hG4bK1\r\n", "To\r\n : <sip:b@c>;tag=4\r\n", "Top: 1\r\n",
                ]),
                0..10,
            )
        ) {
            let text = format!("INVITE sip:b@c SIP/2.0\r\n{}\r\n", lines.concat());
            if let Some(peeked) = peek_new_call(text.as_bytes())
                && let Ok(Message::Request(request)) = scan(Bytes::from(text.clone()))
            {
                prop_assert!(request.is_new_call());
                prop_assert_eq!((peeked.uri, peeked.call_id), (request.uri_bytes(), request.call_id()));
            }
        }
    }
}
