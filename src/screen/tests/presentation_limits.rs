//! What keeps a number of a pool from being shown, and what the operator is told of it.

use std::collections::HashSet;
use std::time::Duration;

use super::presentation::with;
use super::*;
use crate::lists::Change;
use crate::screen::{NumberState, PoolTally, PoolView, RouteId};
use crate::usage::{Held, RestRule, ShowLimits};

const FOUR: &str = "\"48223900000-48223900003\"";
const LIMITS: &str = ", per_hour = 2, per_day = 3, cool_down = \"10m\", rest_after = 2, rest_for = \"1h\"";

fn number(last: u64) -> Number {
    Number::new(48_223_900_000 + last).expect("a number")
}

fn view<'w>(world: &'w World, usage: &'w Usage, at: WallTime) -> PoolView<'w> {
    PoolView::new(world, usage, RouteId(0), at).expect("it presents")
}

/// Shows a number so many times, without regard to limits.
fn show(usage: &Usage, last: u64, times: u32, at: WallTime) {
    for _ in 0..times {
        usage.showings.show(number(last), &ShowLimits::default(), at).expect("no limit");
    }
}

fn rest(usage: &Usage, last: u64) {
    show(usage, last, 1, NOON);
    let rule = RestRule { after: 1, length: Duration::from_secs(3_600) };
    assert!(usage.showings.refused(number(last), &rule, NOON));
}

/// The numbers that a hundred draws show.
fn shown(world: &World, usage: &Usage, at: WallTime) -> HashSet<u64> {
    let question = call("48221110001", "48229990000").on("pbx");
    let number = |draw| {
        let verdict = question.ask(&world.policy, |call| decide(call, world, usage, at, draw)).expect("a known trunk");
        match verdict.outcome {
            Outcome::Proceed(passage) => passage.present.map(|presented| presented.number.get() - 48_223_900_000),
            other => panic!("{other:?}"),
        }
    };
    (0..100).filter_map(number).collect()
}

#[test]
fn limits_are_read_from_the_route() {
    let world = with(FOUR, "", LIMITS);
    let expected = ShowLimits {
        per_hour: Some(2),
        per_day: Some(3),
        cool_down: Some(Duration::from_secs(600)),
        rest: Some(RestRule { after: 2, length: Duration::from_secs(3_600) }),
    };
    assert_eq!(view(&world, &Usage::new(), NOON).present.limits, expected);
    let default = with(FOUR, "", ", rest_after = 3");
    let rest = view(&default, &Usage::new(), NOON).present.limits.rest.expect("a rule");
    assert_eq!(rest.length, Duration::from_secs(24 * 3_600));
    let uncounted = with(FOUR, "", ", strategy = \"sticky\"");
    assert!(!view(&uncounted, &Usage::new(), NOON).present.is_counted());
}

#[test]
fn a_number_that_is_capped_cooling_or_resting_is_not_shown_until_it_is_free_again() {
    for strategy in ["random", "sticky", "local", "least-used", "round-robin"] {
        let world = with(FOUR, "", &format!("{LIMITS}, strategy = \"{strategy}\""));
        let usage = Usage::new();
        show(&usage, 0, 2, NOON);
        rest(&usage, 1);
        show(&usage, 2, 1, NOON);
        assert_eq!(shown(&world, &usage, NOON), HashSet::from([3]), "{strategy}");
        let later = |minutes: u64| view(&world, &usage, NOON + Duration::from_secs(60 * minutes));
        let free = |minutes| [0, 1, 2, 3].map(|last| later(minutes).state(number(last)) == NumberState::Free);
        assert_eq!(free(9), [false, false, false, true]);
        assert_eq!(free(10), [false, false, true, true]);
        assert_eq!(free(59), [false, false, true, true]);
        assert_eq!(free(65), [true, true, true, true]);
    }
}

#[test]
fn a_callee_gets_his_sticky_number_back_when_it_has_rested() {
    let world = with(FOUR, "", ", strategy = \"sticky\", rest_after = 1");
    let usage = Usage::new();
    let own = *shown(&world, &usage, NOON).iter().next().expect("a number");
    rest(&usage, own);
    let other = shown(&world, &usage, NOON);
    assert!(other.len() == 1 && !other.contains(&own));
    assert_eq!(shown(&world, &usage, NOON + Duration::from_secs(3_600)), HashSet::from([own]));
}

#[test]
fn explain_says_how_many_numbers_are_out_for_which_reason() {
    let lists = "[[list]]\nname = \"dnc\"\nclass = \"dnc\"\nentries = [\"48223900003\"]\n";
    let usage = Usage::new();
    show(&usage, 0, 2, NOON);
    rest(&usage, 1);
    show(&usage, 2, 1, NOON);
    let question = call("48221110001", "48229990000").on("pbx").header("x-ask", "48223900001");
    for (otherwise, word) in [("refuse", "empty-pool"), ("keep", "pass")] {
        let present = format!("{LIMITS}, explicit = \"X-Ask\", otherwise = \"{otherwise}\"");
        let world = with(FOUR, lists, &present);
        let explanation = question.explain(&world, &usage, NOON, 0).expect("a known trunk");
        let told = explanation.to_string();
        let out = "no number may be shown from list \"ours\" of 4: 1 listed, 1 capped, 1 cooling, 1 resting";
        assert!(told.contains(out) && told.contains("which is not shown: networks have refused it"), "{told}");
        assert_eq!(explanation.verdict.word(), word);
    }
}

#[test]
fn a_view_tells_the_state_of_each_number_and_counts_them() {
    let lists = "[[list]]\nname = \"dnc\"\nclass = \"dnc\"\nentries = [\"48223900003\"]\n";
    let world = with(FOUR, lists, LIMITS);
    let expired = Change::Put(Details { expires: Some(NOON), ..Details::default() });
    let entry = Entry::parse("48223900009", &DialPlan::default()).expect("an entry");
    let world = world.with_edits(&[Edit { list: "ours".into(), entry, change: expired }]).expect("an edit");
    let usage = Usage::new();
    show(&usage, 0, 2, NOON);
    rest(&usage, 1);
    let view = view(&world, &usage, NOON);
    let dnc = world.lists.id("dnc").expect("a list");
    let until = NOON + Duration::from_secs(3_600);
    for (last, state) in [
        (0, NumberState::Held(Held::CappedByHour)),
        (1, NumberState::Held(Held::Resting { until })),
        (2, NumberState::Free),
        (3, NumberState::Listed(dnc)),
        (8, NumberState::Absent),
        (9, NumberState::Expired),
    ] {
        assert_eq!(view.state(number(last)), state, "{last}: {}", view.why(number(last)));
    }
    let expected = PoolTally { free: 1, listed: 1, capped: 1, cooling: 0, resting: 1, expired: 1 };
    assert_eq!(view.tally(), expected);
}

#[test]
fn a_call_that_shows_a_number_is_not_stopped_by_its_own_showing() {
    let world = with(FOUR, "", LIMITS);
    let usage = Usage::new();
    show(&usage, 0, 3, NOON);
    assert!(view(&world, &usage, NOON).may_stay(number(0)));
    rest(&usage, 1);
    assert!(!view(&world, &usage, NOON).may_stay(number(1)));
    assert!(!view(&world, &usage, NOON).may_stay(number(7)), "it is not in the pool any more");
}
