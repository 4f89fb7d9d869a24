//! What must follow a request: RFC 3261 sections 16.3 to 16.6, 16.10 and 17.2, and what screening says.

use std::time::Duration;

use ringfence::sip::{HeaderName, Method, NameAddr, Request, Uri};

use super::dialog::{State, dialog_key};
use super::{Deed, Duty, Incoming, Key, Reference, SURELY, Scene, Token, Way, text};

impl Reference {
    pub(super) fn expect_request(&mut self, scene: Scene<'_>, agent: usize, request: &Request) -> Duty {
        let method = text(request.method_name());
        let names = if method == "ACK" { "INVITE" } else { &*method };
        let key = Key { branch: text(request.branch()), method: names.to_owned() };
        if method == "ACK" {
            return self.expect_ack(scene, agent, request, &key);
        }
        if let Some(known) = self.requests.get(&key) {
            let generation = scene.worlds.current().0.generation;
            let is_edited = known.judgement.is_some_and(|(_, before)| before != generation);
            let duty = known.expect_again(scene, &key);
            self.count(if is_edited { "a request comes again after an edit" } else { "a request comes again" });
            return duty;
        }
        self.requests.insert(key.clone(), Incoming::new(scene, agent, request));
        let duty = match (&*method, request.to_tag()) {
            ("CANCEL", _) => self.expect_cancel(scene, &key),
            (_, Some(_)) => self.expect_in_dialog(scene, agent, request, &key),
            (_, None) => Duty::Exactly(self.expect_new(scene, request, &key)),
        };
        let answered_at_once =
            matches!(&duty, Duty::Exactly(deeds) if matches!(&deeds[..], [Deed::Respond { .. }, ..]));
        self.requests.get_mut(&key).expect("put there above").stateless = answered_at_once;
        duty
    }

    fn expect_ack(&mut self, scene: Scene<'_>, agent: usize, request: &Request, key: &Key) -> Duty {
        if let Some(invite) = self.requests.get_mut(key) {
            invite.acknowledged.get_or_insert(scene.now);
            return Duty::Exactly(Vec::new());
        }
        match self.way(scene, agent, request) {
            Way::To(agent) => Duty::Exactly(vec![Deed::PassAck { agent }]),
            Way::Perhaps(agent) => Duty::Perhaps(vec![Deed::PassAck { agent }]),
            Way::Nowhere => {
                self.count("an ACK that belongs to nothing");
                Duty::Exactly(Vec::new())
            }
        }
    }

    /// A CANCEL ends the INVITE with its branch, if that has no answer yet (RFC 3261 sections 9.2 and 16.10).
    fn expect_cancel(&mut self, scene: Scene<'_>, key: &Key) -> Duty {
        let invite_key = Key { method: "INVITE".to_owned(), ..key.clone() };
        let respond = |status| Deed::Respond { request: key.clone(), status };
        let stranger = self.requests[key].is_strangers;
        let Some(invite) = self.requests.get_mut(&invite_key) else {
            self.count("CANCEL of nothing");
            return Duty::Exactly(if stranger { Vec::new() } else { vec![respond(481)] });
        };
        let mut expected = vec![respond(200)];
        if invite.has_ended(scene.now) {
            expected.push(respond(481));
            self.count("CANCEL after the end of its INVITE");
            return Duty::Perhaps(expected);
        }
        if invite.answer.is_some() || invite.dropped || std::mem::replace(&mut invite.cancelled, true) {
            self.count("CANCEL after an answer");
            return Duty::Exactly(expected);
        }
        let branches = || invite.branches.iter().map(|name| (name, &self.branches[name]));
        let cancels = branches().filter(|(_, branch)| branch.is_to_be_cancelled());
        expected.extend(cancels.map(|(name, _)| Deed::Cancel { branch: name.clone() }));
        let waits = branches().any(|(_, branch)| branch.is_open() && !branch.abandoned);
        if !waits {
            let status = invite.best().unwrap_or(487);
            expected.push(Deed::Respond { request: invite_key, status });
        }
        self.count(if waits { "CANCEL" } else { "CANCEL while the way is asked for" });
        Duty::Exactly(expected)
    }

    /// A request outside a dialog.
    fn expect_new(&mut self, scene: Scene<'_>, request: &Request, key: &Key) -> Vec<Deed> {
        let incoming = self.requests.get_mut(key).expect("put there by the caller");
        let call_id = &*incoming.call_id;
        let plan = scene.plans.iter().find(|plan| plan.call_id == call_id);
        let Some(plan) = plan.filter(|_| !incoming.is_strangers) else { return Vec::new() };
        let respond = |status| vec![Deed::Respond { request: key.clone(), status }];
        if request.max_forwards() == Some(0) {
            return respond(483);
        }
        let (world, model) = scene.worlds.current();
        let judgement = model.judge(&plan.facts, scene.worlds.wall(scene.now));
        incoming.judgement = Some((judgement, world.generation));
        *self.census.entry(judgement.word).or_default() += 1;
        match judgement.word {
            "decline" => return respond(603),
            "redirect" | "return" => return respond(302),
            "no-route" => return respond(404),
            "empty-pool" => return respond(403),
            "drop" => {
                incoming.dropped = true;
                return Vec::new();
            }
            _ => {}
        }
        let names = targets_of(judgement.trunk).iter();
        let agent = |name: &&str| scene.agents.iter().position(|agent| agent.name == *name);
        incoming.targets = names.filter_map(agent).collect();
        let presents = judgement.trunk == "carrier"
            || (judgement.trunk == "wild" && plan.facts.callee.to_string().starts_with("49"));
        incoming.presents = presents && plan.facts.callee != 112;
        let is_pbx = judgement.trunk == "pbx";
        incoming.try_for = Duration::from_secs(if is_pbx { 2 } else { 4 });
        incoming.failover_on = if is_pbx { &[503, 480] } else { &[503] };
        let by_out = judgement.trunk == "carrier" && plan.facts.callee.to_string().starts_with("4850");
        incoming.unavailable = if by_out { 486 } else { 500 };
        vec![incoming.forward(key)]
    }

    fn expect_in_dialog(&mut self, scene: Scene<'_>, agent: usize, request: &Request, key: &Key) -> Duty {
        let way = self.way(scene, agent, request);
        let incoming = self.requests.get_mut(key).expect("put there by the caller");
        let (to, surely) = match way {
            Way::To(to) => (to, true),
            Way::Perhaps(to) => (to, false),
            Way::Nowhere if incoming.is_strangers => {
                self.count("a stranger's request inside no dialog");
                return Duty::Exactly(Vec::new());
            }
            Way::Nowhere => {
                self.count("a request inside no dialog");
                return Duty::Exactly(vec![Deed::Respond { request: key.clone(), status: 481 }]);
            }
        };
        incoming.targets = vec![to];
        let mut expected = vec![incoming.forward(key)];
        if request.method() == Method::Bye {
            let dialog = dialog_key(request.call_id(), request.from_tag(), request.to_tag().unwrap_or_default());
            if let Some(known) = self.dialogs.get_mut(&dialog).filter(|known| known.state == State::Up) {
                let by_caller = known.caller_tag.as_bytes() == request.from_tag();
                known.state = State::Ending { since: scene.now, by_caller };
            }
            incoming.ends = Some(dialog);
        }
        if surely {
            return Duty::Exactly(expected);
        }
        expected.push(Deed::Respond { request: key.clone(), status: 481 });
        Duty::Perhaps(expected)
    }

    /// RFC 3261 section 16.4 and the token: who shows one is inside its dialog; who has lost it, along a call that is up.
    fn way(&mut self, scene: Scene<'_>, agent: usize, request: &Request) -> Way {
        let Some(to_tag) = request.to_tag() else { return Way::Nowhere };
        let key = dialog_key(request.call_id(), request.from_tag(), to_tag);
        let dialog = self.dialogs.get(&key);
        let surely = match dialog.map(|dialog| dialog.state) {
            Some(State::Up) => Some(true),
            Some(State::Ending { since, .. }) => Some(scene.now - since < SURELY),
            Some(State::Ended { .. }) | None => None,
        };
        let to = |surely: bool, agent| if surely { Way::To(agent) } else { Way::Perhaps(agent) };
        if let Some(token) = self.shown_token(request) {
            let target = text(request.uri().host);
            let next = scene.agents.iter().position(|agent| agent.ip.to_string() == target);
            // An INVITE needs its call to be up, if this process can know.
            let is_earlier = token.epoch != self.epoch;
            let passes = request.method() != Method::Invite || is_earlier;
            match (next, passes, surely) {
                (Some(next), true, _) => {
                    let what = if is_earlier { "a token of an earlier process" } else { "a token" };
                    self.count(what);
                    return Way::To(next);
                }
                (Some(next), false, Some(surely)) => return to(surely, next),
                _ => {}
            }
        }
        let (Some(dialog), Some(surely)) = (dialog, surely) else { return Way::Nowhere };
        let from_caller = dialog.caller_tag.as_bytes() == request.from_tag();
        let (here, there) = if from_caller { (dialog.caller, dialog.callee) } else { (dialog.callee, dialog.caller) };
        if scene.agents[here].ip != scene.agents[agent].ip {
            self.count("a lie about a call that is up");
            return Way::Nowhere;
        }
        self.count("a lost Record-Route");
        to(surely, there)
    }

    /// The token in the Routes of ours that a request begins with, if it is of this call and one of the two sends it.
    fn shown_token(&self, request: &Request) -> Option<&Token> {
        let routes = request.headers().values(HeaderName::Route).filter_map(|value| NameAddr::parse(value).ok());
        let mut ours = routes.filter_map(|route| Uri::parse(route.uri).ok()).take_while(is_ours);
        let token = ours.find_map(|uri| self.tokens.get(&text(uri.user?)))?;
        let tags = [request.from_tag(), request.to_tag().unwrap_or_default()];
        let fits = token.call_id.as_bytes() == request.call_id() && tags.contains(&token.caller_tag.as_bytes());
        fits.then_some(token)
    }
}

fn is_ours(uri: &Uri<'_>) -> bool {
    matches!(uri.host, b"10.0.0.1" | b"10.0.0.2")
}

/// The tokens in the Record-Routes that we have written into a request.
pub(super) fn tokens(request: &Request) -> impl Iterator<Item = String> {
    let routes = request.headers().values(HeaderName::RecordRoute);
    let uris = routes.filter_map(|route| Uri::parse(NameAddr::parse(route).ok()?.uri).ok());
    uris.filter(is_ours).filter_map(|uri| uri.user.map(text))
}

fn targets_of(trunk: &str) -> &'static [&'static str] {
    match trunk {
        "carrier" => &["carrier-7"],
        "pbx" => &["pbx-3", "pbx-4"],
        "wild" => &["wild-9", "wild-10"],
        _ => &[],
    }
}
