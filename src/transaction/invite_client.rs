//! The INVITE client transaction (RFC 3261 section 17.1.1, RFC 6026 section 7.2) with a proxy's Timer C (section 16.8)
//! and the wait for the effect of a CANCEL (section 9.1).

use std::time::Instant;

use bytes::Bytes;

use super::event::{FailureOutcome, ResponseOutcome};
use super::timer::{Backoff, Fired, Timer, Timings, earliest};

/// ```text
///                        INVITE: send
///                             |
///                             v
///     A: resend         +-----------+  B: timed out
///   ------------------->|  Calling  |--------------------+
///                       +-----------+  or not sendable   |
///        2xx: to the core  |  |  |                       |
///         +----------------+  |  | 300-699: to the core, |
///         |       1xx: to the |  |          send ACK     |
///         |              core v  +-----------+           |
///         |         +------------+           |           |
///         |  2xx    | Proceeding |  300-699  |           |
///         |<--------+------------+---------->|           |
///         |           |  ^  1xx: to the core |           |
///         |           |   -----              |           |
///         |           |   C: say so          |           |
///         v           |                      v           |
///    +----------+     | 64*T1 after    +-----------+     |
///    | Accepted |     | CANCEL or C:   | Completed |     |
///    +----------+     | timed out      +-----------+     |
///  2xx: to  | M       |    300-699:      | D, or ACK     |
///  the core |         |    resend ACK    | not sendable  |
///           |         v                  |               |
///           |   +------------+           |               |
///            -->| Terminated |<----------+---------------+
///               +------------+
/// ```
#[derive(Debug)]
pub(super) struct InviteClient {
    state: State,
    /// For retransmission, or because the core asked to keep it.
    request: Option<Bytes>,
    keep: bool,
}

#[derive(Debug)]
enum State {
    Calling {
        timer_a: Option<Backoff>,
        timer_b: Instant,
        timer_c: Option<Instant>,
        try_for: Option<Instant>,
        cancel: bool,
    },
    Proceeding(Wait),
    Completed {
        ack: Option<Bytes>,
        timer_d: Instant,
    },
    Accepted {
        timer_m: Instant,
    },
    Terminated,
}

/// What ends the state Proceeding when no final response does.
#[derive(Debug)]
enum Wait {
    /// Nothing: a user agent's INVITE may ring as long as its core likes.
    Forever,
    TimerC(Instant),
    /// 64*T1 after Timer C, which has asked the core for a CANCEL.
    Overdue(Instant),
    /// 64*T1 after the CANCEL.
    Cancelled(Instant),
}

impl InviteClient {
    pub(super) fn open(
        now: Instant,
        timings: &Timings,
        reliable: bool,
        request: &Bytes,
        keep: bool,
        timer_c: bool,
    ) -> InviteClient {
        InviteClient {
            state: State::Calling {
                timer_a: if reliable { None } else { Some(Backoff::start(now, timings.t1)) },
                timer_b: now + timings.transaction_timeout(),
                timer_c: if timer_c { Some(now + timings.timer_c) } else { None },
                try_for: None,
                cancel: false,
            },
            request: if keep || !reliable { Some(request.clone()) } else { None },
            keep,
        }
    }

    pub(super) fn is_terminated(&self) -> bool {
        matches!(self.state, State::Terminated)
    }

    pub(super) fn kept_request(&self) -> Option<&Bytes> {
        self.request.as_ref().filter(|_| self.keep)
    }

    pub(super) fn release_request(&mut self) {
        self.keep = false;
        if !matches!(self.state, State::Calling { timer_a: Some(_), .. }) {
            self.request = None;
        }
    }

    /// Keeps other bytes in place of the request, which must not be needed for retransmission any more.
    pub(super) fn keep_instead(&mut self, bytes: Bytes) {
        if self.keep && matches!(self.state, State::Proceeding(_)) {
            self.request = Some(bytes);
        }
    }

    pub(super) fn is_answered(&self) -> bool {
        !matches!(self.state, State::Calling { .. })
    }

    /// The outcome, and whether the CANCEL that waited for a provisional response is to go now.
    pub(super) fn handle_response(
        &mut self,
        now: Instant,
        timings: &Timings,
        reliable: bool,
        status: u16,
    ) -> (ResponseOutcome, bool) {
        let mut cancel_now = false;
        let outcome = match &mut self.state {
            State::Calling { timer_c, cancel, .. } if status < 200 => {
                cancel_now = *cancel;
                let wait = match *timer_c {
                    _ if *cancel => Wait::Cancelled(now + timings.transaction_timeout()),
                    Some(_) if status > 100 => Wait::TimerC(now + timings.timer_c),
                    Some(at) => Wait::TimerC(at),
                    None => Wait::Forever,
                };
                self.leave_calling(State::Proceeding(wait));
                ResponseOutcome::Pass
            }
            State::Proceeding(wait) if status < 200 => {
                if let (Wait::TimerC(at), 101..) = (wait, status) {
                    *at = now + timings.timer_c;
                }
                ResponseOutcome::Pass
            }
            State::Calling { .. } | State::Proceeding(_) if status < 300 => {
                self.leave_calling(State::Accepted { timer_m: now + timings.transaction_timeout() });
                ResponseOutcome::Pass
            }
            State::Calling { .. } | State::Proceeding(_) => {
                // On a reliable transport Timer D is zero: `set_ack` ends the transaction, or else the next timeout.
                let timer_d = if reliable { now } else { now + timings.timer_d };
                self.leave_calling(State::Completed { ack: None, timer_d });
                ResponseOutcome::PassAndAck
            }
            State::Accepted { .. } if (200..300).contains(&status) => ResponseOutcome::Pass,
            State::Accepted { .. } | State::Completed { .. } => ResponseOutcome::Absorb,
            State::Terminated => ResponseOutcome::Ended,
        };
        (outcome, cancel_now)
    }

    fn leave_calling(&mut self, state: State) {
        self.state = state;
        if !self.keep {
            self.request = None;
        }
    }

    /// The ACK that answers a retransmitted final response of this status.
    pub(super) fn ack_again(&self, status: u16) -> Option<Bytes> {
        match &self.state {
            State::Completed { ack, .. } if status >= 300 => ack.clone(),
            _ => None,
        }
    }

    /// Whether there is something to acknowledge, and so the ACK is to be sent.
    pub(super) fn set_ack(&mut self, reliable: bool, bytes: &Bytes) -> bool {
        match &mut self.state {
            State::Completed { .. } if reliable => self.state = State::Terminated,
            State::Completed { ack, .. } => *ack = Some(bytes.clone()),
            _ => return false,
        }
        true
    }

    pub(super) fn handle_failure(&mut self) -> FailureOutcome {
        let outcome = match self.state {
            State::Calling { .. } => FailureOutcome::BeforeFinal,
            State::Completed { .. } => FailureOutcome::AfterFinal,
            State::Proceeding(_) | State::Accepted { .. } | State::Terminated => return FailureOutcome::Ignored,
        };
        self.state = State::Terminated;
        outcome
    }

    /// `Some(true)`: send CANCEL now; `Some(false)`: it waits, or has been sent; `None`: too late.
    pub(super) fn cancel(&mut self, now: Instant, timings: &Timings) -> Option<bool> {
        match &mut self.state {
            State::Calling { cancel, .. } => {
                *cancel = true;
                Some(false)
            }
            State::Proceeding(Wait::Cancelled(_)) => Some(false),
            State::Proceeding(wait) => {
                *wait = Wait::Cancelled(now + timings.transaction_timeout());
                Some(true)
            }
            State::Completed { .. } | State::Accepted { .. } | State::Terminated => None,
        }
    }

    pub(super) fn try_for(&mut self, deadline: Instant) {
        if let State::Calling { try_for, .. } = &mut self.state {
            *try_for = Some(deadline);
        }
    }

    pub(super) fn next_timer(&self) -> Option<(Instant, Timer)> {
        match &self.state {
            State::Calling { timer_a, timer_b, try_for, .. } => earliest([
                try_for.map(|at| (at, Timer::TryFor)),
                Some((*timer_b, Timer::B)),
                timer_a.map(|timer_a| (timer_a.at, Timer::A)),
            ]),
            State::Proceeding(Wait::Forever) => None,
            State::Proceeding(Wait::TimerC(at)) => Some((*at, Timer::C)),
            State::Proceeding(Wait::Overdue(at) | Wait::Cancelled(at)) => Some((*at, Timer::Cancelled)),
            State::Completed { timer_d, .. } => Some((*timer_d, Timer::D)),
            State::Accepted { timer_m } => Some((*timer_m, Timer::M)),
            State::Terminated => None,
        }
    }

    pub(super) fn handle_timer(&mut self, now: Instant, timings: &Timings, timer: Timer) -> Fired {
        match (&mut self.state, timer) {
            (State::Calling { try_for, .. }, Timer::TryFor) => {
                *try_for = None;
                Fired::Unanswered
            }
            // A late call finds both due: what is about to end is not sent once more.
            (State::Calling { timer_a, timer_b, .. }, Timer::A) if *timer_b <= now => {
                *timer_a = None;
                Fired::Nothing
            }
            (State::Calling { timer_a: Some(timer_a), .. }, Timer::A) => {
                timer_a.double(now);
                self.request.clone().map_or(Fired::Nothing, Fired::Resend)
            }
            (State::Proceeding(wait), Timer::C) => {
                *wait = Wait::Overdue(now + timings.transaction_timeout());
                Fired::TimerC
            }
            (State::Calling { .. }, Timer::B) | (State::Proceeding(_), Timer::Cancelled) => {
                self.state = State::Terminated;
                Fired::TimedOut
            }
            (State::Completed { .. }, Timer::D) | (State::Accepted { .. }, Timer::M) => {
                self.state = State::Terminated;
                Fired::Nothing
            }
            _ => unreachable!("next_timer names only timers of the state"),
        }
    }
}
