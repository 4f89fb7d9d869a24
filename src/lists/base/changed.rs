//! Bases made of other bases.

use std::collections::HashMap;

use super::details::{Interner, Row};
use super::{Base, builder};
use crate::lists::{Entry, NumberSet};

impl Base {
    /// These entries with those of `added`, whose details replace what was known before, and then without `removed`.
    ///
    /// Costs what is changed, and the details: the numbers are shared.
    pub fn changed(self, added: Base, removed: &[Entry]) -> Base {
        let mut gone = Vec::new();
        let mut others_gone: Vec<&Entry> = Vec::new();
        for entry in removed {
            match entry {
                Entry::Number(number) => gone.push(number.get()),
                other => others_gone.push(other),
            }
        }
        others_gone.sort_unstable();
        let gone = NumberSet::from_unsorted(gone);
        let added_numbers = added.numbers.changed(&NumberSet::default(), &gone);
        let numbers = self.numbers.changed(&added_numbers, &gone);

        let stays = |entry: &&Entry| others_gone.binary_search(entry).is_err();
        let mut others: Vec<Entry> = self.others.iter().chain(&added.others).filter(stays).cloned().collect();
        others.sort();
        others.dedup();

        let is_number =
            |key: u64, set: &NumberSet| crate::number::Number::new(key).is_some_and(|key| set.contains(key));
        let mut texts = Interner::default();
        let mut number_rows: Vec<Row> =
            self.number_details.rows(&mut texts).filter(|row| !is_number(row.key, &added_numbers)).collect();
        number_rows.extend(added.number_details.rows(&mut texts));
        number_rows.retain(|row| !is_number(row.key, &gone));

        let places: HashMap<&Entry, u64> = others.iter().zip(0..).collect();
        let moved = |base: &Base, row: Row| {
            let entry = base.others.get(usize::try_from(row.key).ok()?)?;
            Some(row.with_key(*places.get(entry)?))
        };
        let replaced = |row: &Row| {
            let entry = usize::try_from(row.key).ok().and_then(|at| self.others.get(at));
            entry.is_some_and(|entry| added.others.binary_search(entry).is_ok())
        };
        let own = self.other_details.rows(&mut texts).filter(|row| !replaced(row));
        let mut other_rows: Vec<Row> = own.filter_map(|row| moved(&self, row)).collect();
        other_rows.extend(added.other_details.rows(&mut texts).filter_map(|row| moved(&added, row)));

        let details = builder::tables(number_rows, other_rows, &texts);
        Base::of(numbers, others.into(), details, self.duplicates)
    }

    /// How many entries are here and not in `other`, and how many there and not here; details do not count.
    pub fn differences(&self, other: &Base) -> (u64, u64) {
        let (own_numbers, other_numbers) = self.numbers.differences(&other.numbers);
        let missing = |of: &Base, from: &Base| of.others.iter().filter(|entry| !from.contains(entry)).count() as u64;
        (own_numbers + missing(self, other), other_numbers + missing(other, self))
    }
}
