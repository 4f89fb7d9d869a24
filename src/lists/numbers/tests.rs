use proptest::prelude::*;
use roaring::RoaringTreemap;

use super::container::{Form, smallest};
use super::*;
use crate::number::Number;

/// Numbers in lumps: alone, in dense stretches and in runs, at both ends of a container too.
fn lumps() -> impl Strategy<Value = Vec<u64>> {
    let high = prop_oneof![Just(16u64), Just(17), Just(735_782), Just((1 << 33) - 1)];
    let lump = (high, 0u64..65_536, 1u64..6_000, prop_oneof![Just(1u64), Just(2), Just(3), Just(11)])
        .prop_map(|(high, low, count, step)| (0..count).map(|i| (high << 16) + low + i * step).collect::<Vec<_>>());
    let single = (Number::MIN.get()..=Number::MAX.get()).prop_map(|number| vec![number]);
    prop::collection::vec(prop_oneof![3 => lump, 2 => single], 0..8).prop_map(|lumps| lumps.concat())
}

fn number(value: u64) -> Number {
    Number::new(value).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn it_answers_as_roaring_does(numbers in lumps(), probes: Vec<prop::sample::Index>) {
        let numbers: Vec<u64> = numbers.into_iter().filter(|n| Number::new(*n).is_some()).collect();
        let oracle: RoaringTreemap = numbers.iter().copied().collect();
        let sorted: Vec<u64> = oracle.iter().collect();
        let set = NumberSet::from_unsorted(numbers.clone());
        prop_assert_eq!(set.len(), oracle.len());
        prop_assert!(set.iter().map(Number::get).eq(sorted.iter().copied()));
        for probe in &probes {
            let near = if numbers.is_empty() { 1_000_000 } else { numbers[probe.index(numbers.len())] };
            let around = near.saturating_sub(2).max(1_000_000)..near + 3;
            for value in around.clone() {
                prop_assert_eq!(set.contains(number(value)), oracle.contains(value));
            }
            // One of them: each unpacks a container.
            let first = around.start + probe.index(5) as u64;
            let from = sorted.partition_point(|own| *own < first);
            prop_assert!(set.iter_from(first).take(5).map(Number::get).eq(sorted[from..].iter().copied().take(5)));
            let index = probe.index(numbers.len() + 2) as u64;
            prop_assert_eq!(set.nth(index).map(Number::get), oracle.select(index));
        }
    }
}

#[test]
fn each_form_is_chosen_where_it_is_smallest() {
    assert_eq!(smallest(1, 1), Form::Runs);
    assert_eq!(smallest(3, 3), Form::Array);
    assert_eq!(smallest(512, 512), Form::Array);
    assert_eq!(smallest(517, 517), Form::Buckets);
    assert_eq!(smallest(7_680, 7_000), Form::Buckets);
    assert_eq!(smallest(7_681, 7_000), Form::Bitmap);
    assert_eq!(smallest(65_536, 1), Form::Runs);
    assert_eq!(smallest(40_000, 3_000), Form::Bitmap);
}

/// A set as bytes, read again.
fn stored(set: &NumberSet) -> NumberSet {
    let mut bytes = Vec::new();
    set.write_to(&mut bytes).unwrap();
    NumberSet::read_from(&mut &bytes[..]).unwrap().unwrap().verified()
}

fn bytes(set: &NumberSet) -> Vec<u8> {
    let mut bytes = Vec::new();
    set.write_to(&mut bytes).unwrap();
    bytes
}

fn set_of(numbers: &RoaringTreemap) -> NumberSet {
    NumberSet::from_unsorted(numbers.iter().collect())
}

fn treemap(numbers: Vec<u64>) -> RoaringTreemap {
    numbers.into_iter().filter(|number| Number::new(*number).is_some()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_changed_set_is_the_set_that_is_made_of_the_outcome(a in lumps(), b in lumps(), c in lumps()) {
        let (own, removed) = (treemap(a), treemap(c));
        let added = treemap(b) - &removed;
        let changed = set_of(&own).changed(&set_of(&added), &set_of(&removed));
        let expected = (own.clone() - &removed) | &added;
        prop_assert_eq!(changed.len(), expected.len());
        prop_assert!(changed.iter().map(Number::get).eq(expected.iter()));
        prop_assert_eq!(&changed, &set_of(&expected));
        let differences = ((own.clone() - &expected).len(), (expected.clone() - &own).len());
        prop_assert_eq!(set_of(&own).differences(&changed), differences);
    }

    #[test]
    fn a_set_is_the_same_in_whichever_order_its_numbers_come(numbers in lumps(), seed: u64) {
        use rand::{SeedableRng, seq::SliceRandom};
        let numbers: Vec<u64> = treemap(numbers).iter().collect();
        let mut shuffled = numbers.clone();
        shuffled.shuffle(&mut rand::rngs::StdRng::seed_from_u64(seed));
        let mut builder = NumberSetBuilder::default();
        shuffled.iter().chain(&shuffled).for_each(|number| builder.push(*number));
        prop_assert_eq!(builder.pushed(), 2 * numbers.len() as u64);
        let set = builder.build();
        let sorted = NumberSet::from_unsorted(numbers);
        prop_assert_eq!(&set, &sorted);
        prop_assert_eq!(bytes(&set), bytes(&sorted));
        prop_assert_eq!(bytes(&stored(&set)), bytes(&set));
        prop_assert_eq!(stored(&set), set);
    }
}

#[test]
fn many_changes_neither_fill_the_arena_nor_lose_a_number() {
    let mut set = NumberSet::from_unsorted((0..100_000).map(|n| 48_000_000_000 + 7 * n).collect());
    let one = |n| NumberSet::from_unsorted(vec![n]);
    for n in 0..1_000 {
        set = set.changed(&one(48_100_000_000 + n), &one(48_000_000_000 + 7 * n));
    }
    let mut expected: Vec<u64> = (1_000..100_000).map(|n| 48_000_000_000 + 7 * n).collect();
    expected.extend((0..1_000).map(|n| 48_100_000_000 + n));
    assert!(set.iter().map(Number::get).eq(expected));
    let live: usize = set.directory.iter().map(|(_, slot)| slot.words()).sum();
    assert!(set.arena.words() <= live + live / 8 + 1, "{} words for {live}", set.arena.words());
}

#[test]
fn a_full_container_counts_and_enumerates() {
    let set = NumberSet::from_unsorted((0..131_072).map(|n| (16 << 16) + n).collect());
    assert_eq!(set.len(), 131_072);
    assert_eq!(set.nth(65_536), Some(number(17 << 16)));
    assert_eq!(set.nth(131_071), Some(number((18 << 16) - 1)));
    assert_eq!(set.nth(131_072), None);
    assert!(!set.contains(number(18 << 16)));
    let even = NumberSet::from_unsorted((0..32_768).map(|n| (16 << 16) + 2 * n).collect());
    assert_eq!(even.nth(32_767), Some(number((17 << 16) - 2)));
    assert_eq!(even.iter_from((17 << 16) - 2).count(), 1);
    assert_eq!(even.iter_from((17 << 16) - 1).count(), 0);
}

#[test]
fn an_empty_set_has_nothing() {
    let set = NumberSet::default();
    assert!(set.is_empty() && !set.contains(Number::MIN));
    assert_eq!((set.nth(0), set.iter().count()), (None, 0));
}
