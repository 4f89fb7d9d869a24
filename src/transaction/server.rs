//! The non-INVITE server transaction (RFC 3261 section 17.2.2, RFC 4320).

use std::time::Instant;

use bytes::Bytes;

use super::event::{RespondError, Retransmission};
use super::timer::{Fired, Timer, Timings, earliest};

/// ```text
///                 request --> core
///                     |
///                     v
///               +----------+  request: absorb
///               |  Trying  |  Timer E has reached T2: trying due
///               +----------+-------------------+
///                  |    |  64*T1 without final |
///        1xx: send |    |                      |
///                  v    |                      |
///        +------------+ | 2xx-6xx:             |
///   -----| Proceeding | | send                 |
///  |     +------------+-(----------------------+
///   ---->      |        |                      |
///  1xx: send;  |        |                      |
///  request:    | 2xx-6xx: send                 |
///  resend      v        v                      |
///             +-----------+  request:          |
///             | Completed |  resend            |
///             +-----------+                    |
///                   | J                        |
///                   v                          |
///            +------------+                    |
///            | Terminated |<-------------------+
///            +------------+
/// ```
#[derive(Debug)]
pub(super) struct Server(State);

/// Responses are copies of their very length: they stay for half a minute, the buffers that were sent are roomier.
#[derive(Debug)]
enum State {
    Trying { trying: Option<Instant>, forget: Instant },
    Proceeding { last: Box<[u8]>, forget: Instant },
    Completed { response: Box<[u8]>, timer_j: Instant },
    Terminated,
}

impl Server {
    pub(super) fn open(now: Instant, timings: &Timings) -> Server {
        Server(State::Trying {
            trying: Some(now + timings.trying_for_non_invite()),
            forget: now + timings.transaction_timeout(),
        })
    }

    pub(super) fn is_terminated(&self) -> bool {
        matches!(self.0, State::Terminated)
    }

    /// The response to send again, or why there is none.
    pub(super) fn handle_retransmission(&self) -> Result<Bytes, Retransmission> {
        match &self.0 {
            State::Trying { .. } => Err(Retransmission::Unanswered),
            State::Proceeding { last: response, .. } | State::Completed { response, .. } => {
                Ok(Bytes::copy_from_slice(response))
            }
            State::Terminated => Err(Retransmission::Ended),
        }
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
        self.0 = match self.0 {
            State::Trying { forget, .. } | State::Proceeding { forget, .. } if status < 200 => {
                State::Proceeding { last: response.into(), forget }
            }
            State::Trying { .. } | State::Proceeding { .. } if reliable => State::Terminated,
            State::Trying { .. } | State::Proceeding { .. } => {
                State::Completed { response: response.into(), timer_j: now + timings.transaction_timeout() }
            }
            State::Completed { .. } => return Err(RespondError::AfterFinal),
            State::Terminated => return Err(RespondError::Ended),
        };
        Ok(())
    }

    pub(super) fn next_timer(&self) -> Option<(Instant, Timer)> {
        match &self.0 {
            State::Trying { trying, forget } => {
                earliest([Some((*forget, Timer::Forget)), trying.map(|at| (at, Timer::Trying))])
            }
            State::Proceeding { forget, .. } => Some((*forget, Timer::Forget)),
            State::Completed { timer_j, .. } => Some((*timer_j, Timer::J)),
            State::Terminated => None,
        }
    }

    pub(super) fn handle_timer(&mut self, timer: Timer) -> Fired {
        match (&mut self.0, timer) {
            (State::Trying { trying, .. }, Timer::Trying) => {
                *trying = None;
                Fired::TryingDue
            }
            (State::Trying { .. } | State::Proceeding { .. }, Timer::Forget) | (State::Completed { .. }, Timer::J) => {
                self.0 = State::Terminated;
                Fired::Nothing
            }
            _ => unreachable!("next_timer names only timers of the state"),
        }
    }
}
