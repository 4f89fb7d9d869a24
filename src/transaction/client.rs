//! The non-INVITE client transaction (RFC 3261 section 17.1.2).

use std::time::Instant;

use bytes::Bytes;

use super::event::{FailureOutcome, ResponseOutcome};
use super::timer::{Backoff, Fired, Timer, Timings, earliest};

/// ```text
///                     request: send
///                          |
///                          v
///      E: resend      +----------+  F: timed out, or not sendable
///   ----------------->|  Trying  |-----------------+
///                     +----------+                 |
///                       |      | 2xx-6xx:          |
///      1xx: to the core |      | to the core       |
///                       v      |                   |
///      E: resend  +------------+  F: timed out, or |
///   ------------->| Proceeding |-----------------> |
///      1xx: to    +------------+  not sendable     |
///      the core     |          |                   |
///  2xx-6xx: to the  |          |                   |
///  core             v          v                   |
///                 +--------------+                 |
///                 |  Completed   | absorb          |
///                 +--------------+                 |
///                       | K                        |
///                       v                          |
///                +------------+                    |
///                | Terminated |<-------------------+
///                +------------+
/// ```
#[derive(Debug)]
pub(super) struct Client {
    state: State,
    /// For retransmission, or because the core asked to keep it.
    request: Option<Bytes>,
    keep: bool,
}

#[derive(Debug)]
enum State {
    Trying { timer_e: Option<Backoff>, timer_f: Instant, try_for: Option<Instant> },
    Proceeding { timer_e: Option<Backoff>, timer_f: Instant },
    Completed { timer_k: Instant },
    Terminated,
}

impl Client {
    pub(super) fn open(now: Instant, timings: &Timings, reliable: bool, request: &Bytes, keep: bool) -> Client {
        Client {
            state: State::Trying {
                timer_e: if reliable { None } else { Some(Backoff::start(now, timings.t1)) },
                timer_f: now + timings.transaction_timeout(),
                try_for: None,
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
        if !matches!(self.state, State::Trying { timer_e: Some(_), .. } | State::Proceeding { timer_e: Some(_), .. }) {
            self.request = None;
        }
    }

    pub(super) fn is_answered(&self) -> bool {
        !matches!(self.state, State::Trying { .. })
    }

    pub(super) fn handle_response(
        &mut self,
        now: Instant,
        timings: &Timings,
        reliable: bool,
        status: u16,
    ) -> ResponseOutcome {
        self.state = match self.state {
            State::Trying { timer_e, timer_f, .. } | State::Proceeding { timer_e, timer_f } if status < 200 => {
                State::Proceeding { timer_e, timer_f }
            }
            State::Trying { .. } | State::Proceeding { .. } => {
                if !self.keep {
                    self.request = None;
                }
                if reliable { State::Terminated } else { State::Completed { timer_k: now + timings.t4 } }
            }
            State::Completed { .. } => return ResponseOutcome::Absorb,
            State::Terminated => return ResponseOutcome::Ended,
        };
        ResponseOutcome::Pass
    }

    pub(super) fn handle_failure(&mut self) -> FailureOutcome {
        match self.state {
            State::Trying { .. } | State::Proceeding { .. } => {
                self.state = State::Terminated;
                FailureOutcome::BeforeFinal
            }
            State::Completed { .. } | State::Terminated => FailureOutcome::Ignored,
        }
    }

    pub(super) fn try_for(&mut self, deadline: Instant) {
        if let State::Trying { try_for, .. } = &mut self.state {
            *try_for = Some(deadline);
        }
    }

    pub(super) fn next_timer(&self) -> Option<(Instant, Timer)> {
        match &self.state {
            State::Trying { timer_e, timer_f, try_for } => earliest([
                try_for.map(|at| (at, Timer::TryFor)),
                Some((*timer_f, Timer::F)),
                timer_e.map(|timer_e| (timer_e.at, Timer::E)),
            ]),
            State::Proceeding { timer_e, timer_f } => {
                earliest([Some((*timer_f, Timer::F)), timer_e.map(|timer_e| (timer_e.at, Timer::E))])
            }
            State::Completed { timer_k } => Some((*timer_k, Timer::K)),
            State::Terminated => None,
        }
    }

    pub(super) fn handle_timer(&mut self, now: Instant, timings: &Timings, timer: Timer) -> Fired {
        match (&mut self.state, timer) {
            (State::Trying { try_for, .. }, Timer::TryFor) => {
                *try_for = None;
                Fired::Unanswered
            }
            // A late call finds both due: what is about to end is not sent once more.
            (State::Trying { timer_e, timer_f, .. } | State::Proceeding { timer_e, timer_f }, Timer::E)
                if *timer_f <= now =>
            {
                *timer_e = None;
                Fired::Nothing
            }
            (State::Trying { timer_e: Some(timer_e), .. }, Timer::E) => {
                timer_e.double_up_to(now, timings.t2);
                self.request.clone().map_or(Fired::Nothing, Fired::Resend)
            }
            (State::Proceeding { timer_e: Some(timer_e), .. }, Timer::E) => {
                timer_e.wait(now, timings.t2);
                self.request.clone().map_or(Fired::Nothing, Fired::Resend)
            }
            (State::Trying { .. } | State::Proceeding { .. }, Timer::F) => {
                self.state = State::Terminated;
                Fired::TimedOut
            }
            (State::Completed { .. }, Timer::K) => {
                self.state = State::Terminated;
                Fired::Nothing
            }
            _ => unreachable!("next_timer names only timers of the state"),
        }
    }
}
