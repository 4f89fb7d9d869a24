//! [`BaseBuilder`]: a base of entries as they come.

use super::Base;
use super::details::{DetailsTable, Interner, Row, TextsBuilder};
use crate::lists::numbers::NumberSetBuilder;
use crate::lists::{Details, Entry};

/// Gathers entries for a [`Base`]. Numbers without details are packed as they come.
#[derive(Debug, Clone, Default)]
pub struct BaseBuilder {
    numbers: NumberSetBuilder,
    others: Vec<Entry>,
    number_rows: Vec<Row>,
    other_rows: Vec<(Entry, Row)>,
    texts: Interner,
}

impl BaseBuilder {
    /// Nothing yet.
    pub fn new() -> BaseBuilder {
        BaseBuilder::default()
    }

    /// Adds an entry. Of an entry added more than once the last details that are not empty count.
    pub fn push(&mut self, entry: Entry, details: &Details) {
        match entry {
            Entry::Number(number) => {
                self.numbers.push(number.get());
                self.number_rows.extend(Row::new(number.get(), details, &mut self.texts));
            }
            other => {
                self.other_rows.extend(Row::new(0, details, &mut self.texts).map(|row| (other.clone(), row)));
                self.others.push(other);
            }
        }
    }

    /// Adds the numbers `high << 16 | low` for each of `lows`, without details.
    pub fn push_group(&mut self, high: u64, lows: &[u16]) {
        self.numbers.push_group(high, lows);
    }

    /// How many entries were added, duplicates counted each time.
    pub fn pushed(&self) -> u64 {
        self.numbers.pushed() + self.others.len() as u64
    }

    /// Freezes what was added.
    pub fn build(self) -> Base {
        let pushed = self.pushed();
        let numbers = self.numbers.build();
        let mut others = self.others;
        others.sort_unstable();
        others.dedup();
        let index = |entry: &Entry| others.binary_search(entry).expect("every row's entry was pushed") as u64;
        let other_rows = self.other_rows.into_iter().map(|(entry, row)| row.with_key(index(&entry))).collect();
        let details = tables(self.number_rows, other_rows, &self.texts);
        let duplicates = pushed - numbers.len() - others.len() as u64;
        Base::of(numbers, others.into(), details, duplicates)
    }
}

/// Both tables, with their texts together.
pub(super) fn tables(numbers: Vec<Row>, others: Vec<Row>, interner: &Interner) -> [DetailsTable; 2] {
    let mut texts = TextsBuilder::default();
    let tables = [numbers, others].map(|rows| DetailsTable::new(rows, interner, &mut texts));
    let texts = texts.finish();
    tables.map(|table| DetailsTable { texts: texts.clone(), ..table })
}
