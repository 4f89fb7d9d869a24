//! The statements: what one commit writes, and what a start or a reload reads.

use rusqlite::{Connection, Row, Transaction, TransactionBehavior, params};

use std::sync::Arc;

use super::{DatabaseFailure, Replay, StoreError};
use crate::lists::{Change, Details, Edit};
use crate::time::WallTime;

/// One edit as the audit trail names it.
pub(super) struct Authored<'a> {
    pub(super) actor: &'a str,
    pub(super) at: WallTime,
    pub(super) edit: &'a Edit,
}

/// Commits the edits as one group, each with a generation of its own, and answers the last one's.
pub(super) fn commit_edits(connection: &mut Connection, edits: &[Authored<'_>]) -> Result<u64, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let count = i64::try_from(edits.len()).expect("a group is small");
    let last = raise_generation(&transaction, count)?;
    for (generation, authored) in (last - count + 1..).zip(edits) {
        write_edit(&transaction, generation, authored)?;
    }
    transaction.commit()?;
    stored_generation(last)
}

/// Commits a reload. `prepare` is given the edits that are newer than `since` and the new generation; `None` from it
/// commits nothing.
pub(super) fn commit_reload<T>(
    connection: &mut Connection,
    actor: &str,
    at: WallTime,
    since: u64,
    prepare: impl FnOnce(&[Edit], u64) -> Option<T>,
) -> Result<Option<(T, u64)>, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let newer = edits_since(&transaction, since)?;
    let number = raise_generation(&transaction, 1)?;
    let generation = stored_generation(number)?;
    let Some(prepared) = prepare(&newer, generation) else { return Ok(None) };
    transaction
        .prepare_cached("INSERT INTO audit (generation, time, actor, change) VALUES (?1, ?2, ?3, 'reload')")?
        .execute(params![number, micros(at), actor])?;
    transaction.commit()?;
    Ok(Some((prepared, generation)))
}

/// Every edit and the generation, as of one moment.
pub(super) fn replay(connection: &mut Connection) -> Result<Replay, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
    let generation = transaction.query_row("SELECT number FROM generation", [], |row| row.get(0))?;
    let edits = edits_since(&transaction, 0)?;
    Ok(Replay { edits, generation: stored_generation(generation)? })
}

fn edits_since(connection: &Connection, since: u64) -> Result<Vec<Edit>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT list, entry, change, date, description, expires, added_by FROM edit
         WHERE generation > ?1 ORDER BY generation",
    )?;
    let mut rows = statement.query([i64::try_from(since).unwrap_or(i64::MAX)])?;
    let mut edits = Vec::new();
    while let Some(row) = rows.next()? {
        edits.push(read_edit(row)?);
    }
    Ok(edits)
}

fn read_edit(row: &Row<'_>) -> Result<Edit, StoreError> {
    const MALFORMED: StoreError = StoreError::Database(DatabaseFailure::Malformed);
    let shared = |column| -> rusqlite::Result<Option<Arc<str>>> { row.get(column) };
    let entry = row.get_ref("entry")?.as_str().map_err(|_| MALFORMED)?.parse().map_err(|_| MALFORMED)?;
    let change = match row.get_ref("change")?.as_str().map_err(|_| MALFORMED)? {
        "put" => {
            let date = row.get_ref("date")?.as_str_or_null().map_err(|_| MALFORMED)?;
            let expires: Option<i64> = row.get("expires")?;
            Change::Put(Details {
                date: date.map(str::parse).transpose().map_err(|_| MALFORMED)?,
                description: shared("description")?,
                expires: expires
                    .map(|micros| u64::try_from(micros).map(WallTime::from_micros))
                    .transpose()
                    .map_err(|_| MALFORMED)?,
                added_by: shared("added_by")?,
            })
        }
        "remove" => Change::Remove,
        _ => return Err(MALFORMED),
    };
    Ok(Edit { list: shared("list")?.ok_or(MALFORMED)?, entry, change })
}

fn raise_generation(transaction: &Transaction<'_>, by: i64) -> rusqlite::Result<i64> {
    transaction
        .prepare_cached("UPDATE generation SET number = number + ?1 RETURNING number")?
        .query_row([by], |row| row.get(0))
}

fn write_edit(transaction: &Transaction<'_>, generation: i64, authored: &Authored<'_>) -> rusqlite::Result<()> {
    let Edit { list, entry, change } = authored.edit;
    let text = entry.to_string();
    let (change, details) = match change {
        Change::Put(details) => ("put", details.clone()),
        Change::Remove => ("remove", Details::default()),
    };
    let date = details.date.map(|date| date.to_string());
    let expires = details.expires.map(micros);
    transaction
        .prepare_cached(
            "INSERT INTO edit (list, entry, change, date, description, expires, added_by, generation)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (list, entry) DO UPDATE SET
                 change = excluded.change, date = excluded.date, description = excluded.description,
                 expires = excluded.expires, added_by = excluded.added_by, generation = excluded.generation",
        )?
        .execute(params![
            list.as_ref(),
            text,
            change,
            date,
            details.description.as_deref(),
            expires,
            details.added_by.as_deref(),
            generation
        ])?;
    transaction
        .prepare_cached(
            "INSERT INTO audit (generation, time, actor, change, list, entry, date, description, expires)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            generation,
            micros(authored.at),
            authored.actor,
            change,
            list.as_ref(),
            text,
            date,
            details.description.as_deref(),
            expires
        ])?;
    Ok(())
}

/// SQLite's integers are signed; the largest of them is a time in the year 294247.
fn micros(at: WallTime) -> i64 {
    i64::try_from(at.as_micros()).unwrap_or(i64::MAX)
}

fn stored_generation(number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| StoreError::Database(DatabaseFailure::Malformed))
}
