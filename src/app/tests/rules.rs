//! Modes of rules that are set at run time.

use super::*;
use crate::lists::{Action, AuditQuery};
use crate::screen::{Mode, Setting};

fn set(running: &Running, rule: &str, mode: Option<Mode>) -> Result<u64, ListFailure> {
    let by = By { reason: Some("it blocks too much".into()), ..anna() };
    changes::set(&running.live, &by, Setting::Rule { name: rule.into(), mode })
}

fn mode(running: &Running) -> Mode {
    let world = running.live.world();
    world.mode(world.policy.rule_named(RULE).expect("a rule"))
}

#[test]
fn a_rule_keeps_its_mode_through_edits_reloads_and_restarts() {
    let running = Running::with_entries("\"48221000001\"");
    assert_eq!((mode(&running), set(&running, RULE, Some(Mode::Observe))), (Mode::Enforce, Ok(2)));
    assert_eq!((mode(&running), running.generation()), (Mode::Observe, 2));
    running.edit(put("default", "48221000009")).unwrap();
    assert_eq!(mode(&running), Mode::Observe);
    running.make("night").unwrap();
    assert_eq!(mode(&running), Mode::Observe);
    running.reload().unwrap();
    assert_eq!(mode(&running), Mode::Observe);
    let running = running.restart();
    assert_eq!((mode(&running), running.generation()), (Mode::Observe, 5));
    assert_eq!(set(&running, RULE, None), Ok(6));
    assert_eq!(mode(&running.restart()), Mode::Enforce);
}

#[test]
fn who_set_a_mode_and_why_is_in_the_trail() {
    let running = Running::new();
    set(&running, RULE, Some(Mode::Off)).unwrap();
    let line = running.live.audit(&AuditQuery { limit: 1, ..AuditQuery::default() }).unwrap().pop().unwrap();
    assert_eq!(
        (line.action, line.rule.as_deref(), line.reason.as_deref()),
        (Action::Off, Some(RULE), Some("it blocks too much"))
    );
    assert_eq!((line.generation, line.list, line.trunk), (running.generation(), None, None));
}

#[test]
fn a_rule_that_the_config_no_longer_has_keeps_its_mode_and_does_no_harm() {
    let running = Running::new();
    assert_eq!(set(&running, "hotlin", Some(Mode::Off)), Err(ListFailure::Unknown));
    set(&running, RULE, Some(Mode::Off)).unwrap();
    let renamed = format!("name = \"{RULE}\"");
    assert!(CONFIG.contains(&renamed));
    running.write("ringfence.toml", &CONFIG.replace(&renamed, "name = \"other\""));
    running.reload().unwrap();
    let running = running.restart();
    let world = running.live.world();
    assert_eq!(world.mode(world.policy.rule_named("other").expect("a rule")), Mode::Enforce);
    running.write("ringfence.toml", CONFIG);
    running.reload().unwrap();
    assert_eq!(mode(&running), Mode::Off);
}

const RULE: &str = "hotline";
