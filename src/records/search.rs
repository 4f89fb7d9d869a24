//! Looking for calls in the files of records, the latest first, a bounded piece of them at a time.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use memchr::memmem::Finder;

use super::lines::PartLines;
use super::part::{Part, day_of, parts};
use super::row::{Column, Event, Fields, Layout, Record};
use crate::time::WallTime;

/// Which calls are looked for: those for which all that is given holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// Who calls, is called or was shown as the caller, spelled as in the records.
    pub party: Option<String>,
    /// The Call-ID of the caller's side.
    pub call_id: Option<String>,
    /// A part of the text of the Reason header of our own answer.
    pub reason: Option<String>,
    /// The verdict in one word.
    pub verdict: Option<String>,
    /// The rule that decided.
    pub rule: Option<String>,
    /// The list that matched.
    pub list: Option<String>,
    /// The trunk that the call came from or went to.
    pub trunk: Option<String>,
    /// Taken up then or later.
    pub since: Option<WallTime>,
    /// Taken up then or earlier.
    pub until: Option<WallTime>,
    /// Only what was written before this place.
    pub after: Option<Position>,
    /// How many calls at most.
    pub limit: usize,
}

/// A place in the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    part: Part,
    at: u64,
}

/// Such as `calls-20261121-2:4096`.
impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.part, self.at)
    }
}

/// The text is no [`Position`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected what an earlier page gave as `next`")]
pub struct PositionError;

impl FromStr for Position {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Position, PositionError> {
        let (part, at) = text.split_once(':').ok_or(PositionError)?;
        Ok(Position { part: Part::parse(part).ok_or(PositionError)?, at: at.parse().map_err(|_| PositionError)? })
    }
}

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The calls, the latest first.
    pub calls: Vec<FoundCall>,
    /// Where to go on; `None`: all was looked at.
    pub next: Option<Position>,
    /// The time of the earliest line that was looked at.
    pub reached: Option<WallTime>,
    /// Lines that could not be read.
    pub damaged: u64,
    /// Parts that could not be read (any further), and why.
    pub unread: Vec<(String, Unread)>,
}

/// Why a part cannot be read (any further).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// What the system or the decompressor said.
    #[error("{0}")]
    Io(io::ErrorKind),
    /// An earlier version wrote it, without a column that is asked about.
    #[error("it has no column `{}`", .0.name())]
    NoColumn(Column),
    /// An earlier version wrote it, without a file that says where the blocked calls stand.
    #[error("nothing says where its blocked calls stand")]
    NoIndex,
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Unread {
        Unread::Io(error.kind())
    }
}

/// A call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundCall {
    columns: [Box<str>; Column::ALL.len()],
}

impl Search {
    /// How long after the time of a call its line is written at most.
    fn disorder(&self) -> Duration {
        if self.reason.is_some() { HANDED_OVER } else { RINGING }
    }

    /// The columns without which nothing would be found, however much there is.
    fn columns(&self) -> impl Iterator<Item = Column> {
        let asked = [
            (self.party.is_some(), &[Column::Caller, Column::Callee][..]),
            (self.reason.is_some(), &[Column::Reason]),
            (self.verdict.is_some(), &[Column::Verdict]),
            (self.rule.is_some(), &[Column::Rule]),
            (self.list.is_some(), &[Column::List]),
            (self.trunk.is_some(), &[Column::FromTrunk, Column::ToTrunk]),
        ];
        asked.into_iter().filter(|(is_asked, _)| *is_asked).flat_map(|(_, columns)| columns).copied()
    }
}

impl FoundCall {
    pub(super) fn new(record: &Record<'_>) -> FoundCall {
        FoundCall { columns: std::array::from_fn(|at| record.text(Column::ALL[at]).into()) }
    }

    /// What its line says; [`Column::DurationMs`] and [`Column::EndedBy`] are those of its end, where that was found.
    pub fn text(&self, column: Column) -> &str {
        &self.columns[column as usize]
    }

    fn set(&mut self, column: Column, text: String) {
        self.columns[column as usize] = text.into();
    }
}

/// Looks through the records in `dir`.
pub(super) fn search(dir: &Path, search: &Search) -> io::Result<Page> {
    let first_day = search.since.map(day_of);
    let last_day = search.until.map(|until| day_of(until + search.disorder()));
    let is_asked = |part: &Part| {
        first_day.is_none_or(|day| part.day >= day)
            && last_day.is_none_or(|day| part.day <= day)
            && search.after.is_none_or(|after| *part <= after.part)
    };
    let mut walk = Walk::new(search);
    for part in parts(dir)?.into_keys().rev().filter(is_asked) {
        match PartLines::open(dir, part).map_err(Unread::from).and_then(|lines| walk.through(part, lines)) {
            Ok(Step::On) => {}
            Ok(Step::Done) => break,
            // It was removed since the folder was read.
            Err(Unread::Io(io::ErrorKind::NotFound)) => {}
            Err(why) => walk.page.unread.push((part.to_string(), why)),
        }
    }
    Ok(walk.page)
}

#[derive(PartialEq, Eq)]
enum Step {
    On,
    Done,
}

struct Walk<'s> {
    search: &'s Search,
    page: Page,
    /// What stands in each line that is looked for, and in that of its end.
    needle: Option<Finder<'s>>,
    /// The ends of calls whose own lines are still to come, by the hash of the Call-ID.
    ends: HashMap<u64, (u64, Box<str>)>,
    hasher: RandomState,
    fields: Fields,
    /// Bytes that may still be read.
    budget: u64,
}

impl<'s> Walk<'s> {
    fn new(search: &'s Search) -> Walk<'s> {
        let needles = [&search.reason, &search.call_id, &search.party, &search.rule];
        // A quotation mark stands twice in the line.
        let needle = needles.into_iter().flatten().find(|text| !text.contains('"') && !text.is_empty());
        Walk {
            search,
            page: Page::default(),
            needle: needle.map(|text| Finder::new(text.as_str())),
            ends: HashMap::new(),
            hasher: RandomState::new(),
            fields: Fields::default(),
            budget: BUDGET,
        }
    }

    fn through(&mut self, part: Part, mut lines: PartLines) -> Result<Step, Unread> {
        if let Some(column) = self.search.columns().find(|column| !lines.layout.has(*column)) {
            return Err(Unread::NoColumn(column));
        }
        // From here on calls are looked for, and before that only their ends.
        let mut from = lines.ends;
        if let Some(until) = self.search.until {
            from = from.min(lines.behind(until + self.search.disorder())?);
        }
        if let Some(after) = self.search.after.filter(|after| after.part == part) {
            from = from.min(after.at);
        }
        let mut end = lines.ends.min(from.saturating_add(AHEAD));
        let mut block = Vec::new();
        while end > lines.begins {
            if self.budget == 0 {
                self.page.next = Some(Position { part, at: end });
                return Ok(Step::Done);
            }
            let begins = lines.before(end, &mut block)?;
            if end <= from {
                self.budget = self.budget.saturating_sub(end - begins);
            }
            let calls = self.look(&block, begins, from, &lines.layout);
            for (at, call) in calls.into_iter().rev() {
                let call = self.with_end(call);
                self.page.calls.push(call);
                if self.page.calls.len() >= self.search.limit {
                    self.page.next = Some(Position { part, at });
                    return Ok(Step::Done);
                }
            }
            if self.is_past(&block, &lines.layout) {
                return Ok(Step::Done);
            }
            end = begins;
        }
        Ok(Step::On)
    }

    /// The calls of a block that are looked for and begin before `from`, with their places, in order; ends are kept.
    fn look(&mut self, block: &[u8], begins: u64, from: u64, layout: &Layout) -> Vec<(u64, FoundCall)> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < block.len() {
            if let Some(needle) = &self.needle {
                let Some(hit) = needle.find(&block[at..]) else { break };
                at = memchr::memrchr(b'\n', &block[..at + hit]).map_or(0, |end| end + 1);
            }
            let next = memchr::memchr(b'\n', &block[at..]).map_or(block.len(), |end| at + end + 1);
            let place = begins + at as u64;
            match self.fields.read(&block[at..next], layout) {
                Ok(record) if record.event() == Event::End => {
                    let hash = self.hasher.hash_one(record.field(Column::CallId));
                    let duration = record.decimal(Column::DurationMs).unwrap_or_default();
                    self.ends.insert(hash, (duration, record.text(Column::EndedBy).into()));
                }
                Ok(record) if place < from && is_wanted(self.search, &record) => {
                    found.push((place, FoundCall::new(&record)));
                }
                Ok(_) => {}
                Err(_) => self.page.damaged += 1,
            }
            at = next;
        }
        found
    }

    fn with_end(&mut self, mut call: FoundCall) -> FoundCall {
        let hash = self.hasher.hash_one(call.text(Column::CallId).as_bytes());
        if call.text(Column::Status).starts_with('2')
            && let Some((duration, ended_by)) = self.ends.remove(&hash)
        {
            call.set(Column::DurationMs, duration.to_string());
            call.set(Column::EndedBy, ended_by.into());
        }
        call
    }

    /// Whether all that stands before this block is too early.
    fn is_past(&mut self, block: &[u8], layout: &Layout) -> bool {
        let first = block.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default();
        let Ok(record) = self.fields.read(first, layout) else { return false };
        let Some(time) = record.time() else { return false };
        self.page.reached = Some(time);
        let setup = record.decimal(Column::SetupMs).map_or(Duration::ZERO, Duration::from_millis);
        self.search.since.is_some_and(|since| time + setup + self.search.disorder() < since)
    }
}

fn is_wanted(search: &Search, record: &Record<'_>) -> bool {
    let is = |column, wanted: &Option<String>| {
        wanted.as_ref().is_none_or(|wanted| record.field(column) == wanted.as_bytes())
    };
    let is_party = |party: &String| {
        record.values(Column::Caller).any(|caller| caller == party.as_bytes())
            || [Column::Callee, Column::Presented].iter().any(|column| record.field(*column) == party.as_bytes())
    };
    let is_of = |trunk: &String| {
        [Column::FromTrunk, Column::ToTrunk].iter().any(|column| record.field(*column) == trunk.as_bytes())
    };
    let says = |reason: &String| record.text(Column::Reason).contains(reason.as_str());
    let is_then = || {
        let Some(time) = record.time() else { return false };
        search.since.is_none_or(|since| time >= since) && search.until.is_none_or(|until| time <= until)
    };
    record.event() == Event::Call
        && is(Column::CallId, &search.call_id)
        && is(Column::Verdict, &search.verdict)
        && is(Column::Rule, &search.rule)
        && is(Column::List, &search.list)
        && search.trunk.as_ref().is_none_or(is_of)
        && search.party.as_ref().is_none_or(is_party)
        && search.reason.as_ref().is_none_or(says)
        && (search.since.is_none() && search.until.is_none() || is_then())
}

/// A second or so of reading; who wants more asks again.
const BUDGET: u64 = 256 << 20;

/// Behind the lines that are looked through stand the ends of calls that began in them: some minutes of a busy carrier.
const AHEAD: u64 = 32 << 20;

/// A line is written at the final answer and bears the time of the INVITE. Nobody lets it ring for longer.
const RINGING: Duration = Duration::from_secs(3600);

/// Our own answer is given at once; shards hand their lines over within a second, and a disk may stall.
const HANDED_OVER: Duration = Duration::from_secs(60);
