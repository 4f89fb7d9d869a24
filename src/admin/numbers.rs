//! `/v1/numbers/{number}`: which lists hold it.

use std::borrow::Cow;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use serde::Serialize;

use super::Backend;
use super::entries::EntryBody;
use super::problem::Problem;
use crate::lists::Entry;
use crate::number::Party;

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
    let entry = Entry::parse(&text, &backend.dial_plan(None))
        .map_err(|error| Problem::unprocessable(format!("\"{text}\" is no number: {error}")))?;
    let party = match &entry {
        Entry::Number(number) => Party::Number(*number),
        Entry::Code(code) => Party::Code(*code),
        Entry::User(user) => Party::User(Cow::Borrowed(user)),
        Entry::Anonymous => Party::Anonymous,
        Entry::Unavailable => Party::Unavailable,
        Entry::Prefix(_) | Entry::Range(_) => {
            return Err(Problem::unprocessable(format!("\"{text}\" names many numbers: expected one")));
        }
    };
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
