//! Errors as RFC 9457 says.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};

use super::StorageFailure;

/// An error answer. Its `type` is `about:blank`, so that the title is the status's phrase (RFC 9457 section 4.2.1).
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Problem {
    status: StatusCode,
    detail: String,
    members: Map<String, Value>,
}

impl Problem {
    /// An error with this explanation.
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Problem {
        Problem { status, detail: detail.into(), members: Map::new() }
    }

    /// Adds a member of our own.
    pub(super) fn with(mut self, name: &str, value: impl Serialize) -> Problem {
        let value = serde_json::to_value(value).expect("our own values have texts as keys");
        self.members.insert(name.to_owned(), value);
        self
    }

    /// There is none of that name.
    pub(super) fn unknown(kind: &str, name: &str) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, format!("there is no {kind} \"{name}\""))
    }

    pub(super) fn unknown_list(name: &str) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, format!("no list is named \"{name}\""))
    }

    pub(super) fn conflict(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::CONFLICT, detail)
    }

    /// Work on a thread of its own that did not end as it should.
    pub(super) fn broken(what: &str) -> Problem {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, format!("{what} failed"))
    }

    pub(super) fn unprocessable(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }
}

impl From<StorageFailure> for Problem {
    fn from(failure: StorageFailure) -> Problem {
        let status = match failure {
            StorageFailure::Full(_) => StatusCode::INSUFFICIENT_STORAGE,
            StorageFailure::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        Problem::new(status, failure.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut members = self.members;
        members.insert("title".into(), self.status.canonical_reason().unwrap_or("Error").into());
        members.insert("status".into(), self.status.as_u16().into());
        members.insert("detail".into(), self.detail.into());
        let mut response = (self.status, Value::Object(members).to_string()).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response
    }
}
