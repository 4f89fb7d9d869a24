//! [`NumberState`]: whether a number may be shown, and why not.

use std::fmt;

use serde::Serialize;

use crate::lists::ListId;
use crate::usage::Held;

/// Whether a number may be shown by a route now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberState {
    /// It may.
    Free,
    /// It is not in the pool.
    Absent,
    /// Its entry in the pool has expired.
    Expired,
    /// This list, which is excluded, holds it.
    Listed(ListId),
    /// The limits of the route hold it back.
    Held(Held),
}

impl NumberState {
    /// One word.
    pub fn as_str(self) -> &'static str {
        match self {
            NumberState::Free => "free",
            NumberState::Absent => "absent",
            NumberState::Expired => "expired",
            NumberState::Listed(_) => "listed",
            NumberState::Held(Held::CappedByHour | Held::CappedByDay) => "capped",
            NumberState::Held(Held::Cooling { .. }) => "cooling",
            NumberState::Held(Held::Resting { .. }) => "resting",
        }
    }
}

/// How many numbers of a pool are in which state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct PoolTally {
    /// That may be shown.
    pub free: u64,
    /// That an excluded list holds.
    pub listed: u64,
    /// That were shown as often as they may.
    pub capped: u64,
    /// That were shown just now.
    pub cooling: u64,
    /// That networks have refused.
    pub resting: u64,
    /// Whose entries have expired.
    pub expired: u64,
}

impl PoolTally {
    pub(super) fn add(&mut self, state: NumberState) {
        let count = match state {
            NumberState::Free => &mut self.free,
            NumberState::Absent | NumberState::Expired => &mut self.expired,
            NumberState::Listed(_) => &mut self.listed,
            NumberState::Held(Held::CappedByHour | Held::CappedByDay) => &mut self.capped,
            NumberState::Held(Held::Cooling { .. }) => &mut self.cooling,
            NumberState::Held(Held::Resting { .. }) => &mut self.resting,
        };
        *count += 1;
    }
}

/// Those that are not free: `3 listed, 2 resting`.
impl fmt::Display for PoolTally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let out = [
            (self.listed, "listed"),
            (self.capped, "capped"),
            (self.cooling, "cooling"),
            (self.resting, "resting"),
            (self.expired, "expired"),
        ];
        let told: Vec<String> =
            out.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
        f.write_str(if told.is_empty() { "none" } else { "" })?;
        f.write_str(&told.join(", "))
    }
}
