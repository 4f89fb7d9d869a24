//! [`Assembler`]: puts together what the rows of a file gave, in file order.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use super::block::{Block, numbers_of};
use super::{FileError, ListFile, OnError, Progress, Report, RowError, RowReason};
use crate::lists::{BaseBuilder, Details, Digest, Entry};

/// What was read so far.
pub(super) struct Assembler<'p> {
    on_error: OnError,
    progress: &'p Progress,
    builder: BaseBuilder,
    /// What the last line about it removes.
    removals: BTreeSet<Entry>,
    pub(super) rows: u64,
    pub(super) guessed: u64,
    pub(super) not_utf8: u64,
    /// Whether the first row named the columns; `None` before there was any row.
    pub(super) header: Option<bool>,
    bad: Report,
    /// Entries that no list may hold: kept apart, as neither skipping nor a hundred bad rows before them hides one.
    refused: Report,
    head: Vec<(Entry, Details)>,
    /// Lines of the blocks so far.
    lines: u64,
}

impl<'p> Assembler<'p> {
    pub(super) fn new(on_error: OnError, progress: &'p Progress) -> Assembler<'p> {
        Assembler {
            on_error,
            progress,
            builder: BaseBuilder::new(),
            removals: BTreeSet::new(),
            rows: 0,
            guessed: 0,
            not_utf8: 0,
            header: None,
            bad: Report::default(),
            refused: Report::default(),
            head: Vec::new(),
            lines: 0,
        }
    }

    pub(super) fn count_rows(&mut self, rows: u64) {
        self.rows += rows;
        self.progress.rows.fetch_add(rows, Ordering::Relaxed);
    }

    pub(super) fn add(&mut self, entry: Entry, details: Details) {
        if !self.removals.is_empty() {
            self.removals.remove(&entry);
        }
        if self.head.len() < ListFile::HEAD {
            self.head.push((entry.clone(), details.clone()));
        }
        self.builder.push(entry, &details);
    }

    /// Takes the next block of lines.
    pub(super) fn block(&mut self, block: Block) {
        if block.rows > 0 {
            // Registries write none.
            self.header = Some(false);
        }
        self.count_rows(block.rows);
        for (high, lows) in block.groups() {
            if self.removals.is_empty() && self.head.len() == ListFile::HEAD {
                self.builder.push_group(high, lows);
            } else {
                numbers_of(high, lows).for_each(|number| self.add(Entry::Number(number), Details::default()));
            }
        }
        for change in &block.changes {
            let entry = Entry::Number(change.number);
            match change.removes {
                true => self.remove(entry),
                false => self.add(entry, Details { date: change.date, ..Details::default() }),
            }
        }
        self.bad.append(block.bad, self.lines);
        self.refused.append(block.refused, self.lines);
        self.lines += block.lines;
    }

    fn remove(&mut self, entry: Entry) {
        self.removals.insert(entry);
    }

    pub(super) fn error(&mut self, row: RowError) {
        match row.reason {
            RowReason::NeverBlock => self.refused.push(row),
            _ => self.bad.push(row),
        }
    }

    pub(super) fn finish(self, digest: Digest) -> Result<ListFile, FileError> {
        let nothing_good = self.builder.pushed() == 0 && self.removals.is_empty() && self.header != Some(true);
        let bad = match self.on_error {
            OnError::Fail => {
                let all = self.refused.merged(self.bad);
                if !all.is_empty() {
                    return Err(FileError::Rows(all));
                }
                Report::default()
            }
            OnError::Skip { .. } if !self.refused.is_empty() => return Err(FileError::Rows(self.refused)),
            OnError::Skip { limit } if self.bad.total > limit => {
                return Err(FileError::TooManySkipped { limit, report: self.bad });
            }
            // A list is not emptied by skipping all of its rows.
            OnError::Skip { .. } if nothing_good && !self.bad.is_empty() => return Err(FileError::Rows(self.bad)),
            OnError::Skip { .. } => self.bad,
        };
        Ok(ListFile {
            builder: self.builder,
            removals: self.removals.into_iter().collect(),
            rows: self.rows,
            guessed: self.guessed,
            not_utf8: self.not_utf8,
            header: self.header.ok_or(FileError::Empty)?,
            skipped: bad,
            digest,
            head: self.head,
        })
    }
}
