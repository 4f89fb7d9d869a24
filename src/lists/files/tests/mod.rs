//! Files as they come, and everything that can be wrong with them.

mod compressed;
mod csv;
mod guard;
mod options;
mod registries;
mod wrong;

use std::io::{self, Read};

use super::*;
use crate::lists::Entry;

fn read_with(text: impl AsRef<[u8]>, options: &FileOptions) -> Result<ListFile, FileError> {
    read_list(text.as_ref(), options, 1, &|_: &Entry| false, &Progress::default())
}

fn format(format: Format) -> FileOptions {
    FileOptions { format, plan: format.plan().unwrap_or_default(), ..FileOptions::default() }
}

fn skipping(options: FileOptions, limit: u64) -> FileOptions {
    FileOptions { on_error: OnError::Skip { limit }, ..options }
}

/// `48221234567 2026-03-25 2026-04-01T…`, one text an entry, in the base's order.
fn entries(list: ListFile) -> Vec<String> {
    let base = list.builder.build();
    let mut told = Vec::new();
    for entry in base.entries_from(None) {
        let details = base.details(&entry).unwrap();
        let mut text = entry.to_string();
        details.date.iter().for_each(|date| text += &format!(" {date}"));
        details.expires.iter().for_each(|time| text += &format!(" until {time}"));
        details.description.iter().for_each(|description| text += &format!(" {description}"));
        told.push(text);
    }
    told
}

/// The line, column and kind of each bad row.
fn wrong(result: Result<ListFile, FileError>) -> Vec<(u64, usize, &'static str)> {
    let error = result.expect_err("bad rows");
    let report = error.report().unwrap_or_else(|| panic!("{error}"));
    report.rows.iter().map(|row| (row.line, row.column, row.reason.kind())).collect()
}

/// A text many times over, which is never in memory as a whole.
struct Repeated {
    text: Vec<u8>,
    at: usize,
    left: u64,
}

impl Repeated {
    fn new(text: &[u8], times: u64) -> Repeated {
        // Long pieces, so that reading is quick.
        Repeated { text: text.repeat((1 << 16) / text.len() + 1), at: 0, left: text.len() as u64 * times }
    }
}

impl Read for Repeated {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at == self.text.len() {
            self.at = 0;
        }
        let read = (&self.text[self.at..]).take(self.left).read(out)?;
        self.at += read;
        self.left -= read as u64;
        Ok(read)
    }
}
