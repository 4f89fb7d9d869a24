//! `/v1/reload`.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State};

use super::by::{ReasonBody, ReasonQuery, by};
use super::guard::Actor;
use super::problem::Problem;
use super::{Backend, ReloadFailure, ReloadProblem, Reloaded, StorageFailure, body};

pub(super) async fn reload<B: Backend>(
    State(backend): State<Arc<B>>,
    Extension(actor): Extension<Actor>,
    query: Result<Query<ReasonQuery>, QueryRejection>,
    body: Body,
) -> Result<Json<Reloaded>, Problem> {
    let Query(query) = query?;
    let body = body::json::<ReasonBody>(body).await?.unwrap_or_default();
    let by = by(actor, query.reason, body.reason)?;
    match backend.reload(by).await {
        Ok(reloaded) => Ok(Json(reloaded)),
        Err(ReloadFailure::Invalid(problems)) => {
            let what = problems.first().map_or_else(|| "the files are wrong".to_owned(), placed);
            Err(Problem::unprocessable(format!("{what}; nothing was changed")).with("errors", problems))
        }
        Err(ReloadFailure::Storage(failure)) => Err(unchanged(failure).into()),
    }
}

fn unchanged(failure: StorageFailure) -> StorageFailure {
    let told = |why| format!("nothing was changed: {why}");
    match failure {
        StorageFailure::Full(why) => StorageFailure::Full(told(why)),
        StorageFailure::Unavailable(why) => StorageFailure::Unavailable(told(why)),
    }
}

/// `file:line:column: detail`, as far as it has a place.
fn placed(problem: &ReloadProblem) -> String {
    let ReloadProblem { detail, file, line, column } = problem;
    let place = [file.clone(), line.map(|line| line.to_string()), column.map(|column| column.to_string())];
    let place: Vec<String> = place.into_iter().flatten().collect();
    if place.is_empty() { detail.clone() } else { format!("{}: {detail}", place.join(":")) }
}
