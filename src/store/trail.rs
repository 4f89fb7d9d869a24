//! Questions to the audit trail. It may have ten million rows: each question is answered from an index.

use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use super::rows::{self, MALFORMED, signed};
use super::{StoreError, replay};
use crate::lists::{Action, AuditLine, AuditQuery, Entry, ListAt, Prefix};
use crate::number::Number;

/// The lines that `query` asks for, the latest first.
pub(super) fn audit(connection: &mut Connection, query: &AuditQuery) -> Result<Vec<AuditLine>, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
    let mut found = match (&query.entry, &query.list) {
        (Some(entry), Some(list)) => of_entry(&transaction, query, entry, &[list.to_string()])?,
        (Some(entry), None) => of_entry(&transaction, query, entry, &edited_lists(&transaction)?)?,
        (None, Some(list)) => of_list(&transaction, query, list)?,
        (None, None) => generations(&transaction, ALL, params![before(query), limit(query.limit)])?,
    };
    found.sort_unstable_by(|a, b| b.cmp(a));
    found.truncate(query.limit);
    lines(&transaction, &found)
}

/// What the list was at `generation`.
pub(super) fn list_at(connection: &mut Connection, list: &str, generation: u64) -> Result<ListAt, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
    let at = signed(generation);
    let base = {
        let mut statement = transaction.prepare_cached(
            "SELECT generation, digest, entries, fingerprint FROM base
             WHERE list = ?1 AND generation <= ?2 AND (ended IS NULL OR ended > ?2)
             ORDER BY generation DESC LIMIT 1",
        )?;
        let mut rows = statement.query(params![list, at])?;
        match rows.next()? {
            None => None,
            Some(row) => {
                let brought: i64 = row.get(0)?;
                let when = transaction
                    .prepare_cached("SELECT time FROM audit WHERE generation = ?1")?
                    .query_row([brought], |row| Ok(rows::time(row, 0)))??;
                Some((rows::unsigned(brought)?, when, replay::base(&transaction, list, row)?))
            }
        }
    };
    let imports = {
        let mut statement = transaction.prepare_cached(
            "SELECT generation, list, digest, entries FROM import
             WHERE list = ?1 AND generation <= ?2 AND (ended IS NULL OR ended > ?2) ORDER BY id",
        )?;
        replay::collect(statement.query(params![list, at])?, replay::import)?
    };
    let began = began(&transaction, list, at)?;
    let edits: i64 = transaction.prepare_cached(COUNT)?.query_row(params![list, began, at], |row| row.get(0))?;
    Ok(ListAt { base, imports, edits: rows::unsigned(edits)?, began: rows::unsigned(began)? })
}

/// The latest line of each entry of the list as of `generation`, in the order of the entries' spellings.
pub(super) fn edits_at(
    connection: &mut Connection,
    list: &str,
    generation: u64,
    after: Option<&Entry>,
    most: usize,
) -> Result<Vec<AuditLine>, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
    let at = signed(generation);
    let after = after.map(ToString::to_string).unwrap_or_default();
    let values = params![list, after, began(&transaction, list, at)?, at, limit(most)];
    let found = generations(&transaction, LATEST, values)?;
    lines(&transaction, &found)
}

/// Since when the list of this name is the one it was at `at`: an earlier one may have been made and removed.
fn began(connection: &Connection, list: &str, at: i64) -> rusqlite::Result<i64> {
    let mut statement = connection.prepare_cached(
        "SELECT max(began) FROM (SELECT made AS began FROM list WHERE name = ?1 AND made <= ?2
                                 UNION ALL SELECT ended FROM list WHERE name = ?1 AND ended <= ?2)",
    )?;
    let began: Option<i64> = statement.query_row(params![list, at], |row| row.get(0))?;
    Ok(began.unwrap_or(0))
}

fn of_list(connection: &Connection, query: &AuditQuery, list: &str) -> Result<Vec<i64>, StoreError> {
    let mut found = generations(connection, OF_LIST, params![list, before(query), limit(query.limit)])?;
    found.extend(generations(connection, OF_ALL_LISTS, params![before(query), limit(query.limit)])?);
    Ok(found)
}

fn of_entry(
    connection: &Connection,
    query: &AuditQuery,
    entry: &Entry,
    lists: &[String],
) -> Result<Vec<i64>, StoreError> {
    let mut spellings = vec![entry.to_string()];
    if let Entry::Number(number) = entry {
        spellings.extend(prefixes(*number).map(|prefix| prefix.to_string()));
    }
    let mut found = Vec::new();
    for list in lists {
        for spelling in &spellings {
            found.extend(generations(
                connection,
                OF_ENTRY,
                params![list, spelling, before(query), limit(query.limit)],
            )?);
        }
        if let Entry::Number(number) = entry {
            let values = params![list, signed(number.get()), before(query), limit(query.limit)];
            found.extend(generations(connection, OF_RANGES, values)?);
        }
    }
    Ok(found)
}

/// All that `number` begins with, itself included.
fn prefixes(number: Number) -> impl Iterator<Item = Prefix> {
    (0..number.digits()).filter_map(move |cut| Prefix::new(number.get() / 10_u64.pow(cut)))
}

/// The lists with edits in the trail. The index is leapt through from one list to the next.
fn edited_lists(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut next = connection.prepare_cached(NEXT_LIST)?;
    let mut lists: Vec<String> = Vec::new();
    loop {
        let last = lists.last().map_or("", String::as_str);
        match next.query_row([last], |row| row.get(0)).optional()? {
            Some(list) => lists.push(list),
            None => return Ok(lists),
        }
    }
}

fn generations(
    connection: &Connection,
    statement: &str,
    values: &[&dyn rusqlite::ToSql],
) -> Result<Vec<i64>, StoreError> {
    let mut statement = connection.prepare_cached(statement)?;
    replay::collect(statement.query(values)?, |row| Ok(row.get(0)?))
}

fn lines(connection: &Connection, generations: &[i64]) -> Result<Vec<AuditLine>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT generation, time, actor, reason, change, list, entry, date, description, expires, digest, entries,
             trunk, rule
         FROM audit WHERE generation = ?1",
    )?;
    generations.iter().map(|generation| statement.query_row([generation], |row| Ok(line(row)))?).collect()
}

fn line(row: &Row<'_>) -> Result<AuditLine, StoreError> {
    let action = rows::text(row, 4)?;
    let is_some = |column| row.get_ref(column).map(|value| value != rusqlite::types::ValueRef::Null);
    Ok(AuditLine {
        generation: rows::integer(row, 0)?,
        at: rows::time(row, 1)?,
        actor: row.get(2)?,
        reason: row.get(3)?,
        action: Action::ALL.into_iter().find(|known| known.as_str() == action).ok_or(MALFORMED)?,
        list: row.get(5)?,
        entry: is_some(6)?.then(|| rows::entry(row, 6)).transpose()?,
        details: rows::details(row, 7)?,
        digest: is_some(10)?.then(|| rows::digest(row, 10)).transpose()?,
        entries: is_some(11)?.then(|| rows::integer(row, 11)).transpose()?,
        trunk: row.get(12)?,
        rule: row.get(13)?,
    })
}

fn before(query: &AuditQuery) -> i64 {
    query.before.map_or(i64::MAX, signed)
}

fn limit(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}

/// The latest lines of all.
pub(super) const ALL: &str = "SELECT generation FROM audit WHERE generation < ?1 ORDER BY generation DESC LIMIT ?2";

/// Those of one list.
pub(super) const OF_LIST: &str = "SELECT generation FROM audit INDEXED BY audit_by_list
    WHERE list = ?1 AND generation < ?2 ORDER BY generation DESC LIMIT ?3";

/// Those of all lists together.
pub(super) const OF_ALL_LISTS: &str = "SELECT generation FROM audit INDEXED BY audit_by_list
    WHERE list IS NULL AND trunk IS NULL AND rule IS NULL AND generation < ?1 ORDER BY generation DESC LIMIT ?2";

/// Those of one entry of one list.
pub(super) const OF_ENTRY: &str = "SELECT generation FROM audit INDEXED BY audit_by_entry
    WHERE list = ?1 AND entry = ?2 AND generation < ?3 ORDER BY generation DESC LIMIT ?4";

/// Those of one list's ranges that hold a number. There are few ranges: those that begin below it are looked through.
pub(super) const OF_RANGES: &str = "SELECT generation FROM audit INDEXED BY audit_ranges
    WHERE first IS NOT NULL AND first <= ?2 AND last >= ?2 AND list = ?1 AND generation < ?3
    ORDER BY generation DESC LIMIT ?4";

/// The first list with edits behind a list.
pub(super) const NEXT_LIST: &str = "SELECT list FROM audit INDEXED BY audit_by_entry
    WHERE list > ?1 AND entry IS NOT NULL ORDER BY list LIMIT 1";

/// The latest line of each entry of a list behind an entry, between two generations.
pub(super) const LATEST: &str = "SELECT max(generation) FROM audit INDEXED BY audit_by_entry
    WHERE list = ?1 AND entry > ?2 AND generation > ?3 AND generation <= ?4
    GROUP BY entry ORDER BY entry LIMIT ?5";

/// How many edits a list had between two generations: counted in the index alone, which for ten million takes a moment.
pub(super) const COUNT: &str = "SELECT count(*) FROM audit INDEXED BY audit_by_entry
    WHERE list = ?1 AND entry IS NOT NULL AND generation > ?2 AND generation <= ?3";
