//! `/v1/lists` and `/v1/lists/{list}`.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use serde::Serialize;

use super::Backend;
use super::problem::Problem;
use crate::lists::List;
use crate::time::WallTime;

#[derive(Serialize)]
pub(super) struct AllLists {
    generation: u64,
    lists: Vec<ListBody>,
}

#[derive(Serialize)]
pub(super) struct OneList {
    generation: u64,
    #[serde(flatten)]
    list: ListBody,
}

#[derive(Serialize)]
struct ListBody {
    name: Arc<str>,
    class: &'static str,
    entries: u64,
    edits: u64,
    file: Option<String>,
    loaded: String,
}

impl ListBody {
    fn new(list: &List, loaded: WallTime) -> ListBody {
        ListBody {
            name: list.name().clone(),
            class: list.class().as_str(),
            entries: list.len(),
            edits: list.edits(),
            file: list.source().map(|path| path.display().to_string()),
            loaded: loaded.to_string(),
        }
    }
}

pub(super) async fn all<B: Backend>(State(backend): State<Arc<B>>) -> Json<AllLists> {
    let (world, loaded) = (backend.world(), backend.loaded());
    let lists = world.lists.iter().map(|(_, list)| ListBody::new(list, loaded)).collect();
    Json(AllLists { generation: world.generation, lists })
}

pub(super) async fn one<B: Backend>(
    State(backend): State<Arc<B>>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<OneList>, Problem> {
    let Path(name) = path?;
    let world = backend.world();
    let list = world.lists.get(&name).ok_or_else(|| Problem::unknown_list(&name))?;
    Ok(Json(OneList { generation: world.generation, list: ListBody::new(list, backend.loaded()) }))
}

/// A percent-escape in the path that is no UTF-8.
impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Problem {
        Problem::new(rejection.status(), rejection.body_text())
    }
}
