//! What makes two requests the same request (RFC 3261 section 17.2.3).

use std::hash::{Hash, Hasher};

use siphasher::sip128::{Hasher128, SipHasher13};

/// The parts of a request that decide which server transaction it belongs to, as they stand on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestParts<'a> {
    /// The method.
    pub method: &'a [u8],
    /// The branch of the top Via.
    pub branch: Option<&'a [u8]>,
    /// The host of the top Via's sent-by; compared without case.
    pub sent_by_host: &'a [u8],
    /// The port of the top Via's sent-by, when it names one.
    pub sent_by_port: Option<u16>,
    /// The Request-URI.
    pub request_uri: &'a [u8],
    /// The tag of From.
    pub from_tag: Option<&'a [u8]>,
    /// The tag of To.
    pub to_tag: Option<&'a [u8]>,
    /// Call-ID.
    pub call_id: &'a [u8],
    /// The number of CSeq.
    pub cseq: u32,
    /// The whole value of the top Via.
    pub via: &'a [u8],
}

impl RequestParts<'_> {
    /// Whether the branch promises to be unique. The bare cookie promises nothing.
    pub fn has_magic_cookie(&self) -> bool {
        self.branch.is_some_and(|branch| branch.len() > MAGIC_COOKIE.len() && branch.starts_with(MAGIC_COOKIE))
    }
}

/// The keyed hash of a request's [`RequestParts`]: who does not know the key cannot make two requests collide.
///
/// An ACK has the key of its INVITE. With an RFC 2543 branch the To tag is no part of an INVITE's key, because the ACK
/// carries the tag of the response; everything else that section 17.2.3 names is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerKey([u64; 2]);

impl ServerKey {
    /// The key of the transaction that this request belongs to or opens.
    pub fn new(hash_key: &[u8; 16], parts: &RequestParts<'_>) -> ServerKey {
        let method = if parts.method == b"ACK" { b"INVITE" } else { parts.method };
        ServerKey::with_method(hash_key, parts, method)
    }

    /// The key of the INVITE that this CANCEL means (RFC 3261 section 9.2).
    pub fn of_cancelled(hash_key: &[u8; 16], cancel: &RequestParts<'_>) -> ServerKey {
        ServerKey::with_method(hash_key, cancel, b"INVITE")
    }

    fn with_method(hash_key: &[u8; 16], parts: &RequestParts<'_>, method: &[u8]) -> ServerKey {
        let mut hash = SipHasher13::new_with_key(hash_key);
        put(&mut hash, method);
        if parts.has_magic_cookie() {
            // Compared with case although 7.3.1 would allow without: some stacks count their branches in base 62.
            put_optional(&mut hash, parts.branch);
            put_lower(&mut hash, parts.sent_by_host);
            hash.write_u32(parts.sent_by_port.map_or(NO_PORT, u32::from));
        } else {
            put(&mut hash, parts.request_uri);
            put_optional(&mut hash, parts.from_tag);
            if method != b"INVITE" {
                put_optional(&mut hash, parts.to_tag);
            }
            put(&mut hash, parts.call_id);
            hash.write_u32(parts.cseq);
            put(&mut hash, parts.via);
        }
        let hash = hash.finish128();
        ServerKey([hash.h1, hash.h2])
    }
}

impl Hash for ServerKey {
    /// Any 64 bits of a SipHash serve.
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0[0]);
    }
}

/// Fields are written with their length, so that no two lists of fields run together to the same bytes.
fn put(hash: &mut SipHasher13, field: &[u8]) {
    hash.write_usize(field.len());
    hash.write(field);
}

fn put_optional(hash: &mut SipHasher13, field: Option<&[u8]>) {
    match field {
        Some(field) => put(hash, field),
        None => hash.write_usize(usize::MAX),
    }
}

fn put_lower(hash: &mut SipHasher13, field: &[u8]) {
    hash.write_usize(field.len());
    // Host names are short; a chunk on the stack saves the allocation of a lowered copy.
    let mut chunk = [0; 64];
    for part in field.chunks(chunk.len()) {
        let lowered = &mut chunk[..part.len()];
        lowered.copy_from_slice(part);
        lowered.make_ascii_lowercase();
        hash.write(lowered);
    }
}

/// RFC 3261 section 8.1.1.7.
const MAGIC_COOKIE: &[u8] = b"z9hG4bK";

/// Above every port, so that a sent-by without port is none with port 0.
const NO_PORT: u32 = 1 << 16;

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 16] = *b"0123456789abcdef";

    fn invite() -> RequestParts<'static> {
        RequestParts {
            method: b"INVITE",
            branch: Some(b"z9hG4bKnashds8"),
            sent_by_host: b"pc33.atlanta.com",
            sent_by_port: Some(5060),
            request_uri: b"sip:bob@biloxi.com",
            from_tag: Some(b"1928301774"),
            to_tag: None,
            call_id: b"a84b4c76e66710",
            cseq: 314_159,
            via: b"SIP/2.0/UDP pc33.atlanta.com;branch=1",
        }
    }

    fn old() -> RequestParts<'static> {
        RequestParts { branch: Some(b"1"), ..invite() }
    }

    fn key(parts: RequestParts<'_>) -> ServerKey {
        ServerKey::new(&KEY, &parts)
    }

    #[test]
    fn a_unique_branch_decides_alone_with_sent_by_and_method() {
        let other_rest = RequestParts {
            request_uri: b"sip:x",
            from_tag: None,
            to_tag: Some(b"t"),
            call_id: b"y",
            cseq: 1,
            via: b"z",
            ..invite()
        };
        assert_eq!(key(invite()), key(other_rest));
        assert_eq!(key(invite()), key(RequestParts { sent_by_host: b"PC33.Atlanta.COM", ..invite() }));
        for other in [
            RequestParts { branch: Some(b"z9hG4bKnashds9"), ..invite() },
            RequestParts { branch: Some(b"z9hG4bKNASHDS8"), ..invite() },
            RequestParts { sent_by_host: b"pc34.atlanta.com", ..invite() },
            RequestParts { sent_by_port: Some(5061), ..invite() },
            RequestParts { sent_by_port: None, ..invite() },
            RequestParts { method: b"OPTIONS", ..invite() },
            RequestParts { method: b"CANCEL", ..invite() },
        ] {
            assert_ne!(key(invite()), key(other), "{other:?}");
        }
    }

    #[test]
    fn an_ack_has_the_key_of_its_invite() {
        assert_eq!(key(invite()), key(RequestParts { method: b"ACK", to_tag: Some(b"a6c85cf"), ..invite() }));
        assert_eq!(key(old()), key(RequestParts { method: b"ACK", to_tag: Some(b"a6c85cf"), ..old() }));
    }

    #[test]
    fn a_cancel_has_its_own_key_and_finds_its_invite() {
        for parts in [invite(), old()] {
            let cancel = RequestParts { method: b"CANCEL", ..parts };
            assert_ne!(key(parts), key(cancel));
            assert_eq!(key(parts), ServerKey::of_cancelled(&KEY, &cancel));
        }
    }

    #[test]
    fn without_the_cookie_every_field_of_rfc_2543_decides() {
        let bye = RequestParts { method: b"BYE", to_tag: Some(b"t"), ..old() };
        assert_eq!(key(bye), key(RequestParts { branch: Some(b"2"), ..bye }), "the branch counts as part of Via only");
        for other in [
            RequestParts { request_uri: b"sip:x", ..bye },
            RequestParts { from_tag: None, ..bye },
            RequestParts { to_tag: Some(b"u"), ..bye },
            RequestParts { call_id: b"y", ..bye },
            RequestParts { cseq: 1, ..bye },
            RequestParts { via: b"z", ..bye },
            RequestParts { method: b"OPTIONS", ..bye },
        ] {
            assert_ne!(key(bye), key(other), "{other:?}");
        }
    }

    #[test]
    fn the_bare_cookie_and_no_branch_are_of_rfc_2543() {
        assert!(!RequestParts { branch: Some(b"z9hG4bK"), ..invite() }.has_magic_cookie());
        assert!(!RequestParts { branch: None, ..invite() }.has_magic_cookie());
        assert!(invite().has_magic_cookie());
    }

    #[test]
    fn fields_do_not_run_together() {
        let left = RequestParts { request_uri: b"ab", from_tag: Some(b"c"), ..old() };
        let right = RequestParts { request_uri: b"a", from_tag: Some(b"bc"), ..old() };
        assert_ne!(key(left), key(right));
        assert_ne!(key(RequestParts { from_tag: Some(b""), ..old() }), key(RequestParts { from_tag: None, ..old() }));
    }

    #[test]
    fn another_secret_gives_other_keys() {
        assert_ne!(key(invite()), ServerKey::new(b"another sixteen!", &invite()));
    }

    #[test]
    fn long_hosts_are_compared_whole_and_without_case() {
        let long = [b'a'; 200];
        let mut upper = [b'A'; 200];
        assert_eq!(
            key(RequestParts { sent_by_host: &long, ..invite() }),
            key(RequestParts { sent_by_host: &upper, ..invite() })
        );
        upper[199] = b'b';
        assert_ne!(
            key(RequestParts { sent_by_host: &long, ..invite() }),
            key(RequestParts { sent_by_host: &upper, ..invite() })
        );
    }
}
