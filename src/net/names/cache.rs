//! The names that are in use: what is known of each, and who waits for more.
//!
//! ```text
//!            ask: look up            tell: answered, absent
//!   unknown ────────────► asking ───────────────────────────► known, until its time is over, then asking again
//!                          ▲   │ tell: failed
//!        ask, in its time  │   ▼
//!                         failing: the last good answer is given at once, without one there is none
//! ```

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;

use super::location::{Location, Place};
use crate::counters::LookupOutcome;
use crate::engine::QueryId;
use crate::flow::Sockets;
use crate::sip::TargetName;

/// All names of all shards.
#[derive(Debug)]
pub(crate) struct Names {
    entries: HashMap<TargetName, Entry>,
    asking: usize,
    rng: StdRng,
}

#[derive(Debug)]
struct Entry {
    /// The last good answer; it outlives its time, for DNS may fail.
    location: Option<Arc<Location>>,
    /// Until then an answer with a gap does not replace it.
    whole_until: Instant,
    /// Until then no question is asked.
    until: Instant,
    /// The last look-up failed.
    is_failing: bool,
    /// Since when it is looked up.
    asked: Option<Instant>,
    waiters: Vec<Waiter>,
    /// When it was last asked for.
    used: Instant,
}

/// A query of a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiter {
    pub(crate) shard: usize,
    pub(crate) query: QueryId,
    /// The sockets that the name may be spoken to from.
    pub(crate) sockets: Sockets,
}

/// What becomes of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The answer, perhaps of no place; `None`: it will be told.
    pub(crate) places: Option<Vec<Place>>,
    /// Whether the name must be looked up.
    pub(crate) look_up: bool,
}

/// How a look-up ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// There are places.
    Places {
        /// Where.
        location: Location,
        /// How long that is good for.
        life: Duration,
        /// Every question was answered: nothing that failed could have said something else.
        is_whole: bool,
    },
    /// DNS says that there is nothing, for so long.
    Nothing(Duration),
    /// It says nothing: an error, silence, no network.
    Failed,
}

/// What a look-up has brought.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) outcome: LookupOutcome,
    /// Who waited, with the places that each shall try.
    pub(crate) answers: Vec<(Waiter, Vec<Place>)>,
}

impl Names {
    pub(crate) fn new(rng: StdRng) -> Names {
        Names { entries: HashMap::new(), asking: 0, rng }
    }

    /// A shard asks for a name.
    pub(crate) fn ask(&mut self, now: Instant, name: &TargetName, waiter: Waiter) -> Asked {
        if !self.entries.contains_key(name) {
            if self.entries.len() >= MOST_NAMES && !self.forget_one() {
                return Asked { places: Some(Vec::new()), look_up: false };
            }
            self.entries.insert(name.clone(), Entry::new(now));
        }
        let Names { entries, asking, rng } = self;
        let entry = entries.get_mut(name).expect("it has just been put there");
        entry.used = now;
        let is_known = now < entry.until;
        let is_asked = entry.asked.is_some_and(|since| now.saturating_duration_since(since) < STUCK);
        let look_up = !is_known && !is_asked && *asking < LOOK_UPS;
        if look_up && entry.asked.replace(now).is_none() {
            *asking += 1;
        }
        // While DNS fails nobody waits for it who can be helped without.
        let is_helped = entry.is_failing && entry.location.is_some();
        let waits = !is_known && !is_helped && (look_up || is_asked);
        if waits {
            entry.waiters.push(waiter);
        }
        Asked { places: (!waits).then(|| entry.draw(rng)), look_up }
    }

    /// The look-up of a name has ended.
    pub(crate) fn tell(&mut self, now: Instant, name: &TargetName, found: Found) -> Told {
        let Names { entries, asking, rng } = self;
        let Some(entry) = entries.get_mut(name) else {
            return Told { outcome: LookupOutcome::Failed, answers: Vec::new() };
        };
        if entry.asked.take().is_some() {
            *asking -= 1;
        }
        let outcome = match found {
            Found::Places { location, life, is_whole } if is_whole || entry.whole_until <= now => {
                entry.location = Some(Arc::new(location));
                entry.until = now + if is_whole { life.clamp(SHORTEST_LIFE, LONGEST_LIFE) } else { RETRY };
                entry.whole_until = if is_whole { entry.until + LONGEST_LIFE } else { now };
                entry.is_failing = !is_whole;
                LookupOutcome::Answered
            }
            Found::Nothing(life) => {
                entry.location = None;
                entry.whole_until = now;
                entry.until = now + life.clamp(SHORTEST_LIFE, LONGEST_ABSENCE);
                entry.is_failing = false;
                LookupOutcome::Absent
            }
            // What was known as a whole is better for a while than a part of what may be.
            Found::Places { .. } | Found::Failed => {
                entry.until = now + RETRY;
                entry.is_failing = true;
                if entry.location.is_some() { LookupOutcome::Kept } else { LookupOutcome::Failed }
            }
        };
        let waiters = std::mem::take(&mut entry.waiters);
        Told { outcome, answers: waiters.into_iter().map(|waiter| (waiter, entry.draw(rng))).collect() }
    }

    /// Makes room for a name: peers can ask for any number (in a Contact), trunks ask for few and again and again.
    fn forget_one(&mut self) -> bool {
        let idle = self.entries.iter().filter(|(_, entry)| entry.asked.is_none());
        let least = idle.min_by_key(|(_, entry)| (entry.location.is_some(), entry.used));
        let Some(name) = least.map(|(name, _)| name.clone()) else { return false };
        self.entries.remove(&name).is_some()
    }
}

impl Entry {
    fn new(now: Instant) -> Entry {
        Entry {
            location: None,
            whole_until: now,
            until: now,
            is_failing: false,
            asked: None,
            waiters: Vec::new(),
            used: now,
        }
    }

    fn draw(&self, rng: &mut StdRng) -> Vec<Place> {
        self.location.as_ref().map_or_else(Vec::new, |location| location.draw(rng))
    }
}

/// TTLs below would have a busy trunk's name looked up all the time, and say "0" more often than they mean it.
pub(super) const SHORTEST_LIFE: Duration = Duration::from_secs(5);

/// Whoever moves a trunk need not wait longer, whatever his TTL said.
pub(super) const LONGEST_LIFE: Duration = Duration::from_secs(300);

/// What is not there may be made any moment.
pub(super) const LONGEST_ABSENCE: Duration = Duration::from_secs(30);

/// After a failure: a server that restarts is found soon, and one that is overloaded is not asked for each call.
pub(super) const RETRY: Duration = Duration::from_secs(10);

/// A look-up that is not done by then never will be: each is bounded by `dns.timeout`, at most 30 s.
const STUCK: Duration = Duration::from_secs(60);

/// Look-ups at once: many more than a config has names.
const LOOK_UPS: usize = 128;

/// Names that are kept, of trunks and of what stands in Routes and Contacts; each takes about a kilobyte.
pub(super) const MOST_NAMES: usize = 4_096;
