//! [`PoolView`]: the pool of a route at a moment.

use super::candidates::Candidates;
use super::nearest::Nearest;
use super::strategy::Looks;
use super::{NumberState, Occasion, PoolTally, strategy};
use crate::lists::Pool;
use crate::number::{Number, Party};
use crate::screen::policy::{Present, RouteId};
use crate::screen::world::World;
use crate::time::WallTime;
use crate::usage::{Held, Showing, Usage};

/// What a route may show at a moment.
#[derive(Debug, Clone, Copy)]
pub struct PoolView<'w> {
    pub(super) world: &'w World,
    pub(super) usage: &'w Usage,
    /// The route's `present`.
    pub present: &'w Present,
    pub(super) wall: WallTime,
}

impl<'w> PoolView<'w> {
    /// `None` when the route presents no number.
    pub fn new(world: &'w World, usage: &'w Usage, route: RouteId, wall: WallTime) -> Option<PoolView<'w>> {
        let present = world.policy.route(route).present.as_ref()?;
        Some(PoolView { world, usage, present, wall })
    }

    /// The numbers.
    pub fn pool(&self) -> &'w Pool {
        self.world.pool(self.present.pool)
    }

    /// The number that a call shows: the one that it asks for, else the strategy's; `None` when none may be shown, or none was
    /// found by so many looks as a call may take.
    pub fn choose(&self, occasion: &Occasion) -> Option<Number> {
        if let Some(asked) = occasion.asked.filter(|&asked| self.is_free(asked)) {
            return Some(asked);
        }
        let (pool, mut looks) = (self.pool(), Looks::default());
        if let (true, Some(callee)) = (self.present.local, occasion.number) {
            return Nearest::new(pool, callee)
                .find_map(|nearest| strategy::choose(self, &nearest, occasion, &mut looks));
        }
        strategy::choose(self, &Candidates::all(pool), occasion, &mut looks)
    }

    /// Counts the showing of a number, where the route counts; fails when its limits have been reached since it was chosen.
    pub fn enter(&self, number: Number) -> Result<Option<Showing>, Held> {
        if !self.present.is_counted() {
            return Ok(None);
        }
        self.usage.showings.enter(number, &self.present.limits, self.wall).map(Some)
    }

    /// Counts the showing of a number by a call that has gone on, as far as its limits let it.
    pub fn enter_sent(&self, number: Number) {
        if let Ok(Some(showing)) = self.enter(number) {
            showing.stand();
        }
    }

    /// Whether a call that shows a number may go on showing it: the limits that count its own showing are not asked.
    pub fn may_stay(&self, number: Number) -> bool {
        self.listed_state(number) == NumberState::Free
            && (self.present.limits.rest.is_none() || self.usage.showings.rests_until(number, self.wall).is_none())
    }

    /// Whether a number may be shown, and why not.
    pub fn state(&self, number: Number) -> NumberState {
        match self.listed_state(number) {
            NumberState::Free => {
                let held = self.usage.showings.held(number, &self.present.limits, self.wall);
                held.map_or(NumberState::Free, NumberState::Held)
            }
            state => state,
        }
    }

    pub(super) fn is_free(&self, number: Number) -> bool {
        self.state(number) == NumberState::Free
    }

    /// What the lists alone say.
    fn listed_state(&self, number: Number) -> NumberState {
        let pool = self.pool();
        if !pool.in_force(number, self.wall) {
            return if pool.contains(number) { NumberState::Expired } else { NumberState::Absent };
        }
        let party = Party::Number(number);
        let holds = |&&list: &&_| self.world.lists[list].lookup(&party, self.wall).is_some();
        self.present.exclude.iter().find(holds).map_or(NumberState::Free, |&list| NumberState::Listed(list))
    }

    /// How many of the pool's first [`MOST_TALLIED`] numbers are in which state. Looks at each: not for the call path.
    pub fn tally(&self) -> PoolTally {
        let mut tally = PoolTally::default();
        self.pool().slice(0..MOST_TALLIED).for_each(|number| tally.add(self.state(number)));
        tally
    }
}

/// A range may have any number of numbers; to look at so many takes less than a second.
pub const MOST_TALLIED: u64 = 1_000_000;
