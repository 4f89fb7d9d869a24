//! Reading the config and its lists again.
//!
//! The new world is built aside, over the edits of some generation. Then it takes its turn on the store's thread, gets
//! the edits that were committed meanwhile, and is swapped in before the next edit is looked at: none is lost, and none
//! is made twice.

use std::sync::{Arc, PoisonError};

use super::background::modestly;
use super::bases::Bases;
use super::difference;
use super::live::{Built, Live, storage, unavailable, wall_time};
use super::read::Read;
use super::told;
use super::worlds::{self, BuildError};
use crate::admin::{Backend, By, ListChange, ReloadFailure, ReloadProblem, Reloaded};
use crate::config::{self, ConfigError, ConfigErrors, ConfigWarning, Loaded, Origin, SourceNotice};
use crate::lists::{Action, Lists};
use crate::net::{Tls, TlsError, TlsFiles};
use crate::screen::World;
use crate::store::SwapError;

/// Reloads; on a failure everything stays as it was. Blocks: not for a thread that serves calls or requests.
pub(super) fn reload(live: &Arc<Live>, by: &By) -> Result<Reloaded, ReloadFailure> {
    let result = {
        let _turn = live.building.lock().unwrap_or_else(PoisonError::into_inner);
        let result = modestly(|| build_and_swap(live, by));
        // Also when it failed: some lists may have got a snapshot before.
        sweep(live);
        result
    };
    *live.failed.lock().unwrap_or_else(PoisonError::into_inner) = match &result {
        Err(ReloadFailure::Invalid(problems)) => problems.clone(),
        _ => Vec::new(),
    };
    match &result {
        Ok(reloaded) => {
            live.counts.reloads.add(1);
            tracing::info!(generation = reloaded.generation, "lists and rules were read again");
            for key in &reloaded.restart_needed {
                tracing::warn!("{key} has changed and comes into force at the next start");
            }
        }
        Err(failure) => {
            live.counts.reloads_failed.add(1);
            if let ReloadFailure::Storage(why) = failure {
                tracing::warn!("reload failed, nothing was changed: {why}");
            }
        }
    }
    result
}

fn build_and_swap(live: &Arc<Live>, by: &By) -> Result<Reloaded, ReloadFailure> {
    let (before, read_before) = (live.worlds.load(), live.read());
    let replay = live.edits.replay().map_err(|error| ReloadFailure::Storage(storage(&error)))?;
    let standing = worlds::standing(&before, read_before.in_force());
    let now = wall_time();
    let mut bases = Bases {
        snapshots: &live.snapshots,
        replay: &replay,
        standing: &standing,
        waiting: read_before.waiting().map(|(_, record)| record.clone()).collect(),
        reading: live.reading.clone(),
        starting: false,
        now,
        steps: Vec::new(),
    };
    let mut loaded = config::load(&live.config, &read_before.made, &mut bases).map_err(invalid)?;
    loaded.keep_sockets(&live.started_with.sip.listen).map_err(invalid)?;
    let tls = read_tls(&loaded).map_err(|error| unusable(&error))?;
    let steps = bases.steps;
    let world = worlds::build(&loaded, &replay, &live.snapshots, &standing).map_err(|error| unfit(live, &error))?;
    let read = Read::new(&loaded, tls.clone(), &replay, &steps, now).after(&read_before);
    let lists = list_changes(&before.lists, &world.lists);
    // Lists that stand were taken from the world of before, the edits of all others from the replay, which is later.
    let built = Built { world, read, since: before.generation, steps };
    let generation = live.swap(by, Action::Reload, None, built).map_err(|error| match error {
        SwapError::Store(error) => ReloadFailure::Storage(storage(&error)),
        error => ReloadFailure::Storage(unavailable(&format!("{error}; reload again"))),
    })?;
    warn(&loaded);
    warn_by_hand(&live.worlds.load());
    let restart_needed = live.started_with.restart_keys(&loaded.settings);
    Ok(Reloaded {
        generation,
        lists,
        rules: difference::rules(&read_before.text, &loaded.text),
        restart_needed: restart_needed.into_iter().map(str::to_owned).collect(),
        warnings: warnings(&loaded).into_iter().chain(tls_warnings(tls.as_deref())).collect(),
    })
}

/// Logs where what is set by hand has the config not decide.
pub(super) fn warn_by_hand(world: &World) {
    world.by_hand().deviations(&world.policy).iter().for_each(|deviation| tracing::warn!("{deviation}"));
}

/// Reads the files of `[tls]`, if there is one, and logs what they will not do for long.
pub(super) fn read_tls(loaded: &Loaded) -> Result<Option<Arc<Tls>>, TlsError> {
    let tls = loaded.tls.as_ref().map(TlsFiles::read).transpose()?.map(Arc::new);
    tls_warnings(tls.as_deref()).for_each(|warning| tracing::warn!("{warning}"));
    Ok(tls)
}

fn tls_warnings(tls: Option<&Tls>) -> impl Iterator<Item = String> {
    tls.into_iter().flat_map(|tls| tls.warnings.iter().map(ToString::to_string))
}

fn unusable(error: &TlsError) -> ReloadFailure {
    tracing::warn!("reload failed, nothing was changed: {error}");
    ReloadFailure::Invalid(vec![ReloadProblem {
        detail: error.to_string(),
        file: error.file().map(|file| file.display().to_string()),
        line: None,
        column: None,
    }])
}

/// Removes the snapshots that nobody can ask for any more.
pub(super) fn sweep(live: &Live) {
    let read = live.read();
    if let Err(error) = live.snapshots.sweep(|digest| read.needs(digest)) {
        tracing::warn!("old snapshots stay: {error}");
    }
}

fn unfit(live: &Arc<Live>, error: &BuildError) -> ReloadFailure {
    tracing::warn!("reload failed, nothing was changed: {}", told::build(error));
    match error {
        BuildError::Edit(error) => ReloadFailure::Invalid(vec![ReloadProblem {
            detail: told::edit_in_full(error, |list| live.dial_plan(Some(list))),
            file: Some(live.config.display().to_string()),
            line: None,
            column: None,
        }]),
        BuildError::Import { .. } => ReloadFailure::Storage(unavailable(&error.to_string())),
    }
}

/// Every list, with its entries before and after.
fn list_changes(before: &Lists, after: &Lists) -> Vec<ListChange> {
    let count = |lists: &Lists, name: &str| lists.get(name).map(|list| list.len());
    let gone = before.iter().map(|(_, list)| list).filter(|list| after.get(list.name()).is_none());
    let kept = after.iter().map(|(_, list)| list);
    kept.chain(gone)
        .map(|list| list.name())
        .map(|name| ListChange { list: name.to_string(), before: count(before, name), after: count(after, name) })
        .collect()
}

/// Logs what works but is hardly meant, and what of the lists' files is not in force.
pub(super) fn warn(loaded: &Loaded) {
    for ConfigWarning { place, notice } in &loaded.warnings {
        tracing::warn!("{place}: {}", told::notice(notice));
    }
    for (list, origin) in origins(loaded) {
        for file in origin.told.iter().filter(|file| !file.skipped.is_empty()) {
            tracing::warn!("{}: {file}", file.path.display());
        }
        for notice in &origin.notices {
            tracing::warn!("list \"{list}\": {}", told::source(notice));
        }
        if stale(origin) {
            tracing::warn!("list \"{list}\": its file is older than max_age");
        }
    }
}

/// The same for whoever asked.
fn warnings(loaded: &Loaded) -> Vec<String> {
    let rules = loaded.warnings.iter().map(ToString::to_string);
    let files = origins(loaded).flat_map(|(list, origin)| {
        let skipped = origin.told.iter().filter(|file| !file.skipped.is_empty());
        let skipped = skipped.map(|file| format!("{}: {file}", file.path.display()));
        let told = |notice: &SourceNotice| format!("list \"{list}\": {notice}");
        let notices: Vec<String> = origin.notices.iter().map(told).collect();
        let stale = stale(origin).then(|| format!("list \"{list}\": its file is older than max_age"));
        skipped.chain(notices).chain(stale)
    });
    rules.chain(files).collect()
}

fn stale(origin: &Origin) -> bool {
    origin.stale_from.is_some_and(|from| from <= wall_time())
}

fn origins(loaded: &Loaded) -> impl Iterator<Item = (&Arc<str>, &Origin)> {
    let names = loaded.lists.iter().map(|(_, list)| list.name());
    names.filter_map(|name| Some((name, loaded.origins.get(name)?)))
}

fn invalid(errors: ConfigErrors) -> ReloadFailure {
    for ConfigError { place, mistake } in &errors.0 {
        tracing::warn!("reload failed, nothing was changed: {place}: {}", told::mistake(mistake));
    }
    let problem = |error: ConfigError| ReloadProblem {
        detail: error.mistake.to_string(),
        file: Some(error.place.file.display().to_string()),
        line: error.place.at.map(|(line, _)| line),
        column: error.place.at.map(|(_, column)| column),
    };
    ReloadFailure::Invalid(errors.0.into_iter().map(problem).collect())
}
