//! `ringfence explain`.

use std::io::{self, Write};
use std::path::Path;
use std::time::SystemTime;

use super::{End, load, tell_mistakes};
use crate::screen::{Question, World};
use crate::time::WallTime;
use crate::usage::Usage;

/// A call to ask about.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The caller: a number, a SIP or tel URI, or `anonymous`.
    #[arg(long, value_name = "PARTY", allow_hyphen_values = true)]
    pub from: String,
    /// The callee: a number or a SIP, tel or urn URI.
    #[arg(long, value_name = "PARTY")]
    pub to: String,
    /// The trunk that the call comes from.
    #[arg(long, value_name = "NAME")]
    pub trunk: String,
    /// The caller in P-Asserted-Identity; may be repeated.
    #[arg(long, value_name = "PARTY")]
    pub asserted: Vec<String>,
    /// The call asks for privacy (Privacy: id).
    #[arg(long)]
    pub privacy: bool,
    /// Who forwarded the call before (Diversion); may be repeated.
    #[arg(long, value_name = "PARTY")]
    pub diversion: Vec<String>,
    /// A header of the call, as NAME:VALUE; may be repeated.
    #[arg(long, value_name = "NAME:VALUE", value_parser = parse_header)]
    pub header: Vec<(String, String)>,
    /// The random number that chooses the presented number: that of a record, to repeat its decision.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub draw: u64,
    /// The moment of the call, such as 2026-03-25T08:00:00Z; now when omitted.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub at: Option<WallTime>,
    /// Answer in JSON.
    #[arg(long)]
    pub json: bool,
}

/// Loads the config and asks it. Lists that were made at run time are there, but empty, as all edits are left out.
pub(super) fn explain(path: &Path, arguments: &Arguments, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<End> {
    let loaded = match load(path, err)? {
        Ok(loaded) => loaded,
        Err(errors) => return tell_mistakes(path, &errors, err),
    };
    let world = World::new(0, loaded.lists, loaded.policy).expect("a config's pools were checked when it was read");
    let question = Question {
        from: arguments.from.clone(),
        to: arguments.to.clone(),
        trunk: arguments.trunk.clone(),
        asserted: arguments.asserted.clone(),
        privacy: arguments.privacy,
        diversions: arguments.diversion.clone(),
        headers: arguments.header.iter().cloned().collect(),
    };
    let at = arguments.at.unwrap_or_else(now);
    match question.explain(&world, &Usage::new(), at, arguments.draw) {
        Ok(explanation) if arguments.json => {
            serde_json::to_writer_pretty(&mut *out, &explanation)?;
            writeln!(out)?;
            Ok(End::Done)
        }
        Ok(explanation) => {
            writeln!(out, "{explanation}")?;
            Ok(End::Done)
        }
        Err(error) => {
            writeln!(err, "{error}")?;
            Ok(End::Unusable)
        }
    }
}

fn parse_header(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once(':').ok_or("expected NAME:VALUE")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

pub(super) fn parse_time(text: &str) -> Result<WallTime, &'static str> {
    WallTime::parse(text).ok_or("expected a time such as 2026-03-25T08:00:00Z")
}

/// A clock before 1970 is no clock: entries then count as not expired.
fn now() -> WallTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    WallTime::from_micros(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}
