//! [`Block`]: what the lines of one block of text gave.

use jiff::civil::Date;

use super::{Refuse, Report, RowError, RowReason};
use crate::lists::Entry;
use crate::number::Number;

/// Numbers in the groups that a base holds them in, and what is wrong with the other lines. Lines count from the
/// block's first.
#[derive(Debug, Default)]
pub(super) struct Block {
    /// `number >> 16`, and where its numbers end in `lows`.
    groups: Vec<(u64, usize)>,
    lows: Vec<u16>,
    /// Set once some line has more than a number; all others of the block are here from then on, too.
    pub(super) changes: Vec<ChangeLine>,
    pub(super) rows: u64,
    pub(super) lines: u64,
    pub(super) bad: Report,
    pub(super) refused: Report,
}

/// A number that is added or removed.
#[derive(Debug, Clone, Copy)]
pub(super) struct ChangeLine {
    pub(super) number: Number,
    pub(super) date: Option<Date>,
    pub(super) removes: bool,
}

impl Block {
    /// Adds a number whose line, the current one, holds nothing else.
    #[inline]
    pub(super) fn push(&mut self, number: Number) {
        if !self.changes.is_empty() {
            return self.changes.push(ChangeLine { number, date: None, removes: false });
        }
        let (high, low) = (number.get() >> 16, low(number.get()));
        self.lows.push(low);
        match self.groups.last_mut() {
            Some((last, end)) if *last == high => *end += 1,
            _ => self.groups.push((high, self.lows.len())),
        }
    }

    /// Adds or removes a number.
    pub(super) fn change(&mut self, change: ChangeLine) {
        if self.changes.is_empty() {
            let plain = |number| ChangeLine { number, date: None, removes: false };
            self.changes = self.numbers().map(plain).collect();
            self.groups.clear();
            self.lows.clear();
        }
        self.changes.push(change);
    }

    /// `number`, unless no list may hold it: then the current line is an error.
    #[inline]
    pub(super) fn guarded(&mut self, number: Number, refuse: &impl Refuse, at: usize, cell: &[u8]) -> Option<Number> {
        if refuse.refuses(&Entry::Number(number)) {
            self.refused.push(RowError::new(self.lines, at, cell, RowReason::NeverBlock));
            return None;
        }
        Some(number)
    }

    /// The current line is wrong at the cell `at`, from 0.
    pub(super) fn error(&mut self, at: usize, cell: &[u8], reason: RowReason) {
        self.bad.push(RowError::new(self.lines, at, cell, reason));
    }

    /// The groups in the order of the text.
    pub(super) fn groups(&self) -> impl Iterator<Item = (u64, &[u16])> {
        let starts = std::iter::once(0).chain(self.groups.iter().map(|(_, end)| *end));
        self.groups.iter().zip(starts).map(|((high, end), start)| (*high, &self.lows[start..*end]))
    }

    fn numbers(&self) -> impl Iterator<Item = Number> {
        self.groups().flat_map(|(high, lows)| numbers_of(high, lows))
    }
}

/// The numbers of a group.
pub(super) fn numbers_of(high: u64, lows: &[u16]) -> impl Iterator<Item = Number> {
    lows.iter().filter_map(move |low| Number::new(high << 16 | u64::from(*low)))
}

#[allow(clippy::cast_possible_truncation)] // what is cut off is the group
const fn low(number: u64) -> u16 {
    number as u16
}

/// Calls `line` for each line of a block, without its end; blank lines are only counted.
pub(super) fn each_line(mut text: &[u8], block: &mut Block, mut line: impl FnMut(&mut Block, &[u8])) {
    while !text.is_empty() {
        text = next_line(text, block, &mut line);
    }
}

/// Calls `line` for the first line of a block; what follows it.
pub(super) fn next_line<'t>(text: &'t [u8], block: &mut Block, line: impl FnOnce(&mut Block, &[u8])) -> &'t [u8] {
    let (first, rest) = match memchr::memchr(b'\n', text) {
        Some(end) => (&text[..end], &text[end + 1..]),
        None => (text, &text[text.len()..]),
    };
    let first = first.strip_suffix(b"\r").unwrap_or(first);
    block.lines += 1;
    if !first.trim_ascii().is_empty() {
        block.rows += 1;
        line(block, first);
    }
    rest
}
