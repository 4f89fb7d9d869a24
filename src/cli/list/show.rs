//! `ringfence list show`.

use serde::Deserialize;

use crate::cli::Screen;
use crate::cli::failure::Failure;
use crate::cli::port::{At, Client};
use crate::cli::table::{Column, Table, count, printable};

/// Show all lists, or a page of the entries of one.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The list; omitted: all lists without their entries.
    pub list: Option<String>,
    /// Entries with these digits, or with this text in their spelling or description.
    #[arg(long, value_name = "TEXT", requires = "list")]
    pub search: Option<String>,
    /// Entries behind this one, in number order.
    #[arg(long, value_name = "ENTRY", requires = "list")]
    pub after: Option<String>,
    /// How many entries.
    #[arg(long, value_name = "COUNT", requires = "list")]
    pub limit: Option<u64>,
}

/// A list as the admin port shows it, as far as it is shown here.
#[derive(Deserialize)]
pub(super) struct ListShown {
    pub(super) name: String,
    class: String,
    pub(super) entries: u64,
    edits: u64,
    made_at_run_time: bool,
    file: Option<String>,
    loaded: String,
    base: Option<BaseShown>,
    #[serde(default)]
    earlier: Vec<BaseShown>,
    progress: Option<ProgressShown>,
    pub(super) waiting: Option<WaitingShown>,
    set_aside: Option<String>,
    stale: Option<StaleShown>,
    alarm: Option<String>,
    skipped: Option<SkippedShown>,
}

#[derive(Deserialize)]
struct BaseShown {
    digest: String,
    entries: u64,
}

#[derive(Deserialize)]
struct ProgressShown {
    bytes: u64,
    total_bytes: u64,
}

#[derive(Deserialize)]
pub(super) struct WaitingShown {
    pub(super) digest: String,
    entries: u64,
    added: u64,
    removed: u64,
}

#[derive(Deserialize)]
struct StaleShown {
    since: String,
    does: String,
}

#[derive(Deserialize)]
struct SkippedShown {
    rejected: u64,
}

#[derive(Deserialize)]
struct AllShown {
    lists: Vec<ListShown>,
}

#[derive(Deserialize)]
struct PageShown {
    entries: Vec<EntryShown>,
    next: Option<String>,
}

/// An entry as the admin port shows it.
#[derive(Deserialize)]
pub(super) struct EntryShown {
    entry: String,
    date: Option<String>,
    description: Option<String>,
    expires: Option<String>,
    added_by: Option<String>,
}

pub(super) fn show(client: &Client, arguments: &Arguments, json: bool, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let Some(list) = &arguments.list else {
        let answer = client.get(&At::new(&["lists"]))?;
        if json {
            return Ok(writeln!(screen.out, "{}", answer.text)?);
        }
        return Ok(lists(answer.read::<AllShown>()?.lists).write(screen.out)?);
    };
    let at = At::new(&["lists", list, "entries"])
        .with("search", arguments.search.as_ref())
        .with("after", arguments.after.as_ref())
        .with("limit", arguments.limit.map(|limit| limit.to_string()));
    let answer = client.get(&at)?;
    if json {
        return Ok(writeln!(screen.out, "{}", answer.text)?);
    }
    let page: PageShown = answer.read()?;
    if arguments.search.is_none() && arguments.after.is_none() {
        describe(&client.get(&At::new(&["lists", list]))?.read()?, screen)?;
    }
    entries(page.entries).write(screen.out)?;
    if let Some(next) = page.next {
        writeln!(screen.err, "there are more: --after {}", printable(&next))?;
    }
    Ok(())
}

/// A table of entries.
pub(super) fn entries(entries: Vec<EntryShown>) -> Table {
    let mut table = Table::new(&[
        Column::Text("ENTRY"),
        Column::Text("DATE"),
        Column::Text("EXPIRES"),
        Column::Text("ADDED BY"),
        Column::Text("DESCRIPTION"),
    ]);
    for EntryShown { entry, date, description, expires, added_by } in entries {
        let [date, expires, added_by, description] =
            [date, expires, added_by, description].map(Option::unwrap_or_default);
        table.row([entry, date, expires, added_by, description]);
    }
    table
}

fn lists(lists: Vec<ListShown>) -> Table {
    let mut table = Table::new(&[
        Column::Text("LIST"),
        Column::Text("CLASS"),
        Column::Count("ENTRIES"),
        Column::Count("EDITS"),
        Column::Text("LOADED"),
        Column::Text("FILE"),
        Column::Text("NOTE"),
    ]);
    for list in lists {
        let (entries, edits, notes) = (list.entries.to_string(), list.edits.to_string(), notes(&list).join("; "));
        table.row([list.name, list.class, entries, edits, list.loaded, list.file.unwrap_or_default(), notes]);
    }
    table
}

/// A list in lines of text, before its entries.
pub(super) fn describe(list: &ListShown, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let entries = count(list.entries, "entry", "entries");
    let edits = count(list.edits, "edit", "edits");
    writeln!(screen.out, "{}: {}, {entries}, {edits}", printable(&list.name), list.class)?;
    if let Some(file) = &list.file {
        writeln!(screen.out, "file {}, in force since {}", printable(file), list.loaded)?;
    }
    if let Some(BaseShown { digest, entries }) = &list.base {
        writeln!(screen.out, "base {digest} with {}", count(*entries, "entry", "entries"))?;
    }
    for BaseShown { digest, entries } in &list.earlier {
        writeln!(screen.out, "a rollback can go to {digest} with {}", count(*entries, "entry", "entries"))?;
    }
    for note in notes(list) {
        writeln!(screen.out, "{}", printable(&note))?;
    }
    Ok(())
}

/// What is worth a look.
fn notes(list: &ListShown) -> Vec<String> {
    let mut notes = Vec::new();
    notes.extend(list.alarm.as_ref().map(|alarm| format!("alarm: {alarm}")));
    notes.extend(list.progress.as_ref().map(|ProgressShown { bytes, total_bytes }| {
        let percent = bytes.saturating_mul(100).checked_div(*total_bytes).unwrap_or_default();
        format!("its file is being read: {percent} %")
    }));
    notes.extend(list.waiting.as_ref().map(|WaitingShown { digest, entries, added, removed }| {
        format!("base {digest} waits to be confirmed: {entries} entries, {added} added, {removed} removed")
    }));
    notes.extend(list.stale.as_ref().map(|StaleShown { since, does }| match does.as_str() {
        "pass" => format!("too old since {since}: it matches nothing"),
        _ => format!("too old since {since}"),
    }));
    notes.extend(list.set_aside.as_ref().map(|digest| format!("base {digest} is set aside")));
    notes.extend(
        list.skipped
            .as_ref()
            .map(|skipped| format!("{} of its files left out", count(skipped.rejected, "row", "rows"))),
    );
    notes.extend(list.made_at_run_time.then(|| "made at run time".to_owned()));
    notes
}
