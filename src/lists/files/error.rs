//! What is wrong with a file.

use std::io;

use thiserror::Error;

use super::Report;
use crate::lists::EntryError;

/// Why a file is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FileError {
    /// It cannot be read on.
    #[error("byte {at}: the file cannot be read: {kind}")]
    Io {
        /// How many bytes were read before.
        at: u64,
        /// Why.
        kind: io::ErrorKind,
    },
    /// It ends before its compressed data does.
    #[error("byte {at}: the {compression} file ends in the middle of its data: more likely cut off than meant")]
    Truncated {
        /// Where it ends.
        at: u64,
        /// `gzip` or `zstd`.
        compression: Compression,
    },
    /// Its compressed data is damaged.
    #[error("near byte {at}: the {compression} data is damaged: {told}")]
    Damaged {
        /// How many bytes were read before it showed.
        at: u64,
        /// `gzip` or `zstd`.
        compression: Compression,
        /// In the words of the decoder.
        told: Box<str>,
    },
    /// A byte order mark of UTF-16.
    #[error("the file is UTF-16: expected UTF-8, or its `encoding` (`utf-16le`, `utf-16be`)")]
    Utf16,
    /// Not one row has text: more likely cut off than meant.
    #[error("expected a header or an entry; remove `file` for an empty list")]
    Empty,
    /// The header row lacks a column.
    #[error("line 1: no column is named `{0}`")]
    NoColumn(Box<str>),
    /// Rows that cannot be read, or that must not be.
    #[error("{0}")]
    Rows(Report),
    /// More rows were skipped than `skip_limit` lets.
    #[error("{} bad rows, but `skip_limit` is {limit}:\n{report}", report.total)]
    TooManySkipped {
        /// The limit.
        limit: u64,
        /// All of them.
        report: Report,
    },
}

impl FileError {
    /// The rows that are wrong, where it is rows.
    pub fn report(&self) -> Option<&Report> {
        match self {
            FileError::Rows(report) | FileError::TooManySkipped { report, .. } => Some(report),
            _ => None,
        }
    }
}

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl std::fmt::Display for Compression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
        })
    }
}

/// What is wrong with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RowReason {
    /// The number column.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// The row ends before the number column.
    #[error("the row has no such column: expected a number there")]
    Missing,
    /// A date that is written otherwise.
    #[error("expected a date such as 2026-03-25")]
    Date,
    /// A date that is not written as the options say.
    #[error("expected a date as `date_format` spells it")]
    DateFormat,
    /// The thirtieth of February.
    #[error("there is no such day: expected a date of the calendar")]
    NoSuchDate,
    /// A date before 1970, from which time is counted.
    #[error("too early for an end: expected a date since 1970")]
    TooEarly,
    /// The expires column.
    #[error("expected a time such as 2026-03-25T08:00:00Z")]
    Expires,
    /// A quotation mark opens a cell and swallows the lines behind it.
    #[error("a quotation mark is not closed: expected `\"` at the end of the cell")]
    OpenQuote,
    /// A cell that is wanted and no text in the file's encoding.
    #[error("not in the file's encoding: expected UTF-8, or its `encoding` (`windows-1250`, say)")]
    Encoding,
    /// A row that is longer than any row of a list.
    #[error("the row is longer than {} bytes: expected the end of a line", super::MAX_ROW)]
    RowTooLong,
    /// A row with more cells than a column can be named of.
    #[error("the row has more than {} cells: expected another delimiter or a line end", super::MAX_CELLS)]
    TooManyCells,
    /// A number of `never_block`.
    #[error("numbers.never_block holds it: no list may")]
    NeverBlock,
    /// An American number of another length.
    #[error("{0} digits: expected an area code of 3 and a number of 7")]
    TenDigits(usize),
    /// An area code that begins with 0 or 1.
    #[error("no area code begins with 0 or 1: expected `212,5550142`")]
    AreaCode,
    /// A further cell of a change line.
    #[error("expected an operation (`A` or `D`) or a date such as 2026-03-25")]
    Operation,
    /// A second operation or a second date.
    #[error("expected one operation and one date")]
    Twice,
    /// A line that has not 12 characters.
    #[error("{0} characters: expected 12")]
    Length(usize),
    /// Blanks elsewhere than in either layout.
    #[error("expected a dialling code in 5 characters and the rest in 7, or the whole number and blanks behind it")]
    Layout,
    /// Digits that the dial plan does not take for a number.
    #[error("no number of the dial plan: expected its digits with the national prefix")]
    NotNational,
}

impl RowReason {
    /// The name of the kind, for counts: rows with the same one are wrong in the same way.
    pub fn kind(self) -> &'static str {
        match self {
            RowReason::Entry(error) => error.kind(),
            RowReason::Missing => "missing",
            RowReason::Date | RowReason::DateFormat => "date",
            RowReason::NoSuchDate => "no-such-date",
            RowReason::TooEarly => "too-early",
            RowReason::Expires => "expires",
            RowReason::OpenQuote => "open-quote",
            RowReason::Encoding => "encoding",
            RowReason::RowTooLong => "row-too-long",
            RowReason::TooManyCells => "too-many-cells",
            RowReason::NeverBlock => "never-block",
            RowReason::TenDigits(_) => "ten-digits",
            RowReason::AreaCode => "area-code",
            RowReason::Operation => "operation",
            RowReason::Twice => "twice",
            RowReason::Length(_) => "length",
            RowReason::Layout => "layout",
            RowReason::NotNational => "not-national",
        }
    }
}
