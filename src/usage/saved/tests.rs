use std::num::NonZeroU16;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::usage::{Attempt, RestRule, ShowLimits};

const NOON: WallTime = WallTime::from_micros(1_774_440_000_000_000);

fn number(at: u64) -> Number {
    Number::new(48_223_900_000 + at).expect("a number")
}

fn limit() -> AttemptLimit {
    AttemptLimit { calls: NonZeroU16::new(3).expect("not zero"), within: 86_400 }
}

fn call(usage: &Usage, at: u64, now: WallTime) -> bool {
    usage.attempts().commit(number(at), &[limit()], limit(), now).map(Attempt::stand).is_some()
}

fn bytes(usage: &Usage, now: WallTime) -> Vec<u8> {
    let mut bytes = Vec::new();
    usage.write_to(&mut bytes, now).expect("memory takes everything");
    bytes
}

fn read(bytes: &[u8], now: WallTime) -> io::Result<Usage> {
    let usage = Usage::new();
    usage.read_from(&mut &bytes[..], Some(limit()), now).map(|()| usage)
}

#[test]
fn what_counts_no_more_when_it_is_read_is_left_out() {
    let usage = Usage::new();
    assert!(call(&usage, 0, NOON));
    usage.showings.show(number(0), &ShowLimits::default(), NOON).expect("no limit");
    let written = bytes(&usage, NOON);
    for (now, left) in [(NOON + Duration::from_secs(3_600), 1), (NOON + Duration::from_secs(2 * 86_400), 0)] {
        let later = read(&written, now).expect("it is whole");
        assert_eq!((later.attempts().callees(), later.showings.len()), (left, left));
    }
    let before = read(&written, WallTime::from_micros(0)).expect("it is whole");
    assert_eq!((before.attempts().callees(), before.showings.len()), (0, 0), "it is from a future that was none");
}

#[test]
fn without_limits_no_calls_of_callees_are_taken() {
    let usage = Usage::new();
    assert!(call(&usage, 0, NOON));
    let later = Usage::new();
    later.read_from(&mut &bytes(&usage, NOON)[..], None, NOON).expect("it is whole");
    assert_eq!(later.attempts().callees(), 0);
}

#[test]
fn impossible_values_and_missing_bytes_are_told_or_bounded_and_never_a_panic() {
    let mut strange = MAGIC.to_vec();
    strange.extend_from_slice(&number(0).get().to_le_bytes());
    strange.extend_from_slice(&u16::MAX.to_le_bytes());
    (0..u16::MAX).for_each(|_| strange.extend_from_slice(&NOON.seconds().to_le_bytes()));
    strange.extend_from_slice(&END.to_le_bytes());
    strange.extend_from_slice(&number(0).get().to_le_bytes());
    // An account of nothing but ones.
    strange.extend_from_slice(&[0xff; 4 + 2 * 13 + 4 + 2 * 25 + 4 * 8 + 2]);
    strange.extend_from_slice(&END.to_le_bytes());
    let usage = read(&strange, NOON).expect("each value can be read");
    assert!(!call(&usage, 0, NOON) && call(&usage, 0, NOON + Duration::from_secs(86_400)));
    usage.showings.show(number(0), &ShowLimits::default(), NOON).expect("no limit");
    assert!(read(b"RFUSAGE9", NOON).is_err());
    let whole = bytes(&usage, NOON);
    (0..whole.len()).for_each(|length| assert!(read(&whole[..length], NOON).is_err(), "{length}"));
}

proptest! {
    #[test]
    fn what_is_read_holds_back_whatever_was_held_back(
        steps in prop::collection::vec((0_u64..8, 0_u64..7_200, 0_u8..5), 1..200),
    ) {
        let rest = RestRule { after: 2, length: Duration::from_secs(3_600) };
        let limits = ShowLimits {
            per_hour: Some(2), per_day: Some(5), cool_down: Some(Duration::from_secs(60)), rest: Some(rest),
        };
        let (usage, mut now) = (Usage::new(), NOON);
        for (at, gap, what) in steps {
            now = now + Duration::from_secs(gap);
            match what {
                0 => drop(usage.attempts().commit(number(at), &[limit()], limit(), now)),
                1 => drop(usage.showings.refused(number(at), &rest, now)),
                2 => usage.showings.answered(number(at)),
                3 => drop(call(&usage, at, now)),
                _ => drop(usage.showings.show(number(at), &limits, now)),
            }
        }
        let later = read(&bytes(&usage, now), now).expect("it is whole");
        for number in (0..8).map(number) {
            prop_assert_eq!(later.attempts().wait(number, limit(), now), usage.attempts().wait(number, limit(), now));
            prop_assert_eq!(later.showings.held(number, &limits, now), usage.showings.held(number, &limits, now));
            let shown = usage.showings.shown(number, now);
            if shown.last_day > 0 {
                prop_assert_eq!(later.showings.shown(number, now), shown);
                prop_assert_eq!(later.showings.turn(number), usage.showings.turn(number));
            }
        }
    }
}
