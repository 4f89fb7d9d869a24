//! `/v1/redress/{id}`: what became of the call that a 603+ answer gave this id to (ATIS-1000099), and the way back: the
//! entry that blocked it is removed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::bulk::Bulk;
use super::by::by;
use super::entry::party;
use super::guard::Actor;
use super::problem::Problem;
use super::recorded::{call_body, find, reading};
use super::{Backend, By, CallQuery, EditFailure, EditGroup, RecordedCall, body};
use crate::lists::{Change, Edit, Entry};
use crate::screen::RedressId;

#[derive(Serialize)]
pub(super) struct RedressBody {
    id: String,
    call: Map<String, Value>,
    list: Option<String>,
    entry: Option<String>,
    /// Whether the entry is still in the list and has not expired.
    in_force: bool,
}

#[derive(Serialize)]
pub(super) struct Released {
    id: String,
    list: String,
    entry: String,
    generation: u64,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReleaseBody {
    reason: Option<String>,
    /// The entry, where it stands for more than the caller's number.
    entry: Option<String>,
}

pub(super) async fn one<B: Backend>(
    State(backend): State<Arc<B>>,
    Extension(bulk): Extension<Bulk>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<RedressBody>, Problem> {
    let id = id_of(path)?;
    let call = call_of(&backend, &bulk, id).await?;
    let blocked = Blocked::new(&call);
    let in_force = blocked.as_ref().is_some_and(|blocked| blocked.is_in_force(&*backend));
    let (list, entry) = blocked.map(|Blocked { list, entry, .. }| (list, entry.to_string())).unzip();
    Ok(Json(RedressBody { id: id.to_string(), call: call_body(&call), list, entry, in_force }))
}

/// `POST /v1/redress/{id}/release`
pub(super) async fn release<B: Backend>(
    State(backend): State<Arc<B>>,
    Extension(actor): Extension<Actor>,
    Extension(bulk): Extension<Bulk>,
    path: Result<Path<String>, PathRejection>,
    body: Body,
) -> Result<Json<Released>, Problem> {
    let id = id_of(path)?;
    let ReleaseBody { reason, entry: confirmed } = body::json(body).await?.unwrap_or_default();
    let By { actor, reason } = by(actor, None, reason)?;
    let reason = reason.map_or_else(|| format!("redress {id}"), |reason| format!("redress {id}: {reason}"));
    let call = call_of(&backend, &bulk, id).await?;
    let blocked =
        Blocked::new(&call).ok_or_else(|| Problem::conflict("the call was blocked through no entry of a list"))?;
    if let Some(confirmed) = &confirmed
        && *confirmed != blocked.entry.to_string()
    {
        return Err(Problem::conflict(format!("the call was blocked through {}, not {confirmed}", blocked.entry)));
    }
    if confirmed.is_none() && !blocked.is_for_this_caller {
        return Err(blocked.concerns_many());
    }
    let (list, entry) = (blocked.list, blocked.entry);
    let edit = Edit { list: list.as_str().into(), entry: entry.clone(), change: Change::Remove };
    let group = EditGroup { edits: vec![edit], condition: None };
    let edited = backend.edit(By { actor, reason: Some(reason.into()) }, group).await;
    let edited = edited.map_err(|failure| match failure {
        EditFailure::Refused { .. } => {
            Problem::conflict(format!("the list \"{list}\" does not hold {entry} any more: nothing is to be removed"))
        }
        EditFailure::Storage(failure) => failure.into(),
    })?;
    Ok(Json(Released { id: id.to_string(), list, entry: entry.to_string(), generation: edited.generation }))
}

/// What a call was blocked through.
struct Blocked {
    list: String,
    entry: Entry,
    /// The entry is one of his numbers, and nothing else is blocked by it.
    is_for_this_caller: bool,
}

impl Blocked {
    fn new(call: &RecordedCall) -> Option<Blocked> {
        let list = Some(call.column("list")).filter(|list| !list.is_empty())?.to_owned();
        let spelled = call.column("entry");
        let entry: Entry = spelled.parse().ok()?;
        let is_one = party(&entry).is_some() && !matches!(entry, Entry::Anonymous | Entry::Unavailable);
        let is_his = call.column("caller").split(' ').any(|caller| caller == spelled);
        Some(Blocked { list, entry, is_for_this_caller: is_one && is_his })
    }

    fn is_in_force<B: Backend>(&self, backend: &B) -> bool {
        let world = backend.world();
        let details = world.lists.get(&self.list).and_then(|list| list.details(&self.entry));
        details.is_some_and(|details| details.expires.is_none_or(|expires| expires > backend.now()))
    }

    fn concerns_many(&self) -> Problem {
        let Blocked { list, entry, .. } = self;
        let detail = format!(
            "{entry} of the list \"{list}\" stands for more than this caller: confirm with {{\"entry\": \"{entry}\"}}"
        );
        Problem::conflict(detail).with("list", list).with("entry", entry.to_string())
    }
}

fn id_of(path: Result<Path<String>, PathRejection>) -> Result<RedressId, Problem> {
    let Path(text) = path?;
    text.parse().map_err(|error| {
        let detail = format!("\"{text}\" is no id of a 603+ answer: {error}");
        Problem::new(StatusCode::NOT_FOUND, detail)
    })
}

/// The record of the call that was answered with this id. The time in it leads to the file, and to the place in it.
async fn call_of<B: Backend>(backend: &Arc<B>, bulk: &Bulk, id: RedressId) -> Result<RecordedCall, Problem> {
    let second = id.second();
    let mut query = CallQuery {
        reason: Some(format!("id={id}")),
        since: Some(second),
        until: Some(second + Duration::from_secs(1)),
        limit: 1,
        ..CallQuery::default()
    };
    let mut unread = BTreeSet::new();
    loop {
        let found = find(backend, bulk, query.clone()).await?;
        if let Some(call) = found.calls.into_iter().next() {
            return Ok(call);
        }
        unread.extend(found.unread);
        match found.next {
            Some(next) => query.after = Some(next),
            None => break,
        }
    }
    if !unread.is_empty() {
        let files = unread.into_iter().collect::<Vec<_>>().join("; ");
        let detail = format!("records of {second} cannot be read: {files}");
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail));
    }
    let oldest = reading(backend, bulk, B::oldest_record).await?;
    if oldest.is_none_or(|oldest| second < oldest) {
        return Err(Problem::new(StatusCode::GONE, format!("records of {second} are no longer kept")));
    }
    Err(Problem::new(StatusCode::NOT_FOUND, format!("no call was answered with the id {id}")))
}
