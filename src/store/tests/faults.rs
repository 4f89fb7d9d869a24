//! Commits that fail.

use std::fs;

use rusqlite::Connection;

use super::super::edits::commit;
use super::*;

#[test]
fn a_failed_commit_publishes_nothing_and_needs_no_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (writer, applied, _) = start(dir.path());
    make(&writer, put("112")).unwrap();
    let outside = Connection::open(dir.path().join("ringfence.db")).unwrap();
    outside.execute_batch("CREATE TRIGGER fail BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END").unwrap();
    assert!(matches!(make(&writer, put("997")), Err(EditError::Store(StoreError::Database(_)))));
    assert!(matches!(make(&writer, remove("112")), Err(EditError::Store(StoreError::Database(_)))));
    let published = Arc::new(Mutex::new(false));
    let reload = Swap {
        prepare: {
            let published = Arc::clone(&published);
            Box::new(move |_, _| Some(Box::new(move || *published.lock().unwrap() = true)))
        },
        ..swap(1, Action::Reload, None, vec![])
    };
    assert!(matches!(writer.swap(reload), Err(SwapError::Store(StoreError::Database(_)))));
    assert!(!*published.lock().unwrap());
    assert_eq!(applied.generation(), 1);
    assert!(writer.is_failing());
    outside.execute_batch("DROP TRIGGER fail").unwrap();
    assert_eq!(make(&writer, put("997")), done(Effect::Added, 2));
    assert!(!writer.is_failing());
}

#[test]
fn a_full_disk_is_named_and_leaves_the_database_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let (mut store, _) = Store::open(&config(dir.path())).unwrap();
    let pages: i64 = store.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    let limit = |connection: &Connection, pages: i64| {
        connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
    };
    limit(&store.connection, pages);
    let long: Arc<str> = "x".repeat(10_000).into();
    let details = Details { description: Some(long), ..Details::default() };
    let edit = Edit { change: Change::Put(details), ..put("112") };
    let proposal = proposal(edit);
    let full = StoreError::Database(DatabaseFailure::DiskFull);
    assert!(full.is_full());
    assert_eq!(commit(&mut store.connection, &[&proposal]), Err(full));
    limit(&store.connection, 1_000_000);
    assert_eq!(commit(&mut store.connection, &[&proposal]), Ok(1));
}

/// The limit is that of one connection: as long as it is in use the disk is full, so this also shows that a connection
/// which can still commit is not replaced.
#[test]
fn a_group_that_does_not_fit_on_the_disk_leaves_nothing_and_smaller_ones_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let (store, replay) = Store::open(&config(dir.path())).unwrap();
    let pages: i64 = store.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    store.connection.pragma_update_and_check(None, "max_page_count", pages + 20, |_| Ok(())).unwrap();
    let applied = Applied::from_replay(&replay);
    let writer = store.start(applied.clone()).unwrap();
    let many = |count: usize| group((0..count).map(|number| put(&format!("4822{number:07}"))).collect());
    for _ in 0..2 {
        match propose(&writer, many(5_000)) {
            Err(EditError::Store(error)) => assert!(error.is_full()),
            other => panic!("{other:?}"),
        }
        assert!(writer.is_failing());
    }
    assert_eq!(applied.generation(), 0);
    assert_eq!(propose(&writer, many(10)).unwrap().generation, 10);
    assert!(!writer.is_failing());
    assert_eq!(writer.replay().unwrap().edits.len(), 10);
}

#[test]
fn a_connection_that_cannot_write_any_more_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let (store, replay) = Store::open(&config(dir.path())).unwrap();
    store.connection.pragma_update(None, "query_only", true).unwrap();
    let applied = Applied::from_replay(&replay);
    let writer = store.start(applied.clone()).unwrap();
    let read_only = StoreError::Database(DatabaseFailure::ReadOnly);
    assert_eq!(make(&writer, put("112")), Err(EditError::Store(read_only)));
    assert!(writer.is_failing());
    assert_eq!(applied.generation(), 0);
    assert_eq!(make(&writer, put("112")), done(Effect::Added, 1));
    assert!(!writer.is_failing());
}

#[test]
fn health_recovers_without_an_edit() {
    let dir = tempfile::tempdir().unwrap();
    let (writer, _, _) = start(dir.path());
    let outside = Connection::open(dir.path().join("ringfence.db")).unwrap();
    let fail = "CREATE TRIGGER fail_edit BEFORE UPDATE ON generation BEGIN SELECT RAISE(ABORT, 'no'); END;
                CREATE TRIGGER fail_probe BEFORE UPDATE ON probe BEGIN SELECT RAISE(ABORT, 'no'); END";
    outside.execute_batch(fail).unwrap();
    assert!(make(&writer, put("112")).is_err());
    // A refused edit behind the probe is answered when the probe has been made, and commits nothing itself.
    let probed = || {
        writer.probe();
        assert_eq!(make(&writer, remove("112")), refused(0, Refusal::Absent));
        !writer.is_failing()
    };
    assert!(!probed());
    outside.execute_batch("DROP TRIGGER fail_edit; DROP TRIGGER fail_probe").unwrap();
    assert!(probed());
    assert_eq!(make(&writer, put("112")), done(Effect::Added, 1));
}

#[test]
fn a_refused_swap_says_nothing_of_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let (writer, _, _) = start(dir.path());
    let outside = Connection::open(dir.path().join("ringfence.db")).unwrap();
    outside.execute_batch("CREATE TRIGGER fail BEFORE INSERT ON edit BEGIN SELECT RAISE(ABORT, 'no'); END").unwrap();
    assert!(make(&writer, put("112")).is_err());
    let refused = Swap { prepare: Box::new(|_, _| None), ..swap(0, Action::Reload, None, vec![]) };
    assert_eq!(writer.swap(refused), Err(SwapError::Refused));
    assert!(writer.is_failing());
    assert_eq!(writer.swap(swap(0, Action::Reload, None, vec![])), Ok(1));
    assert!(!writer.is_failing());
}

/// When fsync fails, all of a commit is in the journal, and only its index in memory says that it is not committed. A
/// crash loses the index.
#[test]
fn a_commit_that_failed_at_the_last_moment_does_not_come_back_after_a_crash() {
    let [origin, running] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let journal = |dir: &Path| dir.join("ringfence.db-wal");
    let after_a_crash = || {
        let crashed = tempfile::tempdir().unwrap();
        fs::copy(running.path().join("ringfence.db"), crashed.path().join("ringfence.db")).unwrap();
        fs::copy(journal(running.path()), journal(crashed.path())).unwrap();
        replay::replay(&mut schema::open(crashed.path()).unwrap()).unwrap()
    };
    let mut connection = schema::open(origin.path()).unwrap();
    assert_eq!(commit(&mut connection, &[&proposal(put("112"))]), Ok(1));
    fs::copy(origin.path().join("ringfence.db"), running.path().join("ringfence.db")).unwrap();
    fs::copy(journal(origin.path()), journal(running.path())).unwrap();
    let mut failed = schema::open(running.path()).unwrap();
    assert_eq!(replay::generation(&failed), Ok(1));
    // The edit that is told to have failed.
    assert_eq!(commit(&mut connection, &[&proposal(put("997"))]), Ok(2));
    fs::write(journal(running.path()), fs::read(journal(origin.path())).unwrap()).unwrap();

    assert_eq!(after_a_crash().generation, 2, "the danger is real");
    assert_eq!(replay::generation(&failed), Ok(1));
    assert_eq!(replay::generation(&schema::reopen(running.path()).unwrap()), Ok(1));
    schema::probe(&mut failed).unwrap();
    assert_eq!(after_a_crash(), Replay { generation: 1, edits: vec![put("112")], ..Replay::default() });
    assert_eq!(commit(&mut failed, &[&proposal(put("998"))]), Ok(2));
    assert_eq!(after_a_crash().edits, [put("112"), put("998")]);
}

#[test]
fn no_edit_is_acknowledged_in_a_database_that_was_moved_away_or_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let (writer, applied, _) = start(dir.path());
    make(&writer, put("112")).unwrap();
    let [path, away] = ["ringfence.db", "away"].map(|name| dir.path().join(name));
    fs::rename(&path, &away).unwrap();
    let missing = StoreError::File { path: path.clone(), kind: std::io::ErrorKind::NotFound };
    assert_eq!(make(&writer, put("997")), Err(EditError::Store(missing.clone())));
    assert_eq!(writer.swap(swap(1, Action::Reload, None, vec![])), Err(SwapError::Store(missing)));
    fs::copy(&away, &path).unwrap();
    assert_eq!(make(&writer, put("997")), Err(EditError::Store(StoreError::Replaced { path: path.clone() })));
    writer.probe();
    assert_eq!(make(&writer, remove("997")), refused(0, Refusal::Absent));
    assert!(writer.is_failing());
    assert_eq!(applied.generation(), 1);
    fs::rename(&away, &path).unwrap();
    assert_eq!(make(&writer, put("997")), done(Effect::Added, 2));
}
