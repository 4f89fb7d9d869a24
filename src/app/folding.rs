//! Folding the edits of lists into their bases, in the background.

use std::sync::{Arc, TryLockError};

use super::background::modestly;
use super::live::Live;
use super::worlds;
use crate::lists::{Edit, List};
use crate::screen::World;
use crate::store::Publish;

/// Whether a list has so many edits over its base that folding them is worth it.
pub(super) fn is_due(world: &World) -> bool {
    world.lists.iter().any(|(_, list)| is_worth_it(list))
}

/// Folds what is worth it; calls and edits go on meanwhile. Blocks: not for a thread that serves them.
pub(super) fn fold(live: &Arc<Live>) {
    let _turn = match live.building.try_lock() {
        Ok(turn) => turn,
        // A reload makes other bases anyway; what is left after it is folded then.
        Err(TryLockError::WouldBlock) => return,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
    };
    let world = live.worlds.load();
    let folded = modestly(|| {
        let folded = world.lists.iter().filter(|(_, list)| is_worth_it(list)).map(|(_, list)| list.folded());
        folded.fold(World::clone(&world), |world, list| {
            // The entries are the same, so that pools take them as they did.
            worlds::with_list(&world, list, Arc::clone(&world.policy)).unwrap_or(world)
        })
    });
    let publishing = Arc::clone(live);
    let prepare = move |newer: &[Edit], generation| {
        let world = worlds::caught_up(&folded, newer, generation)?;
        let publish: Publish = Box::new(move || publishing.worlds.swap(world));
        Some(publish)
    };
    match live.edits.refit(world.generation, Box::new(prepare)) {
        Ok(_) => live.counts.folds.add(1),
        Err(error) => tracing::warn!("edits stay over their lists for now: {error}"),
    }
}

fn is_worth_it(list: &List) -> bool {
    list.unfolded() >= List::WORTH_FOLDING
}
