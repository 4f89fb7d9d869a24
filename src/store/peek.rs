//! A look at the database beside a running daemon.

use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rusqlite::{Connection, OpenFlags};

use super::{Config, MadeList, Replay, StoreError, replay, schema};

/// The lists made at run time; none when there is no database. Takes no lock and makes no file.
pub fn peek(config: &Config) -> Result<Vec<MadeList>, StoreError> {
    match look(config)? {
        // Format 1 knows no such lists.
        None | Some((_, 1)) => Ok(Vec::new()),
        Some((connection, _)) => replay::made(&connection),
    }
}

/// All that was done at run time, as of one moment; `None` where there is no database, or one of an earlier version that no
/// daemon of this one has opened. Takes no lock and makes no file.
pub fn peek_all(config: &Config) -> Result<Option<Replay>, StoreError> {
    match look(config)? {
        Some((mut connection, schema::FORMAT)) => replay::replay(&mut connection).map(Some),
        None | Some(_) => Ok(None),
    }
}

/// The database, where there is one, and its format.
fn look(config: &Config) -> Result<Option<(Connection, i64)>, StoreError> {
    let path = schema::path_in(&config.dir);
    let failed = |error: std::io::Error| StoreError::File { path: path.clone(), kind: error.kind() };
    if !path.try_exists().map_err(failed)? {
        return Ok(None);
    }
    let journal = schema::journal_in(&config.dir).try_exists().map_err(failed)?;
    let connection = open(&path, journal).map_err(|error| schema::refusal(&path, error))?;
    let format = schema::format(&connection, &path)?;
    Ok(Some((connection, format)))
}

/// Without a journal nobody has the database open; SQLite would make one, and leave it behind, if it were not told that
/// nobody writes.
fn open(path: &Path, journal: bool) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let connection = match path.to_str() {
        Some(text) if !journal => {
            let uri = format!("file:{}?immutable=1", utf8_percent_encode(text, OF_URIS));
            Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)?
        }
        _ => Connection::open_with_flags(path, flags)?,
    };
    connection.busy_timeout(schema::BUSY)?;
    Ok(connection)
}

/// What a path may hold in a URI as it is (RFC 3986 section 3.3).
const OF_URIS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');
