//! Opening the state directory.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::{Config, EditWriter, Keys, Published, StoreError, schema, transaction};
use crate::lists::Edit;

/// What was in force when the last process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// The latest edit of each entry that was ever edited, also of lists that the config no longer has.
    pub edits: Vec<Edit>,
    /// The generation that these edits led to; 0 before the first edit or reload.
    pub generation: u64,
}

/// The state directory, opened and locked; nothing is written before [`Store::start`].
#[derive(Debug)]
pub struct Store {
    pub(super) dir: PathBuf,
    pub(super) connection: Connection,
    pub(super) keys: Keys,
    /// Held open for as long as the process lives: the system gives the lock up with it, also after `kill -9`.
    pub(super) lock: File,
}

impl Store {
    /// Opens `config.dir`, making it at the first start. Refuses a directory that another process uses and a database
    /// that is foreign or damaged.
    pub fn open(config: &Config) -> Result<(Store, Replay), StoreError> {
        let dir = config.dir.clone();
        // What it holds is personal data and keys.
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&dir);
        made.map_err(|error| StoreError::File { path: dir.clone(), kind: error.kind() })?;
        let lock = lock(&dir)?;
        let keys = Keys::open(&dir)?;
        let mut connection = schema::open(&dir)?;
        let replay = transaction::replay(&mut connection)?;
        Ok((Store { dir, connection, keys, lock }, replay))
    }

    /// The keys of this installation.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Starts the thread that commits edits and publishes them through `published`.
    pub fn start(self, published: impl Published) -> Result<EditWriter, StoreError> {
        EditWriter::start(self, published)
    }
}

/// Takes the lock, or says that somebody has it.
fn lock(dir: &Path) -> Result<File, StoreError> {
    let path = dir.join("lock");
    let failed = |error: io::Error| StoreError::File { path: path.clone(), kind: error.kind() };
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { dir: dir.into() }),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}
