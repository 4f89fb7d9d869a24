//! Edits in the database: the latest of each entry in `edit`, all of them in `audit`.

use std::fmt::Write as _;

use rusqlite::{CachedStatement, Connection, Row, Transaction, TransactionBehavior, params};

use super::rows::{self, MALFORMED, Names, micros, signed};
use super::{Proposal, StoreError};
use crate::lists::{Action, Change, Details, Digest, Edit, Entry};
use crate::time::WallTime;

/// Commits the groups as one transaction, each edit with a generation of its own, and answers the last one's.
pub(super) fn commit(connection: &mut Connection, groups: &[&Proposal]) -> Result<u64, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let count = signed(groups.iter().map(|group| group.edits.len() as u64).sum());
    let last = rows::raise_generation(&transaction, count)?;
    {
        let mut latest = LatestStatement::new(&transaction)?;
        let mut trail = TrailStatement::new(&transaction)?;
        let edits = groups.iter().flat_map(|group| group.edits.iter().map(move |edit| (group, edit)));
        let mut text = String::new();
        for (generation, (group, edit)) in (last - count + 1..).zip(edits) {
            text.clear();
            let _ = write!(text, "{}", edit.entry);
            latest.write(generation, edit, &text)?;
            trail.write(&Line::of_edit(generation, group, edit, &text))?;
        }
    }
    transaction.commit()?;
    rows::unsigned(last)
}

/// All latest edits, in the order in which they were made. The table itself is read, so that damage to its index cannot
/// hide one, and must be in its order: a key that is not has changed since it was written. (`NOT INDEXED` with an
/// `ORDER BY` would go by the index all the same.)
pub(super) fn all(connection: &Connection) -> Result<Vec<Edit>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT list, entry, change, date, description, expires, added_by, generation FROM edit NOT INDEXED",
    )?;
    let mut rows = statement.query([])?;
    let mut names = Names::default();
    let mut edits: Vec<(i64, Edit)> = Vec::new();
    let (mut list, mut entry) = (String::new(), String::new());
    while let Some(row) = rows.next()? {
        let (this_list, this_entry) = (rows::text(row, 0)?, rows::text(row, 1)?);
        if !edits.is_empty() && (this_list, this_entry) <= (&*list, &*entry) {
            return Err(MALFORMED);
        }
        if this_list != list {
            this_list.clone_into(&mut list);
        }
        this_entry.clone_into(&mut entry);
        edits.push((row.get(7)?, read_one(row, &mut names)?));
    }
    edits.sort_unstable_by_key(|(generation, _)| *generation);
    Ok(edits.into_iter().map(|(_, edit)| edit).collect())
}

/// The latest edits that are newer than `since`, in the order in which they were made.
pub(super) fn since(connection: &Connection, since: u64) -> Result<Vec<Edit>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT list, entry, change, date, description, expires, added_by FROM edit INDEXED BY edit_by_generation
         WHERE generation > ?1 ORDER BY generation",
    )?;
    read(statement.query([signed(since)])?)
}

/// Forgets the latest edits of a list; the trail keeps them.
pub(super) fn forget(transaction: &Transaction<'_>, list: &str) -> rusqlite::Result<()> {
    transaction.prepare_cached("DELETE FROM edit WHERE list = ?1")?.execute([list]).map(drop)
}

/// Forgets those whose entry `holds`.
pub(super) fn forget_held(
    transaction: &Transaction<'_>,
    list: &str,
    holds: &dyn Fn(&Entry) -> bool,
) -> Result<(), StoreError> {
    let mut held = Vec::new();
    {
        let mut statement = transaction.prepare_cached("SELECT entry FROM edit WHERE list = ?1")?;
        let mut rows = statement.query([list])?;
        while let Some(row) = rows.next()? {
            if holds(&rows::entry(row, 0)?) {
                held.push(rows::text(row, 0)?.to_owned());
            }
        }
    }
    let mut delete = transaction.prepare_cached("DELETE FROM edit WHERE list = ?1 AND entry = ?2")?;
    for entry in held {
        delete.execute(params![list, entry])?;
    }
    Ok(())
}

fn read(mut rows: rusqlite::Rows<'_>) -> Result<Vec<Edit>, StoreError> {
    let mut names = Names::default();
    let mut edits = Vec::new();
    while let Some(row) = rows.next()? {
        edits.push(read_one(row, &mut names)?);
    }
    Ok(edits)
}

fn read_one(row: &Row<'_>, names: &mut Names) -> Result<Edit, StoreError> {
    let change = match rows::text(row, 2)? {
        "put" => {
            let added_by = row.get_ref(6)?.as_str_or_null().map_err(|_| MALFORMED)?;
            Change::Put(Details { added_by: added_by.map(|name| names.shared(name)), ..rows::details(row, 3)? })
        }
        "remove" => Change::Remove,
        _ => return Err(MALFORMED),
    };
    Ok(Edit { list: names.shared(rows::text(row, 0)?), entry: rows::entry(row, 1)?, change })
}

/// Writes to `edit`.
struct LatestStatement<'c>(CachedStatement<'c>);

impl<'c> LatestStatement<'c> {
    fn new(transaction: &'c Transaction<'_>) -> rusqlite::Result<LatestStatement<'c>> {
        let statement = transaction.prepare_cached(
            "INSERT INTO edit (list, entry, change, date, description, expires, added_by, generation)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (list, entry) DO UPDATE SET
                 change = excluded.change, date = excluded.date, description = excluded.description,
                 expires = excluded.expires, added_by = excluded.added_by, generation = excluded.generation",
        )?;
        Ok(LatestStatement(statement))
    }

    fn write(&mut self, generation: i64, edit: &Edit, text: &str) -> rusqlite::Result<()> {
        let (action, details) = parts(&edit.change);
        let values = params![
            edit.list,
            text,
            action.as_str(),
            details.and_then(|details| details.date).map(|date| date.to_string()),
            details.and_then(|details| details.description.as_deref()),
            details.and_then(|details| details.expires).map(micros),
            details.and_then(|details| details.added_by.as_deref()),
            generation
        ];
        self.0.execute(values).map(drop)
    }
}

/// A line of the trail.
pub(super) struct Line<'a> {
    pub(super) generation: i64,
    pub(super) at: WallTime,
    pub(super) actor: &'a str,
    pub(super) reason: Option<&'a str>,
    pub(super) action: Action,
    pub(super) list: Option<&'a str>,
    pub(super) trunk: Option<&'a str>,
    pub(super) rule: Option<&'a str>,
    /// With its spelling.
    pub(super) entry: Option<(&'a Entry, &'a str)>,
    pub(super) details: Option<&'a Details>,
    pub(super) digest: Option<Digest>,
    pub(super) entries: Option<u64>,
}

impl<'a> Line<'a> {
    fn of_edit(generation: i64, group: &'a Proposal, edit: &'a Edit, text: &'a str) -> Line<'a> {
        let (action, details) = parts(&edit.change);
        Line {
            generation,
            at: group.at,
            actor: &group.actor,
            reason: group.reason.as_deref(),
            action,
            list: Some(&edit.list),
            trunk: None,
            rule: None,
            entry: Some((&edit.entry, text)),
            details,
            digest: None,
            entries: None,
        }
    }
}

/// Writes to `audit`.
pub(super) struct TrailStatement<'c>(CachedStatement<'c>);

impl<'c> TrailStatement<'c> {
    pub(super) fn new(transaction: &'c Transaction<'_>) -> rusqlite::Result<TrailStatement<'c>> {
        let statement = transaction.prepare_cached(
            "INSERT INTO audit (generation, time, actor, reason, change, list, entry, date, description, expires,
                 digest, entries, first, last, trunk, rule)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
        )?;
        Ok(TrailStatement(statement))
    }

    pub(super) fn write(&mut self, line: &Line<'_>) -> rusqlite::Result<()> {
        let range = match line.entry {
            Some((Entry::Range(range), _)) => Some(*range),
            _ => None,
        };
        let values = params![
            line.generation,
            micros(line.at),
            line.actor,
            line.reason,
            line.action.as_str(),
            line.list,
            line.entry.map(|(_, text)| text),
            line.details.and_then(|details| details.date).map(|date| date.to_string()),
            line.details.and_then(|details| details.description.as_deref()),
            line.details.and_then(|details| details.expires).map(micros),
            line.digest.as_ref().map(|digest| digest.as_bytes().as_slice()),
            line.entries.map(signed),
            range.map(|range| signed(range.first().get())),
            range.map(|range| signed(range.last().get())),
            line.trunk,
            line.rule
        ];
        self.0.execute(values).map(drop)
    }
}

fn parts(change: &Change) -> (Action, Option<&Details>) {
    match change {
        Change::Put(details) => (Action::Put, Some(details)),
        Change::Remove => (Action::Remove, None),
    }
}
