//! Values as the columns hold them.

use std::collections::HashSet;
use std::sync::Arc;

use rusqlite::{Row, Transaction};

use super::{DatabaseFailure, StoreError};
use crate::lists::{Details, Digest, Entry};
use crate::time::WallTime;

/// What is stored breaks the store's own rules.
pub(super) const MALFORMED: StoreError = StoreError::Database(DatabaseFailure::Malformed);

/// Raises the generation by so many and answers the new one, which no other connection can raise before this one
/// commits.
pub(super) fn raise_generation(transaction: &Transaction<'_>, by: i64) -> rusqlite::Result<i64> {
    transaction
        .prepare_cached("UPDATE generation SET number = number + ?1 RETURNING number")?
        .query_row([by], |row| row.get(0))
}

/// SQLite's integers are signed; the largest of them is a time in the year 294247, and a generation that no program
/// lives to see.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn micros(at: WallTime) -> i64 {
    signed(at.as_micros())
}

pub(super) fn unsigned(number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| MALFORMED)
}

pub(super) fn integer(row: &Row<'_>, column: usize) -> Result<u64, StoreError> {
    unsigned(row.get(column)?)
}

pub(super) fn time(row: &Row<'_>, column: usize) -> Result<WallTime, StoreError> {
    integer(row, column).map(WallTime::from_micros)
}

pub(super) fn digest(row: &Row<'_>, column: usize) -> Result<Digest, StoreError> {
    row.get(column).map(Digest::from_bytes).map_err(|_| MALFORMED)
}

pub(super) fn text<'r>(row: &'r Row<'_>, column: usize) -> Result<&'r str, StoreError> {
    row.get_ref(column)?.as_str().map_err(|_| MALFORMED)
}

pub(super) fn entry(row: &Row<'_>, column: usize) -> Result<Entry, StoreError> {
    text(row, column)?.parse().map_err(|_| MALFORMED)
}

/// The columns `date`, `description` and `expires`, which stand side by side from `first` on.
pub(super) fn details(row: &Row<'_>, first: usize) -> Result<Details, StoreError> {
    let date = row.get_ref(first)?.as_str_or_null().map_err(|_| MALFORMED)?;
    let expires: Option<i64> = row.get(first + 2)?;
    Ok(Details {
        date: date.map(str::parse).transpose().map_err(|_| MALFORMED)?,
        description: row.get(first + 1)?,
        expires: expires.map(unsigned).transpose()?.map(WallTime::from_micros),
        added_by: None,
    })
}

/// Names that a million rows repeat, held once.
#[derive(Debug, Default)]
pub(super) struct Names(HashSet<Arc<str>>);

impl Names {
    pub(super) fn shared(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.0.get(name) {
            return Arc::clone(known);
        }
        let name: Arc<str> = name.into();
        self.0.insert(Arc::clone(&name));
        name
    }
}
