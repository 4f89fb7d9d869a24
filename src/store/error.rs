//! What can go wrong with state.

use std::io;
use std::path::PathBuf;

/// Why the store cannot be opened, or cannot do now what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The state directory or a file in it cannot be made, read or written.
    #[error("{}: {kind}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        kind: io::ErrorKind,
    },
    /// Another process holds the state directory.
    #[error("the state directory {} is in use by another ringfence process", .dir.display())]
    InUse {
        /// The directory.
        dir: PathBuf,
    },
    /// The database belongs to another program.
    #[error("{} is not a database of ringfence", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The database was written by a later version of the program.
    #[error("{} has format {found}, this program knows formats up to {known}", .path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// The database is damaged. It is never replaced by an empty one: restore it from a backup, or move it away to
    /// give up the edits in it.
    #[error("{} is damaged; restore it from a backup, or move it away to give up the edits in it", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// Somebody has put another file in the place of the database that is in use.
    #[error("{} is not the database that is in use; put that one back, or restart", .path.display())]
    Replaced {
        /// The file.
        path: PathBuf,
    },
    /// The key file has not the length of one.
    #[error("{} is damaged: {found} bytes instead of {expected}", .path.display())]
    DamagedKeys {
        /// The file.
        path: PathBuf,
        /// Its length.
        found: usize,
        /// The length of a key file.
        expected: usize,
    },
    /// The system gave no random bytes for the keys.
    #[error("the system gives no random bytes")]
    NoRandomness,
    /// SQLite failed: a full disk, an input/output error. The same call may succeed later.
    #[error("the database cannot be written or read: {0}")]
    Database(DatabaseFailure),
    /// The bounded queue of edits is full.
    #[error("too many edits are waiting")]
    QueueFull,
    /// The writer has ended.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// Whether no space is left, which is for the operator to mend.
    pub fn is_full(&self) -> bool {
        match self {
            StoreError::Database(failure) => *failure == DatabaseFailure::DiskFull,
            StoreError::File { kind, .. } => is_full(*kind),
            _ => false,
        }
    }
}

/// Whether this says that no space is left.
pub(super) fn is_full(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// What SQLite said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseFailure {
    /// No space is left.
    #[error("no space left on the disk")]
    DiskFull,
    /// Reading or writing failed.
    #[error("input/output error ({0})")]
    Io(i32),
    /// The file, its directory or its file system does not let itself be written.
    #[error("it is read-only")]
    ReadOnly,
    /// Another process holds the database, such as a backup.
    #[error("another process holds it")]
    Busy,
    /// What is stored breaks the store's own rules.
    #[error("a stored value is malformed")]
    Malformed,
    /// Anything else, by SQLite's extended result code.
    #[error("SQLite result code {0}")]
    Other(i32),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> StoreError {
        StoreError::Database(match error {
            rusqlite::Error::SqliteFailure(code, _) => match code.code {
                rusqlite::ErrorCode::DiskFull => DatabaseFailure::DiskFull,
                // The index of the journal lies in a file beside it and grows by nothing but a write.
                rusqlite::ErrorCode::SystemIoFailure if code.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE => {
                    DatabaseFailure::DiskFull
                }
                rusqlite::ErrorCode::DatabaseCorrupt => DatabaseFailure::Malformed,
                rusqlite::ErrorCode::ReadOnly => DatabaseFailure::ReadOnly,
                rusqlite::ErrorCode::DatabaseBusy => DatabaseFailure::Busy,
                rusqlite::ErrorCode::SystemIoFailure => DatabaseFailure::Io(code.extended_code),
                _ => DatabaseFailure::Other(code.extended_code),
            },
            _ => DatabaseFailure::Malformed,
        })
    }
}
