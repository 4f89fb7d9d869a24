//! Which of the numbers that may be shown is: strategies, the nearest numbers, and the number that a call asks for.

use std::collections::{BTreeMap, HashSet};

use super::presentation::with;
use super::*;
use crate::lists::Change;
use crate::screen::{AnswerKind, Explanation};
use crate::usage::ShowLimits;

const TWENTY: &str = "\"48223900000-48223900019\"";

fn out(callee: u64) -> Question {
    call("48221110001", &callee.to_string()).on("pbx")
}

/// The number that a call shows under this usage, and how that was found.
fn shown(question: &Question, world: &World, usage: &Usage, draw: u64) -> (u64, Explanation) {
    let explanation = question.explain(world, usage, NOON, draw).expect("a known trunk");
    match &explanation.verdict.outcome {
        Outcome::Proceed(passage) => (passage.present.expect("a number").number.get(), explanation),
        other => panic!("{other:?}"),
    }
}

/// The number that each of a hundred callees sees.
fn callees(world: &World) -> BTreeMap<u64, u64> {
    let usage = Usage::new();
    (48_229_990_000..48_229_990_100).map(|callee| (callee, shown(&out(callee), world, &usage, callee).0)).collect()
}

fn edited(world: &World, list: &str, entry: &str, change: Change) -> World {
    let entry = Entry::parse(entry, &DialPlan::default()).expect("an entry");
    world.with_edits(&[Edit { list: list.into(), entry, change }]).expect("an edit")
}

#[test]
fn a_callee_sees_the_same_number_whatever_the_draw_and_however_he_is_spelled() {
    let world = with(TWENTY, "", ", strategy = \"sticky\"");
    let usage = Usage::new();
    let first = shown(&out(48_229_990_000), &world, &usage, 0).0;
    for (spelling, draw) in [("+48229990000", 1), ("0048229990000", 2), ("229990000", u64::MAX)] {
        let question = call("48221110002", spelling).on("pbx");
        assert_eq!(shown(&question, &world, &usage, draw).0, first, "{spelling}");
    }
    assert!(callees(&world).into_values().collect::<HashSet<_>>().len() >= 18, "callees share the numbers out");
}

#[test]
fn the_number_of_a_callee_is_the_same_on_every_machine_and_after_every_upgrade() {
    let seen = callees(&with(TWENTY, "", ", strategy = \"sticky\""));
    let first: Vec<u64> = seen.into_values().take(6).map(|number| number - 48_223_900_000).collect();
    assert_eq!(first, STICKY_FOREVER);
}

/// The last digits of the numbers that the first callees see: once released, they cannot change.
const STICKY_FOREVER: [u64; 6] = [15, 4, 3, 6, 2, 13];

#[test]
fn a_callee_sees_another_number_only_when_his_own_may_not_be_shown() {
    let lists = "[[list]]\nname = \"dnc\"\nclass = \"dnc\"\n";
    let world = with(TWENTY, lists, ", strategy = \"sticky\"");
    let before = callees(&world);
    let listed = edited(&world, "dnc", "48223900007", Change::Put(Details::default()));
    let gone = with("\"48223900000-48223900006\", \"48223900008-48223900019\"", "", ", strategy = \"sticky\"");
    for after in [callees(&listed), callees(&gone)] {
        assert!(after.values().all(|number| *number != 48_223_900_007));
        for (callee, number) in &before {
            assert!(*number == 48_223_900_007 || after[callee] == *number, "{callee} moved without need");
        }
        let moved: HashSet<u64> = before
            .iter()
            .filter(|(callee, number)| after[callee] != **number)
            .map(|(callee, _)| after[callee])
            .collect();
        assert!(moved.len() >= 2, "the callees of one number are shared out among the others");
    }
    let more = callees(&with("\"48223900000-48223900020\"", "", ", strategy = \"sticky\""));
    assert!(before.iter().all(|(callee, number)| more[callee] == *number || more[callee] == 48_223_900_020));
}

#[test]
fn users_and_short_codes_have_numbers_of_their_own() {
    let world = with(TWENTY, "", ", strategy = \"sticky\"");
    let usage = Usage::new();
    let users = (0..50).map(|user| call("48221110001", &format!("user{user}")).on("pbx"));
    let codes = (0..50).map(|code| call("48221110001", &format!("19{code:03}")).on("pbx"));
    for questions in [users.collect::<Vec<_>>(), codes.collect()] {
        let seen = |draw| -> Vec<u64> { questions.iter().map(|call| shown(call, &world, &usage, draw).0).collect() };
        assert_eq!(seen(1), seen(2));
        assert!(seen(1).into_iter().collect::<HashSet<_>>().len() >= 12);
    }
}

#[test]
fn local_draws_among_the_numbers_with_the_longest_common_prefix() {
    let pool = "\"48223900000-48223900003\", \"48229910000\", \"48229910001\", \"48123456789\", \"4822991900\"";
    let lists = "[[list]]\nname = \"dnc\"\nclass = \"dnc\"\n";
    let world = with(pool, lists, ", strategy = \"local\"");
    let usage = Usage::new();
    let seen = |world: &World, callee| -> Vec<u64> {
        let numbers: HashSet<u64> = (0..200).map(|draw| shown(&out(callee), world, &usage, draw).0).collect();
        let mut numbers: Vec<u64> = numbers.into_iter().collect();
        numbers.sort_unstable();
        numbers
    };
    assert_eq!(seen(&world, 48_229_910_555), [48_229_910_000, 48_229_910_001]);
    assert_eq!(seen(&world, 48_229_912_000), [4_822_991_900, 48_229_910_000, 48_229_910_001]);
    assert_eq!(seen(&world, 48_123_999_999), [48_123_456_789]);
    assert_eq!(seen(&world, 49_301_234_567).len(), 8, "with nothing in common but the world zone, all are alike");
    let listed = edited(&world, "dnc", "4822991*", Change::Put(Details::default()));
    assert_eq!(seen(&listed, 48_229_910_555), (48_223_900_000..=48_223_900_003).collect::<Vec<_>>());
    assert_eq!(
        shown(&call("1", "alice").on("pbx"), &world, &usage, 0).0,
        shown(&call("1", "alice").on("pbx"), &with(pool, lists, ""), &usage, 0).0
    );
}

#[test]
fn local_narrows_what_another_strategy_chooses_from() {
    let world =
        with("\"48223900000-48223900009\", \"48229910000-48229910009\"", "", ", strategy = \"sticky\", local = true");
    let seen: HashSet<u64> = callees(&world).into_values().collect();
    assert!(seen.iter().all(|number| *number >= 48_229_910_000) && seen.len() >= 8, "{seen:?}");
}

/// Calls one after the other, each of which shows its number.
fn showings(world: &World, usage: &Usage, calls: u64) -> Vec<u64> {
    let show = |draw| {
        let (number, _) = shown(&out(48_229_990_000), world, usage, draw);
        let number_of = Number::new(number).expect("a number");
        usage.showings.show(number_of, &ShowLimits::default(), NOON).expect("no limit");
        number
    };
    (0..calls).map(show).collect()
}

#[test]
fn least_used_shows_each_number_before_any_twice() {
    let world = with(TWENTY, "", ", strategy = \"least-used\"");
    let usage = Usage::new();
    for _ in 0..3 {
        assert_eq!(showings(&world, &usage, 20).into_iter().collect::<HashSet<_>>().len(), 20);
    }
    let other: Vec<u64> = showings(&world, &Usage::new(), 20);
    assert!(!other.is_sorted(), "those that are alike are drawn: {other:?}");
}

#[test]
fn round_robin_goes_round_in_one_order() {
    let world = with(TWENTY, "", ", strategy = \"round-robin\"");
    let usage = Usage::new();
    let first = showings(&world, &usage, 20);
    assert_eq!(first.iter().collect::<HashSet<_>>().len(), 20);
    assert_eq!(showings(&world, &usage, 20), first);
    assert_eq!(showings(&world, &usage, 20), first);
}

#[test]
fn of_a_large_pool_the_least_shown_number_is_found() {
    let world = with("\"48223900000-48223900999\"", "", ", strategy = \"least-used\"");
    let usage = Usage::new();
    let first: HashSet<u64> = showings(&world, &usage, 1_000).into_iter().collect();
    assert_eq!(first.len(), 1_000);
}

#[test]
fn the_number_that_a_call_asks_for_wins_where_it_may_be_shown() {
    let lists = "[[list]]\nname = \"dnc\"\nclass = \"dnc\"\nentries = [\"48223900005\"]\n";
    let world = with(TWENTY, lists, ", strategy = \"sticky\", explicit = \"X-Present-Number\"");
    let usage = Usage::new();
    let asking = |value: &str| {
        let question = out(48_229_990_000).header("x-present-number", value);
        let (number, explanation) = shown(&question, &world, &usage, 0);
        (number, explanation.to_string())
    };
    let own = shown(&out(48_229_990_000), &world, &usage, 0).0;
    for spelling in ["48223900011", " +48223900011 ", "0048223900011", "223900011"] {
        let (number, told) = asking(spelling);
        assert_eq!(number, 48_223_900_011, "{spelling}");
        assert!(told.contains("presents 48223900011, which the call asks for, from list \"ours\" of 20"), "{told}");
    }
    for (value, why) in [
        ("48223900005", "the call asks for 48223900005, which is not shown: list \"dnc\" holds it"),
        ("48223900020", "the call asks for 48223900020, which is not shown: it is not in list \"ours\" of 20"),
        ("any", "the header x-present-number holds no number: none is asked for"),
        ("", "the header x-present-number holds no number: none is asked for"),
    ] {
        let (number, told) = asking(value);
        assert_eq!(number, own, "{value}");
        assert!(told.contains(why), "{value}: {told}");
    }
    assert_eq!(world.policy.headers, ["x-present-number".into()], "it is in the record");
    assert_eq!(world.policy.removed_headers, ["x-present-number".into()], "and goes no further");
}

#[test]
fn explain_says_how_a_number_was_chosen() {
    for (present, told) in [
        ("", "drawn from list \"ours\" of 20"),
        (", strategy = \"local\"", "drawn from list \"ours\" of 20, of those nearest to the callee"),
        (", strategy = \"sticky\"", "this callee's own of list \"ours\" of 20"),
        (", strategy = \"least-used\"", "the least shown of list \"ours\" of 20"),
        (", strategy = \"round-robin\"", "the next in turn of list \"ours\" of 20"),
    ] {
        let (_, explanation) = shown(&out(48_229_990_000), &with(TWENTY, "", present), &Usage::new(), 0);
        assert!(explanation.to_string().contains(told), "{explanation}");
    }
}

#[test]
fn a_callee_of_never_block_sees_the_callers_own_number_and_asks_for_none() {
    let world = with(TWENTY, "", ", strategy = \"sticky\", explicit = \"X-Present-Number\"");
    let passage = call("48221110001", "112").on("pbx").header("x-present-number", "48223900011").passage(&world);
    assert_eq!(passage.present, None);
}

fn mistake(present: &str) -> (RuleError, String) {
    let text = format!(
        "[[list]]\nname = \"ours\"\nclass = \"pool\"\nentries = [{TWENTY}]\n\
         [[campaign]]\nname = \"c\"\nheader = {{ name = \"X-Campaign\" }}\n\
         [[route]]\nname = \"out\"\nto = \"carrier\"\npresent = {{ pool = \"ours\", {present} }}\n"
    );
    let mut problems = problems(&text);
    assert_eq!(problems.len(), 1, "{present}: {problems:?}");
    problems.remove(0)
}

#[test]
fn what_cannot_be_meant_is_told_with_its_place() {
    let at = |present: &str| {
        let (error, place) = mistake(present);
        (error.to_string(), place)
    };
    for (present, expected, place) in [
        ("strategy = \"fair\"", "there is no strategy \"fair\"", "\"fair\""),
        ("explicit = \"From\"", "From has another meaning in SIP", "\"From\""),
        ("explicit = \"Privacy\"", "Privacy has another meaning in SIP", "\"Privacy\""),
        ("explicit = \"x campaign\"", "expected a header name", "\"x campaign\""),
        ("explicit = \"x-campaign\"", "a rule or route reads the header x-campaign too", "\"x-campaign\""),
        ("headers = [\"Subject\"]", "a number is presented in", "\"Subject\""),
        ("headers = [\"Privacy\"]", "`Privacy` carries no number", "\"Privacy\""),
        ("headers = [\"From\", \"Privacy\"], privacy = \"keep\"", "that contradicts privacy = \"keep\"", "\"ours\""),
        ("rest_for = \"1h\"", "`rest_for` means nothing without `rest_after`", "\"1h\""),
        ("cool_down = \"25h\"", "expected a time of at most 24 h", "\"25h\""),
        ("cool_down = \"soon\"", "expected a time such as", "\"soon\""),
    ] {
        let (told, at) = at(present);
        assert!(told.contains(expected) && at == place, "{present}: {told} at {at}");
    }
}

#[test]
fn a_pool_that_a_call_cannot_look_through_is_worth_a_warning() {
    let text = |strategy: &str, last: u64| {
        format!(
            "[[list]]\nname = \"ours\"\nclass = \"pool\"\nentries = [\"48223900000-{last}\"]\n\
             [[route]]\nname = \"out\"\nto = \"carrier\"\npresent = {{ pool = \"ours\", strategy = \"{strategy}\" }}\n"
        )
    };
    for strategy in ["random", "sticky", "local", "least-used", "round-robin"] {
        assert_eq!(notices(&text(strategy, 48_223_909_999)), [], "{strategy}");
        assert_eq!(notices(&text(strategy, 48_223_910_000)), [Notice::LargePool(10_001)], "{strategy}");
    }
}

const EACH_STRATEGY: [&str; 7] = [
    "strategy = \"random\"",
    "strategy = \"local\"",
    "strategy = \"sticky\"",
    "strategy = \"sticky\", local = true",
    "strategy = \"least-used\"",
    "strategy = \"least-used\", local = true",
    "strategy = \"round-robin\"",
];

/// A pool of which only the numbers between two ranges of a list may be shown.
fn nearly_excluded(pool: &str, excluded: [&str; 2], present: &str) -> World {
    let [below, above] = excluded;
    let lists = format!("[[list]]\nname = \"dnc\"\nclass = \"dnc\"\nentries = [\"{below}\", \"{above}\"]\n");
    with(&format!("\"{pool}\""), &lists, &format!(", {present}"))
}

#[test]
fn the_last_free_number_of_a_block_is_found_by_each_strategy() {
    for present in EACH_STRATEGY {
        let excluded = ["48223900000-48223906665", "48223906667-48223909999"];
        let world = nearly_excluded("48223900000-48223909999", excluded, present);
        for callee in [48_229_990_000, 48_223_901_234, 49_301_234_567] {
            assert_eq!(shown(&out(callee), &world, &Usage::new(), callee).0, 48_223_906_666, "{present}");
        }
    }
}

#[test]
fn a_call_does_not_look_through_a_large_pool_for_its_last_free_number() {
    for present in EACH_STRATEGY {
        let excluded = ["48223000000-48223666665", "48223666667-48223999999"];
        let world = nearly_excluded("48223000000-48223999999", excluded, present);
        let explanation = out(48_229_990_000).explain(&world, &Usage::new(), NOON, 0).expect("a known trunk");
        let Outcome::Answer(answer) = &explanation.verdict.outcome else { panic!("{present}: it was found") };
        assert_eq!(answer.kind, AnswerKind::EmptyPool);
        let told = "no number that may be shown was found by 10000 looks at list \"ours\" of 1000000: 999999 listed";
        assert!(explanation.to_string().contains(told), "{explanation}");
    }
}

#[test]
fn a_hundredth_of_a_large_pool_is_found_wherever_it_stands() {
    for present in EACH_STRATEGY {
        let excluded = ["48223000000-48223659999", "48223670000-48223999999"];
        let world = nearly_excluded("48223000000-48223999999", excluded, present);
        for callee in 48_229_990_000..48_229_990_003 {
            let (number, _) = shown(&out(callee), &world, &Usage::new(), callee);
            assert!((48_223_660_000..48_223_670_000).contains(&number), "{present}: {number}");
        }
    }
}

#[test]
fn of_a_pool_too_large_to_score_callees_share_all_numbers_and_keep_their_own() {
    let sticky = |pool: &str| {
        let world = with(pool, "", ", strategy = \"sticky\"");
        (0..12).map(|at| shown(&out(48_229_990_000 + at), &world, &Usage::new(), at).0).collect::<Vec<_>>()
    };
    let before = sticky("\"48223000000-48223999999\"");
    assert!(before.iter().max().expect("some") - before.iter().min().expect("some") > 500_000, "{before:?}");
    assert_eq!(sticky("\"48223000000-48224000000\""), before, "one number more");
}

#[test]
fn a_routes_headers_win_over_those_of_its_trunk() {
    let headers = |trunk: &str, route: &str| {
        let world = bare_world(&format!(
            "[[trunk]]\nname = \"carrier\"\nfrom = [\"198.51.100.0/24\"]\nto = [\"sip:198.51.100.7\"]\n{trunk}\n\
             [[list]]\nname = \"ours\"\nclass = \"pool\"\nentries = [{TWENTY}]\n\
             [[route]]\nname = \"out\"\nto = \"carrier\"\npresent = {{ pool = \"ours\"{route} }}\n"
        ));
        let headers = world.policy.routes[0].present.as_ref().expect("it presents").headers;
        [headers.asserted, headers.from, headers.remote_party, headers.no_privacy]
    };
    let contract = "present_headers = [\"Remote-Party-ID\", \"From\"]";
    assert_eq!(headers("", ""), [true, false, false, false]);
    assert_eq!(headers(contract, ""), [false, true, true, false]);
    assert_eq!(headers(contract, ", headers = [\"P-Asserted-Identity\", \"Privacy\"]"), [true, false, false, true]);
}
