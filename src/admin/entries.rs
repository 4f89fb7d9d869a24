//! `/v1/lists/{list}/entries` and the entries below it.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Extension, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::by::{ReasonQuery, by};
use super::condition::{self, condition};
use super::entry::{EntryBody, Said, entry_of, malformed};
use super::guard::Actor;
use super::problem::Problem;
use super::{Backend, By, EditFailure, EditGroup, Edited, Refusal, body};
use crate::lists::{Change, Edit, Effect, Entry, Page};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageQuery {
    #[serde(default)]
    search: String,
    after: Option<String>,
    limit: Option<usize>,
}

#[derive(Serialize)]
pub(super) struct EntryPage {
    generation: u64,
    entries: Vec<EntryBody>,
    /// What to give as `after` for the next page, which may be there though this one is not full; `null` on the last one.
    next: Option<String>,
}

pub(super) async fn page<B: Backend>(
    State(backend): State<Arc<B>>,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<EntryPage>, Problem> {
    let (Path(name), Query(query)) = (path?, query?);
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem::unprocessable(format!("limit={limit}: expected 1 to {MAX_LIMIT}")));
    }
    let world = backend.world();
    if world.lists.get(&name).is_none() {
        return Err(Problem::unknown_list(&name));
    }
    let plan = backend.dial_plan(Some(&name));
    let after = query
        .after
        .map(|text| {
            let canonical = text.parse().or_else(|_| Entry::parse(&text, &plan));
            canonical.map_err(|error| malformed(&text, &error))
        })
        .transpose()?;
    let generation = world.generation;
    let asked = name.clone();
    // A search may have to look at every entry of a large list.
    let search = tokio::task::spawn_blocking(move || {
        world.lists.get(&asked).map(|list| list.page(after.as_ref(), limit, &query.search))
    });
    let found = search.await.map_err(|_| Problem::broken("the search"))?;
    let Some(Page { entries, next }) = found else { return Err(Problem::unknown_list(&name)) };
    let next = next.map(|entry| entry.to_string());
    let entries = entries.into_iter().map(|(entry, details)| EntryBody::new(&entry, details, &plan)).collect();
    Ok(Json(EntryPage { generation, entries, next }))
}

/// What `GET` and `PUT` of an entry answer.
#[derive(Serialize)]
pub(super) struct EntryAnswer {
    list: String,
    #[serde(flatten)]
    entry: EntryBody,
    generation: u64,
}

pub(super) async fn one<B: Backend>(
    State(backend): State<Arc<B>>,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Path((list, text)) = path?;
    let entry = entry_of(&*backend, &list, &text)?;
    let world = backend.world();
    let details = world.lists.get(&list).and_then(|list| list.details(&entry)).ok_or_else(|| absent(&list, &entry))?;
    let tag = details.tag(&entry);
    let etag = [(header::ETAG, condition::etag(tag))];
    if condition::is_known(&headers, tag)? {
        return Ok((StatusCode::NOT_MODIFIED, etag).into_response());
    }
    let body = EntryBody::new(&entry, details, &backend.dial_plan(Some(&list)));
    Ok((etag, Json(EntryAnswer { list, entry: body, generation: world.generation })).into_response())
}

/// What may be said of an entry.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PutBody {
    date: Option<String>,
    description: Option<String>,
    expires: Option<String>,
    reason: Option<String>,
}

pub(super) async fn put<B: Backend>(
    State(backend): State<Arc<B>>,
    Extension(actor): Extension<Actor>,
    path: Result<Path<(String, String)>, PathRejection>,
    query: Result<Query<ReasonQuery>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let PutBody { date, description, expires, reason } = body::json(body).await?.unwrap_or_default();
    let (Path((list, text)), Query(query)) = (path?, query?);
    let entry = entry_of(&*backend, &list, &text)?;
    let by = by(actor, query.reason, reason)?;
    put_entry(&*backend, by, list, entry, Said { date, description, expires }, &headers).await
}

/// Puts an entry into a list as an edit; the entry is answered.
pub(super) async fn put_entry<B: Backend>(
    backend: &B,
    by: By,
    list: String,
    entry: Entry,
    said: Said,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let details = said.details(by.actor.clone()).map_err(Problem::unprocessable)?;
    let edited = edit(backend, by, &list, &entry, Change::Put(details.clone()), headers).await?;
    let status = if edited.effects.contains(&Effect::Added) { StatusCode::CREATED } else { StatusCode::OK };
    let tag = condition::etag(details.tag(&entry));
    let body = EntryBody::new(&entry, details, &backend.dial_plan(Some(&list)));
    let answer = EntryAnswer { list, entry: body, generation: edited.generation };
    Ok((status, [(header::ETAG, tag)], Json(answer)).into_response())
}

pub(super) async fn delete<B: Backend>(
    State(backend): State<Arc<B>>,
    Extension(actor): Extension<Actor>,
    path: Result<Path<(String, String)>, PathRejection>,
    query: Result<Query<ReasonQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let (Path((list, text)), Query(query)) = (path?, query?);
    let entry = entry_of(&*backend, &list, &text)?;
    let by = by(actor, query.reason, None)?;
    edit(&*backend, by, &list, &entry, Change::Remove, &headers).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn edit<B: Backend>(
    backend: &B,
    by: By,
    list: &str,
    entry: &Entry,
    change: Change,
    headers: &HeaderMap,
) -> Result<Edited, Problem> {
    let edits = vec![Edit { list: list.into(), entry: entry.clone(), change }];
    let group = EditGroup { edits, condition: condition(headers)? };
    backend.edit(by, group).await.map_err(|failure| match failure {
        EditFailure::Refused { refusal: Refusal::UnknownList, .. } => Problem::unknown_list(list),
        EditFailure::Refused { refusal: Refusal::Absent, .. } => absent(list, entry),
        EditFailure::Refused { refusal: Refusal::Condition, .. } => condition::failed(),
        EditFailure::Refused { refusal: Refusal::Unfit(why), .. } => Problem::unprocessable(why),
        EditFailure::Storage(failure) => failure.into(),
    })
}

fn absent(list: &str, entry: &Entry) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("{entry} is not in the list \"{list}\""))
}

const DEFAULT_LIMIT: usize = 100;

/// A page of this many entries with descriptions has a megabyte or two.
const MAX_LIMIT: usize = 10_000;
