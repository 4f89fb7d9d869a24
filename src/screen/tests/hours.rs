//! Calling hours: prefixes, weeks, midnight, and clocks that change.

use super::campaigns::campaign;
use super::*;

/// Seconds until the callee may be called; `None`: he may now. Panics where that is not known.
fn wait(world: &World, callee: &str, at: &str) -> Option<u32> {
    let (usage, at) = (Usage::new(), WallTime::parse(at).expect("a time"));
    let question = call("48229990000", callee);
    let verdict = question.ask(&world.policy, |call| decide(call, world, &usage, at, 0)).expect("a known trunk");
    match verdict.outcome {
        Outcome::Answer(answer) => Some(answer.retry_after.expect("they open at some time")),
        _ => None,
    }
}

fn hours(entries: &str) -> World {
    campaign(&format!("hours = [{entries}]"))
}

fn warsaw(days: &str, open: &str) -> World {
    hours(&format!("{{ prefix = \"48\", zone = \"Europe/Warsaw\", days = \"{days}\", open = \"{open}\" }}"))
}

const POLE: &str = "48600000002";
const HOUR: u32 = 3_600;

#[test]
fn callees_are_called_within_their_hours_and_days_by_their_own_clock() {
    let world = warsaw("mon-sat", "08:00-20:00");
    // In winter Warsaw is an hour ahead of UTC, in summer two. 2026-01-14 is a Wednesday.
    assert_eq!(wait(&world, POLE, "2026-01-14T07:00:00Z"), None);
    assert_eq!(wait(&world, POLE, "2026-01-14T06:59:59.5Z"), Some(1));
    assert_eq!(wait(&world, POLE, "2026-01-14T18:59:59Z"), None);
    assert_eq!(wait(&world, POLE, "2026-01-14T19:00:00Z"), Some(12 * HOUR));
    assert_eq!(wait(&world, POLE, "2026-07-15T06:00:00Z"), None);
    assert_eq!(wait(&world, POLE, "2026-07-15T18:00:00Z"), Some(12 * HOUR));
    // Saturday evening: Monday morning comes next.
    assert_eq!(wait(&world, POLE, "2026-01-17T19:00:00Z"), Some(36 * HOUR));
    assert_eq!(wait(&world, POLE, "2026-01-18T12:00:00Z"), Some(19 * HOUR));
}

#[test]
fn a_callee_that_no_prefix_fits_has_no_hours() {
    let world = warsaw("mon-sun", "00:00-24:00");
    assert_eq!(wait(&world, POLE, "2026-01-14T03:00:00Z"), None);
    let german = call("48229990000", "4930123456");
    let answer = german.answer(&world);
    assert_eq!((answer.status, answer.retry_after), (603, None));
    assert_eq!(answer.reason.as_deref(), Some("SIP;cause=603;text=\"Outside calling hours\""));
    let steps = german.steps(&world);
    assert!(steps.contains("no calling hours are for the callee: decline"), "{steps}");
}

#[test]
fn the_longest_prefix_decides_and_those_of_one_prefix_add_up() {
    let world = hours(
        r#"{ prefix = "1", zone = "America/New_York", open = "09:00-10:00" },
           { prefix = "1808", zone = "Pacific/Honolulu", open = "09:00-10:00" },
           { prefix = "1907", zone = "America/Anchorage", open = "09:00-10:00" },
           { prefix = "1808", zone = "Pacific/Honolulu", days = "wed", open = "20:00-21:00" }"#,
    );
    let (new_york, honolulu) = ("12125550142", "18085550142");
    assert_eq!(wait(&world, new_york, "2026-01-14T14:30:00Z"), None);
    assert_eq!(wait(&world, honolulu, "2026-01-14T14:30:00Z"), Some(4 * HOUR + 1_800));
    assert_eq!(wait(&world, honolulu, "2026-01-14T19:30:00Z"), None);
    // Wednesday 20:30 there, and Thursday 20:30.
    assert_eq!(wait(&world, honolulu, "2026-01-15T06:30:00Z"), None);
    assert_eq!(wait(&world, honolulu, "2026-01-16T06:30:00Z"), Some(12 * HOUR + 1_800));
}

#[test]
fn hours_may_go_over_midnight_and_over_the_end_of_the_week() {
    let world = warsaw("fri,sun", "22:00-02:00");
    // 2026-01-16 is a Friday; times are an hour more in Warsaw.
    for open in ["2026-01-16T21:00:00Z", "2026-01-16T23:30:00Z", "2026-01-17T00:59:59Z", "2026-01-18T23:30:00Z"] {
        assert_eq!(wait(&world, POLE, open), None, "{open}");
    }
    assert_eq!(wait(&world, POLE, "2026-01-16T20:00:00Z"), Some(HOUR));
    assert_eq!(wait(&world, POLE, "2026-01-17T01:00:00Z"), Some(44 * HOUR), "until Sunday night");
    assert_eq!(wait(&world, POLE, "2026-01-19T01:00:00Z"), Some(4 * 24 * HOUR + 20 * HOUR), "until Friday night");
}

#[test]
fn several_spans_have_breaks_between_them() {
    let world = warsaw("mon-fri", "14:00-20:00, 08:00-12:00");
    assert_eq!(wait(&world, POLE, "2026-01-14T10:59:00Z"), None);
    assert_eq!(wait(&world, POLE, "2026-01-14T11:00:00Z"), Some(2 * HOUR));
    assert_eq!(wait(&world, POLE, "2026-01-14T13:00:00Z"), None);
}

#[test]
fn when_clocks_go_forward_the_hour_that_is_left_out_opens_nothing() {
    // In Warsaw 02:00 is followed by 03:00 on 2026-03-29, at 01:00 UTC.
    let morning = warsaw("sun", "08:00-20:00");
    assert_eq!(wait(&morning, POLE, "2026-03-28T23:00:00Z"), Some(7 * HOUR));
    let left_out = warsaw("mon-sun", "02:15-02:45");
    assert_eq!(wait(&left_out, POLE, "2026-03-29T00:30:00Z"), Some(23 * HOUR + 2_700), "on the next day");
    // It would open within the hour: it opens when the clocks are past it.
    let within = warsaw("sun", "02:30-04:00");
    assert_eq!(wait(&within, POLE, "2026-03-29T00:59:59Z"), Some(1));
    assert_eq!(wait(&within, POLE, "2026-03-29T01:00:00Z"), None);
    assert_eq!(wait(&within, POLE, "2026-03-29T02:00:00Z"), Some(6 * 24 * HOUR + 22 * HOUR + 1_800));
}

#[test]
fn when_clocks_go_back_the_hour_that_comes_twice_counts_twice() {
    // In Warsaw 03:00 is followed by 02:00 on 2026-10-25, at 01:00 UTC.
    let twice = warsaw("sun", "02:15-02:45");
    for (at, expected) in [
        ("2026-10-25T00:00:00Z", Some(900)),
        ("2026-10-25T00:15:00Z", None),
        ("2026-10-25T00:45:00Z", Some(1_800)),
        ("2026-10-25T01:15:00Z", None),
        ("2026-10-25T01:45:00Z", Some(7 * 24 * HOUR - 1_800)),
    ] {
        assert_eq!(wait(&twice, POLE, at), expected, "{at}");
    }
    // It has closed, and is open again when the clocks are set.
    let again = warsaw("sun", "01:00-02:30");
    assert_eq!(wait(&again, POLE, "2026-10-25T00:45:00Z"), Some(900));
    assert_eq!(wait(&again, POLE, "2026-10-25T01:00:00Z"), None);
}

#[test]
fn a_leap_day_is_a_day_like_any_other() {
    let world = warsaw("tue", "08:00-20:00");
    assert_eq!(wait(&world, POLE, "2028-02-29T10:00:00Z"), None);
    assert_eq!(wait(&world, POLE, "2028-02-28T23:00:00Z"), Some(8 * HOUR));
    assert_eq!(wait(&world, POLE, "2028-02-29T19:00:00Z"), Some(6 * 24 * HOUR + 12 * HOUR));
}

#[test]
fn a_day_that_a_zone_has_skipped_does_not_hide_the_next_opening() {
    // Samoa had no 2011-12-30, a Friday.
    let world = hours("{ prefix = \"685\", zone = \"Pacific/Apia\", days = \"fri\", open = \"09:00-10:00\" }");
    assert_eq!(wait(&world, "6857212345", "2011-12-30T09:59:00Z"), Some(6 * 24 * HOUR + 9 * HOUR + 60));
}

#[test]
fn whatever_the_clock_says_somebody_is_told_when_the_hours_begin() {
    let world = warsaw("mon-fri", "08:00-20:00");
    for at in ["1970-01-01T00:00:00Z", "1999-12-31T23:59:59Z", "2038-01-19T03:14:08Z", "2199-06-01T00:00:00Z"] {
        let seconds = wait(&world, POLE, at).unwrap_or(0);
        let opened = WallTime::parse(at).expect("a time") + std::time::Duration::from_secs(seconds.into());
        assert_eq!(wait(&world, POLE, &opened.to_string()), None, "{at}");
    }
}
