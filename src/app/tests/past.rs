//! Who did what, and what lists were.

use super::*;
use crate::admin::HeldAt;
use crate::lists::{Action, AuditQuery};
use crate::store::Proposal;
use crate::time::WallTime;

fn held_at(running: &Running, generation: u64, text: &str) -> HeldAt {
    running.live.held_at("default", generation, &entry(text)).unwrap()
}

/// Whether it was held, through which entry, and the generation that brought or removed it.
fn told(running: &Running, generation: u64, text: &str) -> (Option<bool>, Option<String>, Option<u64>) {
    let HeldAt { held, through, edit } = held_at(running, generation, text);
    (held, through.map(|entry| entry.to_string()), edit.map(|line| line.generation))
}

/// Makes an edit as it was made at `at`.
fn edit_at(running: &Running, at: WallTime, edit: Edit) -> u64 {
    let proposal = Proposal { actor: "bert".into(), at, reason: None, edits: vec![edit], condition: None };
    running.live.edits.submit(proposal).unwrap().blocking_recv().unwrap().unwrap().generation
}

#[test]
fn what_held_a_number_at_a_generation_is_told_of_files_imports_edits_and_prefixes() {
    let running = Running::new();
    let through = |entry: &str, edit| (Some(true), Some(entry.to_owned()), edit);
    assert_eq!(told(&running, 1, "48221000001"), through("48221000001", None), "its file says so");
    let imported = running.import("default", many_numbers()).generation;
    assert_eq!(imported, Some(2));
    assert_eq!(running.edit(remove("default", "48600000005")).unwrap().generation, 3);
    assert_eq!(running.edit(remove("default", "48221000001")).unwrap().generation, 4);
    assert_eq!(running.edit(put("default", "486001*")).unwrap().generation, 5);
    let running = running.restart();

    assert_eq!(told(&running, 1, "48600000005"), (Some(false), None, None));
    assert_eq!(told(&running, 2, "48600000005"), through("48600000005", imported));
    assert_eq!(held_at(&running, 2, "48600000005").edit.map(|line| line.action), Some(Action::Import));
    assert_eq!(told(&running, 3, "48600000005"), (Some(false), None, Some(3)));
    assert_eq!(held_at(&running, 3, "48600000005").edit.map(|line| line.action), Some(Action::Remove));
    assert_eq!(told(&running, 3, "48221000001"), through("48221000001", None));
    assert_eq!(told(&running, 4, "48221000001"), (Some(false), None, Some(4)));
    assert_eq!(told(&running, 4, "48600100200"), (Some(false), None, None));
    assert_eq!(told(&running, 5, "48600100200"), through("486001*", Some(5)));
    assert_eq!(told(&running, 5, "48600000006"), through("48600000006", imported));
    assert_eq!(told(&running, 1, "48221000001"), through("48221000001", None), "later edits do not change the past");
}

#[test]
fn an_entry_held_a_number_until_it_expired() {
    let running = Running::new();
    let at = WallTime::from_micros;
    let expires = |entry: &str, expires| {
        let details = Details { expires: Some(at(expires)), ..Details::default() };
        Edit { change: Change::Put(details), ..put("default", entry) }
    };
    assert_eq!(edit_at(&running, at(1_000), expires("48600100200", 2_000)), 2);
    assert_eq!(edit_at(&running, at(1_999), put("default", "48600100201")), 3);
    assert_eq!(edit_at(&running, at(2_000), put("default", "48600100202")), 4);
    assert_eq!(told(&running, 2, "48600100200").0, Some(true));
    assert_eq!(told(&running, 3, "48600100200").0, Some(true));
    assert_eq!(told(&running, 4, "48600100200"), (Some(false), None, Some(2)));
}

#[test]
fn the_trail_of_a_number_names_the_import_that_brought_it() {
    let running = Running::new();
    running.edit(put("default", "48600000005")).unwrap();
    let imported = running.import("default", many_numbers());
    running.edit(remove("default", "48600000005")).unwrap();
    let running = running.restart();
    let trail = |text: &str, before| {
        let query = AuditQuery { entry: Some(entry(text)), before, limit: 10, ..AuditQuery::default() };
        let lines = running.live.audit(&query).unwrap();
        lines.into_iter().map(|line| (line.generation, line.action, line.digest)).collect::<Vec<_>>()
    };
    let import = (3, Action::Import, imported.digest);
    assert!(imported.digest.is_some());
    let whole = [(4, Action::Remove, None), import, (2, Action::Put, None)];
    assert_eq!(trail("48600000005", None), whole);
    assert_eq!(trail("48600000005", Some(4)), whole[1..]);
    assert_eq!(trail("48600000006", None), [import]);
    assert_eq!(trail("48700100200", None), []);
}

#[test]
fn an_import_holds_a_number_through_its_prefix_as_well() {
    let running = Running::new();
    let text = format!("{}48600*\n", many_numbers());
    let imported = running.import("default", text).generation.unwrap();
    running.edit(remove("default", "48600000005")).unwrap();
    let through = Some("48600*".to_owned());
    assert_eq!(told(&running, imported + 1, "48600000005"), (Some(true), through, Some(imported)));
}

#[test]
fn a_damaged_import_stays_where_it_is_and_is_named() {
    let running = Running::new();
    let digest = running.import("default", many_numbers()).digest.unwrap();
    let path = running.path(&format!("state/lists/{digest}.base"));
    let mut bytes = fs::read(&path).unwrap();
    bytes[100] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert_eq!(held_at(&running, running.generation(), "48999999999").held, None, "nobody can say");
    let query = AuditQuery { entry: Some(entry("48600000005")), limit: 10, ..AuditQuery::default() };
    assert!(running.live.audit(&query).is_err(), "the trail does not leave it out without a word");
    assert!(path.exists());
    let (dir, _runtime) = running.stop();
    let error = Opened::open(&dir.path().join("ringfence.toml"), |_| ()).err().unwrap().to_string();
    assert!(error.contains(&digest.to_string()) && error.contains("restore state/lists from a backup"), "{error}");
}
