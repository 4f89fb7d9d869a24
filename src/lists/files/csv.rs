//! Files of separated cells: `csv` and `uke`.

use std::borrow::Cow;
use std::io::Read;
use std::sync::Arc;

use super::assembler::Assembler;
use super::columns::Places;
use super::delimiter::delimiter;
use super::records::{Records, Unreadable};
use super::source::Source;
use super::text::Text;
use super::texts::{BadDate, read_date};
use super::{Columns, FileError, FileOptions, Format, Refuse, RowError, RowReason};
use crate::lists::entry::parse_marked;
use crate::lists::{Details, Digest, Entry};
use crate::time::WallTime;

/// Reads all rows; the digest of the file.
pub(super) fn read(
    source: Source<'_, impl Read>,
    options: &FileOptions,
    refuse: &impl Refuse,
    assembler: &mut Assembler<'_>,
) -> Result<Digest, FileError> {
    let text = Text::new(source, options.encoding)?;
    let delimiter = options.delimiter.map_or_else(|| delimiter(text.piece()), |given| given.byte());
    let mut records = Records::new(text, delimiter);
    assembler.header = each_row(&mut records, &columns(options), |records, row| {
        let line = records.line();
        assembler.count_rows(1);
        let places = match row {
            Ok(places) => places,
            Err(bad) => {
                assembler.error(RowError::new(line, bad.at, &bad.cell, bad.reason));
                return Ok::<(), FileError>(());
            }
        };
        match read_row(records, places, options) {
            Ok(row) if refuse.refuses(&row.entry) => {
                let cell = records.cell(places.number).unwrap_or_default();
                assembler.error(RowError::new(line, places.number, cell, RowReason::NeverBlock));
            }
            Ok(row) => {
                assembler.guessed += u64::from(row.guessed);
                assembler.not_utf8 += u64::from(row.not_utf8);
                assembler.add(row.entry, row.details);
            }
            Err((at, reason)) => {
                assembler.error(RowError::new(line, at, records.cell(at).unwrap_or_default(), reason));
            }
        }
        Ok(())
    })?;
    records.finish()
}

/// Hands each row that has any text to `each` with the places of its cells, or what is no row; the header row is none of
/// them. Whether there was one; `None`: there was no row.
pub(super) fn each_row<R: Read, E: From<FileError>>(
    records: &mut Records<'_, R>,
    columns: &Columns,
    mut each: impl FnMut(&Records<'_, R>, Result<&Places, Unreadable>) -> Result<(), E>,
) -> Result<Option<bool>, E> {
    let mut found: Option<(Places, bool)> = None;
    while let Some(row) = records.next()? {
        if let Err(bad) = row {
            each(records, Err(bad))?;
            continue;
        }
        if records.iter().all(|cell| cell.trim_ascii().is_empty()) {
            continue;
        }
        if found.is_none() {
            let first: Vec<Cow<'_, str>> = records.iter().map(String::from_utf8_lossy).collect();
            let first: Vec<&str> = first.iter().map(AsRef::as_ref).collect();
            let (places, header) = columns.places(&first)?;
            found = Some((places, header));
            if header {
                continue;
            }
        }
        if let Some((places, _)) = &found {
            each(records, Ok(places))?;
        }
    }
    Ok(found.map(|(_, header)| header))
}

/// The columns of `uke` have their order where nothing else is said.
fn columns(options: &FileOptions) -> Cow<'_, Columns> {
    match options.format {
        Format::Uke if options.columns == Columns::default() => Cow::Owned(Columns::uke()),
        _ => Cow::Borrowed(&options.columns),
    }
}

/// A good row.
struct Row {
    entry: Entry,
    guessed: bool,
    not_utf8: bool,
    details: Details,
}

/// The row, else the cell that is wrong and why.
fn read_row(
    records: &Records<'_, impl Read>,
    places: &Places,
    options: &FileOptions,
) -> Result<Row, (usize, RowReason)> {
    let text = |at: usize| match records.cell(at).map(std::str::from_utf8).transpose() {
        Ok(text) => Ok(text),
        Err(_) => Err((at, RowReason::Encoding)),
    };
    let cell = |at: Option<usize>| match at {
        Some(at) => Ok(text(at)?.map(str::trim).filter(|text| !text.is_empty()).map(|text| (at, text))),
        None => Ok(None),
    };
    let number = text(places.number)?.ok_or((places.number, RowReason::Missing))?;
    if options.encoding.is_some() && number.contains('\u{fffd}') {
        return Err((places.number, RowReason::Encoding));
    }
    let (entry, guessed) = parse_marked(number, &options.plan).map_err(|error| (places.number, error.into()))?;
    let date = |(at, text): (usize, &str)| {
        let read = match &options.date_format {
            Some(format) => format.read(text),
            None => read_date(text),
        };
        read.map_err(|bad| match bad {
            BadDate::Nonexistent => (at, RowReason::NoSuchDate),
            BadDate::Spelling if options.date_format.is_some() => (at, RowReason::DateFormat),
            BadDate::Spelling => (at, RowReason::Date),
        })
    };
    let listed = cell(places.date)?.map(date).transpose()?;
    let expires = match (cell(places.expires)?, options.format) {
        (None, _) => None,
        (Some(found), Format::Uke) => {
            let removed = date(found)?;
            Some(WallTime::start_of(removed).ok_or((found.0, RowReason::TooEarly))?)
        }
        (Some((at, text)), _) => Some(WallTime::parse(text).ok_or((at, RowReason::Expires))?),
    };
    let description = match cell(places.description)? {
        // The decoder has put it in the place of bytes that are none of the encoding.
        Some((at, text)) if options.encoding.is_some() && text.contains('\u{fffd}') => {
            return Err((at, RowReason::Encoding));
        }
        found => found.map(|(_, text)| Arc::from(text)),
    };
    // Every wanted cell was text, so that it is another.
    let not_utf8 = records.iter().any(|cell| std::str::from_utf8(cell).is_err());
    Ok(Row { entry, guessed, not_utf8, details: Details { date: listed, description, expires, added_by: None } })
}
