//! What was done to lists, and what they were.

use std::sync::Arc;

use super::bases::{read_import, read_snapshot};
use super::live::{Live, snapshot_storage, storage};
use crate::admin::{HeldAt, StorageFailure};
use crate::lists::{Action, AuditLine, AuditQuery, Base, Change, Class, Entry, ImportRecord, List, ListAt};
use crate::number::Party;
use crate::store::StoreError;

/// Lines of the trail. Of an entry also the imports of many entries that brought it.
pub(super) fn audit(live: &Live, query: &AuditQuery) -> Result<Vec<AuditLine>, StorageFailure> {
    let mut lines = live.edits.audit(query).map_err(failed)?;
    let Some(entry) = &query.entry else { return Ok(lines) };
    let read = live.read();
    let imports = read.imports.iter().filter(|import| {
        query.list.as_ref().is_none_or(|list| *list == import.list)
            && query.before.is_none_or(|before| import.generation < before)
    });
    for import in imports {
        let base = read_import(&live.snapshots, &import.digest).map_err(|error| snapshot_storage(&error))?;
        if !bringing(&base, entry).is_empty() {
            lines.extend(line_of(live, import)?);
        }
    }
    lines.sort_by_key(|line| std::cmp::Reverse(line.generation));
    lines.truncate(query.limit);
    Ok(lines)
}

/// What a list was; `None`: nothing is known of it.
pub(super) fn list_at(live: &Live, list: &str, generation: u64) -> Result<Option<ListAt>, StorageFailure> {
    let at = live.edits.list_at(list, generation).map_err(failed)?;
    let known =
        at.base.is_some() || !at.imports.is_empty() || at.edits > 0 || live.worlds.load().lists.get(list).is_some();
    Ok(known.then_some(at))
}

/// Whether a list held an entry: what was said of it, and of the prefixes and ranges that hold it, is put over the base
/// of then, in order.
pub(super) fn held_at(live: &Live, list: &str, generation: u64, entry: &Entry) -> Result<HeldAt, StorageFailure> {
    let at = live.edits.list_at(list, generation).map_err(failed)?;
    let query = AuditQuery {
        list: Some(list.into()),
        entry: Some(entry.clone()),
        before: Some(generation.saturating_add(1)),
        limit: MOST_LINES,
    };
    let mut events: Vec<(AuditLine, Vec<(Entry, Change)>)> = Vec::new();
    // What an earlier list of this name held is not its past.
    let lines = live.edits.audit(&query).map_err(failed)?.into_iter().filter(|line| line.generation > at.began);
    for line in lines {
        let change = match (line.action, line.entry.clone()) {
            (Action::Put, Some(entry)) => (entry, Change::Put(line.details.clone())),
            (Action::Remove, Some(entry)) => (entry, Change::Remove),
            _ => continue,
        };
        events.push((line, vec![change]));
    }
    let mut imports_are_known = true;
    for import in &at.imports {
        // That of a list that is gone is not kept.
        let Ok(base) = read_import(&live.snapshots, &import.digest) else {
            imports_are_known = false;
            continue;
        };
        let put = |entry: Entry| {
            let details = base.details(&entry).unwrap_or_default();
            (entry, Change::Put(details))
        };
        let brought: Vec<_> = bringing(&base, entry).into_iter().map(put).collect();
        if !brought.is_empty()
            && let Some(line) = line_of(live, import)?
        {
            events.push((line, brought));
        }
    }
    events.sort_by_key(|(line, _)| line.generation);
    // A list of which no base was ever kept had an empty one.
    let base = match &at.base {
        Some((.., record)) => read_snapshot(&live.snapshots, &record.digest).ok(),
        None => Some(Base::default()),
    };
    let all_is_known = base.is_some() && imports_are_known;
    let bare = List::new(list.into(), Class::Personal, None, Arc::new(base.unwrap_or_default()));
    let changes: Vec<(Entry, Change)> = events.iter().flat_map(|(_, changes)| changes.clone()).collect();
    let then = bare.with(&changes);
    let through = match party(entry) {
        // Expired by now says nothing of then; the generation has a time.
        Some(party) => then.lookup(&party, time_of(live, generation)?),
        None => then.contains(entry).then(|| entry.clone()),
    };
    let of = |wanted: &Entry| {
        let last = events.iter().rev().find(|(_, changes)| changes.iter().any(|(entry, _)| entry == wanted));
        last.map(|(line, _)| line.clone())
    };
    Ok(match through {
        Some(through) => HeldAt { held: Some(true), edit: of(&through), through: Some(through) },
        None => HeldAt { held: all_is_known.then_some(false), through: None, edit: of(entry) },
    })
}

/// The entries of an import that are or hold what is asked about.
fn bringing(base: &Base, entry: &Entry) -> Vec<Entry> {
    match party(entry) {
        Some(party) => base.naming(&party),
        None => base.contains(entry).then(|| entry.clone()).into_iter().collect(),
    }
}

/// Whom an entry names; `None`: many.
fn party(entry: &Entry) -> Option<Party<'static>> {
    Some(match entry {
        Entry::Number(number) => Party::Number(*number),
        Entry::Code(code) => Party::Code(*code),
        Entry::User(user) => Party::User(user.to_string().into()),
        Entry::Anonymous => Party::Anonymous,
        Entry::Unavailable => Party::Unavailable,
        Entry::Prefix(_) | Entry::Range(_) => return None,
    })
}

/// The line that an import has in the trail.
fn line_of(live: &Live, import: &ImportRecord) -> Result<Option<AuditLine>, StorageFailure> {
    let query = AuditQuery {
        list: Some(import.list.clone()),
        entry: None,
        before: Some(import.generation.saturating_add(1)),
        limit: 1,
    };
    let mut lines = live.edits.audit(&query).map_err(failed)?;
    Ok(lines.pop().filter(|line| line.generation == import.generation))
}

/// When a generation came into force.
fn time_of(live: &Live, generation: u64) -> Result<crate::time::WallTime, StorageFailure> {
    let query = AuditQuery { before: Some(generation.saturating_add(1)), limit: 1, ..AuditQuery::default() };
    let lines = live.edits.audit(&query).map_err(failed)?;
    Ok(lines.first().map(|line| line.at).unwrap_or_default())
}

fn failed(error: StoreError) -> StorageFailure {
    storage(&error)
}

/// More edits of one number and its prefixes than anybody makes.
const MOST_LINES: usize = 10_000;
