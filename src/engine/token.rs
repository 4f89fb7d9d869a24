//! The token in our Record-Route: with it a request inside a dialog is known again after a restart, by any shard, from
//! any address, without a call table.
//!
//! `base64url(version, flags, caller's trunk, callee's trunk, caller's tag, process, time[, presented number][, where the
//! caller and the callee were seen][, the caller's connection][, sealed], proof)`. The proof is a keyed hash over all of it
//! and the Call-ID. What a hidden caller's peers must not read is sealed.

use std::net::{IpAddr, SocketAddr};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};

use super::hash::keyed;
use super::settings::Keys;
use crate::flow::{ConnectionId, Flow, Transport};
use crate::number::Number;
use crate::screen::Presented;
use crate::sip::Request;

/// What a dialog must remember.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Token {
    /// Keyed hash of the name of the caller's trunk.
    pub caller_trunk: u32,
    /// Keyed hash of the name of the callee's trunk.
    pub callee_trunk: u32,
    /// Keyed hash of the caller's From tag: which of the two sends a request.
    pub caller_tag: u32,
    /// Which process wrote it: a number drawn at its start.
    pub process: u32,
    /// When it was written: seconds since the epoch.
    pub minted: u32,
    /// P-Asserted-Identity carries the presented number.
    pub asserts: bool,
    /// Remote-Party-ID does.
    pub asserts_remote_party: bool,
    /// The number that is presented instead of the caller's.
    pub presented: Option<Number>,
    /// Where those of the two sides were seen that are behind address translations.
    pub seen: Option<Box<Seen>>,
    /// The address and the TLS connection of who came by one with his INVITE. The number means something to the process only
    /// that wrote it.
    pub came_by_tls: Option<Box<(IpAddr, ConnectionId)>>,
    /// What the callee sees instead of what the caller sent, and must be put back.
    pub concealed: Option<Box<Concealed>>,
}

/// Where the sides of a call were seen: their Contact cannot be reached.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Seen {
    /// Where the INVITE came from.
    pub caller: Option<(Transport, SocketAddr)>,
    /// Where it went to.
    pub callee: Option<(Transport, SocketAddr)>,
}

/// What was taken from the caller's messages and goes back into those to him.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Concealed {
    /// The caller is hidden; otherwise only From shows the presented number.
    pub hidden: bool,
    /// The caller's From without its tag: display name and URI in brackets.
    pub from: Vec<u8>,
    /// The user of the caller's Contact.
    pub contact_user: Vec<u8>,
}

const VERSION: u8 = 1;
const PRESENTED: u8 = 1;
const CONCEALED: u8 = 2;
const HIDDEN: u8 = 4;
const ASSERTS: u8 = 8;
const CALLER_SEEN: u8 = 16;
const CALLEE_SEEN: u8 = 32;
const CAME_BY_TLS: u8 = 64;
const ASSERTS_REMOTE_PARTY: u8 = 128;
const FIXED: usize = 2 + 5 * 4;
const PROOF: usize = 8;
pub(super) const NONCE: usize = 12;

/// Shorter ones are not ours: the fixed parts and the proof, in base64.
const SHORTEST: usize = (FIXED + PROOF) * 4 / 3;

/// Longer ones are not ours: twice [`MOST_CONCEALED`], three addresses and the fixed parts, in base64.
const LONGEST: usize = 4 * 1024;

/// The most bytes of a From or a Contact's user that are concealed; more would make the token outgrow a datagram.
pub(super) const MOST_CONCEALED: usize = 1_024;

impl Token {
    /// Writes the token for a call; `nonce` must be random.
    pub(super) fn write(&self, keys: &Keys, call_id: &[u8], nonce: [u8; NONCE], out: &mut Vec<u8>) {
        let mut bytes = Vec::with_capacity(64);
        let mut flags = 0;
        flags |= if self.presented.is_some() { PRESENTED } else { 0 };
        flags |= if self.asserts { ASSERTS } else { 0 };
        flags |= if self.asserts_remote_party { ASSERTS_REMOTE_PARTY } else { 0 };
        if let Some(concealed) = &self.concealed {
            flags |= CONCEALED | if concealed.hidden { HIDDEN } else { 0 };
        }
        let seen = self.seen.as_deref().cloned().unwrap_or_default();
        flags |= if seen.caller.is_some() { CALLER_SEEN } else { 0 };
        flags |= if seen.callee.is_some() { CALLEE_SEEN } else { 0 };
        flags |= if self.came_by_tls.is_some() { CAME_BY_TLS } else { 0 };
        bytes.extend_from_slice(&[VERSION, flags]);
        for half in [self.caller_trunk, self.callee_trunk, self.caller_tag, self.process, self.minted] {
            bytes.extend_from_slice(&half.to_be_bytes());
        }
        if let Some(number) = self.presented {
            bytes.extend_from_slice(&number.get().to_be_bytes());
        }
        for (transport, addr) in [seen.caller, seen.callee].into_iter().flatten() {
            put_seen(transport, addr, &mut bytes);
        }
        if let Some((ip, ConnectionId(connection))) = self.came_by_tls.as_deref() {
            put_seen(Transport::Tls, SocketAddr::new(*ip, 0), &mut bytes);
            bytes.extend_from_slice(&connection.to_be_bytes());
        }
        if let Some(concealed) = &self.concealed {
            let mut plain = Vec::with_capacity(2 + concealed.from.len() + concealed.contact_user.len());
            let from = u16::try_from(concealed.from.len()).expect("no longer than MOST_CONCEALED");
            plain.extend_from_slice(&from.to_be_bytes());
            plain.extend_from_slice(&concealed.from);
            plain.extend_from_slice(&concealed.contact_user);
            let cipher = ChaCha20Poly1305::new(&keys.seal.into());
            let payload = Payload { msg: &plain, aad: call_id };
            let sealed = cipher.encrypt(&Nonce::from(nonce), payload).expect("a short message can be sealed");
            bytes.extend_from_slice(&nonce);
            bytes.extend_from_slice(&sealed);
        }
        bytes.extend_from_slice(&proof(keys, &bytes, call_id));
        let start = out.len();
        out.resize(start + bytes.len().div_ceil(3) * 4, 0);
        let written = URL_SAFE_NO_PAD.encode_slice(&bytes, &mut out[start..]).expect("four bytes hold three");
        out.truncate(start + written);
    }

    /// Remembers the number that is presented, and where, or that none is.
    pub(super) fn present(&mut self, presented: Option<Presented>) {
        let headers = presented.map(|presented| presented.headers).unwrap_or_default();
        (self.asserts, self.asserts_remote_party) = (headers.asserted, headers.remote_party);
        self.presented = presented.map(|presented| presented.number);
    }

    /// Reads a token of ours; `None` for anything else, also for a token of another call.
    pub(super) fn read(keys: &Keys, call_id: &[u8], text: &[u8]) -> Option<Token> {
        // Most users are names and numbers, and need not be decoded to see it.
        if !(SHORTEST..=LONGEST).contains(&text.len()) {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (body, given) = bytes.split_last_chunk::<PROOF>()?;
        // Compared as one number: no byte of it can be found out by the time that it takes.
        if u64::from_be_bytes(*given) != u64::from_be_bytes(proof(keys, body, call_id)) {
            return None;
        }
        let (fixed, mut rest) = body.split_at_checked(FIXED)?;
        let [version, flags, halves @ ..] = fixed else { return None };
        if *version != VERSION {
            return None;
        }
        let half = |at: usize| halves.get(at * 4..)?.first_chunk::<4>().map(|chunk| u32::from_be_bytes(*chunk));
        let mut token = Token {
            caller_trunk: half(0)?,
            callee_trunk: half(1)?,
            caller_tag: half(2)?,
            process: half(3)?,
            minted: half(4)?,
            asserts: flags & ASSERTS != 0,
            asserts_remote_party: flags & ASSERTS_REMOTE_PARTY != 0,
            presented: None,
            seen: None,
            came_by_tls: None,
            concealed: None,
        };
        if flags & PRESENTED != 0 {
            let (number, after) = rest.split_first_chunk::<8>()?;
            token.presented = Some(Number::new(u64::from_be_bytes(*number))?);
            rest = after;
        }
        if flags & (CALLER_SEEN | CALLEE_SEEN) != 0 {
            let mut seen = Seen::default();
            for (flag, place) in [(CALLER_SEEN, &mut seen.caller), (CALLEE_SEEN, &mut seen.callee)] {
                if flags & flag != 0 {
                    let (address, after) = take_seen(rest)?;
                    (*place, rest) = (Some(address), after);
                }
            }
            token.seen = Some(Box::new(seen));
        }
        if flags & CAME_BY_TLS != 0 {
            let ((_, addr), after) = take_seen(rest)?;
            let (connection, after) = after.split_first_chunk::<8>()?;
            token.came_by_tls = Some(Box::new((addr.ip(), ConnectionId(u64::from_be_bytes(*connection)))));
            rest = after;
        }
        if flags & CONCEALED != 0 {
            let (nonce, sealed) = rest.split_first_chunk::<NONCE>()?;
            let cipher = ChaCha20Poly1305::new(&keys.seal.into());
            let plain = cipher.decrypt(&Nonce::from(*nonce), Payload { msg: sealed, aad: call_id }).ok()?;
            let (length, texts) = plain.split_first_chunk::<2>()?;
            let (from, contact_user) = texts.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
            token.concealed = Some(Box::new(Concealed {
                hidden: flags & HIDDEN != 0,
                from: from.to_vec(),
                contact_user: contact_user.to_vec(),
            }));
        }
        Some(token)
    }

    /// The same with where the callee was seen.
    pub(super) fn with_callee_at(&self, flow: &Flow) -> Token {
        let caller = self.seen.as_deref().and_then(|seen| seen.caller);
        let seen = Seen { caller, callee: Some((flow.transport, flow.peer)) };
        Token { seen: Some(Box::new(seen)), ..self.clone() }
    }

    /// Where the side was seen that a request goes to.
    pub(super) fn seen_onward(&self, from_caller: bool) -> Option<(Transport, SocketAddr)> {
        let seen = self.seen.as_deref()?;
        if from_caller { seen.callee } else { seen.caller }
    }

    /// Whether a request comes from the caller; `None` when neither of its tags is his: who knows a Call-ID and its token
    /// could else send a request of his own into any dialog.
    pub(super) fn sender(&self, keys: &Keys, request: &Request) -> Option<bool> {
        if self.is_from_caller(keys, request.from_tag()) {
            return Some(true);
        }
        self.is_from_caller(keys, request.to_tag().unwrap_or_default()).then_some(false)
    }

    /// Whether what is sent with this From tag comes from the caller.
    pub(super) fn is_from_caller(&self, keys: &Keys, from_tag: &[u8]) -> bool {
        self.caller_tag == short_hash(keys, from_tag)
    }
}

/// A byte for transport and family, then address and port.
fn put_seen(transport: Transport, addr: SocketAddr, out: &mut Vec<u8>) {
    let at = TRANSPORTS.iter().position(|&known| known == transport).expect("it has all");
    let kind = u8::try_from(at).expect("there are few");
    match addr.ip() {
        IpAddr::V4(ip) => {
            out.push(kind);
            out.extend_from_slice(&ip.octets());
        }
        IpAddr::V6(ip) => {
            out.push(kind | IPV6);
            out.extend_from_slice(&ip.octets());
        }
    }
    out.extend_from_slice(&addr.port().to_be_bytes());
}

type SeenAt = (Transport, SocketAddr);

/// What [`put_seen`] has written, and what follows it.
fn take_seen(bytes: &[u8]) -> Option<(SeenAt, &[u8])> {
    let (&kind, rest) = bytes.split_first()?;
    let transport = *TRANSPORTS.get(usize::from(kind & !IPV6))?;
    let (ip, rest): (IpAddr, _) = if kind & IPV6 == 0 {
        rest.split_first_chunk::<4>().map(|(octets, rest)| ((*octets).into(), rest))?
    } else {
        rest.split_first_chunk::<16>().map(|(octets, rest)| ((*octets).into(), rest))?
    };
    let (port, rest) = rest.split_first_chunk::<2>()?;
    Some(((transport, SocketAddr::new(ip, u16::from_be_bytes(*port))), rest))
}

/// By their number in a token.
const TRANSPORTS: [Transport; 3] = [Transport::Udp, Transport::Tcp, Transport::Tls];

/// Marks an address of IPv6.
const IPV6: u8 = 0x80;

/// Four bytes that stand for a tag or a trunk's name in a token.
pub(super) fn short_hash(keys: &Keys, text: &[u8]) -> u32 {
    u32::try_from(keyed(&keys.token, [b"short", text]) >> 32).expect("half of the hash")
}

fn proof(keys: &Keys, bytes: &[u8], call_id: &[u8]) -> [u8; PROOF] {
    keyed(&keys.token, [b"token", bytes, call_id]).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Keys {
        Keys::from_bytes(&[7; Keys::LENGTH])
    }

    fn token() -> Token {
        Token {
            caller_trunk: 1,
            callee_trunk: 2,
            caller_tag: 3,
            process: 4,
            minted: 5,
            asserts: true,
            asserts_remote_party: true,
            presented: Number::new(48_221_234_567),
            seen: Some(Box::new(Seen {
                caller: Some((Transport::Tcp, "192.0.2.7:49152".parse().expect("an address"))),
                callee: Some((Transport::Udp, "[2001:db8::7]:5060".parse().expect("an address"))),
            })),
            came_by_tls: Some(Box::new(("192.0.2.7".parse().expect("an address"), ConnectionId(u64::MAX)))),
            concealed: Some(Box::new(Concealed {
                hidden: true,
                from: b"<sip:alice@example.com>".to_vec(),
                contact_user: b"alice".to_vec(),
            })),
        }
    }

    fn written(token: &Token) -> Vec<u8> {
        let mut out = Vec::new();
        token.write(&keys(), b"call", [9; NONCE], &mut out);
        out
    }

    #[test]
    fn a_token_gives_back_what_was_put_in() {
        for token in [
            token(),
            Token { concealed: None, ..token() },
            Token { presented: None, ..token() },
            Token { seen: None, ..token() },
            Token { came_by_tls: None, ..token() },
            Token { seen: Some(Box::new(Seen { caller: None, ..*token().seen.expect("both") })), ..token() },
            Token::default(),
        ] {
            assert_eq!(Token::read(&keys(), b"call", &written(&token)), Some(token));
        }
    }

    #[test]
    fn a_token_of_another_call_or_installation_is_none() {
        let text = written(&token());
        assert_eq!(Token::read(&keys(), b"other", &text), None);
        assert_eq!(Token::read(&Keys::from_bytes(&[8; Keys::LENGTH]), b"call", &text), None);
    }

    #[test]
    fn a_token_changed_anywhere_is_none() {
        let text = written(&token());
        for at in 0..text.len() {
            let mut changed = text.clone();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(Token::read(&keys(), b"call", &changed), None, "byte {at}");
            assert_eq!(Token::read(&keys(), b"call", &text[..at]), None, "cut at {at}");
        }
    }

    #[test]
    fn what_is_concealed_cannot_be_read_from_the_token() {
        let bytes = URL_SAFE_NO_PAD.decode(written(&token())).expect("base64");
        assert!(!bytes.windows(5).any(|window| window == b"alice"));
    }
}
