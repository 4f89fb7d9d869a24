//! `/v1/pools`: the numbers that routes present, which of them may be shown, and why the others may not.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::Backend;
use super::entry::one_number;
use super::guard::Actor;
use super::problem::Problem;
use crate::lists::{Entry, ListId};
use crate::number::Number;
use crate::redact::Redacted;
use crate::screen::{PoolTally, PoolView, RouteId, World};
use crate::usage::Shown;

#[derive(Serialize)]
pub(super) struct AllPools {
    generation: u64,
    pools: Vec<PoolBody>,
}

#[derive(Serialize)]
struct PoolBody {
    list: Arc<str>,
    /// How many numbers it has; at most the first million are looked at for the counts below.
    numbers: u64,
    routes: Vec<RouteBody>,
}

/// The pool as a route sees it: each has its own lists to exclude, and its own limits.
#[derive(Serialize)]
struct RouteBody {
    route: Arc<str>,
    #[serde(flatten)]
    tally: PoolTally,
}

/// `GET /v1/pools`.
pub(super) async fn all<B: Backend>(State(backend): State<Arc<B>>) -> Result<Json<AllPools>, Problem> {
    // Each number of each pool is looked at.
    let look = tokio::task::spawn_blocking(move || {
        let (world, now) = (backend.world(), backend.now());
        let pools = world.pools().map(|(list, routes)| {
            let views = routes.filter_map(|route| Some((route, PoolView::new(&world, backend.usage(), route, now)?)));
            let views: Vec<_> = views.collect();
            PoolBody {
                list: world.lists[list].name().clone(),
                numbers: views.first().map_or(0, |(_, view)| view.pool().count()),
                routes: views
                    .iter()
                    .map(|(route, view)| RouteBody { route: name_of(&world, *route), tally: view.tally() })
                    .collect(),
            }
        });
        AllPools { generation: world.generation, pools: pools.collect() }
    });
    look.await.map(Json).map_err(|_| Problem::broken("the look at the pools"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageQuery {
    /// As which route sees it; the first that presents from the pool when omitted.
    route: Option<String>,
    after: Option<String>,
    limit: Option<usize>,
}

#[derive(Serialize)]
pub(super) struct NumberPage {
    generation: u64,
    list: Arc<str>,
    route: Arc<str>,
    numbers: Vec<NumberBody>,
    /// What to give as `after` for the next page; `null` on the last one.
    next: Option<String>,
}

#[derive(Serialize)]
struct NumberBody {
    number: String,
    state: &'static str,
    why: String,
    shown_last_hour: u32,
    shown_last_day: u32,
    /// When; `null` when it is not known, as after a start or a day without a showing.
    last_shown: Option<String>,
    refused_in_a_row: u16,
    rests_until: Option<String>,
}

/// `GET /v1/pools/{list}`.
pub(super) async fn page<B: Backend>(
    State(backend): State<Arc<B>>,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<NumberPage>, Problem> {
    let (Path(name), Query(query)) = (path?, query?);
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem::unprocessable(format!("limit={limit}: expected 1 to {MAX_LIMIT}")));
    }
    let (world, now) = (backend.world(), backend.now());
    let (_, route) = find(&world, &name, query.route.as_deref())?;
    let view = PoolView::new(&world, backend.usage(), route, now).ok_or_else(|| unknown(&name))?;
    let after = query.after.map(|text| number_of(&*backend, &name, &text)).transpose()?;
    let mut rest = view.pool().after(after);
    let numbers: Vec<Number> = rest.by_ref().take(limit).collect();
    let next = rest.next().and(numbers.last()).map(Number::to_string);
    let numbers = numbers.into_iter().map(|number| {
        let Shown { last_hour, last_day, last, refusals, rests_until } = backend.usage().showings.shown(number, now);
        NumberBody {
            number: number.to_string(),
            state: view.state(number).as_str(),
            why: view.why(number),
            shown_last_hour: last_hour,
            shown_last_day: last_day,
            last_shown: last.map(|at| at.to_string()),
            refused_in_a_row: refusals,
            rests_until: rests_until.map(|at| at.to_string()),
        }
    });
    let (list, route) = (view.pool().list().name().clone(), name_of(&world, route));
    Ok(Json(NumberPage { generation: world.generation, list, route, numbers: numbers.collect(), next }))
}

/// `DELETE /v1/pools/{list}/rests/{number}`: the number may be shown again at once, by each route.
pub(super) async fn end_rest<B: Backend>(
    State(backend): State<Arc<B>>,
    Extension(Actor(actor)): Extension<Actor>,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let Path((list, text)) = path?;
    let world = backend.world();
    let (id, _) = find(&world, &list, None)?;
    let number = number_of(&*backend, &list, &text)?;
    if !world.is_in_pool(id, number) || !backend.usage().showings.end_rest(number, backend.now()) {
        return Err(Problem::new(StatusCode::NOT_FOUND, format!("no number {number} of the pool \"{list}\" rests")));
    }
    let number = Redacted(number);
    tracing::info!(%number, "{actor} has ended the rest of a number of the pool \"{list}\"");
    Ok(StatusCode::NO_CONTENT)
}

/// The pool of this list, and the route of this name that presents from it, or the first.
fn find(world: &World, list: &str, route: Option<&str>) -> Result<(ListId, RouteId), Problem> {
    let of_list = |(id, _): &(ListId, _)| **world.lists[*id].name() == *list;
    let (id, mut routes) = world.pools().find(of_list).ok_or_else(|| unknown(list))?;
    let found = match route {
        None => routes.next(),
        Some(wanted) => routes.find(|&route| *name_of(world, route) == *wanted),
    };
    let missing = || {
        let route = route.unwrap_or_default();
        Problem::new(StatusCode::NOT_FOUND, format!("no route \"{route}\" presents from the pool \"{list}\""))
    };
    found.map(|route| (id, route)).ok_or_else(missing)
}

/// A number as the pool's list spells it.
fn number_of(backend: &impl Backend, list: &str, text: &str) -> Result<Number, Problem> {
    match one_number(text, &backend.dial_plan(Some(list)))? {
        Entry::Number(number) => Ok(number),
        other => Err(Problem::unprocessable(format!("{other} is no number that a pool could hold"))),
    }
}

fn unknown(list: &str) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("no route presents from a list \"{list}\""))
}

fn name_of(world: &World, route: RouteId) -> Arc<str> {
    world.policy.route(route).name.clone()
}

/// What a screen shows.
const DEFAULT_LIMIT: usize = 100;

/// A page is written as a whole.
const MAX_LIMIT: usize = 1_000;
