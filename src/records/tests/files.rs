use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc::channel;

use crate::records::file::RecordFiles;
use crate::records::{Config, RecordWriter};
use crate::time::WallTime;

const HEADER: &str = "kind,time";

fn noon(day: u32) -> WallTime {
    WallTime::parse(&format!("2026-11-{day:02}T12:00:00Z")).unwrap()
}

fn read(dir: &Path, name: &str) -> String {
    fs::read_to_string(dir.join(name)).unwrap()
}

#[test]
fn each_utc_day_has_its_file_with_one_header() {
    let dir = tempfile::tempdir().unwrap();
    let mut files = RecordFiles::new(dir.path().join("records"), HEADER);
    files.append(b"call,1\n", noon(21)).unwrap();
    files.append(b"call,2\n", noon(21)).unwrap();
    files.append(b"call,3\n", noon(22)).unwrap();
    let mut reopened = RecordFiles::new(dir.path().join("records"), HEADER);
    reopened.append(b"end,2\n", noon(21)).unwrap();
    assert_eq!(read(dir.path(), "records/calls-20261121.csv"), "kind,time\ncall,1\ncall,2\nend,2\n");
    assert_eq!(read(dir.path(), "records/calls-20261122.csv"), "kind,time\ncall,3\n");
}

#[test]
fn a_line_torn_by_a_crash_is_cut_off_before_more_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let torn = format!("kind,time\ncall,1\n{}", "x".repeat(20_000));
    fs::write(dir.path().join("calls-20261121.csv"), torn).unwrap();
    RecordFiles::new(dir.path().into(), HEADER).append(b"call,2\n", noon(21)).unwrap();
    assert_eq!(read(dir.path(), "calls-20261121.csv"), "kind,time\ncall,1\ncall,2\n");

    fs::write(dir.path().join("calls-20261122.csv"), "kind,ti").unwrap();
    RecordFiles::new(dir.path().into(), HEADER).append(b"call,3\n", noon(22)).unwrap();
    assert_eq!(read(dir.path(), "calls-20261122.csv"), "kind,time\ncall,3\n");
}

#[test]
fn a_file_with_other_columns_is_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("calls-20261121.csv"), "time\n1\n").unwrap();
    RecordFiles::new(dir.path().into(), HEADER).append(b"call,2\n", noon(21)).unwrap();
    assert_eq!(read(dir.path(), "calls-20261121.csv"), "time\n1\n");
    assert_eq!(read(dir.path(), "calls-20261121-2.csv"), "kind,time\ncall,2\n");
}

/// `/dev/full` answers each write with "no space left on device".
#[test]
fn writing_goes_on_when_a_full_disk_has_room_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("calls-20261121.csv");
    std::os::unix::fs::symlink("/dev/full", &path).unwrap();
    let mut files = RecordFiles::new(dir.path().into(), HEADER);
    assert!(files.append(b"call,1\n", noon(21)).is_err());
    fs::remove_file(&path).unwrap();
    files.append(b"call,2\n", noon(21)).unwrap();
    assert_eq!(read(dir.path(), "calls-20261121.csv"), "kind,time\ncall,2\n");
}

#[test]
fn a_failed_write_is_counted_by_lines() {
    let dir = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/dev/full", dir.path().join("calls-20261121.csv")).unwrap();
    let config = Config { dir: dir.path().into(), header: HEADER };
    let (writer, sink) = RecordWriter::start(config, || noon(21)).unwrap();
    sink.write(b"call,1\ncall,2\n".to_vec());
    let counts = writer.counts().clone();
    writer.stop();
    assert_eq!((counts.written.get(), counts.dropped_write_failed.get()), (0, 2));
    assert!(counts.is_failing());
}

#[test]
fn a_full_queue_drops_and_counts_and_never_waits() {
    let dir = tempfile::tempdir().unwrap();
    let (release, held) = channel::<()>();
    let held = Mutex::new(held);
    let config = Config { dir: dir.path().into(), header: HEADER };
    // The clock stands still until the test lets it go: a disk that stalls.
    let (writer, sink) = RecordWriter::start(config, move || {
        let _ = held.lock().unwrap().recv();
        noon(21)
    })
    .unwrap();
    let handed_over = 1_000;
    for _ in 0..handed_over {
        sink.write(b"call\n".to_vec());
    }
    let counts = writer.counts().clone();
    let dropped = counts.dropped_queue_full.get();
    assert!(dropped >= 700, "{dropped} dropped");
    drop(release);
    writer.stop();
    assert_eq!(counts.written.get(), handed_over - dropped);
    let lines = read(dir.path(), "calls-20261121.csv").lines().count() as u64;
    assert_eq!(lines, 1 + handed_over - dropped);
    sink.write(b"call\n".to_vec());
    assert_eq!(counts.dropped_queue_full.get(), dropped + 1);
}
