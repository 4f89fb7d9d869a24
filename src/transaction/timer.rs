//! The timers of RFC 3261 section 17 (its table A), how long they run, and the queue that finds the next one.

use std::time::{Duration, Instant};

use bytes::Bytes;

/// Which timer of a transaction runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Timer {
    /// When to send an INVITE again on an unreliable transport.
    A,
    /// When to give up an INVITE that had no response.
    B,
    /// When to cancel a proxied INVITE that rings without end.
    C,
    /// When to stop acknowledging retransmitted 300-699 responses to an INVITE.
    D,
    /// When to send a non-INVITE again on an unreliable transport.
    E,
    /// When to give up a non-INVITE that had no final response.
    F,
    /// When to send a 300-699 response to an INVITE again on an unreliable transport.
    G,
    /// When to stop waiting for the ACK to a 300-699 response.
    H,
    /// When to stop absorbing retransmitted ACKs.
    I,
    /// When to stop answering retransmitted non-INVITE requests.
    J,
    /// When to stop absorbing retransmitted final responses to a non-INVITE.
    K,
    /// When to stop absorbing retransmissions of an accepted INVITE (RFC 6026).
    L,
    /// When to stop passing further 2xx responses to an INVITE (RFC 6026).
    M,
    /// When to answer 100 if nothing else has been answered (RFC 3261 section 17.2.1, RFC 4320 section 4.1).
    Trying,
    /// When to tell the core that there was no response at all, so that it can try the next target.
    TryFor,
    /// When to give up a cancelled INVITE that had no final response (RFC 3261 section 9.1).
    Cancelled,
    /// When to forget a non-INVITE that the core did not answer in its client's time (RFC 4320 section 4.2).
    Forget,
}

/// How long the timers run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timings {
    /// The estimated round trip, from which most timers are made.
    pub t1: Duration,
    /// The longest interval between retransmissions of a non-INVITE request or of a final response to INVITE.
    pub t2: Duration,
    /// The longest time that a message may stay in the network.
    pub t4: Duration,
    /// Timer C.
    pub timer_c: Duration,
    /// Timer D on unreliable transports.
    pub timer_d: Duration,
    /// After which time an INVITE without any response is to be answered 100.
    pub trying: Duration,
}

impl Timings {
    /// RFC 3261 table 4: 500 ms.
    pub const T1: Duration = Duration::from_millis(500);
    /// RFC 3261 table 4: 4 s.
    pub const T2: Duration = Duration::from_secs(4);
    /// RFC 3261 table 4: 5 s.
    pub const T4: Duration = Duration::from_secs(5);
    /// RFC 3261 section 16.6 step 11 asks for more than 3 minutes: the next whole second.
    pub const TIMER_C: Duration = Duration::from_secs(181);
    /// RFC 3261 section 17.1.1.2 asks for at least 32 s: as long as the server's Timer H at the default T1.
    pub const TIMER_D: Duration = Duration::from_secs(32);
    /// RFC 3261 section 17.2.1: 200 ms.
    pub const TRYING: Duration = Duration::from_millis(200);

    /// 64*T1: the timers B, F, H, J, L, M and the wait after a CANCEL.
    pub fn transaction_timeout(&self) -> Duration {
        self.t1 * 64
    }

    /// The time in which a client's Timer E reaches T2: 3.5 s by default. Before it a 100 to a non-INVITE is
    /// forbidden on unreliable transports, after it a 100 is due (RFC 4320 section 4.1).
    pub fn trying_for_non_invite(&self) -> Duration {
        let mut interval = self.t1.max(SHORTEST);
        let mut passed = interval;
        while interval * 2 < self.t2 {
            interval *= 2;
            passed += interval;
        }
        passed
    }
}

impl Default for Timings {
    fn default() -> Timings {
        Timings {
            t1: Timings::T1,
            t2: Timings::T2,
            t4: Timings::T4,
            timer_c: Timings::TIMER_C,
            timer_d: Timings::TIMER_D,
            trying: Timings::TRYING,
        }
    }
}

/// What a machine says when its timer fired.
#[derive(Debug)]
pub(super) enum Fired {
    /// Nothing that others see.
    Nothing,
    /// Send this again.
    Resend(Bytes),
    TryingDue,
    NoAck,
    TimedOut,
    TimerC,
    Unanswered,
}

/// A retransmission timer: when it fires next and how long it waited for that.
#[derive(Debug, Clone, Copy)]
pub(super) struct Backoff {
    pub(super) at: Instant,
    interval: Duration,
}

impl Backoff {
    pub(super) fn start(now: Instant, t1: Duration) -> Backoff {
        let interval = t1.max(SHORTEST);
        Backoff { at: now + interval, interval }
    }

    /// Timer A: twice the last interval.
    pub(super) fn double(&mut self, now: Instant) {
        self.wait(now, self.interval * 2);
    }

    /// Timers E and G: twice the last interval, but not above T2.
    pub(super) fn double_up_to(&mut self, now: Instant, t2: Duration) {
        self.wait(now, (self.interval * 2).min(t2));
    }

    /// Timer E in Proceeding: T2.
    pub(super) fn wait(&mut self, now: Instant, interval: Duration) {
        self.interval = interval.max(SHORTEST);
        self.at = now + self.interval;
    }
}

/// The earliest of those that run.
pub(super) fn earliest<const N: usize>(timers: [Option<(Instant, Timer)>; N]) -> Option<(Instant, Timer)> {
    timers.into_iter().flatten().min_by_key(|(at, _)| *at)
}

/// A binary heap of deadlines, one for each owner at most: it knows where each owner's entry is, so a deadline is moved
/// in place and the heap is never larger than the number of owners. Owners are small dense numbers.
#[derive(Debug, Default)]
pub(super) struct Deadlines {
    heap: Vec<(Instant, u32)>,
    /// By owner: where its entry is, or `ABSENT`.
    positions: Vec<u32>,
}

impl Deadlines {
    pub(super) fn len(&self) -> usize {
        self.heap.len()
    }

    pub(super) fn first(&self) -> Option<(Instant, u32)> {
        self.heap.first().copied()
    }

    pub(super) fn set(&mut self, owner: u32, deadline: Option<Instant>) {
        match (self.position(owner), deadline) {
            (None, None) => {}
            (Some(position), None) => self.remove(position),
            (Some(position), Some(at)) if self.heap[position].0 == at => {}
            (Some(position), Some(at)) => self.settle(position, (at, owner)),
            (None, Some(at)) => {
                if self.positions.len() <= owner as usize {
                    self.positions.resize(owner as usize + 1, ABSENT);
                }
                self.heap.push((at, owner));
                self.settle(self.heap.len() - 1, (at, owner));
            }
        }
    }

    fn position(&self, owner: u32) -> Option<usize> {
        self.positions.get(owner as usize).filter(|position| **position != ABSENT).map(|position| *position as usize)
    }

    fn remove(&mut self, position: usize) {
        let (_, owner) = self.heap.swap_remove(position);
        self.positions[owner as usize] = ABSENT;
        if let Some(&last) = self.heap.get(position) {
            self.settle(position, last);
        }
    }

    /// Puts an entry where its deadline belongs: the free `position` moves up or down until it is there.
    fn settle(&mut self, position: usize, entry: (Instant, u32)) {
        let mut position = position;
        while position > 0 {
            let parent = (position - 1) / 2;
            if self.heap[parent].0 <= entry.0 {
                break;
            }
            self.place(position, self.heap[parent]);
            position = parent;
        }
        loop {
            let left = 2 * position + 1;
            let Some((left_at, _)) = self.heap.get(left) else { break };
            let child = match self.heap.get(left + 1) {
                Some((right_at, _)) if right_at < left_at => left + 1,
                _ => left,
            };
            if entry.0 <= self.heap[child].0 {
                break;
            }
            self.place(position, self.heap[child]);
            position = child;
        }
        self.place(position, entry);
    }

    fn place(&mut self, position: usize, entry: (Instant, u32)) {
        self.heap[position] = entry;
        self.positions[entry.1 as usize] = u32::try_from(position).expect("owners are numbered in u32");
    }
}

/// Marks an owner without deadline.
const ABSENT: u32 = u32::MAX;

/// A configured interval of zero must not make a transaction send for ever at one instant.
const SHORTEST: Duration = Duration::from_millis(1);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn timer_e_reaches_t2_after_three_and_a_half_seconds() {
        assert_eq!(Timings::default().trying_for_non_invite(), Duration::from_millis(3500));
        let flat = Timings { t1: Duration::from_secs(4), ..Timings::default() };
        assert_eq!(flat.trying_for_non_invite(), Duration::from_secs(4));
        let zero = Timings { t1: Duration::ZERO, ..Timings::default() };
        assert!(zero.trying_for_non_invite() > Duration::ZERO);
    }

    proptest! {
        #[test]
        fn deadlines_come_out_in_order_and_once_for_each_owner(
            sets in prop::collection::vec((0_u32..20, prop::option::of(0_u64..50)), 0..200)
        ) {
            let base = Instant::now();
            let mut model = std::collections::BTreeMap::new();
            let mut deadlines = Deadlines::default();
            for (owner, after) in sets {
                let at = after.map(|after| base + Duration::from_secs(after));
                deadlines.set(owner, at);
                match at {
                    Some(at) => model.insert(owner, at),
                    None => model.remove(&owner),
                };
                prop_assert_eq!(deadlines.len(), model.len());
                prop_assert_eq!(deadlines.first().map(|(at, _)| at), model.values().min().copied());
            }
            while let Some((at, owner)) = deadlines.first() {
                prop_assert_eq!(Some(at), model.values().min().copied());
                prop_assert_eq!(model.remove(&owner), Some(at));
                deadlines.set(owner, None);
            }
            prop_assert!(model.is_empty());
        }
    }
}
