//! One target between up and down.

/// Whether calls go to a target.
///
/// ```text
///       a failure            DOWN_AFTER failures of probes in a row
///  up ─────────────► probing ────────────────────────────────────► down
///   ▲                   │ an answer                                  │
///   ├───────────────────┘                                            │
///   └────────────────────────────────────────────────────────────────┘ UP_AFTER answers in a row
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// It answers, or nothing is known of it yet.
    Up,
    /// Something failed and it is asked again soon; calls go to it all the same.
    Probing,
    /// It is left out.
    Down,
}

impl State {
    /// As the admin port and the log spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Up => "up",
            State::Probing => "probing",
            State::Down => "down",
        }
    }

    /// Where that stands to which several ways lead: as the best of them does. Without any it is doubted.
    pub fn best(states: impl Iterator<Item = State>) -> State {
        states.min().unwrap_or(State::Probing)
    }
}

/// What is known of one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    state: State,
    /// Failures since the last answer.
    failures: u32,
    /// Answers since the last failure.
    answers: u32,
}

impl Trial {
    /// Of a target that was known to stand there.
    pub fn from_state(state: State) -> Trial {
        Trial { state, failures: 0, answers: 0 }
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// The target has answered a probe, or a call.
    pub fn answered(&mut self) {
        self.failures = 0;
        self.answers = self.answers.saturating_add(1);
        if self.state != State::Down || self.answers >= UP_AFTER {
            self.state = State::Up;
        }
    }

    /// A probe has failed.
    pub fn failed(&mut self) {
        self.answers = 0;
        self.failures = self.failures.saturating_add(1);
        if self.failures >= DOWN_AFTER {
            self.state = State::Down;
        } else if self.state == State::Up {
            self.state = State::Probing;
        }
    }

    /// A call has failed at it: a reason to ask, and no more. The callee's side may be to blame.
    pub fn suspected(&mut self) {
        if self.state == State::Up {
            self.state = State::Probing;
        }
    }

    /// Whether the next probe settles something, so that it should come soon.
    pub fn is_open(&self) -> bool {
        self.state == State::Probing || (self.state == State::Down && self.answers > 0)
    }
}

/// Failures in a row that take a target down. Over UDP each is some three copies of a request without an answer; one or two
/// happen to a neighbour that is restarted or whose line is full for a second.
pub const DOWN_AFTER: u32 = 3;

/// Answers in a row that bring it up again: the first may come from a neighbour that is still starting.
pub const UP_AFTER: u32 = 2;
