//! What is set by hand on the running daemon: one thing, with a reason.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Screen;
use super::failure::Failure;
use super::port::{At, Client};
use super::table::printable;

/// What is set, and why.
#[derive(Debug, clap::Args)]
pub struct SetArguments {
    /// Its name.
    pub name: String,
    /// Why, for the audit trail.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// One member of something that can be set: that of the body, of the path, and of the answer.
pub(super) struct Member {
    /// `trunks` or `rules`.
    pub(super) of: &'static str,
    /// `state` or `mode`.
    pub(super) name: &'static str,
}

/// Sets it to `word`; `None`: to what the config says.
pub(super) fn set(
    client: &Client,
    member: &Member,
    arguments: &SetArguments,
    word: Option<&str>,
    json: bool,
    screen: &mut Screen<'_>,
) -> Result<(), Failure> {
    #[derive(Deserialize)]
    struct Answer {
        generation: u64,
        #[serde(flatten)]
        members: Map<String, Value>,
    }
    let SetArguments { name, reason } = arguments;
    let body = json!({member.name: word, "reason": reason});
    let answer = client.put(&At::new(&[member.of, name, member.name]), body.to_string())?;
    if json {
        return Ok(writeln!(screen.out, "{}", answer.text)?);
    }
    let Answer { generation, members } = answer.read()?;
    let now = members.get(member.name).and_then(Value::as_str).unwrap_or("not in the config");
    Ok(writeln!(screen.out, "{}: {now}; generation {generation}", printable(name))?)
}
