//! `/v1/screen`: what would become of calls to many numbers.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::bulk::Screenings;
use super::export::GENERATION;
use super::import::column;
use super::leftover::StillRead;
use super::problem::Problem;
use super::screened::{Format, screen};
use super::{Backend, pipe};
use crate::screen::Screening;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScreenQuery {
    campaign: String,
    trunk: Option<String>,
    from: Option<String>,
    /// The column of a CSV body.
    number: Option<String>,
}

/// Answers line by line while the body comes, whatever its length, and leaves the processor to calls.
pub(super) async fn numbers<B: Backend>(
    State(backend): State<Arc<B>>,
    Extension(Screenings(places)): Extension<Screenings>,
    query: Result<Query<ScreenQuery>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let Query(ScreenQuery { campaign, trunk, from, number }) = query?;
    let format = format(&headers, number)?;
    let screening = Screening::new(backend.world(), backend.now(), &campaign, trunk.as_deref(), from.as_deref())
        .map_err(|error| Problem::unprocessable(error.to_string()))?;
    let place = places.place().await?;
    let (pump, reader) = pipe::inward(body);
    let (writer, answer) = pipe::outward();
    let told = [
        (header::CONTENT_TYPE, HeaderValue::from_static(format.media_type())),
        (GENERATION, screening.world().generation.into()),
    ];
    tokio::spawn(pump.run());
    tokio::task::spawn_blocking(move || {
        let _place = place;
        let judge = |number: &str| screening.judge(backend.usage(), number);
        let screened = backend.modestly(|| screen(&format, reader, writer, judge).and_then(pipe::PipeWriter::finish));
        if let Err(error) = screened {
            tracing::debug!(%error, "a screening ended early");
        }
    });
    Ok((told, Extension(StillRead), answer).into_response())
}

/// What the body is, and what the answer will be.
fn format(headers: &HeaderMap, number: Option<String>) -> Result<Format, Problem> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match (media_type.as_str(), number) {
        ("text/csv", number) => Ok(Format::Csv { number: number.map(|text| column("number", text)).transpose()? }),
        ("application/x-ndjson" | "application/ndjson" | "application/jsonl", None) => Ok(Format::NdJson),
        ("application/x-ndjson" | "application/ndjson" | "application/jsonl", Some(_)) => {
            Err(Problem::unprocessable("number: names a column of text/csv, and NDJSON has none"))
        }
        _ => {
            let detail = "expected Content-Type: text/csv, or application/x-ndjson with a {\"number\": \"…\"} a line";
            Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail))
        }
    }
}
