//! Modes of rules, of the config and by hand.

use super::*;
use crate::screen::{ByHand, Kind, Mode, Setting, TrunkState};

/// Two rules that match the call: the first declines it, the second, a campaign, observes only.
const RULES: &str = "[[list]]\nname = \"l\"\nclass = \"personal\"\nentries = [\"48221110001\", \"48229990000\"]\n\
                     [[inbound]]\nname = \"in\"\nlists = [\"l\"]\n\
                     [[campaign]]\nname = \"out\"\ntrunks = [\"carrier\"]\nlists = [\"l\"]\nmode = \"observe\"\n";

fn with(modes: &[(&str, Mode)]) -> World {
    let set = |by_hand: ByHand, &(name, mode): &(&str, Mode)| {
        by_hand.with(&Setting::Rule { name: name.into(), mode: Some(mode) })
    };
    world(RULES).setting(Arc::new(modes.iter().fold(ByHand::default(), set)))
}

fn verdict(world: &World) -> (&'static str, Option<String>, Vec<String>) {
    let verdict = call("48221110001", "48229990000").verdict(world);
    let name = |rule: &Option<Arc<str>>| rule.as_deref().map(str::to_owned);
    let observed = verdict.observed.iter().filter_map(|would| name(&would.cause.rule)).collect();
    (verdict.word(), name(&verdict.cause.rule), observed)
}

#[test]
fn a_mode_set_by_hand_takes_the_place_of_the_config_s() {
    let told = |modes: &[(&str, Mode)]| verdict(&with(modes));
    let by = |rule: &str| Some(rule.to_owned());
    assert_eq!(told(&[]), ("decline", by("in"), vec![]));
    assert_eq!(told(&[("in", Mode::Observe)]), ("pass", None, vec!["in".into(), "out".into()]));
    assert_eq!(told(&[("in", Mode::Off)]), ("pass", None, vec!["out".into()]));
    assert_eq!(told(&[("in", Mode::Off), ("out", Mode::Enforce)]), ("decline", by("out"), vec![]));
    assert_eq!(told(&[("out", Mode::Off)]), ("decline", by("in"), vec![]), "the other rule is as it was");
}

#[test]
fn a_mode_of_a_rule_that_is_not_there_does_no_harm() {
    assert_eq!(verdict(&with(&[("gone", Mode::Off)])).0, "decline");
}

#[test]
fn a_mode_is_kept_through_edits() {
    let world = with(&[("in", Mode::Off)]).with_edits(&[]).expect("no edits");
    assert_eq!(verdict(&world).0, "pass");
}

#[test]
fn a_rule_that_is_reset_has_the_mode_of_the_config() {
    let off = Setting::Rule { name: "in".into(), mode: Some(Mode::Off) };
    let reset = Setting::Rule { name: "in".into(), mode: None };
    assert_eq!(ByHand::default().with(&off).with(&reset), ByHand::default());
}

#[test]
fn explain_says_which_mode_was_set_by_hand() {
    let told = |modes: &[(&str, Mode)]| call("48221110001", "48229990000").steps(&with(modes));
    assert!(told(&[]).contains("> inbound rule \"in\": list \"l\" holds the caller as 48221110001: decline"));
    assert!(told(&[("in", Mode::Off)]).contains("inbound rule \"in\" (set to off by hand): off"));
    let observed = told(&[("in", Mode::Observe)]);
    let expected =
        "inbound rule \"in\" (set to observe by hand): list \"l\" holds the caller as 48221110001; it only observes";
    assert!(observed.contains(expected), "{observed}");
    let enforced = told(&[("in", Mode::Off), ("out", Mode::Enforce)]);
    assert!(
        enforced.contains("> campaign rule \"out\" (set to enforce by hand): list \"l\" holds the callee"),
        "{enforced}"
    );
}

#[test]
fn an_inbound_and_a_campaign_rule_of_one_name_are_a_mistake_told_at_both() {
    let text = RULES.replace("\"out\"", "\"in\"");
    let same = |other| RuleError::SameRuleName { other, name: "in".into() };
    let told = [(same(Kind::Campaign), "\"in\"".to_owned()), (same(Kind::Inbound), "\"in\"".to_owned())];
    assert_eq!(problems(&text), told);
}

#[test]
fn a_setting_without_its_rule_or_trunk_is_told_and_can_only_be_taken_back() {
    let gone = Setting::Rule { name: "gone".into(), mode: Some(Mode::Off) };
    let closed = Setting::Trunk { name: "old".into(), state: TrunkState::Drain };
    let world = with(&[("in", Mode::Enforce), ("out", Mode::Off)]);
    let set = world.by_hand().with(&gone).with(&closed);
    let told = [
        "trunk \"old\" is drain by hand, and the config does not have it",
        "rule \"gone\" is set to off by hand, and the config does not have it",
        "rule \"out\" is set to off by hand: the config says observe",
    ];
    assert_eq!(set.deviations(&world.policy), told);
    let reset = Setting::Rule { name: "gone".into(), mode: None };
    let up = Setting::Trunk { name: "old".into(), state: TrunkState::Up };
    for (back, forth) in [(&reset, &gone), (&up, &closed)] {
        assert!(back.fits(&world.policy, &set) && !back.fits(&world.policy, &ByHand::default()));
        assert!(!forth.fits(&world.policy, &set));
    }
}
