//! One day's record file, kept whole: a line that was torn by a crash or a full disk is cut off before more follows.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::time::WallTime;

/// The files of a directory, one of them open.
pub(super) struct RecordFiles {
    dir: PathBuf,
    header: Vec<u8>,
    open: Option<(String, File)>,
}

impl RecordFiles {
    /// Files in `dir`, each beginning with the line `header`.
    pub(super) fn new(dir: PathBuf, header: &str) -> RecordFiles {
        RecordFiles { dir, header: format!("{header}\n").into_bytes(), open: None }
    }

    /// Appends whole lines to the file of the day of `now`. After an error the file is closed, and the next call opens
    /// it anew and repairs its end.
    pub(super) fn append(&mut self, lines: &[u8], now: WallTime) -> io::Result<()> {
        let day = day_of(now);
        let (opened, mut file) = match self.open.take() {
            Some((opened, file)) if opened == day => (opened, file),
            _ => {
                let file = open_day(&self.dir, &day, &self.header)?;
                (day, file)
            }
        };
        file.write_all(lines)?;
        self.open = Some((opened, file));
        Ok(())
    }

    /// Forces what was written to the disk.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.open.as_mut().map_or(Ok(()), |(_, file)| file.sync_data())
    }
}

/// `YYYYMMDD`, in UTC like every time in a record.
fn day_of(now: WallTime) -> String {
    now.to_string().chars().take("YYYY-MM-DD".len()).filter(|c| *c != '-').collect()
}

/// Opens the day's first file whose header is ours: a version with other columns leaves the old one as it is.
fn open_day(dir: &Path, day: &str, header: &[u8]) -> io::Result<File> {
    fs::create_dir_all(dir)?;
    for part in 1..=MAX_PARTS {
        let name = if part == 1 { format!("calls-{day}.csv") } else { format!("calls-{day}-{part}.csv") };
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(dir.join(name))?;
        cut_torn_line(&mut file)?;
        if file.metadata()?.len() == 0 {
            file.write_all(header)?;
            return Ok(file);
        }
        let mut found = vec![0; header.len()];
        file.seek(SeekFrom::Start(0))?;
        match file.read_exact(&mut found) {
            Ok(()) if found == header => return Ok(file),
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Cuts the file after its last line end.
fn cut_torn_line(file: &mut File) -> io::Result<()> {
    let length = file.metadata()?.len();
    let mut end = length;
    let mut block = [0; TAIL_BLOCK];
    while end > 0 {
        let start = end.saturating_sub(TAIL_BLOCK as u64);
        let size = usize::try_from(end - start).expect("a block is small");
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut block[..size])?;
        if let Some(at) = memchr::memrchr(b'\n', &block[..size]) {
            let whole = start + at as u64 + 1;
            return if whole == length { Ok(()) } else { file.set_len(whole) };
        }
        end = start;
    }
    if length == 0 { Ok(()) } else { file.set_len(0) }
}

/// A torn line is at most a chunk long (some 60 kB); it is found in a few reads.
const TAIL_BLOCK: usize = 8192;

/// The columns change with a version of the program; more than a few changes in one day are a mistake.
const MAX_PARTS: u32 = 9;
