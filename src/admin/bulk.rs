//! How many may bring much at once.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::problem::Problem;

/// The places for imports, large groups of edits, and questions about the past of an entry: each of them holds what it
/// reads in memory until it is done.
#[derive(Debug, Clone)]
pub(super) struct Bulk(Arc<Semaphore>);

/// The places for screenings, which may take as long as their clients do.
#[derive(Debug, Clone)]
pub(super) struct Screenings(pub(super) Bulk);

impl Bulk {
    pub(super) fn new() -> Bulk {
        Bulk(Arc::new(Semaphore::new(PLACES)))
    }

    /// Waits a while for a place; the body waits in the kernel's buffers meanwhile.
    pub(super) async fn place(&self) -> Result<OwnedSemaphorePermit, Problem> {
        match tokio::time::timeout(WAIT, Arc::clone(&self.0).acquire_owned()).await {
            Ok(place) => Ok(place.expect("the semaphore is never closed")),
            Err(_) => Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "others are at it: try again later")),
        }
    }
}

/// The store takes one after the other anyway; the second is read while the first is stored.
const PLACES: usize = 2;

/// As long as a client usually waits for an answer.
const WAIT: Duration = Duration::from_secs(30);
