//! `/v1/lists/{list}/import`: a list file that is added to a list.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Extension, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};

use super::bulk::Bulk;
use super::by::by;
use super::entry::EntryBody;
use super::guard::Actor;
use super::problem::Problem;
use super::report::ReportBody;
use super::{Backend, ImportFailure, ImportRequest, Imported, pipe};
use crate::lists::{
    Column, Columns, DateFormat, Delimiter, Encoding, FileError, FileOptions, Format, OnError, OnErrorWord,
    OptionError, TextError,
};
use crate::number::DialPlan;

/// How the file is to be read: the options of a `[[list]]` table, and what is done with it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ImportQuery {
    number: Option<String>,
    date: Option<String>,
    description: Option<String>,
    expires: Option<String>,
    delimiter: Option<String>,
    encoding: Option<String>,
    date_format: Option<String>,
    #[serde(default)]
    format: Format,
    #[serde(default)]
    on_error: OnErrorWord,
    skip_limit: Option<u64>,
    #[serde(default)]
    dry_run: bool,
    reason: Option<String>,
}

/// What became of the rows: those accepted are the ones that were added, changed or removed an entry each.
#[derive(Serialize)]
pub(super) struct ImportAnswer {
    generation: Option<u64>,
    dry_run: bool,
    rows: u64,
    accepted: u64,
    added: u64,
    changed: u64,
    removed: u64,
    duplicates: u64,
    #[serde(flatten)]
    report: ReportBody,
    guessed: u64,
    not_utf8: u64,
    header: bool,
    digest: Option<String>,
    /// The first entries as they were understood, when nothing is done yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    head: Option<Vec<EntryBody>>,
}

pub(super) async fn import<B: Backend>(
    State(backend): State<Arc<B>>,
    Extension(actor): Extension<Actor>,
    Extension(bulk): Extension<Bulk>,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<ImportQuery>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<ImportAnswer>, Problem> {
    let (Path(name), Query(mut query)) = (path?, query?);
    let by = by(actor, query.reason.take(), None)?;
    if backend.world().lists.get(&name).is_none() {
        return Err(Problem::unknown_list(&name));
    }
    refuse_form(&headers)?;
    let dry_run = query.dry_run;
    let plan = plan(&*backend, &name, query.format);
    let options = options(query, plan)?;
    let request = ImportRequest { by, list: name.as_str().into(), options, dry_run };
    let place = bulk.place().await?;
    let (pump, reader) = pipe::inward(body);
    let work = {
        let backend = Arc::clone(&backend);
        tokio::task::spawn_blocking(move || {
            // Also when the client has gone: what it sent is in memory until then.
            let _place = place;
            backend.import(request, Box::new(reader))
        })
    };
    let (pumped, imported) = tokio::join!(pump.run(), work);
    let imported = match imported.map_err(|_| Problem::broken("the import"))? {
        Ok(imported) => imported,
        // What came of the body is all that the reader could know.
        Err(failure) => return Err(pumped.err().unwrap_or_else(|| refused(failure, &name))),
    };
    Ok(Json(answer(imported, dry_run, &plan)))
}

fn answer(imported: Imported, dry_run: bool, plan: &DialPlan) -> ImportAnswer {
    let Imported { rows, added, changed, removed, duplicates, guessed, not_utf8, header, .. } = imported;
    let head = imported.head.into_iter().map(|(entry, details)| EntryBody::new(&entry, details, plan));
    ImportAnswer {
        generation: imported.generation,
        dry_run,
        rows,
        accepted: added + changed + removed,
        added,
        changed,
        removed,
        duplicates,
        report: imported.rejected.into(),
        guessed,
        not_utf8,
        header,
        digest: imported.digest.map(|digest| digest.to_string()),
        head: dry_run.then(|| head.collect()),
    }
}

/// Digits of a registry's file are those of its country, whatever the list's own plan; a list that is made of such files
/// may say otherwise.
fn plan<B: Backend>(backend: &B, list: &str, format: Format) -> DialPlan {
    let own = backend.dial_plan(Some(list));
    match format.plan() {
        Some(plan) if backend.list_status(list).format != Some(format) => {
            DialPlan { min_prefix: own.min_prefix, ..plan }
        }
        _ => own,
    }
}

fn options(query: ImportQuery, plan: DialPlan) -> Result<FileOptions, Problem> {
    let format = query.format;
    let of_columns = [
        ("number", query.number.is_some()),
        ("date", query.date.is_some()),
        ("description", query.description.is_some()),
        ("expires", query.expires.is_some()),
        ("delimiter", query.delimiter.is_some()),
        ("encoding", query.encoding.is_some()),
        ("date_format", query.date_format.is_some()),
    ];
    if let Some((key, _)) = of_columns.into_iter().find(|(_, given)| *given && !format.has_columns()) {
        return Err(Problem::unprocessable(OptionError::NotInFormat { key, format }.to_string()));
    }
    let on_error = match (query.on_error, query.skip_limit) {
        (OnErrorWord::Fail, Some(_)) => return Err(Problem::unprocessable(OptionError::NothingSkipped.to_string())),
        (OnErrorWord::Fail, None) => OnError::Fail,
        (OnErrorWord::Skip, limit) => OnError::Skip { limit: limit.unwrap_or(OnError::DEFAULT_LIMIT) },
    };
    let columns = Columns {
        number: query.number.map(|text| column("number", text)).transpose()?,
        date: query.date.map(|text| column("date", text)).transpose()?,
        description: query.description.map(|text| column("description", text)).transpose()?,
        expires: query.expires.map(|text| column("expires", text)).transpose()?,
    };
    Ok(FileOptions {
        format,
        columns,
        delimiter: query.delimiter.map(|text| checked("delimiter", Delimiter::new(&text))).transpose()?,
        encoding: query.encoding.map(|text| checked("encoding", Encoding::new(&text))).transpose()?,
        date_format: query.date_format.map(|text| checked("date_format", DateFormat::new(&text))).transpose()?,
        on_error,
        plan,
    })
}

/// A place from 1, or a name of the header row.
pub(super) fn column(key: &str, text: String) -> Result<Column, Problem> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(Column::Name(text.into()));
    }
    let place = text.parse().map(Column::Position);
    place.map_err(|_| Problem::unprocessable(format!("{key}={text}: expected a column from 1 to 65535, or its name")))
}

fn checked<T>(key: &str, option: Result<T, TextError>) -> Result<T, Problem> {
    option.map_err(|error| Problem::unprocessable(format!("{key}: {error}")))
}

/// The parts of a form would be read as rows.
fn refuse_form(headers: &HeaderMap) -> Result<(), Problem> {
    let kind = headers.get(header::CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
    if kind.get(..FORM.len()).is_some_and(|head| head.eq_ignore_ascii_case(FORM)) {
        let detail = "expected the file itself as the body, not a form: curl --data-binary @FILE or -T FILE";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    Ok(())
}

fn refused(failure: ImportFailure, list: &str) -> Problem {
    match failure {
        ImportFailure::UnknownList => Problem::unknown_list(list),
        ImportFailure::Unfit(why) => Problem::unprocessable(format!("{why}; nothing was changed")),
        ImportFailure::Storage(failure) => failure.into(),
        ImportFailure::File(error) => {
            let what = match &error {
                FileError::Rows(report) if report.total == 1 => "1 row is wrong".to_owned(),
                FileError::Rows(report) => format!("{} rows are wrong", report.total),
                FileError::TooManySkipped { limit, report } => {
                    format!("{} rows are wrong, but at most {limit} may be skipped", report.total)
                }
                FileError::Empty => "the file is empty: expected a header or an entry".to_owned(),
                _ => error.to_string(),
            };
            let problem = Problem::unprocessable(format!("{what}; nothing was changed"));
            match error {
                FileError::Rows(report) | FileError::TooManySkipped { report, .. } => {
                    ReportBody::from(report).told_in(problem)
                }
                _ => problem,
            }
        }
    }
}

const FORM: &[u8] = b"multipart/";
