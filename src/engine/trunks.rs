//! What an engine knows of each trunk of the policy in force: the hash that stands for its name in tokens, and the load that
//! its limits are counted by.

use std::sync::{Arc, Weak};

use super::settings::Keys;
use super::token::short_hash;
use crate::screen::{Policy, TrunkId};
use crate::usage::{TrunkLoad, Usage};

/// The hashes of the policy that was seen last: a policy stays for millions of messages.
#[derive(Debug, Default)]
pub(super) struct TrunkHashes {
    /// Weak, so that an old policy does not live until the next message.
    policy: Weak<Policy>,
    /// By [`TrunkId`].
    hashes: Vec<u32>,
}

impl TrunkHashes {
    /// The hash of a trunk of this policy.
    pub(super) fn hash(&mut self, keys: &Keys, policy: &Arc<Policy>, trunk: TrunkId) -> u32 {
        self.of(keys, policy)[usize::from(trunk.0)]
    }

    /// The trunk that a hash stands for, if the policy still has it.
    pub(super) fn find(&mut self, keys: &Keys, policy: &Arc<Policy>, hash: u32) -> Option<TrunkId> {
        let at = self.of(keys, policy).iter().position(|&known| known == hash)?;
        u16::try_from(at).ok().map(TrunkId)
    }

    fn of(&mut self, keys: &Keys, policy: &Arc<Policy>) -> &[u32] {
        if self.policy.as_ptr() != Arc::as_ptr(policy) {
            self.policy = Arc::downgrade(policy);
            self.hashes = policy.trunks.iter().map(|trunk| short_hash(keys, trunk.name.as_bytes())).collect();
        }
        &self.hashes
    }
}

/// The loads of the policy that was seen last, found by position and never by name.
#[derive(Debug, Default)]
pub(super) struct TrunkLoads {
    policy: Weak<Policy>,
    /// By [`TrunkId`].
    loads: Vec<Arc<TrunkLoad>>,
}

impl TrunkLoads {
    /// The load of a trunk of this policy.
    pub(super) fn of(&mut self, usage: &Usage, policy: &Arc<Policy>, trunk: TrunkId) -> &Arc<TrunkLoad> {
        if self.policy.as_ptr() != Arc::as_ptr(policy) {
            self.policy = Arc::downgrade(policy);
            self.loads = policy.trunks.iter().map(|trunk| usage.load(&trunk.name)).collect();
        }
        &self.loads[usize::from(trunk.0)]
    }
}
