//! `/v1/rules`: the inbound and campaign rules, what they have matched, and who changes their modes.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::by::{ReasonBody, ReasonQuery, by};
use super::guard::Actor;
use super::problem::Problem;
use super::{Backend, By, RuleCalls, body, by_hand};
use crate::lists::ListId;
use crate::screen::{ActionWord, Mode, RuleId, Setting, World};

#[derive(Serialize)]
pub(super) struct AllRules {
    generation: u64,
    rules: Vec<RuleBody>,
    /// Modes by hand of rules that the config does not have: they would come into force with a rule of that name.
    without_rule: BTreeMap<Arc<str>, Mode>,
}

/// What is left of a rule that the config does not have, once its mode by hand is taken back.
#[derive(Serialize)]
struct GoneRule {
    generation: u64,
    name: Arc<str>,
    mode: Option<Mode>,
}

#[derive(Serialize)]
pub(super) struct OneRule {
    generation: u64,
    #[serde(flatten)]
    rule: RuleBody,
}

#[derive(Serialize)]
struct RuleBody {
    name: Arc<str>,
    kind: &'static str,
    /// In force.
    mode: Mode,
    /// Of the config.
    configured: Mode,
    /// Whether the mode in force was set by hand; it may be that of the config.
    by_hand: bool,
    action: ActionWord,
    lists: Vec<Arc<str>>,
    except: Vec<Arc<str>>,
    /// Since the start.
    calls: RuleCalls,
}

pub(super) async fn all<B: Backend>(State(backend): State<Arc<B>>) -> Json<AllRules> {
    let (world, mut calls) = (backend.world(), backend.rule_calls());
    let rules = world.policy.rules().map(|(id, rule)| {
        let calls = calls.remove(&rule.name).unwrap_or_default();
        RuleBody::new(&world, id, calls)
    });
    let by_hand = world.by_hand().modes.iter().filter(|(name, _)| world.policy.rule_named(name).is_none());
    let without_rule = by_hand.map(|(name, mode)| (name.clone(), *mode)).collect();
    Json(AllRules { generation: world.generation, rules: rules.collect(), without_rule })
}

pub(super) async fn one<B: Backend>(
    State(backend): State<Arc<B>>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<OneRule>, Problem> {
    let Path(name) = path?;
    shown(&*backend, &name, None)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModeBody {
    /// `null`: that of the config. It must be there, so that an empty object changes nothing.
    #[serde(deserialize_with = "Option::deserialize")]
    mode: Option<Mode>,
    reason: Option<String>,
}

/// `PUT /v1/rules/{rule}/mode`: gives a rule another mode, or with `null` that of the config.
pub(super) async fn set<B: Backend>(
    State(backend): State<Arc<B>>,
    Extension(actor): Extension<Actor>,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<ReasonQuery>, QueryRejection>,
    body: Body,
) -> Result<Response, Problem> {
    let (Path(name), Query(query)) = (path?, query?);
    let expected = "expected {\"mode\": \"enforce\", \"observe\", \"off\" or null}";
    let ModeBody { mode, reason } =
        body::json::<ModeBody>(body).await?.ok_or_else(|| Problem::new(StatusCode::BAD_REQUEST, expected))?;
    change(&*backend, by(actor, query.reason, reason)?, &name, mode).await
}

/// `DELETE /v1/rules/{rule}/mode`: gives a rule the mode of the config again.
pub(super) async fn reset<B: Backend>(
    State(backend): State<Arc<B>>,
    Extension(actor): Extension<Actor>,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<ReasonQuery>, QueryRejection>,
    body: Body,
) -> Result<Response, Problem> {
    let (Path(name), Query(query)) = (path?, query?);
    let ReasonBody { reason } = body::json(body).await?.unwrap_or_default();
    change(&*backend, by(actor, query.reason, reason)?, &name, None).await
}

async fn change<B: Backend>(backend: &B, by: By, name: &str, mode: Option<Mode>) -> Result<Response, Problem> {
    let generation = by_hand::set(backend, by, Setting::Rule { name: name.into(), mode }).await?;
    if backend.world().policy.rule_named(name).is_none() {
        return Ok(Json(GoneRule { generation, name: name.into(), mode: None }).into_response());
    }
    Ok(shown(backend, name, Some(generation))?.into_response())
}

/// `generation`: that of the change that was asked for; else that of the world.
fn shown<B: Backend>(backend: &B, name: &str, generation: Option<u64>) -> Result<Json<OneRule>, Problem> {
    let world = backend.world();
    let id = world.policy.rule_named(name).ok_or_else(|| Problem::unknown("rule", name))?;
    let calls = backend.rule_calls().remove(name).unwrap_or_default();
    let rule = RuleBody::new(&world, id, calls);
    Ok(Json(OneRule { generation: generation.unwrap_or(world.generation), rule }))
}

impl RuleBody {
    fn new(world: &World, id: RuleId, calls: RuleCalls) -> RuleBody {
        let rule = world.policy.rule(id);
        let names = |lists: &[ListId]| lists.iter().map(|&list| world.lists[list].name().clone()).collect();
        RuleBody {
            name: rule.name.clone(),
            kind: id.stage.as_str(),
            mode: world.mode(id),
            configured: rule.mode,
            by_hand: world.mode_by_hand(id).is_some(),
            action: rule.action.word(),
            lists: names(&rule.lists),
            except: names(&rule.except),
            calls,
        }
    }
}
