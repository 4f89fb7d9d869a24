//! `check` and `explain` beside a database of lists that were made at run time.

use std::fs;

use tempfile::TempDir;

use super::*;
use crate::lists::{Action, Class, Details, Edit, Entry};
use crate::store::{self, EditWriter, Published, Refusal, Step, Store, Swap};
use crate::time::WallTime;

const CONFIG: &str = r#"
[state]
dir = "state"
[[trunk]]
name = "carrier"
from = ["127.0.0.2"]
to = ["sip:127.0.0.2:5060"]
[[inbound]]
name = "night"
lists = ["night"]
[[route]]
name = "out"
to = "carrier"
"#;

/// Of a store to which nobody proposes edits.
struct Nothing;

impl Published for Nothing {
    fn holds(&self, _: &Edit) -> Result<bool, Refusal> {
        Err(Refusal::UnknownList)
    }

    fn details(&self, _: &str, _: &Entry) -> Option<Details> {
        None
    }

    fn publish(&mut self, _: &[Edit], _: u64) {}
}

fn configured() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("r.toml");
    fs::write(&path, CONFIG).expect("writes");
    (dir, path)
}

/// The daemon's store, in which a list was made.
fn made(dir: &TempDir, list: &str) -> EditWriter {
    let (store, replay) = Store::open(&store::Config { dir: dir.path().join("state") }).expect("opens");
    let writer = store.start(Nothing).expect("starts");
    let swap = Swap {
        actor: "anna".into(),
        at: WallTime::default(),
        reason: None,
        since: replay.generation,
        action: Action::Make,
        list: Some(list.into()),
        steps: vec![Step::Make { list: list.into(), class: Class::Personal }],
        prepare: Box::new(|_, _| Some(Box::new(|| {}))),
    };
    writer.swap(swap).expect("made");
    writer
}

fn checked(path: &Path) -> (End, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let end = check::check(path, &mut out, &mut err).expect("writes");
    (end, String::from_utf8(out).expect("UTF-8"), String::from_utf8(err).expect("UTF-8"))
}

const CALL: [&str; 6] = ["--from", "48600100200", "--to", "48221234567", "--trunk", "carrier"];

#[test]
fn a_rule_may_name_a_list_that_was_made_at_run_time() {
    let (dir, path) = configured();
    let (end, _, err) = checked(&path);
    assert_eq!(end, End::Mistakes, "nobody has made the list");
    assert!(err.contains("r.toml:10:10: ") && err.contains("night") && !err.contains("warning"), "{err}");
    assert!(!dir.path().join("state").exists(), "a look makes no state");
    assert_eq!(ask(&path, &CALL).0, End::Mistakes);

    let running = made(&dir, "night");
    for _ in ["beside the daemon", "after it"] {
        let (end, out, err) = checked(&path);
        assert_eq!((end, err.as_str()), (End::Done, ""));
        assert!(out.ends_with("good: 1 trunks, 2 lists with 0 entries, 1 routes\n"), "{out}");
        let (end, out, err) = ask(&path, &CALL);
        assert_eq!((end, err.as_str()), (End::Done, ""));
        assert!(out.contains("inbound rule \"night\""), "{out}");
        running.stop();
    }
}

#[test]
fn a_database_that_cannot_be_read_is_a_warning() {
    let (dir, path) = configured();
    fs::write(&path, CONFIG.replace("lists = [\"night\"]", "lists = [\"default\"]")).expect("writes");
    fs::create_dir(dir.path().join("state")).expect("a directory");
    let database = dir.path().join("state/ringfence.db");
    fs::write(&database, [0x42; 8192]).expect("writes");
    let warning = format!(
        "warning: lists that were made at run time are not known: {} is not a database of ringfence\n",
        database.display()
    );
    let (end, _, err) = checked(&path);
    assert_eq!((end, err), (End::Done, warning.clone()));
    let (end, _, err) = ask(&path, &CALL);
    assert_eq!((end, err), (End::Done, warning));
}
