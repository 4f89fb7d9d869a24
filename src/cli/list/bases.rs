//! `ringfence list make`, `drop`, `rollback` and `confirm`.

use serde::Deserialize;
use serde_json::json;

use super::show::{ListShown, describe};
use crate::cli::Screen;
use crate::cli::failure::Failure;
use crate::cli::port::{Answer, At, Client};
use crate::cli::table::printable;

/// Make an empty list.
#[derive(Debug, clap::Args)]
pub struct MakeArguments {
    /// Its name.
    pub list: String,
    /// What it is for.
    #[arg(long, value_name = "CLASS", value_parser = ["personal", "dnc", "dno", "reputation", "allow", "pool"])]
    pub class: String,
    /// Why, for the audit trail.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// Remove a list that was made at run time, with all that is in it.
#[derive(Debug, clap::Args)]
pub struct DropArguments {
    /// The list.
    pub list: String,
    /// Why, for the audit trail.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// Put the base that was in force before, or an earlier one, in force again.
#[derive(Debug, clap::Args)]
pub struct RollbackArguments {
    /// The list.
    pub list: String,
    /// The digest of the base to go to; omitted: the one before the present.
    #[arg(long, value_name = "DIGEST")]
    pub to: Option<String>,
    /// Why, for the audit trail.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// Put a base in force that waits because it changes much.
#[derive(Debug, clap::Args)]
pub struct ConfirmArguments {
    /// The list.
    pub list: String,
    /// The digest of the base that was looked at; omitted: the one that waits now.
    pub digest: Option<String>,
    /// Why, for the audit trail.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

#[derive(Deserialize)]
struct ListAnswer {
    generation: u64,
    #[serde(flatten)]
    list: ListShown,
}

pub(super) fn make(
    client: &Client,
    arguments: &MakeArguments,
    json: bool,
    screen: &mut Screen<'_>,
) -> Result<(), Failure> {
    let MakeArguments { list, class, reason } = arguments;
    let body = json!({"name": list, "class": class, "reason": reason});
    let answer = client.post(&At::new(&["lists"]), body.to_string())?;
    if json {
        return Ok(writeln!(screen.out, "{}", answer.text)?);
    }
    let made: ListAnswer = answer.read()?;
    Ok(writeln!(screen.out, "{}: made; generation {}", printable(list), made.generation)?)
}

pub(super) fn drop(client: &Client, arguments: &DropArguments, screen: &mut Screen<'_>) -> Result<(), Failure> {
    client.delete(&At::new(&["lists", &arguments.list]).with("reason", arguments.reason.as_ref()))?;
    Ok(writeln!(screen.out, "{}: removed", printable(&arguments.list))?)
}

pub(super) fn rollback(
    client: &Client,
    arguments: &RollbackArguments,
    json: bool,
    screen: &mut Screen<'_>,
) -> Result<(), Failure> {
    let body = json!({"to": arguments.to, "reason": arguments.reason});
    let answer = client.post(&At::new(&["lists", &arguments.list, "rollback"]), body.to_string())?;
    told(&answer, json, screen)
}

pub(super) fn confirm(
    client: &Client,
    arguments: &ConfirmArguments,
    json: bool,
    screen: &mut Screen<'_>,
) -> Result<(), Failure> {
    let list = &arguments.list;
    let digest = match &arguments.digest {
        Some(digest) => digest.clone(),
        None => {
            let waiting = client.get(&At::new(&["lists", list]))?.read::<ListAnswer>()?.list.waiting;
            let nothing = || Failure::Nothing(format!("{}: nothing waits to be confirmed", printable(list)));
            waiting.ok_or_else(nothing)?.digest
        }
    };
    let body = json!({"digest": digest, "reason": arguments.reason});
    let answer = client.post(&At::new(&["lists", list, "confirm"]), body.to_string())?;
    told(&answer, json, screen)
}

fn told(answer: &Answer, json: bool, screen: &mut Screen<'_>) -> Result<(), Failure> {
    if json {
        return Ok(writeln!(screen.out, "{}", answer.text)?);
    }
    let answer: ListAnswer = answer.read()?;
    describe(&answer.list, screen)?;
    Ok(writeln!(screen.out, "generation {}", answer.generation)?)
}
