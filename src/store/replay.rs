//! What the database says is in force.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use rusqlite::{Connection, Row, TransactionBehavior, params};

use super::rows::{self, MALFORMED};
use super::{StoreError, edits};
use crate::lists::{BaseRecord, Class, Digest, Edit, FileRecord, FileStamp, ImportRecord};
use crate::screen::ByHand;

/// What was in force when the last process ended, also of lists that the config no longer has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Replay {
    /// The generation that all of this led to; 0 before the first edit or swap.
    pub generation: u64,
    /// The lists made at run time, in the order in which they were made.
    pub made: Vec<MadeList>,
    /// The latest base of each list that had one, and those before it that a rollback can go to: the newest first, each
    /// digest once, at most [`KEPT_BASES`].
    pub bases: BTreeMap<Arc<str>, Vec<BaseRecord>>,
    /// The base that a rollback set aside: as long as the list's files give it, it is not used.
    pub aside: BTreeMap<Arc<str>, Digest>,
    /// What was added to lists at once over their base, in order.
    pub imports: Vec<ImportRecord>,
    /// The latest edit over base and imports of each entry that was ever edited, in the order in which they were made.
    pub edits: Vec<Edit>,
    /// What somebody has set by hand.
    pub by_hand: ByHand,
}

/// A list made at run time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeList {
    /// Its name.
    pub name: Arc<str>,
    /// What it is for.
    pub class: Class,
}

impl Replay {
    /// Whether the snapshot with this digest is still needed.
    pub fn needs(&self, digest: &Digest) -> bool {
        self.bases.values().flatten().any(|base| base.digest == *digest)
            || self.imports.iter().any(|import| import.digest == *digest)
    }
}

/// All of it, as of one moment.
pub(super) fn replay(connection: &mut Connection) -> Result<Replay, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
    Ok(Replay {
        generation: generation(&transaction)?,
        made: made(&transaction)?,
        bases: bases(&transaction)?,
        aside: aside(&transaction)?,
        imports: imports(&transaction)?,
        edits: edits::all(&transaction)?,
        by_hand: by_hand(&transaction)?,
    })
}

pub(super) fn generation(connection: &Connection) -> Result<u64, StoreError> {
    rows::unsigned(connection.query_row("SELECT number FROM generation", [], |row| row.get(0))?)
}

pub(super) fn made(connection: &Connection) -> Result<Vec<MadeList>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT name, class FROM list WHERE ended IS NULL ORDER BY made, name")?;
    collect(statement.query([])?, |row| {
        Ok(MadeList { name: row.get(0)?, class: rows::text(row, 1)?.parse().map_err(|_| MALFORMED)? })
    })
}

fn bases(connection: &Connection) -> Result<BTreeMap<Arc<str>, Vec<BaseRecord>>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT DISTINCT list FROM base WHERE ended IS NULL")?;
    let lists: Vec<Arc<str>> = collect(statement.query([])?, |row| Ok(row.get(0)?))?;
    lists.into_iter().map(|list| kept_bases(connection, &list, KEPT_BASES).map(|kept| (list, kept))).collect()
}

/// The base that the database says the list has.
pub(super) fn base_in_force(connection: &Connection, list: &str) -> Result<Option<BaseRecord>, StoreError> {
    kept_bases(connection, list, 1).map(|mut bases| bases.pop())
}

fn kept_bases(connection: &Connection, list: &str, most: usize) -> Result<Vec<BaseRecord>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT generation, digest, entries, fingerprint FROM base
         WHERE list = ?1 AND ended IS NULL ORDER BY generation DESC",
    )?;
    let mut rows = statement.query([list])?;
    let mut kept: Vec<BaseRecord> = Vec::new();
    while kept.len() < most
        && let Some(row) = rows.next()?
    {
        let digest = rows::digest(row, 1)?;
        if kept.iter().all(|base| base.digest != digest) {
            kept.push(base(connection, list, row)?);
        }
    }
    Ok(kept)
}

/// A base from the columns `generation`, `digest`, `entries` and `fingerprint`, with its files.
pub(super) fn base(connection: &Connection, list: &str, row: &Row<'_>) -> Result<BaseRecord, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT path, digest, bytes, modified, changed, inode FROM base_file
         WHERE list = ?1 AND generation = ?2 ORDER BY position",
    )?;
    let generation: i64 = row.get(0)?;
    let files = collect(statement.query(params![list, generation])?, |row| {
        let path = row.get_ref(0)?.as_blob().map_err(|_| MALFORMED)?;
        let inode: i64 = row.get(5)?;
        Ok(FileRecord {
            path: Arc::from(Path::new(OsStr::from_bytes(path))),
            digest: rows::digest(row, 1)?,
            stamp: FileStamp {
                bytes: rows::integer(row, 2)?,
                modified: rows::time(row, 3)?,
                changed: rows::time(row, 4)?,
                inode: inode.cast_unsigned(),
            },
        })
    })?;
    Ok(BaseRecord {
        digest: rows::digest(row, 1)?,
        entries: rows::integer(row, 2)?,
        files,
        fingerprint: rows::digest(row, 3)?,
    })
}

fn aside(connection: &Connection) -> Result<BTreeMap<Arc<str>, Digest>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT list, digest FROM aside")?;
    let aside = collect(statement.query([])?, |row| Ok((row.get(0)?, rows::digest(row, 1)?)))?;
    Ok(aside.into_iter().collect())
}

fn imports(connection: &Connection) -> Result<Vec<ImportRecord>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT generation, list, digest, entries FROM import WHERE ended IS NULL ORDER BY id")?;
    collect(statement.query([])?, import)
}

fn by_hand(connection: &Connection) -> Result<ByHand, StoreError> {
    Ok(ByHand {
        trunks: by_name(connection, "SELECT name, state FROM trunk")?,
        modes: by_name(connection, "SELECT name, mode FROM rule")?,
    })
}

/// Names with a word each.
fn by_name<T: FromStr>(connection: &Connection, statement: &str) -> Result<BTreeMap<Arc<str>, T>, StoreError> {
    let mut statement = connection.prepare_cached(statement)?;
    let named =
        collect(statement.query([])?, |row| Ok((row.get(0)?, rows::text(row, 1)?.parse().map_err(|_| MALFORMED)?)))?;
    Ok(named.into_iter().collect())
}

/// An import from the columns `generation`, `list`, `digest` and `entries`.
pub(super) fn import(row: &Row<'_>) -> Result<ImportRecord, StoreError> {
    Ok(ImportRecord {
        generation: rows::integer(row, 0)?,
        list: row.get(1)?,
        digest: rows::digest(row, 2)?,
        entries: rows::integer(row, 3)?,
    })
}

pub(super) fn collect<T>(
    mut rows: rusqlite::Rows<'_>,
    mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(read(row)?);
    }
    Ok(all)
}

/// The base in force, the one before it, and one more for whoever notices late: each is a file of up to 400 MB.
pub const KEPT_BASES: usize = 3;
