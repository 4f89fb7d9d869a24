//! `/v1/explain`: what would become of a call.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use rand::TryRng;
use rand::rngs::SysRng;

use super::problem::Problem;
use super::{Backend, body};
use crate::reach::{Place, Reach};
use crate::screen::{Explanation, Outcome, Question, Step, Trunk};
use crate::sip::{NameAddr, Target, Values};

pub(super) async fn explain<B: Backend>(
    State(backend): State<Arc<B>>,
    body: Body,
) -> Result<Json<Explanation>, Problem> {
    let question = body::json::<Question>(body)
        .await?
        .map(with_identity_headers)
        .ok_or_else(|| Problem::new(StatusCode::BAD_REQUEST, "expected {\"from\": …, \"to\": …, \"trunk\": …}"))?;
    let draw = SysRng
        .try_next_u64()
        .map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the system gives no random bytes"))?;
    let world = backend.world();
    let mut explanation = question
        .explain(&world, backend.usage(), backend.now(), draw)
        .map_err(|error| Problem::unprocessable(error.to_string()))?;
    if let Outcome::Proceed(passage) = &explanation.verdict.outcome
        && !passage.emergency
    {
        let told = unreached(world.policy.trunk(passage.trunk), backend.reach());
        explanation.steps.extend(told.into_iter().map(|text| Step { text, decided: false }));
    }
    Ok(Json(explanation))
}

/// What keeps a call of this moment from targets that would have it: no part of the decision.
fn unreached(trunk: &Trunk, reach: &Reach) -> Vec<String> {
    let place = |target: &Target| Place { trunk: trunk.name.clone(), target: target.clone() };
    let down: Vec<&Target> = trunk.to.iter().filter(|target| reach.is_down(&place(target))).collect();
    if !down.is_empty() && down.len() == trunk.to.len() {
        return vec![format!("no target of trunk \"{}\" answers: the call is refused", trunk.name)];
    }
    down.into_iter().map(|target| format!("target {target} does not answer and is left out")).collect()
}

/// Headers that screening reads as identities may be asked about like any other: they go where they are looked for.
fn with_identity_headers(mut question: Question) -> Question {
    let headers = std::mem::take(&mut question.headers);
    for (name, value) in headers {
        match name.to_ascii_lowercase().as_str() {
            "p-asserted-identity" => question.asserted.extend(uris(&value)),
            "diversion" => question.diversions.extend(uris(&value)),
            "privacy" => {
                // RFC 3323 section 4.2 and RFC 3325 section 9.3.
                let mut tokens = value.split([';', ',']).map(str::trim);
                question.privacy |=
                    tokens.any(|token| ["id", "user", "header"].iter().any(|known| token.eq_ignore_ascii_case(known)));
            }
            _ => {
                question.headers.insert(name, value);
            }
        }
    }
    question
}

fn uris(value: &str) -> Vec<String> {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    Values::new(value.as_bytes()).filter_map(|value| Some(text(NameAddr::parse(value).ok()?.uri))).collect()
}
