//! The database file: made whole or not at all, and opened only when it is ours and undamaged.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::StoreError;

/// Opens `dir/ringfence.db` for writing, making it when there is none and bringing an earlier format up to this one.
pub(super) fn open(dir: &Path) -> Result<Connection, StoreError> {
    let path = path_in(dir);
    let failed = |error: io::Error| StoreError::File { path: path.clone(), kind: error.kind() };
    if !path.try_exists().map_err(failed)? {
        // A journal without its database holds edits that belong to a file which somebody took away.
        if journal_in(dir).try_exists().map_err(failed)? {
            return Err(StoreError::Damaged { path });
        }
        create(dir, &path)?;
    }
    let mut connection =
        Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(|error| refusal(&path, error))?;
    let found = check(&connection, &path)?;
    configure(&connection).map_err(|error| refusal(&path, error))?;
    if found < FORMAT {
        migrate(&mut connection, found)?;
    }
    Ok(connection)
}

/// Opens the database once more for writing, after a failure of another connection that is still open. That one must be
/// dropped later: as long as one is open, a new one takes over from it what is committed. The first connection to a
/// database finds this out from the journal, where a commit that failed at the last moment can look like one that did
/// not.
pub(super) fn reopen(dir: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(path_in(dir), OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    configure(&connection)?;
    Ok(connection)
}

/// Opens the database for reading beside the writer. WAL mode lets both go on undisturbed.
pub(super) fn open_reader(dir: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(path_in(dir), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(BUSY)?;
    Ok(connection)
}

/// Commits something that means nothing: whether that works, and so that nothing of a commit that failed before is left
/// in the journal, where the next process could take it for one that did not.
pub(super) fn probe(connection: &mut Connection) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Random, because SQLite does not write what is there already.
    transaction.execute("UPDATE probe SET filler = randomblob(?1)", [PROBE_BYTES])?;
    Ok(transaction.commit()?)
}

/// Which file the database is.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl Place {
    /// That of the database in `dir`.
    pub(super) fn of(dir: &Path) -> Result<Place, StoreError> {
        let path = path_in(dir);
        match fs::metadata(&path) {
            Ok(file) => Ok(Place { device: file.dev(), inode: file.ino(), path }),
            Err(error) => Err(StoreError::File { path, kind: error.kind() }),
        }
    }

    /// Whether it still lies there. SQLite would go on with a file that was moved away or replaced, and every edit in it
    /// would be lost at the next start.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        match fs::metadata(&self.path) {
            Ok(file) if (file.dev(), file.ino()) == (self.device, self.inode) => Ok(()),
            Ok(_) => Err(StoreError::Replaced { path: self.path.clone() }),
            Err(error) => Err(StoreError::File { path: self.path.clone(), kind: error.kind() }),
        }
    }
}

pub(super) fn path_in(dir: &Path) -> PathBuf {
    dir.join("ringfence.db")
}

pub(super) fn journal_in(dir: &Path) -> PathBuf {
    dir.join("ringfence.db-wal")
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
    connection.execute_batch(FIRST_TABLES)?;
    connection.execute_batch(AUDIT)?;
    connection.execute_batch(AUDIT_INDEXES)?;
    connection.execute_batch(LISTS)?;
    connection.execute_batch(TRUNKS)?;
    connection.execute_batch(RULES)?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.pragma_update(None, "user_version", FORMAT)?;
    connection.close().map_err(|(_, error)| error)?;
    File::open(&unfinished).and_then(|file| file.sync_all()).map_err(failed)?;
    fs::rename(&unfinished, path).map_err(failed)?;
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(failed)
}

/// From format `found` to this one: all of it or nothing.
fn migrate(connection: &mut Connection, found: i64) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    if found < 2 {
        copy_audit(&transaction)?;
        transaction.execute_batch(LISTS)?;
    }
    // A trail that has its columns stays as it lies: of ten million rows none is written anew.
    if found == 2 {
        transaction.execute_batch("ALTER TABLE audit ADD COLUMN trunk TEXT")?;
    }
    if found < 3 {
        transaction.execute_batch(TRUNKS)?;
    }
    if (2..4).contains(&found) {
        transaction.execute_batch("ALTER TABLE audit ADD COLUMN rule TEXT")?;
    }
    transaction.execute_batch(RULES)?;
    transaction.pragma_update(None, "user_version", FORMAT)?;
    Ok(transaction.commit()?)
}

/// From format 1, in which the trail had other columns.
fn copy_audit(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch("ALTER TABLE audit RENAME TO audit_1")?;
    transaction.execute_batch(AUDIT)?;
    // Only ranges begin with a digit and hold a dash: a SIP user name in a list begins with neither.
    transaction.execute_batch(
        "INSERT INTO audit (generation, time, actor, change, list, entry, date, description, expires, first, last)
         SELECT generation, time, actor, change, list, entry, date, description, expires,
             iif(entry GLOB '[0-9]*-*', CAST(substr(entry, 1, instr(entry, '-') - 1) AS INTEGER), NULL),
             iif(entry GLOB '[0-9]*-*', CAST(substr(entry, instr(entry, '-') + 1) AS INTEGER), NULL)
         FROM audit_1 ORDER BY generation;
         DROP TABLE audit_1;",
    )?;
    transaction.execute_batch(AUDIT_INDEXES)
}

/// Its format, when it is whole and one of ours.
fn check(connection: &Connection, path: &Path) -> Result<i64, StoreError> {
    let found = format(connection, path)?;
    // Not `integrity_check`: that looks up every row of the trail in each index, which takes longer than a start may.
    // This one counts the rows of an index only.
    let verdict: String =
        connection.pragma_query_value(None, "quick_check", |row| row.get(0)).map_err(|error| refusal(path, error))?;
    if verdict == "ok" { Ok(found) } else { Err(StoreError::Damaged { path: path.into() }) }
}

/// Its format, when it is one of ours.
pub(super) fn format(connection: &Connection, path: &Path) -> Result<i64, StoreError> {
    let number = |name: &str| -> Result<i64, StoreError> {
        connection.pragma_query_value(None, name, |row| row.get(0)).map_err(|error| refusal(path, error))
    };
    if number("page_count")? == 0 {
        return Err(StoreError::Damaged { path: path.into() });
    }
    if number("application_id")? != i64::from(APPLICATION_ID) {
        return Err(StoreError::Foreign { path: path.into() });
    }
    match number("user_version")? {
        found if found > FORMAT => Err(StoreError::Newer { path: path.into(), found, known: FORMAT }),
        // Set in the same file, before it got its name.
        found if found < 1 => Err(StoreError::Damaged { path: path.into() }),
        found => Ok(found),
    }
}

/// Commit means on the disk: an acknowledged edit survives a power cut.
fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "cache_size", CACHE_KIB)?;
    connection.pragma_update_and_check(None, "journal_size_limit", JOURNAL_BYTES, |_| Ok(()))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.busy_timeout(BUSY)
}

/// An error while opening says that the file is no database of ours or that it is damaged.
pub(super) fn refusal(path: &Path, error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => StoreError::Foreign { path: path.into() },
        Some(rusqlite::ErrorCode::DatabaseCorrupt) => StoreError::Damaged { path: path.into() },
        // SQLite does not say why; the system does.
        Some(rusqlite::ErrorCode::CannotOpen) => match OpenOptions::new().read(true).write(true).open(path) {
            Err(why) => StoreError::File { path: path.into(), kind: why.kind() },
            Ok(_) => error.into(),
        },
        _ => error.into(),
    }
}

/// "RING" in ASCII: marks the file as ours (<https://www.sqlite.org/pragma.html#pragma_application_id>).
const APPLICATION_ID: i32 = 0x5249_4E47;

/// Raised when the tables change.
pub(super) const FORMAT: i64 = 4;

/// Only backups by an operator's tool ever hold the file; a second is longer than they hold it.
pub(super) const BUSY: Duration = Duration::from_secs(1);

/// 64 MiB, negative as SQLite wants KiB: the indexes of a million edits fit, so that an edit among them reads no page.
const CACHE_KIB: i64 = -65_536;

/// A large group leaves the journal this long at most.
const JOURNAL_BYTES: i64 = 64 << 20;

/// More than there are statements in this module.
const STATEMENTS: usize = 64;

/// As many pages as an edit of the longest description changes, so that a disk on which this fits takes an edit.
const PROBE_BYTES: i64 = 32 << 10;

/// `edit` holds the latest edit per list and entry. Entries stand in their canonical spelling, which no dial plan reads
/// as another entry; times are microseconds since 1970.
pub(super) const FIRST_TABLES: &str = "
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
";

/// All that was ever done. `change` is checked where it is read, so that a new one needs no copy of ten million rows;
/// `first` and `last` are the ends of a range.
const AUDIT: &str = "
    CREATE TABLE audit (
        generation  INTEGER PRIMARY KEY,
        time        INTEGER NOT NULL,
        actor       TEXT NOT NULL,
        reason      TEXT,
        change      TEXT NOT NULL,
        list        TEXT,
        entry       TEXT,
        date        TEXT,
        description TEXT,
        expires     INTEGER,
        digest      BLOB,
        entries     INTEGER,
        first       INTEGER,
        last        INTEGER,
        trunk       TEXT,
        rule        TEXT
    ) STRICT;
";

/// Each ends with the generation, as every index of SQLite ends with the row's key.
const AUDIT_INDEXES: &str = "
    CREATE INDEX audit_by_list ON audit (list);
    CREATE INDEX audit_by_entry ON audit (list, entry) WHERE entry IS NOT NULL;
    CREATE INDEX audit_ranges ON audit (first, last) WHERE first IS NOT NULL;
";

/// What is in force has no `ended`; the rest is kept for questions about the past. Digests have 32 bytes; paths are
/// bytes, which need not be text.
const LISTS: &str = "
    CREATE TABLE list (
        name  TEXT NOT NULL,
        class TEXT NOT NULL,
        made  INTEGER NOT NULL,
        ended INTEGER,
        PRIMARY KEY (name, made)
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX list_in_force ON list (name) WHERE ended IS NULL;

    CREATE TABLE base (
        list        TEXT NOT NULL,
        generation  INTEGER NOT NULL,
        digest      BLOB NOT NULL,
        entries     INTEGER NOT NULL,
        fingerprint BLOB NOT NULL,
        ended       INTEGER,
        PRIMARY KEY (list, generation)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE base_file (
        list       TEXT NOT NULL,
        generation INTEGER NOT NULL,
        position   INTEGER NOT NULL,
        path       BLOB NOT NULL,
        digest     BLOB NOT NULL,
        bytes      INTEGER NOT NULL,
        modified   INTEGER NOT NULL,
        changed    INTEGER NOT NULL,
        inode      INTEGER NOT NULL,
        PRIMARY KEY (list, generation, position)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE import (
        id         INTEGER PRIMARY KEY,
        generation INTEGER NOT NULL,
        list       TEXT NOT NULL,
        digest     BLOB NOT NULL,
        entries    INTEGER NOT NULL,
        ended      INTEGER
    ) STRICT;
    CREATE INDEX import_by_list ON import (list);

    CREATE TABLE aside (
        list   TEXT PRIMARY KEY,
        digest BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE probe (
        id     INTEGER PRIMARY KEY CHECK (id = 1),
        filler BLOB NOT NULL
    ) STRICT;
    INSERT INTO probe VALUES (1, randomblob(32768));
";

/// The trunks that somebody has closed, whether the config has them or not.
const TRUNKS: &str = "
    CREATE TABLE trunk (
        name  TEXT PRIMARY KEY,
        state TEXT NOT NULL CHECK (state IN ('drain', 'off'))
    ) STRICT, WITHOUT ROWID;
";

/// The rules whose mode somebody has set, whether the config has them or not.
const RULES: &str = "
    CREATE TABLE rule (
        name TEXT PRIMARY KEY,
        mode TEXT NOT NULL CHECK (mode IN ('enforce', 'observe', 'off'))
    ) STRICT, WITHOUT ROWID;
";
