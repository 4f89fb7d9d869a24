//! `/v1/reload`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;

use super::guard::Actor;
use super::problem::Problem;
use super::{Backend, ReloadFailure, ReloadProblem, Reloaded};

pub(super) async fn reload<B: Backend>(
    State(backend): State<Arc<B>>,
    Extension(Actor(actor)): Extension<Actor>,
) -> Result<Json<Reloaded>, Problem> {
    match backend.reload(actor).await {
        Ok(reloaded) => Ok(Json(reloaded)),
        Err(ReloadFailure::Invalid(problems)) => {
            let what = problems.first().map_or_else(|| "the files are wrong".to_owned(), placed);
            Err(Problem::unprocessable(format!("{what}; nothing was changed")).with("errors", problems))
        }
        Err(ReloadFailure::Unavailable(why)) => {
            Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, format!("nothing was changed: {why}")))
        }
    }
}

/// `file:line:column: detail`, as far as it has a place.
fn placed(problem: &ReloadProblem) -> String {
    let ReloadProblem { detail, file, line, column } = problem;
    let place = [file.clone(), line.map(|line| line.to_string()), column.map(|column| column.to_string())];
    let place: Vec<String> = place.into_iter().flatten().collect();
    if place.is_empty() { detail.clone() } else { format!("{}: {detail}", place.join(":")) }
}
