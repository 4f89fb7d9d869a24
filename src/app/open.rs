//! Opening the state, and what is in force by it, before anything is served.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::bases::{Bases, Standing};
use super::live::{Built, Counts, Live, wall_time};
use super::read::Read;
use super::reload;
use super::run::StartError;
use super::worlds::{self, Publisher, Worlds};
use crate::admin::By;
use crate::cli::reading::shown;
use crate::config::{self, Loaded, Reading, Settings};
use crate::lists::Action;
use crate::screen::World;
use crate::store::{EditWriter, Keys, Snapshots, Step, Store};
use crate::usage::Usage;

/// Config and state, read; edits can be stored, and nothing is served yet.
pub(super) struct Opened {
    pub(super) settings: Settings,
    pub(super) keys: Keys,
    pub(super) worlds: Arc<Worlds>,
    edits: EditWriter,
    snapshots: Snapshots,
    reading: Reading,
    read: Read,
    /// What the files have made of the lists since they were in force last.
    steps: Vec<Step>,
}

impl Opened {
    /// Reads the config, then the state directory that it names, then the lists: what is in force needs all of them.
    /// `warn` is told of the config before the state is used.
    pub(super) fn open(config: &Path, warn: impl FnOnce(&Loaded)) -> Result<Opened, StartError> {
        let settings = config::settings(config)?;
        let (store, replay) = Store::open(&settings.state)?;
        let snapshots = Snapshots::open(&settings.state.dir)?;
        let (reading, standing, now) = (Reading::new(), Standing::new(), wall_time());
        let mut bases = Bases {
            snapshots: &snapshots,
            replay: &replay,
            standing: &standing,
            waiting: Vec::new(),
            reading: reading.clone(),
            starting: true,
            now,
            steps: Vec::new(),
        };
        let made: Vec<_> = replay.made.iter().map(|list| (list.name.clone(), list.class)).collect();
        let loaded = shown(&reading, || config::load(config, &made, &mut bases))?;
        let steps = bases.steps;
        warn(&loaded);
        let keys = store.keys().clone();
        let world = worlds::build(&loaded, &replay, &snapshots, &standing)?;
        let idle = replay.edits.len() - worlds::known(&replay.edits, &world.lists).len();
        if idle > 0 {
            tracing::warn!("{idle} edits are kept of lists that the config does not have");
        }
        let read = Read::new(&loaded, &replay, &steps, now);
        let worlds = Arc::new(Worlds::new(world));
        let edits = store.start(Publisher(Arc::clone(&worlds)))?;
        Ok(Opened { settings, keys, worlds, edits, snapshots, reading, read, steps })
    }

    /// All of it together with what is counted.
    pub(super) fn live(self, config: &Path, usage: Arc<Usage>, counts: Counts) -> Arc<Live> {
        let Opened { settings, keys: _, worlds, edits, snapshots, reading, read, steps } = self;
        let live = Arc::new(Live {
            config: config.into(),
            started_with: settings,
            worlds,
            read: Mutex::new(Arc::new(read)),
            edits,
            snapshots,
            reading,
            usage,
            counts,
            building: Mutex::new(()),
        });
        remember(&live, steps);
        live
    }
}

/// Stores which bases the start has put in force, so that the generation says which they were. Where that fails calls are
/// screened all the same, and the next reload stores it.
fn remember(live: &Arc<Live>, steps: Vec<Step>) {
    if steps.is_empty() {
        return;
    }
    let _turn = live.building.lock().unwrap_or_else(PoisonError::into_inner);
    let world = World::clone(&live.worlds.load());
    let by = By { actor: "start".into(), reason: None };
    let built = Built { since: world.generation, world, read: Read::clone(&live.read()), steps };
    match live.swap(&by, Action::Reload, None, built) {
        Ok(_) => reload::sweep(live),
        Err(error) => tracing::warn!("the bases of the lists could not be noted: {error}"),
    }
}
