//! Edits, one or many.

use super::StorageFailure;
use crate::lists::{Condition, Edit, Effect};

/// Edits that are made together or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditGroup {
    /// In the order in which they are made.
    pub edits: Vec<Edit>,
    /// What must hold of the entry; only where there is one edit.
    pub condition: Option<Condition>,
}

/// Edits that are on the disk and in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// What each of them did, in their order.
    pub effects: Vec<Effect>,
    /// The generation that the last one led to.
    pub generation: u64,
}

/// Why none of the edits is stored or in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EditFailure {
    /// One of them cannot be made.
    Refused {
        /// Its place in the group, from 0.
        at: usize,
        /// Why.
        refusal: Refusal,
    },
    /// They cannot be stored.
    Storage(StorageFailure),
}

/// Why an edit cannot be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// No list has this name.
    UnknownList,
    /// The entry to be removed is not there.
    Absent,
    /// The condition does not hold.
    Condition,
    /// The list cannot hold such an entry, and why.
    Unfit(String),
}
