//! List files: CSV as people, spreadsheets and authorities write it.
//!
//! [`Columns`] says which column means what, [`read_csv`] reads a file whole or says everything that is wrong with it.

mod columns;
mod delimiter;
mod error;
mod read;
#[cfg(test)]
mod tests;

pub use columns::{Column, Columns};
pub use error::{CsvError, CsvErrors, RowError, RowReason};
pub use read::{CsvList, read_csv};
