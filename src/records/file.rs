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

/// A part that is written. After a failure its files are cut back to what is known to be whole: to open them anew would
/// mean to read all that is in them, for each chunk of lines as long as the disk is full.
struct Open {
    part: Part,
    lines: Whole,
    blocked: Whole,
    /// What of the blocked calls is still to be written.
    unwritten: Vec<u8>,
}

/// A file up to a length that is known to be whole.
struct Whole {
    file: File,
    length: u64,
}

/// Bytes could not be written, and what was written of them is still there.
#[derive(Debug)]
struct Torn(io::Error);

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

    /// Appends whole lines to the file of the day of `now`; whether that is another one than before. After an error nothing of
    /// the lines is left; where that cannot be done, the next call opens the file anew and repairs its end.
    pub(super) fn append(&mut self, lines: &[u8], now: WallTime) -> io::Result<bool> {
        let day = day_of(now);
        let fits = |open: &Open| open.part.day == day && open.lines.length + lines.len() as u64 <= self.max_size;
        let (mut open, is_other) = match self.open.take() {
            Some(open) if fits(&open) => (open, false),
            last => {
                last.into_iter().for_each(Open::leave);
                (self.open_part(day, lines.len() as u64)?, true)
            }
        };
        let begins = open.lines.length;
        match open.lines.append(lines) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                self.open = Some(open);
                return Err(error);
            }
            Err(Torn(error)) => return Err(error),
        }
        open.unwritten.extend(self.indexer.entries(lines, begins, &self.layout));
        // The lines are written; where these are torn, what is missing is added when the part is opened again.
        if let Ok(written) = open.blocked.append(&open.unwritten) {
            if written.is_ok() {
                open.unwritten.clear();
            }
            self.open = Some(open);
        }
        Ok(is_other)
    }

    /// Forces what was written to the disk.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.open.as_mut().map_or(Ok(()), |open| open.lines.file.sync_data())
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
        let (lines, blocked) = (Whole { file, length }, Whole { length: blocked.metadata()?.len(), file: blocked });
        Ok(Some(Open { part, lines, blocked, unwritten: Vec::new() }))
    }

    fn has_our_header(&self, file: &mut File) -> io::Result<bool> {
        let mut found = Vec::with_capacity(self.header.len());
        file.seek(SeekFrom::Start(0))?;
        file.take(self.header.len() as u64).read_to_end(&mut found)?;
        Ok(found == self.header)
    }
}

impl Open {
    /// Another part is written from now on.
    fn leave(mut self) {
        if !matches!(self.blocked.append(&self.unwritten), Ok(Ok(()))) {
            tracing::warn!("not all blocked calls of {} will be found", self.part);
        }
    }
}

impl Whole {
    /// Writes all of `bytes` or, where the inner result is an error, nothing.
    fn append(&mut self, bytes: &[u8]) -> Result<io::Result<()>, Torn> {
        match self.file.write_all(bytes) {
            Ok(()) => {
                self.length += bytes.len() as u64;
                Ok(Ok(()))
            }
            Err(error) => match self.take_back() {
                Ok(()) => Ok(Err(error)),
                Err(_) => Err(Torn(error)),
            },
        }
    }

    fn take_back(&self) -> io::Result<()> {
        self.file.set_len(self.length)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A full disk takes some of the bytes and refuses the rest.
    #[test]
    fn what_could_not_be_written_leaves_nothing_and_the_file_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lines");
        let file = OpenOptions::new().append(true).create(true).open(&path).unwrap();
        let mut whole = Whole { file, length: 0 };
        whole.append(b"call,1\n").unwrap().unwrap();
        fs::write(&path, "call,1\ncall,2\ncal").unwrap();
        whole.take_back().unwrap();
        whole.append(b"call,3\n").unwrap().unwrap();
        assert_eq!((fs::read_to_string(&path).unwrap(), whole.length), ("call,1\ncall,3\n".to_owned(), 14));
        whole.file = OpenOptions::new().append(true).open("/dev/full").unwrap();
        assert!(whole.append(b"call,4\n").is_err(), "what cannot be cut back is opened anew");
    }

    #[test]
    fn blocked_calls_whose_place_could_not_be_written_are_written_with_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let header = crate::engine::RECORD_HEADER;
        let line = |callee| {
            let value = |name| match name {
                "event" => "call",
                "verdict" => "decline",
                "callee" => callee,
                _ => "",
            };
            header.split(',').map(value).collect::<Vec<_>>().join(",") + "\n"
        };
        let noon = WallTime::parse("2026-11-21T12:00:00Z").unwrap();
        let mut files = RecordFiles::new(dir.path().into(), header, 1 << 30);
        files.append(line("1").as_bytes(), noon).unwrap();
        let place = files.open.as_ref().unwrap().lines.length;
        // As after a failure: the lines are there, and nothing says where the second stands.
        let unwritten = files.indexer.entries(line("2").as_bytes(), place, &files.layout);
        let open = files.open.as_mut().unwrap();
        open.lines.append(line("2").as_bytes()).unwrap().unwrap();
        open.unwritten = unwritten;
        files.append(line("3").as_bytes(), noon).unwrap();
        let index = dir.path().join("calls-20261121.blocked");
        assert_eq!(blocked::find(&index, blocked::key(b"2")).unwrap(), [place]);
        assert_eq!(fs::metadata(index).unwrap().len(), 48);
    }
}
