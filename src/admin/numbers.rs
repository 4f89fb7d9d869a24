//! `/v1/numbers/{number}`: which lists hold it.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use serde::Serialize;

use super::Backend;
use super::entry::{EntryBody, one_number, party};
use super::problem::Problem;

#[derive(Serialize)]
pub(super) struct NumberBody {
    number: String,
    generation: u64,
    lists: Vec<Holding>,
}

/// A list that holds the number, and the entry through which it does.
#[derive(Serialize)]
struct Holding {
    list: Arc<str>,
    class: &'static str,
    #[serde(flatten)]
    entry: EntryBody,
}

pub(super) async fn one<B: Backend>(
    State(backend): State<Arc<B>>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<NumberBody>, Problem> {
    let Path(text) = path?;
    let entry = one_number(&text, &backend.dial_plan(None))?;
    let party = party(&entry).expect("it was read as one number");
    let (world, now) = (backend.world(), backend.now());
    let lists = world
        .lists
        .iter()
        .filter_map(|(_, list)| {
            let entry = list.lookup(&party, now)?;
            let details = list.details(&entry).unwrap_or_default();
            let entry = EntryBody::new(&entry, details, &backend.dial_plan(Some(list.name())));
            Some(Holding { list: list.name().clone(), class: list.class().as_str(), entry })
        })
        .collect();
    Ok(Json(NumberBody { number: entry.to_string(), generation: world.generation, lists }))
}
