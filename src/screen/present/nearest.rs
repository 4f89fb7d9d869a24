//! The numbers of a pool in the order of how many leading digits they have in common with the callee.

use std::ops::Range;

use smallvec::SmallVec;

use super::candidates::{Candidates, Places};
use crate::lists::Pool;
use crate::number::Number;

/// Gives the numbers with the longest common prefix, then those with the next shorter one, and so on: each number once.
///
/// In numerical order the numbers with a common prefix stand together, those of each length by themselves, and whatever
/// comes nearest stands beside them. So a step costs a few searches, however many numbers there are.
pub(super) struct Nearest<'p> {
    pool: &'p Pool,
    callee: Number,
    rows: SmallVec<[Row; 2]>,
}

/// Numbers of one length in numerical order.
struct Row {
    digits: u32,
    all: Range<u64>,
    /// Those that were given.
    taken: Range<u64>,
}

impl<'p> Nearest<'p> {
    pub(super) fn new(pool: &'p Pool, callee: Number) -> Nearest<'p> {
        let mut rows = SmallVec::new();
        for run in pool.runs() {
            let mut start = run.start;
            while let Some(digits) = pool.nth(start).filter(|_| start < run.end).map(Number::digits) {
                let end = pool.at_or_after(start..run.end, power(digits));
                let length = digits.min(callee.digits());
                let beside = pool.at_or_after(start..end, with_prefix(callee, length, digits).start);
                rows.push(Row { digits, all: start..end, taken: beside..beside });
                start = end;
            }
        }
        Nearest { pool, callee, rows }
    }
}

impl<'p> Iterator for Nearest<'p> {
    type Item = Candidates<'p>;

    fn next(&mut self) -> Option<Candidates<'p>> {
        let beside = self.rows.iter().flat_map(|row| {
            let before = (row.taken.start > row.all.start).then(|| row.taken.start - 1);
            let after = (row.taken.end < row.all.end).then_some(row.taken.end);
            before.into_iter().chain(after)
        });
        let in_common = beside.filter_map(|place| self.pool.nth(place)).map(|number| common(number, self.callee));
        let length = in_common.max()?;
        let mut places = Places::new();
        for row in self.rows.iter_mut().filter(|row| row.digits >= length) {
            let wanted = with_prefix(self.callee, length, row.digits);
            let start = self.pool.at_or_after(row.all.start..row.taken.start, wanted.start);
            let end = self.pool.at_or_after(row.taken.end..row.all.end, wanted.end);
            places.extend([start..row.taken.start, row.taken.end..end].into_iter().filter(|new| !new.is_empty()));
            row.taken = start..end;
        }
        Some(Candidates::at(self.pool, places))
    }
}

/// The numbers of so many digits that begin with this many digits of `callee`.
fn with_prefix(callee: Number, length: u32, digits: u32) -> Range<u64> {
    let prefix = callee.get() / power(callee.digits() - length);
    let rest = power(digits - length);
    prefix * rest..(prefix + 1) * rest
}

/// How many leading digits two numbers have in common.
fn common(one: Number, other: Number) -> u32 {
    let mut length = one.digits().min(other.digits());
    let [mut one, mut other] = [one, other].map(|number| number.get() / power(number.digits() - length));
    while one != other {
        (one, other) = (one / 10, other / 10);
        length -= 1;
    }
    length
}

fn power(digits: u32) -> u64 {
    10_u64.pow(digits)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::lists::{BaseBuilder, Class, Details, Entry, List, Range as Numbers};

    fn number(value: u64) -> Number {
        Number::new(value).expect("a number")
    }

    #[test]
    fn leading_digits_are_compared_whatever_the_lengths() {
        let common = |one, other| super::common(number(one), number(other));
        assert_eq!(common(48_221_234_567, 48_221_239_999), 7);
        assert_eq!(common(48_221_234_567, 4_822_123), 7);
        assert_eq!(common(4_822_123, 48_221_234_567), 7);
        assert_eq!(common(48_221_234_567, 48_221_234_567), 11);
        assert_eq!(common(1_234_567, 91_234_567), 0);
    }

    fn near() -> impl Strategy<Value = u64> {
        prop_oneof![48_221_000_000_u64..48_221_000_300, 4_822_100_u64..4_822_130, 1_000_000_u64..999_999_999_999_999]
    }

    proptest! {
        #[test]
        fn each_step_gives_the_numbers_with_just_so_long_a_common_prefix(
            singles in prop::collection::vec(near(), 0..40),
            ranges in prop::collection::vec((near(), 0_u64..30), 0..4),
            callee in near(),
        ) {
            let mut builder = BaseBuilder::new();
            let callee = number(callee);
            let mut all: BTreeSet<Number> = singles.iter().map(|single| number(*single)).collect();
            all.iter().for_each(|single| builder.push(Entry::Number(*single), &Details::default()));
            for (first, length) in ranges {
                let last = (first + length).min(Number::MAX.get());
                let range = Numbers::new(number(first), number(last)).expect("a range");
                builder.push(Entry::Range(range), &Details::default());
                all.extend((first..=last).map(number));
            }
            let list = List::new("ours".into(), Class::Pool, None, Arc::new(builder.build()));
            let pool = Pool::new(&list).expect("a pool");
            let mut lengths: Vec<u32> = all.iter().map(|own| super::common(*own, callee)).collect();
            lengths.sort_unstable();
            lengths.dedup();
            let given: Vec<BTreeSet<Number>> =
                Nearest::new(&pool, callee).map(|step| step.iter().collect()).collect();
            let expected: Vec<BTreeSet<Number>> = lengths
                .iter()
                .rev()
                .map(|length| all.iter().copied().filter(|own| super::common(*own, callee) == *length).collect())
                .collect();
            prop_assert_eq!(given, expected);
        }
    }
}
