//! Keyed hashes: who does not know the key can neither aim nor forge.

use std::hash::Hasher;
use std::net::IpAddr;

use siphasher::sip::SipHasher13;

use crate::flow::Flow;
use crate::sip::{HeaderName, Request};
use crate::text::hex64;

/// A keyed hash of fields, each counted by its length so that none runs into the next.
pub(super) fn keyed<'a>(key: &[u8; 16], fields: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    let mut hasher = SipHasher13::new_with_key(key);
    for field in fields {
        hasher.write_usize(field.len());
        hasher.write(field);
    }
    hasher.finish()
}

/// The shard of a call: all messages with one Call-ID meet their state there, and no peer can choose which it is.
pub fn shard_of(key: &[u8; 16], call_id: &[u8], shards: usize) -> usize {
    if shards <= 1 {
        return 0;
    }
    let hash = keyed(key, [call_id]);
    usize::try_from(hash % shards as u64).expect("less than the number of shards")
}

/// Our To tag in a response that keeps no state: the same for each retransmission, and known again in its ACK, which
/// has the request's top Via (RFC 3261 section 17.1.1.3), Call-ID, From and CSeq number.
pub(super) fn stateless_tag(key: &[u8; 16], request: &Request) -> [u8; 18] {
    let cseq = request.cseq().to_be_bytes();
    let hash = keyed(key, [b"tag", request.call_id(), request.from_tag(), &cseq[..], request.branch()]);
    let mut tag = *b"rf0000000000000000";
    tag[2..].copy_from_slice(&hex64(hash));
    tag
}

/// Whether To has the tag that [`stateless_tag`] gave it; that of another is mostly seen at its first bytes.
pub(super) fn has_stateless_tag(key: &[u8; 16], request: &Request) -> bool {
    request.to_tag().is_some_and(|tag| tag.starts_with(b"rf") && tag == stateless_tag(key, request))
}

/// What must differ when a request that has been here comes again and is no loop (RFC 3261 16.6 item 8, RFC 5393):
/// everything that decides its way, the source as well: it is the trunk whose routes apply. Trunks may differ by port
/// over UDP; over a stream the port says nothing, and a loop may come back over another connection.
pub(super) fn loop_hash(key: &[u8; 16], request: &Request, came_by: &Flow) -> u32 {
    let source = match came_by.peer_ip() {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
        IpAddr::V6(ip) => ip.octets(),
    };
    let port = if came_by.transport.is_reliable() { 0 } else { came_by.peer.port() }.to_be_bytes();
    let cseq = request.cseq().to_be_bytes();
    let to_tag = request.to_tag().unwrap_or_default();
    let fixed = [request.uri_bytes(), request.from_tag(), to_tag, request.call_id(), &cseq[..], &source[..], &port[..]];
    let hash = keyed(key, fixed.into_iter().chain(request.headers().values(HeaderName::Route)));
    u32::try_from(hash >> 32).expect("half of the hash")
}
