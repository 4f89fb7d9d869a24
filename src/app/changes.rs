//! Changes of whole lists at run time: made, removed, rolled back, confirmed; and what is set by hand.

use std::sync::{Arc, PoisonError};

use super::bases::read_snapshot;
use super::live::{Built, Live, snapshot_storage, storage, unavailable, wall_time};
use super::read::Read;
use super::told;
use super::worlds::{self, BuildError};
use crate::admin::{By, ListFailure};
use crate::config::{ConfigError, Origin, SourceNotice};
use crate::lists::{Action, Base, BaseRecord, Class, Digest, List, Lists};
use crate::screen::{Setting, World};
use crate::store::{Step, SwapError};

/// Makes an empty list; the generation.
pub(super) fn make(live: &Arc<Live>, by: &By, name: &Arc<str>, class: Class) -> Result<u64, ListFailure> {
    let _turn = live.building.lock().unwrap_or_else(PoisonError::into_inner);
    let (world, mut read) = (live.worlds.load(), Read::clone(&live.read()));
    if world.lists.get(name).is_some() {
        return Err(ListFailure::Conflict(format!("there is a list \"{name}\" already")));
    }
    let list = List::new(name.clone(), class, None, Arc::default());
    let too_many = |_| ListFailure::Conflict("there are too many lists: at most 65536".to_owned());
    let world = compiled(&world, world.lists.with_list(list).map_err(too_many)?, &read)?;
    let step = Step::Make { list: name.clone(), class };
    read.step(&step);
    read.since.insert(name.clone(), wall_time());
    swap(live, by, Action::Make, name, Built { since: world.generation, world, read, steps: vec![step] })
}

/// Removes a list that was made at run time; the generation.
pub(super) fn unmake(live: &Arc<Live>, by: &By, name: &Arc<str>) -> Result<u64, ListFailure> {
    let _turn = live.building.lock().unwrap_or_else(PoisonError::into_inner);
    let (world, mut read) = (live.worlds.load(), Read::clone(&live.read()));
    if world.lists.get(name).is_none() {
        return Err(ListFailure::Unknown);
    }
    let made = read.origins.get(name).is_none_or(|origin| origin.made);
    if !made || !read.made.iter().any(|(made, _)| made == name) {
        return Err(ListFailure::Conflict(format!(
            "the list \"{name}\" was not made at run time: remove it from the config and reload"
        )));
    }
    let world = compiled(&world, world.lists.without(name), &read)?;
    let step = Step::Unmake { list: name.clone() };
    read.step(&step);
    swap(live, by, Action::Unmake, name, Built { since: world.generation, world, read, steps: vec![step] })
}

/// Puts an earlier base in force again, that one or the one before the present; the generation. The base that the files
/// give is set aside until they give another.
pub(super) fn rollback(live: &Arc<Live>, by: &By, name: &Arc<str>, to: Option<Digest>) -> Result<u64, ListFailure> {
    let _turn = live.building.lock().unwrap_or_else(PoisonError::into_inner);
    let read = live.read();
    if live.worlds.load().lists.get(name).is_none() {
        return Err(ListFailure::Unknown);
    }
    let bases = read.bases.get(name).map(Vec::as_slice).unwrap_or_default();
    let [present, earlier @ ..] = bases else {
        return Err(ListFailure::Conflict(format!("the list \"{name}\" has no earlier base")));
    };
    let record = match to {
        Some(digest) if digest == present.digest => {
            return Err(ListFailure::Conflict("this base is in force already".to_owned()));
        }
        Some(digest) => earlier.iter().find(|base| base.digest == digest),
        None => earlier.first(),
    };
    let record = record.ok_or_else(|| ListFailure::Conflict("no such base is kept".to_owned()))?;
    // What the files say now: the base in force, unless theirs waits or an earlier rollback has set it aside.
    let waiting = read.waiting().find(|(list, _)| *list == name).map(|(_, record)| record.digest);
    let files_say = waiting.or(read.aside.get(name).copied()).unwrap_or(present.digest);
    let base = Step::Base { list: name.clone(), record: record.clone() };
    let aside = if files_say == record.digest {
        Step::TakeBack { list: name.clone() }
    } else {
        Step::SetAside { list: name.clone(), digest: files_say }
    };
    let notices = match &aside {
        Step::SetAside { digest, .. } => vec![SourceNotice::SetAside(*digest)],
        _ => Vec::new(),
    };
    rebase(live, by, Action::Rollback, name, record, vec![base, aside], notices)
}

/// Puts the base in force that waits, if it is this one; the generation.
pub(super) fn confirm(live: &Arc<Live>, by: &By, name: &Arc<str>, digest: Digest) -> Result<u64, ListFailure> {
    let _turn = live.building.lock().unwrap_or_else(PoisonError::into_inner);
    let read = live.read();
    if live.worlds.load().lists.get(name).is_none() {
        return Err(ListFailure::Unknown);
    }
    let waiting = read.waiting().find(|(list, _)| *list == name).map(|(_, record)| record);
    let record = match waiting {
        None => return Err(ListFailure::Conflict(format!("nothing waits in the list \"{name}\""))),
        Some(record) if record.digest != digest => {
            return Err(ListFailure::Conflict(format!("another base waits: {}", record.digest)));
        }
        Some(record) => record,
    };
    let mut steps = vec![Step::Base { list: name.clone(), record: record.clone() }];
    steps.extend(read.aside.contains_key(name).then(|| Step::TakeBack { list: name.clone() }));
    rebase(live, by, Action::Confirm, name, record, steps, Vec::new())
}

/// Sets something by hand; the generation.
pub(super) fn set(live: &Arc<Live>, by: &By, setting: Setting) -> Result<u64, ListFailure> {
    let _turn = live.building.lock().unwrap_or_else(PoisonError::into_inner);
    let (world, read) = (World::clone(&live.worlds.load()), Read::clone(&live.read()));
    if !setting.fits(&world.policy, world.by_hand()) {
        return Err(ListFailure::Unknown);
    }
    let (action, told) = (setting.action(), setting.to_string());
    let (since, by_hand) = (world.generation, world.by_hand().with(&setting));
    let built = Built { world: world.setting(Arc::new(by_hand)), read, since, steps: vec![Step::Set(setting)] };
    let generation = live.swap(by, action, None, built).map_err(unswapped)?;
    tracing::info!(generation, "{told}");
    Ok(generation)
}

/// Gives a list another base, with the imports and edits that it has.
fn rebase(
    live: &Arc<Live>,
    by: &By,
    action: Action,
    name: &Arc<str>,
    record: &BaseRecord,
    steps: Vec<Step>,
    notices: Vec<SourceNotice>,
) -> Result<u64, ListFailure> {
    let (world, mut read) = (live.worlds.load(), Read::clone(&live.read()));
    let list = world.lists.get(name).ok_or(ListFailure::Unknown)?;
    let base = match read_snapshot(&live.snapshots, &record.digest) {
        Ok(base) => base,
        Err(crate::store::SnapshotError::Missing) if record.entries == 0 => Base::default(),
        Err(error) => return Err(ListFailure::Storage(snapshot_storage(&error))),
    };
    let replay = live.edits.replay().map_err(|error| ListFailure::Storage(storage(&error)))?;
    let bare = List::new(name.clone(), list.class(), list.source().map(Arc::from), Arc::new(base));
    let imports = replay.imports.iter().filter(|import| import.list == *name);
    let edits = replay.edits.iter().filter(|edit| edit.list == *name);
    let edits: Vec<_> = edits.map(|edit| (edit.entry.clone(), edit.change.clone())).collect();
    let list = worlds::imported(bare, imports, &live.snapshots).map_err(|error| unbuilt(&error))?.after(&edits);
    let stale_from = record.stale_from(read.origins.get(name).and_then(|origin| origin.max_age));
    if let Some(origin) = read.origins.get_mut(name) {
        let kept = Origin { told: Vec::new(), from_snapshot: true, ..origin.clone() };
        *origin = Origin { record: record.clone(), notices, stale_from, ..kept };
    }
    let when_stale = read.origins.get(name).map(|origin| origin.when_stale).unwrap_or_default();
    let list = list.aging(stale_from, when_stale);
    let since = world.generation;
    let world = worlds::with_list(&world, list, Arc::clone(&world.policy))
        .map_err(|error| unbuilt(&BuildError::Edit(error)))?;
    steps.iter().for_each(|step| read.step(step));
    read.since.insert(name.clone(), wall_time());
    swap(live, by, action, name, Built { world, read, since, steps })
}

/// The same rules over other lists.
fn compiled(world: &World, lists: Lists, read: &Read) -> Result<World, ListFailure> {
    let refused = |errors: Vec<ConfigError>| {
        let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
        ListFailure::Conflict(format!("the rules of the config do not fit: {}", told.join("; ")))
    };
    let (policy, _) = read.rules.compile(&lists).map_err(refused)?;
    let compiled = World::new(world.generation, lists, policy).map_err(|error| unbuilt(&BuildError::Edit(error)))?;
    Ok(compiled.setting(Arc::clone(world.by_hand())))
}

fn swap(live: &Arc<Live>, by: &By, action: Action, name: &Arc<str>, built: Built) -> Result<u64, ListFailure> {
    let generation = live.swap(by, action, Some(name), built).map_err(unswapped)?;
    tracing::info!(generation, "list \"{name}\": {}", action.as_str());
    super::reload::sweep(live);
    Ok(generation)
}

fn unswapped(error: SwapError) -> ListFailure {
    match error {
        SwapError::Store(error) => ListFailure::Storage(storage(&error)),
        SwapError::Exists | SwapError::NotMade => ListFailure::Conflict(error.to_string()),
        SwapError::Refused | SwapError::Overtaken => ListFailure::Storage(unavailable(&format!("{error}; try again"))),
    }
}

fn unbuilt(error: &BuildError) -> ListFailure {
    ListFailure::Conflict(told::build(error))
}
