//! The branch of our Via: it finds its client transaction, proves that it is ours, and shows a loop.
//!
//! `z9hG4bK` transaction `.` proof `.` loop hash, each in hexadecimal. The proof is a keyed hash of the transaction's
//! id under a key that is new with each start, so that neither a guess nor a response to an earlier process matches.

use std::ops::Range;

use super::hash::keyed;
use crate::text::{hex32, hex64, parse_hex32, parse_hex64};
use crate::transaction::ClientId;

const COOKIE: &[u8] = b"z9hG4bK";

/// The places in a branch of ours, with a dot between them.
const ID: Range<usize> = COOKIE.len()..COOKIE.len() + 16;
const PROOF: Range<usize> = ID.end + 1..ID.end + 1 + 16;
const LOOP_HASH: Range<usize> = PROOF.end + 1..PROOF.end + 1 + 8;

/// The length of a branch of ours.
const LENGTH: usize = LOOP_HASH.end;

/// The length of one without transaction.
const STATELESS_LENGTH: usize = COOKIE.len() + 1 + 16;

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
    pub(super) fn write(&self, client: ClientId, loop_hash: u32) -> [u8; LENGTH] {
        let id = u64::from(client);
        let mut branch = [b'.'; LENGTH];
        branch[..COOKIE.len()].copy_from_slice(COOKIE);
        branch[ID].copy_from_slice(&hex64(id));
        branch[PROOF].copy_from_slice(&hex64(self.proof(id)));
        branch[LOOP_HASH].copy_from_slice(&hex32(loop_hash));
        branch
    }

    /// The branch of a request that is forwarded without a transaction: the same for each retransmission, because it is
    /// made of the branch that the request came with (RFC 3261 section 16.11).
    pub(super) fn write_stateless(&self, branch: &[u8], call_id: &[u8]) -> [u8; STATELESS_LENGTH] {
        let hash = keyed(&self.key, [branch, call_id]);
        let mut branch = [b's'; STATELESS_LENGTH];
        branch[..COOKIE.len()].copy_from_slice(COOKIE);
        branch[COOKIE.len() + 1..].copy_from_slice(&hex64(hash));
        branch
    }

    /// The transaction that a response's branch names.
    pub(super) fn read(&self, branch: &[u8]) -> Option<ClientId> {
        let branch = with_our_shape(branch)?;
        let id = parse_hex64(branch[ID].try_into().ok()?)?;
        let proof = parse_hex64(branch[PROOF].try_into().ok()?)?;
        (proof == self.proof(id)).then(|| ClientId::from(id))
    }

    /// The loop hash of a branch of ours, also of one from before a restart.
    pub(super) fn loop_hash_of(branch: &[u8]) -> Option<u32> {
        parse_hex32(with_our_shape(branch)?[LOOP_HASH].try_into().ok()?)
    }
}

fn with_our_shape(branch: &[u8]) -> Option<&[u8; LENGTH]> {
    let branch: &[u8; LENGTH] = branch.try_into().ok()?;
    (branch[ID.end] == b'.' && branch[PROOF.end] == b'.').then_some(branch)
}
