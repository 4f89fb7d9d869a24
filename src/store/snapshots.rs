//! Bases as files, so that an unchanged list is not parsed again. Each can be made anew, and none is ever changed.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::error::is_full;
use crate::lists::Digest;

/// The snapshots of bases in the state directory, each named by the base's digest.
#[derive(Debug)]
pub struct Snapshots {
    dir: PathBuf,
    /// Held while one is written or the folder is swept: a file that is being written is nobody's to remove.
    writing: Mutex<()>,
}

impl Snapshots {
    /// Those of the state directory `dir`, which a [`Store`](super::Store) has locked.
    pub fn open(dir: &Path) -> Result<Snapshots, SnapshotError> {
        let dir = dir.join("lists");
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&dir);
        made.map_err(|error| SnapshotError::io(&dir, &error))?;
        Ok(Snapshots { dir, writing: Mutex::default() })
    }

    /// Those of a state directory that somebody else may have open, to read from: no folder is made.
    pub fn beside(dir: &Path) -> Snapshots {
        Snapshots { dir: dir.join("lists"), writing: Mutex::default() }
    }

    /// Whether there is one, as far as its name says.
    pub fn contains(&self, digest: &Digest) -> bool {
        self.path(digest).exists()
    }

    /// Writes what `fill` writes, unless this snapshot is there already. `fill` answers the digest of what it wrote. On
    /// return the snapshot is on the disk.
    pub fn write(
        &self,
        digest: &Digest,
        fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<Digest>,
    ) -> Result<(), SnapshotError> {
        let _turn = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.path(digest);
        if path.exists() {
            return Ok(());
        }
        let unfinished = self.dir.join(format!("{digest}.base{UNFINISHED}"));
        let written = self.write_whole(&path, &unfinished, digest, fill);
        if written.is_err() {
            // It may have filled the disk.
            let _ = fs::remove_file(&unfinished);
        }
        written
    }

    /// Reads a snapshot by `read`, which tells whether what it finds is whole. One that is damaged is renamed, so that
    /// somebody can look at it and it is made anew.
    pub fn read<T>(
        &self,
        digest: &Digest,
        read: impl FnOnce(&mut BufReader<File>) -> Result<T, Broken>,
    ) -> Result<T, SnapshotError> {
        match self.look(digest, read) {
            Err(SnapshotError::Damaged { path }) => {
                let aside = self.dir.join(format!("{digest}.base{DAMAGED}"));
                fs::rename(&path, &aside).map_err(|error| SnapshotError::io(&path, &error))?;
                Err(SnapshotError::Damaged { path: aside })
            }
            read => read,
        }
    }

    /// The same, and leaves one that is damaged where it is: for what cannot be made anew.
    pub fn look<T>(
        &self,
        digest: &Digest,
        read: impl FnOnce(&mut BufReader<File>) -> Result<T, Broken>,
    ) -> Result<T, SnapshotError> {
        let path = self.path(digest);
        let file = File::open(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => SnapshotError::Missing,
            _ => SnapshotError::io(&path, &error),
        })?;
        match read(&mut BufReader::with_capacity(BUFFER, file)) {
            Ok(base) => Ok(base),
            Err(Broken::Unreadable(kind)) => Err(SnapshotError::File { path, kind }),
            Err(Broken::Damaged) => Err(SnapshotError::Damaged { path }),
        }
    }

    /// Removes what nobody needs: snapshots, damaged ones included, whose digest `keep` does not hold, and unfinished
    /// files. Other files are left alone. Answers how many it removed. A snapshot that was written for a swap which is
    /// not committed yet must be kept as well.
    pub fn sweep(&self, keep: impl Fn(&Digest) -> bool) -> Result<usize, SnapshotError> {
        let _turn = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = |error: io::Error| SnapshotError::io(&self.dir, &error);
        let mut removed = 0;
        for file in fs::read_dir(&self.dir).map_err(failed)? {
            let file = file.map_err(failed)?;
            if file.file_name().to_str().is_some_and(|name| is_needless(name, &keep)) {
                fs::remove_file(file.path()).map_err(|error| SnapshotError::io(&file.path(), &error))?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Under another name first, so that a file with the right name is a whole one.
    fn write_whole(
        &self,
        path: &Path,
        unfinished: &Path,
        digest: &Digest,
        fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<Digest>,
    ) -> Result<(), SnapshotError> {
        let failed = |error: io::Error| SnapshotError::io(unfinished, &error);
        match fs::remove_file(unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(unfinished).map_err(failed)?;
        let mut writer = BufWriter::with_capacity(BUFFER, file);
        let found = fill(&mut writer).map_err(failed)?;
        if found != *digest {
            return Err(SnapshotError::Different);
        }
        writer.flush().map_err(failed)?;
        writer.get_ref().sync_all().map_err(failed)?;
        fs::rename(unfinished, path).map_err(failed)?;
        File::open(&self.dir).and_then(|dir| dir.sync_all()).map_err(|error| SnapshotError::io(&self.dir, &error))
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.dir.join(format!("{digest}.base"))
    }
}

/// Why the bytes of a snapshot are no base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// The system could not read them; later it may.
    Unreadable(io::ErrorKind),
    /// They are not those that were written.
    Damaged,
}

/// What can go wrong with a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// There is none with this digest.
    #[error("there is no snapshot of this digest")]
    Missing,
    /// It is not what was written.
    #[error("the snapshot {} is damaged", .path.display())]
    Damaged {
        /// Where it lies.
        path: PathBuf,
    },
    /// What was written is not what was announced, so it was not kept: a bug.
    #[error("the snapshot written has another digest than the base")]
    Different,
    /// It cannot be written or read; later it may.
    #[error("{}: {kind}", .path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        kind: io::ErrorKind,
    },
}

impl SnapshotError {
    /// Whether no space is left, which is for the operator to mend.
    pub fn is_full(&self) -> bool {
        matches!(self, SnapshotError::File { kind, .. } if is_full(*kind))
    }

    fn io(path: &Path, error: &io::Error) -> SnapshotError {
        SnapshotError::File { path: path.into(), kind: error.kind() }
    }
}

fn is_needless(name: &str, keep: &impl Fn(&Digest) -> bool) -> bool {
    let Some((digest, rest)) = name.split_once(".base") else { return false };
    let Ok(digest) = digest.parse() else { return false };
    match rest {
        UNFINISHED => true,
        "" | DAMAGED => !keep(&digest),
        _ => false,
    }
}

const UNFINISHED: &str = ".new";
const DAMAGED: &str = ".damaged";

/// A MiB: a snapshot of 400 MB takes some 400 calls of the system.
const BUFFER: usize = 1 << 20;
