//! The branch of our Via: it finds its client transaction, proves that it is ours, and shows a loop.
//!
//! `z9hG4bK` transaction `.` proof `.` loop hash, each in hexadecimal. The proof is a keyed hash of the transaction's
//! id under a key that is new with each start, so that neither a guess nor a response to an earlier process matches.

use super::hash::keyed;
use crate::text::{hex32, hex64};
use crate::transaction::ClientId;

const COOKIE: &str = "z9hG4bK";

/// The length of a branch of ours.
const LENGTH: usize = COOKIE.len() + 16 + 1 + 16 + 1 + 8;

/// Writes and reads branches.
#[derive(Debug, Clone)]
pub(super) struct Branches {
    /// New with each start.
    key: [u8; 16],
}

impl Branches {
    pub(super) fn new(key: [u8; 16]) -> Branches {
        Branches { key }
    }

    fn proof(&self, id: u64) -> u64 {
        keyed(&self.key, [&id.to_be_bytes()[..]])
    }

    /// The branch of a client transaction.
    pub(super) fn write(&self, client: ClientId, loop_hash: u32, out: &mut Vec<u8>) {
        let id = u64::from(client);
        out.extend_from_slice(COOKIE.as_bytes());
        out.extend_from_slice(&hex64(id));
        out.push(b'.');
        out.extend_from_slice(&hex64(self.proof(id)));
        out.push(b'.');
        out.extend_from_slice(&hex32(loop_hash));
    }

    /// The branch of a request that is forwarded without a transaction: the same for each retransmission, because it is
    /// made of the branch that the request came with (RFC 3261 section 16.11).
    pub(super) fn write_stateless(&self, branch: &[u8], call_id: &[u8], out: &mut Vec<u8>) {
        let hash = keyed(&self.key, [branch, call_id]);
        out.extend_from_slice(COOKIE.as_bytes());
        out.push(b's');
        out.extend_from_slice(&hex64(hash));
    }

    /// The transaction that a response's branch names.
    pub(super) fn read(&self, branch: &[u8]) -> Option<ClientId> {
        let text = std::str::from_utf8(branch).ok().filter(|text| text.len() == LENGTH)?;
        let mut parts = text.get(COOKIE.len()..)?.split('.');
        let id = u64::from_str_radix(parts.next()?, 16).ok()?;
        let proof = u64::from_str_radix(parts.next()?, 16).ok()?;
        (proof == self.proof(id)).then(|| ClientId::from(id))
    }

    /// The loop hash of a branch of ours, also of one from before a restart.
    pub(super) fn loop_hash_of(branch: &[u8]) -> Option<u32> {
        let text = std::str::from_utf8(branch).ok().filter(|text| text.len() == LENGTH)?;
        u32::from_str_radix(text.rsplit('.').next()?, 16).ok()
    }
}
