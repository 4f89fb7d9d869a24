//! A call that is up, and how it ended.

use std::time::Duration;

use super::text;

/// Call-ID and the two tags in their order.
pub(super) type DialogKey = (String, String, String);

pub(super) fn dialog_key(call_id: &[u8], one: &[u8], other: &[u8]) -> DialogKey {
    let (first, second) = if one <= other { (one, other) } else { (other, one) };
    (text(call_id), text(first), text(second))
}

/// An answered call.
#[derive(Debug)]
pub(crate) struct Dialog {
    pub(crate) state: State,
    pub(crate) caller_tag: String,
    pub(super) caller: usize,
    pub(super) callee: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Up,
    /// A BYE went on and is not answered yet.
    Ending {
        since: Duration,
        by_caller: bool,
    },
    Ended {
        at: Duration,
        by_caller: bool,
    },
}

impl Dialog {
    /// A BYE with this From tag is answered: whatever the answer, the dialog is over (RFC 3261 section 15.1.1).
    pub(super) fn end(&mut self, now: Duration, from_tag: &str) {
        if !matches!(self.state, State::Ended { .. }) {
            self.state = State::Ended { at: now, by_caller: from_tag == self.caller_tag };
        }
    }
}
