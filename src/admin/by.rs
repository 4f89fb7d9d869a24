//! Who changes something and why.

use std::sync::Arc;

use axum::http::StatusCode;
use serde::Deserialize;

use super::By;
use super::guard::Actor;
use super::problem::Problem;

/// `?reason=`, where nothing else is asked.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReasonQuery {
    pub(super) reason: Option<String>,
}

/// A body that has a reason at most.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReasonBody {
    pub(super) reason: Option<String>,
}

/// The reason may stand in the query or in the body, not in both.
pub(super) fn by(Actor(actor): Actor, query: Option<String>, body: Option<String>) -> Result<By, Problem> {
    let reason = match (query, body) {
        (Some(_), Some(_)) => {
            return Err(Problem::unprocessable("reason: expected in the query or in the body, not in both"));
        }
        (reason, None) | (None, reason) => reason,
    };
    let reason = reason.map(|reason| checked(&reason)).transpose()?.flatten();
    Ok(By { actor, reason })
}

/// An empty one says nothing.
fn checked(reason: &str) -> Result<Option<Arc<str>>, Problem> {
    let reason = reason.trim();
    if reason.len() > MAX_REASON {
        return Err(Problem::unprocessable(format!("reason: expected at most {MAX_REASON} bytes")));
    }
    if let Some(control) = reason.chars().find(|char| char.is_control()) {
        let code = u32::from(control);
        return Err(Problem::unprocessable(format!("reason: control character {code:#04x}: expected a line of text")));
    }
    Ok((!reason.is_empty()).then(|| reason.into()))
}

/// A mistake in a query is one of form.
impl From<axum::extract::rejection::QueryRejection> for Problem {
    fn from(rejection: axum::extract::rejection::QueryRejection) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, rejection.body_text())
    }
}

/// A sentence or two and a ticket; the trail keeps each for ever.
const MAX_REASON: usize = 500;
