//! Numbers in, verdicts out: the bodies of `/v1/screen`.

use std::io::{self, BufRead, BufReader, Read, Write};

use serde::{Deserialize, Serialize};

use crate::lists::{Column, FileError, read_numbers};
use crate::screen::{Ground, NoNumber, Outcome, Verdict};

/// The form of a body and of its answer.
#[derive(Debug, Clone)]
pub enum Format {
    /// A header row or none, and a column of numbers.
    Csv {
        /// Which one; `None`: as in a list file.
        number: Option<Column>,
    },
    /// An object with a member `number`, text or digits, on each line. Other members are not looked at.
    NdJson,
}

impl Format {
    /// As `Content-Type` names it.
    pub fn media_type(&self) -> &'static str {
        match self {
            Format::Csv { .. } => "text/csv; charset=utf-8; header=present",
            Format::NdJson => "application/x-ndjson",
        }
    }
}

/// Judges the numbers of `body` one by one, and writes a line for each, in order; also for what is no number. Gives `out`
/// back. Memory stays within a few MiB, whatever the body.
///
/// # Errors
/// `body` ends early, or `out` takes no more.
pub fn screen<W: Write>(
    format: &Format,
    body: impl Read,
    out: W,
    judge: impl Fn(&str) -> Result<Verdict, NoNumber>,
) -> io::Result<W> {
    match format {
        Format::Csv { number } => {
            let mut out = out;
            out.write_all(&header()?)?;
            let mut out = csv::WriterBuilder::new().has_headers(false).from_writer(out);
            let mut write = |line: &Line<'_>| out.serialize(line).map_err(io::Error::from);
            let read = read_numbers(body, number.clone(), |number| match number {
                Ok(number) => judged(number, &judge, &mut write).map_err(Failure::Answer),
                Err(reason) => write(&Line::wrong(None, &reason)).map_err(Failure::Answer),
            });
            told(read, &mut write)?;
            out.into_inner().map_err(|error| error.into_error())
        }
        Format::NdJson => {
            let mut out = out;
            let mut write = |line: &Line<'_>| {
                serde_json::to_writer(&mut out, line)?;
                out.write_all(b"\n")
            };
            objects(body, |line| match serde_json::from_slice::<Object<'_>>(line) {
                // An array would be taken for the members in their order.
                _ if !line.starts_with(b"{") => write(&Line::wrong(None, NO_OBJECT)),
                Ok(Object { number: Given::Text(number) }) => judged(number.trim(), &judge, &mut write),
                Ok(Object { number: Given::Digits(number) }) => judged(&number.to_string(), &judge, &mut write),
                Err(_) => write(&Line::wrong(None, NO_OBJECT)),
            })?;
            Ok(out)
        }
    }
}

/// One line of the body.
#[derive(Deserialize)]
struct Object<'a> {
    #[serde(borrow)]
    number: Given<'a>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Given<'a> {
    Text(#[serde(borrow)] std::borrow::Cow<'a, str>),
    Digits(u64),
}

/// One line of the answer.
#[derive(Default, Serialize)]
struct Line<'a> {
    /// As it was given.
    number: Option<&'a str>,
    verdict: Option<&'static str>,
    rule: Option<&'a str>,
    list: Option<&'a str>,
    entry: Option<String>,
    ground: Option<&'static str>,
    /// The code of our answer.
    status: Option<u16>,
    /// The text of its Reason header.
    reason: Option<std::borrow::Cow<'a, str>>,
    retry_after: Option<u32>,
    error: Option<String>,
}

/// The first line of an answer in CSV, with the names of the others' fields.
fn header() -> io::Result<Vec<u8>> {
    let mut example = csv::Writer::from_writer(Vec::new());
    example.serialize(Line::default())?;
    let mut lines = example.into_inner().map_err(|error| error.into_error())?;
    lines.truncate(memchr::memchr(b'\n', &lines).map_or(0, |end| end + 1));
    Ok(lines)
}

impl<'a> Line<'a> {
    fn wrong(number: Option<&'a str>, error: &dyn std::fmt::Display) -> Line<'a> {
        Line { number, error: Some(error.to_string()), ..Line::default() }
    }
}

fn judged(
    number: &str,
    judge: &impl Fn(&str) -> Result<Verdict, NoNumber>,
    write: &mut impl FnMut(&Line<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let verdict = match judge(number) {
        Ok(verdict) => verdict,
        Err(error) => return write(&Line::wrong(Some(number), &error)),
    };
    let answer = match &verdict.outcome {
        Outcome::Answer(answer) => Some(answer),
        Outcome::Drop | Outcome::Proceed(_) => None,
    };
    write(&Line {
        number: Some(number),
        verdict: Some(verdict.word()),
        rule: verdict.cause.rule.as_deref(),
        list: verdict.cause.list.as_deref(),
        entry: verdict.cause.entry.as_ref().map(ToString::to_string),
        ground: verdict.cause.ground.map(Ground::as_str),
        status: answer.map(|answer| answer.status),
        reason: answer.and_then(|answer| answer.reason_text()),
        retry_after: answer.and_then(|answer| answer.retry_after),
        error: None,
    })
}

/// Hands the lines of `body` that are not blank to `each`; of one that is too long, its beginning.
fn objects(body: impl Read, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut body = BufReader::with_capacity(PIECE, body);
    let mut line = Vec::new();
    loop {
        line.clear();
        body.by_ref().take(LONGEST).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(());
        }
        let is_whole = line.ends_with(b"\n") || line.len() as u64 != LONGEST;
        if !line.trim_ascii().is_empty() {
            each(line.trim_ascii())?;
        }
        if !is_whole {
            body.skip_until(b'\n')?;
        }
    }
}

/// What ends a screening.
enum Failure {
    Body(FileError),
    Answer(io::Error),
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Failure {
        Failure::Body(error)
    }
}

/// A body that is no list of numbers is told in a last line; one that ends early ends the answer so.
fn told(read: Result<(), Failure>, write: &mut impl FnMut(&Line<'_>) -> io::Result<()>) -> io::Result<()> {
    match read {
        Ok(()) => Ok(()),
        Err(Failure::Answer(error)) => Err(error),
        Err(Failure::Body(FileError::Io { kind, .. })) => Err(kind.into()),
        Err(Failure::Body(error)) => write(&Line::wrong(None, &error)),
    }
}

const NO_OBJECT: &dyn std::fmt::Display = &"expected an object with the member `number`";

/// How much is read at once.
const PIECE: usize = 64 << 10;

/// The most bytes of a line that are looked at: a number and what a CRM may know of whom it belongs to.
const LONGEST: u64 = 64 << 10;
