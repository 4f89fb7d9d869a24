//! `/v1/calls`: the calls that are up.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use super::Backend;

#[derive(Serialize)]
pub(super) struct AllCalls {
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

pub(super) async fn all<B: Backend>(State(backend): State<Arc<B>>) -> Json<AllCalls> {
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
    Json(AllCalls { live: usage.live(), calls })
}

/// A busy carrier has tens of thousands of calls; nobody reads more of them than this.
const MAX_SHOWN: usize = 1000;
