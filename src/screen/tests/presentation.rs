//! DESIGN section 5, point 6: the caller number that is shown.

use std::collections::BTreeMap;

use super::*;
use crate::screen::{AnswerKind, PresentHeaders, Presented};

pub(super) fn with(pool: &str, lists: &str, present: &str) -> World {
    bare_world(&format!(
        "{TRUNKS}[[list]]\nname = \"ours\"\nclass = \"pool\"\nentries = [{pool}]\n{lists}\n\
         [[route]]\nname = \"out\"\nto = \"carrier\"\npresent = {{ pool = \"ours\"{present} }}\n"
    ))
}

fn presented(world: &World, draw: u64) -> Option<Presented> {
    let (verdict, _) = call("48221110001", "48229990000").on("pbx").verdict_at(world, draw);
    match verdict.outcome {
        Outcome::Proceed(passage) => passage.present,
        other => panic!("{other:?}"),
    }
}

fn counts(world: &World, draws: u64) -> BTreeMap<u64, u64> {
    let mut counts = BTreeMap::new();
    for draw in 0..draws {
        *counts.entry(presented(world, draw).expect("a number").number.get()).or_default() += 1;
    }
    counts
}

#[test]
fn the_same_draw_presents_the_same_number() {
    let world = with("\"48223900000-48223900019\"", "", "");
    for draw in [0, 1, u64::MAX] {
        assert_eq!(presented(&world, draw), presented(&world, draw));
    }
}

#[test]
fn every_number_of_numbers_and_ranges_is_presented_equally_often() {
    let world = with("\"48223900001\", \"48223900005\", \"48223910000-48223910017\"", "", "");
    let counts = counts(&world, 4000);
    assert_eq!(counts.len(), 20);
    // 200 expected, a standard deviation of 14: five of them either way.
    assert!(counts.values().all(|count| (130..=270).contains(count)), "{counts:?}");
}

#[test]
fn what_is_in_an_excluded_list_is_never_presented_and_the_rest_equally_often() {
    let lists = "[[list]]\nname = \"a\"\nclass = \"personal\"\nentries = [\"48223900003\", \"anonymous\"]\n\
                 [[list]]\nname = \"b\"\nclass = \"dnc\"\nentries = [\"4822390001*\"]\n\
                 [[list]]\nname = \"c\"\nclass = \"dno\"\nentries = [\"48223900005-48223900006\"]\n\
                 [[list]]\nname = \"d\"\nclass = \"reputation\"\nentries = [\"48223900008\"]\n\
                 [[list]]\nname = \"e\"\nclass = \"allow\"\nentries = [\"48223900009\"]\n";
    let counts = counts(&with("\"48223900000-48223900019\"", lists, ""), 3000);
    let expected: Vec<u64> = [0, 1, 2, 4, 7, 9].iter().map(|last| 48_223_900_000 + last).collect();
    assert_eq!(counts.keys().copied().collect::<Vec<_>>(), expected);
    assert!(counts.values().all(|count| (400..=600).contains(count)), "{counts:?}");
}

#[test]
fn exclude_names_the_only_lists_that_count() {
    let lists = "[[list]]\nname = \"a\"\nclass = \"personal\"\nentries = [\"48223900000\"]\n\
                 [[list]]\nname = \"b\"\nclass = \"dnc\"\nentries = [\"48223900001\"]\n";
    let world = with("\"48223900000-48223900002\"", lists, ", exclude = [\"b\"]");
    assert_eq!(counts(&world, 100).into_keys().collect::<Vec<_>>(), [48_223_900_000, 48_223_900_002]);
    let none = with("\"48223900000-48223900002\"", lists, ", exclude = []");
    assert_eq!(counts(&none, 100).len(), 3);
}

#[test]
fn of_a_great_pool_with_few_numbers_left_each_is_found() {
    let lists = "[[list]]\nname = \"a\"\nclass = \"dnc\"\n\
                 entries = [\"48223900000-48223904998\", \"48223905000-48223909997\", \"48223909999\"]\n";
    let counts = counts(&with("\"48223900000-48223909999\"", lists, ""), 60);
    assert_eq!(counts.keys().copied().collect::<Vec<_>>(), [48_223_904_999, 48_223_909_998]);
    assert!(counts.values().all(|count| *count >= 12), "{counts:?}");
}

#[test]
fn an_empty_pool_answers_403_or_keeps_the_number() {
    let lists = "[[list]]\nname = \"a\"\nclass = \"dnc\"\nentries = [\"4822*\"]\n";
    let question = call("48221110001", "48229990000").on("pbx");
    let answer = question.answer(&with("\"48223900000-48223900019\"", lists, ""));
    assert_eq!((answer.status, &*answer.phrase, answer.kind), (403, "Forbidden", AnswerKind::EmptyPool));
    let answer = question.answer(&with("", "", ", otherwise = \"refuse\""));
    assert_eq!(answer.kind, AnswerKind::EmptyPool);
    let keeping = with("\"48223900000\"", lists, ", otherwise = \"keep\"");
    assert_eq!(question.passage(&keeping).present, None);
}

#[test]
fn an_expired_entry_is_neither_presented_nor_excluded() {
    let world = with("\"48223900000\", \"48223900001\"", "[[list]]\nname = \"a\"\nclass = \"dnc\"\n", "");
    let expired = Details { expires: Some(NOON), ..Details::default() };
    let put = |list: &str, entry: &str| Edit {
        list: list.into(),
        entry: Entry::parse(entry, &DialPlan::default()).expect("an entry"),
        change: crate::lists::Change::Put(expired.clone()),
    };
    let world = world.with_edits(&[put("ours", "48223900002"), put("a", "48223900000")]).expect("edits");
    assert_eq!(counts(&world, 50).into_keys().collect::<Vec<_>>(), [48_223_900_000, 48_223_900_001]);
}

#[test]
fn any_list_may_be_a_pool_and_does_not_exclude_itself() {
    let world = bare_world(&format!(
        "{TRUNKS}[[list]]\nname = \"own\"\nclass = \"personal\"\nentries = [\"48223900000\"]\n\
         [[route]]\nname = \"out\"\nto = \"carrier\"\npresent = {{ pool = \"own\" }}\n"
    ));
    assert!(presented(&world, 1).is_some());
}

#[test]
fn headers_and_privacy_are_told_to_the_engine() {
    let of = |present: &str| presented(&with("\"48223900000\"", "", present), 0).expect("a number");
    assert_eq!(of("").headers, PresentHeaders { asserted: true, ..PresentHeaders::default() });
    assert!(!of("").keep_privacy);
    let all = of(", headers = [\"Remote-Party-ID\", \"privacy\"]").headers;
    assert_eq!(all, PresentHeaders { remote_party: true, no_privacy: true, ..PresentHeaders::default() });
    let both = of(", headers = [\"from\", \"P-Asserted-Identity\"], privacy = \"keep\", strategy = \"random\"");
    assert_eq!(both.headers, PresentHeaders { asserted: true, from: true, ..PresentHeaders::default() });
    assert!(both.keep_privacy);
}

#[test]
fn privacy_of_a_hidden_caller_is_kept() {
    let world = bare_world(&format!(
        "{TRUNKS}[[list]]\nname = \"ours\"\nclass = \"pool\"\nentries = [\"48223900000\"]\n\
         [[inbound]]\nname = \"h\"\naction = \"hide\"\n\
         [[route]]\nname = \"out\"\nto = \"carrier\"\npresent = {{ pool = \"ours\" }}\n"
    ));
    assert!(presented(&world, 0).expect("a number").keep_privacy);
}

#[test]
fn splitmix64_gives_the_published_stream() {
    // The first values for the seed 1234567 of the reference implementation.
    let mut stream = crate::screen::present::SplitMix64(1_234_567);
    let drawn: Vec<u64> = (0..3).map(|_| stream.next()).collect();
    assert_eq!(drawn, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
}
