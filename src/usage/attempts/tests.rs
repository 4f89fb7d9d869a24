use std::time::Duration;

use proptest::prelude::*;

use super::*;

const CALLEE: Number = Number::new(48_600_100_200).expect("a number");
const DAY: u32 = 86_400;
/// 2026-03-25T12:40:00Z.
const START: u32 = 1_774_442_400;

fn limit(text: &str) -> AttemptLimit {
    AttemptLimit::parse(text).expect("a limit")
}

fn at(seconds: u32) -> WallTime {
    WallTime::from_micros(u64::from(seconds) * 1_000_000)
}

/// Calls if that is allowed; whether it was.
fn call(attempts: &Arc<Attempts>, limit: AttemptLimit, seconds: u32) -> bool {
    let allowed = attempts.wait(CALLEE, limit, at(seconds)).is_none();
    let committed = attempts.commit(CALLEE, &[limit], limit, at(seconds));
    assert_eq!(allowed, committed.is_some(), "what is read is what is committed");
    committed.map(Attempt::stand).is_some()
}

#[test]
fn a_limit_is_a_number_of_calls_and_a_span() {
    let of = |calls, within| Some(AttemptLimit { calls: NonZeroU16::new(calls).expect("not zero"), within });
    assert_eq!(AttemptLimit::parse("3/24h"), of(3, DAY));
    assert_eq!(AttemptLimit::parse(" 1 / 90s "), of(1, 90));
    assert_eq!(AttemptLimit::parse("100/366d"), of(100, AttemptLimit::LONGEST));
    for wrong in ["", "3", "0/1h", "101/1h", "3/1500ms", "3/367d", "3/0s", "-1/1h", "3/24", "3/24h/2"] {
        assert_eq!(AttemptLimit::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn the_call_beyond_the_limit_waits_until_the_first_counts_no_more() {
    let attempts = Arc::new(Attempts::default());
    let limit = limit("3/24h");
    for hours in [0, 1, 2] {
        assert!(call(&attempts, limit, START + hours * 3_600));
    }
    assert_eq!(attempts.wait(CALLEE, limit, at(START + 3 * 3_600)), Some(DAY - 3 * 3_600));
    assert!(!call(&attempts, limit, START + DAY - 1));
    assert!(call(&attempts, limit, START + DAY));
    assert_eq!(attempts.wait(CALLEE, limit, at(START + DAY)), Some(3_600));
}

#[test]
fn a_call_that_does_not_go_on_is_taken_back() {
    let attempts = Arc::new(Attempts::default());
    let limit = limit("1/1h");
    let first = attempts.commit(CALLEE, &[limit], limit, at(START)).expect("it may be called");
    assert!(attempts.commit(CALLEE, &[limit], limit, at(START)).is_none());
    drop(first);
    assert_eq!(attempts.callees(), 0);
    assert!(call(&attempts, limit, START));
}

#[test]
fn calls_are_kept_for_the_widest_limit_and_asked_by_each() {
    let attempts = Arc::new(Attempts::default());
    let (narrow, wide) = (limit("2/1h"), limit("5/7d"));
    let kept = narrow.covering(wide);
    assert_eq!(kept, limit("5/7d"));
    let commit =
        |limit, seconds| attempts.commit(CALLEE, &[limit], kept, at(START + seconds)).map(Attempt::stand).is_some();
    assert!(commit(narrow, 0) && commit(narrow, 1) && !commit(narrow, 2));
    assert!(commit(wide, 2) && commit(wide, 3) && commit(wide, 4) && !commit(wide, 5));
    assert_eq!(attempts.wait(CALLEE, narrow, at(START + 10)), Some(3_603 - 10));
    assert!(!commit(wide, DAY) && commit(narrow, DAY));
}

#[test]
fn however_many_shards_call_no_more_calls_go_on_than_the_limit() {
    let attempts = Arc::new(Attempts::default());
    let limit = limit("7/1h");
    let gone_on = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..200 {
                    if let Some(attempt) = attempts.commit(CALLEE, &[limit], limit, at(START)) {
                        gone_on.fetch_add(1, Ordering::Relaxed);
                        attempt.stand();
                    }
                }
            });
        }
    });
    assert_eq!(gone_on.into_inner(), 7);
}

#[test]
fn a_clock_that_is_set_does_not_lock_a_callee_for_ever() {
    let limit = limit("1/24h");
    for step_back in [1, DAY - 1, DAY, 10 * 366 * DAY] {
        let attempts = Arc::new(Attempts::default());
        assert!(call(&attempts, limit, START));
        let back = START - step_back;
        let waits = attempts.wait(CALLEE, limit, at(back)).unwrap_or(0);
        assert!(waits < 2 * DAY, "set back by {step_back} s, it waits {waits} s");
        assert!(call(&attempts, limit, back + waits), "set back by {step_back} s");
    }
    let attempts = Arc::new(Attempts::default());
    assert!(call(&attempts, limit, START + 10 * 366 * DAY), "in a future that was none");
    assert!(call(&attempts, limit, START));
    assert!(!call(&attempts, limit, START + 1));
}

#[test]
fn what_counts_no_more_is_forgotten_with_later_calls() {
    let attempts = Arc::new(Attempts::default());
    let limit = limit("3/1h");
    let call = |number: u64, seconds| {
        let callee = Number::new(48_600_000_000 + number).expect("a number");
        attempts.commit(callee, &[limit], limit, at(START + seconds)).expect("within the limit").stand();
    };
    (0..5_000).for_each(|number| call(number, 0));
    assert_eq!(attempts.callees(), 5_000);
    // Each of these looks through one part.
    (0..1_024).for_each(|number| call(10_000 + number, 3_600));
    assert_eq!(attempts.callees(), 1_024);
    let room: usize = attempts.parts.iter().map(|part| locked(part).callees.capacity()).sum();
    assert!(room < 10 * 1_024, "{room}");
}

proptest! {
    #[test]
    fn in_no_span_more_calls_go_on_than_the_limit_and_whoever_waits_may_call(
        calls in 1_u16..5,
        within in 1_u32..400,
        steps in prop::collection::vec((0_u32..150, any::<bool>()), 1..200),
    ) {
        let limit = AttemptLimit { calls: NonZeroU16::new(calls).expect("not zero"), within };
        let attempts = Arc::new(Attempts::default());
        let (mut now, mut gone_on) = (START, Vec::new());
        for (gap, stands) in steps {
            now += gap;
            let waits = attempts.wait(CALLEE, limit, at(now));
            let counted = gone_on.iter().filter(|time| now - **time < within).count();
            prop_assert_eq!(waits.is_some(), counted >= usize::from(calls));
            if let Some(seconds) = waits {
                prop_assert!(attempts.wait(CALLEE, limit, at(now + seconds - 1)).is_some());
                prop_assert!(attempts.wait(CALLEE, limit, at(now + seconds)).is_none());
            }
            let committed = attempts.commit(CALLEE, &[limit], limit, at(now));
            prop_assert_eq!(committed.is_none(), waits.is_some());
            if let (Some(attempt), true) = (committed, stands) {
                attempt.stand();
                gone_on.push(now);
            }
        }
    }

    #[test]
    fn with_a_clock_that_jumps_every_callee_may_be_called_again_within_twice_the_span(
        calls in 1_u16..5,
        within in 1_u32..400,
        times in prop::collection::vec(0_u32..2_000, 1..100),
    ) {
        let limit = AttemptLimit { calls: NonZeroU16::new(calls).expect("not zero"), within };
        let attempts = Arc::new(Attempts::default());
        for time in times {
            let now = START + time;
            match attempts.commit(CALLEE, &[limit], limit, at(now)) {
                Some(attempt) => attempt.stand(),
                None => {
                    let waits = attempts.wait(CALLEE, limit, at(now)).expect("it was refused");
                    prop_assert!(waits < 2 * within);
                    prop_assert!(attempts.wait(CALLEE, limit, at(now) + Duration::from_secs(waits.into())).is_none());
                }
            }
        }
    }
}
