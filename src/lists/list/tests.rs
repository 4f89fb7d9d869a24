use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::lists::BaseBuilder;
use crate::number::{Code, DialPlan};

const NOON: WallTime = WallTime::from_micros(1_774_440_000_000_000);

fn entry(text: &str) -> Entry {
    Entry::parse(text, &DialPlan::default()).unwrap()
}

fn number(text: &str) -> Party<'static> {
    Party::Number(text.parse().unwrap())
}

fn put() -> Change {
    Change::Put(Details::default())
}

fn until(expires: WallTime) -> Details {
    Details { expires: Some(expires), ..Details::default() }
}

fn list_of(entries: &[(Entry, Details)]) -> List {
    let mut builder = BaseBuilder::new();
    entries.iter().for_each(|(entry, details)| builder.push(entry.clone(), details));
    List::new("test".into(), Class::Personal, None, Arc::new(builder.build()))
}

fn plain(texts: &[&str]) -> List {
    list_of(&texts.iter().map(|text| (entry(text), Details::default())).collect::<Vec<_>>())
}

fn found(list: &List, party: &Party<'_>) -> Option<String> {
    list.lookup(party, NOON).map(|entry| entry.to_string())
}

#[test]
fn the_most_specific_entry_answers() {
    let list = plain(&["48221234567", "48221234000-48221234999", "48221230000-48221239999", "4822*", "482212*"]);
    assert_eq!(found(&list, &number("48221234567")).as_deref(), Some("48221234567"));
    assert_eq!(found(&list, &number("48221234568")).as_deref(), Some("48221234000-48221234999"));
    assert_eq!(found(&list, &number("48221235000")).as_deref(), Some("48221230000-48221239999"));
    assert_eq!(found(&list, &number("48221200000")).as_deref(), Some("482212*"));
    assert_eq!(found(&list, &number("48229999999")).as_deref(), Some("4822*"));
    assert_eq!(found(&list, &number("48239999999")), None);
}

#[test]
fn words_codes_and_users_are_found_in_base_and_edits() {
    let empty = plain(&[]);
    let entries = ["112", "anonymous", "unavailable", "alice"];
    let base = plain(&entries);
    let edited = empty.with(&entries.map(|text| (entry(text), put())));
    let code = Party::Code(Code::parse(b"112").unwrap());
    for list in [&base, &edited] {
        let parties = [code.clone(), Party::Anonymous, Party::Unavailable, Party::User("alice".into())];
        for (party, text) in parties.iter().zip(entries) {
            assert_eq!(found(list, party).as_deref(), Some(text));
            assert_eq!(found(&empty, party), None);
            assert_eq!(found(&list.with(&[(entry(text), Change::Remove)]), party), None);
        }
        assert_eq!(found(list, &Party::User("Alice".into())), None);
        assert_eq!(found(list, &Party::Code(Code::parse(b"0112").unwrap())), None);
    }
}

#[test]
fn removing_uncovers_what_lies_beneath() {
    let list = plain(&["48221234567", "48221234000-48221234999", "482212*", "4822*"]);
    let mut now = list;
    for answer in ["48221234567", "48221234000-48221234999", "482212*", "4822*"] {
        assert_eq!(found(&now, &number("48221234567")).as_deref(), Some(answer));
        now = now.with(&[(entry(answer), Change::Remove)]);
    }
    assert_eq!(found(&now, &number("48221234567")), None);
    assert_eq!((now.len(), now.edits()), (0, 4));
    let back = now.with(&[(entry("4822*"), put())]);
    assert_eq!(found(&back, &number("48221234567")).as_deref(), Some("4822*"));
}

#[test]
fn an_entry_expires_to_the_second_without_a_sweep() {
    let entries = ["48221234567", "48221234000-48221234999", "4822*", "anonymous"].map(entry);
    let end = NOON + Duration::from_secs(1);
    let base = list_of(&entries.clone().map(|entry| (entry, until(end))));
    let edited = plain(&[]).with(&entries.clone().map(|entry| (entry, Change::Put(until(end)))));
    for list in [base, edited] {
        for (party, entry) in [
            (number("48221234567"), &entries[0]),
            (number("48221234001"), &entries[1]),
            (number("48229999999"), &entries[2]),
            (Party::Anonymous, &entries[3]),
        ] {
            let last = WallTime::from_micros(end.as_micros() - 1);
            assert_eq!(list.lookup(&party, last).as_ref(), Some(entry));
            assert_eq!(list.lookup(&party, end), None);
            assert_eq!(list.details(entry), Some(until(end)), "it stays to be seen");
        }
        assert_eq!(list.len(), 4);
    }
}

#[test]
fn an_edit_gives_an_entry_of_the_base_another_expiry() {
    let list = plain(&["482212*", "4822*"]).with(&[(entry("482212*"), Change::Put(until(NOON)))]);
    assert_eq!(found(&list, &number("48221234567")).as_deref(), Some("4822*"));
    assert_eq!((list.len(), list.edits()), (2, 1));
}

#[test]
fn a_list_that_is_too_old_enforces_or_passes_from_that_moment_on() {
    let just_before = WallTime::from_micros(NOON.as_micros() - 1);
    let list = plain(&["48221234567", "anonymous"]).with(&[(entry("4870*"), put())]);
    let enforces = list.clone().aging(Some(NOON), WhenStale::Enforce);
    let passes = list.aging(Some(NOON), WhenStale::Pass);
    assert!(enforces.is_stale(NOON) && !enforces.is_stale(just_before));
    for party in [number("48221234567"), number("48701234567"), Party::Anonymous] {
        assert!(enforces.lookup(&party, NOON).is_some());
        assert!(passes.lookup(&party, just_before).is_some());
        assert_eq!(passes.lookup(&party, NOON), None);
    }
}

#[test]
fn an_import_replaces_what_edits_had_made_of_its_entries() {
    let list = plain(&["48221234567", "48221234568"]).with(&[
        (entry("48221234567"), Change::Remove),
        (entry("48221234569"), Change::Put(until(NOON))),
        (entry("48221234570"), Change::Remove),
        (entry("4870*"), put()),
    ]);
    let file = plain(&["48221234567", "48221234569", "bob"]);
    let imported = list.imported(file.base());
    assert_eq!((imported.len(), imported.edits(), imported.unfolded()), (5, 2, 0));
    for text in ["48221234567", "48221234569"] {
        assert_eq!(found(&imported, &number(text)).as_deref(), Some(text));
    }
    assert_eq!(imported.details(&entry("48221234569")), Some(Details::default()));
    let removed = imported.with(&[(entry("48221234567"), Change::Remove)]);
    assert_eq!((removed.len(), removed.edits()), (4, 3));
}

#[test]
fn pages_follow_each_other_and_searches_find_numbers_and_texts() {
    let described = Details { description: Some("Called TWICE".into()), ..Details::default() };
    let list = list_of(&[
        (entry("48221234567"), described.clone()),
        (entry("48221234568"), Details::default()),
        (entry("4870*"), Details::default()),
        (entry("bob-48"), Details::default()),
    ])
    .with(&[(entry("48221234568"), Change::Remove), (entry("anonymous"), put())]);
    let texts = |page: Page| page.entries.iter().map(|(entry, _)| entry.to_string()).collect::<Vec<_>>();
    let first = list.page(None, 2, "");
    assert_eq!(first.entries[0].1, described);
    assert_eq!(first.next, Some(entry("4870*")));
    assert_eq!(list.page(None, 4, "").next, None);
    assert_eq!(texts(first.clone()), ["48221234567", "4870*"]);
    assert_eq!(texts(list.page(first.next.as_ref(), 2, "")), ["anonymous", "bob-48"]);
    assert_eq!(texts(list.page(Some(&entry("48221234568")), 1, "")), ["4870*"]);
    assert_eq!(texts(list.page(None, 9, "1234")), ["48221234567"]);
    assert_eq!(texts(list.page(None, 9, "+48 22")), ["48221234567"]);
    assert_eq!(texts(list.page(None, 9, "twice")), ["48221234567"]);
    assert_eq!(texts(list.page(None, 9, "BOB")), ["bob-48"]);
    assert_eq!(texts(list.page(None, 9, "nobody")), [""; 0]);
    assert_eq!(texts(list.page(None, 0, "")), [""; 0]);
}

/// Few numbers near each other, so that entries meet.
fn close_number() -> impl Strategy<Value = Number> {
    prop_oneof![48_221_230u64..48_221_250, 4_822_123u64..4_822_126, 482_212_300u64..482_212_330]
        .prop_map(|value| Number::new(value).unwrap())
}

fn close_entry() -> impl Strategy<Value = Entry> {
    let range = (close_number(), close_number())
        .prop_filter_map("one length", |(one, other)| Range::new(one.min(other), one.max(other)).map(Entry::Range));
    prop_oneof![
        3 => close_number().prop_map(Entry::Number),
        3 => prop_oneof![48u64..50, 482u64..484, 4_822_122u64..4_822_126, 48_221_230u64..48_221_236, 482_212_300u64..482_212_304]
            .prop_map(|value| Entry::Prefix(Prefix::new(value).unwrap())),
        3 => range,
        1 => prop_oneof![Just("112"), Just("anonymous"), Just("unavailable"), Just("alice")].prop_map(entry),
    ]
}

fn details() -> impl Strategy<Value = Details> {
    (0u64..3, any::<bool>()).prop_map(|(expiry, described)| Details {
        expires: [None, Some(NOON), Some(NOON + Duration::from_secs(1))][usize::try_from(expiry).unwrap()],
        description: described.then(|| "text".into()),
        ..Details::default()
    })
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![2 => details().prop_map(Change::Put), 1 => Just(Change::Remove)]
}

/// Number, then narrowest range, then longest prefix: by looking at every entry.
fn scanned(model: &BTreeMap<Entry, Details>, party: &Party<'_>, at: WallTime) -> Option<Entry> {
    let matching = model.iter().filter(|(entry, details)| entry.matches(party) && details.in_force(at));
    matching.map(|(entry, _)| entry.clone()).min_by_key(|entry| match entry {
        Entry::Range(range) => (1, range.count(), range.first().get()),
        Entry::Prefix(prefix) => (2, 15 - u64::from(prefix.digits()), 0),
        _ => (0, 0, 0),
    })
}

proptest! {
    #[test]
    fn base_and_overlay_answer_as_a_map_of_all_entries_does(
        base in prop::collection::vec((close_entry(), details()), 0..25),
        edits in prop::collection::vec((close_entry(), change()), 0..25),
        parties in prop::collection::vec(close_number(), 1..20),
    ) {
        let mut model = BTreeMap::new();
        for (entry, details) in &base {
            // The last details that are not empty count.
            let kept: &mut Details = model.entry(entry.clone()).or_default();
            if *details != Details::default() {
                *kept = details.clone();
            }
        }
        let edited = list_of(&base).with(&edits);
        for (entry, change) in &edits {
            match change {
                Change::Put(details) => model.insert(entry.clone(), details.clone()),
                Change::Remove => model.remove(entry),
            };
        }
        let rebuilt = list_of(&model.clone().into_iter().collect::<Vec<_>>());
        let folded = list_of(&base).with(&edits[..edits.len() / 2]).folded().with(&edits[edits.len() / 2..]);
        let at_once = list_of(&base).with_all(&edits);
        for list in [&edited, &folded, &at_once, &folded.folded()] {
            prop_assert_eq!(list.len(), model.len() as u64);
            prop_assert_eq!(list.edits(), edited.unfolded());
        }
        let all: Vec<_> = model.clone().into_iter().collect();
        prop_assert_eq!(edited.page(None, usize::MAX, "").entries, all.clone());
        let words = [Party::Anonymous, Party::Unavailable, Party::User("alice".into())];
        for party in parties.into_iter().map(Party::Number).chain(words) {
            for at in [NOON, NOON + Duration::from_secs(1)] {
                let expected = scanned(&model, &party, at);
                prop_assert_eq!(edited.lookup(&party, at), expected.clone(), "edited, {:?}", party);
                prop_assert_eq!(folded.lookup(&party, at), expected.clone(), "folded, {:?}", party);
                prop_assert_eq!(at_once.lookup(&party, at), expected.clone(), "at once, {:?}", party);
                prop_assert_eq!(rebuilt.lookup(&party, at), expected, "rebuilt, {:?}", party);
            }
        }
        for (entry, _) in base.iter().map(|(entry, _)| (entry, ())).chain(edits.iter().map(|(entry, _)| (entry, ()))) {
            prop_assert_eq!(edited.details(entry), model.get(entry).cloned());
            prop_assert_eq!(folded.details(entry), model.get(entry).cloned());
            prop_assert_eq!(edited.contains(entry), model.contains_key(entry));
            let behind: Vec<_> = all.iter().filter(|(own, _)| own > entry).cloned().collect();
            prop_assert_eq!(folded.page(Some(entry), usize::MAX, "").entries, behind.clone());
            prop_assert_eq!(edited.page(Some(entry), usize::MAX, "").entries, behind);
        }
    }
}
