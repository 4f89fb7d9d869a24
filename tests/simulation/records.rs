//! What is checked of the records when all is over: each is there that must be, says what happened, and repeats.

use std::collections::BTreeMap;
use std::time::Duration;

use ringfence::screen::{Policy, Recorded, Verdict, World, decide, explain};
use ringfence::time::WallTime;
use ringfence::usage::Usage;

use crate::agent::Plan;
use crate::reference::{Dialog, Incoming, Reference, State};
use crate::watch::{Watch, Worlds};

/// A line waits for company no longer than this; a process that is killed takes along what waits.
const PATIENCE: Duration = Duration::from_millis(250);

/// When a call without BYE is closed in the records: `sip.call_expires` as it is by default.
pub(crate) const CALL_EXPIRES: Duration = Duration::from_secs(12 * 3_600);

/// One process of the proxy: what it should have done, and when it was killed.
pub(crate) struct Life {
    pub(crate) reference: Reference,
    pub(crate) killed: Option<Duration>,
}

impl Life {
    /// Whether a line of this moment must have been written, or may have been.
    fn is_due(&self, written: Duration) -> Due {
        match self.killed {
            Some(killed) if written + PATIENCE >= killed => Due::Perhaps,
            _ => Due::Surely,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    Surely,
    Perhaps,
    Never,
}

impl Due {
    fn allows(self, lines: usize) -> bool {
        match self {
            Due::Surely => lines == 1,
            Due::Perhaps => lines <= 1,
            Due::Never => lines == 0,
        }
    }
}

/// A line by the names of its columns.
type Row = BTreeMap<String, String>;

fn rows(records: &[u8]) -> Vec<Row> {
    let names: Vec<String> = ringfence::engine::RECORD_HEADER.split(',').map(str::to_owned).collect();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(records);
    let rows = reader.records().map(|record| {
        let record = record.expect("whole CSV lines");
        assert_eq!(record.len(), names.len(), "columns of {record:?}");
        names.iter().cloned().zip(record.iter().map(str::to_owned)).collect()
    });
    rows.collect()
}

/// Holds the records against what happened, the model of screening, `explain` and `decide`.
pub(crate) fn check(watch: &mut Watch, records: &[u8], plans: &[Plan], lives: &[Life], worlds: &Worlds) {
    let mut by_call: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for row in rows(records) {
        by_call.entry(row["call_id"].clone()).or_default().push(row);
    }
    for plan in plans {
        let lines = by_call.remove(&plan.call_id).unwrap_or_default();
        let (mut calls, ends): (Vec<Row>, Vec<Row>) = lines.into_iter().partition(|row| row["event"] == "call");
        for life in lives {
            let mine = |incoming: &&Incoming| incoming.call_id == plan.call_id && incoming.judgement.is_some();
            for incoming in life.reference.requests().filter(mine) {
                let time = worlds.wall(incoming.at).to_string();
                let (found, others) = calls.into_iter().partition(|row| row["time"] == time);
                calls = others;
                check_call(watch, plan, life, incoming, &found, worlds);
            }
        }
        for row in calls {
            watch.complain(&plan.call_id, format!("a call line of {}, when nothing came", row["time"]));
        }
        check_ends(watch, plan, lives, ends);
    }
    for (call_id, _) in by_call {
        watch.complain(&call_id, "a line of no call");
    }
}

fn check_call(watch: &mut Watch, plan: &Plan, life: &Life, incoming: &Incoming, found: &[Row], worlds: &Worlds) {
    let written = if incoming.dropped { Some(incoming.at) } else { incoming.answer.map(|(_, at)| at) };
    let due = match written {
        Some(written) => life.is_due(written),
        // What its next hop does not answer has an end all the same, if the process lives to see it.
        None if incoming.method == "MESSAGE" && life.killed.is_none() => Due::Surely,
        None if incoming.method == "MESSAGE" => Due::Perhaps,
        None => Due::Never,
    };
    if !due.allows(found.len()) {
        watch.complain(&plan.call_id, format!("{} call lines, {due:?} due", found.len()));
    }
    let Some(row) = found.first() else { return };
    let (judgement, generation) = incoming.judgement.expect("judged");
    if row["generation"] != generation.to_string() {
        return watch.complain(&plan.call_id, format!("judged under {}, not {generation}", row["generation"]));
    }
    let (world, _) = &worlds.worlds[&generation];
    if row["method"] != incoming.method {
        watch.complain(&plan.call_id, format!("recorded as {:?}, not {}", row["method"], incoming.method));
    }
    if row["verdict"] != judgement.word || row["to_trunk"] != judgement.trunk {
        let text = format!("{} to {}, not {judgement:?}", row["verdict"], row["to_trunk"]);
        watch.complain(&plan.call_id, text);
    }
    let until = incoming.answer.map_or(incoming.at, |(_, at)| at);
    let span = [worlds.wall(incoming.at), worlds.wall(until)];
    if let Ok(presented) = row["presented"].parse()
        && !worlds.since(generation).any(|model| span.iter().any(|&at| model.may_present(presented, at)))
    {
        watch.complain(&plan.call_id, format!("presents {presented}"));
    }
    let status = incoming.answer.map(|(status, _)| status.to_string()).unwrap_or_default();
    if row["status"] != status {
        watch.complain(&plan.call_id, format!("recorded {}, answered {status}", row["status"]));
    }
    let may_not = |number| worlds.since(generation).any(|model| span.iter().any(|&at| !model.may_present(number, at)));
    if let Err(text) = check_repetition(row, world, may_not) {
        watch.complain(&plan.call_id, text);
    }
}

fn check_ends(watch: &mut Watch, plan: &Plan, lives: &[Life], ends: Vec<Row>) {
    let is_mine = |call_id: &str| call_id == plan.call_id;
    let mut due: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for life in lives {
        let dialogs = life.reference.dialogs.iter().filter(|((call_id, ..), _)| is_mine(call_id));
        for (_, dialog) in dialogs {
            let (by, due_now) = end_of(life, dialog);
            let (least, most) = due.entry(by).or_default();
            *least += usize::from(due_now == Due::Surely);
            *most += usize::from(due_now != Due::Never);
        }
    }
    let mut found: BTreeMap<&str, usize> = due.keys().map(|by| (*by, 0)).collect();
    for end in &ends {
        *found.entry(&end["ended_by"]).or_default() += 1;
    }
    for (by, count) in found {
        let (least, most) = due.get(by).copied().unwrap_or_default();
        if !(least..=most).contains(&count) {
            watch.complain(&plan.call_id, format!("{count} end lines by {by}, not {least} to {most}"));
        }
    }
}

fn end_of(life: &Life, dialog: &Dialog) -> (&'static str, Due) {
    let by = |by_caller| if by_caller { "caller" } else { "callee" };
    match (dialog.state, life.killed) {
        (State::Ended { at, by_caller }, _) => (by(by_caller), life.is_due(at)),
        (State::Ending { by_caller, .. }, None) => (by(by_caller), Due::Surely),
        (State::Ending { by_caller, .. }, Some(_)) => (by(by_caller), Due::Perhaps),
        (State::Up, None) => ("expiry", Due::Surely),
        (State::Up, Some(_)) => ("expiry", Due::Never),
    }
}

/// Decides again, and asks `explain`, with nothing but what the record says: both must say what it says. Only a number that
/// `may_not` be shown any more when the call went to another target may be another one in the record.
fn check_repetition(row: &Row, world: &World, may_not: impl Fn(u64) -> bool) -> Result<(), String> {
    let policy = &world.policy;
    let recorded = Recorded {
        from: row["from"].as_bytes(),
        asserted: row["asserted"].as_bytes(),
        privacy: row["privacy"] == "yes",
        request_uri: row["request_uri"].as_bytes(),
        diversions: row["diversion"].as_bytes(),
        headers: row["headers"].as_bytes(),
    };
    let trunk = policy.trunk_named(&row["from_trunk"]).expect("a trunk");
    let wall = WallTime::parse(&row["time"]).expect("a time");
    let draw = row["draw"].parse().expect("a draw");
    let (explanation, decided) = recorded.ask(policy, trunk, |view| {
        (explain(view, world, &Usage::new(), wall, draw), decide(view, world, &Usage::new(), wall, draw))
    });
    for (who, verdict) in [("explained", &explanation.verdict), ("decided again", &decided)] {
        let told = told(verdict, policy);
        let is_replaced = |column: &str, value: &str| column == "presented" && value.parse().is_ok_and(&may_not);
        let differs =
            |(column, value): &&(&str, String)| row[*column] != *value && !is_replaced(column, value.as_str());
        if let Some((column, value)) = told.iter().find(differs) {
            return Err(format!("{column} is {}, but {who} as {value}\n{explanation}", row[*column]));
        }
    }
    Ok(())
}

/// What a record says of a verdict, by column.
fn told(verdict: &Verdict, policy: &Policy) -> [(&'static str, String); 9] {
    let route = verdict.route().map(|route| policy.route(route).name.to_string());
    let observed: Vec<String> = verdict
        .observed
        .iter()
        .map(|would| format!("{} {}", would.action.as_str(), would.cause.rule.as_deref().unwrap_or("")))
        .collect();
    [
        ("verdict", verdict.word().to_owned()),
        ("rule", verdict.cause.rule.as_deref().unwrap_or("").to_owned()),
        ("list", verdict.cause.list.as_deref().unwrap_or("").to_owned()),
        ("entry", verdict.cause.entry.as_ref().map(ToString::to_string).unwrap_or_default()),
        ("observed", observed.join("; ")),
        ("route", route.unwrap_or_default()),
        ("reason", verdict.reason_text().unwrap_or_default().into_owned()),
        ("presented", verdict.presented().map(|number| number.to_string()).unwrap_or_default()),
        ("generation", verdict.generation.to_string()),
    ]
}
