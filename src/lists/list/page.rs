//! Going through a list and searching it.

use std::fmt::Write;

use crate::lists::{Details, Entry, List};
use crate::number::Number;

/// Some entries of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// In `Entry` order, with their details.
    pub entries: Vec<(Entry, Details)>,
    /// Behind which entry the next page begins; `None`: nothing is left.
    pub next: Option<Entry>,
}

impl List {
    /// At most `limit` entries behind `after` (from the beginning for `None`), in `Entry` order, that `search` finds.
    ///
    /// `search` is part of the entry's canonical spelling or, in any case, of its description; a number may be searched
    /// with `+` and separators. Empty: all. Expired entries are among them until they are removed. A search looks at
    /// some millions of entries and then says where to go on, with fewer entries than asked for or none: not for the
    /// call path.
    pub fn page(&self, after: Option<&Entry>, limit: usize, search: &str) -> Page {
        let search = Search::new(search);
        let mut text = String::new();
        let mut page = Page { entries: Vec::new(), next: None };
        for (looked_at, (entry, change)) in self.changed_entries(after).enumerate() {
            if page.entries.len() == limit || looked_at == MOST_SEARCHED {
                return page;
            }
            page.next = Some(entry.clone());
            let details = || self.details_of(&entry, change);
            if search.finds(&entry, details, &mut text) {
                let details = details();
                page.entries.push((entry, details));
            }
        }
        page.next = None;
        page
    }

    /// All entries behind `after` (from the beginning for `None`) with their details, in `Entry` order.
    pub fn entries(&self, after: Option<&Entry>) -> impl Iterator<Item = (Entry, Details)> + use<'_> {
        self.changed_entries(after).map(|(entry, change)| {
            let details = self.details_of(&entry, change);
            (entry, details)
        })
    }

    /// All entries, each with what the overlay says of its details.
    fn changed_entries<'l>(
        &'l self,
        after: Option<&Entry>,
    ) -> impl Iterator<Item = (Entry, Option<&'l Details>)> + use<'l> {
        let behind = after.cloned();
        let behind = move |entry: &Entry| behind.as_ref().is_none_or(|after| entry > after);
        // Only the first can be `after` itself.
        let mut base = self.base().entries_from(after).peekable();
        base.next_if(|entry| !behind(entry));
        let mut edits = self.overlay.from(after).peekable();
        edits.next_if(|(entry, _)| !behind(entry));
        std::iter::from_fn(move || {
            loop {
                let edited = match (base.peek(), edits.peek()) {
                    (Some(entry), Some((edited, _))) => edited <= entry,
                    (Some(_), None) => false,
                    (None, Some(_)) => true,
                    (None, None) => return None,
                };
                if !edited {
                    return base.next().map(|entry| (entry, None));
                }
                let (entry, edited) = edits.next()?;
                base.next_if(|own| *own == entry);
                if edited.is_some() {
                    return Some((entry, edited));
                }
            }
        })
    }

    fn details_of(&self, entry: &Entry, edited: Option<&Details>) -> Details {
        edited.cloned().unwrap_or_else(|| self.base().details(entry).unwrap_or_default())
    }
}

impl List {
    /// The single numbers of base and edits, in no order.
    pub(in crate::lists) fn numbers(&self) -> impl Iterator<Item = Number> + '_ {
        let edited = self.changes().filter_map(|(entry, edited)| match (entry, edited) {
            (Entry::Number(number), Some(_)) => Some(number),
            _ => None,
        });
        let unedited = |number: &Number| self.is_unedited(&Entry::Number(*number));
        self.base().numbers().iter().filter(unedited).chain(edited)
    }

    /// All other entries of base and edits, in `Entry` order.
    pub(in crate::lists) fn other_entries(&self) -> Vec<Entry> {
        let edited = self.changes().filter_map(|(entry, edited)| match (entry, edited) {
            (Entry::Number(_), _) | (_, None) => None,
            (other, Some(_)) => Some(other),
        });
        let base = self.base().others().iter().filter(|entry| self.is_unedited(entry)).cloned();
        let mut entries: Vec<Entry> = base.chain(edited).collect();
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

    fn finds(&self, entry: &Entry, details: impl FnOnce() -> Details, buffer: &mut String) -> bool {
        if self.text.is_empty() {
            return true;
        }
        buffer.clear();
        write!(buffer, "{entry}").expect("a String takes everything");
        if matches!(entry, Entry::User(_)) {
            *buffer = buffer.to_lowercase();
        }
        buffer.contains(&self.digits)
            || details().description.as_ref().is_some_and(|text| text.to_lowercase().contains(&self.text))
    }
}

/// Half a second's work, so that a search of the largest list does not hold a thread for minutes.
const MOST_SEARCHED: usize = 5_000_000;
