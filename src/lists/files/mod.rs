//! List files: CSV as people, spreadsheets and authorities write it, and the fixed layouts of registries.
//!
//! [`FileOptions`] says what the bytes of a file mean; [`read_list`] reads it whole, or says everything that is wrong
//! with it.

mod assembler;
mod block;
mod blocks;
mod columns;
mod csv;
mod delimiter;
mod error;
mod ftc;
mod numbers;
mod options;
mod read;
mod records;
mod report;
mod source;
#[cfg(test)]
mod tests;
mod text;
mod texts;
mod tps;

pub use columns::{Column, Columns};
pub use error::{Compression, FileError, RowReason};
pub use numbers::read_numbers;
pub use options::{FileOptions, Format, OnError};
pub use read::{ListFile, Progress, Refuse, read_list};
pub use report::{Report, RowError};
pub use texts::{DateFormat, Delimiter, Encoding, TextError};

/// No row of a list is longer, in bytes: what is, is no list file, or has lost its line ends.
const MAX_ROW: usize = 1 << 20;
/// As many cells in a row as a column can be named by its place.
const MAX_CELLS: usize = u16::MAX as usize;
