//! [`List`]: a base, a class, and an overlay of edits.
//!
//! `overlay` holds the edits, `folding` moves them into the base, `page` goes through all entries.

mod folding;
mod overlay;
mod page;
#[cfg(test)]
mod tests;
pub use page::Page;

use std::path::Path;
use std::sync::Arc;

use folding::Edited;
use overlay::Overlay;

use super::{Base, Change, Class, Details, Entry, Prefix, Range, WhenStale};
use crate::number::{Number, Party};
use crate::time::WallTime;

/// A named set of entries, immutable: an edit makes another list that shares what did not change.
///
/// The overlay wins over the base, entry by entry: a removed entry of the base no longer matches, and what it covered
/// (a shorter prefix, a wider range) does.
#[derive(Debug, Clone)]
pub struct List {
    name: Arc<str>,
    class: Class,
    source: Option<Arc<Path>>,
    /// What its file says, with the edits that were folded into it.
    base: Arc<Base>,
    overlay: Overlay,
    /// Which entries of the base stand there as edits left them.
    edited: Arc<Edited>,
    /// Entries of base and overlay together, expired ones included.
    len: u64,
    /// Edited entries of base and overlay together.
    edits: u64,
    /// From when on the file is too old; `None`: never.
    stale_from: Option<WallTime>,
    when_stale: WhenStale,
}

impl List {
    /// A list as its file or configuration says it, without edits.
    pub fn new(name: Arc<str>, class: Class, source: Option<Arc<Path>>, base: Arc<Base>) -> List {
        List {
            name,
            class,
            source,
            len: base.len(),
            base,
            overlay: Overlay::default(),
            edited: Arc::default(),
            edits: 0,
            stale_from: None,
            when_stale: WhenStale::default(),
        }
    }

    /// The same list, which is too old from `stale_from` on, and what it does then.
    pub fn aging(self, stale_from: Option<WallTime>, when_stale: WhenStale) -> List {
        List { stale_from, when_stale, ..self }
    }

    /// The same entries under the name, class and file of another list: that of a later reading of the config.
    pub fn described_as(&self, other: &List) -> List {
        List { name: other.name.clone(), class: other.class, source: other.source.clone(), ..self.clone() }
    }

    /// From when on its file is too old; `None`: never.
    pub fn stale_from(&self) -> Option<WallTime> {
        self.stale_from
    }

    /// What it does then.
    pub fn when_stale(&self) -> WhenStale {
        self.when_stale
    }

    /// Whether its file is too old at `at`.
    pub fn is_stale(&self, at: WallTime) -> bool {
        self.stale_from.is_some_and(|from| from <= at)
    }

    /// Its name.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// What it is for.
    pub fn class(&self) -> Class {
        self.class
    }

    /// The file its base was read from.
    pub fn source(&self) -> Option<&Path> {
        self.source.as_deref()
    }

    /// What its file says, with the edits that were folded into it.
    pub fn base(&self) -> &Arc<Base> {
        &self.base
    }

    /// How many entries it has; expired ones count until they are removed.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether it has no entries.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many entries have an edit.
    pub fn edits(&self) -> u64 {
        self.edits
    }

    /// How many of them are not folded into the base.
    pub fn unfolded(&self) -> u64 {
        self.overlay.len()
    }

    /// The entries that were edited since edits were last folded, in `Entry` order, each with the details that its latest
    /// edit gave it; `None`: it was removed.
    pub fn changes(&self) -> impl Iterator<Item = (Entry, Option<&Details>)> {
        self.overlay.from(None)
    }

    /// The entry that names `party` at `at`: the number itself, else the narrowest range, else the longest prefix.
    ///
    /// Entries that have expired do not match, nor does anything of a list that is too old and passes then. Allocates
    /// only to look a user name up in edits.
    pub fn lookup(&self, party: &Party<'_>, at: WallTime) -> Option<Entry> {
        if self.when_stale == WhenStale::Pass && self.is_stale(at) {
            return None;
        }
        let number = match party {
            Party::Number(number) => *number,
            named => return self.lookup_named(named, at),
        };
        if self.has_number(number, at) {
            return Some(Entry::Number(number));
        }
        let range = || self.lookup_range(number, at).map(Entry::Range);
        range().or_else(|| self.lookup_prefix(number, at).map(Entry::Prefix))
    }

    /// The details of `entry` itself, expired or not; `None` when it is not in the list.
    pub fn details(&self, entry: &Entry) -> Option<Details> {
        match self.overlay.get(entry) {
            Some(edited) => edited.cloned(),
            None => self.base.details(entry),
        }
    }

    /// Whether `entry` itself is in the list, expired or not.
    pub fn contains(&self, entry: &Entry) -> bool {
        match self.overlay.get(entry) {
            Some(edited) => edited.is_some(),
            None => self.base.contains(entry),
        }
    }

    /// This list after `edits`, applied in order; folded at once when there are many, as at a start.
    pub fn after(&self, edits: &[(Entry, Change)]) -> List {
        if edits.len() as u64 > 2 * List::WORTH_FOLDING { self.with_all(edits) } else { self.with(edits) }
    }

    /// This list after `edits`, applied in order.
    pub fn with(&self, edits: &[(Entry, Change)]) -> List {
        let mut list = self.clone();
        for (entry, change) in edits {
            list.apply(entry, change);
        }
        list
    }

    fn apply(&mut self, entry: &Entry, change: &Change) {
        let there = matches!(change, Change::Put(_));
        match (self.contains(entry), there) {
            (false, true) => self.len += 1,
            (true, false) => self.len -= 1,
            _ => {}
        }
        if self.is_unedited(entry) && !self.edited.contains(entry) {
            self.edits += 1;
        }
        self.overlay.lay(entry, change);
    }

    fn lookup_named(&self, party: &Party<'_>, at: WallTime) -> Option<Entry> {
        if self.overlay.has_others() {
            let entry = match party {
                Party::Number(number) => Entry::Number(*number),
                Party::Code(code) => Entry::Code(*code),
                Party::User(user) => Entry::User(user.as_ref().into()),
                Party::Anonymous => Entry::Anonymous,
                Party::Unavailable => Entry::Unavailable,
            };
            if let Some(edited) = self.overlay.get(&entry) {
                return edited.is_some_and(|details| details.in_force(at)).then_some(entry);
            }
        }
        self.base.named(party, at).cloned()
    }

    #[inline]
    fn has_number(&self, number: Number, at: WallTime) -> bool {
        self.overlay.number(number, at).unwrap_or_else(|| self.base.has_number(number, at))
    }

    fn lookup_range(&self, number: Number, at: WallTime) -> Option<Range> {
        let base = self.base.range(number, at, |entry| self.not_edited(entry));
        if !self.overlay.has_others() {
            return base;
        }
        self.overlay.ranges(number, at).chain(base).min_by_key(|range| (range.count(), range.first()))
    }

    fn lookup_prefix(&self, number: Number, at: WallTime) -> Option<Prefix> {
        let base = self.base.prefix(number, at, |entry| self.not_edited(entry));
        if !self.overlay.has_others() {
            return base;
        }
        self.overlay.prefix(number, base.map_or(0, Prefix::digits), at).or(base)
    }

    /// What was edited is judged by its edit alone. Asked of prefixes and ranges.
    fn not_edited(&self, entry: &Entry) -> bool {
        !self.overlay.has_others() || self.is_unedited(entry)
    }

    fn is_unedited(&self, entry: &Entry) -> bool {
        self.overlay.get(entry).is_none()
    }
}
