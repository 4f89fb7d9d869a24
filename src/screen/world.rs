//! All lists and rules as one immutable value.

use std::sync::Arc;

use thiserror::Error;

use crate::lists::{Change, Class, Edit, Entry, ListId, Lists, Pool, Refuse};
use crate::number::Number;
use crate::screen::by_hand::{ByHand, Modes, TrunkState};
use crate::screen::policy::{Mode, Policy, Route, RouteId, RuleId, TrunkId};

/// All lists and rules. One call is judged by one world; an edit or a reload makes the next.
#[derive(Debug, Clone)]
pub struct World {
    /// Gapless across restarts, one higher with each edit or reload.
    pub generation: u64,
    /// The lists.
    pub lists: Lists,
    /// The rules.
    pub policy: Arc<Policy>,
    /// What somebody has set.
    by_hand: Arc<ByHand>,
    /// Those of `by_hand`.
    modes: Modes,
    /// The pools that routes present from, each made from its list once.
    pools: Vec<(ListId, Arc<Pool>)>,
}

impl World {
    /// Puts lists and rules together; the policy must have been compiled against these lists. An edit of before may have
    /// put an entry into a pool's list that no pool can hold.
    pub fn new(generation: u64, lists: Lists, policy: Arc<Policy>) -> Result<World, EditError> {
        let by_hand = Arc::default();
        let mut world = World { generation, lists, policy, by_hand, modes: Modes::default(), pools: Vec::new() };
        for id in world.pool_lists() {
            let pool = world.build_pool(id)?;
            world.pools.push((id, pool));
        }
        Ok(world)
    }

    /// The same world with this set by hand, and nothing else.
    pub fn setting(self, by_hand: Arc<ByHand>) -> World {
        World { modes: Modes::new(&self.policy, &by_hand.modes), by_hand, ..self }
    }

    /// What somebody has set by hand.
    pub fn by_hand(&self) -> &Arc<ByHand> {
        &self.by_hand
    }

    /// The mode of a rule that somebody has set.
    pub fn mode_by_hand(&self, rule: RuleId) -> Option<Mode> {
        self.modes.of(rule)
    }

    /// The mode of a rule of the policy.
    pub fn mode(&self, rule: RuleId) -> Mode {
        self.mode_by_hand(rule).unwrap_or(self.policy.rule(rule).mode)
    }

    /// What a trunk of the policy is used for.
    pub fn trunk_state(&self, trunk: TrunkId) -> TrunkState {
        if self.by_hand.trunks.is_empty() {
            return TrunkState::Up;
        }
        self.by_hand.trunks.get(&self.policy.trunk(trunk).name).copied().unwrap_or_default()
    }

    /// Whether an edit can be made: to be asked before it is committed.
    pub fn accepts(&self, edit: &Edit) -> Result<(), EditError> {
        let id = self.lists.id(&edit.list).ok_or_else(|| EditError::UnknownList { list: edit.list.clone() })?;
        let puts = matches!(edit.change, Change::Put(_));
        let class = self.lists[id].class();
        if puts && self.policy.never_block.guard(class).is_some_and(|guard| guard.refuses(&edit.entry)) {
            return Err(EditError::NeverBlock { list: edit.list.clone(), entry: edit.entry.clone() });
        }
        let poolable = matches!(edit.entry, Entry::Number(_) | Entry::Range(_));
        let is_pool = class == Class::Pool || self.pools.iter().any(|(pool, _)| *pool == id);
        if is_pool && !poolable && puts {
            return Err(EditError::NotForPool { list: edit.list.clone(), entry: edit.entry.clone() });
        }
        Ok(())
    }

    /// The world after these edits; its generation is higher by their number. All edits are made or none.
    pub fn with_edits(&self, edits: &[Edit]) -> Result<World, EditError> {
        edits.iter().try_for_each(|edit| self.accepts(edit))?;
        self.with_committed(edits)
    }

    /// The same with edits that were accepted by the world then in force, whatever later rules say of them: they are made
    /// as those of before are. Pools are made anew only where their list changed.
    pub fn with_committed(&self, edits: &[Edit]) -> Result<World, EditError> {
        let lists = self.lists.with(edits).map_err(|unknown| EditError::UnknownList { list: unknown.0 })?;
        let generation = self.generation + edits.len() as u64;
        let mut next = World { generation, lists, ..self.clone() };
        for at in 0..next.pools.len() {
            let id = next.pools[at].0;
            if edits.iter().any(|edit| *edit.list == **next.lists[id].name()) {
                next.pools[at].1 = next.build_pool(id)?;
            }
        }
        Ok(next)
    }

    /// The pool of a route's `present` table.
    pub(crate) fn pool(&self, list: ListId) -> &Pool {
        let found = self.pools.iter().find(|(id, _)| *id == list);
        &found.expect("every list that a route presents from has its pool").1
    }

    /// The lists that routes present from, each with those routes.
    pub fn pools(&self) -> impl Iterator<Item = (ListId, impl Iterator<Item = RouteId> + use<'_>)> {
        self.pools.iter().map(|&(list, _)| {
            let presents = move |route: &Route| route.present.as_ref().is_some_and(|present| present.pool == list);
            let routes = (0..).map(RouteId).zip(&self.policy.routes);
            (list, routes.filter(move |(_, route)| presents(route)).map(|(id, _)| id))
        })
    }

    /// Whether a number is in the pool of a list that a route presents from.
    pub fn is_in_pool(&self, list: ListId, number: Number) -> bool {
        self.pools.iter().any(|(id, pool)| *id == list && pool.contains(number))
    }

    /// How many numbers a route may present from, the excluded ones included; `None` when it presents none.
    pub fn pool_size(&self, route: RouteId) -> Option<u64> {
        let present = self.policy.route(route).present.as_ref()?;
        Some(self.pool(present.pool).count())
    }

    fn pool_lists(&self) -> Vec<ListId> {
        let mut ids: Vec<ListId> =
            self.policy.routes.iter().filter_map(|route| route.present.as_ref()).map(|present| present.pool).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    fn build_pool(&self, id: ListId) -> Result<Arc<Pool>, EditError> {
        let list = &self.lists[id];
        Pool::new(list)
            .map(Arc::new)
            .map_err(|error| EditError::NotForPool { list: list.name().clone(), entry: error.0 })
    }
}

/// Why an edit cannot be made.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum EditError {
    /// There is no such list.
    #[error("there is no list \"{list}\"")]
    UnknownList {
        /// The name that was asked for.
        list: Arc<str>,
    },
    /// Numbers are presented from this list, so that it can hold numbers and ranges only.
    #[error("numbers are presented from the list \"{list}\", so it can hold numbers and ranges only, not {entry}")]
    NotForPool {
        /// The list.
        list: Arc<str>,
        /// The entry.
        entry: Entry,
    },
    /// The entry is or holds a number of `numbers.never_block`.
    #[error("{entry} is or holds a number of numbers.never_block, so that the list \"{list}\" cannot hold it")]
    NeverBlock {
        /// The list.
        list: Arc<str>,
        /// The entry.
        entry: Entry,
    },
}
