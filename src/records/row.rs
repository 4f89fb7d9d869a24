//! Record files, read: line by line, by the names of their columns.
//!
//! Each line is a record (the engine writes no line ends into fields), so that a damaged line spoils no other.

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use crate::text::words;
use crate::time::WallTime;

/// What is wrong with a record file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// It cannot be read (any further).
    #[error("{}:{line}: {kind}", .file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// The line at which reading ended.
        line: u64,
        /// What the system or the decompressor said.
        kind: io::ErrorKind,
    },
    /// It is no file of records.
    #[error("{}: the first line is no header of records: expected columns such as `event,time,call_id`", .0.display())]
    NoHeader(PathBuf),
    /// A line cannot be read; those behind it can.
    #[error("{}:{line}: {damage}", .file.display())]
    Line {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: u64,
        /// Why not.
        damage: Damage,
    },
}

impl RecordError {
    /// Whether only a line is lost and reading can go on.
    pub fn is_one_line(&self) -> bool {
        matches!(self, RecordError::Line { .. })
    }
}

/// Why a line cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The last line has no end: it is being written, or was torn by a crash.
    #[error("the last line is torn")]
    Torn,
    /// Longer than any record.
    #[error("a line of more than {MAX_LINE} bytes")]
    Long,
    /// Not as many fields as the header has columns.
    #[error("{found} fields, where the header has {expected} columns")]
    Fields {
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// Neither a `call` nor an `end`.
    #[error("the event is neither `call` nor `end`")]
    Event,
}

/// What a line tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A call got its final answer, or was dropped.
    Call,
    /// An answered call is over.
    End,
}

macro_rules! columns {
    ($($(#[$doc:meta])* $column:ident = $name:literal,)*) => {
        /// A column of the records.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Column {
            $($(#[$doc])* $column,)*
        }

        impl Column {
            /// All of them, in the order of the files that are written now.
            pub const ALL: &[Column] = &[$(Column::$column),*];

            /// As it stands in the header.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Column::$column => $name,)*
                }
            }
        }
    };
}

columns! {
    /// `call` or `end`.
    Event = "event",
    /// When the call was taken up, or ended: RFC 3339, UTC.
    Time = "time",
    /// Call-ID of the caller's side.
    CallId = "call_id",
    /// `udp`, `tcp` or `tls`.
    Transport = "transport",
    /// The address that the INVITE came from.
    Peer = "peer",
    /// The trunk that the call came from.
    FromTrunk = "from_trunk",
    /// The trunk that it went to.
    ToTrunk = "to_trunk",
    /// `INVITE` or `MESSAGE`; empty for an `end`.
    Method = "method",
    /// The Request-URI as it came.
    RequestUri = "request_uri",
    /// The URI of From as it came.
    From = "from",
    /// The URIs of P-Asserted-Identity, joined with a space.
    Asserted = "asserted",
    /// `yes` for Privacy: id, user or header.
    Privacy = "privacy",
    /// The URIs of Diversion, joined with a space.
    Diversion = "diversion",
    /// Headers that rules read, as `name=value`, percent-encoded and joined with `&`.
    Headers = "headers",
    /// The verdict in one word.
    Verdict = "verdict",
    /// The rule that decided.
    Rule = "rule",
    /// The list that matched.
    List = "list",
    /// The entry of that list.
    Entry = "entry",
    /// What rules that only watch would have done, joined with `; `.
    Observed = "observed",
    /// The generation of the world that was asked.
    Generation = "generation",
    /// The random number of the decision.
    Draw = "draw",
    /// The route.
    Route = "route",
    /// The text of the Reason header of our own answer.
    Reason = "reason",
    /// Who calls, as it was screened: the asserted identities, then From; joined with a space.
    Caller = "caller",
    /// Who is called, as it was screened.
    Callee = "callee",
    /// The caller number that was shown.
    Presented = "presented",
    /// The final answer; empty for a call that was dropped.
    Status = "status",
    /// How long after `time` that came, in milliseconds.
    SetupMs = "setup_ms",
    /// How long the call was up, in milliseconds.
    DurationMs = "duration_ms",
    /// `caller`, `callee` or `expiry`.
    EndedBy = "ended_by",
}

/// Where the columns of a file stand, by [`Column`]; `None`: the version that wrote the file did not have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    places: [Option<u16>; Column::ALL.len()],
    width: usize,
}

impl Layout {
    /// That of a file whose header is still to be read.
    pub(super) fn none() -> Layout {
        Layout { places: [None; Column::ALL.len()], width: 0 }
    }

    /// Whether the file has this column.
    pub(super) fn has(&self, column: Column) -> bool {
        self.places[column as usize].is_some()
    }

    /// Reads a header line; `None`: it is none. Columns of later versions are passed over.
    pub fn of_header(line: &[u8]) -> Option<Layout> {
        let names: Vec<&[u8]> = without_line_end(line).split(|byte| *byte == b',').collect();
        let mut places = [None; Column::ALL.len()];
        for (place, column) in places.iter_mut().zip(Column::ALL) {
            let at = names.iter().position(|name| *name == column.name().as_bytes());
            *place = at.map(u16::try_from).transpose().ok()?;
        }
        let is_header = [Column::Event, Column::Time, Column::CallId].iter().all(|it| places[*it as usize].is_some());
        is_header.then_some(Layout { places, width: names.len() })
    }
}

/// The fields of one line. Keeps its memory from line to line.
#[derive(Debug)]
pub struct Fields {
    text: Vec<u8>,
    spans: Vec<Range<usize>>,
    /// Makes its tables once.
    quoted: csv_core::Reader,
}

impl Default for Fields {
    fn default() -> Fields {
        // A default reader of csv_core has no tables at all.
        Fields { text: Vec::new(), spans: Vec::new(), quoted: csv_core::Reader::new() }
    }
}

impl Fields {
    /// Takes a line apart, with or without its line end.
    pub fn read<'a>(&'a mut self, line: &[u8], layout: &'a Layout) -> Result<Record<'a>, Damage> {
        let line = without_line_end(line);
        self.text.clear();
        self.spans.clear();
        if memchr::memchr(b'"', line).is_none() {
            self.text.extend_from_slice(line);
            let mut start = 0;
            for end in memchr::memchr_iter(b',', line).chain([line.len()]) {
                self.spans.push(start..end);
                start = end + 1;
            }
        } else {
            self.unquote(line);
        }
        let (found, expected) = (self.spans.len(), layout.width);
        if found != expected {
            return Err(Damage::Fields { found, expected });
        }
        let record = Record { fields: self, layout, event: Event::Call };
        match record.field(Column::Event) {
            b"call" => Ok(record),
            b"end" => Ok(Record { event: Event::End, ..record }),
            _ => Err(Damage::Event),
        }
    }

    /// RFC 4180.
    fn unquote(&mut self, line: &[u8]) {
        self.quoted.reset();
        // What is read out is never longer than what is read in.
        self.text.resize(line.len(), 0);
        let (mut rest, mut start, mut written) = (line, 0, 0);
        loop {
            let (result, read, wrote) = self.quoted.read_field(rest, &mut self.text[written..]);
            rest = &rest[read..];
            written += wrote;
            match result {
                csv_core::ReadFieldResult::Field { record_end } => {
                    self.spans.push(start..written);
                    start = written;
                    if record_end {
                        return;
                    }
                }
                // With an empty input the reader is told that the line is over.
                csv_core::ReadFieldResult::InputEmpty => {}
                csv_core::ReadFieldResult::OutputFull | csv_core::ReadFieldResult::End => return,
            }
        }
    }
}

/// A line of the records.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    fields: &'a Fields,
    layout: &'a Layout,
    event: Event,
}

impl<'a> Record<'a> {
    /// What it tells.
    pub fn event(&self) -> Event {
        self.event
    }

    /// The bytes of a column; empty where the file does not have it.
    pub fn field(&self, column: Column) -> &'a [u8] {
        let place = self.layout.places[column as usize].map(usize::from);
        place.map_or(b"", |place| &self.fields.text[self.fields.spans[place].clone()])
    }

    /// Whether the file has this column: that of an earlier version may not.
    pub fn has(&self, column: Column) -> bool {
        self.layout.has(column)
    }

    /// A column as text.
    pub fn text(&self, column: Column) -> Cow<'a, str> {
        String::from_utf8_lossy(self.field(column))
    }

    /// A column that holds a number, such as [`Column::Draw`] or [`Column::Status`].
    pub fn decimal(&self, column: Column) -> Option<u64> {
        std::str::from_utf8(self.field(column)).ok()?.parse().ok()
    }

    /// When the call was taken up, or ended.
    pub fn time(&self) -> Option<WallTime> {
        WallTime::parse(std::str::from_utf8(self.field(Column::Time)).ok()?)
    }

    /// The values of a column that holds several: [`Column::Asserted`], [`Column::Diversion`], [`Column::Caller`].
    pub fn values(&self, column: Column) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        words(self.field(column))
    }

    /// Whether the caller asked for privacy.
    pub fn wants_privacy(&self) -> bool {
        self.field(Column::Privacy) == b"yes"
    }
}

/// Reads a record file from its beginning to its end.
pub struct RecordReader<R> {
    input: R,
    file: PathBuf,
    /// Of `line`, from 1.
    at: u64,
    line: Vec<u8>,
    layout: Layout,
    fields: Fields,
    is_over: bool,
}

impl RecordReader<Box<dyn BufRead + Send>> {
    /// Opens a file; one whose name ends in `.gz` is decompressed.
    pub fn open(file: &Path) -> Result<Self, RecordError> {
        let opened = File::open(file);
        let opened = opened.map_err(|error| RecordError::Io { file: file.into(), line: 1, kind: error.kind() })?;
        let input = BufReader::with_capacity(BUFFER, opened);
        if file.extension().is_some_and(|extension| extension == "gz") {
            let text = BufReader::with_capacity(BUFFER, MultiGzDecoder::new(input));
            RecordReader::new(Box::new(text), file)
        } else {
            RecordReader::new(Box::new(input), file)
        }
    }
}

impl<R: BufRead> RecordReader<R> {
    /// Reads the header. `file` is the input's name in errors.
    pub fn new(input: R, file: &Path) -> Result<RecordReader<R>, RecordError> {
        let (layout, line, fields) = (Layout::none(), Vec::new(), Fields::default());
        let mut reader = RecordReader { input, file: file.into(), at: 0, line, layout, fields, is_over: false };
        let header = reader.read_line()?.and_then(|()| Layout::of_header(&reader.line));
        reader.layout = header.ok_or_else(|| RecordError::NoHeader(file.into()))?;
        Ok(reader)
    }

    /// The next line; `None` at the end. After an error with [`RecordError::is_one_line`] the lines behind it can be read.
    pub fn read(&mut self) -> Result<Option<Record<'_>>, RecordError> {
        if self.is_over || self.read_line()?.is_none() {
            return Ok(None);
        }
        let (file, line) = (&self.file, self.at);
        let damaged = |damage| RecordError::Line { file: file.clone(), line, damage };
        if self.line.last() != Some(&b'\n') {
            return Err(damaged(if self.line.len() > MAX_LINE { Damage::Long } else { Damage::Torn }));
        }
        self.fields.read(&self.line, &self.layout).map(Some).map_err(damaged)
    }

    /// The number of the line that was read last, from 1.
    pub fn line(&self) -> u64 {
        self.at
    }

    /// The line with its end, as far as it has one and is not too long; `None` at the end of the file.
    fn read_line(&mut self) -> Result<Option<()>, RecordError> {
        self.at += 1;
        self.line.clear();
        let read = read_line(&mut self.input, &mut self.line);
        match read {
            Ok(()) if self.line.is_empty() => {
                self.is_over = true;
                Ok(None)
            }
            Ok(()) => Ok(Some(())),
            Err(error) => {
                self.is_over = true;
                Err(RecordError::Io { file: self.file.clone(), line: self.at, kind: error.kind() })
            }
        }
    }
}

impl<R> fmt::Debug for RecordReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordReader").field("file", &self.file).field("line", &self.at).finish_non_exhaustive()
    }
}

/// Of a line that is too long only the beginning is kept, without a line end.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<()> {
    let most = MAX_LINE as u64 + 1;
    input.by_ref().take(most).read_until(b'\n', line)?;
    if line.len() > MAX_LINE && line.last() != Some(&b'\n') {
        input.skip_until(b'\n')?;
    }
    Ok(())
}

fn without_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// A message has at most 64 KiB, of which a record holds parts, percent-encoded and quoted at most three times as long.
pub(super) const MAX_LINE: usize = 256 << 10;

/// Larger ones make reading no faster.
const BUFFER: usize = 128 << 10;
