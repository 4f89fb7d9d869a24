//! What the records say.

use super::StorageFailure;
use crate::time::WallTime;

/// Which calls are looked for in the records: those for which all that is given holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallQuery {
    /// Who calls, is called or was shown as the caller.
    pub party: Option<String>,
    /// Call-ID of the caller's side.
    pub call_id: Option<String>,
    /// A part of the text of the Reason header of our answer.
    pub reason: Option<String>,
    /// The verdict in one word.
    pub verdict: Option<String>,
    /// The rule that decided.
    pub rule: Option<String>,
    /// The list that matched.
    pub list: Option<String>,
    /// The trunk that the call came from or went to.
    pub trunk: Option<String>,
    /// Taken up then or later.
    pub since: Option<WallTime>,
    /// Taken up then or earlier.
    pub until: Option<WallTime>,
    /// What an earlier page gave as [`RecordedCalls::next`].
    pub after: Option<String>,
    /// How many at most.
    pub limit: usize,
}

/// Calls of the past, the latest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordedCalls {
    /// Those that were found.
    pub calls: Vec<RecordedCall>,
    /// Where to go on; `None`: all was looked at.
    pub next: Option<String>,
    /// The time of the earliest line that was looked at.
    pub reached: Option<WallTime>,
    /// Lines that could not be read.
    pub damaged: u64,
    /// Files that could not be read (any further), and why.
    pub unread: Vec<String>,
}

/// A call of the past: the columns of its record by their names, in order; those of its end where that is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordedCall(pub Vec<(&'static str, String)>);

impl RecordedCall {
    /// The value of a column; empty when there is none.
    pub fn column(&self, name: &str) -> &str {
        self.0.iter().find(|(own, _)| *own == name).map_or("", |(_, value)| value)
    }
}

/// The calls to somebody that a rule kept from him, the latest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlockedRecords {
    /// Those that were found.
    pub calls: Vec<RecordedCall>,
    /// From then on there are records, and all were read; `None`: there are no records at all.
    pub oldest: Option<WallTime>,
    /// There are more, earlier ones.
    pub has_more: bool,
    /// Files that could not be read, and why.
    pub unread: Vec<String>,
}

/// Why records cannot be looked through.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordFailure {
    /// [`CallQuery::after`] is nothing that a page gave, and what was expected.
    #[error("after: {0}")]
    After(String),
    /// They cannot be read.
    #[error(transparent)]
    Storage(#[from] StorageFailure),
}
