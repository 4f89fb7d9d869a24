use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::engine::RECORD_HEADER;
use crate::records::{Column, Damage, Event, RecordError, RecordReader};

const OLDER: &str = "event,time,call_id,from,status\n";

fn reader(text: &str) -> RecordReader<&[u8]> {
    RecordReader::new(text.as_bytes(), Path::new("calls.csv")).unwrap()
}

/// The values of a column, and what became of lines that cannot be read.
fn values(text: &str, column: Column) -> Vec<Result<String, (u64, Damage)>> {
    let mut reader = reader(text);
    let mut values = Vec::new();
    loop {
        match reader.read() {
            Ok(None) => return values,
            Ok(Some(record)) => values.push(Ok(record.text(column).into_owned())),
            Err(RecordError::Line { line, damage, .. }) => values.push(Err((line, damage))),
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn each_column_that_the_engine_writes_has_a_name_here() {
    let names: Vec<&str> = Column::ALL.iter().map(|column| column.name()).collect();
    assert_eq!(names.join(","), RECORD_HEADER);
}

#[test]
fn a_line_is_read_by_the_names_of_its_columns() {
    let mut header: Vec<&str> = RECORD_HEADER.split(',').collect();
    header.reverse();
    let value = |name: &&str| match *name {
        "event" => "call",
        "time" => "2026-11-21T12:00:00.000001Z",
        "asserted" => "sip:+48600100200@h tel:+48600100200",
        "privacy" => "yes",
        "headers" => "x-campaign=a%2Cb&x-other=",
        "draw" => "18446744073709551615",
        "reason" => "\"Do \"\"not\"\" call, please\"",
        "status" => "603",
        _ => "",
    };
    let line: Vec<&str> = header.iter().map(value).collect();
    let text = format!("{}\n{}\r\n", header.join(","), line.join(","));
    let mut reader = reader(&text);
    let record = reader.read().unwrap().unwrap();
    assert_eq!(record.event(), Event::Call);
    assert_eq!(record.time().unwrap().to_string(), "2026-11-21T12:00:00.000001Z");
    assert_eq!(record.values(Column::Asserted).collect::<Vec<_>>(), [&b"sip:+48600100200@h"[..], b"tel:+48600100200"]);
    assert!(record.wants_privacy());
    assert_eq!(record.field(Column::Headers), b"x-campaign=a%2Cb&x-other=");
    assert_eq!((record.decimal(Column::Draw), record.decimal(Column::Status)), (Some(u64::MAX), Some(603)));
    assert_eq!((record.decimal(Column::SetupMs), record.field(Column::EndedBy)), (None, &b""[..]));
    assert_eq!(record.text(Column::Reason), "Do \"not\" call, please");
    assert!(reader.read().unwrap().is_none());
}

#[test]
fn a_column_that_an_older_version_did_not_write_is_empty() {
    assert_eq!(values(&format!("{OLDER}call,,1,,200\n"), Column::Status), [Ok("200".into())]);
    assert_eq!(values(&format!("{OLDER}call,,1,,200\n"), Column::Reason), [Ok(String::new())]);
}

#[test]
fn a_damaged_line_is_told_and_spoils_no_other() {
    let long = "x".repeat(300 << 10);
    let text = format!("{OLDER}call,,1,,\ncall,,\"2,,\n\0\0\0\nring,,3,,\n{long}\nend,,4,,\ncall,,5");
    let fields = |found| Damage::Fields { found, expected: 5 };
    let expected = [
        Ok("1".into()),
        Err((3, fields(3))),
        Err((4, fields(1))),
        Err((5, Damage::Event)),
        Err((6, Damage::Long)),
        Ok("4".into()),
        Err((8, Damage::Torn)),
    ];
    assert_eq!(values(&text, Column::CallId), expected);
}

#[test]
fn a_file_that_holds_no_records_is_told_by_its_name() {
    for text in ["", "\n", "number,date\n1,2\n", "\0\0\0"] {
        let error = RecordReader::new(text.as_bytes(), Path::new("other.csv")).unwrap_err();
        assert_eq!(error, RecordError::NoHeader("other.csv".into()), "{text}");
        assert!(!error.is_one_line());
    }
}

#[test]
fn a_compressed_file_is_read_as_far_as_it_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("calls-20261121.csv.gz");
    let mut encoder = GzEncoder::new(File::create(&path).unwrap(), Compression::fast());
    encoder.write_all(format!("{OLDER}{}", "call,,1,,\n".repeat(100_000)).as_bytes()).unwrap();
    encoder.finish().unwrap();
    let count = || {
        let mut reader = RecordReader::open(&path).unwrap();
        let mut lines = 0;
        loop {
            match reader.read() {
                Ok(Some(_)) => lines += 1,
                Ok(None) => return (lines, None),
                Err(error) => {
                    assert!(reader.read().unwrap().is_none(), "what cannot be read on is over");
                    return (lines, Some(error));
                }
            }
        }
    };
    assert_eq!(count(), (100_000, None));
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let (lines, error) = count();
    let error = error.unwrap();
    assert!(lines > 0 && !error.is_one_line(), "{lines} {error}");
    assert!(!RecordReader::open(&dir.path().join("none.csv")).unwrap_err().is_one_line());
}
