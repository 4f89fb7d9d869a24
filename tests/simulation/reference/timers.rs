//! What a timer or a failure may cause: retransmissions, 100, the next target, or the end of waiting, each at its time.

use std::time::Duration;

use ringfence::engine::QueryId;
use ringfence::flow::Transport;

use super::{Branch, Deed, Incoming, Key, NO_LONGER, RINGS, Reference, SURELY, Scene, Waiting};

/// When Timer E has reached T2: from then on a request other than INVITE may be answered 100 (RFC 4320 section 4.1).
const NON_INVITE_TRYING: Duration = Duration::from_millis(3_500);

/// A timer is late by no more than this.
const LATE: Duration = Duration::from_millis(10);

impl Reference {
    pub(super) fn explain(&mut self, scene: Scene<'_>, deed: &Deed) -> Result<(), String> {
        let allowed = match deed {
            Deed::Resend { branch } => self.may_resend(scene, branch),
            Deed::Repeat { request } => {
                let incoming = &self.requests[request];
                let failed = incoming.answer.is_some_and(|(status, _)| status >= 300);
                let unreliable = scene.agents[incoming.agent].transport == Transport::Udp;
                let resends = unreliable && failed && incoming.acknowledged.is_none() && !incoming.stateless;
                if resends {
                    self.count("a final response sent again");
                }
                // A 100 is said again when a way is asked for.
                resends || self.may_say_trying(scene, request)
            }
            Deed::Respond { request, status: 100 } => self.may_say_trying(scene, request),
            Deed::Respond { request, status: status @ 300.. } => {
                let incoming = &self.requests[request];
                // 403: no number may be shown to the next target any more.
                let ours = [403, 408, 487, 500, incoming.unavailable];
                self.may_give_up(scene, incoming, 0) && (ours.contains(status) || incoming.failures.contains(status))
            }
            Deed::Forward { request, agent } => {
                let may = self.may_try_next(scene, request, *agent, 1);
                self.tries_next(request, 1);
                may
            }
            Deed::Cancel { branch } => {
                let branch = &self.branches[branch];
                let incoming = &self.requests[&branch.request];
                let is_over = incoming.answer.is_some() || incoming.cancelled || branch.abandoned;
                let rang = branch.provisional.filter(|_| branch.is_open());
                rang.is_some_and(|at| is_over || scene.now >= at + RINGS)
            }
            _ => false,
        };
        if allowed { Ok(()) } else { Err(format!("{deed:?} for no reason")) }
    }

    /// A question for the way to an agent: somebody must be waiting for just that.
    pub(super) fn explain_asked(&mut self, scene: Scene<'_>, (query, agent): (QueryId, usize)) -> Result<(), String> {
        let waits = |key: &Key| {
            self.waiting.values().any(|waiting| matches!(waiting, Waiting::Forward { request, .. } if request == key))
        };
        let mut keys = self.requests.keys().filter(|key| !waits(key) && self.may_try_next(scene, key, agent, 0));
        let request = keys.next().ok_or("asks for the way without a need")?.clone();
        self.tries_next(&request, 0);
        self.waiting.insert((scene.shard, query), Waiting::Forward { request, agent });
        Ok(())
    }

    fn tries_next(&mut self, request: &Key, spared: usize) {
        self.requests.get_mut(request).expect("a request").tried += 1;
        self.abandon(request, spared);
        self.count("the next target after silence or a failure");
    }

    fn may_say_trying(&self, scene: Scene<'_>, request: &Key) -> bool {
        let incoming = &self.requests[request];
        let may = incoming.is_invite() || scene.now >= incoming.at + NON_INVITE_TRYING;
        may && incoming.answer.is_none() && !incoming.ringing
    }

    fn may_resend(&mut self, scene: Scene<'_>, name: &str) -> bool {
        let unreliable = |agent: usize| scene.agents[agent].transport == Transport::Udp;
        self.count("a request sent again");
        if let Some((agent, _, sent)) = self.byes.get(name) {
            return unreliable(*agent) && scene.now < *sent + NO_LONGER;
        }
        let branch = &self.branches[name];
        let is_invite = branch.request.method == "INVITE";
        let waits = branch.answer.is_none() && !(branch.provisional.is_some() && is_invite);
        // Or it is the CANCEL.
        unreliable(branch.agent) && (branch.cancel.is_some() || (waits && scene.now < branch.sent + NO_LONGER))
    }

    /// Whether every branch but the newest `spared` has had its time, and the newest of them no more than that.
    fn may_give_up(&self, scene: Scene<'_>, incoming: &Incoming, spared: usize) -> bool {
        let branches = incoming.branches.iter().rev().skip(spared).map(|name| &self.branches[name]);
        branches.enumerate().all(|(nth, branch)| {
            let waited = branch.sent + incoming.try_for;
            let is_late = nth == 0 && scene.now >= waited + LATE && incoming.judgement.is_some();
            match branch {
                _ if !branch.is_open() || branch.abandoned || scene.now > branch.lives_until => true,
                Branch { provisional: None, .. } => scene.now >= waited && !is_late,
                Branch { provisional: Some(_), .. } => false,
            }
        })
    }

    fn may_try_next(&self, scene: Scene<'_>, request: &Key, agent: usize, spared: usize) -> bool {
        let incoming = &self.requests[request];
        // Whoever sent another request than INVITE no longer waits then (RFC 4320 section 4.2).
        let is_wanted = incoming.is_invite() || scene.now < incoming.at + SURELY;
        is_wanted
            && incoming.shard == scene.shard
            && incoming.answer.is_none()
            && !incoming.cancelled
            && !incoming.ringing
            && incoming.tried > 0
            && incoming.targets.get(incoming.tried) == Some(&agent)
            && self.may_give_up(scene, incoming, spared)
    }
}
