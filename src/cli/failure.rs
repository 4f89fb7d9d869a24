//! What goes wrong when a daemon is asked.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use super::table::printable;
use super::{End, tell_mistakes};
use crate::admin::TokenError;
use crate::config::ConfigErrors;

/// Why a command did not do its work.
#[derive(Debug)]
pub(super) enum Failure {
    /// The config that says where to ask is wrong.
    Config(ConfigErrors),
    /// Its file of tokens is.
    Tokens { error: TokenError },
    /// It holds none that could be used.
    NoToken,
    /// It holds several.
    SeveralTokens(Vec<Arc<str>>),
    /// `--url` is no URL of an admin port.
    Scheme,
    /// What was asked for makes no sense together.
    Arguments(&'static str),
    /// A file of this side cannot be read or written.
    File { path: PathBuf, kind: io::ErrorKind },
    /// Nobody answers.
    Unreachable { url: String, why: String },
    /// An answer ends before it is whole.
    BrokenOff { kind: io::ErrorKind },
    /// The daemon refuses.
    Refused(Refused),
    /// Whatever answers is no Ringfence.
    Foreign,
    /// What was asked for is not there.
    Nothing(String),
    /// What is to be said cannot be written.
    Output(io::Error),
}

impl Failure {
    pub(super) fn file(path: &Path, error: &io::Error) -> Failure {
        Failure::File { path: path.into(), kind: error.kind() }
    }

    /// Tells it, and how to end because of it.
    pub(super) fn tell(self, config: &Path, err: &mut dyn Write) -> io::Result<End> {
        match self {
            Failure::Config(errors) => {
                tell_mistakes(config, &errors, err)?;
                return Ok(End::Unusable);
            }
            Failure::Tokens { error } => writeln!(
                err,
                "{error}\ngive a token by --token-file or the environment's {}",
                super::port::TOKEN_VARIABLE
            )?,
            Failure::NoToken => writeln!(
                err,
                "the config's file of tokens holds none as it is: give one by --token-file or the environment's {}",
                super::port::TOKEN_VARIABLE
            )?,
            Failure::SeveralTokens(names) => {
                writeln!(err, "the config's file of tokens holds several: choose one by --as {}", names.join("|"))?;
            }
            Failure::Scheme => writeln!(err, "--url: expected an address such as http://127.0.0.1:8060")?,
            Failure::Arguments(what) => writeln!(err, "{what}")?,
            Failure::File { path, kind } => {
                writeln!(err, "{}: {kind}", path.display())?;
                return Ok(End::Refused);
            }
            Failure::Unreachable { url, why } => {
                writeln!(err, "the daemon cannot be reached at {url}: {why}")?;
                return Ok(End::Unreachable);
            }
            Failure::BrokenOff { kind } => {
                writeln!(err, "the answer broke off before its end: {kind}")?;
                return Ok(End::Refused);
            }
            Failure::Refused(refused) => {
                refused.tell(err)?;
                return Ok(End::Refused);
            }
            Failure::Foreign => {
                writeln!(err, "the answer is none of Ringfence's admin port")?;
                return Ok(End::Refused);
            }
            Failure::Nothing(what) => {
                writeln!(err, "{what}")?;
                return Ok(End::Refused);
            }
            Failure::Output(error) => return Err(error),
        }
        Ok(End::Unusable)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Output(error)
    }
}

/// A problem (RFC 9457) as the admin port answers it.
#[derive(Debug, Deserialize)]
pub(super) struct Refused {
    pub(super) detail: String,
    #[serde(default)]
    pub(super) errors: Vec<Mistake>,
    /// How many there are, of which `errors` tells the first.
    rejected: Option<u64>,
}

/// One of several mistakes, and where.
#[derive(Debug, Deserialize)]
pub(super) struct Mistake {
    pub(super) detail: String,
    file: Option<String>,
    pub(super) line: Option<u64>,
    column: Option<u64>,
    cell: Option<String>,
}

impl Refused {
    pub(super) fn bare(status: u16) -> Refused {
        Refused { detail: format!("answered with HTTP status {status}"), errors: Vec::new(), rejected: None }
    }

    fn tell(&self, err: &mut dyn Write) -> io::Result<()> {
        writeln!(err, "{}", printable(&self.detail))?;
        // The detail has said the only one.
        if self.errors.len() > 1 || self.errors.iter().any(|error| error.cell.is_some()) {
            tell_all(&self.errors, self.rejected, err)?;
        }
        Ok(())
    }
}

/// A mistake a line, and how many more there are.
pub(super) fn tell_all(mistakes: &[Mistake], total: Option<u64>, err: &mut dyn Write) -> io::Result<()> {
    for mistake in mistakes {
        writeln!(err, "  {mistake}")?;
    }
    match total.unwrap_or_default().saturating_sub(mistakes.len() as u64) {
        0 => Ok(()),
        more => writeln!(err, "  … and {more} more"),
    }
}

impl std::fmt::Display for Mistake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.file, self.line, self.column) {
            (Some(file), Some(line), Some(column)) => write!(f, "{file}:{line}:{column}: ")?,
            (Some(file), ..) => write!(f, "{file}: ")?,
            (None, Some(line), Some(column)) => write!(f, "line {line}, column {column}: ")?,
            (None, Some(line), None) => write!(f, "line {line}: ")?,
            (None, None, _) => {}
        }
        if let Some(cell) = &self.cell {
            write!(f, "`{}`: ", printable(cell))?;
        }
        f.write_str(&printable(&self.detail))
    }
}
