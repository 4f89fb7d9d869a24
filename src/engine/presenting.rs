//! The number that a call shows: entered when the call goes on, asked about again before it goes anywhere else, and judged by
//! what next hops answer.
//!
//! It is chosen by [`decide`](crate::screen::decide), which reads how often numbers were shown and never writes it. So two
//! shards may choose the last showing of one number: it is entered in one step, and who comes second chooses again.

use std::sync::Arc;

use super::call::CallPlan;
use super::proxy::{Open, Plan, ProxyId};
use super::shard::Engine;
use crate::number::Number;
use crate::redact::Redacted;
use crate::screen::{Answer, AnswerKind, Directions, Otherwise, Policy, PoolView, Presented, RouteId, World};
use crate::sip::{Method, Response, phrase};
use crate::time::Now;
use crate::transaction::ClientId;
use crate::usage::{RestRule, Showing};

/// A call whose pool has no number for it: it is answered 403.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EmptyPool;

impl EmptyPool {
    pub(super) const STATUS: u16 = 403;
}

/// How often a number is chosen that another shard takes meanwhile, before there is none.
const MOST_CHOICES: usize = 8;

impl Engine {
    /// Enters the showing of a call that is to go on.
    pub(super) fn show(
        &self,
        now: Now,
        world: &World,
        route: Option<RouteId>,
        presented: Presented,
        method: Method,
    ) -> Result<Shows, EmptyPool> {
        let view = route.and_then(|route| PoolView::new(world, &self.usage, route, now.wall));
        let Some(view) = view.filter(|_| is_shown_by(method)) else { return Ok(Shows::uncounted(presented)) };
        if let Ok(showing) = view.enter(presented.number) {
            return Ok(Shows { presented: Some(presented), showing });
        }
        choose_again(&view, presented, method)
    }

    /// Enters the showing of a call that a switch is told to send on: as far as we know, it does.
    pub(super) fn show_to_switch(&self, now: Now, world: &World, answer: Answer, method: Method) -> Answer {
        let (Some(presented), Some(directions)) = (answer.presented(), &answer.directions) else { return answer };
        match self.show(now, world, answer.route, presented, method) {
            Ok(Shows { presented, showing }) => {
                if let Some(showing) = showing {
                    showing.stand();
                }
                let directions = Directions { presented, ..Directions::clone(directions) };
                Answer { directions: Some(Box::new(directions)), ..answer }
            }
            Err(EmptyPool) => {
                let (status, route) = (EmptyPool::STATUS, answer.route);
                Answer { route, ..Answer::new(status, phrase(status), AnswerKind::EmptyPool) }
            }
        }
    }

    /// Asks again about the number of a call that is not sent to its first target at once: meanwhile a list may hold it, and
    /// the pool may have lost it. What was sent stays entered: the number has been shown.
    pub(super) fn show_again(&self, now: Now, world: &World, id: ProxyId, open: &mut Open) -> Result<(), EmptyPool> {
        let proxy = &self.proxies[id.0];
        let Plan::Call(plan) = &mut open.plan else { return Ok(()) };
        let Some(presented) = plan.presented() else { return Ok(()) };
        if proxy.branches.is_empty() && open.came_at == now.mono {
            return Ok(());
        }
        let next = self.present_again(now, world, plan, presented, proxy.method)?;
        if next.presented != Some(presented) {
            if let Some(record) = &mut open.record {
                record.presented = next.presented.map(|presented| presented.number);
            }
            plan.present_instead(next);
        }
        Ok(())
    }

    /// Goes by the route of the same name in force now: an operator who has changed its pool, its lists or its limits means
    /// all calls. Where there is none, nothing allows any number any more.
    fn present_again(
        &self,
        now: Now,
        world: &World,
        plan: &CallPlan,
        presented: Presented,
        method: Method,
    ) -> Result<Shows, EmptyPool> {
        let Some((policy, judged)) = plan.route() else { return Ok(Shows::uncounted(presented)) };
        let route = if Arc::ptr_eq(policy, &world.policy) {
            Some(judged)
        } else {
            world.policy.route_named(&policy.route(judged).name)
        };
        let Some(route) = route else { return without_number(policy, judged) };
        // A route that presents nothing any more leaves calls their own numbers.
        let Some(view) = PoolView::new(world, &self.usage, route, now.wall) else { return Ok(Shows::OWN) };
        if view.may_stay(presented.number) {
            return Ok(Shows::uncounted(presented));
        }
        choose_again(&view, presented, method)
    }

    /// A next hop has refused a call: perhaps for the number that it shows.
    pub(super) fn note_refusal(&self, now: Now, id: ProxyId, client: ClientId, response: &Response) {
        if !is_refusal_of_number(response) {
            return;
        }
        let Some(Resting { number, rule, route }) = self.resting(id, client) else { return };
        if self.usage.showings.refused(number, &rule, now.wall) {
            let number = Redacted(number);
            tracing::warn!(%number, "a number that route \"{route}\" presents rests: networks have refused it");
        }
    }

    /// A call was answered: the number that it shows is refused no more.
    pub(super) fn note_answer(&self, id: ProxyId, client: ClientId) {
        if let Some(Resting { number, .. }) = self.resting(id, client) {
            self.usage.showings.answered(number);
        }
    }

    /// What there is to know of a branch whose number may come to rest: one that was given up may have shown another number
    /// than the call shows now.
    fn resting(&self, id: ProxyId, client: ClientId) -> Option<Resting<'_>> {
        let proxy = self.proxies.get(id.0).filter(|proxy| is_shown_by(proxy.method))?;
        let Plan::Call(plan) = &proxy.open.as_deref()?.plan else { return None };
        let (policy, route) = plan.route()?;
        let route = policy.route(route);
        let branch = proxy.branches.iter().find(|branch| branch.client == client)?;
        Some(Resting { number: branch.presented?, rule: route.present.as_ref()?.limits.rest?, route: &route.name })
    }
}

/// What number a call shows from now on.
#[derive(Debug)]
pub(super) struct Shows {
    /// `None`: its own.
    pub presented: Option<Presented>,
    /// That it was entered now.
    pub showing: Option<Showing>,
}

impl Shows {
    const OWN: Shows = Shows { presented: None, showing: None };

    fn uncounted(presented: Presented) -> Shows {
        Shows { presented: Some(presented), showing: None }
    }
}

/// The number of a branch that may come to rest, by which rule, of which route.
struct Resting<'e> {
    number: Number,
    rule: RestRule,
    route: &'e str,
}

fn choose_again(view: &PoolView<'_>, presented: Presented, method: Method) -> Result<Shows, EmptyPool> {
    for _ in 0..MOST_CHOICES {
        let Some(number) = view.choose(&presented.occasion) else { break };
        let next = Presented { number, ..presented };
        if !is_shown_by(method) {
            return Ok(Shows::uncounted(next));
        }
        if let Ok(showing) = view.enter(number) {
            return Ok(Shows { presented: Some(next), showing });
        }
    }
    otherwise(view.present.otherwise)
}

/// What its route says of a call that no number is left for.
fn without_number(policy: &Policy, route: RouteId) -> Result<Shows, EmptyPool> {
    otherwise(policy.route(route).present.as_ref().map(|present| present.otherwise).unwrap_or_default())
}

fn otherwise(otherwise: Otherwise) -> Result<Shows, EmptyPool> {
    match otherwise {
        Otherwise::Keep => Ok(Shows::OWN),
        Otherwise::Refuse => Err(EmptyPool),
    }
}

/// Whether somebody sees the number: an OPTIONS or SUBSCRIBE shows it to a machine.
fn is_shown_by(method: Method) -> bool {
    matches!(method, Method::Invite | Method::Message)
}

/// Answers by which networks say that nobody wants to hear from the number: RFC 8197, RFC 8688, ATIS-1000099.
fn is_refusal_of_number(response: &Response) -> bool {
    match response.status() {
        607 | 608 => true,
        603 => response.phrase().eq_ignore_ascii_case(NETWORK_BLOCKED),
        _ => false,
    }
}

/// A plain 603 is a person who declines.
const NETWORK_BLOCKED: &[u8] = b"Network Blocked";
