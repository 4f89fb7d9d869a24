use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;

use super::super::{BaseBuilder, Change, Class, Details, Range};
use super::*;
use crate::number::DialPlan;

fn list(entries: &[Entry], edits: &[(Entry, Change)]) -> List {
    let mut builder = BaseBuilder::new();
    entries.iter().for_each(|entry| builder.push(entry.clone(), &Details::default()));
    List::new("pool".into(), Class::Pool, None, Arc::new(builder.build())).with(edits)
}

fn entry(text: &str) -> Entry {
    Entry::parse(text, &DialPlan::default()).unwrap()
}

#[test]
fn only_numbers_and_ranges_make_a_pool() {
    for text in ["4870*", "anonymous", "112", "alice"] {
        let list = list(&[entry("48221234567"), entry(text)], &[]);
        assert_eq!(Pool::new(&list).map(|pool| pool.count()), Err(PoolError(entry(text))));
        assert_eq!(Pool::new(&list.with(&[(entry(text), Change::Remove)])).map(|pool| pool.count()), Ok(1));
    }
    assert_eq!(
        PoolError(entry("4870*")).to_string(),
        "`4870*` cannot be presented: a pool's entries are numbers and ranges"
    );
}

#[test]
fn an_empty_pool_has_no_number() {
    let pool = Pool::new(&list(&[], &[])).unwrap();
    assert_eq!((pool.count(), pool.nth(0)), (0, None));
}

#[test]
fn an_expired_number_is_counted_but_not_in_force() {
    let end = WallTime::from_micros(1000);
    let expiring = Change::Put(Details { expires: Some(end), ..Details::default() });
    let pool = Pool::new(&list(&[entry("48221234568")], &[(entry("48221234567"), expiring)])).unwrap();
    let number = pool.nth(0).unwrap();
    assert_eq!(pool.count(), 2);
    assert!(pool.in_force(number, WallTime::from_micros(999)) && !pool.in_force(number, end));
    assert!(pool.in_force(pool.nth(1).unwrap(), end));
}

fn close_entry() -> impl Strategy<Value = Entry> {
    let number = || (48_221_000u64..48_221_060).prop_map(|value| Number::new(value).unwrap());
    let range = (number(), number()).prop_map(|(one, other)| Range::new(one.min(other), one.max(other)).unwrap());
    prop_oneof![number().prop_map(Entry::Number), range.prop_map(Entry::Range)]
}

proptest! {
    #[test]
    fn it_enumerates_each_number_once(
        entries in prop::collection::vec(close_entry(), 0..8),
        edits in prop::collection::vec((close_entry(), any::<bool>()), 0..8),
    ) {
        let change = |put: &bool| if *put { Change::Put(Details::default()) } else { Change::Remove };
        let edits: Vec<_> = edits.iter().map(|(entry, put)| (entry.clone(), change(put))).collect();
        let list = list(&entries, &edits);
        let pool = Pool::new(&list).unwrap();
        let mut model = BTreeSet::new();
        for (entry, _) in list.entries(None) {
            match entry {
                Entry::Number(number) => model.extend([number.get()]),
                Entry::Range(range) => model.extend(range.first().get()..=range.last().get()),
                other => panic!("{other} in a pool"),
            }
        }
        let drawn: Vec<u64> = (0..pool.count()).map(|index| pool.nth(index).unwrap().get()).collect();
        prop_assert_eq!(drawn.len(), model.len());
        prop_assert_eq!(drawn.iter().copied().collect::<BTreeSet<_>>(), model.clone());
        prop_assert_eq!(pool.nth(pool.count()), None);
        for start in 0..=drawn.len() {
            for end in start..=drawn.len() + 1 {
                let slice: Vec<u64> = pool.slice(start as u64..end as u64).map(Number::get).collect();
                prop_assert_eq!(&slice[..], &drawn[start..end.min(drawn.len())]);
            }
        }
        for after in [None, Some(48_221_000), Some(48_221_030), Some(48_221_059)] {
            let behind: Vec<u64> = pool.after(after.and_then(Number::new)).map(Number::get).collect();
            let expected: Vec<u64> = model.iter().copied().filter(|value| after.is_none_or(|after| *value > after)).collect();
            prop_assert_eq!(behind, expected);
        }
        for run in pool.runs() {
            for value in 48_220_999..48_221_061 {
                let below = (run.start..run.end).filter(|&place| pool.nth(place).unwrap().get() < value).count();
                prop_assert_eq!(pool.at_or_after(run.clone(), value), run.start + below as u64);
            }
        }
        for value in 48_220_999..48_221_061 {
            let number = Number::new(value).unwrap();
            prop_assert_eq!(pool.contains(number), model.contains(&value));
            prop_assert_eq!(pool.in_force(number, WallTime::default()), model.contains(&value));
        }
    }
}
