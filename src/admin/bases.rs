//! `/v1/lists/{list}/rollback` and `/v1/lists/{list}/confirm`: which base of a list is in force.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;

use super::by::{ReasonQuery, by};
use super::guard::Actor;
use super::lists::{OneList, refused};
use super::problem::Problem;
use super::{Backend, body};
use crate::lists::Digest;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RollbackBody {
    to: Option<String>,
    reason: Option<String>,
}

pub(super) async fn rollback<B: Backend>(
    State(backend): State<Arc<B>>,
    Extension(actor): Extension<Actor>,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<ReasonQuery>, QueryRejection>,
    body: Body,
) -> Result<Json<OneList>, Problem> {
    let (Path(name), Query(query)) = (path?, query?);
    let body = body::json::<RollbackBody>(body).await?.unwrap_or_default();
    let by = by(actor, query.reason, body.reason)?;
    let to = body.to.map(|text| digest("to", &text)).transpose()?;
    let generation = backend.rollback(by, name.as_str().into(), to).await.map_err(|failure| refused(failure, &name))?;
    OneList::now(&*backend, &name, Some(generation)).map(Json)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfirmBody {
    digest: String,
    reason: Option<String>,
}

/// The digest must be given: what is confirmed is what was looked at, not what has come since.
pub(super) async fn confirm<B: Backend>(
    State(backend): State<Arc<B>>,
    Extension(actor): Extension<Actor>,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<ReasonQuery>, QueryRejection>,
    body: Body,
) -> Result<Json<OneList>, Problem> {
    let (Path(name), Query(query)) = (path?, query?);
    let body = body::json::<ConfirmBody>(body)
        .await?
        .ok_or_else(|| Problem::new(StatusCode::BAD_REQUEST, "expected {\"digest\": …}"))?;
    let by = by(actor, query.reason, body.reason)?;
    let waiting = digest("digest", &body.digest)?;
    let confirmed = backend.confirm(by, name.as_str().into(), waiting).await;
    let generation = confirmed.map_err(|failure| refused(failure, &name))?;
    OneList::now(&*backend, &name, Some(generation)).map(Json)
}

fn digest(member: &str, text: &str) -> Result<Digest, Problem> {
    let expected = |_| Problem::unprocessable(format!("{member}: expected 64 lower-case hexadecimal digits"));
    text.parse().map_err(expected)
}
