//! `ringfence rule`: the rules of the running daemon.

use clap::Subcommand;
use serde::Deserialize;

use super::Screen;
use super::by_hand::{Member, SetArguments, set};
use super::failure::Failure;
use super::port::{At, Client, Port};
use super::table::{Column, Table};

/// Look at the rules of the running daemon, and change their modes.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Where to ask.
    #[command(flatten)]
    pub port: Port,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show all rules with their modes, and what they have matched since the start.
    Show,
    /// Have a rule act.
    Enforce(SetArguments),
    /// Have a rule only record what it would do.
    Observe(SetArguments),
    /// Skip a rule.
    Off(SetArguments),
    /// Give a rule the mode of the config again.
    Reset(SetArguments),
}

#[derive(Deserialize)]
struct AllShown {
    rules: Vec<RuleShown>,
}

#[derive(Deserialize)]
struct RuleShown {
    name: String,
    kind: String,
    mode: String,
    by_hand: bool,
    action: String,
    lists: Vec<String>,
    calls: CallsShown,
}

#[derive(Deserialize)]
struct CallsShown {
    decided: u64,
    observed: u64,
}

pub(super) fn rule(client: &Client, arguments: &Arguments, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let json = arguments.port.json;
    let (rule, word) = match &arguments.command {
        Command::Show => return show(client, json, screen),
        Command::Enforce(rule) => (rule, Some("enforce")),
        Command::Observe(rule) => (rule, Some("observe")),
        Command::Off(rule) => (rule, Some("off")),
        Command::Reset(rule) => (rule, None),
    };
    set(client, &MODE, rule, word, json, screen)
}

fn show(client: &Client, json: bool, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let answer = client.get(&At::new(&["rules"]))?;
    if json {
        return Ok(writeln!(screen.out, "{}", answer.text)?);
    }
    let mut table = Table::new(&[
        Column::Text("RULE"),
        Column::Text("KIND"),
        Column::Text("MODE"),
        Column::Text("ACTION"),
        Column::Count("DECIDED"),
        Column::Count("OBSERVED"),
        Column::Text("LISTS"),
    ]);
    for RuleShown { name, kind, mode, by_hand, action, lists, calls } in answer.read::<AllShown>()?.rules {
        let mode = if by_hand { format!("{mode} by hand") } else { mode };
        let CallsShown { decided, observed } = calls;
        table.row([name, kind, mode, action, decided.to_string(), observed.to_string(), lists.join(", ")]);
    }
    Ok(table.write(screen.out)?)
}

const MODE: Member = Member { of: "rules", name: "mode" };
