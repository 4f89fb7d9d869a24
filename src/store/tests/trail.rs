//! Questions to the audit trail.

use super::super::trail;
use super::*;
use crate::lists::{AuditLine, AuditQuery};

/// The generations of the lines that are found.
fn found(writer: &EditWriter, query: AuditQuery) -> Vec<u64> {
    writer.audit(&query).unwrap().into_iter().map(|line| line.generation).collect()
}

fn query(list: Option<&str>, text: Option<&str>) -> AuditQuery {
    AuditQuery { list: list.map(Into::into), entry: text.map(entry), before: None, limit: 100 }
}

fn of(list: &str, edit: Edit) -> Edit {
    Edit { list: list.into(), ..edit }
}

#[test]
fn a_line_tells_all_that_was_said() {
    let dir = tempfile::tempdir().unwrap();
    let (writer, _, _) = start(dir.path());
    let details = Details {
        date: Some("2026-03-25".parse().unwrap()),
        description: Some("called at night".into()),
        expires: Some(at(77)),
        added_by: None,
    };
    let edits = vec![Edit { change: Change::Put(details.clone()), ..put("112") }, remove("112")];
    propose(&writer, Proposal { reason: Some("ticket 7".into()), at: at(5), ..group(edits) }).unwrap();
    let refused = Swap { prepare: Box::new(|_, _| None), ..swap(2, Action::Reload, None, vec![]) };
    assert_eq!(writer.swap(refused), Err(SwapError::Refused));
    writer.swap(swap(2, Action::Reload, None, vec![Step::Base { list: "default".into(), record: base("a") }])).unwrap();
    writer.swap(swap(3, Action::Import, Some("other"), vec![import("other", "file", &["112", "997"])])).unwrap();
    let rollback = vec![
        Step::SetAside { list: "other".into(), digest: digest("x") },
        Step::Base { list: "other".into(), record: base("b") },
    ];
    writer.swap(swap(4, Action::Rollback, Some("other"), rollback)).unwrap();
    let edited = AuditLine {
        generation: 1,
        at: at(5),
        actor: "anna".into(),
        reason: Some("ticket 7".into()),
        action: Action::Put,
        list: Some("default".into()),
        trunk: None,
        rule: None,
        entry: Some(entry("112")),
        details,
        digest: None,
        entries: None,
    };
    let removed = AuditLine { generation: 2, action: Action::Remove, details: Details::default(), ..edited.clone() };
    let swapped = |generation, action, list: Option<&str>, content: Option<(&str, u64)>| AuditLine {
        generation,
        at: at(generation + 99),
        actor: "bert".into(),
        reason: Some("asked by mail".into()),
        action,
        list: list.map(Into::into),
        trunk: None,
        rule: None,
        entry: None,
        details: Details::default(),
        digest: content.map(|(name, _)| digest(name)),
        entries: content.map(|(_, entries)| entries),
    };
    assert_eq!(
        writer.audit(&query(None, None)).unwrap(),
        [
            swapped(5, Action::Rollback, Some("other"), Some(("b", 7))),
            swapped(4, Action::Import, Some("other"), Some(("file", 2))),
            swapped(3, Action::Reload, None, None),
            removed,
            edited
        ]
    );
}

#[test]
fn a_number_finds_what_was_done_to_it_and_to_all_that_holds_it() {
    let dir = tempfile::tempdir().unwrap();
    let (writer, _, _) = start(dir.path());
    let edits = [
        put("48221234567"),                            // 1
        of("other", put("4822*")),                     // 2
        put("4823*"),                                  // 3
        of("other", put("48221234567*")),              // 4
        put("48221234000-48221234999"),                // 5
        put("48221234568-48221234999"),                // 6
        of("zone", put("48221234567-48221234567")),    // 7
        put("alice"),                                  // 8
        put("482212345671"),                           // 9
        put("48*"),                                    // 10
        of("zone", remove("48221234567-48221234567")), // 11
        remove("48221234567"),                         // 12
        put("112"),                                    // 13
        put("anonymous"),                              // 14
    ];
    propose(&writer, group(edits.to_vec())).unwrap();
    writer.swap(swap(14, Action::Reload, None, vec![])).unwrap();
    assert_eq!(found(&writer, query(None, Some("48221234567"))), [12, 11, 10, 7, 5, 4, 2, 1]);
    assert_eq!(found(&writer, query(Some("other"), Some("48221234567"))), [4, 2]);
    assert_eq!(found(&writer, query(Some("nowhere"), Some("48221234567"))), [] as [u64; 0]);
    assert_eq!(found(&writer, query(None, Some("48*"))), [10]);
    assert_eq!(found(&writer, query(None, Some("48221234568-48221234999"))), [6]);
    assert_eq!(found(&writer, query(None, Some("alice"))), [8]);
    assert_eq!(found(&writer, query(None, Some("112"))), [13]);
    assert_eq!(found(&writer, query(None, Some("anonymous"))), [14]);
    let paged = AuditQuery { before: Some(11), limit: 3, ..query(None, Some("48221234567")) };
    assert_eq!(found(&writer, paged), [10, 7, 5]);
}

#[test]
fn a_list_finds_its_lines_and_those_of_all_lists() {
    let dir = tempfile::tempdir().unwrap();
    let (writer, _, _) = start(dir.path());
    make(&writer, put("112")).unwrap();
    make(&writer, of("other", put("112"))).unwrap();
    writer.swap(swap(2, Action::Reload, None, vec![])).unwrap();
    writer.swap(swap(3, Action::Import, Some("other"), vec![import("other", "file", &[])])).unwrap();
    make(&writer, remove("112")).unwrap();
    assert_eq!(found(&writer, query(Some("default"), None)), [5, 3, 1]);
    assert_eq!(found(&writer, query(Some("other"), None)), [4, 3, 2]);
    assert_eq!(found(&writer, query(None, None)), [5, 4, 3, 2, 1]);
    let paged = |list, before, limit| AuditQuery { before: Some(before), limit, ..query(list, None) };
    assert_eq!(found(&writer, paged(Some("default"), 5, 1)), [3]);
    assert_eq!(found(&writer, paged(Some("default"), 3, 5)), [1]);
    assert_eq!(found(&writer, paged(None, 4, 2)), [3, 2]);
    assert_eq!(found(&writer, paged(None, 1, 2)), [] as [u64; 0]);
    assert_eq!(found(&writer, paged(None, u64::MAX, 0)), [] as [u64; 0]);
}

#[test]
fn a_list_is_told_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let (writer, _, _) = start(dir.path());
    let list: Arc<str> = "night".into();
    let in_night = |edit: Edit| of("night", edit);
    let put_base = |name| Step::Base { list: list.clone(), record: base(name) };
    writer
        .swap(swap(0, Action::Make, Some("night"), vec![Step::Make { list: list.clone(), class: Class::Dnc }]))
        .unwrap();
    make(&writer, in_night(put("112"))).unwrap();
    writer.swap(swap(2, Action::Reload, None, vec![put_base("a")])).unwrap();
    make(&writer, in_night(put("997"))).unwrap();
    make(&writer, put("112")).unwrap();
    writer.swap(swap(5, Action::Import, Some("night"), vec![import("night", "file", &["997"])])).unwrap();
    make(&writer, in_night(remove("112"))).unwrap();
    writer.swap(swap(7, Action::Reload, None, vec![put_base("b")])).unwrap();
    writer.swap(swap(8, Action::Unmake, Some("night"), vec![Step::Unmake { list: list.clone() }])).unwrap();
    writer
        .swap(swap(9, Action::Make, Some("night"), vec![Step::Make { list: list.clone(), class: Class::Dnc }]))
        .unwrap();
    make(&writer, in_night(put("998"))).unwrap();

    let told = |generation| {
        let told = writer.list_at("night", generation).unwrap();
        let imports: Vec<u64> = told.imports.iter().map(|import| import.generation).collect();
        (told.base.map(|(brought, when, record)| (brought, when, record.digest)), imports, told.edits)
    };
    let a = Some((3, at(102), digest("a")));
    let b = Some((8, at(107), digest("b")));
    assert_eq!(told(0), (None, vec![], 0));
    assert_eq!(told(2), (None, vec![], 1));
    assert_eq!(told(3), (a, vec![], 1));
    assert_eq!(told(5), (a, vec![], 2));
    assert_eq!(told(6), (a, vec![6], 2));
    assert_eq!(told(7), (a, vec![6], 3));
    assert_eq!(told(8), (b, vec![6], 3));
    assert_eq!(told(9), (None, vec![], 0));
    assert_eq!(told(10), (None, vec![], 0));
    assert_eq!(told(11), (None, vec![], 1));
    assert_eq!(writer.list_at("night", 8).unwrap().base.unwrap().2, base("b"));

    let page = |generation, after: Option<&str>, limit| {
        let after = after.map(entry);
        let lines = writer.edits_at("night", generation, after.as_ref(), limit).unwrap();
        let line = |line: AuditLine| (line.generation, line.action, line.entry.unwrap().to_string());
        lines.into_iter().map(line).collect::<Vec<_>>()
    };
    let put = |generation, text: &str| (generation, Action::Put, text.to_owned());
    let removed = |generation, text: &str| (generation, Action::Remove, text.to_owned());
    assert_eq!(page(1, None, 9), []);
    assert_eq!(page(6, None, 9), [put(2, "112"), put(4, "997")]);
    assert_eq!(page(8, None, 9), [removed(7, "112"), put(4, "997")]);
    assert_eq!(page(8, None, 1), [removed(7, "112")]);
    assert_eq!(page(8, Some("112"), 1), [put(4, "997")]);
    assert_eq!(page(8, Some("997"), 1), []);
    assert_eq!(page(10, None, 9), []);
    assert_eq!(page(11, None, 9), [put(11, "998")]);
}

/// With ten million rows a scan takes seconds; this fails as soon as SQLite plans one.
#[test]
fn no_question_scans_the_trail() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(&config(dir.path())).unwrap();
    for statement in [
        trail::ALL,
        trail::OF_LIST,
        trail::OF_ALL_LISTS,
        trail::OF_ENTRY,
        trail::OF_RANGES,
        trail::NEXT_LIST,
        trail::LATEST,
        trail::COUNT,
    ] {
        let mut plan = store.connection.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
        let nothing = rusqlite::params_from_iter((0..plan.parameter_count()).map(|_| 1));
        let steps: Vec<String> = plan.query_map(nothing, |row| row.get(3)).unwrap().map(Result::unwrap).collect();
        let searches = steps.iter().filter(|step| step.starts_with("SEARCH audit USING")).count();
        // Only what ranges hold is put in order afterwards.
        let sorted = steps.iter().any(|step| step.contains("TEMP B-TREE"));
        assert!(searches == 1 && sorted == (statement == trail::OF_RANGES), "{steps:?}");
    }
}
