//! List files that are added to a list at run time.

use std::io;
use std::sync::{Arc, PoisonError};

use super::background::modestly;
use super::bases::write_snapshot;
use super::live::{Built, Live, snapshot_storage, storage, unavailable, wall_time};
use super::read::Read;
use super::worlds;
use crate::admin::{ImportFailure, ImportRequest, Imported};
use crate::lists::{Action, Base, Change, Details, Edit, Effect, Entry, List, ListFile, read_list};
use crate::screen::World;
use crate::store::{EditError, Proposal, Refusal, Step, StoreError, SwapError};

/// Reads `body` to its end and adds what is in it, or only tells what that would do. A few entries are edits like any
/// others; many are one line of the trail and a snapshot.
pub(super) fn import(
    live: &Arc<Live>,
    request: ImportRequest,
    body: Box<dyn io::Read + Send>,
) -> Result<Imported, ImportFailure> {
    let world = live.worlds.load();
    let list = world.lists.get(&request.list).ok_or(ImportFailure::UnknownList)?;
    let guard = world.policy.never_block.guard(list.class());
    let refuse = |entry: &Entry| guard.is_some_and(|guard| crate::lists::Refuse::refuses(guard, entry));
    let threads = crate::config::threads(live.read().lists.threads);
    let reading = live.reading.begin(&request.list);
    let read = || read_list(body, &request.options, threads, &refuse, reading.progress());
    let file = modestly(read).map_err(ImportFailure::File)?;
    let ListFile { builder, removals, rows, guessed, not_utf8, header, skipped, digest: _, head } = file;
    let base = builder.build();
    let told = Imported {
        rows,
        duplicates: base.duplicates(),
        rejected: skipped,
        guessed,
        not_utf8,
        header,
        head,
        ..Imported::default()
    };
    fits(&world, &request.list, &base)?;
    let many = base.len() + removals.len() as u64 > MOST_EDITS;
    if many && !removals.is_empty() {
        return Err(ImportFailure::Unfit(format!(
            "a change file of more than {MOST_EDITS} lines that removes numbers: name it under `changes` of the list"
        )));
    }
    if request.dry_run {
        let removed = removals.iter().filter(|entry| list.contains(entry)).count() as u64;
        return Ok(Imported { removed, ..counted(told, &base, &removals, list) });
    }
    if many { as_file(live, &request, told, base, &world) } else { as_edits(live, &request, told, &base, &removals) }
}

/// Whether the list takes entries that are no numbers, as each edit is asked for itself.
fn fits(world: &World, list: &Arc<str>, base: &Base) -> Result<(), ImportFailure> {
    let mut others = base.entries_from(None).filter(|entry| !matches!(entry, Entry::Number(_)));
    others.try_for_each(|entry| {
        let edit = Edit { list: list.clone(), entry, change: Change::Put(Details::default()) };
        world.accepts(&edit).map_err(|error| ImportFailure::Unfit(super::told::edit(&error)))
    })
}

/// An edit for each entry, all of them together.
fn as_edits(
    live: &Arc<Live>,
    request: &ImportRequest,
    told: Imported,
    base: &Base,
    removals: &[Entry],
) -> Result<Imported, ImportFailure> {
    let list = &request.list;
    let put = |entry: Entry| {
        let details = base.details(&entry).unwrap_or_default();
        let change = Change::Put(Details { added_by: Some(request.by.actor.clone()), ..details });
        Edit { list: list.clone(), entry, change }
    };
    let world = live.worlds.load();
    let gone = removals.iter().filter(|entry| world.lists.get(list).is_some_and(|list| list.contains(entry)));
    let remove = |entry: &Entry| Edit { list: list.clone(), entry: entry.clone(), change: Change::Remove };
    let added = base.entries_from(None).filter(|entry| removals.binary_search(entry).is_err()).map(put);
    let edits: Vec<Edit> = added.chain(gone.map(remove)).collect();
    if edits.is_empty() {
        return Ok(told);
    }
    let proposal = Proposal {
        actor: request.by.actor.clone(),
        at: wall_time(),
        reason: request.by.reason.clone(),
        edits,
        condition: None,
    };
    let answer = live.edits.submit(proposal).map_err(|error| ImportFailure::Storage(storage(&error)))?;
    let committed = answer.blocking_recv().unwrap_or(Err(EditError::Store(StoreError::Closed)));
    let committed = committed.map_err(|error| match error {
        EditError::Refused { refusal: Refusal::UnknownList, .. } => ImportFailure::UnknownList,
        EditError::Refused { refusal, .. } => ImportFailure::Unfit(refusal.to_string()),
        EditError::Store(error) => ImportFailure::Storage(storage(&error)),
    })?;
    live.counts.edits.add(committed.effects.len() as u64);
    let count = |wanted| committed.effects.iter().filter(|effect| **effect == wanted).count() as u64;
    Ok(Imported {
        generation: Some(committed.generation),
        added: count(Effect::Added),
        changed: count(Effect::Changed),
        removed: count(Effect::Removed),
        ..told
    })
}

/// A base of its own, over which later edits lie. `judged_by` is the world whose guard the file has passed.
fn as_file(
    live: &Arc<Live>,
    request: &ImportRequest,
    told: Imported,
    base: Base,
    judged_by: &World,
) -> Result<Imported, ImportFailure> {
    let _turn = live.building.lock().unwrap_or_else(PoisonError::into_inner);
    let name = &request.list;
    let (world, mut read) = (live.worlds.load(), Read::clone(&live.read()));
    let list = world.lists.get(name).ok_or(ImportFailure::UnknownList)?;
    let guard = |world: &World| {
        let class = world.lists.get(name).map(List::class);
        (class, world.policy.never_block.entries().to_vec())
    };
    if guard(&world) != guard(judged_by) {
        let why = "the list or numbers.never_block was changed while the file came; import it again";
        return Err(ImportFailure::Storage(unavailable(why)));
    }
    fits(&world, name, &base)?;
    let digest = base.digest();
    write_snapshot(&live.snapshots, &base, &digest)
        .map_err(|error| ImportFailure::Storage(snapshot_storage(&error)))?;
    let told = Imported { digest: Some(digest), ..counted(told, &base, &[], list) };
    let since = world.generation;
    let world = worlds::with_list(&world, list.imported(&base), Arc::clone(&world.policy))
        .map_err(|error| ImportFailure::Unfit(super::told::edit(&error)))?;
    let (entries, base) = (base.len(), Arc::new(base));
    let holds = Arc::new(move |entry: &Entry| base.contains(entry));
    let step = Step::Import { list: name.clone(), digest, entries, holds };
    read.step(&step);
    let built = Built { world, read, since, steps: vec![step] };
    let generation = live.swap(&request.by, Action::Import, Some(name), built).map_err(|error| {
        ImportFailure::Storage(match error {
            SwapError::Store(error) => storage(&error),
            error => unavailable(&format!("{error}; try again")),
        })
    })?;
    live.counts.edits.add(entries);
    let mut read = live.read.lock().unwrap_or_else(PoisonError::into_inner);
    let mut named = Read::clone(&read);
    named.imports.iter_mut().filter(|import| import.generation == 0).for_each(|import| import.generation = generation);
    *read = Arc::new(named);
    Ok(Imported { generation: Some(generation), ..told })
}

/// What of a file is new to a list; `removals`, sorted, are taken out again.
fn counted(told: Imported, base: &Base, removals: &[Entry], list: &List) -> Imported {
    let stay = base.entries_from(None).filter(|entry| removals.binary_search(entry).is_err());
    let (mut added, mut changed) = (0, 0);
    stay.for_each(|entry| *if list.contains(&entry) { &mut changed } else { &mut added } += 1);
    Imported { added, changed, ..told }
}

/// More are not worth a row each in the database and in the trail: they are a file that somebody brought.
const MOST_EDITS: u64 = 100_000;
