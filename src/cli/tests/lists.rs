use super::*;
use crate::admin::tests::{Fake, Served, eventful};
use crate::admin::{Backend, ListChange, ReloadFailure, ReloadProblem, Reloaded, RuleChange};
use crate::lists::Digest;

fn eventful_vip() -> Served {
    let fake = Fake::default();
    let status = eventful(&fake);
    fake.state().statuses.insert("vip".into(), status);
    Served::new(fake)
}

#[test]
fn all_lists_are_shown_in_a_table_with_what_is_worth_a_look() {
    let served = eventful_vip();
    let out = done(&served, &["list", "show"]);
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), 4);
    assert_eq!(lines[0], "LIST         CLASS     ENTRIES  EDITS  LOADED                       FILE  NOTE");
    assert_eq!(lines[1], "default      personal      250      0  2026-11-22T11:00:00.000000Z");
    for note in [
        "alarm: the file is cut off",
        "its file is being read: 50 %",
        "waits to be confirmed: 1 entries, 1 added, 1 removed",
        "too old since 2026-11-22T12:00:00.000000Z: it matches nothing",
        "1 row of its files left out",
    ] {
        assert!(lines[3].contains(note), "{note}: {out}");
    }
    let json = done(&served, &["list", "show", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["lists"][2]["alarm"], "the file is cut off");
}

#[test]
fn the_entries_of_a_list_are_shown_in_pages() {
    let served = eventful_vip();
    done(
        &served,
        &["list", "add", "vip", "600100200", "4870*", "--description", "a\u{1b}[2Jb", "--date", "2026-03-25"],
    );
    let (end, out, err) = of(&served, &["list", "show", "vip", "--limit", "1"]);
    assert_eq!((end, err.as_str()), (End::Done, "there are more: --after 48600100200\n"));
    assert!(out.starts_with("vip: allow, 2 entries, 2 edits\n"), "{out}");
    let base = format!("\nbase {} with 1 entry\n", Digest::of(b"48221110001"));
    let earlier = format!("\na rollback can go to {} with 1 entry\n", Digest::of(b"48221110002"));
    assert!(out.contains(&base) && out.contains(&earlier), "{out}");
    let row = "\n48600100200  2026-03-25           admin@127.0.0.1  a\\u{1b}[2Jb\n";
    assert!(out.ends_with(row), "what would clear the screen is spelled out: {out:?}");
    let out = done(&served, &["list", "show", "vip", "--after", "48600100200"]);
    assert!(out.starts_with("ENTRY  DATE") && out.contains("\n4870*  2026-03-25"), "{out}");
    assert_eq!(done(&served, &["list", "show", "vip", "--search", "999"]).lines().count(), 1);
    let json: serde_json::Value =
        serde_json::from_str(&done(&served, &["list", "show", "vip", "--json"])).expect("JSON");
    assert_eq!(json["entries"][1]["entry"], "4870*");
}

#[test]
fn entries_are_added_and_removed_as_one() {
    let served = Served::new(Fake::default());
    let add = ["list", "add", "default", "600100200", "48221000001", "--reason", "complaints", "--expires"];
    let out = done(&served, &[&add[..], &["2027-01-01T00:00:00Z"]].concat());
    assert_eq!(out, "default: 1 added, 1 changed; generation 9\n");
    let out = done(&served, &["list", "rm", "default", "600100200", "48221000001", "--json"]);
    assert_eq!(out, "{\"generation\":11,\"added\":0,\"changed\":0,\"removed\":2}\n");
    assert_eq!(served.backend.told()[1].2.as_deref(), Some("complaints"));
    assert_eq!(served.list("default").len(), 249);
}

#[test]
fn what_is_refused_is_told_by_its_entry_and_ends_with_1() {
    let served = Served::new(Fake::default());
    let (end, out, err) = of(&served, &["list", "add", "default", "600100200", "4,86E+10"]);
    assert_eq!((end, out.as_str()), (End::Refused, ""));
    assert!(err.starts_with("4,86E+10: \"4,86E+10\" is no entry: a number that a spreadsheet has rounded"), "{err}");
    assert!(err.ends_with("; nothing was changed\n"), "{err}");
    let (end, _, err) = of(&served, &["list", "rm", "default", "48600100200", "48600100201", "48221000001"]);
    let expected = "2 lines are wrong; nothing was changed\n  48600100200: 48600100200 is not in the list\n  \
        48600100201: 48600100201 is not in the list\n";
    assert_eq!((end, err.as_str()), (End::Refused, expected));
    let (end, _, err) = of(&served, &["list", "add", "missing", "112"]);
    assert_eq!((end, err.as_str()), (End::Refused, "no list is named \"missing\"\n"));
    assert_eq!(served.backend.world().generation, 7);
}

#[test]
fn lists_are_made_and_dropped() {
    let served = Served::new(Fake::default());
    let make = ["list", "make", "spring 2026", "--class", "dnc", "--reason", "ticket 7"];
    assert_eq!(done(&served, &make), "spring 2026: made; generation 8\n");
    assert_eq!(done(&served, &["list", "drop", "spring 2026"]), "spring 2026: removed\n");
    let (end, _, err) = of(&served, &["list", "drop", "vip"]);
    assert_eq!((end, err.as_str()), (End::Refused, "the config names the list \"vip\"\n"));
    assert_eq!(served.backend.told()[0].2.as_deref(), Some("ticket 7"));
}

#[test]
fn a_base_is_rolled_back_and_one_that_waits_confirmed() {
    let served = eventful_vip();
    let out = done(&served, &["list", "rollback", "vip", "--reason", "half a file"]);
    assert!(out.starts_with("vip: allow, 1 entry, 0 edits\n") && out.ends_with("\ngeneration 8\n"), "{out}");
    assert!(out.contains(&format!("\nbase {} is set aside\n", Digest::of(b"48221110001"))), "{out}");
    let other = Digest::of(b"another").to_string();
    assert_eq!(of(&served, &["list", "confirm", "vip", &other]).0, End::Refused);
    assert!(done(&served, &["list", "confirm", "vip"]).ends_with("\ngeneration 9\n"));
    let (end, _, err) = of(&served, &["list", "confirm", "vip"]);
    assert_eq!((end, err.as_str()), (End::Refused, "vip: nothing waits to be confirmed\n"));
}

#[test]
fn the_log_tells_who_and_why_and_at_tells_what_was() {
    let served = eventful_vip();
    done(&served, &["list", "add", "vip", "600100200", "--reason", "asked for"]);
    done(&served, &["list", "rm", "vip", "600100200"]);
    let (end, out, err) = of(&served, &["list", "log", "--number", "600100200", "--limit", "1"]);
    assert_eq!((end, err.as_str()), (End::Done, "there are more: --before 9\n"));
    assert!(
        out.contains("         9  2026-11-22T12:00:00.000000Z  admin@127.0.0.1  remove  vip   48600100200\n"),
        "{out}"
    );
    assert!(done(&served, &["list", "log", "--list", "vip", "--before", "9"]).ends_with("  asked for\n"));
    let out = done(&served, &["list", "at", "8", "--list", "vip", "--number", "600100200"]);
    let digest = Digest::of(b"48221110001");
    let expected = format!(
        "vip at generation 8:\nbase {digest} with 1 entry, since generation 7 (2026-11-22T12:00:00.000000Z)\n  \
         of lists/vip.csv, 12 bytes, SHA-256 {digest}\n1 edit\n48600100200 was in it\n  \
         put at generation 8 (2026-11-22T12:00:00.000000Z) by admin@127.0.0.1: asked for\n"
    );
    assert_eq!(out, expected);
    assert!(
        done(&served, &["list", "at", "9", "--list", "vip", "--entry", "600100200"])
            .contains("48600100200 was not in it")
    );
    let all = done(&served, &["list", "at", "8"]);
    assert!(
        ["default", "our numbers", "vip"].iter().all(|list| all.contains(&format!("{list} at generation 8:"))),
        "{all}"
    );
    let (end, _, err) = of(&served, &["list", "at", "99", "--list", "vip"]);
    assert_eq!((end, err.as_str()), (End::Refused, "generation 99 is still to come: the present one is 9\n"));
}

#[test]
fn a_reload_tells_what_it_changed() {
    let reloaded = Reloaded {
        generation: 8,
        lists: vec![ListChange { list: "default".into(), before: Some(250), after: None }],
        rules: vec![RuleChange { table: "inbound", name: Some("hotline".into()), change: "removed" }],
        restart_needed: vec!["sip.listen".into()],
        warnings: vec!["no route".into()],
    };
    let served = Served::new(Fake { reload: Ok(reloaded), ..Fake::default() });
    let (end, out, err) = of(&served, &["reload", "--reason", "new month"]);
    let expected = "LIST     BEFORE  NOW\ndefault     250    -\ninbound \"hotline\": removed\ngeneration 8\n";
    assert_eq!((end, out.as_str()), (End::Done, expected));
    assert_eq!(err, "sip.listen has changed and comes into force at the next start\nno route\n");
    assert_eq!(served.backend.told()[0].2.as_deref(), Some("new month"));
}

#[test]
fn a_reload_that_fails_names_file_line_and_column_of_each_mistake() {
    let problem = |line, detail: &str| ReloadProblem {
        detail: detail.into(),
        file: Some("lists/a.csv".into()),
        line: Some(line),
        column: Some(1),
    };
    let problems = vec![problem(3, "expected digits"), problem(4, "empty")];
    let served = Served::new(Fake { reload: Err(ReloadFailure::Invalid(problems)), ..Fake::default() });
    let (end, out, err) = of(&served, &["reload"]);
    assert_eq!((end, out.as_str()), (End::Refused, ""));
    let expected = "lists/a.csv:3:1: expected digits; nothing was changed\n  lists/a.csv:3:1: expected digits\n  \
        lists/a.csv:4:1: empty\n";
    assert_eq!(err, expected);
}
