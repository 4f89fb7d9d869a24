//! `ringfence list log` and `ringfence list at`.

use serde::Deserialize;

use crate::cli::Screen;
use crate::cli::failure::Failure;
use crate::cli::port::{At, Client};
use crate::cli::table::{Column, Table, count, printable};

/// Show who changed what, when and why; the latest first.
#[derive(Debug, clap::Args)]
pub struct LogArguments {
    /// Changes of this list, and of all lists together.
    #[arg(long, value_name = "LIST")]
    pub list: Option<String>,
    /// Changes of this number and of the prefixes and ranges that hold it.
    #[arg(long, value_name = "NUMBER")]
    pub number: Option<String>,
    /// Changes of this entry.
    #[arg(long, value_name = "ENTRY", conflicts_with = "number")]
    pub entry: Option<String>,
    /// Those before this generation.
    #[arg(long, value_name = "GENERATION")]
    pub before: Option<u64>,
    /// How many.
    #[arg(long, value_name = "COUNT")]
    pub limit: Option<u64>,
}

/// Show what lists were at a generation of the past.
#[derive(Debug, clap::Args)]
pub struct AtArguments {
    /// The generation, as a record names it.
    pub generation: u64,
    /// This list; omitted: each of those there are now.
    #[arg(long, value_name = "LIST")]
    pub list: Option<String>,
    /// Whether it held this number, and through which entry.
    #[arg(long, value_name = "NUMBER")]
    pub number: Option<String>,
    /// Whether it held this entry.
    #[arg(long, value_name = "ENTRY", conflicts_with = "number")]
    pub entry: Option<String>,
}

#[derive(Deserialize)]
struct TrailShown {
    edits: Vec<LineShown>,
    next: Option<u64>,
}

#[derive(Deserialize)]
struct LineShown {
    generation: u64,
    at: String,
    actor: String,
    reason: Option<String>,
    action: String,
    list: Option<String>,
    trunk: Option<String>,
    rule: Option<String>,
    entry: Option<String>,
    entries: Option<u64>,
}

#[derive(Deserialize)]
struct AllShown {
    lists: Vec<NameShown>,
}

#[derive(Deserialize)]
struct NameShown {
    name: String,
}

#[derive(Deserialize)]
struct PastShown {
    base: Option<BaseShown>,
    imports: Vec<ImportShown>,
    edits: u64,
    entry: Option<String>,
    held: Option<bool>,
    through: Option<String>,
    edit: Option<LineShown>,
}

#[derive(Deserialize)]
struct BaseShown {
    since: u64,
    at: String,
    digest: String,
    entries: u64,
    files: Vec<FileShown>,
}

#[derive(Deserialize)]
struct FileShown {
    path: String,
    digest: String,
    bytes: u64,
}

#[derive(Deserialize)]
struct ImportShown {
    generation: u64,
    digest: String,
    entries: u64,
}

pub(super) fn log(
    client: &Client,
    arguments: &LogArguments,
    json: bool,
    screen: &mut Screen<'_>,
) -> Result<(), Failure> {
    let at = At::new(&["edits"])
        .with("list", arguments.list.as_ref())
        .with("number", arguments.number.as_ref())
        .with("entry", arguments.entry.as_ref())
        .with("before", arguments.before.map(|before| before.to_string()))
        .with("limit", arguments.limit.map(|limit| limit.to_string()));
    let answer = client.get(&at)?;
    if json {
        return Ok(writeln!(screen.out, "{}", answer.text)?);
    }
    let trail: TrailShown = answer.read()?;
    let mut table = Table::new(&[
        Column::Count("GENERATION"),
        Column::Text("AT"),
        Column::Text("WHO"),
        Column::Text("ACTION"),
        Column::Text("LIST"),
        Column::Text("ENTRY"),
        Column::Text("REASON"),
    ]);
    for line in trail.edits {
        let entry = line.entry.or(line.entries.map(|entries| count(entries, "entry", "entries")));
        let by_hand = line.trunk.map(|trunk| format!("trunk {trunk}")).or(line.rule.map(|rule| format!("rule {rule}")));
        let subject = line.list.or(by_hand);
        let [list, entry, reason] = [subject, entry, line.reason].map(Option::unwrap_or_default);
        table.row([line.generation.to_string(), line.at, line.actor, line.action, list, entry, reason]);
    }
    table.write(screen.out)?;
    if let Some(next) = trail.next {
        writeln!(screen.err, "there are more: --before {next}")?;
    }
    Ok(())
}

/// With `json` a line for each list.
pub(super) fn at(client: &Client, arguments: &AtArguments, json: bool, screen: &mut Screen<'_>) -> Result<(), Failure> {
    if let Some(list) = &arguments.list {
        return one_at(client, list, arguments, json, screen);
    }
    let all: AllShown = client.get(&At::new(&["lists"]))?.read()?;
    all.lists.iter().try_for_each(|list| one_at(client, &list.name, arguments, json, screen))
}

fn one_at(
    client: &Client,
    list: &str,
    arguments: &AtArguments,
    json: bool,
    screen: &mut Screen<'_>,
) -> Result<(), Failure> {
    let AtArguments { generation, list: _, number, entry } = arguments;
    let at = At::new(&["lists", list, "at", &generation.to_string()])
        .with("number", number.as_ref())
        .with("entry", entry.as_ref());
    let answer = client.get(&at)?;
    if json {
        return Ok(writeln!(screen.out, "{}", answer.text)?);
    }
    let past: PastShown = answer.read()?;
    writeln!(screen.out, "{} at generation {generation}:", printable(list))?;
    match &past.base {
        Some(BaseShown { since, at, digest, entries, files }) => {
            let entries = count(*entries, "entry", "entries");
            writeln!(screen.out, "base {digest} with {entries}, since generation {since} ({at})")?;
            for FileShown { path, digest, bytes } in files {
                writeln!(screen.out, "  of {}, {}, SHA-256 {digest}", printable(path), count(*bytes, "byte", "bytes"))?;
            }
        }
        None => writeln!(screen.out, "no base")?,
    }
    for ImportShown { generation, digest, entries } in &past.imports {
        let entries = count(*entries, "entry", "entries");
        writeln!(screen.out, "import {digest} with {entries} at generation {generation}")?;
    }
    writeln!(screen.out, "{}", count(past.edits, "edit", "edits"))?;
    match past.entry {
        Some(entry) => held(&entry, past.held, past.through.as_deref(), past.edit.as_ref(), screen),
        None => Ok(()),
    }
}

fn held(
    entry: &str,
    held: Option<bool>,
    through: Option<&str>,
    edit: Option<&LineShown>,
    screen: &mut Screen<'_>,
) -> Result<(), Failure> {
    let entry = printable(entry);
    match (held, through.filter(|through| *through != entry)) {
        (Some(true), Some(through)) => writeln!(screen.out, "{entry} was in it, through {}", printable(through))?,
        (Some(true), None) => writeln!(screen.out, "{entry} was in it")?,
        (Some(false), _) => writeln!(screen.out, "{entry} was not in it")?,
        (None, _) => writeln!(screen.out, "whether {entry} was in it is not known any more: its base is not kept")?,
    }
    if let Some(LineShown { generation, at, actor, reason, action, .. }) = edit {
        let reason = reason.as_ref().map(|reason| format!(": {}", printable(reason))).unwrap_or_default();
        writeln!(screen.out, "  {action} at generation {generation} ({at}) by {}{reason}", printable(actor))?;
    }
    Ok(())
}
