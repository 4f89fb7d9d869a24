//! Opening: locks, damage, foreign files, earlier formats.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rusqlite::Connection;

use super::*;
use crate::lists::AuditQuery;

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

/// SQLite has no checksums of pages: what lies in free space or in the filler of probes is not noticed, and changes
/// nothing.
#[test]
fn a_database_with_a_torn_page_is_refused_or_gives_all_that_was_in_it() {
    let dir = in_memory();
    let path = dir.path().join("ringfence.db");
    {
        let (writer, _, _) = start(dir.path());
        let edits = (0..500).map(|number| put(&format!("4822{number:07}"))).collect();
        propose(&writer, group(edits)).unwrap();
        let steps = vec![
            Step::Base { list: "default".into(), record: base("a") },
            Step::Make { list: "night".into(), class: Class::Dnc },
        ];
        writer.swap(swap(500, Action::Reload, None, steps)).unwrap();
    }
    let whole = fs::read(&path).unwrap();
    let (_, expected) = Store::open(&config(dir.path())).unwrap();
    let [mut damaged, mut unharmed] = [0; 2];
    for sector in 0..whole.len() / 512 {
        let mut torn = whole.clone();
        torn[sector * 512..(sector + 1) * 512].fill(0xA5);
        fs::write(&path, &torn).unwrap();
        match Store::open(&config(dir.path())) {
            Ok((_, replay)) => {
                assert_eq!(replay, expected, "sector {sector}");
                unharmed += 1;
            }
            Err(StoreError::Damaged { .. } | StoreError::Foreign { .. }) => damaged += 1,
            Err(error) => panic!("sector {sector}: {error:?}"),
        }
        for journal in ["ringfence.db-wal", "ringfence.db-shm"] {
            let _ = fs::remove_file(dir.path().join(journal));
        }
    }
    assert!(damaged > 100 && unharmed > 50, "{damaged} {unharmed}");
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

/// The tables of format 1, as the program made them that knew no other.
const FORMAT_1: &str = "
    CREATE TABLE generation (
        id     INTEGER PRIMARY KEY CHECK (id = 1),
        number INTEGER NOT NULL
    ) STRICT;
    INSERT INTO generation VALUES (1, 0);

    CREATE TABLE edit (
        list        TEXT NOT NULL,
        entry       TEXT NOT NULL,
        change      TEXT NOT NULL CHECK (change IN ('put', 'remove')),
        date        TEXT,
        description TEXT,
        expires     INTEGER,
        added_by    TEXT,
        generation  INTEGER NOT NULL,
        PRIMARY KEY (list, entry)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX edit_by_generation ON edit (generation);

    CREATE TABLE audit (
        generation  INTEGER PRIMARY KEY,
        time        INTEGER NOT NULL,
        actor       TEXT NOT NULL,
        change      TEXT NOT NULL CHECK (change IN ('put', 'remove', 'reload')),
        list        TEXT,
        entry       TEXT,
        date        TEXT,
        description TEXT,
        expires     INTEGER
    ) STRICT;
    PRAGMA application_id = 1380535879;
    PRAGMA user_version = 1;
    PRAGMA journal_mode = WAL;
";

const ROWS_1: &str = "
    UPDATE generation SET number = 5;
    INSERT INTO edit VALUES ('default', '48221234567', 'put', '2026-03-25', 'called at night', 77, 'anna', 1);
    INSERT INTO edit VALUES ('default', '48221234000-48221234999', 'put', NULL, NULL, NULL, NULL, 2);
    INSERT INTO edit VALUES ('default', 'al-ice', 'remove', NULL, NULL, NULL, NULL, 5);
    INSERT INTO audit VALUES (1, 11, 'anna', 'put', 'default', '48221234567', '2026-03-25', 'called at night', 77);
    INSERT INTO audit VALUES (2, 12, 'anna', 'put', 'default', '48221234000-48221234999', NULL, NULL, NULL);
    INSERT INTO audit VALUES (3, 13, 'SIGHUP', 'reload', NULL, NULL, NULL, NULL, NULL);
    INSERT INTO audit VALUES (4, 14, 'anna', 'put', 'default', 'al-ice', NULL, NULL, NULL);
    INSERT INTO audit VALUES (5, 15, 'anna', 'remove', 'default', 'al-ice', NULL, NULL, NULL);
";

fn format_1(dir: &Path) -> Connection {
    let connection = Connection::open(dir.join("ringfence.db")).unwrap();
    connection.execute_batch(FORMAT_1).unwrap();
    connection.execute_batch(ROWS_1).unwrap();
    connection
}

#[test]
fn a_database_of_format_1_is_brought_up_with_all_that_is_in_it() {
    let dir = tempfile::tempdir().unwrap();
    drop(format_1(dir.path()));
    assert_eq!(peek(&config(dir.path())), Ok(vec![]));
    let (writer, _, replay) = start(dir.path());
    let details = Details {
        date: Some("2026-03-25".parse().unwrap()),
        description: Some("called at night".into()),
        expires: Some(at(77)),
        added_by: Some("anna".into()),
    };
    let number = Edit { change: Change::Put(details.clone()), ..put("48221234567") };
    let edits = vec![number, put("48221234000-48221234999"), remove("al-ice")];
    assert_eq!(replay, Replay { generation: 5, edits, ..Replay::default() });
    let lines = writer.audit(&AuditQuery { limit: 9, ..AuditQuery::default() }).unwrap();
    let told: Vec<_> = lines.iter().map(|line| (line.generation, line.at, line.action)).collect();
    let expected = [
        (5, at(15), Action::Remove),
        (4, at(14), Action::Put),
        (3, at(13), Action::Reload),
        (2, at(12), Action::Put),
        (1, at(11), Action::Put),
    ];
    assert_eq!(told, expected);
    assert_eq!(lines[4].details, Details { added_by: None, ..details });
    let query = AuditQuery { entry: Some(entry("48221234567")), limit: 9, ..AuditQuery::default() };
    let generations: Vec<u64> = writer.audit(&query).unwrap().iter().map(|line| line.generation).collect();
    assert_eq!(generations, [2, 1]);
    assert_eq!(make(&writer, put("112")), done(Effect::Added, 6));
    drop(writer);
    // It is of this format now, and made like a new one.
    let new = tempfile::tempdir().unwrap();
    let tables = |dir: &Path| {
        let (store, _) = Store::open(&config(dir)).unwrap();
        let mut statement = store.connection.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name").unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.map(Result::unwrap).collect::<Vec<(String, Option<String>)>>()
    };
    assert_eq!(tables(dir.path()), tables(new.path()));
}

/// What each format lacks of the present one.
const EARLIER: [(u32, &str); 2] = [
    (2, "DROP TABLE trunk; ALTER TABLE audit DROP COLUMN trunk; DROP TABLE rule; ALTER TABLE audit DROP COLUMN rule"),
    (3, "DROP TABLE rule; ALTER TABLE audit DROP COLUMN rule"),
];

#[test]
fn a_database_of_an_earlier_format_is_brought_up_with_its_trail_where_it_lies() {
    for (format, changes) in EARLIER {
        let dir = tempfile::tempdir().unwrap();
        let (writer, _, _) = start(dir.path());
        make(&writer, put("112")).unwrap();
        writer.swap(swap(1, Action::Reload, None, vec![])).unwrap();
        let before = writer.audit(&AuditQuery { limit: 9, ..AuditQuery::default() }).unwrap();
        drop(writer);
        let connection = Connection::open(dir.path().join("ringfence.db")).unwrap();
        connection.execute_batch(&format!("{changes}; PRAGMA user_version = {format}")).unwrap();
        drop(connection);
        assert_eq!(peek(&config(dir.path())), Ok(vec![]));
        let (writer, _, replay) = start(dir.path());
        assert_eq!(replay, Replay { generation: 2, edits: vec![put("112")], ..Replay::default() });
        assert_eq!(writer.audit(&AuditQuery { limit: 9, ..AuditQuery::default() }).unwrap(), before);
        let closed = Setting::Trunk { name: "carrier".into(), state: TrunkState::Off };
        assert_eq!(writer.swap(swap(2, Action::Off, None, vec![Step::Set(closed)])), Ok(3));
        let observed = Setting::Rule { name: "hotline".into(), mode: Some(Mode::Observe) };
        assert_eq!(writer.swap(swap(3, Action::Observe, None, vec![Step::Set(observed)])), Ok(4));
    }
}

#[test]
fn what_a_database_of_an_earlier_format_has_closed_stays_closed() {
    let dir = tempfile::tempdir().unwrap();
    let (writer, _, _) = start(dir.path());
    let closed = Setting::Trunk { name: "carrier".into(), state: TrunkState::Drain };
    writer.swap(swap(0, Action::Drain, None, vec![Step::Set(closed.clone())])).unwrap();
    drop(writer);
    let [_, (format, changes)] = EARLIER;
    let connection = Connection::open(dir.path().join("ringfence.db")).unwrap();
    connection.execute_batch(&format!("{changes}; PRAGMA user_version = {format}")).unwrap();
    drop(connection);
    assert_eq!(start(dir.path()).2.by_hand, ByHand::default().with(&closed));
}

#[test]
fn a_database_of_format_1_that_cannot_be_brought_up_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let connection = format_1(dir.path());
    connection.execute_batch("CREATE TABLE aside (x)").unwrap();
    let failed = Store::open(&config(dir.path())).unwrap_err();
    assert!(matches!(failed, StoreError::Database(_)), "{failed}");
    assert_eq!(peek(&config(dir.path())), Ok(vec![]), "it is of format 1");
    connection.execute_batch("DROP TABLE aside").unwrap();
    assert_eq!(Store::open(&config(dir.path())).unwrap().1.edits.len(), 3);
}

#[test]
fn a_database_whose_index_lost_an_edit_is_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let (writer, _, _) = start(dir.path());
    make(&writer, put("112")).unwrap();
    make(&writer, put("997")).unwrap();
    drop(writer);
    let connection = Connection::open(dir.path().join("ringfence.db")).unwrap();
    let index: i64 = connection
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'edit_by_generation'", [], |row| row.get(0))
        .unwrap();
    let page: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0)).unwrap();
    drop(connection);
    // An empty leaf of an index: whole as far as a page can tell.
    let path = dir.path().join("ringfence.db");
    let mut bytes = fs::read(&path).unwrap();
    let [index, page] = [index, page].map(|number| usize::try_from(number).unwrap());
    let leaf = &mut bytes[(index - 1) * page..index * page];
    leaf.fill(0);
    leaf[0] = 0x0A;
    leaf[5..7].copy_from_slice(&u16::try_from(page).unwrap().to_be_bytes());
    fs::write(&path, &bytes).unwrap();
    assert_eq!(Store::open(&config(dir.path())).unwrap_err(), StoreError::Damaged { path });
}

/// A key that is not where it belongs leads searches astray: by an index two edits would be missing here, and not one.
#[test]
fn a_database_in_which_an_edit_is_not_where_it_belongs_is_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let (writer, _, _) = start(dir.path());
    let edits = (0..500).map(|number| put(&format!("48221000{number:03}"))).collect();
    propose(&writer, group(edits)).unwrap();
    drop(writer);
    let path = dir.path().join("ringfence.db");
    let whole = fs::read(&path).unwrap();
    let stored = b"default48221000365put";
    let at = whole.windows(stored.len()).position(|bytes| bytes == stored).unwrap();
    let mut bytes = whole.clone();
    bytes[at + 2] = b'n';
    fs::write(&path, &bytes).unwrap();
    assert_eq!(Store::open(&config(dir.path())).unwrap_err(), StoreError::Damaged { path: path.clone() });
    fs::write(&path, &whole).unwrap();
    assert_eq!(Store::open(&config(dir.path())).unwrap().1.edits.len(), 500);
}

#[test]
fn what_cannot_be_opened_is_named_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ringfence.db");
    fs::create_dir(&path).unwrap();
    let kind = std::io::ErrorKind::IsADirectory;
    assert_eq!(Store::open(&config(dir.path())).unwrap_err(), StoreError::File { path, kind });
}
