//! A file without quotation marks gives exactly the entries that a naive second reader finds, in the lines where it finds
//! them, or as many errors as that reader has.
#![no_main]

use std::collections::BTreeSet;
use std::num::NonZeroU16;

use libfuzzer_sys::fuzz_target;
use ringfence::lists::{Column, Columns, Entry, FileError, FileOptions, Progress, Report, read_list};
use ringfence::number::DialPlan;

fuzz_target!(|bytes: &[u8]| {
    let plan = DialPlan::default();
    let options = FileOptions { columns: first_column(), plan, ..FileOptions::default() };
    let read = read_list(bytes, &options, 1, &|_: &Entry| false, &Progress::default());
    if let Err(FileError::Rows(errors)) = &read {
        assert_eq!(errors.rows.len() as u64, errors.total.min(Report::KEPT as u64));
        assert!(errors.rows.windows(2).all(|pair| pair[0].line <= pair[1].line));
    }
    // The second reader knows neither quotes nor other encodings nor a delimiter but the tab.
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if text.contains(['"', ',', ';', '\u{feff}', '\u{fffd}']) {
        return;
    }
    let mut lines = text.split(['\r', '\n']).filter(|line| !is_blank(line)).peekable();
    if let Ok(list) = &read
        && list.header
    {
        lines.next();
    }
    let cells = lines.map(|line| line.split('\t').next().unwrap_or(line));
    let (good, bad): (Vec<_>, Vec<_>) = cells.map(|cell| Entry::parse(cell, &plan)).partition(Result::is_ok);
    match read {
        Ok(list) => {
            assert!(bad.is_empty());
            assert_eq!(list.rows, good.len() as u64);
            let base = list.builder.build();
            let expected: BTreeSet<Entry> = good.into_iter().flatten().collect();
            assert!(base.entries_from(None).eq(expected.iter().cloned()));
            assert_eq!(base.duplicates(), list.rows - base.len());
            assert!(expected.iter().all(|entry| base.contains(entry)));
        }
        Err(FileError::Rows(errors)) => {
            // A header is a bad entry to the second reader; only the first line can be one.
            assert!([0, 1].contains(&(bad.len() as u64 - errors.total)));
        }
        Err(FileError::Empty) => assert!(good.is_empty() && bad.is_empty()),
        Err(error) => panic!("a place needs no name, and plain text is no other file: {error}"),
    }
});

fn first_column() -> Columns {
    Columns { number: NonZeroU16::new(1).map(Column::Position), ..Columns::default() }
}

fn is_blank(line: &str) -> bool {
    line.split('\t').all(|cell| cell.trim_ascii().is_empty())
}
