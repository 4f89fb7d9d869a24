//! `/v1/explain`: what would become of a call.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use rand::TryRng;
use rand::rngs::SysRng;

use super::problem::Problem;
use super::{Backend, body};
use crate::screen::{Explanation, Question};

pub(super) async fn explain<B: Backend>(
    State(backend): State<Arc<B>>,
    body: Body,
) -> Result<Json<Explanation>, Problem> {
    let question = body::json::<Question>(body)
        .await?
        .ok_or_else(|| Problem::new(StatusCode::BAD_REQUEST, "expected {\"from\": …, \"to\": …, \"trunk\": …}"))?;
    let draw = SysRng
        .try_next_u64()
        .map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the system gives no random bytes"))?;
    question
        .explain(&backend.world(), backend.usage(), backend.now(), draw)
        .map(Json)
        .map_err(|error| Problem::unprocessable(error.to_string()))
}
