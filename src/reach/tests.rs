use std::sync::Arc;

use super::*;
use crate::sip::Target;
use crate::time::WallTime;

fn after(steps: &str) -> State {
    let mut trial = Trial::from_state(State::Up);
    for step in steps.chars() {
        match step {
            '+' => trial.answered(),
            '-' => trial.failed(),
            _ => trial.suspected(),
        }
    }
    trial.state()
}

fn place(trunk: &str) -> Place {
    let target = Target::Address { transport: crate::flow::Transport::Udp, addr: "192.0.2.1:5060".parse().unwrap() };
    Place { trunk: trunk.into(), target }
}

#[test]
fn three_failures_in_a_row_take_a_target_down_and_two_answers_bring_it_back() {
    for (steps, state) in [
        ("", State::Up),
        ("-", State::Probing),
        ("--", State::Probing),
        ("--+", State::Up),
        ("--+--", State::Probing),
        ("---", State::Down),
        ("---+", State::Down),
        ("---+-+", State::Down),
        ("---++", State::Up),
    ] {
        assert_eq!(after(steps), state, "{steps}");
    }
}

#[test]
fn what_calls_meet_takes_no_target_down() {
    assert_eq!(after("??????"), State::Probing);
    assert_eq!(after("?--?"), State::Probing);
    assert_eq!(after("---?"), State::Down);
    assert_eq!(after("?+"), State::Up);
}

#[test]
fn a_place_that_nobody_probes_is_not_down() {
    let reach = Reach::default();
    reach.met(&place("carrier"), false);
    assert!(!reach.is_down(&place("carrier")) && reach.all().is_empty());
}

#[test]
fn a_state_is_that_of_the_trunk_and_goes_with_it() {
    let reach = Reach::default();
    let standing = reach.enter(&place("carrier"));
    assert!(standing.set(State::Down, WallTime::from_micros(7)) && !standing.set(State::Down, WallTime::default()));
    assert!(reach.is_down(&place("carrier")) && !reach.is_down(&place("pbx")));
    assert_eq!((standing.probes.changes.get(), standing.told().since), (1, Some(WallTime::from_micros(7))));
    assert!(Arc::ptr_eq(&standing, &reach.enter(&place("carrier"))));
    reach.leave(&place("carrier"));
    assert!(!reach.is_down(&place("carrier")));
}

#[test]
fn a_call_that_fails_is_a_sign_once_and_one_that_is_answered_where_it_was_doubted() {
    let reach = Reach::default();
    let standing = reach.enter(&place("carrier"));
    reach.met(&place("carrier"), true);
    assert_eq!(standing.take_sign(), None);
    reach.met(&place("carrier"), false);
    assert_eq!([standing.take_sign(), standing.take_sign()], [Some(false), None]);
    standing.set(State::Probing, WallTime::default());
    reach.met(&place("carrier"), true);
    assert_eq!(standing.take_sign(), Some(true));
}
