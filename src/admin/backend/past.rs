//! The past.

use crate::lists::{AuditLine, Entry};

/// Whether a list held an entry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HeldAt {
    /// Whether it did; `None`: the base of then is not kept any more, and no edit tells.
    pub held: Option<bool>,
    /// Through which of its entries.
    pub through: Option<Entry>,
    /// The edit or import that added or removed it; `None`: the list's own files say it.
    pub edit: Option<AuditLine>,
}
