//! Which new calls wait for their turn, and which are refused because too many do.
//!
//! A message inside a dialog is handled in the pass that brings it. A new call waits in a queue of which each pass takes a
//! few, so that the sockets are read again soon: a full receive buffer would lose a BYE as well as an INVITE. Once the
//! first of the queue has waited too long, calls come faster than they can be handled; then those that come are refused
//! until it is short again, and those that wait are still in time.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The new calls of one shard that wait.
#[derive(Debug)]
pub(super) struct Admission<T> {
    waiting: VecDeque<(Instant, T)>,
    refusals: Budget,
}

/// What becomes of a new call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is taken in.
    Take,
    /// It is refused, and the engine may tell the caller.
    Refuse,
    /// It is refused without a word.
    Drop,
}

/// How long a call may wait. A caller repeats his INVITE after 500 ms (RFC 3261, T1), and hears 100 after 200 ms: this
/// leaves both alone, and is long enough for a burst of a thousand calls.
const PATIENCE: Duration = Duration::from_millis(25);

/// The most calls that wait, some 5 MB of them: more than a shard handles within [`PATIENCE`].
const MOST_WAITING: usize = 4_096;

/// How many refused calls a second are handed to the engine, which answers fewer: each costs about a tenth of a call.
const REFUSALS_PER_SECOND: u32 = 1_000;

impl<T> Admission<T> {
    pub(super) fn new() -> Admission<T> {
        Admission { waiting: VecDeque::new(), refusals: Budget::new(REFUSALS_PER_SECOND) }
    }

    /// Whether calls come faster than they are handled.
    pub(super) fn is_overloaded(&self, now: Instant) -> bool {
        let first = self.waiting.front().map(|(since, _)| now.saturating_duration_since(*since));
        first.is_some_and(|waited| waited > PATIENCE) || self.waiting.len() >= MOST_WAITING
    }

    /// What becomes of a call that comes while [`Admission::is_overloaded`].
    pub(super) fn refuse(&mut self, now: Instant) -> Fate {
        if self.refusals.take(now) { Fate::Refuse } else { Fate::Drop }
    }

    /// Lets a call wait, behind all that came before: a CANCEL must not overtake its INVITE.
    pub(super) fn push(&mut self, now: Instant, call: T) {
        self.waiting.push_back((now, call));
    }

    /// The call whose turn it is.
    pub(super) fn pop(&mut self) -> Option<T> {
        let (_, call) = self.waiting.pop_front()?;
        if self.waiting.is_empty() && self.waiting.capacity() > MOST_WAITING {
            self.waiting.shrink_to(MOST_WAITING);
        }
        Some(call)
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }
}

/// So many a second, and a tenth of them at once.
#[derive(Debug)]
struct Budget {
    interval: Duration,
    /// When all of it is there again.
    full_at: Option<Instant>,
}

impl Budget {
    fn new(per_second: u32) -> Budget {
        Budget { interval: Duration::from_secs(1) / per_second, full_at: None }
    }

    fn take(&mut self, now: Instant) -> bool {
        const AT_ONCE: Duration = Duration::from_millis(100);
        let full_at = self.full_at.map_or(now, |at| at.max(now)) + self.interval;
        let is_there = full_at.saturating_duration_since(now) <= AT_ONCE;
        if is_there {
            self.full_at = Some(full_at);
        }
        is_there
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    #[test]
    fn calls_are_taken_in_the_order_in_which_they_came() {
        let (now, mut admission) = (Instant::now(), Admission::new());
        (0..10).for_each(|call| admission.push(now, call));
        assert_eq!(std::iter::from_fn(|| admission.pop()).collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn a_burst_is_no_overload_and_a_call_that_has_waited_25_ms_is() {
        let (now, mut admission) = (Instant::now(), Admission::new());
        (0..1_000).for_each(|call| admission.push(now, call));
        assert!(!admission.is_overloaded(now + PATIENCE));
        assert!(admission.is_overloaded(now + PATIENCE + MILLISECOND));
        // Those that came first have gone: what remains has waited for less.
        admission.push(now + PATIENCE, 1_000);
        (0..1_000).for_each(|_| assert!(admission.pop().is_some()));
        assert!(!admission.is_overloaded(now + PATIENCE + MILLISECOND));
    }

    #[test]
    fn a_full_queue_is_an_overload_at_once() {
        let (now, mut admission) = (Instant::now(), Admission::new());
        (0..MOST_WAITING).for_each(|call| admission.push(now, call));
        assert!(admission.is_overloaded(now));
        admission.pop();
        assert!(!admission.is_overloaded(now));
    }

    #[test]
    fn a_thousand_refusals_a_second_are_told_and_the_rest_is_dropped() {
        let (now, mut admission) = (Instant::now(), Admission::<()>::new());
        let told = (0..100_000).filter(|at| admission.refuse(now + MILLISECOND * (at / 10)) == Fate::Refuse).count();
        // Ten seconds, and a tenth of a second's worth to begin with.
        assert_eq!(told, 10_099);
    }
}
