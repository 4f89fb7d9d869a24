//! Groups of edits that somebody asks for, and what each would do.

use std::collections::HashMap;
use std::sync::Arc;

use super::StoreError;
use crate::lists::{Change, Condition, Details, Edit, Effect, Entry};
use crate::time::WallTime;

/// Edits that somebody asks for: all are made or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Who asks, for the audit trail.
    pub actor: Arc<str>,
    /// When.
    pub at: WallTime,
    /// Why, as far as he says.
    pub reason: Option<Arc<str>>,
    /// What, in this order; each has a generation and a line of the trail of its own.
    pub edits: Vec<Edit>,
    /// What must hold of the first edit's entry before it is made.
    pub condition: Option<Condition>,
}

/// Edits that are on the disk and in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// What each did.
    pub effects: Vec<Effect>,
    /// The generation that the last one led to; that in force when there is none.
    pub generation: u64,
}

/// Why an edit does nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No list has this name.
    #[error("no list has this name")]
    UnknownList,
    /// The entry to be removed is not in the list.
    #[error("the list does not hold this entry")]
    Absent,
    /// The list is used as a pool, and the entry is neither a number nor a range.
    #[error("the list is used as a pool and takes only numbers and ranges")]
    NotForPool,
    /// A blocking list would hold an emergency number.
    #[error("numbers.never_block holds it: no list may")]
    NeverBlock,
    /// The proposal's condition does not hold.
    #[error("the entry is not, or no longer, what the request expects")]
    Condition,
}

/// Why a group of edits is neither stored nor in force.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// One of them does nothing.
    #[error("{refusal}")]
    Refused {
        /// Which, counted from 0.
        at: usize,
        /// Why.
        refusal: Refusal,
    },
    /// They could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is in force, as the store's thread sees it. Only that thread calls this.
pub trait Published: Send + 'static {
    /// Whether what is in force holds the edit's entry, or why the edit can never take effect.
    fn holds(&self, edit: &Edit) -> Result<bool, Refusal>;

    /// What is known of an entry that is in force; `None`: the list does not hold it.
    fn details(&self, list: &str, entry: &Entry) -> Option<Details>;

    /// Puts committed edits in force: all of one commit. `generation` is the last one's; they have consecutive ones.
    fn publish(&mut self, edits: &[Edit], generation: u64);
}

/// What each group does after those ahead of it.
pub(super) fn judge<'g>(
    published: &impl Published,
    groups: impl Iterator<Item = &'g Proposal>,
) -> Vec<Result<Vec<Effect>, EditError>> {
    let mut ahead = Ahead::default();
    groups.map(|group| judge_group(published, group, &mut ahead)).collect()
}

/// The last change ahead of each entry: its details, or `None` when it is removed.
type Ahead<'g> = HashMap<(&'g str, &'g Entry), Option<&'g Details>>;

fn judge_group<'g>(
    published: &impl Published,
    group: &'g Proposal,
    ahead: &mut Ahead<'g>,
) -> Result<Vec<Effect>, EditError> {
    let mut effects = Vec::with_capacity(group.edits.len());
    let mut replaced = Vec::new();
    for (at, edit) in group.edits.iter().enumerate() {
        let condition = group.condition.as_ref().filter(|_| at == 0);
        match judge_edit(published, edit, condition, ahead) {
            Ok(effect) => {
                effects.push(effect);
                let key = (&*edit.list, &edit.entry);
                let details = match &edit.change {
                    Change::Put(details) => Some(details),
                    Change::Remove => None,
                };
                replaced.push((key, ahead.insert(key, details)));
            }
            Err(refusal) => {
                // None of the group is made: what it did to those behind it is taken back, the last first.
                for (key, before) in replaced.into_iter().rev() {
                    match before {
                        Some(before) => ahead.insert(key, before),
                        None => ahead.remove(&key),
                    };
                }
                return Err(EditError::Refused { at, refusal });
            }
        }
    }
    Ok(effects)
}

fn judge_edit(
    published: &impl Published,
    edit: &Edit,
    condition: Option<&Condition>,
    ahead: &Ahead<'_>,
) -> Result<Effect, Refusal> {
    let in_force = published.holds(edit)?;
    let ahead = ahead.get(&(&*edit.list, &edit.entry)).copied();
    if let Some(condition) = condition {
        let tag = match ahead {
            Some(details) => details.map(|details| details.tag(&edit.entry)),
            None => published.details(&edit.list, &edit.entry).map(|details| details.tag(&edit.entry)),
        };
        if !condition.holds(tag) {
            return Err(Refusal::Condition);
        }
    }
    match (&edit.change, ahead.map_or(in_force, |details| details.is_some())) {
        (Change::Put(_), false) => Ok(Effect::Added),
        (Change::Put(_), true) => Ok(Effect::Changed),
        (Change::Remove, true) => Ok(Effect::Removed),
        (Change::Remove, false) => Err(Refusal::Absent),
    }
}
