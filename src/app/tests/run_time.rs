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

#[test]
fn a_list_is_not_its_namesake_of_before() {
    let running = Running::with_entries("\"48221000001\"");
    let list = "[[list]]\nname = \"night\"\nclass = \"personal\"\nentries = [\"48221000005\"]\n";
    let config = fs::read_to_string(running.path("ringfence.toml")).unwrap();
    running.write("ringfence.toml", &format!("{config}{list}"));
    running.reload().unwrap();
    running.write("ringfence.toml", &config);
    running.reload().unwrap();
    running.make("night").unwrap();
    let status = running.live.list_status("night");
    assert_eq!((status.base, status.earlier.len(), running.len("night")), (None, 0, 0));
    running.edit(put("night", "48600100200")).unwrap();
    running.import("night", many_numbers());
    let then = running.generation();
    running.unmake("night").unwrap();
    running.make("night").unwrap();
    let held = |generation, text| running.live.held_at("night", generation, &entry(text)).unwrap().held;
    assert_eq!(held(running.generation(), "48600100200"), Some(false), "that was another list");
    assert_eq!(held(then, "48600100200"), Some(true));
    assert_eq!(held(then, "48999999999"), None, "what was imported into it is not kept");
}

#[test]
fn a_dry_run_refuses_what_the_import_would_refuse() {
    let running = Running::new();
    for dry_run in [true, false] {
        let options = FileOptions { format: crate::lists::Format::Ftc, ..FileOptions::default() };
        let request = ImportRequest { by: anna(), list: "default".into(), options, dry_run };
        let text: String = (0..100_001).map(|number| format!("212,5{number:06},D\n")).collect();
        let refused = running.live.import(request, Box::new(Cursor::new(text)));
        assert!(matches!(refused, Err(crate::admin::ImportFailure::Unfit(_))), "{refused:?}");
    }
}
