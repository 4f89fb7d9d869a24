use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flate2::read::MultiGzDecoder;

use super::*;
use crate::records::Config;
use crate::records::file::Current;
use crate::records::keeping::Keeper;
use crate::records::part::Part;

/// Somebody who writes this part.
fn keeper(dir: &Path, config: Config, current: Option<&str>, alive: &Arc<()>) -> Keeper {
    let current = Current::new(Mutex::new(current.map(|name| Part::parse(name).unwrap())));
    Keeper { dir: dir.into(), config, current, written: sync_channel(1).1, alive: Arc::downgrade(alive) }
}

/// What a folder holds when all is done that is due.
fn tidied(dir: &Path, config: Config, current: Option<&str>, at: &str) -> Vec<String> {
    let alive = Arc::default();
    keeper(dir, config, current, &alive).tidy(time(at));
    names(dir)
}

/// By default files are compressed and kept for ever.
fn compressed(dir: &Path) -> Vec<String> {
    tidied(dir, Config::default(), None, NOON)
}

fn unpacked(dir: &Path, name: &str) -> String {
    let mut text = String::new();
    MultiGzDecoder::new(fs::File::open(dir.join(name)).unwrap()).read_to_string(&mut text).unwrap();
    text
}

/// A folder with one call on each of these days of a month.
fn folder(days: &[u32]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for day in days {
        let at = format!("2026-11-{day:02}T12:00:00Z");
        write(dir.path(), &line(&[("event", "call"), ("time", &at), ("verdict", "decline"), ("callee", "112")]), &at);
    }
    dir
}

const NOON: &str = "2026-11-23T12:00:00Z";

#[test]
fn a_file_is_compressed_once_another_one_is_written() {
    let dir = folder(&[20, 21, 22]);
    let plain = fs::read_to_string(dir.path().join("calls-20261120.csv")).unwrap();
    let names = tidied(dir.path(), Config::default(), Some("calls-20261122"), NOON);
    let expected = [
        "calls-20261120.blocked",
        "calls-20261120.csv.gz",
        "calls-20261121.blocked",
        "calls-20261121.csv.gz",
        "calls-20261122.blocked",
        "calls-20261122.csv",
    ];
    assert_eq!(names, expected);
    assert_eq!(unpacked(dir.path(), "calls-20261120.csv.gz"), plain);
}

#[test]
fn the_file_of_today_is_left_to_whoever_starts() {
    let dir = folder(&[22, 23]);
    let names = compressed(dir.path());
    assert!(
        names.contains(&"calls-20261122.csv.gz".into()) && names.contains(&"calls-20261123.csv".into()),
        "{names:?}"
    );
}

#[test]
fn a_crash_before_and_after_the_rename_loses_nothing() {
    let dir = folder(&[20, 23]);
    let plain = dir.path().join("calls-20261120.csv");
    let text = fs::read_to_string(&plain).unwrap();
    fs::write(dir.path().join("calls-20261120.csv.gz.unfinished"), b"\x1f\x8b\x08 half").unwrap();
    let names = compressed(dir.path());
    assert!(!names.iter().any(|name| name.ends_with(".unfinished") || name == "calls-20261120.csv"), "{names:?}");
    assert_eq!(unpacked(dir.path(), "calls-20261120.csv.gz"), text);
    // The plain file was still there, and once the compressed one is not whole.
    let packed = fs::read(dir.path().join("calls-20261120.csv.gz")).unwrap();
    for there in [&packed[..], &packed[..packed.len() / 2], b"", b"something else"] {
        fs::write(&plain, &text).unwrap();
        fs::write(dir.path().join("calls-20261120.csv.gz"), there).unwrap();
        compressed(dir.path());
        assert!(!plain.exists());
        assert_eq!(unpacked(dir.path(), "calls-20261120.csv.gz"), text);
    }
}

#[test]
fn a_compression_that_fails_leaves_the_plain_file() {
    let dir = folder(&[20, 23]);
    // Nothing can be written there.
    fs::create_dir(dir.path().join("calls-20261120.csv.gz.unfinished")).unwrap();
    let names = compressed(dir.path());
    assert!(
        names.contains(&"calls-20261120.csv".into()) && !names.contains(&"calls-20261120.csv.gz".into()),
        "{names:?}"
    );
    fs::remove_dir(dir.path().join("calls-20261120.csv.gz.unfinished")).unwrap();
    std::os::unix::fs::symlink("/dev/full", dir.path().join("calls-20261120.csv.gz.unfinished")).unwrap();
    let names = compressed(dir.path());
    assert!(
        names.contains(&"calls-20261120.csv".into()) && !names.contains(&"calls-20261120.csv.gz".into()),
        "{names:?}"
    );
    // What was in its way is gone.
    assert!(compressed(dir.path()).contains(&"calls-20261120.csv.gz".into()));
}

#[test]
fn a_compression_ends_when_the_writer_does() {
    let dir = folder(&[20, 23]);
    let keeper = keeper(dir.path(), Config::default(), None, &Arc::default());
    keeper.tidy(time(NOON));
    assert!(names(dir.path()).contains(&"calls-20261120.csv".into()), "{:?}", names(dir.path()));
}

#[test]
fn files_are_removed_when_their_day_is_long_over_and_others_never() {
    let dir = folder(&[20, 21, 22]);
    for other in ["notes.txt", "calls-20261120.csv.bak", "calls-2026112.csv", "calls-20261101-x.csv"] {
        fs::write(dir.path().join(other), "").unwrap();
    }
    let keep = |days: u64| Config { keep: Some(Duration::from_secs(days * 86_400)), gzip: false, ..Config::default() };
    let count = |part: &str| names(dir.path()).iter().filter(|name| name.starts_with(part)).count();
    // A crash may leave it.
    fs::write(dir.path().join("calls-20261120.csv.gz.unfinished"), "").unwrap();
    tidied(dir.path(), keep(2), Some("calls-20261122"), NOON);
    assert_eq!([count("calls-20261120"), count("calls-20261121"), count("calls-20261122")], [1, 2, 2]);
    // What is being written stays, whatever the clock says.
    tidied(dir.path(), keep(1), Some("calls-20261122"), "2027-11-23T12:00:00Z");
    assert_eq!([count("calls-20261121"), count("calls-20261122"), names(dir.path()).len()], [0, 2, 6]);
    tidied(dir.path(), Config { gzip: false, ..Config::default() }, None, "2099-11-23T12:00:00Z");
    assert_eq!(names(dir.path()).len(), 6, "kept for ever");
}
