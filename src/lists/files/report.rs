//! [`Report`]: the bad rows of a file.

use std::fmt;

use thiserror::Error;

use super::RowReason;

/// All bad rows of a file, counted by kind, the first hundred of them in full.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// At most [`Report::KEPT`], in file order.
    pub rows: Vec<RowError>,
    /// How many of each [`RowReason::kind`], in the order of their first rows.
    pub kinds: Vec<(&'static str, u64)>,
    /// How many there are altogether.
    pub total: u64,
}

impl Report {
    /// More than anybody mends before trying again, and few enough for one answer.
    pub const KEPT: usize = 100;

    /// Whether no row is bad.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// Both together, `self`'s rows first: reports of two files.
    pub fn and(mut self, other: &Report) -> Report {
        self.append(other.clone(), 0);
        self
    }

    pub(super) fn push(&mut self, row: RowError) {
        self.count(row.reason.kind(), 1);
        if self.rows.len() < Self::KEPT {
            self.rows.push(row);
        }
    }

    /// Takes what another report counted of rows further on in the file; `line` is how many lines lie before those.
    pub(super) fn append(&mut self, other: Report, line: u64) {
        other.kinds.into_iter().for_each(|(kind, count)| self.count(kind, count));
        let room = Self::KEPT - self.rows.len();
        self.rows.extend(other.rows.into_iter().take(room).map(|row| RowError { line: row.line + line, ..row }));
    }

    /// Both together, `self`'s rows before any of `other`'s where there is not room for all.
    pub(super) fn merged(mut self, other: Report) -> Report {
        self.append(other, 0);
        self.rows.sort_by_key(|row| row.line);
        self
    }

    fn count(&mut self, kind: &'static str, count: u64) {
        self.total += count;
        match self.kinds.iter_mut().find(|(own, _)| *own == kind) {
            Some((_, own)) => *own += count,
            None => self.kinds.push((kind, count)),
        }
    }
}

/// A row a line.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, row) in self.rows.iter().enumerate() {
            write!(f, "{}{row}", if at > 0 { "\n" } else { "" })?;
        }
        match self.total.saturating_sub(self.rows.len() as u64) {
            0 => Ok(()),
            more => {
                write!(f, "\n… and {more} more; altogether")?;
                let mut between = " ";
                for (kind, count) in &self.kinds {
                    write!(f, "{between}{count} {kind}")?;
                    between = ", ";
                }
                Ok(())
            }
        }
    }
}

/// One bad row.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}, column {column}: `{}`: {reason}", cell.escape_debug())]
pub struct RowError {
    /// The line of the file on which the row begins, from 1.
    pub line: u64,
    /// The cell of the row, from 1; in `tps`, which has no cells, the character.
    pub column: usize,
    /// What stands there, at most 64 characters of it.
    pub cell: Box<str>,
    /// What is wrong with it.
    pub reason: RowReason,
}

impl RowError {
    /// `at` is the cell's place from 0.
    pub(super) fn new(line: u64, at: usize, cell: &[u8], reason: RowReason) -> RowError {
        let head = &cell[..cell.len().min(CELL_KEPT)];
        let cell = String::from_utf8_lossy(head).chars().take(CHARACTERS_KEPT).collect::<String>().into();
        RowError { line, column: at + 1, cell, reason }
    }
}

/// A cell may be as long as its row; its head is enough to find it.
const CHARACTERS_KEPT: usize = 64;
/// No character has more than 4 bytes.
pub(super) const CELL_KEPT: usize = 4 * CHARACTERS_KEPT;
