use proptest::prelude::*;

use super::*;

const NOON: WallTime = WallTime::from_micros(1_774_440_000_000_000);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR_OF_TIME: Duration = Duration::from_secs(3_600);

fn number(at: u64) -> Number {
    Number::new(48_223_900_000 + at).expect("a number")
}

fn per_hour(most: u16) -> ShowLimits {
    ShowLimits { per_hour: Some(most), ..ShowLimits::default() }
}

fn resting_after(after: u16) -> ShowLimits {
    ShowLimits { rest: Some(RestRule { after, length: HOUR_OF_TIME }), ..ShowLimits::default() }
}

fn refuse(showings: &Showings, at: u64, after: u16, now: WallTime) -> bool {
    showings.show(number(at), &ShowLimits::default(), now).expect("no limit");
    showings.refused(number(at), &RestRule { after, length: HOUR_OF_TIME }, now)
}

#[test]
fn a_number_is_shown_as_often_in_an_hour_as_its_limit_says_and_then_again() {
    let (showings, limits) = (Showings::default(), per_hour(2));
    assert_eq!(showings.show(number(0), &limits, NOON), Ok(()));
    assert_eq!(showings.show(number(0), &limits, NOON + 10 * MINUTE), Ok(()));
    assert_eq!(showings.show(number(0), &limits, NOON + 59 * MINUTE), Err(Held::CappedByHour));
    assert_eq!(showings.held(number(0), &limits, NOON + 59 * MINUTE), Some(Held::CappedByHour));
    assert_eq!(showings.held(number(1), &limits, NOON), None, "each number has its own account");
    assert_eq!(showings.show(number(0), &limits, NOON + 66 * MINUTE), Ok(()));
    assert_eq!(showings.shown(number(0), NOON + 66 * MINUTE).last_day, 3);
}

#[test]
fn the_days_limit_holds_over_midnight() {
    let (showings, limits) = (Showings::default(), ShowLimits { per_day: Some(1), ..ShowLimits::default() });
    let evening = WallTime::parse("2026-03-28T23:59:00Z").expect("a time");
    assert_eq!(showings.show(number(0), &limits, evening), Ok(()));
    assert_eq!(showings.show(number(0), &limits, evening + 2 * MINUTE), Err(Held::CappedByDay));
    assert_eq!(showings.show(number(0), &limits, evening + 23 * HOUR_OF_TIME), Err(Held::CappedByDay));
    assert_eq!(showings.show(number(0), &limits, evening + 25 * HOUR_OF_TIME), Ok(()));
}

#[test]
fn a_showing_that_does_not_stand_is_as_if_it_had_never_been() {
    let (showings, limits) = (Arc::new(Showings::default()), ShowLimits { per_day: Some(1), ..per_hour(1) });
    let showing = showings.enter(number(0), &limits, NOON).expect("no showing before");
    assert_eq!(showings.show(number(0), &limits, NOON), Err(Held::CappedByHour), "it counts while it is on its way");
    drop(showing);
    assert!(showings.is_empty());
    showings.enter(number(0), &limits, NOON).expect("it was taken back").stand();
    assert_eq!(showings.show(number(0), &limits, NOON), Err(Held::CappedByHour));
    let (turn, shown) = (showings.turn(number(0)), showings.shown(number(0), NOON));
    drop(showings.enter(number(0), &ShowLimits::default(), NOON + MINUTE));
    assert_eq!((showings.turn(number(0)), showings.shown(number(0), NOON)), (turn, shown));
}

#[test]
fn a_number_cools_down_after_each_showing() {
    let limits = ShowLimits { cool_down: Some(10 * MINUTE), ..ShowLimits::default() };
    let showings = Showings::default();
    assert_eq!(showings.show(number(0), &limits, NOON), Ok(()));
    let until = NOON + 10 * MINUTE;
    assert_eq!(showings.show(number(0), &limits, NOON + 9 * MINUTE), Err(Held::Cooling { until }));
    assert_eq!(showings.show(number(0), &limits, until), Ok(()));
}

#[test]
fn refusals_in_a_row_make_a_number_rest_and_an_answered_call_ends_the_row() {
    let showings = Showings::default();
    assert!(!refuse(&showings, 0, 2, NOON));
    showings.answered(number(0));
    assert!(!refuse(&showings, 0, 2, NOON));
    assert_eq!(showings.shown(number(0), NOON).refusals, 1);
    assert!(refuse(&showings, 0, 2, NOON));
    let until = NOON + HOUR_OF_TIME;
    assert_eq!(showings.held(number(0), &resting_after(2), NOON), Some(Held::Resting { until }));
    assert_eq!(showings.held(number(0), &per_hour(9), NOON), None, "a route without rests shows it");
    assert_eq!(showings.resting(NOON), [number(0)]);
    assert!(!refuse(&showings, 0, 1, NOON), "it rests already: that a late refusal comes is no news");
    assert_eq!(showings.held(number(0), &resting_after(2), until), None);
}

#[test]
fn a_rest_is_ended_by_hand_once() {
    let showings = Showings::default();
    assert!(refuse(&showings, 0, 1, NOON));
    assert!(showings.end_rest(number(0), NOON));
    assert!(!showings.end_rest(number(0), NOON) && !showings.end_rest(number(1), NOON));
    assert_eq!(showings.held(number(0), &resting_after(1), NOON), None);
}

#[test]
fn a_clock_that_jumps_far_ahead_and_back_stops_no_number() {
    let showings = Showings::default();
    let cooling = ShowLimits { cool_down: Some(HOUR_OF_TIME), per_day: Some(1), ..resting_after(1) };
    let future = NOON + 1_000 * 24 * HOUR_OF_TIME;
    assert_eq!(showings.show(number(0), &cooling, future), Ok(()));
    assert!(showings.refused(number(0), &cooling.rest.expect("a rule"), future));
    assert!(showings.held(number(0), &cooling, future).is_some());
    assert_eq!(showings.held(number(0), &cooling, NOON), None);
    assert_eq!(showings.show(number(0), &cooling, NOON), Ok(()));
    assert_eq!(showings.held(number(0), &cooling, NOON), Some(Held::CappedByDay), "and its limits hold again");
}

#[test]
fn a_clock_that_is_set_back_a_little_opens_no_limit() {
    let (showings, limits) = (Showings::default(), ShowLimits { cool_down: Some(10 * MINUTE), ..per_hour(1) });
    assert_eq!(showings.show(number(0), &limits, NOON + MINUTE), Ok(()));
    assert_eq!(showings.held(number(0), &limits, NOON), Some(Held::CappedByHour));
    let cooling = ShowLimits { per_hour: None, ..limits };
    assert!(matches!(showings.held(number(0), &cooling, NOON), Some(Held::Cooling { .. })));
}

#[test]
fn turns_go_round_in_the_order_of_showings() {
    let showings = Showings::default();
    assert_eq!(showings.turn(number(0)), 0);
    for at in [2, 0, 1, 2] {
        showings.show(number(at), &ShowLimits::default(), NOON).expect("no limit");
    }
    let mut numbers = [0, 1, 2].map(number);
    numbers.sort_by_key(|number| showings.turn(*number));
    assert_eq!(numbers, [0, 1, 2].map(number));
}

#[test]
fn what_matters_no_more_is_dropped() {
    let showings = Showings::default();
    for day in 0..10 {
        for at in 0..20_000 {
            let now = NOON + day * 30 * HOUR_OF_TIME;
            showings.show(number(u64::from(day) * 20_000 + at), &ShowLimits::default(), now).expect("no limit");
        }
    }
    assert!(showings.len() <= 40_000 + PARTS * LEAST, "{}", showings.len());
}

#[test]
fn threads_together_show_a_number_no_more_often_than_its_limit() {
    let (showings, limits) = (Showings::default(), per_hour(100));
    let shown = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| (0..100).filter(|_| showings.show(number(0), &limits, NOON).is_ok()).count()))
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).sum::<usize>()
    });
    assert_eq!(shown, 100);
}

proptest! {
    #[test]
    fn in_no_hour_and_no_day_a_number_is_shown_more_often_than_its_limits(
        gaps in prop::collection::vec(0_u64..4 * 3_600, 1..300),
    ) {
        let limits = ShowLimits { per_hour: Some(3), per_day: Some(10), ..ShowLimits::default() };
        let (showings, mut now, mut shown) = (Showings::default(), NOON, Vec::new());
        for gap in gaps {
            now = now + Duration::from_secs(gap);
            if showings.show(number(0), &limits, now).is_ok() {
                shown.push(now);
            }
        }
        for (at, first) in shown.iter().enumerate() {
            let within = |span| shown[at..].iter().filter(|time| time.since(*first) <= span).count();
            prop_assert!(within(HOUR_OF_TIME) <= 3 && within(24 * HOUR_OF_TIME) <= 10);
        }
    }

    #[test]
    fn however_the_clock_is_set_a_number_is_free_again_after_its_longest_limit_twice(
        times in prop::collection::vec(0_u64..4_000_000, 1..30),
    ) {
        let limits = ShowLimits {
            per_hour: Some(1), per_day: Some(1), cool_down: Some(24 * HOUR_OF_TIME), ..resting_after(1)
        };
        let (showings, mut now) = (Showings::default(), NOON);
        for seconds in times {
            now = NOON + Duration::from_secs(seconds);
            if showings.show(number(0), &limits, now).is_ok() {
                showings.refused(number(0), &limits.rest.expect("a rule"), now);
            }
        }
        prop_assert_eq!(showings.held(number(0), &limits, now + 50 * HOUR_OF_TIME), None);
    }
}
