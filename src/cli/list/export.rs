//! `ringfence list export`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use serde::Deserialize;

use crate::cli::failure::Failure;
use crate::cli::port::{At, Client};
use crate::cli::table::{count, printable};
use crate::cli::{Screen, progress};

/// Write what is in force, as CSV.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The list.
    pub list: String,
    /// The file, which is replaced when all is written; omitted: the standard output.
    pub file: Option<PathBuf>,
    /// Entries that have expired as well.
    #[arg(long)]
    pub expired: bool,
}

#[derive(Deserialize)]
struct Size {
    entries: u64,
}

pub(super) fn export(client: &Client, arguments: &Arguments, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let Arguments { list, file, expired } = arguments;
    let Size { entries } = client.get(&At::new(&["lists", list]))?.read()?;
    let at = At::new(&["lists", list, "export"]).with("expired", expired.then_some("true"));
    let mut body = client.download(&at)?;
    // Where the lines of the file scroll by, a bar is in the way.
    let bar = progress::of_entries(screen.progress && file.is_some(), entries);
    let copied = match file {
        None => copy(&mut body, screen.out, &bar).map_err(|broken| broken.told(Path::new("the standard output"))),
        Some(path) => into_file(&mut body, path, &bar),
    };
    bar.finish_and_clear();
    let bytes = copied?;
    if let Some(path) = file {
        let bytes = count(bytes, "byte", "bytes");
        writeln!(screen.out, "{}: written to {}, {bytes}", printable(list), path.display())?;
    }
    Ok(())
}

/// Into a file of another name first, so that what breaks off is never taken for the list.
fn into_file(body: &mut impl Read, path: &Path, bar: &ProgressBar) -> Result<u64, Failure> {
    // What is meant is the file behind a link.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let unwritten = |error: io::Error| Failure::file(path, &error);
    if path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
        // A pipe or a device has no other name.
        let mut file = OpenOptions::new().write(true).open(path).map_err(unwritten)?;
        return copy(body, &mut file, bar).map_err(|broken| broken.told(path));
    }
    let name = path.file_name().ok_or(Failure::Arguments("FILE: expected the name of a file"))?;
    let unfinished = path.with_file_name(format!(".{}.{}.part", name.to_string_lossy(), std::process::id()));
    let written = OpenOptions::new().write(true).create_new(true).open(&unfinished).map_err(unwritten).and_then(
        |mut file: File| {
            let bytes = copy(body, &mut file, bar).map_err(|broken| broken.told(path))?;
            file.sync_all().and_then(|()| fs::rename(&unfinished, path)).map_err(unwritten)?;
            Ok(bytes)
        },
    );
    if written.is_err() {
        let _ = fs::remove_file(&unfinished);
    }
    written
}

/// How many bytes there were.
fn copy(body: &mut impl Read, out: &mut dyn Write, bar: &ProgressBar) -> Result<u64, Broken> {
    let mut buffer = vec![0; BUFFER];
    let (mut bytes, mut lines) = (0, 0);
    loop {
        let read = match body.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Broken::Body(error.kind())),
        };
        out.write_all(&buffer[..read]).map_err(Broken::Output)?;
        lines += memchr::memchr_iter(b'\n', &buffer[..read]).count() as u64;
        // Beside the header; a line break in a description counts for an entry.
        bar.set_position(lines.saturating_sub(1));
        bytes += read as u64;
    }
    out.flush().map_err(Broken::Output)?;
    Ok(bytes)
}

/// Which side broke off.
enum Broken {
    Body(io::ErrorKind),
    Output(io::Error),
}

impl Broken {
    fn told(self, path: &Path) -> Failure {
        match self {
            Broken::Body(kind) => Failure::BrokenOff { kind },
            // Whoever read along went away: no failure of ours.
            Broken::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Failure::Output(error),
            Broken::Output(error) => Failure::file(path, &error),
        }
    }
}

/// As much as the daemon writes at once.
const BUFFER: usize = 64 << 10;
