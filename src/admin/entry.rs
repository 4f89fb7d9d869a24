//! An entry in requests and answers.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::civil::Date;
use serde::Serialize;

use super::Backend;
use super::problem::Problem;
use crate::lists::{Details, Entry, EntryError};
use crate::number::{DialPlan, Party};
use crate::time::WallTime;

/// An entry and what is known of it.
#[derive(Serialize)]
pub(super) struct EntryBody {
    entry: String,
    kind: &'static str,
    date: Option<String>,
    description: Option<Arc<str>>,
    expires: Option<String>,
    added_by: Option<Arc<str>>,
}

impl EntryBody {
    /// The entry is spelled so that it leads back to itself in a path, also where the list's dial plan would read the
    /// bare digits as another number.
    pub(super) fn new(entry: &Entry, details: Details, plan: &DialPlan) -> EntryBody {
        EntryBody {
            entry: entry.spelled(plan),
            kind: kind(entry),
            date: details.date.map(|date| date.to_string()),
            description: details.description,
            expires: details.expires.map(|expires| expires.to_string()),
            added_by: details.added_by,
        }
    }
}

/// What a client says of an entry.
#[derive(Default)]
pub(super) struct Said {
    pub(super) date: Option<String>,
    pub(super) description: Option<String>,
    pub(super) expires: Option<String>,
}

impl Said {
    pub(super) fn is_empty(&self) -> bool {
        self.date.is_none() && self.description.is_none() && self.expires.is_none()
    }

    pub(super) fn details(self, actor: Arc<str>) -> Result<Details, String> {
        let description = self.description.as_deref().map(str::trim).filter(|text| !text.is_empty());
        if description.is_some_and(|text| text.len() > MAX_DESCRIPTION) {
            return Err(format!("description: expected at most {MAX_DESCRIPTION} bytes"));
        }
        Ok(Details {
            date: self.date.map(|text| date(&text)).transpose()?,
            // Without outer spaces, as list files are read.
            description: description.map(Arc::from),
            expires: self.expires.map(|text| time(&text)).transpose()?,
            added_by: Some(actor),
        })
    }
}

/// As list files spell it, and no other way that a date can be written.
fn date(text: &str) -> Result<Date, String> {
    let date = text.parse().ok().filter(|date: &Date| text.len() == 10 && date.to_string() == text);
    date.ok_or_else(|| format!("date \"{text}\": expected a day such as 2026-03-25"))
}

fn time(text: &str) -> Result<WallTime, String> {
    WallTime::parse(text).ok_or_else(|| format!("expires \"{text}\": expected a time such as 2026-03-25T08:00:00Z"))
}

/// The entry that a path names in a list.
pub(super) fn entry_of<B: Backend>(backend: &B, list: &str, text: &str) -> Result<Entry, Problem> {
    if backend.world().lists.get(list).is_none() {
        return Err(Problem::unknown_list(list));
    }
    parsed(text, &backend.dial_plan(Some(list)))
}

pub(super) fn parsed(text: &str, plan: &DialPlan) -> Result<Entry, Problem> {
    Entry::parse(text, plan).map_err(|error| malformed(text, &error))
}

pub(super) fn malformed(text: &str, error: &EntryError) -> Problem {
    Problem::unprocessable(format!("\"{text}\" is no entry: {error}"))
}

/// A number or name, and nothing that stands for many.
pub(super) fn one_number(text: &str, plan: &DialPlan) -> Result<Entry, Problem> {
    let entry = Entry::parse(text, plan)
        .map_err(|error| Problem::unprocessable(format!("\"{text}\" is no number: {error}")))?;
    if party(&entry).is_none() {
        return Err(Problem::unprocessable(format!("\"{text}\" names many numbers: expected one")));
    }
    Ok(entry)
}

/// Whom an entry names; `None`: many.
pub(super) fn party(entry: &Entry) -> Option<Party<'_>> {
    match entry {
        Entry::Number(number) => Some(Party::Number(*number)),
        Entry::Code(code) => Some(Party::Code(*code)),
        Entry::User(user) => Some(Party::User(Cow::Borrowed(user))),
        Entry::Anonymous => Some(Party::Anonymous),
        Entry::Unavailable => Some(Party::Unavailable),
        Entry::Prefix(_) | Entry::Range(_) => None,
    }
}

pub(super) fn kind(entry: &Entry) -> &'static str {
    match entry {
        Entry::Number(_) => "number",
        Entry::Code(_) => "code",
        Entry::Prefix(_) => "prefix",
        Entry::Range(_) => "range",
        Entry::Anonymous => "anonymous",
        Entry::Unavailable => "unavailable",
        Entry::User(_) => "user",
    }
}

/// Descriptions are held in memory; a note is shorter.
const MAX_DESCRIPTION: usize = 1000;
