//! The files of the folder by their names: a day has one or more parts, and a part up to three files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fmt, fs, io};

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::time::WallTime;

/// A part of a day's records. Later ones are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Part {
    /// In UTC, like every time in a record.
    pub(super) day: Date,
    /// From 1.
    pub(super) number: u32,
}

impl Part {
    /// Reads what [`Part`] writes.
    pub(super) fn parse(stem: &str) -> Option<Part> {
        let rest = stem.strip_prefix("calls-")?;
        let (day, number) = match rest.split_once('-') {
            Some((day, number)) => (day, number.parse().ok()?),
            None => (rest, 1),
        };
        let part = Part { day: Date::strptime("%Y%m%d", day).ok()?, number };
        (part.to_string() == stem).then_some(part)
    }

    /// The next one of its day.
    pub(super) fn next(self) -> Part {
        Part { number: self.number.saturating_add(1), ..self }
    }

    /// When its day began.
    pub(super) fn began(self) -> WallTime {
        WallTime::start_of(self.day).unwrap_or_default()
    }

    /// One of its files.
    pub(super) fn path(self, dir: &Path, kind: Kind) -> PathBuf {
        dir.join(format!("{self}.{}", kind.extension()))
    }
}

/// The name without its extension: `calls-20261121` or `calls-20261121-2`.
impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "calls-{}", self.day.strftime("%Y%m%d"))?;
        if self.number == 1 { Ok(()) } else { write!(f, "-{}", self.number) }
    }
}

/// What a file of a part holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The lines.
    Plain,
    /// The lines, compressed.
    Gzip,
    /// What is to become the compressed file.
    Unfinished,
    /// Where the calls stand that a rule kept from their callee.
    Blocked,
}

impl Kind {
    fn extension(self) -> &'static str {
        match self {
            Kind::Plain => "csv",
            Kind::Gzip => "csv.gz",
            Kind::Unfinished => "csv.gz.unfinished",
            Kind::Blocked => "blocked",
        }
    }
}

/// Which files a part has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Files {
    pub(super) plain: bool,
    pub(super) gzip: bool,
    pub(super) blocked: bool,
}

/// The parts of a folder, in order. Files of other names are not ours.
pub(super) fn parts(dir: &Path) -> io::Result<BTreeMap<Part, Files>> {
    let mut parts: BTreeMap<Part, Files> = BTreeMap::new();
    for file in fs::read_dir(dir)? {
        let name = file?.file_name();
        let Some((stem, extension)) = name.to_str().and_then(|name| name.split_once('.')) else { continue };
        let Some(part) = Part::parse(stem) else { continue };
        let mut add = |set: fn(&mut Files) -> &mut bool| *set(parts.entry(part).or_default()) = true;
        match extension {
            "csv" => add(|files| &mut files.plain),
            "csv.gz" => add(|files| &mut files.gzip),
            "blocked" => add(|files| &mut files.blocked),
            _ => {}
        }
    }
    Ok(parts)
}

/// The day of a time, in UTC.
pub(super) fn day_of(time: WallTime) -> Date {
    let micros = i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_microsecond(micros).unwrap_or(jiff::Timestamp::MAX).to_zoned(TimeZone::UTC).date()
}

/// In UTC each is as long.
pub(super) const DAY: Duration = Duration::from_secs(86_400);
