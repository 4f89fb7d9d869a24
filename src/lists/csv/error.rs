//! What is wrong with a file.

use std::fmt;

use thiserror::Error;

use crate::lists::EntryError;

/// Why a file is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CsvError {
    /// A byte order mark of UTF-16.
    #[error("the file is UTF-16: expected UTF-8")]
    Utf16,
    /// Not one row has text: more likely cut off than meant.
    #[error("expected a header or an entry; remove `file` for an empty list")]
    Empty,
    /// The header row lacks a column.
    #[error("line 1: no column is named `{0}`")]
    NoColumn(Box<str>),
    /// Rows that cannot be read.
    #[error("{0}")]
    Rows(CsvErrors),
}

/// All bad rows of a file, the first hundred of them in full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvErrors {
    /// At most [`CsvErrors::KEPT`], in file order.
    pub rows: Vec<RowError>,
    /// How many there are altogether.
    pub total: u64,
}

impl CsvErrors {
    /// More than anybody mends before trying again, and few enough for one answer.
    pub const KEPT: usize = 100;

    pub(super) fn push(&mut self, line: u64, column: usize, reason: RowReason, cell: &str) {
        self.total += 1;
        if self.rows.len() < Self::KEPT {
            // A cell may be as long as the file; its head is enough to find it.
            let cell = cell.chars().take(CELL_KEPT).collect::<String>().into();
            self.rows.push(RowError { line, column: column + 1, cell, reason });
        }
    }
}

impl fmt::Display for CsvErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, row) in self.rows.iter().enumerate() {
            write!(f, "{}{row}", if at > 0 { "\n" } else { "" })?;
        }
        match self.total - self.rows.len() as u64 {
            0 => Ok(()),
            more => write!(f, "\n… and {more} more"),
        }
    }
}

/// One bad row.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}, column {column}: `{}`: {reason}", cell.escape_debug())]
pub struct RowError {
    /// The line of the file on which the row begins, from 1.
    pub line: u64,
    /// The cell of the row, from 1.
    pub column: usize,
    /// What stands there, at most 64 characters of it.
    pub cell: Box<str>,
    /// What is wrong with it.
    pub reason: RowReason,
}

/// What is wrong with a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RowReason {
    /// The number column.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// The row ends before the number column.
    #[error("the row has no such column: expected a number there")]
    Missing,
    /// The date column.
    #[error("expected a date such as 2026-03-25")]
    Date,
    /// The expires column.
    #[error("expected a time such as 2026-03-25T08:00:00Z")]
    Expires,
    /// A quotation mark opens a cell and swallows the lines behind it.
    #[error("a quotation mark is not closed: expected `\"` at the end of the cell")]
    OpenQuote,
}

const CELL_KEPT: usize = 64;
