//! `ringfence list add` and `ringfence list rm`.

use serde::Deserialize;
use serde_json::json;

use crate::cli::Screen;
use crate::cli::failure::{Failure, Refused};
use crate::cli::port::{At, Client};
use crate::cli::table::printable;

/// Add entries, or change what is said of them; all or none.
#[derive(Debug, clap::Args)]
pub struct AddArguments {
    /// The list.
    pub list: String,
    /// Numbers, prefixes such as 4870*, ranges, `anonymous`, `unavailable` or SIP user names.
    #[arg(required = true, value_name = "ENTRY")]
    pub entries: Vec<String>,
    /// Since when they are listed, such as 2026-03-25.
    #[arg(long, value_name = "DAY")]
    pub date: Option<String>,
    /// What there is to say of them.
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// From when on they no longer match, such as 2026-03-25T08:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub expires: Option<String>,
    /// Why, for the audit trail.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// Remove entries; all or none.
#[derive(Debug, clap::Args)]
pub struct RemoveArguments {
    /// The list.
    pub list: String,
    /// The entries.
    #[arg(required = true, value_name = "ENTRY")]
    pub entries: Vec<String>,
    /// Why, for the audit trail.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

#[derive(Deserialize)]
struct EditsShown {
    generation: u64,
    added: u64,
    changed: u64,
    removed: u64,
}

pub(super) fn add(
    client: &Client,
    arguments: &AddArguments,
    json: bool,
    screen: &mut Screen<'_>,
) -> Result<(), Failure> {
    let AddArguments { list, entries, date, description, expires, reason } = arguments;
    let line = |entry: &String| {
        json!({"entry": entry, "date": date, "description": description, "expires": expires}).to_string()
    };
    send(client, list, entries, reason.as_ref(), line, json, screen)
}

pub(super) fn remove(
    client: &Client,
    arguments: &RemoveArguments,
    json: bool,
    screen: &mut Screen<'_>,
) -> Result<(), Failure> {
    let RemoveArguments { list, entries, reason } = arguments;
    let line = |entry: &String| json!({"entry": entry, "change": "remove"}).to_string();
    send(client, list, entries, reason.as_ref(), line, json, screen)
}

fn send(
    client: &Client,
    list: &str,
    entries: &[String],
    reason: Option<&String>,
    line: impl Fn(&String) -> String,
    json: bool,
    screen: &mut Screen<'_>,
) -> Result<(), Failure> {
    let body: Vec<String> = entries.iter().map(line).collect();
    let at = At::new(&["lists", list, "edits"]).with("reason", reason);
    let answer = client.post(&at, body.join("\n")).map_err(|failure| match failure {
        Failure::Refused(refused) => Failure::Refused(named(refused, entries)),
        failure => failure,
    })?;
    if json {
        return Ok(writeln!(screen.out, "{}", answer.text)?);
    }
    let EditsShown { generation, added, changed, removed } = answer.read()?;
    let counts = [(added, "added"), (changed, "changed"), (removed, "removed")];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
    let counts = counts.collect::<Vec<_>>().join(", ");
    Ok(writeln!(screen.out, "{}: {counts}; generation {generation}", printable(list))?)
}

/// Nobody has written lines: the entries of the command line say what is meant.
fn named(mut refused: Refused, entries: &[String]) -> Refused {
    for error in &mut refused.errors {
        let at = error.line.take().and_then(|line| usize::try_from(line).ok()?.checked_sub(1));
        if let Some(entry) = at.and_then(|at| entries.get(at)) {
            error.detail = format!("{entry}: {}", error.detail);
        }
    }
    if let [only] = refused.errors.as_slice() {
        refused.detail = format!("{}; nothing was changed", only.detail);
    }
    refused
}
