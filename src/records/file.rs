//! The file that is written, kept whole: a line that was torn by a crash or a full disk is cut off before more follows.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::civil::Date;

use super::blocked::{self, Indexer};
use super::part::{Kind, Part, day_of, parts};
use super::row::Layout;
use crate::time::WallTime;

/// The files of a directory, one of them open.
pub(super) struct RecordFiles {
    dir: PathBuf,
    header: Vec<u8>,
    layout: Layout,
    max_size: u64,
    open: Option<Open>,
    indexer: Indexer,
    current: Current,
}

/// The part that is written, or was written last; nobody else may change its files. Held while another one is chosen.
pub(super) type Current = Arc<Mutex<Option<Part>>>;

struct Open {
    part: Part,
    file: File,
    length: u64,
    blocked: File,
}

impl RecordFiles {
    /// Files in `dir`, each beginning with the line `header` and at most `max_size` bytes long.
    pub(super) fn new(dir: PathBuf, header: &str, max_size: u64) -> RecordFiles {
        let header = format!("{header}\n").into_bytes();
        let layout = Layout::of_header(&header).expect("a header of records");
        let indexer = Indexer::default();
        RecordFiles { dir, header, layout, max_size, open: None, indexer, current: Current::default() }
    }

    /// Which part is written, for who changes the files of others.
    pub(super) fn current(&self) -> Current {
        Arc::clone(&self.current)
    }

    /// Appends whole lines to the file of the day of `now`; whether that is another one than before. After an error the file
    /// is closed, and the next call opens it anew and repairs its end.
    pub(super) fn append(&mut self, lines: &[u8], now: WallTime) -> io::Result<bool> {
        let day = day_of(now);
        let fits = |open: &Open| open.part.day == day && open.length + lines.len() as u64 <= self.max_size;
        let (mut open, is_other) = match self.open.take() {
            Some(open) if fits(&open) => (open, false),
            _ => (self.open_part(day, lines.len() as u64)?, true),
        };
        open.file.write_all(lines)?;
        let blocked = self.indexer.entries(lines, open.length, &self.layout);
        open.length += lines.len() as u64;
        // The lines are written; what is missing beside them is added when the part is opened again.
        if open.blocked.write_all(&blocked).is_ok() {
            self.open = Some(open);
        }
        Ok(is_other)
    }

    /// Forces what was written to the disk.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.open.as_mut().map_or(Ok(()), |open| open.file.sync_data())
    }

    /// The last part of a day if it can take `more` bytes, else a new one behind it. After a clock has stepped back, that of
    /// the day before.
    fn open_part(&self, day: Date, more: u64) -> io::Result<Open> {
        fs::create_dir_all(&self.dir)?;
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let last = parts(&self.dir)?.into_iter().rfind(|(part, _)| part.day == day);
        if let Some((part, files)) = last
            && files.plain
            && !files.gzip
        {
            *current = Some(part);
            if let Some(open) = self.open_file(part, more)? {
                return Ok(open);
            }
        }
        let part = last.map_or(Part { day, number: 1 }, |(part, _)| part.next());
        *current = Some(part);
        self.open_file(part, more)?.ok_or_else(|| io::ErrorKind::AlreadyExists.into())
    }

    /// `None` when it has other columns, as another version of the program wrote them, or no room.
    fn open_file(&self, part: Part, more: u64) -> io::Result<Option<Open>> {
        let path = part.path(&self.dir, Kind::Plain);
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        cut_torn_line(&mut file)?;
        if file.metadata()?.len() == 0 {
            file.write_all(&self.header)?;
        }
        let length = file.metadata()?.len();
        if length > self.header.len() as u64 && length + more > self.max_size || !self.has_our_header(&mut file)? {
            return Ok(None);
        }
        let blocked = blocked::complete(&part.path(&self.dir, Kind::Blocked), &file, &self.layout)?;
        Ok(Some(Open { part, file, length, blocked }))
    }

    fn has_our_header(&self, file: &mut File) -> io::Result<bool> {
        let mut found = Vec::with_capacity(self.header.len());
        file.seek(SeekFrom::Start(0))?;
        file.take(self.header.len() as u64).read_to_end(&mut found)?;
        Ok(found == self.header)
    }
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
