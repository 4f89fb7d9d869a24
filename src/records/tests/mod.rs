mod files;
mod keeping;
mod rows;
mod search;

use std::fs;
use std::path::Path;

use super::file::RecordFiles;
use crate::engine::RECORD_HEADER;
use crate::time::WallTime;

/// What a test says of a line; the rest is empty.
type Said<'s> = &'s [(&'s str, &'s str)];

/// A line as the engine writes it.
fn line(said: Said<'_>) -> String {
    let value = |name| said.iter().find(|(own, _)| *own == name).map_or("", |(_, value)| *value);
    let values: Vec<&str> = RECORD_HEADER.split(',').map(value).collect();
    format!("{}\n", values.join(","))
}

/// Lines written at a time.
fn write(dir: &Path, lines: &str, at: &str) {
    RecordFiles::new(dir.into(), RECORD_HEADER, 1 << 30).append(lines.as_bytes(), time(at)).unwrap();
}

fn time(text: &str) -> WallTime {
    WallTime::parse(text).unwrap()
}

/// The files of a folder.
fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
