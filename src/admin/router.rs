//! Which path and method leads where.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware;
use axum::response::IntoResponse;
use axum::routing::{delete, get, post, put};
use axum::{Extension, Router};

use super::bulk::{Bulk, Screenings};
use super::problem::Problem;
use super::token::Tokens;
use super::{
    Backend, bases, blocked, calls, campaigns, edits, entries, explain, export, guard, health, import, leftover, lists,
    metrics, numbers, past, pools, redress, reload, rules, screen, trail, trunks,
};

/// All resources of the admin port.
pub(super) fn router<B: Backend>(backend: Arc<B>, tokens: Option<Arc<Tokens>>) -> Router {
    Router::new()
        .route("/v1/lists", get(lists::all::<B>).post(lists::make::<B>))
        .route("/v1/lists/{list}", get(lists::one::<B>).delete(lists::unmake::<B>))
        .route("/v1/lists/{list}/entries", get(entries::page::<B>))
        .route(
            "/v1/lists/{list}/entries/{entry}",
            get(entries::one::<B>).put(entries::put::<B>).delete(entries::delete::<B>),
        )
        .route("/v1/lists/{list}/edits", post(edits::edits::<B>))
        .route("/v1/lists/{list}/import", post(import::import::<B>))
        .route("/v1/lists/{list}/export", get(export::export::<B>))
        .route("/v1/lists/{list}/rollback", post(bases::rollback::<B>))
        .route("/v1/lists/{list}/confirm", post(bases::confirm::<B>))
        .route("/v1/lists/{list}/at/{generation}", get(past::at::<B>))
        .route("/v1/edits", get(trail::page::<B>))
        .route("/v1/numbers/{number}", get(numbers::one::<B>))
        .route("/v1/explain", post(explain::explain::<B>))
        .route("/v1/reload", post(reload::reload::<B>))
        .route("/v1/rules", get(rules::all::<B>))
        .route("/v1/rules/{rule}", get(rules::one::<B>))
        .route("/v1/rules/{rule}/mode", put(rules::set::<B>).delete(rules::reset::<B>))
        .route("/v1/trunks", get(trunks::all::<B>))
        .route("/v1/pools", get(pools::all::<B>))
        .route("/v1/pools/{list}", get(pools::page::<B>))
        .route("/v1/pools/{list}/rests/{number}", delete(pools::end_rest::<B>))
        .route("/v1/trunks/{trunk}/state", put(trunks::set::<B>))
        .route("/v1/calls", get(calls::all::<B>))
        .route("/v1/blocked", get(blocked::of::<B>))
        .route("/v1/redress/{id}", get(redress::one::<B>))
        .route("/v1/redress/{id}/release", post(redress::release::<B>))
        .route("/v1/campaigns", get(campaigns::all::<B>))
        .route("/v1/campaigns/{campaign}", get(campaigns::one::<B>))
        .route("/v1/campaigns/{campaign}/block/{number}", post(campaigns::block::<B>))
        .route("/v1/screen", post(screen::numbers::<B>))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz::<B>))
        .route("/metrics", get(metrics::metrics::<B>))
        .fallback(unknown_path)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn_with_state(tokens, guard::check))
        .layer(Extension(Bulk::new()))
        .layer(Extension(Screenings(Bulk::new())))
        // Around all others: a request that is refused has a body as well.
        .layer(middleware::from_fn(leftover::discard))
        .with_state(backend)
}

async fn unknown_path() -> impl IntoResponse {
    Problem::new(StatusCode::NOT_FOUND, "there is nothing at this path")
}

/// The `Allow` header is added by the router.
async fn method_not_allowed(request: Request) -> impl IntoResponse {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, format!("{} does nothing here", request.method()))
}
