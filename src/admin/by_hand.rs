//! What is set by hand: trunks and rules.

use axum::http::StatusCode;

use super::lists::refused;
use super::problem::Problem;
use super::{Backend, By, ListFailure};
use crate::screen::Setting;

/// Sets it; the generation.
pub(super) async fn set<B: Backend>(backend: &B, by: By, setting: Setting) -> Result<u64, Problem> {
    let (kind, name) = match &setting {
        Setting::Trunk { name, .. } => ("trunk", name.clone()),
        Setting::Rule { name, .. } => ("rule", name.clone()),
    };
    backend.set(by, setting).await.map_err(|failure| match failure {
        ListFailure::Unknown => unknown(kind, &name),
        failure => refused(failure, &name),
    })
}

/// There is none of that name.
pub(super) fn unknown(kind: &str, name: &str) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("there is no {kind} \"{name}\""))
}
