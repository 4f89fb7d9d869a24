//! The plain sources: [`Files`] on a disk, and [`InMemory`].

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::reading::Reading;
use super::request::{BaseRequest, Opened};
use super::source::{BaseError, ListSource, Sourced};
use crate::lists::{FileStamp, Progress};
use crate::time::WallTime;

/// Reads the files anew each time.
#[derive(Debug, Default)]
pub struct Files {
    reading: Reading,
}

impl Files {
    /// How far it is can be seen in `reading`.
    pub fn new(reading: Reading) -> Files {
        Files { reading }
    }
}

impl ListSource for Files {
    fn base(&mut self, request: &BaseRequest<'_>) -> Result<Sourced, BaseError> {
        let list = self.reading.begin(request.name);
        let read = request.read(&mut open_file, list.progress())?;
        Ok(Sourced::read(request, read))
    }
}

/// Opens a regular file; its stamp is that of what was opened, wherever the path leads by then.
pub fn open_file(path: &Path) -> io::Result<Opened> {
    // Opening a pipe would wait for somebody to write to it.
    refuse_irregular(&std::fs::metadata(path)?)?;
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    refuse_irregular(&metadata)?;
    Ok((Box::new(file), stamp(&metadata)))
}

/// What the system says of a file, as long as it is a regular one.
pub fn stamp_of(path: &Path) -> io::Result<FileStamp> {
    let metadata = std::fs::metadata(path)?;
    refuse_irregular(&metadata)?;
    Ok(stamp(&metadata))
}

fn refuse_irregular(metadata: &Metadata) -> io::Result<()> {
    if metadata.is_file() { Ok(()) } else { Err(io::Error::new(io::ErrorKind::InvalidInput, NotRegular)) }
}

fn stamp(metadata: &Metadata) -> FileStamp {
    FileStamp {
        bytes: metadata.len(),
        modified: wall(metadata.mtime(), metadata.mtime_nsec()),
        changed: wall(metadata.ctime(), metadata.ctime_nsec()),
        inode: metadata.ino(),
    }
}

/// A file of before 1970 is as old as any.
fn wall(seconds: i64, nanos: i64) -> WallTime {
    let micros = seconds.saturating_mul(1_000_000).saturating_add(nanos / 1_000);
    WallTime::from_micros(u64::try_from(micros).unwrap_or(0))
}

/// The path leads to something else than a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("no regular file")]
pub(super) struct NotRegular;

/// Files that lie in memory, for tests, simulations and measurements. Other paths lead nowhere.
#[derive(Debug, Clone, Default)]
pub struct InMemory {
    files: HashMap<PathBuf, Vec<u8>>,
    written: WallTime,
}

impl InMemory {
    /// Without files.
    pub fn new() -> InMemory {
        InMemory::default()
    }

    /// With one more; the path is spelled as the config's directory and the path in the config make it.
    pub fn with(mut self, path: impl Into<PathBuf>, bytes: impl Into<Vec<u8>>) -> InMemory {
        self.files.insert(path.into(), bytes.into());
        self
    }

    /// With all files last written at this moment instead of in 1970.
    pub fn written(self, at: WallTime) -> InMemory {
        InMemory { written: at, ..self }
    }

    /// A copy of a file.
    pub fn open(&self, path: &Path) -> io::Result<Opened> {
        let bytes = self.files.get(path).ok_or(io::ErrorKind::NotFound)?.clone();
        let stamp = FileStamp { bytes: bytes.len() as u64, modified: self.written, changed: self.written, inode: 0 };
        Ok((Box::new(io::Cursor::new(bytes)), stamp))
    }
}

impl ListSource for InMemory {
    fn base(&mut self, request: &BaseRequest<'_>) -> Result<Sourced, BaseError> {
        let read = request.read(&mut |path| self.open(path), &Progress::default())?;
        Ok(Sourced::read(request, read))
    }
}
