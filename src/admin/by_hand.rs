//! What is set by hand: trunks and rules.

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
        ListFailure::Unknown => Problem::unknown(kind, &name),
        failure => refused(failure, &name),
    })
}
