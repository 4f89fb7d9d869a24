//! The world in force, and those it replaced.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use super::bases::{Standing, read_import};
use crate::config::Loaded;
use crate::lists::{Change, Details, Digest, Edit, Entry, ImportRecord, List, Lists};
use crate::screen::{EditError, Policy, World};
use crate::store::{Published, Refusal, Replay, SnapshotError, Snapshots};

/// Shards load the current world for each message; nobody else waits for them or makes them drop an old one.
#[derive(Debug)]
pub(super) struct Worlds {
    current: Arc<ArcSwap<World>>,
    replaced: Mutex<Vec<Arc<World>>>,
}

impl Worlds {
    pub(super) fn new(world: World) -> Worlds {
        Worlds { current: Arc::new(ArcSwap::from_pointee(world)), replaced: Mutex::default() }
    }

    /// What shards load from.
    pub(super) fn current(&self) -> &Arc<ArcSwap<World>> {
        &self.current
    }

    pub(super) fn load(&self) -> Arc<World> {
        self.current.load_full()
    }

    /// Puts a world in force; only the store's thread does so.
    pub(super) fn swap(&self, world: World) {
        let old = self.current.swap(Arc::new(world));
        let mut replaced = self.replaced.lock().unwrap_or_else(PoisonError::into_inner);
        replaced.push(old);
        // Between edits little is to be freed, and much would pile up; what a reload replaced is left to the sweep.
        if replaced.len() > MOST_REPLACED {
            drop(replaced);
            self.sweep();
        }
    }

    /// Whether there is something to sweep.
    pub(super) fn is_swept(&self) -> bool {
        self.replaced.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Drops the replaced worlds that no shard reads any more. A large list is freed here, not by the shard that
    /// happened to read it last.
    pub(super) fn sweep(&self) {
        let mut replaced = self.replaced.lock().unwrap_or_else(PoisonError::into_inner);
        let (in_use, free): (Vec<_>, Vec<_>) = replaced.drain(..).partition(|world| Arc::strong_count(world) > 1);
        *replaced = in_use;
        drop(replaced);
        drop(free);
    }
}

/// Each has a few pointers beside what it shares with those after it.
const MOST_REPLACED: usize = 256;

/// What the store's thread publishes through.
pub(super) struct Publisher(pub(super) Arc<Worlds>);

impl Published for Publisher {
    fn holds(&self, edit: &Edit) -> Result<bool, Refusal> {
        let world = self.0.load();
        world.accepts(edit).map_err(|error| match error {
            EditError::UnknownList { .. } => Refusal::UnknownList,
            EditError::NeverBlock { .. } => Refusal::NeverBlock,
            EditError::NotForPool { .. } => Refusal::NotForPool,
        })?;
        Ok(world.lists.get(&edit.list).is_some_and(|list| list.contains(&edit.entry)))
    }

    fn details(&self, list: &str, entry: &Entry) -> Option<Details> {
        self.0.load().lists.get(list)?.details(entry)
    }

    fn publish(&mut self, edits: &[Edit], generation: u64) {
        match self.0.load().with_committed(edits) {
            Ok(mut world) => {
                world.generation = generation;
                self.0.swap(world);
            }
            // Each was accepted by the same world before it was stored; its text holds numbers.
            Err(_) => tracing::error!("edits were stored that the lists do not take"),
        }
    }
}

/// Why no world can be built of what the database holds.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum BuildError {
    /// An edit does not fit the config.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// Entries that were imported cannot be read back: unlike a base they have no file from which they could be made.
    #[error(
        "what was imported into the list \"{list}\" (generation {generation}) cannot be read: {error}; restore state/lists from a backup"
    )]
    Import {
        /// The list.
        list: Arc<str>,
        /// The generation of the import.
        generation: u64,
        /// Why.
        error: SnapshotError,
    },
}

/// Lists and rules of the config with every import and edit whose list it still has. Files say, edits override. A list
/// whose base is the one that it has already is taken as it stands.
pub(super) fn build(
    loaded: &Loaded,
    replay: &Replay,
    snapshots: &Snapshots,
    standing: &Standing,
) -> Result<World, BuildError> {
    let mut edits: HashMap<&str, Vec<(Entry, Change)>> = HashMap::new();
    let stands = |list: &str| {
        let (digest, list) = standing.get(list)?;
        let origin = loaded.origins.get(list.name())?;
        (origin.record.digest == *digest).then_some(list)
    };
    for edit in replay.edits.iter().filter(|edit| stands(&edit.list).is_none()) {
        edits.entry(&edit.list).or_default().push((edit.entry.clone(), edit.change.clone()));
    }
    let mut lists = Vec::with_capacity(loaded.lists.len());
    for (_, list) in loaded.lists.iter() {
        let name = list.name();
        let built = match stands(name) {
            Some(stands) => stands.described_as(list),
            None => {
                let imports = replay.imports.iter().filter(|import| import.list == *name);
                let list = imported(list.clone(), imports, snapshots)?;
                list.after(edits.get(&**name).map_or(&[][..], Vec::as_slice))
            }
        };
        let origin = loaded.origins.get(name);
        let built = built.aging(
            origin.and_then(|origin| origin.stale_from),
            origin.map(|origin| origin.when_stale).unwrap_or_default(),
        );
        lists.push(built);
    }
    let lists = Lists::new(lists).expect("as many lists as the config made, of the same names");
    let world = World::new(replay.generation, lists, Arc::clone(&loaded.policy))?;
    Ok(world.setting(Arc::new(replay.by_hand.clone())))
}

/// A list with what was imported into it.
pub(super) fn imported<'i>(
    list: List,
    imports: impl Iterator<Item = &'i ImportRecord>,
    snapshots: &Snapshots,
) -> Result<List, BuildError> {
    imports.into_iter().try_fold(list, |list, import| {
        let failed = |error| BuildError::Import { list: import.list.clone(), generation: import.generation, error };
        Ok(list.imported(&read_import(snapshots, &import.digest).map_err(failed)?))
    })
}

/// A world that was built aside, with the edits that were committed meanwhile, as that of `generation`.
pub(super) fn caught_up(world: &World, newer: &[Edit], generation: u64) -> Option<World> {
    let mut world = world.with_committed(&known(newer, &world.lists)).ok()?;
    world.generation = generation;
    Some(world)
}

/// The edits whose list exists. The others stay in the database and come back with their list.
pub(super) fn known(edits: &[Edit], lists: &Lists) -> Vec<Edit> {
    edits.iter().filter(|edit| lists.get(&edit.list).is_some()).cloned().collect()
}

/// The lists in force that can be taken as they stand, by what is known of their bases.
pub(super) fn standing<'r>(world: &World, bases: impl Iterator<Item = (&'r Arc<str>, Digest)>) -> Standing {
    bases.filter_map(|(name, digest)| Some((name.clone(), (digest, world.lists.get(name)?.clone())))).collect()
}

/// The same lists and rules, one list replaced.
pub(super) fn with_list(world: &World, list: List, policy: Arc<Policy>) -> Result<World, EditError> {
    let lists = world.lists.with_list(list).expect("the list is there already, or there is room for one more");
    Ok(World::new(world.generation, lists, policy)?.setting(Arc::clone(world.by_hand())))
}
