//! What is told of the past of lists, trunks and rules: which bases were in force, and who changed what.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{Details, Digest, Entry};
use crate::time::WallTime;

/// A base and what it was made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseRecord {
    /// [`Base::digest`](super::Base::digest), which also names its snapshot.
    pub digest: Digest,
    /// How many entries it has.
    pub entries: u64,
    /// The list's file, then its change files, in the order in which they were read; none for a list without a file.
    pub files: Vec<FileRecord>,
    /// Of all that decided what the bytes of the files mean: the same files with another one are read anew.
    pub fingerprint: Digest,
}

impl BaseRecord {
    /// From when on it is too old, where its newest file may have this age; `None`: never, for want of a limit or a file.
    pub fn stale_from(&self, max_age: Option<Duration>) -> Option<WallTime> {
        let newest = self.files.iter().map(|file| file.stamp.modified).max()?;
        Some(newest + max_age?)
    }
}

/// A file as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRecord {
    /// Where it lay.
    pub path: Arc<Path>,
    /// The SHA-256 of its bytes.
    pub digest: Digest,
    /// What the system said of it before it was read.
    pub stamp: FileStamp,
}

/// What the system says of a file without reading it. As long as none of it changes, the file is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct FileStamp {
    /// Its length.
    pub bytes: u64,
    /// When its bytes were last written, as far as whoever copied it says the truth.
    pub modified: WallTime,
    /// When anything of it last changed; nobody can set it.
    pub changed: WallTime,
    /// Its number on its file system.
    pub inode: u64,
}

/// A file of many entries that were added at once at run time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportRecord {
    /// The generation it led to.
    pub generation: u64,
    /// The list that it was added to.
    pub list: Arc<str>,
    /// The digest of the base that its entries were made into, which also names its snapshot.
    pub digest: Digest,
    /// How many entries.
    pub entries: u64,
}

/// What somebody did, as one line of the audit trail tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// An entry was added or its details replaced.
    Put,
    /// An entry was removed.
    Remove,
    /// Lists and rules were read again.
    Reload,
    /// A list was made.
    Make,
    /// A list that was made at run time was removed with all that was in it.
    Unmake,
    /// A file of many entries was added to a list.
    Import,
    /// An earlier base of a list was put in force again.
    Rollback,
    /// A base that waited, because it changes much, was put in force.
    Confirm,
    /// A trunk that was closed is used again.
    Up,
    /// No more calls go to a trunk.
    Drain,
    /// No calls go to a trunk or come from it; or a rule is skipped.
    Off,
    /// A rule acts.
    Enforce,
    /// A rule only observes.
    Observe,
    /// A rule has the mode of the config again.
    Reset,
}

impl Action {
    /// All of them.
    pub const ALL: [Action; 14] = [
        Action::Put,
        Action::Remove,
        Action::Reload,
        Action::Make,
        Action::Unmake,
        Action::Import,
        Action::Rollback,
        Action::Confirm,
        Action::Up,
        Action::Drain,
        Action::Off,
        Action::Enforce,
        Action::Observe,
        Action::Reset,
    ];

    /// As the trail and the admin port spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Put => "put",
            Action::Remove => "remove",
            Action::Reload => "reload",
            Action::Make => "make",
            Action::Unmake => "unmake",
            Action::Import => "import",
            Action::Rollback => "rollback",
            Action::Confirm => "confirm",
            Action::Up => "up",
            Action::Drain => "drain",
            Action::Off => "off",
            Action::Enforce => "enforce",
            Action::Observe => "observe",
            Action::Reset => "reset",
        }
    }
}

/// One line of the audit trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditLine {
    /// The generation that it led to.
    pub generation: u64,
    /// When.
    pub at: WallTime,
    /// Who.
    pub actor: Arc<str>,
    /// Why, as far as he said.
    pub reason: Option<Arc<str>>,
    /// What was done.
    pub action: Action,
    /// To which list; `None`: to all of them, or to a trunk or rule.
    pub list: Option<Arc<str>>,
    /// To which trunk.
    pub trunk: Option<Arc<str>>,
    /// To which rule.
    pub rule: Option<Arc<str>>,
    /// To which entry.
    pub entry: Option<Entry>,
    /// What was said of the entry.
    pub details: Details,
    /// The base that was imported or put in force.
    pub digest: Option<Digest>,
    /// How many entries it has.
    pub entries: Option<u64>,
}

/// Which lines of the trail are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditQuery {
    /// Those of one list, and of all lists together.
    pub list: Option<Arc<str>>,
    /// Those of one entry; of a number also those of the prefixes and ranges that hold it.
    pub entry: Option<Entry>,
    /// Those before this generation.
    pub before: Option<u64>,
    /// At most so many, the latest first.
    pub limit: usize,
}

/// What a list was at some generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListAt {
    /// The base in force, with the generation that brought it and when; `None`: the list had none yet.
    pub base: Option<(u64, WallTime, BaseRecord)>,
    /// The imports over it, in order.
    pub imports: Vec<ImportRecord>,
    /// How many edits were made over both.
    pub edits: u64,
    /// The generation that made the list, or ended an earlier one of its name: what is older is not its past. 0: it has
    /// been there from the beginning.
    pub began: u64,
}
