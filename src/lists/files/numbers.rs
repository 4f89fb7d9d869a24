//! [`read_numbers`]: one column of a file of separated cells, without making a list of it.

use std::io::Read;

use super::delimiter::delimiter;
use super::records::Records;
use super::source::Source;
use super::text::Text;
use super::{Column, Columns, FileError, Progress, RowReason, csv};

/// Hands the cell of each row that holds its number to `each`, as text, in file order; else why there is none. Rows
/// without any text are skipped. Which column it is, is found as in a list file: `column`, else the one that is named
/// `number`, else the first. Memory stays within a few MiB, whatever the file.
pub fn read_numbers<E: From<FileError>>(
    input: impl Read,
    column: Option<Column>,
    mut each: impl FnMut(Result<&str, RowReason>) -> Result<(), E>,
) -> Result<(), E> {
    let progress = Progress::default();
    let text = Text::new(Source::new(input, &progress)?, None)?;
    let delimiter = delimiter(text.piece());
    let mut records = Records::new(text, delimiter);
    let columns = Columns { number: column, ..Columns::default() };
    csv::each_row(&mut records, &columns, |records, row| {
        let number = row.map_err(|bad| bad.reason).and_then(|places| {
            let cell = records.cell(places.number).ok_or(RowReason::Missing)?;
            std::str::from_utf8(cell).map_err(|_| RowReason::Encoding)
        });
        each(number)
    })?;
    Ok(())
}
