//! `/v1/edits`: who changed what, when and why.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State};
use serde::{Deserialize, Serialize};

use super::Backend;
use super::bulk::Bulk;
use super::entry::{EntryBody, one_number, parsed};
use super::problem::Problem;
use crate::lists::{AuditLine, AuditQuery, Entry};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TrailQuery {
    list: Option<String>,
    number: Option<String>,
    entry: Option<String>,
    before: Option<u64>,
    limit: Option<usize>,
}

#[derive(Serialize)]
pub(super) struct TrailPage {
    edits: Vec<TrailLine>,
    /// What to give as `before` for the next page; `null` on the last one.
    next: Option<u64>,
}

/// A line of the audit trail; the entry and what was said of it are there where one was edited.
#[derive(Serialize)]
pub(super) struct TrailLine {
    generation: u64,
    at: String,
    actor: Arc<str>,
    reason: Option<Arc<str>>,
    action: &'static str,
    list: Option<Arc<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trunk: Option<Arc<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<Arc<str>>,
    #[serde(flatten)]
    entry: Option<EntryBody>,
    digest: Option<String>,
    entries: Option<u64>,
}

impl TrailLine {
    pub(super) fn new<B: Backend>(backend: &B, line: AuditLine) -> TrailLine {
        let plan = backend.dial_plan(line.list.as_deref());
        TrailLine {
            generation: line.generation,
            at: line.at.to_string(),
            actor: line.actor,
            reason: line.reason,
            action: line.action.as_str(),
            list: line.list,
            trunk: line.trunk,
            rule: line.rule,
            entry: line.entry.map(|entry| EntryBody::new(&entry, line.details, &plan)),
            digest: line.digest.map(|digest| digest.to_string()),
            entries: line.entries,
        }
    }
}

/// The list may be gone by now: its trail stays.
pub(super) async fn page<B: Backend>(
    State(backend): State<Arc<B>>,
    Extension(bulk): Extension<Bulk>,
    query: Result<Query<TrailQuery>, QueryRejection>,
) -> Result<Json<TrailPage>, Problem> {
    let Query(TrailQuery { list, number, entry, before, limit }) = query?;
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem::unprocessable(format!("limit={limit}: expected 1 to {MAX_LIMIT}")));
    }
    let entry = asked(&*backend, list.as_deref(), number, entry)?;
    // Files that were imported are read into memory for it.
    let place = if entry.is_some() { Some(bulk.place().await?) } else { None };
    let query = AuditQuery { list: list.map(Arc::from), entry, before, limit: limit + 1 };
    let read = {
        let backend = Arc::clone(&backend);
        tokio::task::spawn_blocking(move || {
            let _place = place;
            backend.audit(&query)
        })
    };
    let mut lines = read.await.map_err(|_| Problem::broken("the reading of the trail"))??;
    let more = lines.len() > limit;
    lines.truncate(limit);
    let next = lines.last().filter(|_| more).map(|line| line.generation);
    let edits = lines.into_iter().map(|line| TrailLine::new(&*backend, line)).collect();
    Ok(Json(TrailPage { edits, next }))
}

/// What `?number=` or `?entry=` names, by the dial plan of the list where one is named.
pub(super) fn asked<B: Backend>(
    backend: &B,
    list: Option<&str>,
    number: Option<String>,
    entry: Option<String>,
) -> Result<Option<Entry>, Problem> {
    let plan = backend.dial_plan(list);
    match (number, entry) {
        (None, None) => Ok(None),
        (Some(number), None) => one_number(&number, &plan).map(Some),
        (None, Some(entry)) => parsed(&entry, &plan).map(Some),
        (Some(_), Some(_)) => Err(Problem::unprocessable("expected `number` or `entry`, not both")),
    }
}

const DEFAULT_LIMIT: usize = 100;

/// A page of this many lines has a megabyte or two.
const MAX_LIMIT: usize = 10_000;
