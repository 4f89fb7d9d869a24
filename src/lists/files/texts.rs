//! How the texts of a file are to be understood: [`Delimiter`], [`Encoding`], [`DateFormat`].

use jiff::civil::Date;
use jiff::fmt::strtime::{self, BrokenDownTime};
use serde::Deserialize;
use thiserror::Error;

/// The character between cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Delimiter(u8);

impl Delimiter {
    /// One character of ASCII that no number is spelled with and that is no letter, quotation mark or line end.
    pub fn new(text: &str) -> Result<Delimiter, TextError> {
        match *text.as_bytes() {
            [byte] if is_delimiter(byte) => Ok(Delimiter(byte)),
            _ => Err(TextError::Delimiter),
        }
    }

    /// Its byte.
    pub const fn byte(self) -> u8 {
        self.0
    }
}

fn is_delimiter(byte: u8) -> bool {
    byte == b'\t' || (byte.is_ascii_punctuation() && !b"\"+-.()*'".contains(&byte))
}

impl TryFrom<String> for Delimiter {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, TextError> {
        Delimiter::new(&text)
    }
}

/// A character encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Encoding(&'static encoding_rs::Encoding);

impl Encoding {
    /// By one of its names in the Encoding Standard, such as `windows-1250`, `iso-8859-2` or `utf-16le`.
    pub fn new(label: &str) -> Result<Encoding, TextError> {
        // The standard's `replacement` reads any file as one damaged character.
        let known = encoding_rs::Encoding::for_label_no_replacement(label.as_bytes());
        known.map(Encoding).ok_or_else(|| TextError::Encoding(label.into()))
    }

    pub(super) fn decoder(self) -> encoding_rs::Decoder {
        self.0.new_decoder_with_bom_removal()
    }
}

impl TryFrom<String> for Encoding {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, TextError> {
        Encoding::new(&text)
    }
}

/// How dates are written, in the letters of `strptime`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct DateFormat(Box<str>);

/// Why a text is no date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadDate {
    /// It is not written so.
    Spelling,
    /// It is, but no month has such a day, or no year such a month.
    Nonexistent,
}

impl DateFormat {
    /// `format` must hold day, month and year.
    pub fn new(format: &str) -> Result<DateFormat, TextError> {
        let sample = Date::constant(2026, 3, 25);
        let written = strtime::format(format, sample).map_err(|_| TextError::DateFormat(format.into()))?;
        match Date::strptime(format, written) {
            Ok(date) if date == sample => Ok(DateFormat(format.into())),
            _ => Err(TextError::DateFormat(format.into())),
        }
    }

    pub(super) fn read(&self, text: &str) -> Result<Date, BadDate> {
        let time = BrokenDownTime::parse(&*self.0, text).map_err(|_| BadDate::Spelling)?;
        time.to_date().map_err(|_| BadDate::Nonexistent)
    }
}

impl TryFrom<String> for DateFormat {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, TextError> {
        DateFormat::new(&text)
    }
}

/// `2026-03-25` and nothing else that a date parser may take.
pub(super) fn read_date(text: &str) -> Result<Date, BadDate> {
    let shape = |(at, byte): (usize, u8)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() };
    if text.len() != "2026-03-25".len() || !text.bytes().enumerate().all(shape) {
        return Err(BadDate::Spelling);
    }
    text.parse().map_err(|_| BadDate::Nonexistent)
}

/// Why a text of the options is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TextError {
    /// More than one character, or one that entries hold.
    #[error("expected one character between cells, such as \",\", \";\", \"|\" or \"\\t\"")]
    Delimiter,
    /// No such encoding.
    #[error("\"{0}\" is no character encoding: expected a name such as \"utf-8\", \"windows-1250\" or \"iso-8859-2\"")]
    Encoding(Box<str>),
    /// It does not write a date so that it can be read again.
    #[error("\"{0}\" gives no date: expected day, month and year such as \"%d.%m.%Y\"")]
    DateFormat(Box<str>),
}
