//! What must follow a response, the answer to a question, or a message that could not be sent: RFC 3261 sections 16.7
//! and 17.1, RFC 6026.

use ringfence::engine::{QueryId, Ticket};
use ringfence::sip::{HeaderName, Response};

use super::deeds::cause_of;
use super::dialog::{Dialog, State, dialog_key};
use super::incoming::refused;
use super::{Deed, Duty, Effects, Reference, Scene, Waiting, text};

impl Reference {
    pub(super) fn expect_response(&mut self, scene: Scene<'_>, response: &Response) -> Duty {
        let cseq = response.headers().first(HeaderName::CSeq).unwrap_or_default();
        let name = text(response.branch());
        let branch = self.branches.get(&name);
        let branch = branch.filter(|branch| cseq.ends_with(branch.request.method.as_bytes()) && !branch.failed);
        let Some(branch) = branch else {
            self.count("a response to nothing, or to a CANCEL");
            return Duty::Exactly(Vec::new());
        };
        let surely = scene.now <= branch.lives_until;
        let expected = if branch.request.method == "INVITE" {
            self.expect_after_invite(scene, response, &name)
        } else {
            self.expect_after_other(scene, response, &name)
        };
        if surely { Duty::Exactly(expected) } else { Duty::Perhaps(expected) }
    }

    fn expect_after_invite(&mut self, scene: Scene<'_>, response: &Response, name: &str) -> Vec<Deed> {
        let branch = self.branches.get_mut(name).expect("found by the caller");
        let incoming = self.requests.get_mut(&branch.request).expect("a branch has a request");
        let is_awaited = !branch.abandoned && incoming.answer.is_none();
        let is_first = branch.answer.is_none();
        let request = branch.request.clone();
        match response.status() {
            100..=199 if !is_first => Vec::new(),
            status @ 100..=199 => {
                branch.rings(scene.now);
                let mut expected = Vec::new();
                if is_awaited && status > 100 {
                    incoming.ringing = true;
                    expected.push(Deed::Respond { request, status });
                }
                if (!is_awaited || incoming.cancelled) && branch.cancel.is_none() {
                    expected.push(Deed::Cancel { branch: name.to_owned() });
                    self.count("a provisional response that is cancelled");
                }
                expected
            }
            200..=299 if !branch.won && !is_awaited => {
                branch.is_answered(response.status(), scene.now);
                self.expect_after_late_2xx(response, name)
            }
            status @ 200..=299 => {
                branch.is_answered(status, scene.now);
                self.expect_after_2xx(response, name, Deed::Respond { request, status })
            }
            status => {
                let mut expected = vec![Deed::Ack { branch: name.to_owned() }];
                branch.is_answered(status, scene.now);
                // A 6xx speaks for all targets, also when its own was given up (16.7 items 4 and 6).
                let refuses = status >= 600 && incoming.answer.is_none();
                if is_first && (is_awaited || refuses) {
                    expected.extend(incoming.fails(&request, status, scene.has_number_to_show()));
                }
                if is_first && refuses && !is_awaited {
                    let others = incoming.branches.clone();
                    let open = others.into_iter().filter(|other| self.branches[other].is_to_be_cancelled());
                    expected.extend(open.map(|other| Deed::Cancel { branch: other }));
                    self.count("a late 6xx");
                }
                expected
            }
        }
    }

    /// A 2xx that the caller is to have: it opens a call, and other targets are told to stop ringing.
    fn expect_after_2xx(&mut self, response: &Response, name: &str, passed: Deed) -> Vec<Deed> {
        let branch = self.branches.get_mut(name).expect("found by the caller");
        let is_first = !std::mem::replace(&mut branch.won, true);
        let callee = branch.agent;
        let incoming = self.requests.get_mut(&branch.request).expect("a branch has a request");
        let dialog = dialog_key(response.call_id(), response.from_tag(), response.to_tag().unwrap_or_default());
        // What a fork is like is known from the first, as long as that is up.
        let first = incoming.dialog.get_or_insert_with(|| dialog.clone());
        let is_up = |dialog: &Dialog| !matches!(dialog.state, State::Ended { .. });
        let is_known = is_first || self.dialogs.get(first).is_some_and(is_up);
        // A 2xx to an INVITE inside the dialog opens nothing.
        let opens = incoming.judgement.is_some() && is_known && !self.over.contains(&dialog);
        let what = match (is_first, incoming.cancelled) {
            (true, true) => "a 2xx that crosses a CANCEL",
            (true, false) => "a 2xx",
            (false, _) if opens && !self.dialogs.contains_key(&dialog) => "a fork",
            (false, _) => "a 2xx again",
        };
        *self.census.entry(what).or_default() += 1;
        let mut expected = vec![passed];
        if is_first {
            let others = incoming.branches.iter().filter(|other| *other != name);
            let open = others.filter(|other| self.branches[*other].is_to_be_cancelled());
            expected.extend(open.map(|other| Deed::Cancel { branch: other.clone() }));
        }
        if opens {
            let (caller_tag, caller) = (incoming.from_tag.clone(), incoming.agent);
            let opened = Dialog { state: State::Up, caller_tag, caller, callee };
            self.dialogs.entry(dialog).or_insert(opened);
        }
        expected
    }

    /// A 2xx that nobody waits for: its callee is told at once that this is no call, each callee once.
    fn expect_after_late_2xx(&mut self, response: &Response, name: &str) -> Vec<Deed> {
        let branch = self.branches.get_mut(name).expect("found by the caller");
        let (call_id, tag) = (text(response.call_id()), text(response.to_tag().unwrap_or_default()));
        let what = if branch.ended.is_empty() { "a late 2xx" } else { "a late fork" };
        let mut expected = vec![Deed::AckLate { call_id: call_id.clone(), tag: tag.clone() }];
        if branch.ended.insert(tag.clone()) {
            expected.push(Deed::ByeLate { call_id, tag });
            self.count(what);
        }
        expected
    }

    fn expect_after_other(&mut self, scene: Scene<'_>, response: &Response, name: &str) -> Vec<Deed> {
        let branch = self.branches.get_mut(name).expect("found by the caller");
        let status = response.status();
        if branch.answer.is_some() || status < 200 {
            return Vec::new();
        }
        branch.is_answered(status, scene.now);
        let key = branch.request.clone();
        let incoming = self.requests.get_mut(&key).expect("a branch has a request");
        match status {
            _ if incoming.answer.is_some() => Vec::new(),
            200..=299 => vec![Deed::Respond { request: key, status }],
            _ => incoming.fails(&key, status, scene.has_number_to_show()).into_iter().collect(),
        }
    }

    pub(super) fn expect_resolved(&mut self, scene: Scene<'_>, query: QueryId, effects: &Effects) -> Duty {
        self.tell_apart(scene, query, effects);
        match self.waiting.remove(&(scene.shard, query)) {
            Some(Waiting::Ack { agent }) => Duty::Exactly(vec![Deed::PassAck { agent }]),
            Some(Waiting::Forward { request, agent }) => {
                let incoming = &self.requests[&request];
                let forward = Deed::Forward { request: request.clone(), agent };
                if incoming.answer.is_some() || incoming.cancelled {
                    Duty::Exactly(Vec::new())
                } else if !incoming.presents || scene.has_number_to_show() {
                    Duty::Exactly(vec![forward])
                } else if incoming.tried > 1 {
                    Duty::Exactly(vec![refused(&request)])
                } else {
                    // A number that has expired since the decision is shown to the first target all the same.
                    Duty::Perhaps(vec![forward, refused(&request)])
                }
            }
            None => Duty::Exactly(Vec::new()),
        }
    }

    /// Timers that run out at one moment ask for one place at once, and which question is whose shows when it is answered.
    fn tell_apart(&mut self, scene: Scene<'_>, query: QueryId, effects: &Effects) {
        let Some(goes_on) = effects.sent.first().and_then(|sent| cause_of(&sent.message)) else { return };
        let is_its = |waiting: &Waiting| matches!(waiting, Waiting::Forward { request, .. } if *request == goes_on);
        let others = self.waiting.iter().filter(|((shard, _), waiting)| *shard == scene.shard && is_its(waiting));
        if let Some(other) = others.map(|(place, _)| *place).find(|other| *other != (scene.shard, query))
            && let Some(ours) = self.waiting.remove(&(scene.shard, query))
            && let Some(theirs) = self.waiting.remove(&other)
        {
            self.waiting.insert(other, ours);
            self.waiting.insert((scene.shard, query), theirs);
        }
    }

    /// A message could not be sent: who waits for it must wait no longer.
    pub(super) fn expect_after_failure(&mut self, scene: Scene<'_>, ticket: Ticket) -> Duty {
        let name = self.tickets.get(&(scene.shard, ticket));
        let Some(branch) = name.and_then(|name| self.branches.get_mut(name)) else { return Duty::Explained };
        branch.failed = branch.answer.is_none();
        let incoming = &self.requests[&branch.request];
        let is_awaited = branch.failed && incoming.is_invite() && !branch.abandoned && incoming.answer.is_none();
        if !is_awaited {
            return Duty::Explained;
        }
        self.count("a request that cannot be sent");
        Duty::Something
    }
}
