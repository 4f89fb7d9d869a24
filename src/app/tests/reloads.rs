use super::*;

#[test]
fn a_reload_reads_files_again_and_keeps_edits() {
    let running = Running::new();
    running.edit(remove("default", "48221000001")).unwrap();
    running.write("default.csv", "48221000001\n48221000007\n48221000008\n");
    running.write(
        "ringfence.toml",
        &CONFIG.replace("\"hotline\"", "\"desk\"").replace("127.0.0.2:5060", "127.0.0.9:5060"),
    );
    let reloaded = running.reload().unwrap();
    assert_eq!(reloaded.generation, 3);
    assert_eq!(running.live.world().generation, 3);
    let change = |list: &str, before, after| ListChange { list: list.into(), before: Some(before), after: Some(after) };
    assert_eq!(reloaded.lists, [change("default", 1, 2), change("abroad", 0, 0)]);
    let change = |table, name: &str, change| RuleChange { table, name: Some(name.into()), change };
    let rules = [
        change("trunk", "carrier", "changed"),
        change("inbound", "desk", "added"),
        change("inbound", "hotline", "removed"),
    ];
    assert_eq!(reloaded.rules, rules);
    assert!(!running.holds("default", "48221000001"), "the file does not undo an edit");
    assert!(running.holds("default", "48221000008") && !running.holds("default", "48221000002"));
}

#[test]
fn a_reload_with_a_mistake_keeps_everything_and_says_where_it_is() {
    let running = Running::new();
    running.write("default.csv", "48221000009\n4,86E+10\n");
    let Err(ReloadFailure::Invalid(problems)) = running.reload() else { panic!("the reload must fail") };
    assert_eq!((problems[0].line, problems[0].file.as_deref()), (Some(2), running.path("default.csv").to_str()));
    assert!(running.holds("default", "48221000001") && !running.holds("default", "48221000009"));
    assert_eq!((running.live.world().generation, running.live.counts.reloads_failed.get()), (1, 1));
    running.write("default.csv", "48221000009\n");
    running.write("ringfence.toml", &format!("{CONFIG}\nbogus = 1\n"));
    let Err(ReloadFailure::Invalid(problems)) = running.reload() else { panic!("the reload must fail") };
    assert_eq!(problems[0].line, Some(CONFIG.lines().count() as u64 + 2));
    running.write("ringfence.toml", CONFIG);
    assert_eq!(running.reload().unwrap().generation, 2);
    assert!(running.holds("default", "48221000009"));
}

#[test]
fn a_list_file_that_was_cut_off_does_not_empty_its_list() {
    let running = Running::new();
    for cut_off in ["", "\n \n"] {
        running.write("default.csv", cut_off);
        let Err(ReloadFailure::Invalid(problems)) = running.reload() else { panic!("the reload must fail") };
        assert_eq!(problems[0].file.as_deref(), running.path("default.csv").to_str());
        assert!(problems[0].detail.contains("remove `file`"), "{problems:?}");
        assert!(running.holds("default", "48221000001"));
    }
    running.write("default.csv", "number\n");
    running.reload().unwrap();
    assert!(!running.holds("default", "48221000001"));
}

#[test]
fn whoever_reloads_is_told_of_skipped_rows() {
    let running = Running::new();
    let text = CONFIG.replace("file = \"default.csv\"\n", "file = \"default.csv\"\non_error = \"skip\"\n");
    fs::write(running.dir.path().join("ringfence.toml"), text).unwrap();
    fs::write(running.dir.path().join("default.csv"), "48221000001\n4822x\n").unwrap();
    let reloaded = running.reload().unwrap();
    let file = running.dir.path().join("default.csv");
    assert!(reloaded.warnings.contains(&format!("{}: 2 rows, 1 rows skipped: 1 letter", file.display())));
}

#[test]
fn a_reload_names_the_keys_that_need_a_restart() {
    let running = Running::new();
    running.write("ringfence.toml", &format!("[sip]\nworkers = 3\n{CONFIG}").replace("\"state\"", "\"elsewhere\""));
    assert_eq!(running.reload().unwrap().restart_needed, ["sip.workers", "state.dir"]);
}

#[test]
fn an_old_world_is_freed_once_nobody_reads_it() {
    let running = Running::new();
    let old = running.live.world();
    let base = Arc::downgrade(old.lists.get("default").unwrap().base());
    running.write("default.csv", "48221000009\n");
    running.reload().unwrap();
    running.live.worlds.sweep();
    assert!(base.upgrade().is_some(), "somebody still reads it");
    drop(old);
    assert!(base.upgrade().is_some(), "the reader did not free it");
    running.live.worlds.sweep();
    assert!(base.upgrade().is_none());
}

#[test]
fn rules_that_only_changed_places_are_told_from_others() {
    let rule = |name: &str| format!("[[inbound]]\nname = \"{name}\"\n");
    let (first, second) = (rule("a") + &rule("b"), rule("b") + &rule("a"));
    let reordered = RuleChange { table: "inbound", name: None, change: "reordered" };
    assert_eq!(difference::rules(&first, &second), [reordered]);
    assert_eq!(difference::rules(&first, &first), []);
    let numbers = |change| RuleChange { table: "numbers", name: None, change };
    assert_eq!(difference::rules("", "[numbers]\ncountry = \"48\""), [numbers("added")]);
    assert_eq!(difference::rules("[numbers]\ncountry = \"44\"", "[numbers]\ncountry = \"48\""), [numbers("changed")]);
}
