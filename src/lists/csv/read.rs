//! Reading a file.

use std::borrow::Cow;
use std::sync::Arc;

use csv::{ByteRecord, ReaderBuilder};
use jiff::civil::Date;

use super::columns::Places;
use super::delimiter::delimiter;
use super::{Columns, CsvError, CsvErrors, RowReason};
use crate::lists::entry::parse_marked;
use crate::lists::{BaseBuilder, Details, Entry, EntryError};
use crate::number::DialPlan;
use crate::time::WallTime;

/// What a file gave.
#[derive(Debug, Clone, Default)]
pub struct CsvList {
    /// Its entries; [`Base::duplicates`](crate::lists::Base::duplicates) tells how many came more than once.
    pub builder: BaseBuilder,
    /// How many rows, without the header and empty lines.
    pub rows: u64,
    /// How many numbers the dial plan could not place, so that they were taken as E.164.
    pub guessed: u64,
    /// How many rows were not UTF-8; in their descriptions `\u{fffd}` stands for what could not be read.
    pub not_utf8: u64,
    /// Whether the first row named the columns.
    pub header: bool,
}

/// Reads a whole list file.
///
/// UTF-8 with or without byte order mark; lines end in LF, CRLF or CR; cells are separated by `,`, `;` or tab, whichever
/// the file uses, and may be quoted. Lines without any text are skipped. One bad row refuses the file, and so does a file
/// without a header and entries: it would empty a list that was cut off while it was copied.
pub fn read_csv(bytes: &[u8], columns: &Columns, plan: &DialPlan) -> Result<CsvList, CsvError> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(CsvError::Utf16);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader =
        ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter(bytes)).from_reader(bytes);
    let mut list = CsvList::default();
    let mut errors = CsvErrors { rows: Vec::new(), total: 0 };
    let mut places: Option<Places> = None;
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record).expect("a slice of bytes reads without error, rows may differ in length")
    {
        if record.iter().all(|cell| cell.trim_ascii().is_empty()) {
            continue;
        }
        let start = record.position().expect("a record that was read has a position");
        let line = start.line();
        let raw = raw_row(bytes, start.byte(), reader.position().byte());
        if let Some(at) = open_quote(raw, &record) {
            errors.push(line, at, RowReason::OpenQuote, &String::from_utf8_lossy(&record[at]));
            continue;
        }
        let cells: Vec<Cow<'_, str>> = record.iter().map(String::from_utf8_lossy).collect();
        let places = match places {
            Some(places) => places,
            None => {
                let first: Vec<&str> = cells.iter().map(AsRef::as_ref).collect();
                let (found, header) = columns.places(&first)?;
                places = Some(found);
                list.header = header;
                if header {
                    continue;
                }
                found
            }
        };
        list.rows += 1;
        list.not_utf8 += u64::from(cells.iter().any(|cell| matches!(cell, Cow::Owned(_))));
        match read_row(&cells, &places, plan) {
            Ok((entry, guessed, details)) => {
                list.guessed += u64::from(guessed);
                list.builder.push(entry, &details);
            }
            Err((at, reason)) => errors.push(line, at, reason, cells.get(at).map_or("", AsRef::as_ref)),
        }
    }
    match places {
        _ if errors.total > 0 => Err(CsvError::Rows(errors)),
        None => Err(CsvError::Empty),
        Some(_) => Ok(list),
    }
}

/// The entry, whether it was guessed, its details; else the cell that is wrong and why.
fn read_row(
    cells: &[Cow<'_, str>],
    places: &Places,
    plan: &DialPlan,
) -> Result<(Entry, bool, Details), (usize, RowReason)> {
    let cell =
        |at: Option<usize>| at.and_then(|at| cells.get(at)).map(|cell| cell.trim()).filter(|cell| !cell.is_empty());
    let number = cells.get(places.number).ok_or((places.number, RowReason::Missing))?;
    if number.contains('\u{fffd}') {
        return Err((places.number, EntryError::Escapes.into()));
    }
    let (entry, guessed) = parse_marked(number, plan).map_err(|error| (places.number, error.into()))?;
    let read = |at: Option<usize>| cell(at).zip(at);
    let date = match read(places.date) {
        Some((text, at)) => Some(date(text).ok_or((at, RowReason::Date))?),
        None => None,
    };
    let expires = match read(places.expires) {
        Some((text, at)) => Some(WallTime::parse(text).ok_or((at, RowReason::Expires))?),
        None => None,
    };
    let description = cell(places.description).map(Arc::from);
    Ok((entry, guessed, Details { date, description, expires, added_by: None }))
}

/// `2026-03-25` and nothing else that a date parser may take.
fn date(text: &str) -> Option<Date> {
    (text.len() == "2026-03-25".len()).then(|| text.parse().ok()).flatten()
}

fn raw_row(bytes: &[u8], start: u64, end: u64) -> &[u8] {
    let index = |at: u64| usize::try_from(at).expect("an index of a slice");
    &bytes[index(start)..index(end)]
}

/// The cell that holds a line break which an unpaired quotation mark let in.
fn open_quote(raw: &[u8], record: &ByteRecord) -> Option<usize> {
    let broken = record.iter().position(|cell| cell.contains(&b'\n') || cell.contains(&b'\r'))?;
    let marks = memchr::memchr_iter(b'"', raw).count();
    (marks % 2 == 1).then_some(broken)
}
