//! `/v1/calls`: the calls that are up, or those of the past.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::bulk::Bulk;
use super::problem::Problem;
use super::recorded::{call_body, find, limit, party, time};
use super::{Backend, CallQuery, RecordedCalls};
use crate::screen::VerdictKind;

#[derive(Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct CallsQuery {
    live: Option<String>,
    number: Option<String>,
    call_id: Option<String>,
    verdict: Option<String>,
    rule: Option<String>,
    list: Option<String>,
    trunk: Option<String>,
    since: Option<String>,
    until: Option<String>,
    after: Option<String>,
    limit: Option<usize>,
}

#[derive(Serialize)]
struct LiveCalls {
    /// How many are up, of which `calls` shows at most [`MAX_SHOWN`].
    live: usize,
    calls: Vec<CallBody>,
}

#[derive(Serialize)]
struct CallBody {
    call_id: Box<str>,
    from: Box<str>,
    to: Box<str>,
    from_trunk: Arc<str>,
    to_trunk: Arc<str>,
    rule: Option<Arc<str>>,
    since: String,
    seconds: u64,
}

#[derive(Serialize)]
struct PastCalls {
    calls: Vec<Map<String, Value>>,
    /// What to give as `after` for the next page, which may be there though this one is not full; `null` on the last one.
    next: Option<String>,
    /// How far back was looked.
    reached: Option<String>,
    /// Lines that could not be read.
    damaged: u64,
    /// Files that could not be read.
    unread: Vec<String>,
}

/// Without a query, or with `?live`, the calls that are up.
pub(super) async fn all<B: Backend>(
    State(backend): State<Arc<B>>,
    Extension(bulk): Extension<Bulk>,
    query: Result<Query<CallsQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(query) = query?;
    let live = CallsQuery { live: query.live.clone(), ..CallsQuery::default() };
    if let Some(other) = query.live.as_ref().filter(|value| !["", "true"].contains(&value.as_str())) {
        return Err(Problem::unprocessable(format!(
            "live=\"{other}\": expected `live` or `live=true`, or nothing at all"
        )));
    }
    if query == live {
        return Ok(Json(live_calls(&*backend)).into_response());
    }
    if query.live.is_some() {
        return Err(Problem::unprocessable("`live` shows the calls that are up: expected nothing else beside it"));
    }
    let query = asked(&*backend, query)?;
    Ok(Json(PastCalls::from(find(&backend, &bulk, query).await?)).into_response())
}

fn live_calls<B: Backend>(backend: &B) -> LiveCalls {
    let (usage, now) = (backend.usage(), backend.now());
    let mut calls = usage.calls(MAX_SHOWN);
    calls.sort_unstable_by_key(|(key, call)| (call.since, *key));
    let calls = calls
        .into_iter()
        .map(|(_, call)| CallBody {
            call_id: call.call_id,
            from: call.caller,
            to: call.callee,
            from_trunk: call.from_trunk,
            to_trunk: call.to_trunk,
            rule: call.rule,
            since: call.since.to_string(),
            seconds: now.since(call.since).as_secs(),
        })
        .collect();
    LiveCalls { live: usage.live(), calls }
}

fn asked<B: Backend>(backend: &B, query: CallsQuery) -> Result<CallQuery, Problem> {
    let CallsQuery { live: _, number, call_id, verdict, rule, list, trunk, since, until, after, limit: most } = query;
    let is_verdict = |word: &&String| VerdictKind::ALL.iter().all(|kind| kind.as_str() != word.as_str());
    if let Some(unknown) = verdict.as_ref().filter(is_verdict) {
        let known = VerdictKind::ALL.map(VerdictKind::as_str).join(", ");
        return Err(Problem::unprocessable(format!("verdict=\"{unknown}\": expected one of {known}")));
    }
    let since = since.map(|text| time("since", &text)).transpose()?;
    let until = until.map(|text| time("until", &text)).transpose()?;
    if since.zip(until).is_some_and(|(since, until)| since > until) {
        return Err(Problem::unprocessable("`since` is after `until`"));
    }
    Ok(CallQuery {
        party: number.map(|number| party(backend, &number)).transpose()?,
        call_id,
        reason: None,
        verdict,
        rule,
        list,
        trunk,
        since,
        until,
        after,
        limit: limit(most)?,
    })
}

impl From<RecordedCalls> for PastCalls {
    fn from(RecordedCalls { calls, next, reached, damaged, unread }: RecordedCalls) -> PastCalls {
        let calls = calls.iter().map(call_body).collect();
        PastCalls { calls, next, reached: reached.map(|time| time.to_string()), damaged, unread }
    }
}

/// A busy carrier has tens of thousands of calls; nobody reads more of them than this.
const MAX_SHOWN: usize = 1000;
