//! `/v1/reload`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;

use super::guard::Actor;
use super::problem::Problem;
use super::{Backend, ReloadFailure, Reloaded};

pub(super) async fn reload<B: Backend>(
    State(backend): State<Arc<B>>,
    Extension(Actor(actor)): Extension<Actor>,
) -> Result<Json<Reloaded>, Problem> {
    match backend.reload(actor).await {
        Ok(reloaded) => Ok(Json(reloaded)),
        Err(ReloadFailure::Invalid(problems)) => {
            let what = problems.first().map_or("the files are wrong", |first| first.detail.as_str());
            Err(Problem::unprocessable(format!("nothing was changed: {what}")).with("errors", problems))
        }
        Err(ReloadFailure::Unavailable(why)) => {
            Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, format!("nothing was changed: {why}")))
        }
    }
}
