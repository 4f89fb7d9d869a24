//! `/v1/lists/{list}/at/{generation}`: what a list was.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::bulk::Bulk;
use super::problem::Problem;
use super::status::{BaseBody, ImportBody};
use super::trail::{TrailLine, asked};
use super::{Backend, HeldAt, StorageFailure};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PastQuery {
    number: Option<String>,
    entry: Option<String>,
}

/// The base, the imports and the number of edits of then, and where an entry is asked for, whether it was held.
#[derive(Serialize)]
pub(super) struct PastBody {
    list: String,
    generation: u64,
    base: Option<PastBase>,
    imports: Vec<ImportBody>,
    edits: u64,
    #[serde(flatten)]
    held: Option<HeldBody>,
}

#[derive(Serialize)]
struct PastBase {
    /// The generation that brought it.
    since: u64,
    at: String,
    #[serde(flatten)]
    base: BaseBody,
}

#[derive(Serialize)]
struct HeldBody {
    entry: String,
    held: Option<bool>,
    through: Option<String>,
    edit: Option<TrailLine>,
}

/// The list may be gone by now.
pub(super) async fn at<B: Backend>(
    State(backend): State<Arc<B>>,
    Extension(bulk): Extension<Bulk>,
    path: Result<Path<(String, u64)>, PathRejection>,
    query: Result<Query<PastQuery>, QueryRejection>,
) -> Result<Json<PastBody>, Problem> {
    let (Path((list, generation)), Query(PastQuery { number, entry })) = (path?, query?);
    let present = backend.world().generation;
    if generation > present {
        return Err(Problem::new(
            StatusCode::NOT_FOUND,
            format!("generation {generation} is still to come: the present one is {present}"),
        ));
    }
    let entry = asked(&*backend, Some(&list), number, entry)?;
    // Bases of the past are read into memory for it.
    let place = if entry.is_some() { Some(bulk.place().await?) } else { None };
    let read = {
        let (backend, list, entry) = (Arc::clone(&backend), list.clone(), entry.clone());
        tokio::task::spawn_blocking(move || {
            let _place = place;
            let past = backend.list_at(&list, generation)?;
            let held = entry.filter(|_| past.is_some()).map(|entry| backend.held_at(&list, generation, &entry));
            Ok::<_, StorageFailure>((past, held.transpose()?))
        })
    };
    let (past, held) = read.await.map_err(|_| Problem::broken("the reading of the past"))??;
    let past = past.ok_or_else(|| {
        let detail = format!("no list was named \"{list}\" at generation {generation}");
        Problem::new(StatusCode::NOT_FOUND, detail)
    })?;
    let plan = backend.dial_plan(Some(&list));
    let held = entry.zip(held).map(|(entry, HeldAt { held, through, edit })| HeldBody {
        entry: entry.spelled(&plan),
        held,
        through: through.map(|entry| entry.spelled(&plan)),
        edit: edit.map(|line| TrailLine::new(&*backend, line)),
    });
    Ok(Json(PastBody {
        base: past.base.map(|(since, at, base)| PastBase { since, at: at.to_string(), base: base.into() }),
        imports: past.imports.into_iter().map(ImportBody::from).collect(),
        edits: past.edits,
        list,
        generation,
        held,
    }))
}
