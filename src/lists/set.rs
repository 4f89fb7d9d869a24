//! [`Lists`]: all lists of a world.

use std::collections::HashMap;
use std::ops::Index;
use std::sync::Arc;

use thiserror::Error;

use super::{Change, Edit, Entry, List};

/// A list by its place in [`Lists`]; places stay when edits are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListId(pub u16);

/// All lists, by id and by name; immutable, cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Lists {
    lists: Vec<Arc<List>>,
    names: Arc<HashMap<Arc<str>, ListId>>,
}

impl Lists {
    /// In the given order, which their ids follow.
    pub fn new(lists: Vec<List>) -> Result<Lists, ListsError> {
        let mut names = HashMap::with_capacity(lists.len());
        for (at, list) in lists.iter().enumerate() {
            let id = u16::try_from(at).map_err(|_| ListsError::TooMany)?;
            if names.insert(list.name().clone(), ListId(id)).is_some() {
                return Err(ListsError::Twice(list.name().clone()));
            }
        }
        Ok(Lists { lists: lists.into_iter().map(Arc::new).collect(), names: Arc::new(names) })
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.lists.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }

    /// The list of that name.
    pub fn get(&self, name: &str) -> Option<&List> {
        self.id(name).map(|id| &self[id])
    }

    /// The place of the list of that name.
    pub fn id(&self, name: &str) -> Option<ListId> {
        self.names.get(name).copied()
    }

    /// All with their ids, in order.
    pub fn iter(&self) -> impl Iterator<Item = (ListId, &List)> {
        (0u16..).map(ListId).zip(self.lists.iter().map(|list| &**list))
    }

    /// These lists with `list` in the place of the one of its name, or behind all others.
    pub fn with_list(&self, list: List) -> Result<Lists, ListsError> {
        let mut lists = self.clone();
        match self.id(list.name()) {
            Some(id) => lists.lists[usize::from(id.0)] = Arc::new(list),
            None => {
                let id = u16::try_from(lists.len()).map_err(|_| ListsError::TooMany)?;
                let mut names = HashMap::clone(&lists.names);
                names.insert(list.name().clone(), ListId(id));
                lists.names = Arc::new(names);
                lists.lists.push(Arc::new(list));
            }
        }
        Ok(lists)
    }

    /// These lists without the one of that name; those behind it take other places.
    pub fn without(&self, name: &str) -> Lists {
        let lists: Vec<Arc<List>> = self.lists.iter().filter(|list| **list.name() != *name).cloned().collect();
        let names = lists.iter().map(|list| list.name().clone()).zip((0..).map(ListId)).collect();
        Lists { lists, names: Arc::new(names) }
    }

    /// These lists after `edits`, applied in order; none of them when one names a list that is not here.
    pub fn with(&self, edits: &[Edit]) -> Result<Lists, UnknownList> {
        let mut by_list: HashMap<ListId, Vec<(Entry, Change)>> = HashMap::new();
        for edit in edits {
            let id = self.id(&edit.list).ok_or_else(|| UnknownList(edit.list.clone()))?;
            by_list.entry(id).or_default().push((edit.entry.clone(), edit.change.clone()));
        }
        let mut lists = self.clone();
        for (id, changes) in by_list {
            lists.lists[usize::from(id.0)] = Arc::new(self[id].after(&changes));
        }
        Ok(lists)
    }
}

impl Index<ListId> for Lists {
    type Output = List;

    fn index(&self, id: ListId) -> &List {
        &self.lists[usize::from(id.0)]
    }
}

/// An edit of a list that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("no list is named `{0}`")]
pub struct UnknownList(pub Arc<str>);

/// Why lists cannot stand together.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ListsError {
    /// Two lists of one name.
    #[error("two lists are named `{0}`")]
    Twice(Arc<str>),
    /// [`ListId`] counts to 65,536.
    #[error("more than 65,536 lists")]
    TooMany,
}

#[cfg(test)]
mod tests;
