//! What there is to know of a list beside its entries.

use super::StorageFailure;
use crate::lists::{BaseRecord, Digest, Format, ImportRecord, Percent, Report, WhenStale};
use crate::time::WallTime;

/// Where a list comes from, and what is to be known of its files.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListStatus {
    /// Whether it was made at run time rather than by the config.
    pub made_at_run_time: bool,
    /// The layout of its files; `None`: it has none.
    pub format: Option<Format>,
    /// When its base came into force, or when the list was made.
    pub loaded: WallTime,
    /// The base in force; `None` where there is none, as in a list that was made at run time.
    pub base: Option<BaseRecord>,
    /// The bases that a rollback can go to, the latest first.
    pub earlier: Vec<BaseRecord>,
    /// The files of entries that were added to it at run time, in order.
    pub imports: Vec<ImportRecord>,
    /// Whether the base was taken from its snapshot, as its files had not changed.
    pub from_snapshot: bool,
    /// How far the reading of its files is; `None`: they are not being read.
    pub reading: Option<Reading>,
    /// A base that changes more than may be changed unasked.
    pub waiting: Option<Waiting>,
    /// The base that a rollback set aside: the files say it, but it is not used.
    pub set_aside: Option<Digest>,
    /// From when on its files are too old; `None`: never.
    pub stale_from: Option<WallTime>,
    /// Set once they are.
    pub stale: Option<Stale>,
    /// Why another base is in force than its files say, where that is for a mistake in them.
    pub alarm: Option<String>,
    /// The rows that were left out when its files were read.
    pub skipped: Report,
    /// Numbers of its files that the dial plan could not place, so that they were taken as E.164.
    pub guessed: u64,
    /// Rows of its files with bytes that are not in their encoding, in cells that nobody asked for.
    pub not_utf8: u64,
}

/// How far the reading of a list's files is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reading {
    /// Bytes that were read.
    pub bytes: u64,
    /// Bytes that there are.
    pub total_bytes: u64,
    /// Rows that were read.
    pub rows: u64,
}

/// A base that waits to be confirmed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Waiting {
    /// What to confirm.
    pub digest: Digest,
    /// How many entries it has.
    pub entries: u64,
    /// Entries that the base in force does not have.
    pub added: u64,
    /// Entries of the base in force that it does not have.
    pub removed: u64,
    /// Both together, of a hundred entries of the base in force.
    pub changed_percent: f64,
    /// How many of a hundred may change unasked.
    pub max_change: Percent,
}

/// A list whose files are too old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stale {
    /// Since when.
    pub since: WallTime,
    /// What it does.
    pub does: WhenStale,
}

/// Why a list was not made, removed or given another base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListFailure {
    /// No list has this name.
    Unknown,
    /// It cannot be done as things are, and why: the name is taken, the config names the list, nothing waits.
    Conflict(String),
    /// It cannot be stored, or the base not be read.
    Storage(StorageFailure),
}
