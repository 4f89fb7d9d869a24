//! [`Columns`]: which column means what.

use std::num::NonZeroU16;

use serde::Deserialize;

use super::FileError;

/// The columns of a list file. What is not given is looked for under its own name in the header row; a file without
/// header row has number, date and description in this order when nothing is given at all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Columns {
    /// The entry.
    pub number: Option<Column>,
    /// Since when it is listed, `2026-03-25`.
    pub date: Option<Column>,
    /// Free text.
    pub description: Option<Column>,
    /// Until when it is in force, `2026-03-25T08:00:00Z`.
    pub expires: Option<Column>,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Column {
    /// Its place, from 1.
    Position(NonZeroU16),
    /// Its name in the header row; case and outer spaces do not count.
    Name(Box<str>),
}

/// Where the cells of each row are, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) number: usize,
    pub(super) date: Option<usize>,
    pub(super) description: Option<usize>,
    pub(super) expires: Option<usize>,
}

impl Columns {
    /// The columns of a `uke` file: number, date added, date removed.
    pub(super) fn uke() -> Columns {
        let place = |place| NonZeroU16::new(place).map(Column::Position);
        Columns { number: place(1), date: place(2), expires: place(3), description: None }
    }

    /// Finds the columns by the first row; whether that row is a header.
    pub(super) fn places(&self, first: &[&str]) -> Result<(Places, bool), FileError> {
        let cells: Vec<String> = first.iter().map(|cell| cell.trim().to_lowercase()).collect();
        let header = self.is_header(&cells);
        let given = |column: &Option<Column>| match column {
            None => Ok(None),
            Some(Column::Position(place)) => Ok(Some(usize::from(place.get()) - 1)),
            Some(Column::Name(name)) => match position(&cells, name) {
                Some(at) if header => Ok(Some(at)),
                _ => Err(FileError::NoColumn(name.clone())),
            },
        };
        let by_order = self.by_order(&cells, header);
        let default = |name: &str, place: usize| match by_order {
            true => Some(place),
            false if header => position(&cells, name),
            false => None,
        };
        let number = match given(&self.number)?.or_else(|| default(NUMBER, 0)) {
            Some(at) => at,
            None if header => return Err(FileError::NoColumn(NUMBER.into())),
            None => 0,
        };
        let free = |at: &usize| *at != number;
        let places = Places {
            number,
            date: given(&self.date)?.or_else(|| default(DATE, 1)).filter(free),
            description: given(&self.description)?.or_else(|| default(DESCRIPTION, 2)).filter(free),
            // It has no place of its own: only a header can name it.
            expires: given(&self.expires)?.or_else(|| position(&cells, EXPIRES).filter(|_| header)).filter(free),
        };
        Ok((places, header))
    }

    /// A header row holds one of the wanted names, or no digit where the number is expected.
    ///
    /// `anonymous` and `unavailable` are entries, not names of columns.
    fn is_header(&self, cells: &[String]) -> bool {
        let named = |column: &Option<Column>, default: &str| match column {
            Some(Column::Name(name)) => position(cells, name).is_some(),
            Some(Column::Position(_)) => false,
            None => position(cells, default).is_some(),
        };
        let wanted = named(&self.number, NUMBER)
            || named(&self.date, DATE)
            || named(&self.description, DESCRIPTION)
            || matches!(&self.expires, Some(Column::Name(name)) if position(cells, name).is_some());
        let number = match &self.number {
            Some(Column::Position(place)) => usize::from(place.get()) - 1,
            _ => 0,
        };
        let wordless = cells.get(number).is_some_and(|cell| {
            !cell.is_empty()
                && !cell.contains(|char: char| char.is_ascii_digit())
                && cell.chars().any(char::is_alphabetic)
                && !["anonymous", "unavailable"].contains(&cell.as_str())
        });
        wanted || wordless
    }

    /// Nothing is given and no header names a column: the order says it.
    fn by_order(&self, cells: &[String], header: bool) -> bool {
        *self == Columns::default() && !(header && position(cells, NUMBER).is_some())
    }
}

fn position(cells: &[String], name: &str) -> Option<usize> {
    let name = name.trim().to_lowercase();
    cells.iter().position(|cell| *cell == name)
}

const NUMBER: &str = "number";
const DATE: &str = "date";
const DESCRIPTION: &str = "description";
const EXPIRES: &str = "expires";
