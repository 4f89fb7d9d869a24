use proptest::prelude::*;
use roaring::RoaringTreemap;

use super::*;

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
        let set = NumberSet::from_unsorted(numbers.clone());
        prop_assert_eq!(set.len(), oracle.len());
        prop_assert!(set.iter().map(Number::get).eq(oracle.iter()));
        for probe in &probes {
            let near = if numbers.is_empty() { 1_000_000 } else { numbers[probe.index(numbers.len())] };
            for value in near.saturating_sub(2).max(1_000_000)..near + 3 {
                prop_assert_eq!(set.contains(number(value)), oracle.contains(value));
                let from = oracle.iter().filter(|own| *own >= value).take(5);
                prop_assert!(set.iter_from(value).take(5).map(Number::get).eq(from));
            }
            let index = probe.index(numbers.len() + 2) as u64;
            prop_assert_eq!(set.nth(index).map(Number::get), oracle.select(index));
        }
    }
}

#[test]
fn each_form_is_chosen_where_it_is_smallest() {
    assert_eq!(smallest(1, 1), Form::Array);
    assert_eq!(smallest(4096, 4096), Form::Array);
    assert_eq!(smallest(4097, 4097), Form::Bitmap);
    assert_eq!(smallest(65_536, 1), Form::Runs);
    assert_eq!(smallest(40_000, 3_000), Form::Bitmap);
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
