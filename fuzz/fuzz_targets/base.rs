//! A base holds what a `BTreeSet` and a roaring bitmap hold, however it was made: of entries in any order, of other bases,
//! or of its own snapshot; and its digest tells bases apart by what they hold alone.
#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use ringfence::lists::{Base, BaseBuilder, Details, Entry};
use ringfence::number::Number;
use roaring::RoaringTreemap;

/// From where, how many, how far apart.
type Lump = (u32, u16, u8);

fuzz_target!(|input: (Vec<Lump>, Vec<Lump>, Vec<Lump>)| {
    let [own, added, removed] = [numbers(&input.0), numbers(&input.1), numbers(&input.2)];
    let base = base_of(own.iter().rev());
    holds(&base, &own);
    assert_eq!(base.digest(), base_of(own.iter()).digest());

    let gone: Vec<Entry> = removed.iter().map(|number| Entry::Number(*number)).collect();
    let changed = base.clone().changed(base_of(added.iter()), &gone);
    let expected: BTreeSet<Number> = own.union(&added).filter(|number| !removed.contains(number)).copied().collect();
    holds(&changed, &expected);
    assert_eq!(changed.digest(), base_of(expected.iter()).digest());
    assert_eq!(changed.digest() == base.digest(), expected == own);
    let only = |one: &BTreeSet<Number>, other: &BTreeSet<Number>| one.difference(other).count() as u64;
    assert_eq!(base.differences(&changed), (only(&own, &expected), only(&expected, &own)));

    let mut bytes = Vec::new();
    let digest = changed.write_to(&mut bytes).expect("a Vec takes everything");
    let again = Base::read_from(&bytes[..], &digest).expect("a snapshot gives its base");
    holds(&again, &expected);
    if let Some(at) = input.0.first().map(|(at, ..)| *at as usize % bytes.len()) {
        bytes[at] ^= 1 << (at % 8);
        assert!(Base::read_from(&bytes[..], &digest).is_err());
        assert!(Base::read_from(&bytes[..at], &digest).is_err());
    }
});

fn holds(base: &Base, expected: &BTreeSet<Number>) {
    let oracle: RoaringTreemap = expected.iter().map(|number| number.get()).collect();
    let set = base.numbers();
    assert_eq!(set.len(), oracle.len());
    assert!(set.iter().eq(expected.iter().copied()));
    for number in expected.iter().take(50) {
        for near in number.get() - 1..=number.get() + 1 {
            let Some(near) = Number::new(near) else { continue };
            assert_eq!(set.contains(near), oracle.contains(near.get()));
        }
        let rank = oracle.rank(number.get()) - 1;
        assert_eq!(set.nth(rank), Some(*number));
        assert!(set.iter_from(number.get()).take(3).eq(expected.range(number..).take(3).copied()));
    }
}

fn base_of<'n>(numbers: impl Iterator<Item = &'n Number>) -> Base {
    let mut builder = BaseBuilder::new();
    numbers.for_each(|number| builder.push(Entry::Number(*number), &Details::default()));
    builder.build()
}

fn numbers(lumps: &[Lump]) -> BTreeSet<Number> {
    let lump = |&(start, count, step): &Lump| {
        let step = u64::from(step % 16) + 1;
        let start = 48_000_000_000 + u64::from(start % (1 << 20));
        (0..u64::from(count % 10_000)).filter_map(move |n| Number::new(start + n * step))
    };
    lumps.iter().take(4).flat_map(lump).collect()
}
