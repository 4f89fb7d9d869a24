use std::fs;
use std::path::Path;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use crate::records::file::RecordFiles;
use crate::records::{Config, Place, RecordWriter};
use crate::time::WallTime;

const HEADER: &str = "event,time,call_id";

fn noon(day: u32) -> WallTime {
    WallTime::parse(&format!("2026-11-{day:02}T12:00:00Z")).unwrap()
}

/// No file gets there.
const MAX: u64 = 1 << 30;

fn read(dir: &Path, name: &str) -> String {
    fs::read_to_string(dir.join(name)).unwrap()
}

#[test]
fn each_utc_day_has_its_file_with_one_header() {
    let dir = tempfile::tempdir().unwrap();
    let mut files = RecordFiles::new(dir.path().join("records"), HEADER, MAX);
    files.append(b"call,1\n", noon(21)).unwrap();
    files.append(b"call,2\n", noon(21)).unwrap();
    files.append(b"call,3\n", noon(22)).unwrap();
    let mut reopened = RecordFiles::new(dir.path().join("records"), HEADER, MAX);
    reopened.append(b"end,2\n", noon(21)).unwrap();
    assert_eq!(read(dir.path(), "records/calls-20261121.csv"), "event,time,call_id\ncall,1\ncall,2\nend,2\n");
    assert_eq!(read(dir.path(), "records/calls-20261122.csv"), "event,time,call_id\ncall,3\n");
}

#[test]
fn a_line_torn_by_a_crash_is_cut_off_before_more_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let torn = format!("event,time,call_id\ncall,1\n{}", "x".repeat(20_000));
    fs::write(dir.path().join("calls-20261121.csv"), torn).unwrap();
    RecordFiles::new(dir.path().into(), HEADER, MAX).append(b"call,2\n", noon(21)).unwrap();
    assert_eq!(read(dir.path(), "calls-20261121.csv"), "event,time,call_id\ncall,1\ncall,2\n");

    fs::write(dir.path().join("calls-20261122.csv"), "event,ti").unwrap();
    RecordFiles::new(dir.path().into(), HEADER, MAX).append(b"call,3\n", noon(22)).unwrap();
    assert_eq!(read(dir.path(), "calls-20261122.csv"), "event,time,call_id\ncall,3\n");
}

#[test]
fn a_file_with_other_columns_is_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("calls-20261121.csv"), "time\n1\n").unwrap();
    RecordFiles::new(dir.path().into(), HEADER, MAX).append(b"call,2\n", noon(21)).unwrap();
    assert_eq!(read(dir.path(), "calls-20261121.csv"), "time\n1\n");
    assert_eq!(read(dir.path(), "calls-20261121-2.csv"), "event,time,call_id\ncall,2\n");
}

/// `/dev/full` answers each write with "no space left on device".
#[test]
fn writing_goes_on_when_a_full_disk_has_room_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("calls-20261121.csv");
    std::os::unix::fs::symlink("/dev/full", &path).unwrap();
    let mut files = RecordFiles::new(dir.path().into(), HEADER, MAX);
    assert!(files.append(b"call,1\n", noon(21)).is_err());
    fs::remove_file(&path).unwrap();
    files.append(b"call,2\n", noon(21)).unwrap();
    assert_eq!(read(dir.path(), "calls-20261121.csv"), "event,time,call_id\ncall,2\n");
}

#[test]
fn a_failed_write_is_counted_by_lines() {
    let dir = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/dev/full", dir.path().join("calls-20261121.csv")).unwrap();
    let place = Place { dir: dir.path().into(), header: HEADER };
    let (writer, sink) = RecordWriter::start(place, Config::default(), || noon(21), || ()).unwrap();
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
    let held = Arc::new(Mutex::new(held));
    let place = Place { dir: dir.path().into(), header: HEADER };
    // The clock stands still until the test lets it go: a disk that stalls.
    let stalled = move || {
        let _ = held.lock().unwrap().recv();
        noon(21)
    };
    let (writer, sink) = RecordWriter::start(place, Config::default(), stalled, || ()).unwrap();
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

#[test]
fn a_file_that_would_be_too_long_is_followed_by_another_part_however_many_there_are() {
    let dir = tempfile::tempdir().unwrap();
    let mut files = RecordFiles::new(dir.path().into(), HEADER, 60);
    let line = format!("call,{}\n", "x".repeat(34));
    let others: Vec<bool> = (0..12).map(|_| files.append(line.as_bytes(), noon(21)).unwrap()).collect();
    assert_eq!(others, [true; 12]);
    assert_eq!(read(dir.path(), "calls-20261121.csv"), format!("{HEADER}\n{line}"));
    assert_eq!(read(dir.path(), "calls-20261121-12.csv"), format!("{HEADER}\n{line}"));
    // After a start the last part goes on as long as it has room.
    RecordFiles::new(dir.path().into(), HEADER, 1000).append(b"end\n", noon(21)).unwrap();
    assert_eq!(read(dir.path(), "calls-20261121-12.csv"), format!("{HEADER}\n{line}end\n"));
    // A chunk that is longer than any file is written all the same.
    files.append(line.repeat(3).as_bytes(), noon(22)).unwrap();
    assert_eq!(read(dir.path(), "calls-20261122.csv"), format!("{HEADER}\n{}", line.repeat(3)));
}

#[test]
fn a_clock_that_steps_back_goes_on_with_the_older_file_unless_it_is_compressed() {
    let dir = tempfile::tempdir().unwrap();
    let mut files = RecordFiles::new(dir.path().into(), HEADER, MAX);
    for (line, day) in [("call,1\n", 21), ("call,2\n", 22), ("call,3\n", 21)] {
        files.append(line.as_bytes(), noon(day)).unwrap();
    }
    assert_eq!(read(dir.path(), "calls-20261121.csv"), format!("{HEADER}\ncall,1\ncall,3\n"));
    files.append(b"call,4\n", noon(22)).unwrap();
    fs::rename(dir.path().join("calls-20261121.csv"), dir.path().join("calls-20261121.csv.gz")).unwrap();
    files.append(b"call,5\n", noon(21)).unwrap();
    assert_eq!(read(dir.path(), "calls-20261121-2.csv"), format!("{HEADER}\ncall,5\n"));
}
