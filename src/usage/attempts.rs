//! How often callees were called of late, by the calls of all campaigns that limit that, over all shards.
//!
//! A decision reads, and the call that goes on commits, in one step that can refuse: two shards never let through more than
//! the limit between them.

mod saved;

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU16;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use smallvec::SmallVec;

use crate::number::Number;
use crate::time::{WallTime, parse_span};

/// A callee may be called so many times within so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttemptLimit {
    /// At most [`AttemptLimit::MOST_CALLS`].
    pub calls: NonZeroU16,
    /// In seconds; at most [`AttemptLimit::LONGEST`].
    pub within: u32,
}

impl AttemptLimit {
    /// Each call of a callee takes 4 bytes for as long as it counts.
    pub const MOST_CALLS: u16 = 100;

    /// A year, in seconds: what lies longer back bothers nobody.
    pub const LONGEST: u32 = 366 * 86_400;

    /// Reads it as the config writes it: `3/24h`. `None` where it is none, or beyond what is kept.
    pub fn parse(text: &str) -> Option<AttemptLimit> {
        let (calls, within) = text.split_once('/')?;
        let calls = calls.trim().parse::<NonZeroU16>().ok().filter(|calls| calls.get() <= Self::MOST_CALLS)?;
        let within = parse_span(within.trim()).filter(|within| within.subsec_nanos() == 0)?;
        let within = u32::try_from(within.as_secs()).ok().filter(|within| *within <= Self::LONGEST)?;
        Some(AttemptLimit { calls, within })
    }

    /// What must be kept for the one and the other.
    pub fn covering(self, other: AttemptLimit) -> AttemptLimit {
        AttemptLimit { calls: self.calls.max(other.calls), within: self.within.max(other.within) }
    }

    /// In how many seconds a callee who was called at these times may be called again; `None`: now.
    fn wait(self, times: &[u32], now: u32) -> Option<u32> {
        let counted = || times.iter().filter(|time| counts(**time, self.within, now));
        let over = counted().count().checked_sub(usize::from(self.calls.get()))?;
        // Once this one counts no more, fewer than the limit do.
        counted().nth(over).map(|time| time.saturating_add(self.within).saturating_sub(now))
    }
}

/// As the config writes it, in seconds.
impl fmt::Display for AttemptLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}s", self.calls, self.within)
    }
}

/// The calls of late, by callee. In parts, so that shards seldom meet and none waits while all is looked through.
#[derive(Debug)]
pub struct Attempts {
    parts: Box<[Mutex<Part>]>,
    hasher: RandomState,
    /// The part that is looked through next for what counts no more.
    turn: AtomicUsize,
    /// How many calls were counted or taken back.
    changes: AtomicU64,
}

#[derive(Debug)]
struct Part {
    callees: HashMap<Number, Times, RandomState>,
    /// When it was last looked through.
    swept: u32,
}

/// Seconds since the epoch, ascending. As many as the usual limit asks for take no memory of their own.
type Times = SmallVec<[u32; 4]>;

impl Default for Attempts {
    fn default() -> Attempts {
        let hasher = RandomState::new();
        let part = || Mutex::new(Part { callees: HashMap::with_hasher(hasher.clone()), swept: 0 });
        let parts = std::iter::repeat_with(part).take(PARTS).collect();
        Attempts { parts, hasher, turn: AtomicUsize::new(0), changes: AtomicU64::new(0) }
    }
}

impl Attempts {
    /// In how many seconds the callee may be called again; `None`: now.
    pub fn wait(&self, callee: Number, limit: AttemptLimit, at: WallTime) -> Option<u32> {
        let part = self.part(callee);
        limit.wait(part.callees.get(&callee)?, at.seconds())
    }

    /// Counts a call, unless one of the limits is reached by now. `kept` covers all limits that any call is asked by.
    pub fn commit(
        self: &Arc<Self>,
        callee: Number,
        limits: &[AttemptLimit],
        kept: AttemptLimit,
        at: WallTime,
    ) -> Option<Attempt> {
        let now = at.seconds();
        let mut part = self.part(callee);
        let times = part.callees.entry(callee).or_default();
        if limits.iter().any(|limit| limit.wait(times, now).is_some()) {
            return None;
        }
        times.retain(|time| counts(*time, kept.within, now));
        // One more than is asked for: the new one may be taken back.
        let surplus = times.len().saturating_sub(usize::from(kept.calls.get()));
        times.drain(..surplus);
        times.insert(times.partition_point(|time| *time <= now), now);
        drop(part);
        self.changes.fetch_add(1, Ordering::Relaxed);
        self.sweep_next(kept.within, now);
        Some(Attempt { attempts: Arc::clone(self), callee, time: now, stands: false })
    }

    /// How many callees are kept.
    pub fn callees(&self) -> usize {
        self.parts.iter().map(|part| locked(part).callees.len()).sum()
    }

    /// Forgets in one part, and in the next one with the next call, those whose calls count no more.
    fn sweep_next(&self, within: u32, now: u32) {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % PARTS;
        let mut part = locked(&self.parts[turn]);
        if part.swept.abs_diff(now) < within / SWEEPS {
            return;
        }
        part.swept = now;
        let callees = &mut part.callees;
        callees.retain(|_, times| times.iter().any(|time| counts(*time, within, now)));
        if callees.capacity() > 4 * callees.len() {
            callees.shrink_to(2 * callees.len());
        }
    }

    /// Neither the lowest bits of the hash nor the highest, which choose a place inside the part.
    fn part(&self, callee: Number) -> MutexGuard<'_, Part> {
        let at = usize::try_from(self.hasher.hash_one(callee) >> 40).map_or(0, |bits| bits % PARTS);
        locked(&self.parts[at])
    }
}

/// A call that was counted. Unless it stands, because the call has gone on, it is taken back with this.
#[derive(Debug)]
pub struct Attempt {
    attempts: Arc<Attempts>,
    callee: Number,
    time: u32,
    stands: bool,
}

impl Attempt {
    /// The call has gone on: it counts, whatever becomes of it.
    pub fn stand(mut self) {
        self.stands = true;
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if self.stands {
            return;
        }
        let mut part = self.attempts.part(self.callee);
        let Some(times) = part.callees.get_mut(&self.callee) else { return };
        if let Some(at) = times.iter().rposition(|time| *time == self.time) {
            times.remove(at);
        }
        if times.is_empty() {
            part.callees.remove(&self.callee);
        }
        self.attempts.changes.fetch_add(1, Ordering::Relaxed);
    }
}

/// Whether a call still counts. Where the clock was set back, those of later count as long as those of before, and not for
/// as long as it takes to come there again.
fn counts(time: u32, within: u32, now: u32) -> bool {
    time.abs_diff(now) < within
}

fn locked(part: &Mutex<Part>) -> MutexGuard<'_, Part> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}

/// With a million callees, looking through one takes some 20 microseconds.
const PARTS: usize = 1024;

/// How many times a part is looked through in the time that calls are kept: so much more is kept than counts.
const SWEEPS: u32 = 8;

#[cfg(test)]
mod tests;
