//! [`ListSource`]: where the bases of lists come from.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use thiserror::Error;

use super::request::{BaseRequest, ListRead};
use crate::lists::{Base, BaseRecord, Digest, FileError, Percent, Report};
use crate::time::WallTime;

/// Gives each list its base.
///
/// It is asked once for every list, in their order, also when the config has turned out bad before: all mistakes are told
/// together. What it keeps may be kept before the config is known to be good, so it must be worth keeping either way.
pub trait ListSource {
    /// What the list's files and table say, or what stands in for it.
    fn base(&mut self, request: &BaseRequest<'_>) -> Result<Sourced, BaseError>;
}

/// The base of a list, and what is to be told of it.
#[derive(Debug, Clone)]
pub struct Sourced {
    /// The base.
    pub base: Arc<Base>,
    /// What it was made of.
    pub record: BaseRecord,
    /// What reading its files told, in their order; empty when they were not read.
    pub told: Vec<FileTold>,
    /// From this moment on it is too old.
    pub stale_from: Option<WallTime>,
    /// Whether it was read from a snapshot and not from its files.
    pub from_snapshot: bool,
    /// What the operator must know.
    pub notices: Vec<SourceNotice>,
}

impl Sourced {
    /// What the files have just said.
    pub fn read(request: &BaseRequest<'_>, read: ListRead) -> Sourced {
        Sourced {
            stale_from: request.stale_from(&read.record),
            base: Arc::new(read.base),
            record: read.record,
            told: read.told,
            from_snapshot: false,
            notices: Vec::new(),
        }
    }
}

/// What reading a file told beside its entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileTold {
    /// The file.
    pub path: Arc<Path>,
    /// How many rows, without the header and empty lines, bad ones that were skipped included.
    pub rows: u64,
    /// How many of its entries came more than once; in a list without change files also those of the list's table.
    pub duplicates: u64,
    /// How many entries it takes out of the files before it.
    pub removals: u64,
    /// How many numbers the dial plan could not place, so that they were taken as E.164.
    pub guessed: u64,
    /// How many rows had bytes that are not in the file's encoding in cells that nobody asked for.
    pub not_utf8: u64,
    /// The rows that `on_error = "skip"` left out.
    pub skipped: Report,
}

/// Counts only, so that a log may have it.
impl fmt::Display for FileTold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows", self.rows)?;
        let counts = [
            (self.removals, "removals"),
            (self.duplicates, "duplicates"),
            (self.guessed, "numbers that the dial plan does not place, taken as E.164"),
            (self.not_utf8, "rows that are not in the file's encoding where nobody reads them"),
            (self.skipped.total, "rows skipped"),
        ];
        counts.iter().filter(|(count, _)| *count > 0).try_for_each(|(count, what)| write!(f, ", {count} {what}"))?;
        if !self.skipped.is_empty() {
            write!(f, ": {}", counted(&self.skipped.kinds))?;
        }
        Ok(())
    }
}

/// Why a list has another base than its files say, or how.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum SourceNotice {
    /// The files change more than `max_change` lets.
    #[error(
        "the files add {added} entries and remove {removed}, which is more than {}%: what was in force stays until the \
         change is confirmed (base {})", .max_change.get(), .record.digest
    )]
    Waits {
        /// The base that waits.
        record: BaseRecord,
        /// How many entries it adds to the base in force.
        added: u64,
        /// How many it takes out of it.
        removed: u64,
        /// How many entries the base in force has.
        before: u64,
        /// How much may change unasked.
        max_change: Percent,
    },
    /// A rollback has set aside what the files say.
    #[error("a rollback has set aside what the files say (base {0}): what was in force stays until the files change")]
    SetAside(Digest),
    /// The base is in force, but it could not be kept for the next start and for a rollback.
    #[error("no snapshot is kept: {0}")]
    NoSnapshot(Box<str>),
    /// The files cannot be used.
    #[error("{0}; the last good snapshot is in force")]
    Fallback(BaseError),
}

/// Why a list has no base.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BaseError {
    /// A file cannot be opened.
    #[error("{} cannot be read: {kind}", path.display())]
    Unreadable {
        /// The file.
        path: Arc<Path>,
        /// Why.
        kind: io::ErrorKind,
    },
    /// A directory, a pipe, a device: what has no length and no end would be waited for.
    #[error("{} is no regular file", path.display())]
    NotRegular {
        /// The path.
        path: Arc<Path>,
    },
    /// It is another file than when its reading began, or has another length: nobody can say what was read.
    #[error("{}: {CHANGED}", path.display())]
    Changed {
        /// The file.
        path: Arc<Path>,
    },
    /// What stands in a file is wrong.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: Arc<Path>,
        /// What is wrong.
        error: FileError,
    },
}

impl BaseError {
    /// The file that is to blame.
    pub fn path(&self) -> &Arc<Path> {
        match self {
            BaseError::Unreadable { path, .. }
            | BaseError::NotRegular { path }
            | BaseError::Changed { path }
            | BaseError::File { path, .. } => path,
        }
    }
}

/// `2 letter, 1 date`.
pub(super) fn counted(kinds: &[(&'static str, u64)]) -> String {
    kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect::<Vec<_>>().join(", ")
}

pub(super) const CHANGED: &str = "the file changed while it was read: read it again once it is whole";
