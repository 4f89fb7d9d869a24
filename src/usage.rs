//! What all shards share and change: the calls that are up, how much of their trunks' limits calls take, how often the
//! numbers of pools are shown, and how often callees were called of late.

mod attempts;
mod limits;
mod saved;
mod showings;
mod window;

pub use attempts::{Attempt, AttemptLimit, Attempts};
pub use limits::{Seat, TrunkLoad};
pub use showings::{Held, RestRule, ShowLimits, Showing, Showings, Shown};

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;

use crate::prehashed::Prehashed;
use crate::time::WallTime;

/// The calls that are up, and how many each trunk has.
///
/// The engine opens a call when it goes on to a trunk and closes it when it ends or expires; the map is bounded by
/// nothing but those calls. Counts per trunk are read without looking at the calls.
#[derive(Debug, Default)]
pub struct Usage {
    /// Boxed, since a map has up to twice as many places as it needs and keeps them after a burst.
    calls: DashMap<CallKey, Box<LiveCall>, Prehashed>,
    trunks: DashMap<Arc<str>, TrunkCounters>,
    /// Of the numbers of pools whose routes have limits, or choose by showings.
    pub showings: Arc<Showings>,
    attempts: Arc<Attempts>,
}

/// The engine's name for a call, unique among all shards.
pub type CallKey = u64;

/// One call that is up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveCall {
    /// Call-ID of the caller's side.
    pub call_id: Box<str>,
    /// The caller's number or user, as it was screened.
    pub caller: Box<str>,
    /// The callee's.
    pub callee: Box<str>,
    /// The trunk it came from.
    pub from_trunk: Arc<str>,
    /// The trunk it went to.
    pub to_trunk: Arc<str>,
    /// The rule that sent it there.
    pub rule: Option<Arc<str>>,
    /// Since when.
    pub since: WallTime,
}

/// How many calls a trunk has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TrunkCalls {
    /// That came from it.
    pub from: u64,
    /// That went to it.
    pub to: u64,
}

#[derive(Debug, Default)]
struct TrunkCounters {
    from: AtomicU64,
    to: AtomicU64,
    load: Arc<TrunkLoad>,
}

impl Usage {
    /// No calls.
    pub fn new() -> Usage {
        Usage::default()
    }

    /// Enters a call; a call of the same key that was never closed gives way and is returned.
    pub fn open(&self, key: CallKey, call: LiveCall) -> Option<LiveCall> {
        // Counted before it can be closed, so that no count ever falls below zero.
        self.count(&call, |counter| {
            counter.fetch_add(1, Ordering::Relaxed);
        });
        let replaced = self.calls.insert(key, Box::new(call))?;
        self.uncount(&replaced);
        Some(*replaced)
    }

    /// Takes a call out; `None` when it is not there (any more).
    pub fn close(&self, key: CallKey) -> Option<LiveCall> {
        let (_, call) = self.calls.remove(&key)?;
        self.uncount(&call);
        Some(*call)
    }

    /// A copy of what is known of a call; `None` when it is not up (any more).
    pub fn call(&self, key: CallKey) -> Option<LiveCall> {
        self.calls.get(&key).map(|call| LiveCall::clone(&call))
    }

    /// Moves a call to another trunk, as when its first target failed; whether it is there.
    pub fn reroute(&self, key: CallKey, to_trunk: Arc<str>) -> bool {
        let Entry::Occupied(mut place) = self.calls.entry(key) else { return false };
        let before = std::mem::replace(&mut place.get_mut().to_trunk, to_trunk.clone());
        self.trunk(&to_trunk, |counters| counters.to.fetch_add(1, Ordering::Relaxed));
        self.trunk(&before, |counters| counters.to.fetch_sub(1, Ordering::Relaxed));
        true
    }

    /// How many calls are up.
    pub fn live(&self) -> usize {
        self.calls.len()
    }

    /// How many calls a trunk has.
    pub fn trunk_calls(&self, trunk: &str) -> TrunkCalls {
        self.trunks.get(trunk).map_or(TrunkCalls::default(), |counters| TrunkCalls {
            from: counters.from.load(Ordering::Relaxed),
            to: counters.to.load(Ordering::Relaxed),
        })
    }

    /// What a trunk's limits are counted by; to be kept for as long as the policy stays.
    pub fn load(&self, trunk: &Arc<str>) -> Arc<TrunkLoad> {
        self.trunk(trunk, |counters| Arc::clone(&counters.load))
    }

    /// How often callees were called of late.
    pub fn attempts(&self) -> &Arc<Attempts> {
        &self.attempts
    }

    /// At most `limit` calls, in no order; calls that open or close meanwhile may be missing. Locks one part of the map
    /// at a time and only to copy a call.
    pub fn calls(&self, limit: usize) -> Vec<(CallKey, LiveCall)> {
        self.calls.iter().take(limit).map(|call| (*call.key(), LiveCall::clone(call.value()))).collect()
    }

    fn uncount(&self, call: &LiveCall) {
        self.count(call, |counter| {
            counter.fetch_sub(1, Ordering::Relaxed);
        });
    }

    fn count(&self, call: &LiveCall, step: impl Fn(&AtomicU64)) {
        self.trunk(&call.from_trunk, |counters| step(&counters.from));
        self.trunk(&call.to_trunk, |counters| step(&counters.to));
    }

    /// Trunks stay once they had a call: there are as many as the configuration ever named.
    fn trunk<T>(&self, name: &Arc<str>, step: impl Fn(&TrunkCounters) -> T) -> T {
        if let Some(counters) = self.trunks.get(name) {
            return step(&counters);
        }
        step(self.trunks.entry(name.clone()).or_default().downgrade().value())
    }
}

#[cfg(test)]
mod tests;
