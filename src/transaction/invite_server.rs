//! The INVITE server transaction (RFC 3261 section 17.2.1, RFC 6026 section 7.1).

use std::time::Instant;

use bytes::Bytes;

use super::event::{AckOutcome, RespondError, Retransmission};
use super::timer::{Backoff, Fired, Timer, Timings, earliest};

/// ```text
///                      INVITE --> core
///                        |
///                        v   200 ms: trying due
///      1xx: send    +------------+   INVITE: resend the last 1xx
///             ------| Proceeding |------
///            |      +------------+      |
///             ----->   |      |   <-----
///       300-699: send  |      |  2xx: send
///            +---------+      +---------+
///            v                          v
///      +-----------+              +----------+  INVITE: absorb
///      | Completed |---           | Accepted |  ACK: to the core
///      +-----------+   | INVITE   +----------+  2xx: send
///        |   |   ^     | or G:        |
///        |   |    -----  resend       | L
///    ACK |   | H: no ack              |
///        v   +----------+             |
///  +-----------+        |             |
///  | Confirmed | absorb |             |
///  +-----------+        |             |
///        | I            v             |
///        |       +------------+       |
///         ------>| Terminated |<------
///                +------------+
/// ```
#[derive(Debug)]
pub(super) struct InviteServer(State);

/// Responses are copies of their very length: they stay for minutes, the buffers that were sent are roomier.
#[derive(Debug)]
enum State {
    Proceeding { last: Option<Box<[u8]>>, trying: Option<Instant> },
    Completed { response: Box<[u8]>, timer_g: Option<Backoff>, timer_h: Instant },
    Confirmed { timer_i: Instant },
    Accepted { timer_l: Instant },
    Terminated,
}

impl InviteServer {
    pub(super) fn open(now: Instant, timings: &Timings) -> InviteServer {
        InviteServer(State::Proceeding { last: None, trying: Some(now + timings.trying) })
    }

    pub(super) fn is_terminated(&self) -> bool {
        matches!(self.0, State::Terminated)
    }

    /// The response to send again, or why there is none.
    pub(super) fn handle_retransmission(&self) -> Result<Bytes, Retransmission> {
        match &self.0 {
            State::Proceeding { last: Some(response), .. } | State::Completed { response, .. } => {
                Ok(Bytes::copy_from_slice(response))
            }
            State::Proceeding { last: None, .. } => Err(Retransmission::Unanswered),
            State::Confirmed { .. } | State::Accepted { .. } => Err(Retransmission::Absorbed),
            State::Terminated => Err(Retransmission::Ended),
        }
    }

    pub(super) fn handle_ack(&mut self, now: Instant, timings: &Timings, reliable: bool) -> AckOutcome {
        match self.0 {
            State::Completed { .. } if reliable => self.0 = State::Terminated,
            State::Completed { .. } => self.0 = State::Confirmed { timer_i: now + timings.t4 },
            State::Proceeding { .. } | State::Confirmed { .. } => {}
            State::Accepted { .. } | State::Terminated => return AckOutcome::PassToCore,
        }
        AckOutcome::Absorbed
    }

    /// `Ok`: the response is to be sent.
    pub(super) fn respond(
        &mut self,
        now: Instant,
        timings: &Timings,
        reliable: bool,
        status: u16,
        response: &[u8],
    ) -> Result<(), RespondError> {
        match &mut self.0 {
            State::Proceeding { last, trying } if status < 200 => {
                *last = Some(response.into());
                *trying = None;
            }
            State::Proceeding { .. } if status < 300 => {
                self.0 = State::Accepted { timer_l: now + timings.transaction_timeout() };
            }
            State::Proceeding { .. } => {
                self.0 = State::Completed {
                    response: response.into(),
                    timer_g: if reliable { None } else { Some(Backoff::start(now, timings.t1)) },
                    timer_h: now + timings.transaction_timeout(),
                };
            }
            State::Accepted { .. } if (200..300).contains(&status) => {}
            State::Accepted { .. } | State::Completed { .. } | State::Confirmed { .. } => {
                return Err(RespondError::AfterFinal);
            }
            State::Terminated => return Err(RespondError::Ended),
        }
        Ok(())
    }

    pub(super) fn next_timer(&self) -> Option<(Instant, Timer)> {
        match &self.0 {
            State::Proceeding { trying, .. } => trying.map(|at| (at, Timer::Trying)),
            State::Completed { timer_g, timer_h, .. } => {
                earliest([Some((*timer_h, Timer::H)), timer_g.map(|timer_g| (timer_g.at, Timer::G))])
            }
            State::Confirmed { timer_i } => Some((*timer_i, Timer::I)),
            State::Accepted { timer_l } => Some((*timer_l, Timer::L)),
            State::Terminated => None,
        }
    }

    pub(super) fn handle_timer(&mut self, now: Instant, timings: &Timings, timer: Timer) -> Fired {
        match (&mut self.0, timer) {
            (State::Proceeding { trying, .. }, Timer::Trying) => {
                *trying = None;
                Fired::TryingDue
            }
            // A late call finds both due: what is about to end is not sent once more.
            (State::Completed { timer_g, timer_h, .. }, Timer::G) if *timer_h <= now => {
                *timer_g = None;
                Fired::Nothing
            }
            (State::Completed { response, timer_g: Some(timer_g), .. }, Timer::G) => {
                timer_g.double_up_to(now, timings.t2);
                Fired::Resend(Bytes::copy_from_slice(response))
            }
            (State::Completed { .. }, Timer::H) => {
                self.0 = State::Terminated;
                Fired::NoAck
            }
            (State::Confirmed { .. }, Timer::I) | (State::Accepted { .. }, Timer::L) => {
                self.0 = State::Terminated;
                Fired::Nothing
            }
            _ => unreachable!("next_timer names only timers of the state"),
        }
    }
}
