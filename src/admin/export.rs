//! `/v1/lists/{list}/export`: a list as a file.

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use percent_encoding::utf8_percent_encode;
use serde::Deserialize;

use super::lists::IN_A_PATH;
use super::problem::Problem;
use super::{Backend, pipe};
use crate::lists::List;
use crate::number::DialPlan;
use crate::time::WallTime;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExportQuery {
    #[serde(default)]
    expired: bool,
}

/// All of one moment: what is edited meanwhile does not show.
pub(super) async fn export<B: Backend>(
    State(backend): State<Arc<B>>,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<ExportQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let (Path(name), Query(query)) = (path?, query?);
    let world = backend.world();
    if world.lists.get(&name).is_none() {
        return Err(Problem::unknown_list(&name));
    }
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8; header=present")),
        (header::CONTENT_DISPOSITION, disposition(&name)),
        (GENERATION, world.generation.into()),
    ];
    let in_force_at = (!query.expired).then(|| backend.now());
    let plan = backend.dial_plan(Some(&name));
    let (writer, body) = pipe::outward();
    tokio::task::spawn_blocking(move || {
        let written = world.lists.get(&name).map_or(Ok(()), |list| write(list, &plan, in_force_at, writer));
        if let Err(error) = written {
            tracing::debug!(%error, "an export ended early");
        }
    });
    Ok((headers, body).into_response())
}

/// Writes a list so that an import under its dial plan reads the same again, save who added what. The quotation marks of
/// RFC 4180 are the only guard against what a spreadsheet makes of a cell: anything else would change the list.
fn write(list: &List, plan: &DialPlan, in_force_at: Option<WallTime>, writer: pipe::PipeWriter) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(writer);
    csv.write_record(["number", "date", "description", "expires", "added_by"])?;
    let (mut date, mut expires) = (String::new(), String::new());
    let in_force = |at: &Option<WallTime>, details: &crate::lists::Details| at.is_none_or(|at| details.in_force(at));
    for (entry, details) in list.entries(None).filter(|(_, details)| in_force(&in_force_at, details)) {
        date.clear();
        expires.clear();
        if let Some(day) = details.date {
            write!(date, "{day}").expect("a String takes everything");
        }
        if let Some(at) = details.expires {
            write!(expires, "{at}").expect("a String takes everything");
        }
        let description = details.description.as_deref().unwrap_or_default();
        let added_by = details.added_by.as_deref().unwrap_or_default();
        csv.write_record([entry.spelled(plan).as_str(), &date, description, &expires, added_by])?;
    }
    csv.into_inner().map_err(|error| error.into_error())?.finish()
}

/// A name for old readers and the true one (RFC 6266 appendix D).
fn disposition(name: &str) -> HeaderValue {
    let plain: String = name.chars().map(|char| if is_plain(char) { char } else { '_' }).collect();
    let escaped = utf8_percent_encode(name, IN_A_PATH);
    let value = format!("attachment; filename=\"{plain}.csv\"; filename*=UTF-8''{escaped}.csv");
    HeaderValue::from_str(&value).expect("ASCII without control characters")
}

fn is_plain(char: char) -> bool {
    char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | '.' | ' ')
}

/// The generation that an export is of, so that it can be asked again what the list was.
pub(super) const GENERATION: HeaderName = HeaderName::from_static("ringfence-generation");
