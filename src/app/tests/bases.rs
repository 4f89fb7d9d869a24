//! Which base a list has, whatever becomes of its files.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use super::*;
use crate::app::bases::{Bases, Standing};
use crate::config::{Loaded, Reading, stamp_of};
use crate::lists::{BaseRecord, FileRecord, FileStamp};
use crate::store::{Replay, Snapshots, Step};
use crate::time::WallTime;

const OLD: &str = "48221000001\n48221000002\n";
const NEW: &str = "48221000007\n48221000008\n";

fn roll_back(running: &Running, to: Option<Digest>) -> Result<u64, ListFailure> {
    changes::rollback(&running.live, &anna(), &"default".into(), to)
}

fn confirm(running: &Running, digest: Digest) -> Result<u64, ListFailure> {
    changes::confirm(&running.live, &anna(), &"default".into(), digest)
}

#[test]
fn a_reload_does_not_undo_a_rollback_until_the_file_changes() {
    let running = Running::new();
    assert!(matches!(roll_back(&running, None), Err(ListFailure::Conflict(_))), "there was no other base yet");
    running.edit(put("default", "48221000009")).unwrap();
    running.write("default.csv", NEW);
    running.reload().unwrap();
    let set_aside = running.status().base.unwrap().digest;
    assert_eq!(roll_back(&running, None), Ok(4));
    let rolled_back = |running: &Running| {
        assert!(running.holds("default", "48221000001") && !running.holds("default", "48221000007"));
        assert!(running.holds("default", "48221000009"), "a rollback changes the base, never the edits");
        assert_eq!(running.status().set_aside, Some(set_aside));
    };
    rolled_back(&running);
    assert!(running.reload().unwrap().warnings.iter().any(|warning| warning.contains("a rollback has set aside")));
    rolled_back(&running);
    let running = running.restart();
    rolled_back(&running);
    running.write("default.csv", "48221000007\n");
    running.reload().unwrap();
    assert!(running.holds("default", "48221000007") && !running.holds("default", "48221000001"));
    assert_eq!(running.status().set_aside, None);
    let running = running.restart();
    assert!(running.holds("default", "48221000007") && running.holds("default", "48221000009"));
}

#[test]
fn a_rollback_to_what_the_files_say_takes_the_first_one_back() {
    let running = Running::new();
    running.write("default.csv", NEW);
    running.reload().unwrap();
    let new = running.status().base.unwrap().digest;
    roll_back(&running, None).unwrap();
    roll_back(&running, Some(new)).unwrap();
    assert_eq!(running.status().set_aside, None);
    assert!(running.holds("default", "48221000007"));
    assert!(matches!(roll_back(&running, Some(new)), Err(ListFailure::Conflict(_))), "it is in force already");
}

#[test]
fn a_large_change_waits_until_it_is_confirmed_over_restarts() {
    let running = Running::with("max_change = \"40%\"\n");
    running.edit(remove("default", "48221000002")).unwrap();
    running.write("default.csv", "48221000001\n48221000002\n48221000003\n");
    running.reload().unwrap();
    let waiting = running.status().waiting.expect("half of the entries in force is more than 40 %");
    assert_eq!((waiting.added, waiting.removed, waiting.entries), (1, 0, 3), "edits are no change of the file");
    let waits = |running: &Running| {
        assert!(!running.holds("default", "48221000003"));
        assert_eq!(running.status().waiting.map(|waiting| waiting.digest), Some(waiting.digest));
        let health = running.live.health();
        let lists = health.iter().find(|detail| detail.name == "lists").unwrap();
        assert!(lists.ok && lists.detail.contains("waits"), "{lists:?}");
    };
    waits(&running);
    let running = running.restart();
    waits(&running);
    running.reload().unwrap();
    waits(&running);
    let other = confirm(&running, Digest::of(b"another"));
    assert_eq!(other, Err(ListFailure::Conflict(format!("another base waits: {}", waiting.digest))));
    confirm(&running, waiting.digest).unwrap();
    let confirmed = |running: &Running| {
        assert!(running.holds("default", "48221000003") && !running.holds("default", "48221000002"));
        assert_eq!(running.status().waiting, None);
    };
    confirmed(&running);
    running.reload().unwrap();
    confirmed(&running);
    confirmed(&running.restart());
}

#[test]
fn a_file_that_was_touched_or_copied_is_not_parsed_again() {
    let running = Running::new();
    assert!(!running.status().from_snapshot, "nothing was known of it at the first start");
    let file = running.path("default.csv");
    let touch = || {
        let hour_ago = SystemTime::now() - Duration::from_secs(3600);
        fs::File::options().write(true).open(&file).unwrap().set_modified(hour_ago).unwrap();
    };
    let copy = || {
        fs::copy(&file, running.path("copy.csv")).unwrap();
        fs::rename(running.path("copy.csv"), &file).unwrap();
    };
    for change in [&touch as &dyn Fn(), &copy] {
        change();
        running.reload().unwrap();
        let status = running.status();
        assert!(status.from_snapshot);
        let known = status.base.unwrap().files[0].stamp.modified;
        assert_eq!(known, stamp_of(&file).unwrap().modified, "max_age goes by the file as it lies there now");
    }
    touch();
    let running = running.restart();
    assert!(running.status().from_snapshot && running.holds("default", "48221000001"));
    running.write("default.csv", NEW);
    running.reload().unwrap();
    assert!(!running.status().from_snapshot);
}

/// Reads the lists of [`CONFIG`] in `dir` as a reload at `now` does that knows of these bases.
fn read(dir: &Path, known: &[BaseRecord], now: WallTime) -> (Loaded, Vec<Step>) {
    let snapshots = Snapshots::open(&dir.join("state")).unwrap();
    let replay = Replay { bases: BTreeMap::from([("default".into(), known.to_vec())]), ..Replay::default() };
    let mut bases = Bases {
        snapshots: &snapshots,
        replay: &replay,
        standing: &Standing::new(),
        waiting: Vec::new(),
        reading: Reading::new(),
        starting: false,
        now,
        steps: Vec::new(),
    };
    let loaded = config::load(&dir.join("ringfence.toml"), &[], &mut bases).unwrap();
    (loaded, bases.steps)
}

/// Both happen within one tick of the system's clock, and leave the same length: the stamps cannot tell them apart.
#[test]
fn a_file_that_changed_within_the_last_two_seconds_is_read_again() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("ringfence.toml"), CONFIG).unwrap();
    let path = dir.path().join("default.csv");
    let after = |seconds| stamp_of(&path).unwrap().changed + Duration::from_millis(seconds);
    for (read_after, is_settled) in [(1_999, false), (2_000, true)] {
        fs::write(&path, OLD).unwrap();
        let (first, steps) = read(dir.path(), &[], after(read_after));
        assert!(!first.origins["default"].from_snapshot);
        let Some(Step::Base { record, .. }) = steps.into_iter().next() else { panic!("it is to be stored") };
        let stamp = record.files[0].stamp;
        assert_eq!(stamp.inode == stamp_of(&path).unwrap().inode, is_settled);

        fs::write(&path, NEW).unwrap();
        let found = FileStamp { inode: stamp.inode, ..stamp_of(&path).unwrap() };
        let record = BaseRecord { files: vec![FileRecord { stamp: found, ..record.files[0].clone() }], ..record };
        let (second, _) = read(dir.path(), &[record], after(60_000));
        assert_eq!(second.origins["default"].from_snapshot, is_settled);
        let list = second.lists.get("default").unwrap();
        assert_eq!(list.contains(&entry("48221000007")), !is_settled);
    }
}

#[test]
fn a_bad_file_at_a_start_leaves_the_last_good_snapshot_in_force() {
    let running = Running::new();
    running.edit(put("default", "48221000009")).unwrap();
    let (dir, runtime) = running.stop();
    let file = dir.path().join("default.csv");
    for bad in [Some("4822x\n"), Some(""), None] {
        match bad {
            Some(text) => fs::write(&file, text).unwrap(),
            None => fs::remove_file(&file).unwrap(),
        }
        let live = start(dir.path());
        let list = live.world().lists.get("default").unwrap().clone();
        assert!(list.contains(&entry("48221000001")) && list.contains(&entry("48221000009")), "{bad:?}");
        assert!(live.list_status("default").alarm.is_some_and(|alarm| alarm.contains("last good snapshot")));
        assert!(live.health().iter().any(|detail| detail.name == "lists" && !detail.ok));
        assert_eq!(live.world().generation, 2, "nothing has changed");
        live.edits.stop();
    }
    fs::write(&file, NEW).unwrap();
    let running = Running { live: start(dir.path()), dir, runtime };
    assert!(running.holds("default", "48221000007") && running.holds("default", "48221000009"));
    assert_eq!(running.status().alarm, None);
}

#[test]
fn a_bad_file_at_a_start_without_a_snapshot_is_told_by_its_line() {
    let running = Running::new();
    let (dir, _runtime) = running.stop();
    fs::write(dir.path().join("default.csv"), "48221000001\n4822x\n").unwrap();
    fs::remove_dir_all(dir.path().join("state/lists")).unwrap();
    let Err(StartError::Config(errors)) = Opened::open(&dir.path().join("ringfence.toml"), |_| ()) else {
        panic!("the list would be empty")
    };
    assert_eq!(errors.0[0].place.at, Some((2, 1)));
}

#[test]
fn files_that_give_the_base_in_force_take_a_set_aside_one_back() {
    let running = Running::new();
    running.write("default.csv", NEW);
    running.reload().unwrap();
    roll_back(&running, None).unwrap();
    running.write("default.csv", OLD);
    running.reload().unwrap();
    assert_eq!(running.status().set_aside, None);
    running.write("default.csv", NEW);
    running.reload().unwrap();
    assert!(running.holds("default", "48221000007"), "it is published again on purpose");
}

#[test]
fn a_rollback_sets_aside_what_waits() {
    let running = Running::with("max_change = \"90%\"\n");
    running.write("default.csv", "48221000001\n");
    running.reload().unwrap();
    running.write("default.csv", NEW);
    running.reload().unwrap();
    let waiting = running.status().waiting.unwrap().digest;
    roll_back(&running, None).unwrap();
    assert_eq!(running.status().set_aside, Some(waiting));
    running.reload().unwrap();
    assert!(running.holds("default", "48221000002"), "the file has not changed since");
}

#[test]
fn what_was_imported_is_no_change_of_the_file() {
    let running = Running::with("max_change = \"60%\"\n");
    running.import("default", many_numbers());
    running.write("default.csv", "48221000001\n48221000003\n48221000002\n");
    running.reload().unwrap();
    assert!(running.status().waiting.is_none() && running.holds("default", "48221000003"));
    assert_eq!(running.len("default"), 3 + 100_001);
}

#[test]
fn a_start_falls_back_to_the_newest_base_that_is_whole() {
    let running = Running::new();
    running.write("default.csv", NEW);
    running.reload().unwrap();
    let newest = running.status().base.unwrap().digest;
    fs::write(running.path(&format!("state/lists/{newest}.base")), "torn").unwrap();
    running.write("default.csv", "4822x\n");
    let running = running.restart();
    assert!(running.holds("default", "48221000001"));
    assert!(running.status().alarm.is_some_and(|alarm| alarm.contains("the last good snapshot is in force")));
}

#[test]
fn a_list_whose_file_a_reload_refuses_says_so_until_it_is_mended() {
    let running = Running::new();
    running.write("default.csv", "48221000001\n4822x\n");
    running.reload().unwrap_err();
    let alarm = running.status().alarm.unwrap();
    assert!(alarm.contains("line 2"), "{alarm}");
    let lists = |running: &Running| running.live.health().into_iter().find(|detail| detail.name == "lists").unwrap();
    assert!(lists(&running).ok && lists(&running).detail.contains("the last reload failed"));
    running.write("default.csv", "48221000001\n48221000003\n");
    running.reload().unwrap();
    assert_eq!((running.status().alarm, lists(&running).detail.as_str()), (None, "works"));
}
