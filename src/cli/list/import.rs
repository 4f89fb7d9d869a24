//! `ringfence list import`.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use serde::Deserialize;

use super::show::{EntryShown, entries};
use crate::cli::failure::{Failure, Mistake, tell_all};
use crate::cli::port::{At, Client};
use crate::cli::table::{count, printable};
use crate::cli::{Screen, progress};

/// Add all entries of a file.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The list.
    pub list: String,
    /// The file, gzip and zstd ones as they are; `-`: the standard input.
    pub file: PathBuf,
    /// The column of the numbers: its name in the header, or its place from 1.
    #[arg(long, value_name = "COLUMN")]
    pub number: Option<String>,
    /// The column of the dates.
    #[arg(long, value_name = "COLUMN")]
    pub date: Option<String>,
    /// The column of the descriptions.
    #[arg(long, value_name = "COLUMN")]
    pub description: Option<String>,
    /// The column of the ends.
    #[arg(long, value_name = "COLUMN")]
    pub expires: Option<String>,
    /// What separates the cells; omitted: it is found.
    #[arg(long, value_name = "CHARACTER")]
    pub delimiter: Option<String>,
    /// The character encoding, such as windows-1250; omitted: UTF-8.
    #[arg(long, value_name = "NAME")]
    pub encoding: Option<String>,
    /// How dates are written, such as %d.%m.%Y; omitted: 2026-03-25.
    #[arg(long, value_name = "FORMAT")]
    pub date_format: Option<String>,
    /// The layout of the file.
    #[arg(long, value_name = "FORMAT", value_parser = ["csv", "ftc", "tps", "uke"])]
    pub format: Option<String>,
    /// Show what the file is understood to say, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Leave out at most so many bad rows; omitted: one refuses the file.
    #[arg(long, value_name = "COUNT")]
    pub skip: Option<u64>,
    /// Why, for the audit trail.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

#[derive(Deserialize)]
struct ImportShown {
    generation: Option<u64>,
    rows: u64,
    added: u64,
    changed: u64,
    removed: u64,
    duplicates: u64,
    rejected: u64,
    errors: Vec<Mistake>,
    guessed: u64,
    not_utf8: u64,
    head: Option<Vec<EntryShown>>,
}

pub(super) fn import(
    client: &Client,
    arguments: &Arguments,
    json: bool,
    screen: &mut Screen<'_>,
) -> Result<(), Failure> {
    let (body, total): (Box<dyn Read + Send>, Option<u64>) = if arguments.file == Path::new("-") {
        ((screen.stdin)(), None)
    } else {
        let unread = |error: io::Error| Failure::file(&arguments.file, &error);
        let file = File::open(&arguments.file).map_err(unread)?;
        let metadata = file.metadata().map_err(unread)?;
        (Box::new(file), metadata.is_file().then_some(metadata.len()))
    };
    let bar = progress::of_bytes(screen.progress, total);
    let failed = Arc::new(OnceLock::new());
    let body = Own { body: bar.wrap_read(body), failed: Arc::clone(&failed) };
    let answer = client.upload(&at(arguments), body);
    bar.finish_and_clear();
    let answer = match (answer, failed.get()) {
        // To the client both sides look alike.
        (Err(_), Some(kind)) => return Err(Failure::File { path: arguments.file.clone(), kind: *kind }),
        (answer, _) => answer?,
    };
    if json {
        return Ok(writeln!(screen.out, "{}", answer.text)?);
    }
    tell(&arguments.list, answer.read()?, screen)
}

fn at(arguments: &Arguments) -> At {
    At::new(&["lists", &arguments.list, "import"])
        .with("number", arguments.number.as_ref())
        .with("date", arguments.date.as_ref())
        .with("description", arguments.description.as_ref())
        .with("expires", arguments.expires.as_ref())
        .with("delimiter", arguments.delimiter.as_ref())
        .with("encoding", arguments.encoding.as_ref())
        .with("date_format", arguments.date_format.as_ref())
        .with("format", arguments.format.as_ref())
        .with("on_error", arguments.skip.map(|_| "skip"))
        .with("skip_limit", arguments.skip.map(|limit| limit.to_string()))
        .with("dry_run", arguments.dry_run.then_some("true"))
        .with("reason", arguments.reason.as_ref())
}

fn tell(list: &str, shown: ImportShown, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let ImportShown { rows, added, changed, removed, duplicates, rejected, guessed, not_utf8, .. } = shown;
    if let Some(head) = shown.head {
        entries(head).write(screen.out)?;
    }
    let rows = count(rows, "row", "rows");
    write!(screen.out, "{}: {rows}: {added} added, {changed} changed, ", printable(list))?;
    if removed > 0 {
        write!(screen.out, "{removed} removed, ")?;
    }
    write!(screen.out, "{}, {rejected} left out", count(duplicates, "duplicate", "duplicates"))?;
    match shown.generation {
        Some(generation) => writeln!(screen.out, "; generation {generation}")?,
        None => writeln!(screen.out, "; nothing was changed")?,
    }
    if guessed > 0 {
        writeln!(
            screen.err,
            "{} taken as E.164, as the dial plan has no place for them",
            count(guessed, "number", "numbers")
        )?;
    }
    if not_utf8 > 0 {
        writeln!(screen.err, "{} with bytes that are not in the file's encoding", count(not_utf8, "row", "rows"))?;
    }
    if rejected > 0 {
        writeln!(screen.err, "{} left out:", count(rejected, "row", "rows"))?;
        tell_all(&shown.errors, Some(rejected), screen.err)?;
    }
    Ok(())
}

/// Remembers that it was this side that could not read on.
struct Own<R> {
    body: R,
    failed: Arc<OnceLock<io::ErrorKind>>,
}

impl<R: Read> Read for Own<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.body.read(out).inspect_err(|error| {
            let _ = self.failed.set(error.kind());
        })
    }
}
