//! [`FileOptions`]: how a list file is to be read.

use serde::Deserialize;

use super::{Columns, DateFormat, Delimiter, Encoding};
use crate::lists::Digest;
use crate::number::DialPlan;

/// The layout of a list file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Separated cells, one entry a row, with or without a header row.
    #[default]
    Csv,
    /// The National Do Not Call Registry of the United States: `212,5550142` a line, in change files with an operation.
    Ftc,
    /// The Telephone Preference Service of the United Kingdom: 12 characters a line.
    Tps,
    /// The Polish list of numbers that never call out: number, date added, date removed.
    Uke,
}

impl Format {
    /// As the configuration spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Ftc => "ftc",
            Format::Tps => "tps",
            Format::Uke => "uke",
        }
    }

    /// Whether cells stand in columns that can be named.
    pub fn has_columns(self) -> bool {
        matches!(self, Format::Csv | Format::Uke)
    }

    /// The dial plan of the country whose authority writes such files; `None` where it is anybody's.
    pub fn plan(self) -> Option<DialPlan> {
        let plan = |country, international, national, lengths| {
            DialPlan::new(country, international, national, lengths).expect("digits and lengths within bounds")
        };
        match self {
            Format::Csv => None,
            Format::Ftc => Some(plan("1", "011", "1", &[10])),
            // 7: Childline's 0800 1111 and the like.
            Format::Tps => Some(plan("44", "00", "0", &[7, 9, 10])),
            Format::Uke => Some(DialPlan::default()),
        }
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a bad row does to its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OnError {
    /// It refuses the file.
    #[default]
    Fail,
    /// It is left out and told.
    Skip {
        /// More bad rows than this refuse the file all the same.
        limit: u64,
    },
}

impl OnError {
    /// What `skip_limit` means where it is not given: more are no slips but a file of another kind.
    pub const DEFAULT_LIMIT: u64 = 1000;
}

/// All that decides what the bytes of a file mean.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileOptions {
    /// The layout.
    pub format: Format,
    /// Which column means what, in `csv` and `uke`.
    pub columns: Columns,
    /// What separates the cells; `None`: it is found.
    pub delimiter: Option<Delimiter>,
    /// How characters are encoded; `None`: UTF-8.
    pub encoding: Option<Encoding>,
    /// How dates are written; `None`: `2026-03-25`.
    pub date_format: Option<DateFormat>,
    /// What a bad row does.
    pub on_error: OnError,
    /// How its numbers are dialled. Of no effect in `ftc`, whose numbers are American.
    pub plan: DialPlan,
}

impl FileOptions {
    /// Changes whenever the same bytes would be read differently, by other options or another version of the reader.
    pub fn fingerprint(&self) -> Digest {
        // `Debug` names every field, those to come included; should a compiler spell it differently one day, files
        // that have not changed are parsed once more.
        Digest::of(format!("{READER_VERSION} {self:?}").as_bytes())
    }
}

/// Raised whenever the reader takes the same file for something else.
const READER_VERSION: u32 = 1;
