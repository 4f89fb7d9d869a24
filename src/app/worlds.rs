//! The world in force, and those it replaced.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use crate::lists::{Details, Edit, Entry, Lists};
use crate::screen::{EditError, Policy, World};
use crate::store::{Published, Refusal};

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
        self.replaced.lock().unwrap_or_else(PoisonError::into_inner).push(old);
        self.sweep();
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

/// What the store's thread publishes through.
pub(super) struct Publisher(pub(super) Arc<Worlds>);

impl Published for Publisher {
    fn holds(&self, edit: &Edit) -> Result<bool, Refusal> {
        let world = self.0.load();
        world.accepts(edit).map_err(|error| match error {
            EditError::UnknownList { .. } => Refusal::UnknownList,
            EditError::NotForPool { .. } | EditError::NeverBlock { .. } => Refusal::NotForPool,
        })?;
        Ok(world.lists.get(&edit.list).is_some_and(|list| list.contains(&edit.entry)))
    }

    fn details(&self, list: &str, entry: &Entry) -> Option<Details> {
        self.0.load().lists.get(list).and_then(|list| list.details(entry))
    }

    fn publish(&mut self, edits: &[Edit], generation: u64) {
        match self.0.load().with_edits(edits) {
            Ok(mut world) => {
                world.generation = generation;
                self.0.swap(world);
            }
            // Each was accepted by the same world before it was stored; its text holds numbers.
            Err(_) => tracing::error!("edits were stored that the lists do not take"),
        }
    }
}

/// Lists and rules of the config with every edit whose list it still has. Files say, edits override.
pub(super) fn build(lists: &Lists, policy: Arc<Policy>, edits: &[Edit], generation: u64) -> Result<World, EditError> {
    let known = known(edits, lists);
    let lists = lists.with(&known).map_err(|unknown| EditError::UnknownList { list: unknown.0 })?;
    World::new(generation, lists, policy)
}

/// The edits whose list exists. The others stay in the database and come back with their list.
pub(super) fn known(edits: &[Edit], lists: &Lists) -> Vec<Edit> {
    edits.iter().filter(|edit| lists.get(&edit.list).is_some()).cloned().collect()
}
