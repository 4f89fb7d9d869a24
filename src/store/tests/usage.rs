//! The file of what is counted.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::super::{UsageFile, UsageFileError};

const CONTENT: &[u8] = b"what was counted";

fn read(file: &UsageFile) -> Result<Vec<u8>, UsageFileError> {
    let mut bytes = Vec::new();
    file.read(|input| input.read_to_end(&mut bytes).map(drop)).map(|()| bytes)
}

#[test]
fn what_was_written_last_is_read_and_only_the_owner_reads_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = UsageFile::new(dir.path());
    assert_eq!(read(&file).unwrap(), b"", "a missing file is a fresh start");
    file.write(|out| out.write_all(b"something else")).unwrap();
    file.write(|out| out.write_all(CONTENT)).unwrap();
    assert_eq!(read(&file).unwrap(), CONTENT);
    assert_eq!(fs::metadata(file.path()).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_flipped_or_missing_byte_is_found_wherever_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let file = UsageFile::new(dir.path());
    file.write(|out| out.write_all(CONTENT)).unwrap();
    let whole = fs::read(file.path()).unwrap();
    let flipped = (0..whole.len()).map(|at| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    });
    for bytes in flipped.chain((0..whole.len()).map(|length| whole[..length].to_vec())) {
        fs::write(file.path(), bytes).unwrap();
        assert_eq!(read(&file), Err(UsageFileError::Damaged(file.path().into())));
    }
}

#[test]
fn what_cannot_be_written_leaves_what_was_there() {
    let dir = tempfile::tempdir().unwrap();
    let file = UsageFile::new(dir.path());
    file.write(|out| out.write_all(CONTENT)).unwrap();
    file.write(|_| Err(std::io::ErrorKind::StorageFull.into())).unwrap_err();
    assert_eq!(read(&file).unwrap(), CONTENT);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}
