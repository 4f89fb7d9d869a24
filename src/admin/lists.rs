//! `/v1/lists` and `/v1/lists/{list}`.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Extension, Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use super::by::{ReasonQuery, by};
use super::guard::Actor;
use super::problem::Problem;
use super::status::ListBody;
use super::{Backend, ListFailure, body};
use crate::lists::Class;

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

impl OneList {
    /// A list as it is now, at the generation that a change of it led to, or at the present one.
    pub(super) fn now<B: Backend>(backend: &B, name: &str, led_to: Option<u64>) -> Result<OneList, Problem> {
        let world = backend.world();
        let list = world.lists.get(name).ok_or_else(|| Problem::unknown_list(name))?;
        Ok(OneList { generation: led_to.unwrap_or(world.generation), list: ListBody::new(backend, list) })
    }
}

pub(super) async fn all<B: Backend>(State(backend): State<Arc<B>>) -> Json<AllLists> {
    let world = backend.world();
    let lists = world.lists.iter().map(|(_, list)| ListBody::new(&*backend, list)).collect();
    Json(AllLists { generation: world.generation, lists })
}

pub(super) async fn one<B: Backend>(
    State(backend): State<Arc<B>>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<OneList>, Problem> {
    let Path(name) = path?;
    OneList::now(&*backend, &name, None).map(Json)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MakeBody {
    name: String,
    class: Class,
    reason: Option<String>,
}

pub(super) async fn make<B: Backend>(
    State(backend): State<Arc<B>>,
    Extension(actor): Extension<Actor>,
    query: Result<Query<ReasonQuery>, QueryRejection>,
    body: Body,
) -> Result<Response, Problem> {
    let Query(query) = query?;
    let body = body::json::<MakeBody>(body)
        .await?
        .ok_or_else(|| Problem::new(StatusCode::BAD_REQUEST, "expected {\"name\": …, \"class\": …}"))?;
    let by = by(actor, query.reason, body.reason)?;
    check_name(&body.name)?;
    if backend.world().lists.get(&body.name).is_some() {
        return Err(Problem::conflict(format!("there is a list \"{}\" already", body.name)));
    }
    let made = backend.make_list(by, body.name.as_str().into(), body.class).await;
    let generation = made.map_err(|failure| refused(failure, &body.name))?;
    let location = format!("/v1/lists/{}", utf8_percent_encode(&body.name, IN_A_PATH));
    let location = HeaderValue::from_str(&location).expect("what is no letter or digit was escaped");
    let list = OneList::now(&*backend, &body.name, Some(generation))?;
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(list)).into_response())
}

pub(super) async fn unmake<B: Backend>(
    State(backend): State<Arc<B>>,
    Extension(actor): Extension<Actor>,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<ReasonQuery>, QueryRejection>,
) -> Result<StatusCode, Problem> {
    let (Path(name), Query(query)) = (path?, query?);
    let by = by(actor, query.reason, None)?;
    let unmade = backend.unmake_list(by, name.as_str().into()).await;
    unmade.map_err(|failure| refused(failure, &name))?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) fn refused(failure: ListFailure, list: &str) -> Problem {
    match failure {
        ListFailure::Unknown => Problem::unknown_list(list),
        ListFailure::Conflict(why) => Problem::conflict(why),
        ListFailure::Storage(failure) => failure.into(),
    }
}

/// A name stands in paths, tables of text, labels of metrics and file names.
fn check_name(name: &str) -> Result<(), Problem> {
    let expected = |what: String| Err(Problem::unprocessable(format!("name: {what}")));
    if !(1..=MAX_NAME).contains(&name.len()) {
        return expected(format!("expected 1 to {MAX_NAME} bytes"));
    }
    if let Some(char) = name.chars().find(|char| !(char.is_alphanumeric() || "-_. ".contains(*char))) {
        return expected(format!("`{}`: expected letters, digits, `-_.` and spaces", char.escape_debug()));
    }
    if name.starts_with(' ') || name.ends_with(' ') {
        return expected("expected no space at either end".to_owned());
    }
    // In a path `.` and `..` are no names (RFC 3986 section 5.2.4).
    if name.bytes().all(|byte| byte == b'.') {
        return expected("expected a letter or digit".to_owned());
    }
    Ok(())
}

/// A percent-escape in the path that is no UTF-8.
impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Problem {
        Problem::new(rejection.status(), rejection.body_text())
    }
}

/// What RFC 3986 section 2.3 leaves as it is.
pub(super) const IN_A_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A table of lists stays readable, and a file can be named after one.
const MAX_NAME: usize = 64;
