//! `ringfence trunk`: the trunks of the running daemon.

use clap::Subcommand;
use serde::Deserialize;
use serde_json::Value;

use super::Screen;
use super::by_hand::{Member, SetArguments, set};
use super::failure::Failure;
use super::port::{At, Client, Port};
use super::table::{Column, Table};

/// Look at the trunks of the running daemon, close them and open them again.
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
    /// Show all trunks with their calls and targets.
    Show,
    /// Send no more calls to a trunk; what it sends goes on.
    Drain(SetArguments),
    /// Neither send calls to a trunk nor take any from it, save calls for help.
    Off(SetArguments),
    /// Use a trunk again.
    Up(SetArguments),
}

#[derive(Deserialize)]
struct AllShown {
    trunks: Vec<TrunkShown>,
}

#[derive(Deserialize)]
struct TrunkShown {
    name: String,
    state: String,
    calls: u64,
    max_calls: Option<u64>,
    targets: Vec<TargetShown>,
}

#[derive(Deserialize)]
struct TargetShown {
    target: String,
    /// Of a target that is probed.
    state: Option<String>,
    since: Option<String>,
    last: Option<Value>,
    #[serde(default)]
    hops: Vec<TargetShown>,
}

pub(super) fn trunk(client: &Client, arguments: &Arguments, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let json = arguments.port.json;
    let (trunk, word) = match &arguments.command {
        Command::Show => return show(client, json, screen),
        Command::Drain(trunk) => (trunk, "drain"),
        Command::Off(trunk) => (trunk, "off"),
        Command::Up(trunk) => (trunk, "up"),
    };
    set(client, &STATE, trunk, Some(word), json, screen)
}

/// A line for each target, the addresses of a name below it.
fn show(client: &Client, json: bool, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let answer = client.get(&At::new(&["trunks"]))?;
    if json {
        return Ok(writeln!(screen.out, "{}", answer.text)?);
    }
    let mut table = Table::new(&[
        Column::Text("TRUNK"),
        Column::Text("STATE"),
        Column::Count("CALLS"),
        Column::Text("TARGET"),
        Column::Text("ANSWERS"),
        Column::Text("SINCE"),
        Column::Text("LAST"),
    ]);
    for trunk in answer.read::<AllShown>()?.trunks {
        let calls = match trunk.max_calls {
            Some(most) => format!("{} of {most}", trunk.calls),
            None => trunk.calls.to_string(),
        };
        let mut first = [trunk.name, trunk.state, calls];
        if trunk.targets.is_empty() {
            let [name, state, calls] = first;
            table.row([name, state, calls, String::new(), String::new(), String::new(), String::new()]);
            continue;
        }
        for TargetShown { target, state, since, last, hops } in trunk.targets {
            let mut line = |target, state: Option<String>, since: Option<String>, last: Option<Value>| {
                let [name, by_hand, calls] = std::mem::take(&mut first);
                let last = last.map(|last| last.as_str().map_or_else(|| last.to_string(), str::to_owned));
                let [since, last] = [since, last].map(Option::unwrap_or_default);
                let answers = state.unwrap_or_else(|| "not probed".to_owned());
                table.row([name, by_hand, calls, target, answers, since, last]);
            };
            line(target, state, since, last);
            for hop in hops {
                line(format!("  {}", hop.target), hop.state, hop.since, hop.last);
            }
        }
    }
    Ok(table.write(screen.out)?)
}

const STATE: Member = Member { of: "trunks", name: "state" };
