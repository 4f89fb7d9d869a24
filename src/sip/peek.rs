//! A look at bytes that may be dropped before they are read.

use memchr::{memchr, memchr_iter};

/// The Request-URI of bytes that are a new call for sure: an INVITE whose To has no tag. In doubt, as with a folded or a
/// missing To, they are none, and are to be read as a whole.
///
/// It looks at the start line and for one header field, and costs a tenth of [`scan`](super::scan).
pub fn peek_new_invite(bytes: &[u8]) -> Option<&[u8]> {
    let rest = bytes.strip_prefix(b"INVITE ")?;
    let uri = &rest[..memchr(b' ', rest)?];
    let mut line_starts = memchr_iter(b'\n', bytes).map(|feed| feed + 1);
    loop {
        let line = &bytes[line_starts.next()?..];
        let name = match line {
            [b'\r' | b'\n', ..] | [] => return None,
            [b't' | b'T', b'o' | b'O', after @ ..] => after,
            [b't' | b'T', after @ ..] => after,
            _ => continue,
        };
        let Some(value) = name.trim_ascii_start().strip_prefix(b":") else { continue };
        let (value, next) = value.split_at(memchr(b'\n', value)?);
        let is_folded = matches!(next.get(1), Some(b' ' | b'\t'));
        let has_tag = value.windows(3).any(|part| part.eq_ignore_ascii_case(b"tag"));
        return (!is_folded && !has_tag).then_some(uri);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::super::{Message, Method, scan};
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
            assert_eq!(peek_new_invite(invite(to).as_bytes()), Some(&b"sip:+48221234567@c"[..]), "{to}");
        }
    }

    #[test]
    fn what_is_no_new_call_or_may_be_none_is_read_as_a_whole() {
        for to in ["To: <sip:b@c>;tag=2\r\n", "t: <sip:b@c>\r\n ;tag=2\r\n", "To: <sip:b@c> ; TAG = 2\r\n", ""] {
            assert_eq!(peek_new_invite(invite(to).as_bytes()), None, "{to}");
        }
        let whole = invite("To: <sip:b@c>\r\n");
        for other in ["BYE", "ACK", "invite", "INVITES"] {
            assert_eq!(peek_new_invite(whole.replacen("INVITE", other, 1).as_bytes()), None, "{other}");
        }
        for end in 0..whole.find("Call-ID").expect("a Call-ID") - 1 {
            assert_eq!(peek_new_invite(&whole.as_bytes()[..end]), None, "cut at {end}");
        }
    }

    proptest! {
        /// Whatever is in the lines: what peeks as a new call is one, or is no message at all.
        #[test]
        fn a_peek_never_takes_a_request_inside_a_dialog_for_a_new_call(
            lines in prop::collection::vec(
                prop::sample::select(vec![
                    "To: <sip:b@c>\r\n", "To: <sip:b@c>;tag=2\r\n", "t: <sip:b@c>;tag=2\r\n", "t: \"x\"\r\n <sip:b@c>;tag=3\r\n",
                    "From: <sip:a@b>;tag=1\r\n", "Call-ID: x\r\n", "CSeq: 1 INVITE\r\n", "Tool: To: x\r\n", " To: x\r\n", "\r\n",
                    "X: y\r\n", "Via: SIP/2.0/UDP a;branch=z9hG4bK1\r\n", "To\r\n : <sip:b@c>;tag=4\r\n", "Top: 1\r\n",
                ]),
                0..10,
            )
        ) {
            let text = format!("INVITE sip:b@c SIP/2.0\r\n{}\r\n", lines.concat());
            if peek_new_invite(text.as_bytes()).is_some()
                && let Ok(Message::Request(request)) = scan(Bytes::from(text))
            {
                prop_assert!(request.method() == Method::Invite && request.to_tag().is_none());
            }
        }
    }
}
