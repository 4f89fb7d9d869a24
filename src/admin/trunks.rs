//! `/v1/trunks`: the neighbours, how many calls each has and may have, and which of its targets answer; and who closes them.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize, Serializer};

use super::by::{ReasonQuery, by};
use super::guard::Actor;
use super::problem::Problem;
use super::{Backend, body, by_hand};
use crate::reach::{Place, Probed, Reach};
use crate::screen::{LoadBalance, Setting, Trunk, TrunkId, TrunkState, World};
use crate::sip::Target;

#[derive(Serialize)]
pub(super) struct AllTrunks {
    generation: u64,
    trunks: Vec<TrunkBody>,
}

#[derive(Serialize)]
pub(super) struct OneTrunk {
    generation: u64,
    #[serde(flatten)]
    trunk: TrunkBody,
}

#[derive(Serialize)]
struct TrunkBody {
    name: Arc<str>,
    /// As it was set by hand.
    state: TrunkState,
    trusted: bool,
    to: Vec<String>,
    load_balance: LoadBalance,
    targets: Vec<TargetBody>,
    /// Calls that are up and came from it.
    calls_from: u64,
    /// Calls that are up and went to it.
    calls_to: u64,
    /// Calls that are being set up or up, either way.
    calls: u64,
    max_calls: Option<u32>,
    max_cps: Option<u32>,
    /// Of the calls that went to it since the start: the part that was answered, 0 to 1.
    asr: Option<f64>,
    /// How long those lasted that are over, in the mean.
    acd_seconds: Option<f64>,
    /// How long callers heard nothing, in the mean.
    pdd_ms: Option<f64>,
}

#[derive(Serialize)]
struct TargetBody {
    target: String,
    weight: u16,
    #[serde(flatten)]
    probed: Option<ProbedBody>,
    /// The addresses that a name leads to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hops: Vec<HopBody>,
}

#[derive(Serialize)]
struct HopBody {
    target: String,
    #[serde(flatten)]
    probed: Option<ProbedBody>,
}

/// Of a target that is probed.
#[derive(Serialize)]
struct ProbedBody {
    state: &'static str,
    /// `null`: since the start.
    since: Option<String>,
    /// The code that the last probe was answered with, or why it was not.
    last: Option<Last>,
    /// `null` while a probe is under way, and of a name.
    next: Option<String>,
}

struct Last(Result<u16, &'static str>);

impl Serialize for Last {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Ok(status) => serializer.serialize_u16(status),
            Err(why) => serializer.serialize_str(why),
        }
    }
}

pub(super) async fn all<B: Backend>(State(backend): State<Arc<B>>) -> Json<AllTrunks> {
    let world = backend.world();
    let ids = (0..).map(TrunkId).take(world.policy.trunks.len());
    let trunks = ids.map(|id| TrunkBody::new(&*backend, &world, id));
    Json(AllTrunks { generation: world.generation, trunks: trunks.collect() })
}

/// What is left of a trunk that the config does not have, once it is opened again.
#[derive(Serialize)]
struct GoneTrunk {
    generation: u64,
    name: String,
    state: TrunkState,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StateBody {
    state: TrunkState,
    reason: Option<String>,
}

/// `PUT /v1/trunks/{trunk}/state`: closes a trunk or opens it again.
pub(super) async fn set<B: Backend>(
    State(backend): State<Arc<B>>,
    Extension(actor): Extension<Actor>,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<ReasonQuery>, QueryRejection>,
    body: Body,
) -> Result<Response, Problem> {
    let (Path(name), Query(query)) = (path?, query?);
    let StateBody { state, reason } = body::json::<StateBody>(body)
        .await?
        .ok_or_else(|| Problem::new(StatusCode::BAD_REQUEST, "expected {\"state\": \"up\", \"drain\" or \"off\"}"))?;
    let by = by(actor, query.reason, reason)?;
    let generation = by_hand::set(&*backend, by, Setting::Trunk { name: name.as_str().into(), state }).await?;
    let world = backend.world();
    Ok(match world.policy.trunk_named(&name) {
        Some(id) => Json(OneTrunk { generation, trunk: TrunkBody::new(&*backend, &world, id) }).into_response(),
        None => Json(GoneTrunk { generation, name, state }).into_response(),
    })
}

impl TrunkBody {
    fn new<B: Backend>(backend: &B, world: &World, id: TrunkId) -> TrunkBody {
        let (trunk, usage, reach) = (world.policy.trunk(id), backend.usage(), backend.reach());
        let (calls, quality) = (usage.trunk_calls(&trunk.name), backend.call_quality(&trunk.name));
        let targets = trunk.to.iter().enumerate().map(|(at, target)| {
            let (probed, hops) = probed(reach, trunk, target).unzip();
            let hops = hops.into_iter().flatten().map(|hop| HopBody {
                target: hop.to_string(),
                probed: self::probed(reach, trunk, &hop).map(|(probed, _)| probed),
            });
            TargetBody { target: target.to_string(), weight: trunk.weight(at), probed, hops: hops.collect() }
        });
        TrunkBody {
            name: trunk.name.clone(),
            state: world.trunk_state(id),
            trusted: trunk.trusted,
            to: trunk.to.iter().map(ToString::to_string).collect(),
            load_balance: trunk.load_balance,
            targets: targets.collect(),
            calls_from: calls.from,
            calls_to: calls.to,
            calls: usage.load(&trunk.name).seats(),
            max_calls: trunk.limits.max_calls,
            max_cps: trunk.limits.max_cps,
            asr: quality.answer_ratio().map(rounded),
            acd_seconds: quality.mean_duration().map(rounded),
            pdd_ms: quality.mean_delay().map(|seconds| rounded(seconds * 1_000.0)),
        }
    }
}

/// Nobody needs more than three digits of a mean.
fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

/// What is known of a place, and where else it leads to.
fn probed(reach: &Reach, trunk: &Trunk, target: &Target) -> Option<(ProbedBody, Vec<Target>)> {
    let standing = reach.find(&Place { trunk: trunk.name.clone(), target: target.clone() })?;
    let Probed { since, last, next, hops } = standing.told();
    let [since, next] = [since, next].map(|at| at.map(|at| at.to_string()));
    Some((ProbedBody { state: standing.state().as_str(), since, last: last.map(Last), next }, hops))
}
