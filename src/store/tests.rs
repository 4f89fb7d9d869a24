use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use rusqlite::Connection;

use super::transaction::{Authored, commit_edits};
use super::*;
use crate::lists::{Change, Details, Edit, Entry};
use crate::time::WallTime;

type Memory = BTreeMap<(Arc<str>, Entry), Change>;

/// What is in force: the edits applied in memory.
#[derive(Clone, Default)]
struct Applied(Arc<Mutex<(Memory, u64)>>);

impl Applied {
    fn from_replay(replay: &Replay) -> Applied {
        let applied = Applied::default();
        applied.clone().publish(&replay.edits, replay.generation);
        applied
    }

    fn generation(&self) -> u64 {
        self.0.lock().unwrap().1
    }
}

impl Published for Applied {
    fn holds(&self, edit: &Edit) -> Result<bool, Refusal> {
        if &*edit.list == "missing" {
            return Err(Refusal::UnknownList);
        }
        let held = self.0.lock().unwrap().0.get(&(edit.list.clone(), edit.entry.clone())).cloned();
        Ok(matches!(held, Some(Change::Put(_))))
    }

    fn publish(&mut self, edits: &[Edit], generation: u64) {
        let mut state = self.0.lock().unwrap();
        for edit in edits {
            state.0.insert((edit.list.clone(), edit.entry.clone()), edit.change.clone());
        }
        state.1 = generation;
    }
}

fn config(dir: &Path) -> Config {
    Config { dir: dir.into() }
}

fn put(entry: &str) -> Edit {
    Edit { list: "default".into(), entry: entry.parse().unwrap(), change: Change::Put(Details::default()) }
}

fn remove(entry: &str) -> Edit {
    Edit { change: Change::Remove, ..put(entry) }
}

fn proposal(edit: Edit) -> Proposal {
    Proposal { actor: "anna".into(), at: WallTime::from_micros(1), edit }
}

fn make(writer: &EditWriter, edit: Edit) -> Result<Committed, EditError> {
    writer.submit(proposal(edit)).unwrap().blocking_recv().unwrap()
}

fn start(dir: &Path) -> (EditWriter, Applied, Replay) {
    let (store, replay) = Store::open(&config(dir)).unwrap();
    let applied = Applied::from_replay(&replay);
    (store.start(applied.clone()).unwrap(), applied, replay)
}

#[test]
fn reopening_gives_the_same_edits_and_generation() {
    let dir = tempfile::tempdir().unwrap();
    let details = Details {
        date: Some("2026-03-25".parse().unwrap()),
        description: Some("called at night".into()),
        expires: Some(WallTime::parse("2027-01-01T00:00:00Z").unwrap()),
        added_by: Some("anna".into()),
    };
    let edits = vec![
        Edit { change: Change::Put(details), ..put("48221234567") },
        put("112"),
        put("0048"),
        put("4870*"),
        put("48700000000-48700009999"),
        put("anonymous"),
        put("unavailable"),
        put("alice.example"),
        Edit { list: "other list".into(), ..put("48221234567") },
    ];
    {
        let (writer, _, replay) = start(dir.path());
        assert_eq!(replay, Replay { edits: vec![], generation: 0 });
        for (generation, edit) in (1..).zip(&edits) {
            let committed = make(&writer, edit.clone()).unwrap();
            assert_eq!(committed, Committed { effect: Effect::Added, generation });
        }
    }
    let (store, replay) = Store::open(&config(dir.path())).unwrap();
    assert_eq!(replay, Replay { edits: edits.clone(), generation: edits.len() as u64 });
    drop(store);
    let (_, replay) = Store::open(&config(dir.path())).unwrap();
    assert_eq!(replay.edits, edits);
}

#[test]
fn an_edit_is_answered_by_what_it_did() {
    let dir = tempfile::tempdir().unwrap();
    let (writer, applied, _) = start(dir.path());
    let effect = |edit| make(&writer, edit).map(|committed| (committed.effect, committed.generation));
    assert_eq!(effect(put("48221234567")), Ok((Effect::Added, 1)));
    assert_eq!(effect(put("48221234567")), Ok((Effect::Changed, 2)));
    assert_eq!(effect(remove("48221234567")), Ok((Effect::Removed, 3)));
    assert_eq!(effect(remove("48221234567")), Err(EditError::Refused(Refusal::Absent)));
    let unknown = Edit { list: "missing".into(), ..put("48221234567") };
    assert_eq!(effect(unknown), Err(EditError::Refused(Refusal::UnknownList)));
    assert_eq!(applied.generation(), 3, "a refused edit raises nothing");
}

#[test]
fn edits_of_one_group_see_those_ahead_of_them() {
    let dir = tempfile::tempdir().unwrap();
    let (writer, applied, _) = start(dir.path());
    // The writer waits for this lock at the first edit, so that the others form a group.
    let held = applied.0.lock().unwrap();
    let edits = [put("112"), put("997"), put("997"), remove("997"), remove("997"), put("997")];
    let answers: Vec<_> = edits.into_iter().map(|edit| writer.submit(proposal(edit)).unwrap()).collect();
    drop(held);
    let answers: Vec<_> = answers.into_iter().map(|answer| answer.blocking_recv().unwrap()).collect();
    let done = |effect, generation| Ok(Committed { effect, generation });
    assert_eq!(
        answers,
        [
            done(Effect::Added, 1),
            done(Effect::Added, 2),
            done(Effect::Changed, 3),
            done(Effect::Removed, 4),
            Err(EditError::Refused(Refusal::Absent)),
            done(Effect::Added, 5),
        ]
    );
    assert_eq!(applied.generation(), 5);
}

/// Copying the files of an open database is what `kill -9` leaves behind: nothing was closed or checkpointed.
#[test]
fn every_acknowledged_edit_survives_200_kills() {
    let root = tempfile::tempdir().unwrap();
    let mut dir = root.path().join("0");
    let mut expected = Memory::new();
    for cycle in 1..=200_u64 {
        let (writer, _, replay) = start(&dir);
        assert_eq!(replay.generation, cycle - 1);
        let edit =
            if cycle % 3 == 0 { remove(&format!("4822{:07}", cycle - 1)) } else { put(&format!("4822{cycle:07}")) };
        assert_eq!(make(&writer, edit.clone()).unwrap().generation, cycle);
        expected.insert((edit.list, edit.entry), edit.change);
        let killed = root.path().join(cycle.to_string());
        fs::create_dir(&killed).unwrap();
        for name in ["ringfence.db", "ringfence.db-wal", "keys"] {
            fs::copy(dir.join(name), killed.join(name)).unwrap();
        }
        dir = killed;
    }
    let (_, replay) = Store::open(&config(&dir)).unwrap();
    assert_eq!(Applied::from_replay(&replay).0.lock().unwrap().0, expected);
}

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
    let prepare = {
        let swapped = Arc::clone(&swapped);
        Box::new(move |newer: &[Edit], generation| {
            let newer = newer.to_vec();
            let publish: Publish = Box::new(move || *swapped.lock().unwrap() = Some((newer, generation)));
            Some(publish)
        })
    };
    let since = built_from.generation;
    let reload = Reload { actor: "SIGHUP".into(), at: WallTime::from_micros(2), since, prepare };
    assert_eq!(writer.reload(reload), Ok(5));
    assert_eq!(*swapped.lock().unwrap(), Some((vec![remove("997"), put("998")], 5)));
    assert_eq!(make(&writer, put("999")).unwrap().generation, 6);
}

#[test]
fn the_audit_trail_has_one_row_for_each_generation() {
    let dir = tempfile::tempdir().unwrap();
    let (writer, _, _) = start(dir.path());
    make(&writer, put("112")).unwrap();
    make(&writer, remove("112")).unwrap();
    let refused =
        Reload { actor: "SIGHUP".into(), at: WallTime::from_micros(6), since: 2, prepare: Box::new(|_, _| None) };
    assert_eq!(writer.reload(refused), Err(ReloadError::Refused));
    let prepare = Box::new(|_: &[Edit], _| Some(Box::new(|| {}) as Publish));
    writer.reload(Reload { actor: "SIGHUP".into(), at: WallTime::from_micros(7), since: 2, prepare }).unwrap();
    drop(writer);
    let connection = Connection::open(dir.path().join("ringfence.db")).unwrap();
    let mut statement = connection.prepare("SELECT generation, time, actor, change, entry FROM audit").unwrap();
    let rows: Vec<(i64, i64, String, String, Option<String>)> = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let row = |generation, time, actor: &str, change: &str, entry: Option<&str>| {
        (generation, time, actor.to_owned(), change.to_owned(), entry.map(str::to_owned))
    };
    assert_eq!(
        rows,
        [
            row(1, 1, "anna", "put", Some("112")),
            row(2, 1, "anna", "remove", Some("112")),
            row(3, 7, "SIGHUP", "reload", None)
        ]
    );
}

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
    let prepare = {
        let published = Arc::clone(&published);
        Box::new(move |_: &[Edit], _| Some(Box::new(move || *published.lock().unwrap() = true) as Publish))
    };
    let reload = Reload { actor: "SIGHUP".into(), at: WallTime::from_micros(2), since: 1, prepare };
    assert!(matches!(writer.reload(reload), Err(ReloadError::Store(StoreError::Database(_)))));
    assert!(!*published.lock().unwrap());
    assert_eq!(applied.generation(), 1);
    assert!(writer.is_failing());
    outside.execute_batch("DROP TRIGGER fail").unwrap();
    let committed = make(&writer, put("997")).unwrap();
    assert_eq!(committed, Committed { effect: Effect::Added, generation: 2 });
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
    let authored = Authored { actor: "anna", at: WallTime::from_micros(1), edit: &edit };
    let full = StoreError::Database(DatabaseFailure::DiskFull);
    assert_eq!(commit_edits(&mut store.connection, &[authored]), Err(full));
    limit(&store.connection, 1_000_000);
    let authored = Authored { actor: "anna", at: WallTime::from_micros(1), edit: &edit };
    assert_eq!(commit_edits(&mut store.connection, &[authored]), Ok(1));
}

#[test]
fn a_second_process_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(&config(dir.path())).unwrap();
    let in_use = StoreError::InUse { dir: dir.path().into() };
    assert_eq!(Store::open(&config(dir.path())).unwrap_err(), in_use);
    let writer = store.start(Applied::default()).unwrap();
    assert_eq!(Store::open(&config(dir.path())).unwrap_err(), in_use);
    writer.stop();
    assert_eq!(writer.submit(proposal(put("112"))).unwrap_err(), StoreError::Closed);
    assert!(Store::open(&config(dir.path())).is_ok());
}

#[test]
fn a_damaged_or_foreign_database_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ringfence.db");
    {
        let (writer, _, _) = start(dir.path());
        for number in 0..500 {
            writer.submit(proposal(put(&format!("4822{number:07}")))).unwrap().blocking_recv().unwrap().unwrap();
        }
    }
    let whole = fs::read(&path).unwrap();
    let refused = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let error = Store::open(&config(dir.path())).unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), bytes);
        error
    };
    let damaged = StoreError::Damaged { path: path.clone() };
    let foreign = StoreError::Foreign { path: path.clone() };
    assert_eq!(refused(b""), damaged);
    assert_eq!(refused(&whole[..whole.len() / 2]), damaged);
    let mut torn = whole.clone();
    let middle = torn.len() / 2;
    torn[middle..middle + 512].fill(0xA5);
    assert_eq!(refused(&torn), damaged);
    assert_eq!(refused(&[0x42; 8192]), foreign);

    fs::remove_file(&path).unwrap();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    assert_eq!(Store::open(&config(dir.path())).unwrap_err(), foreign);

    fs::write(&path, &whole).unwrap();
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let newer = StoreError::Newer { path: path.clone(), found: 99, known: schema::FORMAT };
    assert_eq!(Store::open(&config(dir.path())).unwrap_err(), newer);

    fs::remove_file(&path).unwrap();
    fs::write(dir.path().join("ringfence.db-wal"), b"edits of a database that was moved away").unwrap();
    assert_eq!(Store::open(&config(dir.path())).unwrap_err(), damaged);
}

#[test]
fn an_unfinished_first_start_is_begun_anew() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("ringfence.db.new"), b"half a databa").unwrap();
    fs::write(dir.path().join("keys.new"), b"half a k").unwrap();
    assert!(Store::open(&config(dir.path())).is_ok());
}

#[test]
fn keys_are_made_once_and_only_the_owner_reads_them() {
    let dir = tempfile::tempdir().unwrap();
    let first = Store::open(&config(dir.path())).unwrap().0.keys().clone();
    let second = Store::open(&config(dir.path())).unwrap().0.keys().clone();
    assert!(first == second && first.token != first.shard);
    let path = dir.path().join("keys");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    fs::write(&path, b"short").unwrap();
    let damaged = StoreError::DamagedKeys { path, found: 5, expected: 64 };
    assert_eq!(Store::open(&config(dir.path())).unwrap_err(), damaged);
    let elsewhere = tempfile::tempdir().unwrap();
    assert!(Store::open(&config(elsewhere.path())).unwrap().0.keys() != &first);
}

#[test]
fn only_the_owner_reads_the_database_also_in_a_directory_of_others() {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let _open = Store::open(&config(dir.path())).unwrap();
    for name in ["ringfence.db", "ringfence.db-wal", "ringfence.db-shm"] {
        let Ok(metadata) = fs::metadata(dir.path().join(name)) else { continue };
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{name}");
    }
    assert!(dir.path().join("ringfence.db").exists());
}

fn any_edit() -> impl Strategy<Value = Edit> {
    let entry = prop_oneof![
        (0_u32..4).prop_map(|n| format!("4822123456{n}")),
        (12_u32..15).prop_map(|n| format!("48{n}*")),
        (0_u32..3).prop_map(|n| format!("0{n}")),
        Just("anonymous".to_owned()),
        "[a-z]{1,2}",
    ];
    let details =
        (proptest::option::of(".{0,8}"), proptest::option::of(0_u64..9)).prop_map(|(description, expires)| Details {
            description: description.map(Into::into),
            expires: expires.map(WallTime::from_micros),
            ..Details::default()
        });
    let change = prop_oneof![details.prop_map(Change::Put), Just(Change::Remove)];
    ("[ab]", entry, change).prop_map(|(list, entry, change)| Edit {
        list: list.into(),
        entry: entry.parse().unwrap(),
        change,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_replay_equals_the_edits_applied_in_memory(edits in prop::collection::vec(any_edit(), 0..60)) {
        let dir = tempfile::tempdir().unwrap();
        let applied = {
            let (writer, applied, _) = start(dir.path());
            let answers: Vec<_> = edits.into_iter().map(|edit| writer.submit(proposal(edit)).unwrap()).collect();
            let generations: Vec<u64> = answers
                .into_iter()
                .filter_map(|answer| answer.blocking_recv().unwrap().ok())
                .map(|committed| committed.generation)
                .collect();
            prop_assert_eq!(&generations, &(1..=generations.len() as u64).collect::<Vec<_>>());
            applied
        };
        let (_, replay) = Store::open(&config(dir.path())).unwrap();
        let replayed = Applied::from_replay(&replay);
        prop_assert_eq!(&*replayed.0.lock().unwrap(), &*applied.0.lock().unwrap());
    }
}
