//! Paging through a list and searching it.

use std::fmt::Write;

use super::{Change, Details, Entry, List};
use crate::number::Number;

impl List {
    /// At most `limit` entries behind `after` (from the beginning for `None`), in `Entry` order, that `search` finds.
    ///
    /// `search` is part of the entry's canonical spelling or, in any case, of its description; a number may be searched
    /// with `+` and separators. Empty: all. Expired entries are among them until they are removed. A search reads the
    /// whole list: not for the call path.
    pub fn page(&self, after: Option<&Entry>, limit: usize, search: &str) -> Vec<(Entry, Details)> {
        let search = Search::new(search);
        let mut text = String::new();
        let entries = self.entries(after);
        let found = entries.filter(|(entry, details)| search.finds(entry, details, &mut text));
        found.take(limit).collect()
    }

    /// All entries behind `after` (from the beginning for `None`) with their details, in `Entry` order.
    pub fn entries(&self, after: Option<&Entry>) -> impl Iterator<Item = (Entry, Details)> + use<'_> {
        let behind = after.cloned();
        let behind = move |entry: &Entry| behind.as_ref().is_none_or(|after| entry > after);
        let mut base = {
            let behind = behind.clone();
            self.base().entries_from(after).filter(move |entry| behind(entry)).peekable()
        };
        let mut edits = self.changes_from(after).filter(move |(entry, _)| behind(entry)).peekable();
        std::iter::from_fn(move || {
            loop {
                let edited = match (base.peek(), edits.peek()) {
                    (Some(entry), Some((edited, _))) => *edited <= entry,
                    (Some(_), None) => false,
                    (None, Some(_)) => true,
                    (None, None) => return None,
                };
                if !edited {
                    let entry = base.next()?;
                    let details = self.base().details(&entry).unwrap_or_default();
                    return Some((entry, details));
                }
                let (entry, change) = edits.next()?;
                base.next_if(|own| own == entry);
                if let Change::Put(details) = change {
                    return Some((entry.clone(), details.clone()));
                }
            }
        })
    }
}

impl List {
    /// The single numbers of base and edits, in no order.
    pub(super) fn numbers(&self) -> impl Iterator<Item = Number> + '_ {
        let edited = self.changes().filter_map(|(entry, change)| match (entry, change) {
            (Entry::Number(number), Change::Put(_)) => Some(*number),
            _ => None,
        });
        let unedited = |number: &Number| self.is_unedited(&Entry::Number(*number));
        self.base().numbers().iter().filter(unedited).chain(edited)
    }

    /// All other entries of base and edits, in `Entry` order.
    pub(super) fn other_entries(&self) -> Vec<Entry> {
        let edited = self.changes().filter_map(|(entry, change)| match (entry, change) {
            (Entry::Number(_), _) | (_, Change::Remove) => None,
            (other, Change::Put(_)) => Some(other),
        });
        let base = self.base().others().iter().filter(|entry| self.is_unedited(entry));
        let mut entries: Vec<Entry> = base.chain(edited).cloned().collect();
        entries.sort_unstable();
        entries
    }
}

/// What is searched for.
struct Search {
    /// Lower case.
    text: String,
    /// The digits alone, when there is nothing else but number decoration; else the text.
    digits: String,
}

impl Search {
    fn new(search: &str) -> Search {
        let text = search.trim().to_lowercase();
        let number = text.contains(|char: char| char.is_ascii_digit())
            && text.chars().all(|char| char.is_ascii_digit() || "+-.() ".contains(char));
        let digits = if number && !text.contains('-') {
            text.chars().filter(char::is_ascii_digit).collect()
        } else {
            text.clone()
        };
        Search { text, digits }
    }

    fn finds(&self, entry: &Entry, details: &Details, buffer: &mut String) -> bool {
        if self.text.is_empty() {
            return true;
        }
        buffer.clear();
        write!(buffer, "{entry}").expect("a String takes everything");
        if matches!(entry, Entry::User(_)) {
            *buffer = buffer.to_lowercase();
        }
        buffer.contains(&self.digits)
            || details.description.as_ref().is_some_and(|text| text.to_lowercase().contains(&self.text))
    }
}
