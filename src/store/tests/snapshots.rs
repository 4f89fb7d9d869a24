//! Snapshots of bases.

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::*;

const CONTENT: &[u8] = b"forty bytes that stand for a whole base.";

fn open(dir: &Path) -> (Snapshots, PathBuf) {
    (Snapshots::open(dir).unwrap(), dir.join("lists").join(format!("{}.base", Digest::of(CONTENT))))
}

fn write(snapshots: &Snapshots) -> Result<(), SnapshotError> {
    snapshots.write(&Digest::of(CONTENT), |file| {
        file.write_all(CONTENT)?;
        Ok(Digest::of(CONTENT))
    })
}

fn read(snapshots: &Snapshots) -> Result<Vec<u8>, SnapshotError> {
    snapshots.read(&Digest::of(CONTENT), |file| {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|error| Broken::Unreadable(error.kind()))?;
        if Digest::of(&bytes) == Digest::of(CONTENT) { Ok(bytes) } else { Err(Broken::Damaged) }
    })
}

fn names(dir: &Path) -> BTreeSet<String> {
    fs::read_dir(dir.join("lists")).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn what_was_written_is_read_and_only_the_owner_reads_it() {
    let dir = tempfile::tempdir().unwrap();
    let (snapshots, path) = open(dir.path());
    assert_eq!(read(&snapshots), Err(SnapshotError::Missing));
    assert!(!snapshots.contains(&Digest::of(CONTENT)));
    assert_eq!(write(&snapshots), Ok(()));
    assert!(snapshots.contains(&Digest::of(CONTENT)));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(dir.path().join("lists")).unwrap().permissions().mode() & 0o777, 0o700);
    drop(snapshots);
    assert_eq!(read(&open(dir.path()).0).unwrap(), CONTENT);
}

#[test]
fn one_that_is_there_is_not_written_again() {
    let dir = tempfile::tempdir().unwrap();
    let (snapshots, _) = open(dir.path());
    write(&snapshots).unwrap();
    snapshots.write(&Digest::of(CONTENT), |_| panic!("it is there")).unwrap();
}

#[test]
fn a_flipped_or_missing_byte_is_found_wherever_it_is_and_the_base_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let (snapshots, path) = open(dir.path());
    let aside = path.with_extension("base.damaged");
    let flipped = (0..CONTENT.len() * 8).map(|bit| {
        let mut bytes = CONTENT.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes
    });
    let cut = (0..CONTENT.len()).map(|length| CONTENT[..length].to_vec());
    let longer = [[CONTENT, b"."].concat()];
    for bytes in flipped.chain(cut).chain(longer) {
        fs::write(&path, &bytes).unwrap();
        assert_eq!(read(&snapshots), Err(SnapshotError::Damaged { path: aside.clone() }));
        assert_eq!(fs::read(&aside).unwrap(), bytes);
        assert_eq!(read(&snapshots), Err(SnapshotError::Missing));
        write(&snapshots).unwrap();
        assert_eq!(read(&snapshots).unwrap(), CONTENT);
    }
}

#[test]
fn one_that_cannot_be_read_now_stays() {
    let dir = tempfile::tempdir().unwrap();
    let (snapshots, path) = open(dir.path());
    write(&snapshots).unwrap();
    let kind = io::ErrorKind::Interrupted;
    let failed = snapshots.read::<()>(&Digest::of(CONTENT), |_| Err(Broken::Unreadable(kind)));
    assert_eq!(failed, Err(SnapshotError::File { path, kind }));
    assert_eq!(read(&snapshots).unwrap(), CONTENT);
}

#[test]
fn one_that_cannot_be_written_whole_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (snapshots, _) = open(dir.path());
    let full = snapshots.write(&Digest::of(CONTENT), |file| {
        file.write_all(&CONTENT[..7])?;
        Err(io::ErrorKind::StorageFull.into())
    });
    assert!(full.unwrap_err().is_full());
    let different = snapshots.write(&Digest::of(CONTENT), |file| {
        file.write_all(b"something else")?;
        Ok(Digest::of(b"something else"))
    });
    assert_eq!(different, Err(SnapshotError::Different));
    assert_eq!(names(dir.path()), BTreeSet::new());
    assert_eq!(write(&snapshots), Ok(()));
}

#[test]
fn a_write_that_a_crash_ended_is_begun_anew() {
    let dir = tempfile::tempdir().unwrap();
    let (snapshots, path) = open(dir.path());
    fs::write(path.with_extension("base.new"), b"half").unwrap();
    assert_eq!(read(&snapshots), Err(SnapshotError::Missing));
    write(&snapshots).unwrap();
    assert_eq!(read(&snapshots).unwrap(), CONTENT);
    assert_eq!(names(dir.path()).len(), 1);
}

#[test]
fn a_sweep_leaves_what_is_needed_and_what_it_does_not_know() {
    let dir = tempfile::tempdir().unwrap();
    let (snapshots, _) = open(dir.path());
    let [kept, needless] = [digest("kept"), digest("needless")];
    let stay =
        [format!("{kept}.base"), format!("{kept}.base.damaged"), "notes.base".into(), format!("{needless}.base.old")];
    let go = [
        format!("{kept}.base.new"),
        format!("{needless}.base"),
        format!("{needless}.base.damaged"),
        format!("{needless}.base.new"),
    ];
    for name in stay.iter().chain(&go) {
        fs::write(dir.path().join("lists").join(name), b"").unwrap();
    }
    assert_eq!(snapshots.sweep(|digest| *digest == kept), Ok(go.len()));
    assert_eq!(names(dir.path()), stay.into());
    assert_eq!(snapshots.sweep(|digest| *digest == kept), Ok(0));
}
