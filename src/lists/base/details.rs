//! Details by key, in columns.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::civil::Date;

use crate::lists::Details;
use crate::time::WallTime;

/// Details by key. Keys without details take no room, and neither does a column in which nothing stands; texts that
/// stand often are held once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct DetailsTable {
    /// Sorted.
    pub(super) keys: Box<[u64]>,
    /// As [`day`] writes them.
    pub(super) dates: Box<[i32]>,
    /// Microseconds since 1970.
    pub(super) expires: Box<[u64]>,
    /// Which of the texts is the description.
    pub(super) descriptions: Box<[u32]>,
    /// Which of the texts names who added the entry.
    pub(super) actors: Box<[u32]>,
    pub(super) texts: Arc<Texts>,
}

/// Texts by number.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Texts {
    /// Where each ends.
    pub(super) ends: Box<[u64]>,
    pub(super) text: Box<str>,
}

/// Details of one key; texts by their number in an [`Interner`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) key: u64,
    date: i32,
    expires: u64,
    description: u32,
    actor: u32,
}

impl DetailsTable {
    /// From rows in the order in which they came: of those with one key the last counts.
    pub(super) fn new(mut rows: Vec<Row>, interner: &Interner, out: &mut TextsBuilder) -> DetailsTable {
        // Stable, so that of rows with one key the last pushed comes first after the reversal.
        rows.reverse();
        rows.sort_by_key(|row| row.key);
        rows.dedup_by_key(|row| row.key);
        let mut texts = |text: fn(&Row) -> u32| -> Box<[u32]> {
            if rows.iter().all(|row| text(row) == NO_TEXT) {
                return Box::default();
            }
            rows.iter().map(|row| out.number(text(row), interner)).collect()
        };
        let (descriptions, actors) = (texts(|row| row.description), texts(|row| row.actor));
        let dated = rows.iter().any(|row| row.date != NO_DATE);
        let expires = rows.iter().any(|row| row.expires != NEVER);
        DetailsTable {
            keys: rows.iter().map(|row| row.key).collect(),
            dates: if dated { rows.iter().map(|row| row.date).collect() } else { Box::default() },
            expires: if expires { rows.iter().map(|row| row.expires).collect() } else { Box::default() },
            descriptions,
            actors,
            texts: Arc::default(),
        }
    }

    /// Whether any key expires.
    pub(super) fn expires(&self) -> bool {
        !self.expires.is_empty()
    }

    #[inline]
    pub(super) fn in_force(&self, key: u64, at: WallTime) -> bool {
        if self.expires.is_empty() {
            return true;
        }
        let expires = self.keys.binary_search(&key).map_or(NEVER, |at| self.expires[at]);
        at.as_micros() < expires || expires == NEVER
    }

    pub(super) fn details(&self, key: u64) -> Details {
        self.keys.binary_search(&key).map_or_else(|_| Details::default(), |at| self.details_at(at))
    }

    /// All rows, as `interner` numbers their texts.
    pub(super) fn rows<'t>(&'t self, interner: &'t mut Interner) -> impl Iterator<Item = Row> + 't {
        self.keys.iter().enumerate().map(|(at, key)| Row {
            key: *key,
            date: self.dates.get(at).copied().unwrap_or(NO_DATE),
            expires: self.expires.get(at).copied().unwrap_or(NEVER),
            description: self.text(&self.descriptions, at).map_or(NO_TEXT, |text| interner.number(text)),
            actor: self.text(&self.actors, at).map_or(NO_TEXT, |text| interner.number(text)),
        })
    }

    fn details_at(&self, at: usize) -> Details {
        let expires = self.expires.get(at).copied().filter(|expires| *expires != NEVER);
        Details {
            date: self.dates.get(at).and_then(|day| date(*day)),
            description: self.text(&self.descriptions, at).map(Arc::from),
            expires: expires.map(WallTime::from_micros),
            added_by: self.text(&self.actors, at).map(Arc::from),
        }
    }

    fn text(&self, column: &[u32], at: usize) -> Option<&str> {
        self.texts.text(*column.get(at)?)
    }
}

impl Row {
    pub(super) fn with_key(self, key: u64) -> Row {
        Row { key, ..self }
    }

    /// `None` when there is nothing to keep.
    pub(super) fn new(key: u64, details: &Details, interner: &mut Interner) -> Option<Row> {
        let text = |text: &Option<Arc<str>>, interner: &mut Interner| {
            text.as_deref().filter(|text| !text.is_empty()).map_or(NO_TEXT, |text| interner.number(text))
        };
        let row = Row {
            key,
            date: details.date.map_or(NO_DATE, day),
            expires: details.expires.map_or(NEVER, WallTime::as_micros),
            description: text(&details.description, interner),
            actor: text(&details.added_by, interner),
        };
        let nothing = (NO_DATE, NEVER, NO_TEXT, NO_TEXT);
        ((row.date, row.expires, row.description, row.actor) != nothing).then_some(row)
    }
}

impl Texts {
    fn text(&self, number: u32) -> Option<&str> {
        let at = number as usize;
        let end = *self.ends.get(at)?;
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.text.get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
    }
}

/// Numbers texts, each once.
#[derive(Debug, Clone, Default)]
pub(super) struct Interner {
    numbers: HashMap<Arc<str>, u32>,
    texts: Vec<Arc<str>>,
}

impl Interner {
    fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = u32::try_from(self.texts.len()).ok().filter(|number| *number != NO_TEXT);
        let number = number.expect("four billion different texts do not fit into memory");
        let text: Arc<str> = text.into();
        self.numbers.insert(text.clone(), number);
        self.texts.push(text);
        number
    }
}

/// Takes over from an [`Interner`] what is still in use, in the order of its use: the order in which the entries of a
/// file came does not show.
#[derive(Debug, Default)]
pub(super) struct TextsBuilder {
    numbers: HashMap<u32, u32>,
    ends: Vec<u64>,
    text: String,
}

impl TextsBuilder {
    fn number(&mut self, interned: u32, interner: &Interner) -> u32 {
        let Some(text) = interner.texts.get(interned as usize) else { return NO_TEXT };
        let next = u32::try_from(self.ends.len()).expect("no more than the interner has");
        *self.numbers.entry(interned).or_insert_with(|| {
            self.text.push_str(text);
            self.ends.push(self.text.len() as u64);
            next
        })
    }

    pub(super) fn finish(self) -> Arc<Texts> {
        Arc::new(Texts { ends: self.ends.into(), text: self.text.into() })
    }
}

/// A date as an integer in the order of dates.
fn day(date: Date) -> i32 {
    i32::from(date.year()) << 9 | i32::from(date.month()) << 5 | i32::from(date.day())
}

fn date(day: i32) -> Option<Date> {
    let part = |bits: u32, at: u32| i8::try_from(day >> at & ((1 << bits) - 1)).ok();
    Date::new(i16::try_from(day >> 9).ok()?, part(4, 5)?, part(5, 0)?).ok()
}

const NO_DATE: i32 = i32::MIN;
const NEVER: u64 = u64::MAX;
const NO_TEXT: u32 = u32::MAX;
