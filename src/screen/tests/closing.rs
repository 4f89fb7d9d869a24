//! Trunks that somebody has closed.

use super::*;
use crate::screen::{AnswerKind, ByHand, Setting, TrunkState};

fn closed(trunk: &str, state: TrunkState) -> World {
    let text = format!(
        "[numbers]\nnever_block = [\"112\"]\n{TRUNKS}[[route]]\nname = \"to-pbx\"\nto = \"pbx\"\nunavailable = 480\n"
    );
    let by_hand = ByHand::default().with(&Setting::Trunk { name: trunk.into(), state });
    bare_world(&text).setting(Arc::new(by_hand))
}

/// The answer to a call from the carrier, which goes to the pbx.
fn answer(world: &World, to: &str) -> Option<u16> {
    let question =
        Question { from: "48600100200".into(), to: to.into(), trunk: "carrier".into(), ..Question::default() };
    let Explanation { verdict, .. } = question.explain(world, &Usage::new(), NOON, 7).expect("a verdict");
    match verdict.outcome {
        Outcome::Answer(Answer { status, kind: AnswerKind::TrunkClosed, .. }) => Some(status),
        Outcome::Proceed(_) => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn no_call_goes_to_a_trunk_that_is_drained_or_off_and_the_route_says_what_is_answered() {
    for (state, expected) in [(TrunkState::Up, None), (TrunkState::Drain, Some(480)), (TrunkState::Off, Some(480))] {
        assert_eq!(answer(&closed("pbx", state), "48221234567"), expected, "{state:?}");
    }
}

#[test]
fn what_a_drained_trunk_sends_goes_on_and_what_one_that_is_off_sends_is_answered_500() {
    assert_eq!(answer(&closed("carrier", TrunkState::Drain), "48221234567"), None);
    assert_eq!(answer(&closed("carrier", TrunkState::Off), "48221234567"), Some(500));
}

#[test]
fn a_call_for_help_passes_whatever_is_closed() {
    for trunk in ["carrier", "pbx"] {
        assert_eq!(answer(&closed(trunk, TrunkState::Off), "112"), None, "{trunk}");
    }
}

#[test]
fn explain_says_which_trunk_is_closed() {
    let question =
        Question { from: "1".into(), to: "48221234567".into(), trunk: "carrier".into(), ..Question::default() };
    let told =
        |trunk, state| question.explain(&closed(trunk, state), &Usage::new(), NOON, 7).expect("a verdict").to_string();
    assert!(told("carrier", TrunkState::Off).contains("> trunk \"carrier\" is off: its calls are refused"));
    assert!(told("pbx", TrunkState::Off).contains("> trunk \"pbx\" is off: no call goes there"));
    assert!(told("pbx", TrunkState::Drain).contains("> trunk \"pbx\" is being drained: no call goes there"));
}

#[test]
fn a_world_keeps_what_is_closed_through_edits() {
    let world = closed("carrier", TrunkState::Off).with_edits(&[]).expect("no edits");
    assert_eq!(answer(&world, "48221234567"), Some(500));
}
