use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::number::DialPlan;

fn entry(text: &str) -> Entry {
    Entry::parse(text, &DialPlan::default()).unwrap()
}

fn dated(date: &str, description: &str) -> Details {
    Details { date: date.parse().ok(), description: Some(description.into()), ..Details::default() }
}

#[test]
fn details_come_back_and_take_no_part_in_the_set() {
    let mut builder = BaseBuilder::new();
    builder.push(entry("48221234567"), &dated("2026-03-25", "first"));
    builder.push(entry("48221234568"), &Details::default());
    builder.push(entry("4870*"), &dated("2026-01-01", "prefix"));
    let base = builder.build();
    assert_eq!((base.len(), base.duplicates(), base.expires()), (3, 0, false));
    assert_eq!(base.details(&entry("48221234567")), Some(dated("2026-03-25", "first")));
    assert_eq!(base.details(&entry("48221234568")), Some(Details::default()));
    assert_eq!(base.details(&entry("4870*")), Some(dated("2026-01-01", "prefix")));
    assert_eq!(base.details(&entry("48221234569")), None);
    assert_eq!(base.details(&entry("487*")), None);
}

#[test]
fn of_an_entry_given_twice_the_last_details_count() {
    let mut builder = BaseBuilder::new();
    for details in [dated("2026-01-01", "old"), dated("2026-02-02", "new"), Details::default()] {
        builder.push(entry("48221234567"), &details);
        builder.push(entry("anonymous"), &details);
    }
    let base = builder.build();
    assert_eq!((base.len(), base.duplicates()), (2, 4));
    for text in ["48221234567", "anonymous"] {
        assert_eq!(base.details(&entry(text)), Some(dated("2026-02-02", "new")));
    }
}

#[test]
fn entries_come_in_entry_order_from_anywhere() {
    let texts = ["112", "48221234567", "48999999999", "22*", "48100000000-48100000009", "anonymous", "bob"];
    let mut builder = BaseBuilder::new();
    texts.iter().for_each(|text| builder.push(entry(text), &Details::default()));
    let base = builder.build();
    let mut sorted: Vec<Entry> = texts.iter().map(|text| entry(text)).collect();
    sorted.sort();
    assert!(base.entries_from(None).eq(sorted.iter().cloned()));
    for (at, first) in sorted.iter().enumerate() {
        assert!(base.entries_from(Some(first)).eq(sorted[at..].iter().cloned()), "{first}");
    }
}

#[test]
fn who_added_an_entry_and_when_it_expires_are_kept() {
    let details = Details {
        expires: Some(WallTime::from_micros(1_774_440_000_000_001)),
        added_by: Some("ann".into()),
        ..dated("1999-12-31", "a text")
    };
    let mut builder = BaseBuilder::new();
    for text in ["48221234567", "4870*"] {
        builder.push(entry(text), &details);
    }
    builder.push(entry("48221234568"), &dated("2026-03-25", "a text"));
    let base = builder.build();
    for base in [base.clone(), through_bytes(&base)] {
        assert_eq!(base.details(&entry("48221234567")), Some(details.clone()));
        assert_eq!(base.details(&entry("4870*")), Some(details.clone()));
        assert_eq!(base.details(&entry("48221234568")), Some(dated("2026-03-25", "a text")));
    }
}

/// Written and read again.
fn through_bytes(base: &Base) -> Base {
    let mut bytes = Vec::new();
    let digest = base.write_to(&mut bytes).unwrap();
    Base::read_from(&bytes[..], &digest).unwrap()
}

/// All entries with their details.
fn all(base: &Base) -> Vec<(Entry, Details)> {
    base.entries_from(None).map(|entry| (entry.clone(), base.details(&entry).unwrap())).collect()
}

fn some_entries() -> impl Strategy<Value = Vec<(Entry, Details)>> {
    let entry = prop::sample::select(vec![
        "48221234500",
        "48221234567",
        "48600100200",
        "12025550142",
        "112",
        "22*",
        "4870*",
        "48701*",
        "48100000000-48100000009",
        "anonymous",
        "unavailable",
        "bob",
        "żaneta",
    ]);
    let details = prop::sample::select(vec![
        Details::default(),
        dated("2026-03-25", "asked on the phone"),
        dated("0001-01-01", "ó"),
        Details { expires: Some(WallTime::from_micros(7)), ..Details::default() },
        Details { added_by: Some("ann".into()), ..dated("2026-03-26", "asked on the phone") },
    ]);
    prop::collection::vec((entry.prop_map(|text| text.parse().unwrap()), details), 0..12)
}

fn base_of(entries: &[(Entry, Details)]) -> Base {
    let mut builder = BaseBuilder::new();
    entries.iter().for_each(|(entry, details)| builder.push(entry.clone(), details));
    builder.build()
}

proptest! {
    #[test]
    fn a_snapshot_gives_the_base_again(entries in some_entries()) {
        let base = base_of(&entries);
        prop_assert_eq!(all(&through_bytes(&base)), all(&base));
        prop_assert_eq!(through_bytes(&base).digest(), base.digest());
    }

    #[test]
    fn the_digest_tells_what_a_base_holds_and_not_how_it_came(entries in some_entries(), others in some_entries()) {
        let (base, other) = (base_of(&entries), base_of(&others));
        let again = base_of(&all(&base).into_iter().rev().collect::<Vec<_>>());
        prop_assert_eq!(again.digest(), base.digest());
        prop_assert_eq!(other.digest() == base.digest(), all(&other) == all(&base));
    }

    #[test]
    fn a_changed_base_is_the_base_that_is_made_of_the_outcome(
        own in some_entries(), added in some_entries(), removed in some_entries(),
    ) {
        let (own, added) = (base_of(&own), base_of(&added));
        let removed: Vec<Entry> = removed.into_iter().map(|(entry, _)| entry).collect();
        let mut expected: BTreeMap<Entry, Details> = all(&own).into_iter().collect();
        expected.extend(all(&added));
        expected.retain(|entry, _| !removed.contains(entry));
        let changed = own.clone().changed(added, &removed);
        let expected: Vec<(Entry, Details)> = expected.into_iter().collect();
        prop_assert_eq!(&all(&changed), &expected);
        prop_assert_eq!(changed.digest(), base_of(&expected).digest());
        let both = all(&own).iter().filter(|(entry, _)| changed.contains(entry)).count() as u64;
        prop_assert_eq!(own.differences(&changed), (own.len() - both, changed.len() - both));
    }
}

#[test]
fn a_snapshot_with_any_byte_flipped_or_missing_is_refused() {
    let base = base_of(&[
        (entry("48221234567"), dated("2026-03-25", "asked")),
        (entry("4870*"), Details { added_by: Some("ann".into()), ..Details::default() }),
        (entry("bob"), Details::default()),
    ]);
    let mut bytes = Vec::new();
    let digest = base.write_to(&mut bytes).unwrap();
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        assert_eq!(Base::read_from(&damaged[..], &digest).err(), Some(SnapshotError::Damaged), "byte {at}");
        assert_eq!(Base::read_from(&bytes[..at], &digest).err(), Some(SnapshotError::Damaged), "{at} bytes");
    }
    bytes.push(0);
    assert_eq!(Base::read_from(&bytes[..], &digest).err(), Some(SnapshotError::Damaged));
}
