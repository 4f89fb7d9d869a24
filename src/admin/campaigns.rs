//! `/v1/campaigns`: what became of the calls of each campaign, and the numbers that it is to call no more.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Extension, Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::by::{ReasonQuery, by};
use super::entry::{Said, one_number, party};
use super::guard::Actor;
use super::problem::Problem;
use super::{Backend, body, entries};
use crate::counters::{CampaignTotals, GROUNDS};
use crate::lists::ListId;
use crate::number::Party;
use crate::screen::{CampaignRule, Ground, Mode, World};

#[derive(Serialize)]
pub(super) struct AllCampaigns {
    generation: u64,
    campaigns: Vec<CampaignBody>,
}

#[derive(Serialize)]
pub(super) struct OneCampaign {
    generation: u64,
    #[serde(flatten)]
    campaign: CampaignBody,
}

/// Counts are of the time since the start.
#[derive(Serialize)]
struct CampaignBody {
    name: Arc<str>,
    mode: Mode,
    lists: Vec<Arc<str>>,
    only: Option<Vec<Arc<str>>>,
    /// Whether it has calling hours.
    hours: bool,
    attempts: Option<String>,
    block_into: Option<Arc<str>>,
    judged: u64,
    /// By this campaign: rules below, a trunk or the callee may have refused them.
    passed: u64,
    refused: u64,
    grounds: BTreeMap<&'static str, u64>,
    by_list: BTreeMap<Arc<str>, u64>,
    /// What it would have refused, had it not only observed.
    observed: BTreeMap<&'static str, u64>,
    /// Final answers to the calls that went on, by code.
    answers: BTreeMap<u16, u64>,
}

pub(super) async fn all<B: Backend>(State(backend): State<Arc<B>>) -> Json<AllCampaigns> {
    let world = backend.world();
    let mut totals = CampaignTotals::of(backend.engines());
    let body = |campaign: CampaignRule<'_>| {
        CampaignBody::new(&world, campaign, totals.remove(campaign.name()).unwrap_or_default())
    };
    let campaigns = world.policy.campaigns().map(body).collect();
    Json(AllCampaigns { generation: world.generation, campaigns })
}

pub(super) async fn one<B: Backend>(
    State(backend): State<Arc<B>>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<OneCampaign>, Problem> {
    let (Path(name), world) = (path?, backend.world());
    let campaign = world.policy.campaign_named(&name).ok_or_else(|| Problem::unknown("campaign", &name))?;
    let totals = CampaignTotals::of(backend.engines()).remove(campaign.name()).unwrap_or_default();
    let body = CampaignBody::new(&world, campaign, totals);
    Ok(Json(OneCampaign { generation: world.generation, campaign: body }))
}

/// What may be said of a number that is blocked.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct BlockBody {
    description: Option<String>,
    expires: Option<String>,
    reason: Option<String>,
}

/// Puts a number on the list that the campaign blocks into: from the next INVITE on it is not called.
pub(super) async fn block<B: Backend>(
    State(backend): State<Arc<B>>,
    Extension(actor): Extension<Actor>,
    path: Result<Path<(String, String)>, PathRejection>,
    query: Result<Query<ReasonQuery>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let BlockBody { description, expires, reason } = body::json(body).await?.unwrap_or_default();
    let (Path((name, number)), Query(query)) = (path?, query?);
    let world = backend.world();
    let campaign = world.policy.campaign_named(&name).ok_or_else(|| Problem::unknown("campaign", &name))?;
    let into = campaign.block_into().ok_or_else(|| {
        Problem::conflict(format!("the campaign \"{name}\" has no block_into: no list is there to block numbers by"))
    })?;
    let list = world.lists[into].name();
    let entry = one_number(&number, &backend.dial_plan(Some(list)))?;
    if matches!(party(&entry), Some(Party::Anonymous | Party::Unavailable)) {
        return Err(Problem::unprocessable(format!("nobody calls \"{number}\": expected a number")));
    }
    let by = by(actor, query.reason, reason)?;
    let said = Said { date: None, description, expires };
    entries::put_entry(&*backend, by, list.to_string(), entry, said, &headers).await
}

impl CampaignBody {
    fn new(world: &World, campaign: CampaignRule<'_>, totals: CampaignTotals) -> CampaignBody {
        let names = |lists: &[ListId]| lists.iter().map(|&list| world.lists[list].name().clone()).collect();
        CampaignBody {
            name: campaign.name().clone(),
            mode: world.mode(campaign.rule()),
            lists: names(campaign.lists()),
            only: campaign.only().map(names),
            hours: campaign.has_hours(),
            attempts: campaign.attempts().map(|limit| limit.to_string()),
            block_into: campaign.block_into().map(|list| world.lists[list].name().clone()),
            judged: totals.judged,
            passed: totals.passed(),
            refused: totals.refused,
            grounds: by_ground(totals.grounds),
            by_list: totals.by_list,
            observed: by_ground(totals.observed),
            answers: totals.answers,
        }
    }
}

fn by_ground(counts: [u64; GROUNDS]) -> BTreeMap<&'static str, u64> {
    Ground::ALL.iter().map(|ground| ground.as_str()).zip(counts).collect()
}
