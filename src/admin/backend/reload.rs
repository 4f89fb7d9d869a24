//! Reading lists and rules again.

use serde::Serialize;

use super::StorageFailure;

/// What a reload changed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Reloaded {
    /// The generation it led to.
    pub generation: u64,
    /// Every list; one that is gone comes last.
    pub lists: Vec<ListChange>,
    /// Trunks, rules and their tables that are different.
    pub rules: Vec<RuleChange>,
    /// Keys that are different and come into force at the next start.
    pub restart_needed: Vec<String>,
    /// What is worth a look.
    pub warnings: Vec<String>,
}

/// What a reload did to one list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListChange {
    /// Its name.
    pub list: String,
    /// Entries before; `null` when the list is new.
    pub before: Option<u64>,
    /// Entries now; `null` when the list is gone.
    pub after: Option<u64>,
}

/// What a reload did to one table of the config.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleChange {
    /// The table: `numbers`, `answers`, `trunk`, `inbound`, `campaign` or `route`.
    pub table: &'static str,
    /// Which of them; `null` when there is only one or when all are meant.
    pub name: Option<String>,
    /// `added`, `removed`, `changed` or `reordered`.
    pub change: &'static str,
}

/// Why a reload changed nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReloadFailure {
    /// The files are wrong, here.
    Invalid(Vec<ReloadProblem>),
    /// It cannot be stored, or lists not be read back.
    Storage(StorageFailure),
}

/// One mistake in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReloadProblem {
    /// What is wrong.
    pub detail: String,
    /// The file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The column, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u64>,
}
