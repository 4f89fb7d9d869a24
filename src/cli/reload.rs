//! `ringfence reload`.

use serde::Deserialize;
use serde_json::json;

use super::Screen;
use super::failure::Failure;
use super::port::{At, Client, Port};
use super::table::{Column, Table, printable};

/// Have the running daemon read the config and its lists again.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Why, for the audit trail.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Where to ask.
    #[command(flatten)]
    pub port: Port,
}

#[derive(Deserialize)]
struct Reloaded {
    generation: u64,
    lists: Vec<ListChange>,
    rules: Vec<RuleChange>,
    restart_needed: Vec<String>,
    warnings: Vec<String>,
}

#[derive(Deserialize)]
struct ListChange {
    list: String,
    before: Option<u64>,
    after: Option<u64>,
}

#[derive(Deserialize)]
struct RuleChange {
    table: String,
    name: Option<String>,
    change: String,
}

pub(super) fn reload(client: &Client, arguments: &Arguments, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let answer = client.post(&At::new(&["reload"]), json!({"reason": arguments.reason}).to_string())?;
    if arguments.port.json {
        return Ok(writeln!(screen.out, "{}", answer.text)?);
    }
    let reloaded: Reloaded = answer.read()?;
    let mut table = Table::new(&[Column::Text("LIST"), Column::Count("BEFORE"), Column::Count("NOW")]);
    let entries = |count: Option<u64>| count.map_or("-".to_owned(), |count| count.to_string());
    for ListChange { list, before, after } in reloaded.lists {
        table.row([list, entries(before), entries(after)]);
    }
    table.write(screen.out)?;
    for RuleChange { table, name, change } in reloaded.rules {
        let name = name.map(|name| format!(" \"{}\"", printable(&name))).unwrap_or_default();
        writeln!(screen.out, "{table}{name}: {change}")?;
    }
    writeln!(screen.out, "generation {}", reloaded.generation)?;
    for key in reloaded.restart_needed {
        writeln!(screen.err, "{key} has changed and comes into force at the next start")?;
    }
    for warning in reloaded.warnings {
        writeln!(screen.err, "{}", printable(&warning))?;
    }
    Ok(())
}
