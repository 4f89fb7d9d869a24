//! Moving edits into the base, so that the overlay stays small.

use std::collections::HashMap;
use std::sync::Arc;

use imbl::OrdSet;

use super::{List, Overlay};
use crate::lists::{Base, BaseBuilder, Change, Details, Entry, NumberSet};

impl List {
    /// From so many edits in the overlay on, [`List::folded`] is worth its time: a look-up goes through 20 steps of the
    /// overlay then, and 100,000 edits have some 10 MB.
    pub const WORTH_FOLDING: u64 = 100_000;

    /// This list with all edits in its base. Takes as long as it takes to write the parts of the base anew that edits
    /// are in: up to a second for hundreds of millions of numbers. Look-ups, details and counts stay what they were.
    pub fn folded(&self) -> List {
        self.with_folded(self.changes())
    }

    /// This list after `edits`, applied in order and folded at once.
    pub fn with_all(&self, edits: &[(Entry, Change)]) -> List {
        // Of an entry's edits the last counts.
        let mut last: HashMap<Entry, Option<&Details>> = self.changes().collect();
        last.extend(edits.iter().map(|(entry, change)| match change {
            Change::Put(details) => (entry.clone(), Some(details)),
            Change::Remove => (entry.clone(), None),
        }));
        self.with_folded(last.into_iter())
    }

    /// This list after the entries of a file were added to it at once: of an entry that it had, the details are those
    /// of the file, and what edits had made of it no longer counts.
    pub fn imported(&self, file: &Base) -> List {
        let list = self.folded();
        let edited = Edited {
            numbers: list.edited.numbers.changed(&NumberSet::default(), file.numbers()),
            others: list.edited.others.iter().filter(|entry| !file.contains(entry)).cloned().collect(),
        };
        let base = Base::clone(&list.base).changed(file.clone(), &[]);
        List { len: base.len(), base: Arc::new(base), edits: edited.len(), edited: Arc::new(edited), ..list }
    }

    fn with_folded<'c>(&self, changes: impl Iterator<Item = (Entry, Option<&'c Details>)>) -> List {
        let (mut added, mut removed) = (BaseBuilder::new(), Vec::new());
        let (mut numbers, mut others) = (Vec::new(), self.edited.others.clone());
        for (entry, change) in changes {
            match &entry {
                Entry::Number(number) => numbers.push(number.get()),
                other => drop(others.insert(other.clone())),
            }
            match change {
                Some(details) => added.push(entry, details),
                None => removed.push(entry),
            }
        }
        let numbers = self.edited.numbers.changed(&NumberSet::from_unsorted(numbers), &NumberSet::default());
        let edited = Edited { numbers, others };
        let base = Base::clone(&self.base).changed(added.build(), &removed);
        List {
            len: base.len(),
            base: Arc::new(base),
            overlay: Overlay::default(),
            edits: edited.len(),
            edited: Arc::new(edited),
            ..self.clone()
        }
    }
}

/// Entries that were edited, removed ones included.
#[derive(Debug, Default)]
pub(super) struct Edited {
    numbers: NumberSet,
    others: OrdSet<Entry>,
}

impl Edited {
    pub(super) fn contains(&self, entry: &Entry) -> bool {
        match entry {
            Entry::Number(number) => self.numbers.contains(*number),
            other => self.others.contains(other),
        }
    }

    fn len(&self) -> u64 {
        self.numbers.len() + self.others.len() as u64
    }
}
