//! `/v1/lists/{list}/entries` and the entries below it.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::guard::Actor;
use super::problem::Problem;
use super::{Backend, EditFailure, Effect, body};
use crate::lists::{Change, Details, Edit, Entry, Page};
use crate::number::DialPlan;
use crate::time::WallTime;

/// An entry and what is known of it.
#[derive(Serialize)]
pub(super) struct EntryBody {
    entry: String,
    kind: &'static str,
    date: Option<String>,
    description: Option<Arc<str>>,
    expires: Option<String>,
    added_by: Option<Arc<str>>,
}

impl EntryBody {
    /// The entry is spelled so that it leads back to itself in a path, also where the list's dial plan would read the
    /// bare digits as another number.
    pub(super) fn new(entry: &Entry, details: Details, plan: &DialPlan) -> EntryBody {
        EntryBody {
            entry: entry.spelled(plan),
            kind: kind(entry),
            date: details.date.map(|date| date.to_string()),
            description: details.description,
            expires: details.expires.map(|expires| expires.to_string()),
            added_by: details.added_by,
        }
    }
}

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
    /// What to give as `after` for the next page; `null` on the last one.
    next: Option<String>,
}

pub(super) async fn page<B: Backend>(
    State(backend): State<Arc<B>>,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<EntryPage>, Problem> {
    let Path(name) = path?;
    let Query(query) = query.map_err(|rejection| Problem::new(StatusCode::BAD_REQUEST, rejection.body_text()))?;
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
    let found = tokio::task::spawn_blocking(move || {
        world.lists.get(&asked).map(|list| list.page(after.as_ref(), limit, &query.search))
    })
    .await
    .map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the search failed"))?;
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
) -> Result<Json<EntryAnswer>, Problem> {
    let Path((list, text)) = path?;
    let entry = entry_of(&*backend, &list, &text)?;
    let world = backend.world();
    let details = world.lists.get(&list).and_then(|list| list.details(&entry)).ok_or_else(|| absent(&list, &entry))?;
    let body = EntryBody::new(&entry, details, &backend.dial_plan(Some(&list)));
    Ok(Json(EntryAnswer { list, entry: body, generation: world.generation }))
}

/// What may be said of an entry.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PutBody {
    date: Option<String>,
    description: Option<String>,
    expires: Option<String>,
}

pub(super) async fn put<B: Backend>(
    State(backend): State<Arc<B>>,
    Extension(Actor(actor)): Extension<Actor>,
    path: Result<Path<(String, String)>, PathRejection>,
    body: Body,
) -> Result<Response, Problem> {
    let body = body::json::<PutBody>(body).await?.unwrap_or_default();
    let Path((list, text)) = path?;
    let entry = entry_of(&*backend, &list, &text)?;
    let details = details_of(body, actor.clone())?;
    let edit = Edit { list: list.as_str().into(), entry: entry.clone(), change: Change::Put(details.clone()) };
    let edited = backend.edit(actor, edit).await.map_err(|failure| refused(failure, &list, &entry))?;
    let status = if edited.effect == Effect::Added { StatusCode::CREATED } else { StatusCode::OK };
    let body = EntryBody::new(&entry, details, &backend.dial_plan(Some(&list)));
    let answer = EntryAnswer { list, entry: body, generation: edited.generation };
    Ok((status, Json(answer)).into_response())
}

pub(super) async fn delete<B: Backend>(
    State(backend): State<Arc<B>>,
    Extension(Actor(actor)): Extension<Actor>,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let Path((list, text)) = path?;
    let entry = entry_of(&*backend, &list, &text)?;
    let edit = Edit { list: list.as_str().into(), entry: entry.clone(), change: Change::Remove };
    backend.edit(actor, edit).await.map_err(|failure| refused(failure, &list, &entry))?;
    Ok(StatusCode::NO_CONTENT)
}

fn entry_of<B: Backend>(backend: &B, list: &str, text: &str) -> Result<Entry, Problem> {
    if backend.world().lists.get(list).is_none() {
        return Err(Problem::unknown_list(list));
    }
    Entry::parse(text, &backend.dial_plan(Some(list))).map_err(|error| malformed(text, &error))
}

fn malformed(text: &str, error: &crate::lists::EntryError) -> Problem {
    Problem::unprocessable(format!("\"{text}\" is no entry: {error}"))
}

fn absent(list: &str, entry: &Entry) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("{entry} is not in the list \"{list}\""))
}

fn refused(failure: EditFailure, list: &str, entry: &Entry) -> Problem {
    match failure {
        EditFailure::UnknownList => Problem::unknown_list(list),
        EditFailure::Absent => absent(list, entry),
        EditFailure::Unfit(why) => Problem::unprocessable(why),
        EditFailure::Unavailable(why) => Problem::new(StatusCode::SERVICE_UNAVAILABLE, why),
    }
}

fn details_of(body: PutBody, actor: Arc<str>) -> Result<Details, Problem> {
    let date = body.date.map(|text| {
        let date: Result<Date, _> = text.parse();
        date.map_err(|_| Problem::unprocessable(format!("date \"{text}\": expected a day such as 2026-03-25")))
    });
    let expires = body.expires.map(|text| {
        let expected = || format!("expires \"{text}\": expected a time such as 2026-03-25T08:00:00Z");
        WallTime::parse(&text).ok_or_else(|| Problem::unprocessable(expected()))
    });
    if body.description.as_ref().is_some_and(|text| text.len() > MAX_DESCRIPTION) {
        return Err(Problem::unprocessable(format!("description: expected at most {MAX_DESCRIPTION} bytes")));
    }
    Ok(Details {
        date: date.transpose()?,
        description: body.description.map(Arc::from),
        expires: expires.transpose()?,
        added_by: Some(actor),
    })
}

pub(super) fn kind(entry: &Entry) -> &'static str {
    match entry {
        Entry::Number(_) => "number",
        Entry::Code(_) => "code",
        Entry::Prefix(_) => "prefix",
        Entry::Range(_) => "range",
        Entry::Anonymous => "anonymous",
        Entry::Unavailable => "unavailable",
        Entry::User(_) => "user",
    }
}

const DEFAULT_LIMIT: usize = 100;

/// A page of this many entries with descriptions has a megabyte or two.
const MAX_LIMIT: usize = 10_000;

/// Descriptions are held in memory; a note is shorter.
const MAX_DESCRIPTION: usize = 1000;
