//! How often the numbers of pools were shown to callees, and which of them rest.

mod saved;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::window::Window;
use crate::number::Number;
use crate::time::WallTime;

/// What a pool's route asks of a number before it is shown again; by default nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ShowLimits {
    /// The most showings in an hour. A showing counts for 60 to 65 minutes.
    pub per_hour: Option<u16>,
    /// The most showings in a day. A showing counts for 24 to 25 hours.
    pub per_day: Option<u16>,
    /// How long it is not shown after it was; at most [`ShowLimits::LONGEST_COOL_DOWN`].
    pub cool_down: Option<Duration>,
    /// When it rests.
    pub rest: Option<RestRule>,
}

impl ShowLimits {
    /// What was shown longer ago than this may be forgotten.
    pub const LONGEST_COOL_DOWN: Duration = Duration::from_secs(24 * 3_600);
}

/// When a number rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestRule {
    /// After so many refusals of networks in a row.
    pub after: u16,
    /// How long.
    pub length: Duration,
}

/// Why a number is not shown now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// Networks have refused it.
    Resting {
        /// Until when.
        until: WallTime,
    },
    /// It was shown `per_hour` times.
    CappedByHour,
    /// It was shown `per_day` times.
    CappedByDay,
    /// It was shown just now.
    Cooling {
        /// Until when.
        until: WallTime,
    },
}

/// What is known of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shown {
    /// Showings of the last hour, in steps of 5 minutes.
    pub last_hour: u32,
    /// Showings of the last day, in steps of an hour.
    pub last_day: u32,
    /// When it was shown last.
    pub last: Option<WallTime>,
    /// Refusals in a row.
    pub refusals: u16,
    /// Until when it rests.
    pub rests_until: Option<WallTime>,
}

/// The showings of all pools' numbers, shared by all shards.
///
/// A number is known from its first showing until a day after its last one or the end of its rest, whichever is later, and
/// takes 150 to 350 bytes, as full as its map is. A number of several pools has one account, which each route holds to its own
/// limits.
#[derive(Debug)]
pub struct Showings {
    parts: Box<[Mutex<Part>; PARTS]>,
    /// How many showings there were: the order of [`Showings::turn`].
    turns: AtomicU64,
    /// How many other changes there were to what is known of a number.
    others: AtomicU64,
}

#[derive(Debug, Default)]
struct Part {
    accounts: HashMap<Number, Account>,
    /// With so many accounts those that matter no more are dropped.
    most: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Account {
    hour: Window<HOUR>,
    day: Window<DAY>,
    last: Option<WallTime>,
    turn: u64,
    refusals: u16,
    rest: Option<Rest>,
}

#[derive(Debug, Clone, Copy)]
struct Rest {
    since: WallTime,
    length: Duration,
}

/// A showing that was entered. Unless it stands, because the call has gone on, it is taken back with this.
#[derive(Debug)]
pub struct Showing {
    showings: Arc<Showings>,
    number: Number,
    entered: Entered,
    stands: bool,
}

impl Showing {
    /// The number was shown: it counts, whatever becomes of the call.
    pub fn stand(mut self) {
        self.stands = true;
    }
}

impl Drop for Showing {
    fn drop(&mut self) {
        if !self.stands {
            self.showings.take_back(self.number, &self.entered);
        }
    }
}

/// Where a showing was entered, and what stood there before.
#[derive(Debug)]
struct Entered {
    hour: u32,
    day: u32,
    turn: u64,
    last_before: Option<WallTime>,
    turn_before: u64,
}

impl Default for Showings {
    fn default() -> Showings {
        let parts = Box::new(std::array::from_fn(|_| Mutex::default()));
        Showings { parts, turns: AtomicU64::new(0), others: AtomicU64::new(0) }
    }
}

impl Showings {
    /// Why these limits hold a number back now; `None` when they do not.
    pub fn held(&self, number: Number, limits: &ShowLimits, now: WallTime) -> Option<Held> {
        if *limits == ShowLimits::default() {
            return None;
        }
        self.part(number).accounts.get(&number)?.held(limits, now)
    }

    /// Until when networks have made a number rest, where it does.
    pub fn rests_until(&self, number: Number, now: WallTime) -> Option<WallTime> {
        self.part(number).accounts.get(&number)?.rests_until(now)
    }

    /// Enters that a number is shown, unless these limits hold it back.
    pub fn show(&self, number: Number, limits: &ShowLimits, now: WallTime) -> Result<(), Held> {
        self.count(number, limits, now).map(|_| ())
    }

    /// Enters that a number will be shown, unless these limits hold it back.
    pub fn enter(self: &Arc<Self>, number: Number, limits: &ShowLimits, now: WallTime) -> Result<Showing, Held> {
        let entered = self.count(number, limits, now)?;
        Ok(Showing { showings: Arc::clone(self), number, entered, stands: false })
    }

    /// In one step, so that no two shards both take the last showing that is left.
    fn count(&self, number: Number, limits: &ShowLimits, now: WallTime) -> Result<Entered, Held> {
        let mut part = self.part(number);
        if let Some(held) = part.accounts.get(&number).and_then(|account| account.held(limits, now)) {
            return Err(held);
        }
        part.make_room(now);
        let account = part.accounts.entry(number).or_default();
        let turn = self.turns.fetch_add(1, Ordering::Relaxed) + 1;
        Ok(Entered {
            hour: account.hour.add(step(now, MINUTES_5)),
            day: account.day.add(step(now, HOURS_1)),
            last_before: account.last.replace(now),
            turn_before: std::mem::replace(&mut account.turn, turn),
            turn,
        })
    }

    fn take_back(&self, number: Number, entered: &Entered) {
        let mut part = self.part(number);
        let Some(account) = part.accounts.get_mut(&number) else { return };
        account.hour.take_back(entered.hour);
        account.day.take_back(entered.day);
        if account.turn == entered.turn {
            (account.last, account.turn) = (entered.last_before, entered.turn_before);
        }
        if account.last.is_none() && account.rest.is_none() {
            part.accounts.remove(&number);
        }
    }

    /// A network has refused a call that showed the number; whether it begins to rest. A rest begins a new row.
    pub fn refused(&self, number: Number, rule: &RestRule, now: WallTime) -> bool {
        let mut part = self.part(number);
        let Some(account) = part.accounts.get_mut(&number) else { return false };
        account.refusals = account.refusals.saturating_add(1);
        let begins = account.refusals >= rule.after && account.rests_until(now).is_none();
        if begins {
            account.rest = Some(Rest { since: now, length: rule.length });
            account.refusals = 0;
        }
        self.others.fetch_add(1, Ordering::Relaxed);
        begins
    }

    /// A call that showed the number was answered: its row of refusals is over.
    pub fn answered(&self, number: Number) {
        if let Some(account) = self.part(number).accounts.get_mut(&number)
            && std::mem::take(&mut account.refusals) > 0
        {
            self.others.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Ends a rest; whether there was one.
    pub fn end_rest(&self, number: Number, now: WallTime) -> bool {
        let mut part = self.part(number);
        let Some(account) = part.accounts.get_mut(&number) else { return false };
        let rested = account.rests_until(now).is_some();
        account.rest = None;
        self.others.fetch_add(1, Ordering::Relaxed);
        rested
    }

    /// How often a number was shown in the last day.
    pub fn last_day(&self, number: Number, now: WallTime) -> u64 {
        let part = self.part(number);
        part.accounts.get(&number).map_or(0, |account| u64::from(account.day.sum(step(now, HOURS_1))))
    }

    /// Which showing of all its last one was: what was shown longest ago has the lowest, 0 what is not known. Counted, not
    /// timed, so that no clock can upset the order.
    pub fn turn(&self, number: Number) -> u64 {
        self.part(number).accounts.get(&number).map_or(0, |account| account.turn)
    }

    /// What is known of a number.
    pub fn shown(&self, number: Number, now: WallTime) -> Shown {
        let part = self.part(number);
        let Some(account) = part.accounts.get(&number) else { return Shown::default() };
        Shown {
            last_hour: account.hour.sum(step(now, MINUTES_5)),
            last_day: account.day.sum(step(now, HOURS_1)),
            last: account.last,
            refusals: account.refusals,
            rests_until: account.rests_until(now),
        }
    }

    /// The numbers that rest, in no order.
    pub fn resting(&self, now: WallTime) -> Vec<Number> {
        let mut resting = Vec::new();
        for part in self.parts.iter().map(lock) {
            let rests = |(number, account): (&Number, &Account)| account.rests_until(now).map(|_| *number);
            resting.extend(part.accounts.iter().filter_map(rests));
        }
        resting
    }

    /// How many numbers are known.
    pub fn len(&self) -> usize {
        self.parts.iter().map(|part| lock(part).accounts.len()).sum()
    }

    /// Whether none are.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn part(&self, number: Number) -> MutexGuard<'_, Part> {
        // The numbers of a block are neighbours: each goes elsewhere.
        lock(&self.parts[usize::try_from(number.get() % PARTS as u64).unwrap_or(0)])
    }
}

fn lock(part: &Mutex<Part>) -> MutexGuard<'_, Part> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Part {
    /// Now and then drops the accounts that matter no more: at most twice as many are held as do.
    fn make_room(&mut self, now: WallTime) {
        if self.accounts.len() < self.most.max(LEAST) {
            return;
        }
        self.accounts.retain(|_, account| account.matters(now));
        self.accounts.shrink_to(2 * self.accounts.len());
        self.most = 2 * self.accounts.len();
    }
}

impl Account {
    fn held(&self, limits: &ShowLimits, now: WallTime) -> Option<Held> {
        if let (Some(_), Some(until)) = (limits.rest, self.rests_until(now)) {
            return Some(Held::Resting { until });
        }
        let reaches = |sum: u32, most: Option<u16>| most.is_some_and(|most| sum >= u32::from(most));
        if limits.per_hour.is_some() && reaches(self.hour.sum(step(now, MINUTES_5)), limits.per_hour) {
            return Some(Held::CappedByHour);
        }
        if limits.per_day.is_some() && reaches(self.day.sum(step(now, HOURS_1)), limits.per_day) {
            return Some(Held::CappedByDay);
        }
        let until = end_of(self.last?, limits.cool_down?, now)?;
        Some(Held::Cooling { until })
    }

    fn rests_until(&self, now: WallTime) -> Option<WallTime> {
        let Rest { since, length } = self.rest?;
        end_of(since, length, now)
    }

    /// Whether a limit could ask for it.
    fn matters(&self, now: WallTime) -> bool {
        let is_recent = |last| end_of(last, KEPT, now).is_some();
        self.last.is_some_and(is_recent) || self.rests_until(now).is_some()
    }
}

/// When a span ends that began at `since`; `None` once it is over. One that would begin after more than its own length from
/// now was entered by a clock that was wrong, and is over: so no clock can make it last for more than twice its length.
fn end_of(since: WallTime, length: Duration, now: WallTime) -> Option<WallTime> {
    (now.since(since) < length && since.since(now) < length).then_some(since + length)
}

/// The step of time that `now` is in.
fn step(now: WallTime, seconds: u32) -> u32 {
    now.seconds() / seconds
}

/// Seconds of a step of the hour.
const MINUTES_5: u32 = 300;

/// Seconds of a step of the day.
const HOURS_1: u32 = 3_600;

/// The steps of an hour and the one that is under way: no 60 minutes have more showings than the limit.
const HOUR: usize = 13;

/// Likewise of a day.
const DAY: usize = 25;

/// The longest that a showing counts, for the day's limit.
const KEPT: Duration = Duration::from_secs(25 * 3_600);

/// More than there are threads that serve calls, so that they seldom wait for each other.
const PARTS: usize = 64;

/// Below this a part is not worth looking through.
const LEAST: usize = 64;

#[cfg(test)]
mod tests;
