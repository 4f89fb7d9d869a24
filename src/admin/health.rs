//! `/healthz` and `/readyz`, for supervisors and load balancers. They ask for no token.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;

use super::{Backend, HealthDetail};

/// The process answers.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

#[derive(Serialize)]
pub(super) struct Readiness {
    ready: bool,
    generation: u64,
    details: Vec<HealthDetail>,
}

/// 200 when every part works, else 503; the details name them in both cases.
pub(super) async fn readyz<B: Backend>(State(backend): State<Arc<B>>) -> (StatusCode, Json<Readiness>) {
    let details = backend.health();
    let ready = details.iter().all(|detail| detail.ok);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready, generation: backend.world().generation, details }))
}
