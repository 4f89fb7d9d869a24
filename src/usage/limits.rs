//! How many calls a trunk takes at once and in a second, counted over all shards.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

/// The calls of a trunk that are being set up or up, and when the next one may begin. A restart begins with none: calls that
/// go on through the next process are not known to it.
#[derive(Debug, Default)]
pub struct TrunkLoad {
    seats: AtomicU64,
    /// The first moment that a call is counted from.
    epoch: OnceLock<Instant>,
    /// Nanoseconds after `epoch` at which all calls so far would have begun, had they come evenly.
    even: AtomicU64,
}

/// A call's place on a trunk, free again once this is dropped, however the call ends. A clone takes a place of its own,
/// whatever the limit: a call that a next hop has forked is there already.
#[derive(Debug)]
pub struct Seat(Arc<TrunkLoad>);

impl TrunkLoad {
    /// A place for a call, if fewer than `most` are taken.
    pub fn take_seat(self: &Arc<Self>, most: Option<u32>) -> Option<Seat> {
        let step = |taken: u64| most.is_none_or(|most| taken < u64::from(most)).then_some(taken + 1);
        self.seats.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step).ok()?;
        Some(Seat(Arc::clone(self)))
    }

    /// Lets a call begin, if no more than `per_second` do: a bucket of as many tokens, filled evenly. So a second's calls may
    /// come in one moment, as people's calls do, and in no t seconds more than (t + 1) seconds' calls begin. One that is not
    /// `bound` begins in any case, and counts.
    pub fn take_turn(&self, now: Instant, per_second: u32, bound: bool) -> bool {
        let now = now.saturating_duration_since(*self.epoch.get_or_init(|| now)).as_nanos();
        // 584 years.
        let now = u64::try_from(now).unwrap_or(u64::MAX);
        let step = SECOND / u64::from(per_second.max(1));
        let next = |even: u64| {
            let even = even.max(now);
            (!bound || even + step <= now + SECOND).then_some(even + step)
        };
        self.even.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok()
    }

    /// Takes a turn back of a call that could not begin after all.
    pub fn give_turn_back(&self, per_second: u32) {
        let step = SECOND / u64::from(per_second.max(1));
        let before = |even: u64| Some(even.saturating_sub(step));
        let _ = self.even.fetch_update(Ordering::Relaxed, Ordering::Relaxed, before);
    }

    /// How many places are taken.
    pub fn seats(&self) -> u64 {
        self.seats.load(Ordering::Relaxed)
    }
}

impl Clone for Seat {
    fn clone(&self) -> Seat {
        self.0.seats.fetch_add(1, Ordering::Relaxed);
        Seat(Arc::clone(&self.0))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.seats.fetch_sub(1, Ordering::Relaxed);
    }
}

/// In nanoseconds.
const SECOND: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_seat_is_free_again_once_it_is_dropped() {
        let load = Arc::new(TrunkLoad::default());
        let first = load.take_seat(Some(1)).expect("a seat");
        assert!(load.take_seat(Some(1)).is_none());
        let second = load.take_seat(None).expect("no limit");
        assert_eq!(load.seats(), 2);
        drop((first.clone(), first, second));
        assert!(load.take_seat(Some(1)).is_some());
        assert_eq!(load.seats(), 0);
    }

    #[test]
    fn no_more_seats_are_taken_than_there_are_by_however_many_threads() {
        let load = Arc::new(TrunkLoad::default());
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..1_000 {
                        let seat = load.take_seat(Some(5));
                        assert!(load.seats() <= 5);
                        drop(seat);
                    }
                });
            }
        });
        assert_eq!(load.seats(), 0);
    }

    #[test]
    fn a_seconds_calls_may_come_at_once_and_then_one_by_one() {
        let (load, start) = (TrunkLoad::default(), Instant::now());
        let turn = |millis| load.take_turn(start + Duration::from_millis(millis), 4, true);
        assert_eq!([0, 0, 0, 0, 0, 249].map(turn), [true, true, true, true, false, false]);
        assert_eq!([250, 250, 500, 500].map(turn), [true, false, true, false]);
        assert_eq!([2_000, 2_000, 2_000, 2_000, 2_000].map(turn), [true, true, true, true, false]);
    }

    #[test]
    fn a_call_that_is_not_bound_begins_and_takes_a_turn() {
        let (load, start) = (TrunkLoad::default(), Instant::now());
        assert!(load.take_turn(start, 1, true) && load.take_turn(start, 1, false));
        assert!(!load.take_turn(start + Duration::from_millis(1_999), 1, true));
        assert!(load.take_turn(start + Duration::from_millis(2_000), 1, true));
        load.give_turn_back(1);
        assert!(load.take_turn(start + Duration::from_millis(2_000), 1, true));
    }

    proptest! {
        #[test]
        fn in_no_time_more_calls_begin_than_the_rate_and_a_second_allow(
            rate in 1_u32..50,
            gaps in prop::collection::vec(0_u64..400, 1..200),
        ) {
            let (load, start) = (TrunkLoad::default(), Instant::now());
            let mut at = 0;
            let mut begun = Vec::new();
            for gap in gaps {
                at += gap;
                if load.take_turn(start + Duration::from_millis(at), rate, true) {
                    begun.push(at);
                }
            }
            for (first, from) in begun.iter().enumerate() {
                for (last, to) in begun.iter().enumerate().skip(first) {
                    let allowed = u64::from(rate) * (to - from + 1_000) / 1_000;
                    // The step is a whole number of nanoseconds, rounded down.
                    prop_assert!((last - first + 1) as u64 <= allowed + 1);
                }
            }
        }

        #[test]
        fn for_any_interleaving_the_count_returns_to_zero(steps in prop::collection::vec(0_usize..12, 0..300)) {
            let load = Arc::new(TrunkLoad::default());
            let mut held = Vec::new();
            for step in steps {
                match step {
                    0..6 => held.extend(load.take_seat(Some(20))),
                    6 => held.extend(load.take_seat(None)),
                    7 => held.extend(held.first().cloned()),
                    step if !held.is_empty() => drop(held.swap_remove(step % held.len())),
                    _ => {}
                }
                prop_assert_eq!(load.seats(), held.len() as u64);
            }
            held.clear();
            prop_assert_eq!(load.seats(), 0);
        }
    }
}
