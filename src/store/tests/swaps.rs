//! Swaps and refits.

use super::*;
use crate::lists::AuditQuery;

#[test]
fn a_reload_gets_the_edits_made_while_it_was_built() {
    let dir = tempfile::tempdir().unwrap();
    let (writer, _, _) = start(dir.path());
    make(&writer, put("112")).unwrap();
    make(&writer, put("997")).unwrap();
    let built_from = writer.replay().unwrap();
    assert_eq!((built_from.edits.len(), built_from.generation), (2, 2));
    make(&writer, remove("997")).unwrap();
    make(&writer, put("998")).unwrap();
    let swapped = Arc::new(Mutex::new(None));
    let reload = Swap {
        prepare: {
            let swapped = Arc::clone(&swapped);
            Box::new(move |newer: &[Edit], generation| {
                let newer = newer.to_vec();
                Some(Box::new(move || *swapped.lock().unwrap() = Some((newer, generation))))
            })
        },
        ..swap(built_from.generation, Action::Reload, None, vec![])
    };
    assert_eq!(writer.swap(reload), Ok(5));
    assert_eq!(*swapped.lock().unwrap(), Some((vec![remove("997"), put("998")], 5)));
    assert_eq!(make(&writer, put("999")), done(Effect::Added, 6));
}

#[test]
fn what_swaps_stored_is_replayed() {
    let dir = tempfile::tempdir().unwrap();
    let (writer, _, _) = start(dir.path());
    let list = |name: &str| -> Arc<str> { name.into() };
    let steps = vec![
        Step::Base { list: list("default"), record: base("a") },
        Step::Base { list: list("dnc"), record: BaseRecord { files: vec![], ..base("c") } },
        Step::Make { list: list("night"), class: Class::Reputation },
    ];
    assert_eq!(writer.swap(swap(0, Action::Reload, None, steps)), Ok(1));
    let two_files = BaseRecord { files: [base("b").files, base("b2").files].concat(), ..base("b") };
    let steps = vec![Step::Base { list: list("default"), record: two_files.clone() }];
    assert_eq!(writer.swap(swap(1, Action::Reload, None, steps)), Ok(2));
    let steps = vec![
        Step::SetAside { list: list("default"), digest: digest("b") },
        Step::Base { list: list("default"), record: base("a") },
        import("night", "first", &["112"]),
    ];
    assert_eq!(writer.swap(swap(2, Action::Rollback, Some("default"), steps)), Ok(3));
    assert_eq!(
        writer.swap(swap(3, Action::Import, Some("default"), vec![import("default", "second", &["4870*"])])),
        Ok(4)
    );
    let expected = Replay {
        generation: 4,
        made: vec![MadeList { name: list("night"), class: Class::Reputation }],
        bases: BTreeMap::from([
            (list("default"), vec![base("a"), two_files]),
            (list("dnc"), vec![BaseRecord { files: vec![], ..base("c") }]),
        ]),
        aside: BTreeMap::from([(list("default"), digest("b"))]),
        imports: vec![
            ImportRecord { generation: 3, list: list("night"), digest: digest("first"), entries: 1 },
            ImportRecord { generation: 4, list: list("default"), digest: digest("second"), entries: 1 },
        ],
        edits: vec![],
        by_hand: ByHand::default(),
    };
    assert_eq!(writer.replay().unwrap(), expected);
    drop(writer);
    let (writer, _, replay) = start(dir.path());
    assert_eq!(replay, expected);
    assert!(["a", "b", "c", "first", "second"].iter().all(|name| replay.needs(&digest(name))));
    assert!(!replay.needs(&digest("d")));
    let steps = vec![Step::TakeBack { list: list("default") }];
    assert_eq!(writer.swap(swap(4, Action::Confirm, Some("default"), steps)), Ok(5));
    assert_eq!(writer.replay().unwrap().aside, BTreeMap::new());
}

#[test]
fn the_latest_three_bases_are_kept_each_once() {
    let dir = tempfile::tempdir().unwrap();
    let (writer, _, _) = start(dir.path());
    for (since, name) in (0..).zip(["a", "b", "c", "b", "d", "d", "b"]) {
        let steps = vec![Step::Base { list: "default".into(), record: base(name) }];
        assert_eq!(writer.swap(swap(since, Action::Reload, None, steps)), Ok(since + 1));
    }
    let replay = writer.replay().unwrap();
    assert_eq!(replay.bases["default"], [base("b"), base("d"), base("c")]);
    drop(writer);
    let connection = rusqlite::Connection::open(dir.path().join("ringfence.db")).unwrap();
    let rows: i64 = connection.query_row("SELECT count(*) FROM base", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 6, "a base in force is not put in force again");
}

#[test]
fn an_import_is_later_than_the_edits_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let (writer, applied, _) = start(dir.path());
    make(&writer, put("112")).unwrap();
    make(&writer, put("997")).unwrap();
    make(&writer, remove("997")).unwrap();
    let elsewhere = Edit { list: "other".into(), ..put("112") };
    make(&writer, elsewhere.clone()).unwrap();
    // Made while the import was read: it is not told of those that the import overrules.
    let since = 4;
    make(&writer, remove("112")).unwrap();
    make(&writer, put("998")).unwrap();
    let newer = Arc::new(Mutex::new(vec![]));
    let swap = Swap {
        prepare: {
            let newer = Arc::clone(&newer);
            Box::new(move |edits, _| {
                newer.lock().unwrap().extend(edits.to_vec());
                Some(Box::new(|| {}))
            })
        },
        ..swap(since, Action::Import, Some("default"), vec![import("default", "file", &["112", "997"])])
    };
    assert_eq!(writer.swap(swap), Ok(7));
    assert_eq!(*newer.lock().unwrap(), [put("998")]);
    let replay = writer.replay().unwrap();
    assert_eq!(replay.edits, [elsewhere, put("998")]);
    drop((writer, applied));
    let (writer, applied, replay) = start(dir.path());
    assert_eq!(replay.imports.len(), 1);
    applied.contents.lock().unwrap().insert(digest("file"), [entry("112"), entry("997")].into());
    assert_eq!(make(&writer, put("112")), done(Effect::Changed, 8));
    assert_eq!(make(&writer, remove("997")), done(Effect::Removed, 9));
}

#[test]
fn a_list_made_at_run_time_goes_with_all_that_was_in_it_and_comes_back_empty() {
    let dir = tempfile::tempdir().unwrap();
    let (writer, _, _) = start(dir.path());
    let night: Arc<str> = "night".into();
    let in_night = |edit: Edit| Edit { list: night.clone(), ..edit };
    let make_night = || vec![Step::Make { list: night.clone(), class: Class::Dnc }];
    // Of a list of the config that had this name.
    make(&writer, in_night(put("998"))).unwrap();
    assert_eq!(writer.swap(swap(1, Action::Make, Some("night"), make_night())), Ok(2));
    assert_eq!(writer.replay().unwrap().edits, []);
    assert_eq!(writer.swap(swap(2, Action::Make, Some("night"), make_night())), Err(SwapError::Exists));
    make(&writer, in_night(put("112"))).unwrap();
    make(&writer, put("112")).unwrap();
    let steps = vec![
        import("night", "file", &["997"]),
        Step::Base { list: night.clone(), record: base("a") },
        Step::SetAside { list: night.clone(), digest: digest("b") },
    ];
    assert_eq!(writer.swap(swap(4, Action::Import, Some("night"), steps)), Ok(5));
    let unmake = || vec![Step::Unmake { list: night.clone() }];
    assert_eq!(writer.swap(swap(5, Action::Unmake, Some("night"), unmake())), Ok(6));
    let replay = writer.replay().unwrap();
    assert_eq!(replay, Replay { generation: 6, edits: vec![put("112")], ..Replay::default() });
    assert_eq!(writer.swap(swap(6, Action::Unmake, Some("night"), unmake())), Err(SwapError::NotMade));
    assert_eq!(writer.swap(swap(6, Action::Make, Some("night"), make_night())), Ok(7));
    let made = vec![MadeList { name: night.clone(), class: Class::Dnc }];
    assert_eq!(writer.replay().unwrap(), Replay { generation: 7, made, edits: vec![put("112")], ..Replay::default() });
}

#[test]
fn a_refused_swap_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (writer, _, _) = start(dir.path());
    make(&writer, put("112")).unwrap();
    let before = writer.replay().unwrap();
    let steps = vec![
        Step::Make { list: "night".into(), class: Class::Dnc },
        Step::Base { list: "night".into(), record: base("a") },
        import("default", "file", &["112"]),
        Step::SetAside { list: "default".into(), digest: digest("b") },
    ];
    let refused = Swap { prepare: Box::new(|_, _| None), ..swap(1, Action::Reload, None, steps) };
    assert_eq!(writer.swap(refused), Err(SwapError::Refused));
    assert_eq!(writer.replay().unwrap(), before);
    assert_eq!(make(&writer, put("997")), done(Effect::Added, 2));
}

#[test]
fn what_was_built_before_the_last_swap_is_not_put_over_it() {
    let dir = tempfile::tempdir().unwrap();
    let (writer, _, _) = start(dir.path());
    make(&writer, put("112")).unwrap();
    assert_eq!(writer.swap(swap(1, Action::Reload, None, vec![])), Ok(2));
    make(&writer, put("997")).unwrap();
    assert_eq!(writer.swap(swap(1, Action::Reload, None, vec![])), Err(SwapError::Overtaken));
    let never: Prepare = Box::new(|_, _| panic!("asked for what cannot be"));
    assert_eq!(writer.refit(1, never), Err(SwapError::Overtaken));
    assert_eq!(writer.swap(swap(2, Action::Reload, None, vec![])), Ok(4));
}

#[test]
fn a_refit_gets_the_edits_since_and_raises_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (writer, _, _) = start(dir.path());
    make(&writer, put("112")).unwrap();
    make(&writer, put("997")).unwrap();
    let told = Arc::new(Mutex::new(None));
    let prepare: Prepare = {
        let told = Arc::clone(&told);
        Box::new(move |newer, generation| {
            let newer = newer.to_vec();
            Some(Box::new(move || *told.lock().unwrap() = Some((newer, generation))))
        })
    };
    assert_eq!(writer.refit(1, prepare), Ok(2));
    assert_eq!(*told.lock().unwrap(), Some((vec![put("997")], 2)));
    assert_eq!(writer.refit(2, Box::new(|_, _| None)), Err(SwapError::Refused));
    assert_eq!(make(&writer, put("998")), done(Effect::Added, 3));
    assert_eq!(writer.audit(&crate::lists::AuditQuery { limit: 9, ..Default::default() }).unwrap().len(), 3);
}

#[test]
fn a_trunk_that_was_closed_stays_closed_until_it_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    let (writer, _, _) = start(dir.path());
    let set = |writer: &EditWriter, since, state, action| {
        let steps = vec![Step::Set(Setting::Trunk { name: "carrier".into(), state })];
        writer.swap(swap(since, action, None, steps))
    };
    assert_eq!(set(&writer, 0, TrunkState::Drain, Action::Drain), Ok(1));
    assert_eq!(set(&writer, 1, TrunkState::Off, Action::Off), Ok(2));
    drop(writer);
    let (writer, _, replay) = start(dir.path());
    assert_eq!(replay.by_hand.trunks, BTreeMap::from([("carrier".into(), TrunkState::Off)]));
    assert_eq!(set(&writer, 2, TrunkState::Up, Action::Up), Ok(3));
    assert_eq!(writer.replay().unwrap(), Replay { generation: 3, ..Replay::default() });
    let lines = writer.audit(&AuditQuery { limit: 9, ..AuditQuery::default() }).unwrap();
    let told: Vec<_> = lines.iter().map(|line| (line.generation, line.action, line.trunk.as_deref())).collect();
    let carrier = Some("carrier");
    assert_eq!(told, [(3, Action::Up, carrier), (2, Action::Off, carrier), (1, Action::Drain, carrier)]);
    let of_list = AuditQuery { list: Some("default".into()), limit: 9, ..AuditQuery::default() };
    assert_eq!(writer.audit(&of_list).unwrap(), [], "it is no change of a list");
}

#[test]
fn a_rule_keeps_the_mode_that_was_set_until_it_is_reset() {
    let dir = tempfile::tempdir().unwrap();
    let (writer, _, _) = start(dir.path());
    let set = |writer: &EditWriter, since, mode, action| {
        let steps = vec![Step::Set(Setting::Rule { name: "hotline".into(), mode })];
        writer.swap(swap(since, action, None, steps))
    };
    assert_eq!(set(&writer, 0, Some(Mode::Off), Action::Off), Ok(1));
    assert_eq!(set(&writer, 1, Some(Mode::Observe), Action::Observe), Ok(2));
    drop(writer);
    let (writer, _, replay) = start(dir.path());
    assert_eq!(replay.by_hand.modes, BTreeMap::from([("hotline".into(), Mode::Observe)]));
    assert_eq!(set(&writer, 2, None, Action::Reset), Ok(3));
    assert_eq!(writer.replay().unwrap(), Replay { generation: 3, ..Replay::default() });
    let lines = writer.audit(&AuditQuery { limit: 9, ..AuditQuery::default() }).unwrap();
    let told: Vec<_> = lines.iter().map(|line| (line.action, line.rule.as_deref(), line.trunk.as_deref())).collect();
    let hotline = Some("hotline");
    assert_eq!(told, [(Action::Reset, hotline, None), (Action::Observe, hotline, None), (Action::Off, hotline, None)]);
    let of_list = AuditQuery { list: Some("default".into()), limit: 9, ..AuditQuery::default() };
    assert_eq!(writer.audit(&of_list).unwrap(), [], "it is no change of a list");
}
