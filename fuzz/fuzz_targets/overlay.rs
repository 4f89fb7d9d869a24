//! Edits that were folded into the base, at whatever moments, answer as edits that lie over it, and as a map of all
//! entries does.
#![no_main]

use std::collections::BTreeMap;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use ringfence::lists::{Base, Change, Class, Details, Entry, List};
use ringfence::number::Party;
use ringfence::time::WallTime;

fuzz_target!(|steps: Vec<(u16, u8)>| {
    let empty = || List::new("fuzz".into(), Class::Personal, None, Arc::new(Base::default()));
    let (mut lying, mut folding) = (empty(), empty());
    let mut model: BTreeMap<Entry, Details> = BTreeMap::new();
    let mut edited = BTreeMap::new();
    for (place, what) in steps.into_iter().take(200) {
        let entry = entry(place);
        let change = match what % 4 {
            0 => Change::Remove,
            1 => Change::Put(Details::default()),
            2 => Change::Put(Details { expires: Some(NOON), ..Details::default() }),
            _ => Change::Put(Details { description: Some(format!("{what}").into()), ..Details::default() }),
        };
        match &change {
            Change::Put(details) => model.insert(entry.clone(), details.clone()),
            Change::Remove => model.remove(&entry),
        };
        edited.insert(entry.clone(), change.clone());
        lying = lying.with(&[(entry.clone(), change.clone())]);
        folding = match what >> 6 {
            0 => folding.with(&[(entry, change)]).folded(),
            1 => folding.with_all(&[(entry, change)]),
            _ => folding.with(&[(entry, change)]),
        };
    }
    let at_once = empty().with_all(&edited.clone().into_iter().collect::<Vec<_>>());
    for list in [&lying, &folding, &at_once] {
        assert_eq!((list.len(), list.edits()), (model.len() as u64, edited.len() as u64));
        assert!(list.entries(None).eq(model.clone()));
        for place in 0..=PLACES {
            let Entry::Number(number) = entry(4 * place) else { continue };
            for at in [WallTime::default(), NOON] {
                let party = Party::Number(number);
                let found = model.iter().filter(|(entry, details)| entry.matches(&party) && details.in_force(at));
                let first = found.map(|(entry, _)| entry.clone()).min_by_key(rank);
                assert_eq!(list.lookup(&party, at), first);
            }
        }
    }
});

/// The number itself, the narrowest range, the longest prefix.
fn rank(entry: &Entry) -> (u8, u64, u64) {
    match entry {
        Entry::Range(range) => (1, range.count(), range.first().get()),
        Entry::Prefix(prefix) => (2, 15 - u64::from(prefix.digits()), 0),
        _ => (0, 0, 0),
    }
}

/// Few entries near each other, so that they meet.
fn entry(place: u16) -> Entry {
    let (kind, at) = (place % 4, place / 4 % PLACES);
    let text = match kind {
        0 => format!("48221{:03}", at),
        1 => format!("48221{:03}-48221{:03}", at, at + place / 500 % 40),
        2 => format!("48221{:02}*", at / 10),
        _ => ["4822*", "anonymous", "112", "bob", "4*"][usize::from(at % 5)].to_owned(),
    };
    text.parse().expect("an entry")
}

const PLACES: u16 = 60;
const NOON: WallTime = WallTime::from_micros(1_774_440_000_000_000);
