//! The folder of records, for whoever asks what happened.

use std::io;
use std::path::PathBuf;

use super::blocked;
use super::lines::PartLines;
use super::part::{DAY, Files, Kind, Part, day_of, parts};
use super::row::{Column, Fields};
use super::search::{FoundCall, Page, Search, Unread, search};
use crate::time::WallTime;

/// Reads the files that a [`RecordWriter`](super::RecordWriter) writes. Blocks; what the writer has not got yet is not
/// seen.
#[derive(Debug, Clone)]
pub struct RecordArchive {
    dir: PathBuf,
}

/// The calls to somebody that a rule kept from him.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct BlockedCalls {
    /// The latest first.
    pub calls: Vec<FoundCall>,
    /// No record before this day is left, or all before it are in parts of which one could not be read.
    pub oldest: Option<WallTime>,
    /// There are more, earlier ones.
    pub has_more: bool,
    /// Parts that could not be read, and why.
    pub unread: Vec<(String, Unread)>,
}

impl RecordArchive {
    /// The records in this directory.
    pub fn new(dir: PathBuf) -> RecordArchive {
        RecordArchive { dir }
    }

    /// Looks for calls; reads at most some 300 MB of lines.
    pub fn search(&self, query: &Search) -> io::Result<Page> {
        search(&self.dir, query)
    }

    /// The day from which on there are records.
    pub fn oldest(&self) -> io::Result<Option<WallTime>> {
        Ok(parts(&self.dir)?.into_keys().next().map(Part::began))
    }

    /// The calls to `callee`, spelled as in the records, that a rule blocked since then, at most `limit` of them.
    pub fn blocked(&self, callee: &str, since: WallTime, limit: usize) -> io::Result<BlockedCalls> {
        let parts = parts(&self.dir)?;
        let oldest = parts.keys().next().map(|part| part.began());
        let mut told = BlockedCalls { oldest, ..BlockedCalls::default() };
        for (part, files) in parts.into_iter().rev().filter(|(part, _)| part.day >= day_of(since)) {
            match self.blocked_in(part, files, callee, since, limit, &mut told) {
                Ok(()) if told.has_more => break,
                // It was removed since the folder was read.
                Ok(()) | Err(Unread::Io(io::ErrorKind::NotFound)) => {}
                Err(why) => {
                    told.oldest = told.oldest.max(Some(part.began() + DAY));
                    told.unread.push((part.to_string(), why));
                }
            }
        }
        Ok(told)
    }

    fn blocked_in(
        &self,
        part: Part,
        files: Files,
        callee: &str,
        since: WallTime,
        limit: usize,
        told: &mut BlockedCalls,
    ) -> Result<(), Unread> {
        if !files.blocked {
            return Err(Unread::NoIndex);
        }
        let places = blocked::find(&part.path(&self.dir, Kind::Blocked), blocked::key(callee.as_bytes()))?;
        if places.is_empty() {
            return Ok(());
        }
        let mut lines = PartLines::open(&self.dir, part)?;
        let (mut fields, mut line) = (Fields::default(), Vec::new());
        for place in places.into_iter().rev() {
            lines.line_at(place, &mut line)?;
            let Ok(record) = fields.read(&line, &lines.layout) else { continue };
            let is_his = record.field(Column::Callee) == callee.as_bytes();
            if !is_his || !blocked::is_blocked(&record) || record.time().is_none_or(|time| time < since) {
                continue;
            }
            if told.calls.len() >= limit {
                told.has_more = true;
                return Ok(());
            }
            told.calls.push(FoundCall::new(&record));
        }
        Ok(())
    }
}
