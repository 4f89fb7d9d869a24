//! The command line.
//!
//! | exit code | means |
//! | --- | --- |
//! | 0 | it worked; `check`: the config is good, warnings or not; `explain`: there is a verdict, whatever it is |
//! | 1 | the config has mistakes, or the program could not do its work |
//! | 2 | the arguments make no sense, or the config file cannot be read |

mod check;
mod explain;
pub(crate) mod reading;

#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{self, ConfigErrors, Files, Loaded, Mistake, Reading};

/// A SIP proxy that screens calls on carrier trunks against number lists held in memory.
#[derive(Debug, Parser)]
#[command(version, after_help = EXIT_CODES)]
pub struct Arguments {
    /// The config file.
    #[arg(long, global = true, value_name = "PATH", default_value = DEFAULT_CONFIG)]
    pub config: PathBuf,
    /// What to do; without a command Ringfence runs.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run (the default).
    Run,
    /// Read the config and its lists, and tell mistakes as file:line:column.
    Check,
    /// Tell step by step what would become of a call, by the config and its list files alone.
    Explain(explain::Arguments),
}

/// Does what the process's arguments say.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (mut out, mut err) = (io::stdout(), io::stderr());
    match &arguments.command {
        None | Some(Command::Run) => crate::app::run(&arguments.config),
        Some(Command::Check) => exit(check::check(&arguments.config, &mut out, &mut err)),
        Some(Command::Explain(call)) => exit(explain::explain(&arguments.config, call, &mut out, &mut err)),
    }
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It worked.
    Done = 0,
    /// The config has mistakes.
    Mistakes = 1,
    /// The arguments make no sense, or the config file cannot be read.
    Unusable = 2,
}

/// A reader that went away (`ringfence check | head`) is no failure of the command.
fn exit(end: io::Result<End>) -> ExitCode {
    match end {
        Ok(end) => ExitCode::from(end as u8),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Reads a config with its files alone; on a terminal one sees how far it is.
fn load(path: &Path) -> Result<Loaded, ConfigErrors> {
    let reading = Reading::new();
    let mut files = Files::new(reading.clone());
    reading::shown(&reading, || config::load(path, &[], &mut files))
}

/// Tells the mistakes of a config and how to end because of them.
fn tell_mistakes(config: &Path, errors: &ConfigErrors, err: &mut dyn Write) -> io::Result<End> {
    writeln!(err, "{errors}")?;
    let unread = errors.0.iter().any(|error| match &error.mistake {
        Mistake::Unreadable { path, .. } => path == config,
        Mistake::NotUtf8 => true,
        _ => false,
    });
    Ok(if unread { End::Unusable } else { End::Mistakes })
}

const DEFAULT_CONFIG: &str = "config/ringfence.toml";

const EXIT_CODES: &str = "Exit codes: 0 it worked; 1 the config has mistakes, or the work could not be done; \
    2 the arguments make no sense, or the config file cannot be read.";
