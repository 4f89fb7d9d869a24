//! A call of the past, as answers show it, and what is asked about such calls.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::bulk::Bulk;
use super::entry::one_number;
use super::problem::Problem;
use super::{Backend, CallQuery, RecordFailure, RecordedCall, RecordedCalls};
use crate::time::WallTime;

/// The columns of a record by their names; what is not known is `null`.
pub(super) fn call_body(call: &RecordedCall) -> Map<String, Value> {
    let value = |name: &str, text: &str| match text {
        "" => Value::Null,
        digits if DECIMALS.contains(&name) => digits.parse::<u64>().map_or(Value::Null, Value::from),
        text => Value::from(text),
    };
    let columns = call.0.iter().filter(|(name, _)| *name != "event");
    columns.map(|(name, text)| ((*name).to_owned(), value(name, text))).collect()
}

/// Looks for calls on a thread where that may take its time, when there is a place.
pub(super) async fn find<B: Backend>(
    backend: &Arc<B>,
    bulk: &Bulk,
    query: CallQuery,
) -> Result<RecordedCalls, Problem> {
    reading(backend, bulk, move |backend| backend.find_calls(&query)).await
}

/// Reads records on a thread where that may take its time, when there is a place.
pub(super) async fn reading<B: Backend, T: Send + 'static, E: Into<Problem> + Send + 'static>(
    backend: &Arc<B>,
    bulk: &Bulk,
    read: impl FnOnce(&B) -> Result<T, E> + Send + 'static,
) -> Result<T, Problem> {
    let place = bulk.place().await?;
    let backend = Arc::clone(backend);
    let read = tokio::task::spawn_blocking(move || {
        let _place = place;
        read(&backend)
    });
    read.await.map_err(|_| Problem::broken("the reading of records"))?.map_err(Into::into)
}

/// The number that a query names, as records spell it.
pub(super) fn party<B: Backend>(backend: &B, number: &str) -> Result<String, Problem> {
    one_number(number, &backend.dial_plan(None)).map(|entry| entry.to_string())
}

/// The time that a query names.
pub(super) fn time(name: &str, text: &str) -> Result<WallTime, Problem> {
    WallTime::parse(text).ok_or_else(|| {
        Problem::unprocessable(format!("{name}=\"{text}\": expected a time such as 2026-03-25T08:00:00Z"))
    })
}

/// The number of calls that a query asks for.
pub(super) fn limit(limit: Option<usize>) -> Result<usize, Problem> {
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    if (1..=MAX_LIMIT).contains(&limit) {
        Ok(limit)
    } else {
        Err(Problem::unprocessable(format!("limit={limit}: expected 1 to {MAX_LIMIT}")))
    }
}

impl From<RecordFailure> for Problem {
    fn from(failure: RecordFailure) -> Problem {
        match failure {
            RecordFailure::After(_) => Problem::unprocessable(failure.to_string()),
            RecordFailure::Storage(failure) => failure.into(),
        }
    }
}

/// The others are names, or numbers that are no quantities or may be larger than those that JSON readers keep exactly.
const DECIMALS: [&str; 4] = ["generation", "status", "setup_ms", "duration_ms"];

const DEFAULT_LIMIT: usize = 100;

/// A page of this many calls has a megabyte.
const MAX_LIMIT: usize = 1000;
