//! Lists that were made at run time.

use super::*;

#[test]
fn a_list_made_at_run_time_keeps_edits_and_imports_until_it_is_dropped() {
    let running = Running::with_entries("\"48221000001\"");
    assert_eq!(running.make("night"), Ok(2));
    assert!(matches!(running.make("night"), Err(ListFailure::Conflict(_))));
    running.edit(put("night", "48700100200")).unwrap();
    running.edit(put("night", "48600000007")).unwrap();
    running.edit(remove("night", "48600000007")).unwrap();
    let imported = running.import("night", many_numbers());
    assert_eq!((imported.rows, imported.added, imported.generation), (100_001, 100_001, Some(6)));
    running.edit(remove("night", "48600000008")).unwrap();
    let whole = |running: &Running| {
        assert_eq!((running.len("night"), running.generation()), (100_001, 7));
        assert!(running.holds("night", "48700100200"));
        assert!(running.holds("night", "48600000007"), "the import is later than its removal");
        assert!(!running.holds("night", "48600000008"), "its removal is later than the import");
        let status = running.live.list_status("night");
        assert!(status.made_at_run_time);
        assert_eq!(status.imports.iter().map(|import| import.generation).collect::<Vec<_>>(), [6]);
    };
    whole(&running);
    let running = running.restart();
    whole(&running);

    assert_eq!(running.unmake("night"), Ok(8));
    assert_eq!(running.unmake("night"), Err(ListFailure::Unknown));
    assert_eq!(running.edit(put("night", "48700100200")), Err(refused(Refusal::UnknownList)));
    let snapshots = fs::read_dir(running.path("state/lists")).unwrap().count();
    assert_eq!(snapshots, 1, "that of the import is needed by nobody");
    let running = running.restart();
    assert!(running.live.world().lists.get("night").is_none());
    assert_eq!(running.generation(), 8);
    running.make("night").unwrap();
    assert_eq!(running.len("night"), 0, "nothing comes back with the name");
}

#[test]
fn a_list_that_a_rule_names_is_not_dropped() {
    let running = Running::new();
    running.make("night").unwrap();
    let names = CONFIG.replace("lists = [\"default\"]", "lists = [\"default\", \"night\"]");
    running.write("ringfence.toml", &names);
    running.reload().unwrap();
    let Err(ListFailure::Conflict(why)) = running.unmake("night") else { panic!("a rule names it") };
    assert!(why.contains("night"), "{why}");
    let running = running.restart();
    running.write("ringfence.toml", CONFIG);
    running.reload().unwrap();
    running.unmake("night").unwrap();
}

#[test]
fn a_list_of_the_config_is_not_dropped() {
    let running = Running::new();
    running.make("night").unwrap();
    let table = "[[list]]\nname = \"night\"\nclass = \"personal\"\n";
    running.write("ringfence.toml", &format!("{CONFIG}{table}"));
    running.reload().unwrap();
    for list in ["default", "abroad", "night"] {
        assert!(matches!(running.unmake(list), Err(ListFailure::Conflict(_))), "{list}");
    }
}
