//! Reading the config and its lists again.
//!
//! The new world is built aside, over the edits of some generation. Then it takes its turn on the store's thread, gets
//! the edits that were committed meanwhile, and is swapped in before the next edit is looked at: none is lost, and none
//! is made twice.

use std::sync::{Arc, PoisonError};

use super::difference;
use super::live::{Live, Read, wall_time};
use super::{told, worlds};
use crate::admin::{Backend, ListChange, ReloadFailure, ReloadProblem, Reloaded, StorageFailure};
use crate::config::{self, ConfigError, ConfigErrors, ConfigWarning};
use crate::lists::{Edit, Lists};
use crate::store::{Publish, Reload, ReloadError};

/// Reloads; on a failure everything stays as it was. Blocks: not for a thread that serves calls or requests.
pub(super) fn reload(live: &Arc<Live>, actor: &Arc<str>) -> Result<Reloaded, ReloadFailure> {
    let result = {
        let _turn = live.reloading.lock().unwrap_or_else(PoisonError::into_inner);
        build_and_swap(live, actor)
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

fn build_and_swap(live: &Arc<Live>, actor: &Arc<str>) -> Result<Reloaded, ReloadFailure> {
    let loaded = config::load(&live.config).map_err(invalid)?;
    let replay = live.edits.replay().map_err(|error| unavailable(error.to_string()))?;
    let world = worlds::build(&loaded.lists, Arc::clone(&loaded.policy), &replay.edits, replay.generation).map_err(
        |error| {
            tracing::warn!("reload failed, nothing was changed: {}", told::edit(&error));
            ReloadFailure::Invalid(vec![ReloadProblem {
                detail: told::edit_in_full(&error, |list| live.dial_plan(Some(list))),
                file: Some(live.config.display().to_string()),
                line: None,
                column: None,
            }])
        },
    )?;
    let (before, read_before) = (live.worlds.load(), live.read());
    let at = wall_time();
    let read = Read::new(&loaded, at);
    let lists = list_changes(&before.lists, &world.lists);
    let prepare = {
        let live = Arc::clone(live);
        move |newer: &[Edit], generation| {
            let mut world = world.with_edits(&worlds::known(newer, &world.lists)).ok()?;
            world.generation = generation;
            let publish: Publish = Box::new(move || {
                *live.read.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(read);
                live.worlds.swap(world);
            });
            Some(publish)
        }
    };
    let reload = Reload { actor: Arc::clone(actor), at, since: replay.generation, prepare: Box::new(prepare) };
    let generation = live.edits.reload(reload).map_err(|error| match error {
        ReloadError::Refused => unavailable(format!("{error}; reload again")),
        ReloadError::Store(error) => unavailable(error.to_string()),
    })?;
    warn(&loaded.warnings);
    let restart_needed = live.started_with.restart_keys(&loaded.settings);
    Ok(Reloaded {
        generation,
        lists,
        rules: difference::rules(&read_before.text, &loaded.text),
        restart_needed: restart_needed.into_iter().map(str::to_owned).collect(),
        warnings: loaded.warnings.iter().map(ToString::to_string).collect(),
    })
}

fn unavailable(why: String) -> ReloadFailure {
    ReloadFailure::Storage(StorageFailure::Unavailable(why))
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

/// Logs what works but is hardly meant.
pub(super) fn warn(warnings: &[ConfigWarning]) {
    for ConfigWarning { place, notice } in warnings {
        tracing::warn!("{place}: {}", told::notice(notice));
    }
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
