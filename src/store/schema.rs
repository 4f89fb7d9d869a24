//! The database file: made whole or not at all, and opened only when it is ours and undamaged.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::StoreError;

/// Opens `dir/ringfence.db` for writing, making it when there is none.
pub(super) fn open(dir: &Path) -> Result<Connection, StoreError> {
    let path = path_in(dir);
    let failed = |error: io::Error| StoreError::File { path: path.clone(), kind: error.kind() };
    if !path.try_exists().map_err(failed)? {
        // A journal without its database holds edits that belong to a file which somebody took away.
        if dir.join("ringfence.db-wal").try_exists().map_err(failed)? {
            return Err(StoreError::Damaged { path });
        }
        create(dir, &path)?;
    }
    let connection =
        Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(|error| refusal(&path, error))?;
    check(&connection, &path)?;
    configure(&connection).map_err(|error| refusal(&path, error))?;
    Ok(connection)
}

/// Opens the database for reading beside the writer. WAL mode lets both go on undisturbed.
pub(super) fn open_reader(dir: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(path_in(dir), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(BUSY)?;
    Ok(connection)
}

fn path_in(dir: &Path) -> PathBuf {
    dir.join("ringfence.db")
}

/// Under another name first, so that a file with the right name always is a whole database, and an empty one a
/// damaged one.
fn create(dir: &Path, path: &Path) -> Result<(), StoreError> {
    let unfinished = dir.join("ringfence.db.new");
    let failed = |error: io::Error| StoreError::File { path: unfinished.clone(), kind: error.kind() };
    for suffix in ["", "-journal"] {
        match fs::remove_file(dir.join(format!("ringfence.db.new{suffix}"))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
    }
    // SQLite gives its journals the permissions of the database.
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished).map_err(failed)?;
    let connection = Connection::open(&unfinished)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute_batch(TABLES)?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.pragma_update(None, "user_version", FORMAT)?;
    connection.close().map_err(|(_, error)| error)?;
    File::open(&unfinished).and_then(|file| file.sync_all()).map_err(failed)?;
    fs::rename(&unfinished, path).map_err(failed)?;
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(failed)
}

fn check(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let number = |name: &str| -> Result<i64, StoreError> {
        connection.pragma_query_value(None, name, |row| row.get(0)).map_err(|error| refusal(path, error))
    };
    if number("page_count")? == 0 {
        return Err(StoreError::Damaged { path: path.into() });
    }
    if number("application_id")? != i64::from(APPLICATION_ID) {
        return Err(StoreError::Foreign { path: path.into() });
    }
    let found = number("user_version")?;
    if found > FORMAT {
        return Err(StoreError::Newer { path: path.into(), found, known: FORMAT });
    }
    let verdict: String = connection
        .pragma_query_value(None, "integrity_check", |row| row.get(0))
        .map_err(|error| refusal(path, error))?;
    if verdict == "ok" { Ok(()) } else { Err(StoreError::Damaged { path: path.into() }) }
}

/// Commit means on the disk: an acknowledged edit survives a power cut.
fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.busy_timeout(BUSY)
}

/// An error while opening says that the file is no database of ours or that it is damaged.
fn refusal(path: &Path, error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => StoreError::Foreign { path: path.into() },
        Some(rusqlite::ErrorCode::DatabaseCorrupt) => StoreError::Damaged { path: path.into() },
        _ => error.into(),
    }
}

/// "RING" in ASCII: marks the file as ours (<https://www.sqlite.org/pragma.html#pragma_application_id>).
const APPLICATION_ID: i32 = 0x5249_4E47;

/// Raised when the tables change.
pub(super) const FORMAT: i64 = 1;

/// Only backups by an operator's tool ever hold the file; a second is longer than they hold it.
const BUSY: Duration = Duration::from_secs(1);

/// `edit` holds the latest edit per list and entry, `audit` all of them. Entries stand in their canonical spelling,
/// which no dial plan reads as another entry; times are microseconds since 1970.
const TABLES: &str = "
    CREATE TABLE generation (
        id     INTEGER PRIMARY KEY CHECK (id = 1),
        number INTEGER NOT NULL
    ) STRICT;
    INSERT INTO generation VALUES (1, 0);

    CREATE TABLE edit (
        list        TEXT NOT NULL,
        entry       TEXT NOT NULL,
        change      TEXT NOT NULL CHECK (change IN ('put', 'remove')),
        date        TEXT,
        description TEXT,
        expires     INTEGER,
        added_by    TEXT,
        generation  INTEGER NOT NULL,
        PRIMARY KEY (list, entry)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX edit_by_generation ON edit (generation);

    CREATE TABLE audit (
        generation  INTEGER PRIMARY KEY,
        time        INTEGER NOT NULL,
        actor       TEXT NOT NULL,
        change      TEXT NOT NULL CHECK (change IN ('put', 'remove', 'reload')),
        list        TEXT,
        entry       TEXT,
        date        TEXT,
        description TEXT,
        expires     INTEGER
    ) STRICT;
";
