//! `/v1/trunks`: the neighbours and how many calls each has.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use super::Backend;

#[derive(Serialize)]
pub(super) struct AllTrunks {
    generation: u64,
    trunks: Vec<TrunkBody>,
}

#[derive(Serialize)]
struct TrunkBody {
    name: Arc<str>,
    trusted: bool,
    to: Vec<String>,
    /// Calls that are up and came from it.
    calls_from: u64,
    /// Calls that are up and went to it.
    calls_to: u64,
}

pub(super) async fn all<B: Backend>(State(backend): State<Arc<B>>) -> Json<AllTrunks> {
    let world = backend.world();
    let trunks = world
        .policy
        .trunks
        .iter()
        .map(|trunk| {
            let calls = backend.usage().trunk_calls(&trunk.name);
            TrunkBody {
                name: trunk.name.clone(),
                trusted: trunk.trusted,
                to: trunk.to.iter().map(ToString::to_string).collect(),
                calls_from: calls.from,
                calls_to: calls.to,
            }
        })
        .collect();
    Json(AllTrunks { generation: world.generation, trunks })
}
