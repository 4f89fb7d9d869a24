//! Opening the state directory.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::schema::Place;
use super::{Config, DatabaseFailure, EditWriter, Keys, Published, Replay, StoreError, replay, schema};

/// The state directory, opened and locked; no edit is written before [`Store::start`].
#[derive(Debug)]
pub struct Store {
    pub(super) dir: PathBuf,
    pub(super) connection: Connection,
    pub(super) place: Place,
    pub(super) keys: Keys,
    /// That of the replay.
    pub(super) generation: u64,
    /// Held open for as long as the process lives: the system gives the lock up with it, also after `kill -9`.
    pub(super) lock: File,
}

impl Store {
    /// Opens `config.dir`, making it at the first start and bringing the database of an earlier version up to this one.
    /// Refuses a directory that another process uses and a database that is foreign or damaged.
    pub fn open(config: &Config) -> Result<(Store, Replay), StoreError> {
        let dir = config.dir.clone();
        // What it holds is personal data and keys.
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&dir);
        made.map_err(|error| StoreError::File { path: dir.clone(), kind: error.kind() })?;
        let lock = lock(&dir)?;
        let keys = Keys::open(&dir)?;
        let mut connection = schema::open(&dir)?;
        let replay = replay::replay(&mut connection).map_err(|error| match error {
            // Whole as far as SQLite can tell, but not what this program writes.
            StoreError::Database(DatabaseFailure::Malformed) => StoreError::Damaged { path: schema::path_in(&dir) },
            error => error,
        })?;
        let place = Place::of(&dir)?;
        Ok((Store { dir, connection, place, keys, generation: replay.generation, lock }, replay))
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
