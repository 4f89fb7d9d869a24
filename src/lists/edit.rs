//! Changes of a list at run time.

use std::sync::Arc;

use jiff::civil::Date;

use super::Entry;
use crate::time::WallTime;

/// What is known of an entry beside the entry itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Details {
    /// Since when it is listed, as the list's owner says.
    pub date: Option<Date>,
    /// Free text.
    pub description: Option<Arc<str>>,
    /// From this moment on it no longer matches.
    pub expires: Option<WallTime>,
    /// Who added it at run time.
    pub added_by: Option<Arc<str>>,
}

impl Details {
    /// Whether the entry still matches at `at`.
    pub fn in_force(&self, at: WallTime) -> bool {
        self.expires.is_none_or(|expires| at < expires)
    }
}

/// What an edit does to its entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Adds the entry or replaces its details.
    Put(Details),
    /// Removes it, the base's own included.
    Remove,
}

/// One addition or removal made at run time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The list's name.
    pub list: Arc<str>,
    /// The entry.
    pub entry: Entry,
    /// What is done to it.
    pub change: Change,
}
