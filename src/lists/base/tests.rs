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
