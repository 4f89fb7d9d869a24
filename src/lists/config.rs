//! `[[list]]` of the configuration.

use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};
use thiserror::Error;
use toml::Spanned;

use super::{Columns, DateFormat, Delimiter, Encoding, FileOptions, Format, OnError};
use crate::number::{DialPlan, DialPlanOverrides, Digits, Lengths, MinPrefix};
use crate::time::parse_span;

/// What a list is for; it decides how a call is declined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// The owner's own: callers or callees who shall not get through.
    Personal,
    /// Do not call: people who refused calls.
    Dnc,
    /// Do not originate: numbers that never call out.
    Dno,
    /// Somebody's analytics: spam likelihood and the like.
    Reputation,
    /// Who gets through whatever else says.
    Allow,
    /// Numbers to present.
    Pool,
}

impl Class {
    /// As the configuration and the admin port spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Class::Personal => "personal",
            Class::Dnc => "dnc",
            Class::Dno => "dno",
            Class::Reputation => "reputation",
            Class::Allow => "allow",
            Class::Pool => "pool",
        }
    }
}

impl std::fmt::Display for Class {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Class {
    type Err = ClassError;

    fn from_str(text: &str) -> Result<Class, ClassError> {
        let all = [Class::Personal, Class::Dnc, Class::Dno, Class::Reputation, Class::Allow, Class::Pool];
        all.into_iter().find(|class| class.as_str() == text).ok_or(ClassError)
    }
}

/// The text is no class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("expected `personal`, `dnc`, `dno`, `reputation`, `allow` or `pool`")]
pub struct ClassError;

/// One `[[list]]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListConfig {
    /// Its name.
    pub name: Spanned<String>,
    /// What it is for.
    pub class: Class,
    /// A file with its entries.
    pub file: Option<Spanned<PathBuf>>,
    /// The layout of the file.
    pub format: Option<Spanned<Format>>,
    /// Which columns of the file mean what.
    pub columns: Option<Spanned<Columns>>,
    /// What separates its cells; omitted: it is found.
    pub delimiter: Option<Spanned<Delimiter>>,
    /// How its characters are encoded; omitted: UTF-8.
    pub encoding: Option<Spanned<Encoding>>,
    /// How its dates are written; omitted: `2026-03-25`.
    pub date_format: Option<Spanned<DateFormat>>,
    /// What a bad row does; omitted: it refuses the file.
    pub on_error: Option<Spanned<OnErrorWord>>,
    /// How many bad rows may be skipped.
    pub skip_limit: Option<Spanned<u64>>,
    /// Change files, applied in this order over `file`.
    #[serde(default)]
    pub changes: Vec<Spanned<PathBuf>>,
    /// A reload that changes more of the list than this waits to be confirmed; omitted: none does.
    pub max_change: Option<Percent>,
    /// How old the file may be; omitted: what its authority says, if it says.
    #[serde(default, deserialize_with = "age")]
    pub max_age: Option<Duration>,
    /// What a list older than that does.
    #[serde(default)]
    pub stale: WhenStale,
    /// Entries beside those of the file.
    #[serde(default)]
    pub entries: Vec<Spanned<String>>,
    /// Instead of `[numbers] country`.
    pub country: Option<Spanned<Digits>>,
    /// Instead of `[numbers] international`.
    pub international: Option<Digits>,
    /// Instead of `[numbers] national`.
    pub national: Option<Digits>,
    /// Instead of `[numbers] national_length`.
    pub national_length: Option<Lengths>,
    /// Instead of `[numbers] min_prefix`.
    pub min_prefix: Option<MinPrefix>,
}

impl ListConfig {
    /// The layout of its files.
    pub fn format(&self) -> Format {
        self.format.as_ref().map(|format| *format.get_ref()).unwrap_or_default()
    }

    /// The dial plan of the files' and the table's numbers: `[numbers]`, or that of the country whose authority writes
    /// such files, with what the table says otherwise.
    pub fn plan(&self, numbers: &DialPlan) -> DialPlan {
        let overrides = DialPlanOverrides {
            country: value(&self.country),
            international: self.international,
            national: self.national,
            national_length: self.national_length,
            min_prefix: self.min_prefix.or(Some(numbers.min_prefix)),
        };
        overrides.over(&self.format().plan().unwrap_or(*numbers))
    }

    /// How its files are to be read.
    pub fn options(&self, numbers: &DialPlan) -> FileOptions {
        FileOptions {
            format: self.format(),
            columns: value(&self.columns).unwrap_or_default(),
            delimiter: value(&self.delimiter),
            encoding: value(&self.encoding),
            date_format: value(&self.date_format),
            on_error: match value(&self.on_error).unwrap_or_default() {
                OnErrorWord::Fail => OnError::Fail,
                OnErrorWord::Skip => OnError::Skip { limit: value(&self.skip_limit).unwrap_or(OnError::DEFAULT_LIMIT) },
            },
            plan: self.plan(numbers),
        }
    }

    /// How old its file may be; `None`: of any age.
    pub fn max_age(&self) -> Option<Duration> {
        const DAY: Duration = Duration::from_secs(24 * 3600);
        self.max_age.or(match self.format() {
            // 16 CFR 310.4(b)(3)(iv): a version no more than 31 days old.
            Format::Ftc => Some(31 * DAY),
            // The Privacy and Electronic Communications Regulations 2003, regulation 21(3): 28 days.
            Format::Tps => Some(28 * DAY),
            Format::Csv | Format::Uke => None,
        })
    }

    /// What of the table does not fit together, and where it stands.
    pub fn mistakes(&self) -> Vec<(Range<usize>, OptionError)> {
        let format = self.format();
        let mut mistakes = Vec::new();
        let mut columns = |key, span: Option<Range<usize>>| {
            if let Some(span) = span.filter(|_| !format.has_columns()) {
                mistakes.push((span, OptionError::NotInFormat { key, format }));
            }
        };
        columns("columns", span(&self.columns));
        columns("delimiter", span(&self.delimiter));
        columns("encoding", span(&self.encoding));
        columns("date_format", span(&self.date_format));
        if let (Some(change), false) = (self.changes.first(), format == Format::Ftc) {
            mistakes.push((change.span(), OptionError::NotInFormat { key: "changes", format }));
        }
        if let Some(span) = span(&self.country).filter(|_| format == Format::Ftc) {
            mistakes.push((span, OptionError::NotInFormat { key: "country", format }));
        }
        if self.file.is_none() {
            let first = self.changes.first().map(Spanned::span);
            let without = [
                ("format", span(&self.format)),
                ("columns", span(&self.columns)),
                ("delimiter", span(&self.delimiter)),
                ("encoding", span(&self.encoding)),
                ("date_format", span(&self.date_format)),
                ("on_error", span(&self.on_error)),
                ("changes", first),
            ];
            let without = without.into_iter().filter_map(|(key, span)| Some((span?, OptionError::NoFile(key))));
            mistakes.extend(without);
        }
        if let Some(span) = span(&self.skip_limit)
            && value(&self.on_error) != Some(OnErrorWord::Skip)
        {
            mistakes.push((span, OptionError::NothingSkipped));
        }
        mistakes
    }
}

/// `on_error`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnErrorWord {
    /// A bad row refuses its file.
    #[default]
    Fail,
    /// It is left out, up to `skip_limit`.
    Skip,
}

/// What a list does whose file is older than `max_age`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhenStale {
    /// It matches as before.
    #[default]
    Enforce,
    /// It matches nothing.
    Pass,
}

/// A share of a list: `30`, `0.5` or `"30%"`, above 0 and at most 100.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Deserialize)]
#[serde(try_from = "PercentSpelling")]
pub struct Percent(f64);

impl Percent {
    /// `None` unless above 0 and at most 100.
    pub fn new(value: f64) -> Option<Percent> {
        (value > 0.0 && value <= 100.0).then_some(Percent(value))
    }

    /// Of a hundred.
    pub const fn get(self) -> f64 {
        self.0
    }
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a percentage such as 30 or \"30%\"")]
enum PercentSpelling {
    Number(f64),
    Text(String),
}

impl TryFrom<PercentSpelling> for Percent {
    type Error = OptionError;

    fn try_from(spelling: PercentSpelling) -> Result<Percent, OptionError> {
        let value = match spelling {
            PercentSpelling::Number(value) => Some(value),
            PercentSpelling::Text(text) => text.strip_suffix('%').and_then(|digits| digits.trim().parse().ok()),
        };
        value.and_then(Percent::new).ok_or(OptionError::Percent)
    }
}

/// Why the options of a list are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OptionError {
    /// The format has nothing that the option could say.
    #[error("`{key}` means nothing with format = \"{format}\"")]
    NotInFormat {
        /// The option.
        key: &'static str,
        /// The format.
        format: Format,
    },
    /// The option says how a file is read, and there is none.
    #[error("`{0}` says how a file is read: expected a `file` as well")]
    NoFile(&'static str),
    /// `skip_limit` alone.
    #[error("`skip_limit` counts rows that are skipped: expected on_error = \"skip\" as well")]
    NothingSkipped,
    /// No percentage.
    #[error("expected a percentage above 0 and at most 100, such as 30 or \"30%\"")]
    Percent,
}

/// `[lists]`: what all lists have in common.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ListsConfig {
    /// How many threads parse a file; 0: one for each core.
    pub threads: u16,
    /// Whether files are read again when they change.
    pub watch: bool,
}

/// One thread: the other cores are left to the calls. Files are read when somebody says so.
impl Default for ListsConfig {
    fn default() -> ListsConfig {
        ListsConfig { threads: 1, watch: false }
    }
}

fn value<T: Clone>(option: &Option<Spanned<T>>) -> Option<T> {
    option.as_ref().map(|value| value.get_ref().clone())
}

fn span<T>(option: &Option<Spanned<T>>) -> Option<Range<usize>> {
    option.as_ref().map(Spanned::span)
}

fn age<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_span(&text).map(Some).ok_or_else(|| de::Error::custom("expected a time such as \"31d\" or \"12h\""))
}
