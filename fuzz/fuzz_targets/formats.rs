//! Every format gives what a plain reading of the same lines gives, and the same with one thread and with three.
#![no_main]

use std::collections::{BTreeMap, BTreeSet};

use libfuzzer_sys::fuzz_target;
use ringfence::lists::{Base, Entry, FileError, FileOptions, Format, OnError, Progress, read_list};

fuzz_target!(|input: (u8, bool, &[u8])| {
    let (choice, long, bytes) = input;
    let format = [Format::Ftc, Format::Tps, Format::Uke, Format::Csv][usize::from(choice % 4)];
    // Some times over, so that there are several blocks; they are small in a build for fuzzing.
    let many = if long { 8 } else { 1 };
    let mut text = [bytes, b"\n"].concat().repeat(many);
    if !long {
        text.pop();
    }
    let limit = u64::MAX;
    let plan = format.plan().unwrap_or_default();
    let options = FileOptions { format, plan, on_error: OnError::Skip { limit }, ..FileOptions::default() };
    let (one, three) = (read(&text, &options, 1), read(&text, &options, 3));
    assert_eq!(one, three);
    let Ok(one) = one else { return };
    let wanted = match format {
        Format::Ftc => plainly(&text, ftc),
        Format::Tps => plainly(&text, |line| Some((tps(line)?, false))),
        // Their cells are what the target `csv` is about.
        Format::Csv | Format::Uke => return,
    };
    // Rows longer than a block are refused, however good.
    if text.split(|byte| *byte == b'\n').any(|line| line.len() > 60) || compressed(&text) {
        return;
    }
    assert_eq!((one.added, one.removed, one.bad, one.rows), wanted);
});

/// What can be seen of a file.
#[derive(Debug, PartialEq)]
struct Seen {
    added: Vec<String>,
    removed: Vec<String>,
    bad: u64,
    rows: u64,
    told: String,
}

fn read(text: &[u8], options: &FileOptions, threads: usize) -> Result<Seen, FileError> {
    let list = read_list(text, options, threads, &|_: &Entry| false, &Progress::default())?;
    let told = format!("{:?} {:?} {}", list.skipped, list.head, list.digest);
    let base: Base = list.builder.build();
    Ok(Seen {
        added: base.entries_from(None).map(|entry| entry.to_string()).collect(),
        removed: list.removals.iter().map(ToString::to_string).collect(),
        bad: list.skipped.total,
        rows: list.rows,
        told,
    })
}

/// Line by line: the numbers that are added, those that are removed at last, bad lines, and all.
fn plainly(text: &[u8], read: impl Fn(&[u8]) -> Option<(u64, bool)>) -> (Vec<String>, Vec<String>, u64, u64) {
    let (mut added, mut last) = (BTreeSet::new(), BTreeMap::new());
    let (mut bad, mut rows) = (0, 0);
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    for line in text.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.trim_ascii().is_empty() {
            continue;
        }
        rows += 1;
        match read(line) {
            Some((number, removes)) => {
                last.insert(number, removes);
                if !removes {
                    added.insert(number);
                }
            }
            None => bad += 1,
        }
    }
    let removed = last.into_iter().filter(|(_, removes)| *removes).map(|(number, _)| number.to_string()).collect();
    (added.into_iter().map(|number| number.to_string()).collect(), removed, bad, rows)
}

fn ftc(line: &[u8]) -> Option<(u64, bool)> {
    let line = std::str::from_utf8(line).ok()?;
    let cells: Vec<&str> = line.split(',').map(str::trim_ascii).collect();
    let (digits, further) = match cells.as_slice() {
        [area, rest, further @ ..] if area.len() == 3 && rest.len() == 7 => (format!("{area}{rest}"), further),
        [whole, further @ ..] if whole.len() == 10 => ((*whole).to_owned(), further),
        _ => return None,
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) || digits.starts_with(['0', '1']) {
        return None;
    }
    let operation = |cell: &&&str| matches!(**cell, "A" | "a" | "D" | "d");
    let operations: Vec<&&str> = further.iter().filter(|cell| operation(cell)).collect();
    let dates: Vec<&&str> = further.iter().filter(|cell| !operation(cell)).collect();
    let is_date = |cell: &&str| {
        let numbers: Vec<&str> = cell.split('-').collect();
        let [year, month, day] = numbers.as_slice() else { return false };
        let plain = |text: &str, long| text.len() == long && text.bytes().all(|byte| byte.is_ascii_digit());
        if !(plain(year, 4) && plain(month, 2) && plain(day, 2)) {
            return false;
        }
        let [year, month, day] = [year, month, day].map(|text| text.parse::<u32>().unwrap_or(0));
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 => 28 + u32::from(leap),
            _ => 0,
        };
        (1..=days).contains(&day)
    };
    if operations.len() > 1 || dates.len() > 1 || !dates.iter().all(|cell| is_date(cell)) {
        return None;
    }
    let removes = operations.first().is_some_and(|cell| matches!(**cell, "D" | "d"));
    Some((format!("1{digits}").parse().ok()?, removes))
}

fn tps(line: &[u8]) -> Option<u64> {
    let line = std::str::from_utf8(line).ok()?;
    if line.len() != 12 || !line.bytes().all(|byte| byte == b' ' || byte.is_ascii_digit()) {
        return None;
    }
    let whole = line.trim_end_matches(' ');
    let (code, rest) = (line[..5].trim_end_matches(' '), line[5..].trim_start_matches(' '));
    let plain = |text: &str| !text.is_empty() && !text.contains(' ');
    let digits = match plain(whole) {
        true => whole.to_owned(),
        false if plain(code) && plain(rest) => format!("{code}{rest}"),
        false => return None,
    };
    let plan = Format::Tps.plan()?;
    match plan.normalise(digits.as_bytes())? {
        ringfence::number::Dialled::E164 { number, guessed: false } => Some(number.get()),
        _ => None,
    }
}

/// Such a text is not what is read.
fn compressed(text: &[u8]) -> bool {
    let zstd = text.get(1..4).is_some_and(|magic| magic == b"\x2a\x4d\x18" || magic == b"\xb5\x2f\xfd");
    text.starts_with(b"\x1f\x8b") || zstd
}
