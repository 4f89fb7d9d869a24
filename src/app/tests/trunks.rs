//! Trunks that are closed at run time.

use super::*;
use crate::lists::{Action, AuditQuery};
use crate::screen::{Setting, TrunkState};

fn set(running: &Running, trunk: &str, state: TrunkState) -> Result<u64, ListFailure> {
    let by = By { reason: Some("ticket 7".into()), ..anna() };
    changes::set(&running.live, &by, Setting::Trunk { name: trunk.into(), state })
}

fn state(running: &Running) -> TrunkState {
    let world = running.live.world();
    world.trunk_state(world.policy.trunk_named("carrier").expect("a trunk"))
}

#[test]
fn a_trunk_stays_closed_through_edits_reloads_and_restarts() {
    let running = Running::with_entries("\"48221000001\"");
    assert_eq!(set(&running, "carrier", TrunkState::Off), Ok(2));
    assert_eq!((state(&running), running.generation()), (TrunkState::Off, 2));
    running.edit(put("default", "48221000009")).unwrap();
    assert_eq!(state(&running), TrunkState::Off);
    running.make("night").unwrap();
    assert_eq!(state(&running), TrunkState::Off);
    running.reload().unwrap();
    assert_eq!(state(&running), TrunkState::Off);
    let running = running.restart();
    assert_eq!((state(&running), running.generation()), (TrunkState::Off, 5));
    assert_eq!(set(&running, "carrier", TrunkState::Up), Ok(6));
    assert_eq!(state(&running.restart()), TrunkState::Up);
}

#[test]
fn who_closed_a_trunk_and_why_is_in_the_trail() {
    let running = Running::new();
    set(&running, "carrier", TrunkState::Drain).unwrap();
    let line = running.live.audit(&AuditQuery { limit: 1, ..AuditQuery::default() }).unwrap().pop().unwrap();
    assert_eq!(
        (line.action, line.trunk.as_deref(), line.reason.as_deref()),
        (Action::Drain, Some("carrier"), Some("ticket 7"))
    );
    assert_eq!((line.generation, line.list), (running.generation(), None));
}

#[test]
fn only_a_trunk_of_the_config_is_closed_and_one_that_comes_back_is_as_it_was() {
    let running = Running::new();
    assert_eq!(set(&running, "carier", TrunkState::Off), Err(ListFailure::Unknown));
    set(&running, "carrier", TrunkState::Off).unwrap();
    running.write("ringfence.toml", &CONFIG.replace("name = \"carrier\"", "name = \"other\""));
    running.reload().unwrap();
    let running = running.restart();
    running.write("ringfence.toml", CONFIG);
    running.reload().unwrap();
    assert_eq!(state(&running), TrunkState::Off);
}
