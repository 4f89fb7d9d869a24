//! The look beside a running daemon.

use std::fs;

use rusqlite::Connection;

use super::*;

fn names(dir: &Path) -> BTreeSet<String> {
    fs::read_dir(dir).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn the_lists_made_at_run_time_are_seen_with_and_without_a_daemon() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("state ?#%41");
    assert_eq!(peek(&config(&dir)), Ok(vec![]));
    assert!(!dir.exists());
    let (writer, _, _) = start(&dir);
    assert_eq!(peek(&config(&dir)), Ok(vec![]));
    let steps = |names: &[&str]| {
        names.iter().map(|name| Step::Make { list: (*name).into(), class: Class::Allow }).collect::<Vec<_>>()
    };
    writer.swap(swap(0, Action::Make, None, steps(&["night", "day"]))).unwrap();
    writer.swap(swap(1, Action::Unmake, None, vec![Step::Unmake { list: "day".into() }])).unwrap();
    let made = vec![MadeList { name: "night".into(), class: Class::Allow }];
    assert_eq!(peek(&config(&dir)), Ok(made.clone()));
    assert_eq!(make(&writer, put("112")), done(Effect::Added, 3));

    let killed = root.path().join("killed");
    fs::create_dir(&killed).unwrap();
    for name in ["ringfence.db", "ringfence.db-wal"] {
        fs::copy(dir.join(name), killed.join(name)).unwrap();
    }
    assert_eq!(peek(&config(&killed)), Ok(made.clone()));

    drop(writer);
    let before = names(&dir);
    assert_eq!(peek(&config(&dir)), Ok(made));
    assert_eq!(names(&dir), before);
    assert!(!before.contains("ringfence.db-wal"));
}

#[test]
fn what_is_no_database_of_ours_is_said_to_be_none() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ringfence.db");
    fs::write(&path, b"").unwrap();
    assert_eq!(peek(&config(dir.path())), Err(StoreError::Damaged { path: path.clone() }));
    fs::write(&path, [0x42; 8192]).unwrap();
    assert_eq!(peek(&config(dir.path())), Err(StoreError::Foreign { path: path.clone() }));
    fs::remove_file(&path).unwrap();
    drop(Store::open(&config(dir.path())).unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert_eq!(peek(&config(dir.path())), Err(StoreError::Newer { path, found: 99, known: schema::FORMAT }));
}
