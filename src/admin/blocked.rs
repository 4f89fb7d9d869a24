//! `/v1/blocked`: the calls to a number that a rule kept from it, for a subscriber who asks.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State};
use serde::{Deserialize, Serialize};

use super::bulk::Bulk;
use super::problem::Problem;
use super::recorded::{limit, party, reading, time};
use super::{Backend, RecordedCall};
use crate::time::WallTime;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BlockedQuery {
    number: String,
    since: Option<String>,
    limit: Option<usize>,
}

#[derive(Serialize)]
pub(super) struct BlockedBody {
    number: String,
    /// From then on all are shown, as far as `more` does not say otherwise; `null`: there are no records.
    complete_since: Option<String>,
    calls: Vec<BlockedCall>,
    /// Whether there are earlier ones.
    more: bool,
    /// Files that could not be read, and why; all are of the time before `complete_since`.
    unread: Vec<String>,
}

/// Nothing that would tell who a caller is who asked for privacy: the entry, and the Call-ID, may.
#[derive(Serialize)]
struct BlockedCall {
    time: String,
    /// `null`: a version that did not record it.
    method: Option<String>,
    /// `null`: he is anonymous.
    caller: Option<String>,
    verdict: String,
    rule: String,
    list: Option<String>,
    /// `null`: nothing was answered.
    status: Option<u16>,
}

pub(super) async fn of<B: Backend>(
    State(backend): State<Arc<B>>,
    Extension(bulk): Extension<Bulk>,
    query: Result<Query<BlockedQuery>, QueryRejection>,
) -> Result<Json<BlockedBody>, Problem> {
    let Query(BlockedQuery { number, since, limit: most }) = query?;
    let (callee, limit) = (party(&*backend, &number)?, limit(most)?);
    let since = match since {
        Some(text) => time("since", &text)?,
        None => WallTime::from_micros(backend.now().as_micros().saturating_sub(micros(USUAL_SPAN))),
    };
    let asked = callee.clone();
    let told = reading(&backend, &bulk, move |backend| backend.blocked_calls(&asked, since, limit)).await?;
    Ok(Json(BlockedBody {
        number: callee,
        complete_since: told.oldest.map(|oldest| oldest.max(since).to_string()),
        calls: told.calls.iter().map(BlockedCall::new).collect(),
        more: told.has_more,
        unread: told.unread,
    }))
}

impl BlockedCall {
    fn new(call: &RecordedCall) -> BlockedCall {
        let said = |name| Some(call.column(name)).filter(|text| !text.is_empty()).map(str::to_owned);
        let mut callers = call.column("caller").split(' ');
        let is_anonymous = call.column("privacy") == "yes" || callers.clone().any(|caller| caller == "anonymous");
        BlockedCall {
            time: call.column("time").to_owned(),
            method: said("method"),
            caller: callers.next().filter(|_| !is_anonymous).map(str::to_owned),
            verdict: call.column("verdict").to_owned(),
            rule: call.column("rule").to_owned(),
            list: said("list"),
            status: call.column("status").parse().ok(),
        }
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

/// What providers in the US must be able to tell a subscriber (47 CFR 64.1200(k)(10)).
const USUAL_SPAN: Duration = Duration::from_secs(28 * 86_400);
