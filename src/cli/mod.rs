//! The command line.
//!
//! | exit code | means |
//! | --- | --- |
//! | 0 | it worked; `check`: the config is good, warnings or not; `explain`: there is a verdict, whatever it is |
//! | 1 | the config has mistakes, the program could not do its work, or the daemon refused what it was asked |
//! | 2 | the arguments make no sense, the config file cannot be read, or it does not say how to ask the daemon |
//! | 3 | the daemon cannot be reached |
//! | 4 | `replay --fail-on-change`: something would change |
//!
//! `list`, `trunk`, `rule` and `reload` ask the running daemon through its admin port; all other commands do without it.

mod by_hand;
mod check;
mod explain;
mod failure;
mod list;
mod port;
mod progress;
pub(crate) mod reading;
mod reload;
pub mod replay;
mod rule;
mod table;
mod trunk;

#[cfg(test)]
mod tests;

use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{self, ConfigErrors, Files, Loaded, Mistake, Reading};
use crate::store;

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
    /// Tell step by step what would become of a call, by the config and its list files, without run-time edits.
    Explain(explain::Arguments),
    /// Run recorded calls through a config, and tell what would become of them that did not.
    Replay(replay::Arguments),
    /// Look at the lists of the running daemon, and change them.
    List(list::Arguments),
    /// Look at the trunks of the running daemon, close them and open them again.
    Trunk(trunk::Arguments),
    /// Look at the rules of the running daemon, and change their modes.
    Rule(rule::Arguments),
    /// Have the running daemon read the config and its lists again.
    Reload(reload::Arguments),
}

/// Does what the process's arguments say.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (mut out, mut err) = (io::stdout(), io::stderr());
    match &arguments.command {
        None | Some(Command::Run) => crate::app::run(&arguments.config),
        Some(Command::Check) => exit(check::check(&arguments.config, &mut out, &mut err)),
        Some(Command::Explain(call)) => exit(explain::explain(&arguments.config, call, &mut out, &mut err)),
        Some(Command::Replay(calls)) => exit(replay::replay(&arguments.config, calls, &mut out, &mut err)),
        Some(asking @ (Command::List(_) | Command::Trunk(_) | Command::Rule(_) | Command::Reload(_))) => {
            let progress = err.is_terminal();
            let mut screen = Screen { out: &mut out, err: &mut err, stdin: || Box::new(io::stdin()), progress };
            exit(ask(&arguments.config, asking, std::env::var(port::TOKEN_VARIABLE).ok(), &mut screen))
        }
    }
}

/// Where a command that asks the daemon reads and writes.
pub(crate) struct Screen<'a> {
    pub(crate) out: &'a mut dyn Write,
    pub(crate) err: &'a mut dyn Write,
    pub(crate) stdin: fn() -> Box<dyn Read + Send>,
    /// Whether somebody watches.
    pub(crate) progress: bool,
}

/// Asks the daemon. `token` is the environment's.
fn ask(config: &Path, command: &Command, token: Option<String>, screen: &mut Screen<'_>) -> io::Result<End> {
    let done =
        match command {
            Command::List(arguments) => port::Client::new(config, &arguments.port, token)
                .and_then(|client| list::list(&client, arguments, screen)),
            Command::Trunk(arguments) => port::Client::new(config, &arguments.port, token)
                .and_then(|client| trunk::trunk(&client, arguments, screen)),
            Command::Rule(arguments) => port::Client::new(config, &arguments.port, token)
                .and_then(|client| rule::rule(&client, arguments, screen)),
            Command::Reload(arguments) => port::Client::new(config, &arguments.port, token)
                .and_then(|client| reload::reload(&client, arguments, screen)),
            Command::Run | Command::Check | Command::Explain(_) | Command::Replay(_) => Ok(()),
        };
    match done {
        Ok(()) => Ok(End::Done),
        Err(failure) => failure.tell(config, screen.err),
    }
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It worked.
    Done,
    /// The config has mistakes.
    Mistakes,
    /// The daemon refused, or the work could not be done.
    Refused,
    /// The arguments make no sense, or the config file cannot be read.
    Unusable,
    /// The daemon cannot be reached.
    Unreachable,
    /// Recorded calls would go another way.
    Changed,
}

impl End {
    fn code(self) -> u8 {
        match self {
            End::Done => 0,
            End::Mistakes | End::Refused => 1,
            End::Unusable => 2,
            End::Unreachable => 3,
            End::Changed => 4,
        }
    }
}

/// A reader that went away (`ringfence check | head`) is no failure of the command.
fn exit(end: io::Result<End>) -> ExitCode {
    match end {
        Ok(end) => ExitCode::from(end.code()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Reads a config with its files, and which lists were made at run time, as rules may name them; on a terminal one sees
/// how far it is. A database that cannot be read is no mistake of the config: it is told as a warning.
fn load(path: &Path, err: &mut dyn Write) -> io::Result<Result<Loaded, ConfigErrors>> {
    // What is wrong with the settings is told with all other mistakes.
    let state = config::settings(path).map(|settings| settings.state);
    let made = match state.map(|state| store::peek(&state)) {
        Ok(Ok(made)) => made,
        Ok(Err(error)) => {
            writeln!(err, "warning: lists that were made at run time are not known: {error}")?;
            Vec::new()
        }
        Err(_) => Vec::new(),
    };
    Ok(load_with(path, made))
}

/// The same with these lists made at run time.
fn load_with(path: &Path, made: Vec<store::MadeList>) -> Result<Loaded, ConfigErrors> {
    let made: Vec<_> = made.into_iter().map(|list| (list.name, list.class)).collect();
    let reading = Reading::new();
    let mut files = Files::new(reading.clone());
    reading::shown(&reading, || config::load(path, &made, &mut files))
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

const EXIT_CODES: &str = "Exit codes: 0 it worked; 1 the config has mistakes, the work could not be done or the daemon \
    refused it; 2 the arguments make no sense, or the config file cannot be read; 3 the daemon cannot be reached; \
    4 replay --fail-on-change: something would change.";
