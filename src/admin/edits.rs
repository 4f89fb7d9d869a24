//! `/v1/lists/{list}/edits`: many edits of a list, all or none.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Extension, Path, Query, State};
use serde::{Deserialize, Serialize};

use super::bulk::Bulk;
use super::by::{ReasonQuery, by};
use super::condition;
use super::entry::Said;
use super::guard::Actor;
use super::problem::Problem;
use super::{Backend, EditFailure, EditGroup, Refusal, body};
use crate::lists::{Change, Edit, Effect, Entry};
use crate::number::DialPlan;
use crate::screen::World;

#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct EditsAnswer {
    generation: u64,
    added: usize,
    changed: usize,
    removed: usize,
}

pub(super) async fn edits<B: Backend>(
    State(backend): State<Arc<B>>,
    Extension(actor): Extension<Actor>,
    Extension(bulk): Extension<Bulk>,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<ReasonQuery>, QueryRejection>,
    body: Body,
) -> Result<Json<EditsAnswer>, Problem> {
    let (Path(name), Query(query)) = (path?, query?);
    let by = by(actor, query.reason, None)?;
    let world = backend.world();
    if world.lists.get(&name).is_none() {
        return Err(Problem::unknown_list(&name));
    }
    let place = bulk.place().await?;
    let text = body::whole(body, SIZE, TIME).await?;
    let list: Arc<str> = name.as_str().into();
    let group = Group {
        list: Arc::clone(&list),
        plan: backend.dial_plan(Some(&list)),
        world,
        actor: by.actor.clone(),
        is_there: HashMap::new(),
        read: Vec::new(),
        lines: Vec::new(),
        errors: Errors::default(),
    };
    // A hundred thousand lines take a moment.
    let read = tokio::task::spawn_blocking(move || group.read(&text).map(|read| (read, place)));
    let ((edits, lines), _place) = read.await.map_err(|_| Problem::broken("the reading of the lines"))??;
    let edited = backend.edit(by, EditGroup { edits, condition: None }).await.map_err(|failure| match failure {
        EditFailure::Refused { refusal: Refusal::UnknownList, .. } => Problem::unknown_list(&list),
        EditFailure::Refused { at, refusal } => refused(lines.get(at).copied().unwrap_or_default(), refusal),
        EditFailure::Storage(failure) => failure.into(),
    })?;
    let count = |wanted| edited.effects.iter().filter(|effect| **effect == wanted).count();
    Ok(Json(EditsAnswer {
        generation: edited.generation,
        added: count(Effect::Added),
        changed: count(Effect::Changed),
        removed: count(Effect::Removed),
    }))
}

/// What a line says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EditLine {
    entry: String,
    #[serde(default)]
    change: ChangeWord,
    date: Option<String>,
    description: Option<String>,
    expires: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ChangeWord {
    #[default]
    Put,
    Remove,
}

/// The lines as they are read, against the lists as they are now. Whoever stores the edits judges them again: another
/// edit may come between.
struct Group {
    list: Arc<str>,
    plan: DialPlan,
    world: Arc<World>,
    actor: Arc<str>,
    /// Of the entries that the lines so far name.
    is_there: HashMap<Entry, bool>,
    read: Vec<Edit>,
    /// On which line each edit stands.
    lines: Vec<u64>,
    errors: Errors,
}

impl Group {
    fn read(mut self, text: &[u8]) -> Result<(Vec<Edit>, Vec<u64>), Problem> {
        for (line, text) in (1..).zip(text.split(|byte| *byte == b'\n')) {
            if text.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            if self.lines.len() as u64 + self.errors.total == MAX_EDITS {
                return Err(Problem::unprocessable(format!(
                    "line {line}: expected at most {MAX_EDITS} edits at once: an import takes any number of entries"
                )));
            }
            match self.edit(text) {
                Ok(edit) => {
                    self.read.push(edit);
                    self.lines.push(line);
                }
                Err((column, detail)) => self.errors.push(LineError { line, column, detail }),
            }
        }
        match self.errors.total {
            0 if self.read.is_empty() => Err(Problem::unprocessable("expected a line {\"entry\": …} for each edit")),
            0 => Ok((self.read, self.lines)),
            _ => Err(self.errors.into()),
        }
    }

    /// The column of a mistake in the JSON, from 1, and what is wrong.
    fn edit(&mut self, text: &[u8]) -> Result<Edit, (Option<usize>, String)> {
        if !text.trim_ascii_start().starts_with(b"{") {
            return Err((None, "expected a JSON object such as {\"entry\": \"48600100200\"}".to_owned()));
        }
        let line: EditLine =
            serde_json::from_slice(text).map_err(|error| (Some(error.column()), json_error(&error)))?;
        let entry = Entry::parse(&line.entry, &self.plan)
            .map_err(|error| (None, format!("\"{}\" is no entry: {error}", line.entry)))?;
        let EditLine { date, description, expires, change, .. } = line;
        let said = Said { date, description, expires };
        let change = match change {
            ChangeWord::Put => Change::Put(said.details(self.actor.clone()).map_err(|detail| (None, detail))?),
            ChangeWord::Remove if said.is_empty() => Change::Remove,
            ChangeWord::Remove => return Err((None, "what is removed needs no details".to_owned())),
        };
        let edit = Edit { list: Arc::clone(&self.list), entry, change };
        self.world.accepts(&edit).map_err(|error| (None, error.to_string()))?;
        let puts = matches!(edit.change, Change::Put(_));
        let was_there = self.is_there.insert(edit.entry.clone(), puts);
        let holds = || self.world.lists.get(&self.list).is_some_and(|list| list.contains(&edit.entry));
        if !puts && !was_there.unwrap_or_else(holds) {
            return Err((None, absent(&edit.entry)));
        }
        Ok(edit)
    }
}

fn absent(entry: &Entry) -> String {
    format!("{entry} is not in the list")
}

/// In the reader's words without its place, which the line and column give.
fn json_error(error: &serde_json::Error) -> String {
    let told = error.to_string();
    told.rsplit_once(" at line ").map_or(told.clone(), |(what, _)| what.to_owned())
}

/// One edit cannot be made since the lines were read.
fn refused(line: u64, refusal: Refusal) -> Problem {
    let detail = match refusal {
        Refusal::Absent => "the entry is not in the list any more".to_owned(),
        Refusal::Unfit(why) => why,
        Refusal::Condition => return condition::failed(),
        Refusal::UnknownList => "the list is not there any more".to_owned(),
    };
    let mut errors = Errors::default();
    errors.push(LineError { line, column: None, detail });
    errors.into()
}

/// All lines that are wrong, the first hundred in full.
#[derive(Default)]
struct Errors {
    told: Vec<LineError>,
    total: u64,
}

#[derive(Serialize)]
struct LineError {
    line: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    detail: String,
}

impl Errors {
    fn push(&mut self, error: LineError) {
        self.total += 1;
        if self.told.len() < ERRORS_TOLD {
            self.told.push(error);
        }
    }
}

impl From<Errors> for Problem {
    fn from(errors: Errors) -> Problem {
        let detail = match errors.told.as_slice() {
            [only] if errors.total == 1 => format!("line {}: {}; nothing was changed", only.line, only.detail),
            _ => format!("{} lines are wrong; nothing was changed", errors.total),
        };
        Problem::unprocessable(detail).with("rejected", errors.total).with("errors", errors.told)
    }
}

/// Each is a line of the audit trail and an entry in memory; more of them come faster as an import.
const MAX_EDITS: u64 = 100_000;

/// [`MAX_EDITS`] lines with a description of some 200 characters each.
const SIZE: usize = 32 << 20;

/// Ample for [`SIZE`] bytes at 5 Mbit/s; bounds how long a silent client keeps others waiting.
const TIME: Duration = Duration::from_secs(60);

/// More than anybody mends before trying again, and few enough for one answer.
const ERRORS_TOLD: usize = 100;
