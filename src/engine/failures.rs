//! Targets that do not answer a request as it would have it: the next one is tried, or the best failure passed on (RFC 3261
//! section 16.7 items 5 to 7).

use bytes::Bytes;

use super::forward::{challenges, with_challenges};
use super::hash::stateless_tag;
use super::proxy::{Plan, ProxyId};
use super::shard::Engine;
use crate::counters::By;
use crate::screen::World;
use crate::sip::reply::{Reply, reply};
use crate::sip::{Method, Response, phrase};
use crate::time::Now;
use crate::transaction::ClientId;

/// The best final response so far.
#[derive(Debug)]
pub(super) struct Best {
    status: u16,
    /// Ready to be passed on.
    response: Bytes,
    /// What other targets ask for beside it: lines of WWW-Authenticate and Proxy-Authenticate.
    challenges: Vec<u8>,
}

/// Why a branch gave no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// No response came in time.
    Timeout,
    /// It could not be sent.
    Unsent,
    /// The next hop says that it does not work, or its connection is lost.
    Unavailable,
}

impl Engine {
    /// A 300-699: perhaps another target does better (RFC 3261 16.7 items 5 and 6).
    pub(super) fn handle_failure_response(
        &mut self,
        now: Now,
        world: &World,
        id: ProxyId,
        client: ClientId,
        response: &Response,
    ) {
        let status = response.status();
        self.note_refusal(now, id, client, response);
        if status == 503
            && let Some(flow) = self.transactions.client_flow(client)
        {
            self.met(id, &flow, false);
        }
        let bytes = self.back(id, response);
        let Some(proxy) = self.proxies.get_mut(id.0) else { return };
        let Some(open) = &mut proxy.open else { return };
        // To a non-INVITE a 408 is as good as no answer, and is passed on to nobody (RFC 4320 section 4.2).
        let is_silence = status == 408 && proxy.method != Method::Invite;
        let failure = if is_silence { Failure::Timeout } else { Failure::Unavailable };
        // 503 would make the peer stop sending us anything, though it is only the next hop that has trouble.
        let cancelled = proxy.cancelled.is_some();
        let counts = status != 503 && !is_silence;
        match &mut open.best {
            _ if !counts => {}
            None => open.best = Some(Box::new(Best { status, response: bytes, challenges: Vec::new() })),
            Some(best) if cancelled || rank(status) <= rank(best.status) => {
                if asks_for_credentials(best.status) {
                    challenges(&best.response, &mut best.challenges);
                }
                (best.status, best.response) = (status, bytes);
            }
            Some(_) => {}
        }
        let try_on = match &open.plan {
            Plan::Call(plan) => plan.fails_over_on(status),
            // RFC 3263 section 4.3.
            Plan::Dialog(_) => status == 503 && open.hops.left().len() > 0,
        };
        if try_on && proxy.cancelled.is_none() && !proxy.ringing {
            self.try_next(now, world, id, failure);
        } else {
            self.conclude_without_answer(now, id, failure);
        }
    }

    /// Passes on the best failure that a next hop gave, or says what we know.
    pub(super) fn conclude_without_answer(&mut self, now: Now, id: ProxyId, failure: Failure) {
        let Some(proxy) = self.proxies.get_mut(id.0).filter(|proxy| !proxy.answered) else { return };
        let Some(open) = &mut proxy.open else { return };
        if let Some(best) = open.best.take() {
            let Best { status, response, challenges } = *best;
            let bytes = match &challenges[..] {
                lines @ [_, ..] if asks_for_credentials(status) => with_challenges(response, lines),
                _ => response,
            };
            let given = self.give(now, id, status, bytes, By::NextHop);
            return self.conclude(now, id, given);
        }
        let status = match (&open.plan, failure) {
            _ if proxy.cancelled.is_some() => Some(487),
            (Plan::Call(_) | Plan::Dialog(_), Failure::Timeout) if proxy.ringing => Some(408),
            (Plan::Call(plan), _) if proxy.method == Method::Invite || failure != Failure::Timeout => {
                self.counters.unavailable.add(1);
                Some(plan.unavailable())
            }
            (Plan::Dialog(_), Failure::Unsent | Failure::Unavailable) => Some(500),
            (Plan::Dialog(_), Failure::Timeout) if proxy.method == Method::Invite => Some(408),
            // RFC 4320 section 4.2: the client's own timer has run out by now.
            (_, Failure::Timeout | Failure::Unsent | Failure::Unavailable) => None,
        };
        let status = status.filter(|&status| status != 408 || proxy.method == Method::Invite);
        match status {
            Some(status) => self.answer_proxied(now, id, status, b""),
            None => self.conclude(now, id, None),
        }
    }

    /// Answers a proxied request ourselves; whoever rings is no longer wanted. `extra` are whole header lines.
    pub(super) fn answer_proxied(&mut self, now: Now, id: ProxyId, status: u16, extra: &[u8]) {
        let Some(proxy) = self.proxies.get(id.0).filter(|proxy| !proxy.answered) else { return };
        let Some(open) = &proxy.open else { return };
        let request = open.request.read();
        let tag = stateless_tag(&self.config.keys.token, &request);
        let text = Reply { status, phrase: phrase(status), to_tag: Some(&tag), extra };
        let bytes = reply(request.headers(), open.came_by.get().peer, text);
        let given = self.give(now, id, status, bytes, By::Us);
        self.conclude(now, id, given);
    }
}

/// Which of two failures is passed on: a 6xx, else the lowest class, and in it what tells the caller how to ask again
/// (RFC 3261 16.7 item 6). Credentials come first, so that no challenge is lost once there is one.
fn rank(status: u16) -> (u16, u8) {
    let class = if status >= 600 { 0 } else { status / 100 };
    let within = match status {
        _ if asks_for_credentials(status) => 0,
        415 | 420 | 484 => 1,
        _ => 2,
    };
    (class, within)
}

fn asks_for_credentials(status: u16) -> bool {
    matches!(status, 401 | 407)
}
