//! `ringfence replay`: what another config would have done with the calls of the records.
//!
//! * `files` finds record files and reads them in the order of their times.
//! * `replayer` has each call judged again, and `decision` compares what was decided with what would be.
//! * `report` is what came out of it, `text` writes it for people.

mod decision;
mod files;
mod replayer;
mod report;
mod text;

use std::fmt::Display;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub use files::read_all;
pub use replayer::{Options, Replayer};
pub use report::Report;

use super::explain::parse_time;
use super::{End, load_with, tell_mistakes};
use crate::app;
use crate::config;
use crate::screen::World;
use crate::store;
use crate::time::WallTime;

/// Calls, and the config that is to judge them.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Record files (.csv or .csv.gz), or folders of them.
    #[arg(required = true, value_name = "RECORDS")]
    pub records: Vec<PathBuf>,
    /// The state folder whose run-time edits lie over the candidate's lists; omitted: the one that the candidate names.
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Calls from this moment on, such as 2026-03-25T08:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub since: Option<WallTime>,
    /// Calls before this moment.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub until: Option<WallTime>,
    /// How many calls are shown of each change.
    #[arg(long, value_name = "COUNT", default_value_t = EXAMPLES)]
    pub examples: usize,
    /// End with exit code 4 when something would change, and with 1 when no call was judged or a line cannot be read.
    #[arg(long)]
    pub fail_on_change: bool,
    /// Answer in JSON.
    #[arg(long)]
    pub json: bool,
}

/// Enough to see what is meant.
const EXAMPLES: usize = 3;

/// Judges all calls again by the candidate at `path`, and tells what would change.
pub(super) fn replay(path: &Path, arguments: &Arguments, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<End> {
    let done = candidate(path, arguments.state.as_deref(), err)?;
    let (world, edits_included) = match done {
        Ok(candidate) => candidate,
        Err(end) => return Ok(end),
    };
    let options = Options { since: arguments.since, until: arguments.until, examples: arguments.examples };
    let mut replayer = Replayer::new(&world, options);
    if let Err(error) = read_all(&arguments.records, &mut replayer) {
        return refused(&error, err);
    }
    let report = replayer.report(edits_included);
    if arguments.json {
        serde_json::to_writer_pretty(&mut *out, &report)?;
        writeln!(out)?;
    } else {
        text::write(&report, path, out)?;
    }
    if !arguments.fail_on_change {
        return Ok(End::Done);
    }
    if report.changes_something() {
        return Ok(End::Changed);
    }
    match report.proves_nothing() {
        Some(why) => refused(&why, err),
        None => Ok(End::Done),
    }
}

/// The candidate's world, and whether run-time edits are in it; or how to end without.
fn candidate(path: &Path, state: Option<&Path>, err: &mut dyn Write) -> io::Result<Result<(World, bool), End>> {
    let settings = match config::settings(path) {
        Ok(settings) => settings,
        Err(errors) => {
            // With all other mistakes.
            let errors = load_with(path, Vec::new()).err().unwrap_or(errors);
            return tell_mistakes(path, &errors, err).map(Err);
        }
    };
    let asked_for = state;
    let state = state.map_or(settings.state, |dir| store::Config { dir: dir.into() });
    let found = match store::peek_all(&state) {
        Ok(found) => found,
        Err(error) => return refused(&error, err).map(Err),
    };
    if let (Some(dir), None) = (asked_for, &found) {
        let missing = format!("{}: no database: expected the state folder of a daemon", dir.display());
        return refused(&missing, err).map(Err);
    }
    let (edits_included, replay) = (found.is_some(), found.unwrap_or_default());
    let loaded = match load_with(path, replay.made.clone()) {
        Ok(loaded) => loaded,
        Err(errors) => return tell_mistakes(path, &errors, err).map(Err),
    };
    match app::candidate(&loaded, replay, &state.dir) {
        Ok(world) => Ok(Ok((world, edits_included))),
        Err(error) => refused(&error, err).map(Err),
    }
}

fn refused(error: &dyn Display, err: &mut dyn Write) -> io::Result<End> {
    writeln!(err, "{error}")?;
    Ok(End::Refused)
}
