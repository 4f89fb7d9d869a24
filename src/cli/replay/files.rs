//! Record files, found and read in the order of their times.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::replayer::Replayer;
use crate::records::{RecordError, RecordReader};
use crate::time::WallTime;

/// Why there is nothing to replay.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilesError {
    /// A file or folder cannot be opened.
    #[error("{}: {kind}", .path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system said.
        kind: io::ErrorKind,
    },
    /// A folder without any.
    #[error("{}: no record files: expected .csv or .csv.gz", .0.display())]
    None(PathBuf),
    /// A file is none of records, or cannot even be begun.
    #[error(transparent)]
    Foreign(#[from] RecordError),
}

/// Hands all calls of these files and folders to `replayer`: the files in the order of their first line, the lines as they
/// stand, which is within the time that calls ring.
pub fn read_all(paths: &[PathBuf], replayer: &mut Replayer<'_>) -> Result<(), FilesError> {
    let mut files = Vec::new();
    for path in paths {
        files.extend(files_of(path)?);
    }
    let mut begun = Vec::with_capacity(files.len());
    for file in files {
        begun.push((first_time(&file)?, file));
    }
    begun.sort();
    begun.dedup();
    for (_, file) in begun {
        read(&file, replayer)?;
    }
    Ok(())
}

fn read(file: &Path, replayer: &mut Replayer<'_>) -> Result<(), FilesError> {
    replayer.begin_file();
    let Some(mut reader) = open(file)? else { return Ok(()) };
    loop {
        let damage = match reader.read() {
            Ok(Some(record)) => replayer.take(&record).err().map(str::to_owned),
            Ok(None) => return Ok(()),
            Err(error) => {
                replayer.lose(error.to_string());
                if !error.is_one_line() {
                    return Ok(());
                }
                None
            }
        };
        if let Some(damage) = damage {
            replayer.lose(format!("{}:{}: {damage}", file.display(), reader.line()));
        }
    }
}

/// The daemon may compress a file at any moment; the compressed one is there before the other goes.
fn open(file: &Path) -> Result<Option<RecordReader<Box<dyn io::BufRead + Send>>>, FilesError> {
    match open_as_named(file) {
        Err(
            FilesError::Unreadable { kind: io::ErrorKind::NotFound, .. }
            | FilesError::Foreign(RecordError::Io { kind: io::ErrorKind::NotFound, .. }),
        ) if compressed(file).exists() => open_as_named(&compressed(file)),
        opened => opened,
    }
}

/// `None` for an empty file: the daemon has made it and not written to it yet.
fn open_as_named(file: &Path) -> Result<Option<RecordReader<Box<dyn io::BufRead + Send>>>, FilesError> {
    let length = fs::metadata(file).map_err(|error| unreadable(file, &error))?.len();
    if length == 0 { Ok(None) } else { Ok(Some(RecordReader::open(file)?)) }
}

/// Files without any call come first.
fn first_time(file: &Path) -> Result<Option<WallTime>, FilesError> {
    let Some(mut reader) = open(file)? else { return Ok(None) };
    loop {
        match reader.read() {
            Ok(Some(record)) => {
                if let Some(time) = record.time() {
                    return Ok(Some(time));
                }
            }
            Ok(None) => return Ok(None),
            Err(error) if error.is_one_line() => {}
            Err(_) => return Ok(None),
        }
    }
}

/// A file itself, or the record files of a folder: of one that is there compressed as well, the one that is not.
fn files_of(path: &Path) -> Result<Vec<PathBuf>, FilesError> {
    let failed = |error: io::Error| unreadable(path, &error);
    if !fs::metadata(path).map_err(failed)?.is_dir() {
        return Ok(vec![path.into()]);
    }
    let mut files = Vec::new();
    for file in fs::read_dir(path).map_err(failed)? {
        let file = file.map_err(failed)?.path();
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".csv") || name.ends_with(".csv.gz") {
            files.push(file);
        }
    }
    let plain: HashSet<PathBuf> = files.iter().map(|file| compressed(file)).collect();
    files.retain(|file| !plain.contains(file));
    if files.is_empty() { Err(FilesError::None(path.into())) } else { Ok(files) }
}

/// The name of a file once it is compressed.
fn compressed(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".gz");
    name.into()
}

fn unreadable(path: &Path, error: &io::Error) -> FilesError {
    FilesError::Unreadable { path: path.into(), kind: error.kind() }
}
