//! Opening the state, and what is in force by it, before anything is served.

use std::path::Path;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};

use super::bases::{Bases, Standing};
use super::live::{Counts, Live, records_dir, wall_time};
use super::read::Read;
use super::reload;
use super::run::StartError;
use super::worlds::{self, Publisher, Worlds};
use crate::cli::reading::shown;
use crate::config::{self, Loaded, Reading, Settings};
use crate::lists::{Action, Edit};
use crate::net::TlsStore;
use crate::records::RecordArchive;
use crate::screen::World;
use crate::store::{EditWriter, Keys, Publish, Snapshots, Step, Store, Swap};
use crate::usage::Usage;

/// Config and state, read; edits can be stored, and nothing is served yet.
pub(super) struct Opened {
    pub(super) settings: Settings,
    pub(super) keys: Keys,
    pub(super) worlds: Arc<Worlds>,
    /// What is in force of `[tls]`.
    pub(super) tls: Arc<TlsStore>,
    edits: EditWriter,
    snapshots: Snapshots,
    reading: Reading,
    read: Read,
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
        let tls = reload::read_tls(&loaded)?;
        warn(&loaded);
        let keys = store.keys().clone();
        let world = worlds::build(&loaded, &replay, &snapshots, &standing)?;
        let idle = replay.edits.len() - worlds::known(&replay.edits, &world.lists).len();
        if idle > 0 {
            tracing::warn!("{idle} edits are kept of lists that the config does not have");
        }
        reload::warn_by_hand(&world);
        let read = Read::new(&loaded, tls, &replay, &steps, now);
        let worlds = Arc::new(Worlds::new(world));
        let edits = store.start(Publisher(Arc::clone(&worlds)))?;
        remember(&edits, &worlds, steps);
        let tls = Arc::new(TlsStore::new(read.tls.clone()));
        Ok(Opened { settings, keys, worlds, tls, edits, snapshots, reading, read })
    }

    /// All of it together with what is counted.
    pub(super) fn live(self, config: &Path, usage: Arc<Usage>, counts: Counts) -> Arc<Live> {
        let Opened { settings, keys: _, worlds, tls, edits, snapshots, reading, read } = self;
        let live = Arc::new(Live {
            config: config.into(),
            archive: RecordArchive::new(records_dir(&settings)),
            started_with: settings,
            worlds,
            tls,
            read: Mutex::new(Arc::new(read)),
            edits,
            snapshots,
            reading,
            usage,
            counts,
            building: Mutex::new(()),
            reloads: AtomicUsize::new(0),
            failed: Mutex::default(),
        });
        reload::sweep(&live);
        live
    }
}

/// Stores which bases the start has put in force, so that the generation says which they were, before any call is
/// screened. Where that fails calls are screened all the same, and the next reload stores it.
fn remember(edits: &EditWriter, worlds: &Arc<Worlds>, steps: Vec<Step>) {
    if steps.is_empty() {
        return;
    }
    let mut world = World::clone(&worlds.load());
    let (since, worlds) = (world.generation, Arc::clone(worlds));
    let prepare = move |_: &[Edit], generation| {
        world.generation = generation;
        let publish: Publish = Box::new(move || worlds.swap(world));
        Some(publish)
    };
    let swap = Swap {
        actor: "start".into(),
        at: wall_time(),
        reason: None,
        since,
        action: Action::Reload,
        list: None,
        steps,
        prepare: Box::new(prepare),
    };
    if let Err(error) = edits.swap(swap) {
        tracing::warn!("the bases of the lists could not be noted: {error}");
    }
}
