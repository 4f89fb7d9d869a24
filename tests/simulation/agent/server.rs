//! What an agent is sent: calls, requests inside dialogs, and what it answers.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use rand::RngExt;
use rand::rngs::StdRng;
use ringfence::sip::{HeaderName, Method, Request};

use super::leg::Leg;
use super::{Agent, Behaviour, LegKey, Out, Step, T1, T2, TIMEOUT, Timer, method_name, text};

#[derive(Debug)]
pub(super) struct Server {
    pub(super) request: Request,
    from: SocketAddr,
    port: u16,
    last: Option<Bytes>,
    is_final: bool,
    acknowledged: bool,
    tag: String,
    leg: Option<LegKey>,
    plan: usize,
}

impl Server {
    /// A provisional response to a call has been given, and no other yet.
    pub(super) fn rings(&self) -> bool {
        self.request.method() == Method::Invite && self.last.is_some() && !self.is_final
    }
}

impl Agent {
    pub(super) fn receive_request(&mut self, step: &mut Step<'_>, port: u16, from: SocketAddr, request: &Request) {
        let call_id = text(request.call_id());
        let method = method_name(request);
        let branch = text(request.branch());
        if method == "ACK" {
            return self.receive_ack(step, request);
        }
        let key = (branch.clone(), method);
        if let Some(server) = self.servers.get(&key) {
            if server.request.bytes() != request.bytes() {
                return step.complain(&call_id, format!("a retransmitted {method} differs from the first"));
            }
            if let (Some(bytes), false) = (server.last.clone(), method == "INVITE" && server.leg.is_some()) {
                step.out.push(Out::Send { port: server.port, to: server.from, bytes });
            }
            return;
        }
        let Some(at) = step.plans.iter().position(|plan| plan.call_id == call_id) else {
            return step.complain(&call_id, "a request of no call".to_owned());
        };
        let count = self.next();
        let tag = format!("{}-{count}", self.name);
        let server = Server {
            request: request.clone(),
            from,
            port,
            last: None,
            is_final: false,
            acknowledged: false,
            tag,
            leg: None,
            plan: at,
        };
        self.servers.insert(key, server);
        match (method, request.to_tag()) {
            ("CANCEL", _) => self.receive_cancel(step, &branch),
            (_, Some(_)) => self.receive_in_dialog(step, request, method, &branch),
            ("INVITE", None) => self.receive_call(step, &branch),
            (_, None) => self.receive_message(step, &branch),
        }
    }

    fn receive_message(&mut self, step: &mut Step<'_>, branch: &str) {
        match step.rng.random_range(0..10) {
            0 => self.respond(step, branch, "MESSAGE", 503),
            1 => {}
            // It has been delivered, and the answer is lost (RFC 4320 section 4.1 forbids a 100 so early).
            2 => self.respond(step, branch, "MESSAGE", 100),
            _ => self.respond(step, branch, "MESSAGE", 200),
        }
    }

    fn receive_call(&mut self, step: &mut Step<'_>, branch: &str) {
        let respond = |status| Timer::Respond(branch.to_owned(), status);
        let (ring, last) = match behaviour(step.rng) {
            Behaviour::Answer { ring, after, status } => (ring.map(|ring| (ring, 180)), Some((after, status))),
            Behaviour::Fork { ring, after, again } => {
                step.wake(after + again, Timer::AnswerAgain(branch.to_owned()));
                (ring.map(|ring| (ring, 180)), Some((after, 200)))
            }
            Behaviour::Ring(ring) => (Some((ring, 183)), None),
            Behaviour::Silent => (None, None),
        };
        for (after, status) in ring.into_iter().chain(last) {
            step.wake(after, respond(status));
        }
    }

    fn receive_cancel(&mut self, step: &mut Step<'_>, branch: &str) {
        let invite = self.servers.get(&(branch.to_owned(), "INVITE"));
        let status = if invite.is_some() { 200 } else { 481 };
        let open = invite.is_some_and(|invite| !invite.is_final);
        self.respond(step, branch, "CANCEL", status);
        if open {
            self.respond(step, branch, "INVITE", 487);
        }
    }

    fn receive_in_dialog(&mut self, step: &mut Step<'_>, request: &Request, method: &'static str, branch: &str) {
        let call_id = text(request.call_id());
        let leg_key = LegKey {
            call_id: call_id.clone(),
            local_tag: text(request.to_tag().unwrap_or_default()),
            remote_tag: text(request.from_tag()),
        };
        let Some(leg) = self.legs.get_mut(&leg_key) else {
            return match self.early_call(&leg_key).filter(|_| method == "BYE") {
                Some(invite) => {
                    // Somebody may have picked up at that very moment.
                    let crosses = step.rng.random_bool(0.3);
                    self.respond(step, &invite, "INVITE", if crosses { 200 } else { 487 });
                    if let Some(leg) = self.legs.get_mut(&leg_key) {
                        leg.ended = true;
                        leg.unacknowledged.clear();
                    }
                    self.respond(step, branch, method, 200);
                }
                None => self.respond(step, branch, method, 481),
            };
        };
        if let Some(complaint) = leg.check_request(request) {
            step.complain(&call_id, format!("{method} at {}: {complaint}", self.name));
        }
        if leg.ended && method != "BYE" {
            return self.respond(step, branch, method, 481);
        }
        // RFC 3261 section 12.2.2.
        if request.cseq() < leg.remote_cseq && method != "BYE" {
            return self.respond(step, branch, method, 500);
        }
        leg.remote_cseq = leg.remote_cseq.max(request.cseq());
        if method == "BYE" {
            leg.ended = true;
            leg.unacknowledged.clear();
        }
        if method == "INVITE" {
            let server = self.servers.get_mut(&(branch.to_owned(), "INVITE")).expect("put there above");
            server.leg = Some(leg_key);
        }
        self.respond(step, branch, method, 200);
    }

    /// The branch of a call that still rings under this tag of ours.
    fn early_call(&self, leg: &LegKey) -> Option<String> {
        let rings = self.servers.iter().find(|((_, method), server)| {
            *method == "INVITE" && !server.is_final && server.tag == leg.local_tag && server.request.to_tag().is_none()
        });
        rings.map(|((branch, _), _)| branch.clone())
    }

    fn receive_ack(&mut self, step: &mut Step<'_>, request: &Request) {
        let call_id = text(request.call_id());
        let branch = text(request.branch());
        if let Some(server) = self.servers.get_mut(&(branch, "INVITE"))
            && server.leg.is_none()
        {
            if !server.is_final {
                step.complain(&call_id, "an ACK to nothing".to_owned());
            }
            server.acknowledged = true;
            return;
        }
        let leg_key = LegKey {
            call_id: call_id.clone(),
            local_tag: text(request.to_tag().unwrap_or_default()),
            remote_tag: text(request.from_tag()),
        };
        let Some(leg) = self.legs.get_mut(&leg_key) else {
            if !self.forgot {
                step.complain(&call_id, format!("an ACK at {} that belongs to no leg", self.name));
            }
            return;
        };
        if let Some(complaint) = leg.check_request(request) {
            step.complain(&call_id, format!("ACK at {}: {complaint}", self.name));
        }
        let is_awaited = leg.unacknowledged.remove(&request.cseq()).is_some();
        if !is_awaited || std::mem::replace(&mut leg.confirmed, true) || leg.is_caller {
            return;
        }
        let side = &step.plans[leg.plan].callee_side;
        let wakes: Vec<(Duration, Timer)> = (side.requests.iter())
            .map(|(after, method)| (*after, Timer::InDialog(leg_key.clone(), method)))
            .chain(side.hangs_up.map(|after| (after, Timer::HangUp(leg_key.clone()))))
            .collect();
        for (after, timer) in wakes {
            step.wake(after, timer);
        }
    }

    pub(super) fn respond_later(&mut self, step: &mut Step<'_>, branch: &str, status: u16) {
        let open = self.servers.get(&(branch.to_owned(), "INVITE")).is_some_and(|server| !server.is_final);
        if open {
            self.respond(step, branch, "INVITE", status);
        }
    }

    /// A second phone answers a call that the first has answered.
    pub(super) fn answer_again(&mut self, step: &mut Step<'_>, branch: &str) {
        let count = self.next();
        let key = (branch.to_owned(), "INVITE");
        let Some(server) = self.servers.get_mut(&key).filter(|server| server.leg.is_some()) else { return };
        let first = std::mem::replace(&mut server.tag, format!("{}-fork-{count}", self.name));
        let leg = server.leg.take();
        self.respond(step, branch, "INVITE", 200);
        let server = self.servers.get_mut(&key).expect("found above");
        (server.tag, server.leg) = (first, leg);
    }

    fn respond(&mut self, step: &mut Step<'_>, branch: &str, method: &'static str, status: u16) {
        let key = (branch.to_owned(), method);
        let server = &self.servers[&key];
        let plan = &step.plans[server.plan];
        let request = &server.request;
        let keeps = plan.callee_side.keeps_record_route;
        let dialog = method == "INVITE" && (101..300).contains(&status);
        let contact = match &server.leg {
            Some(leg) => self.legs[leg].contact.clone(),
            None => self.contact(&format!("{}-{}", self.name, server.tag)),
        };
        let mut out = format!("SIP/2.0 {status} Whatever\r\n").into_bytes();
        for field in request.headers().fields() {
            let line = request.headers().slice(field.line);
            match field.name {
                HeaderName::Via | HeaderName::From | HeaderName::CallId | HeaderName::CSeq => {
                    out.extend_from_slice(line);
                }
                HeaderName::RecordRoute if dialog && keeps => out.extend_from_slice(line),
                HeaderName::To if request.to_tag().is_none() => {
                    out.extend_from_slice(line.trim_ascii_end());
                    out.extend_from_slice(format!(";tag={}\r\n", server.tag).as_bytes());
                }
                HeaderName::To => out.extend_from_slice(line),
                _ => {}
            }
        }
        if dialog || method == "UPDATE" || (300..400).contains(&status) {
            out.extend_from_slice(format!("Contact: <{contact}>\r\n").as_bytes());
        }
        out.extend_from_slice(b"Content-Length: 0\r\n\r\n");
        let bytes = Bytes::from(out);
        let (to, port, request, plan_at) = (server.from, server.port, request.clone(), server.plan);
        let tag = server.tag.clone();
        let in_leg = server.leg.clone();
        let early_bye = plan.callee_side.hangs_up_early;
        let server = self.servers.get_mut(&key).expect("read above");
        server.last = Some(bytes.clone());
        server.is_final = status >= 200;
        step.out.push(Out::Send { port, to, bytes: bytes.clone() });
        if method != "INVITE" || status < 200 {
            return;
        }
        if status >= 300 {
            if self.is_udp() {
                step.wake(T1, Timer::RetransmitFinal(branch.to_owned(), T1, TIMEOUT));
            }
            return;
        }
        let leg_key = in_leg.unwrap_or_else(|| {
            let leg_key =
                LegKey { call_id: text(request.call_id()), local_tag: tag, remote_tag: text(request.from_tag()) };
            self.legs.insert(leg_key.clone(), Leg::of_callee(&request, plan_at, contact, keeps));
            let server = self.servers.get_mut(&key).expect("read above");
            server.leg = Some(leg_key.clone());
            if early_bye {
                let after = Duration::from_millis(step.rng.random_range(1..300));
                step.wake(after, Timer::HangUp(leg_key.clone()));
            }
            leg_key
        });
        let leg = self.legs.get_mut(&leg_key).expect("a leg");
        leg.unacknowledged.insert(request.cseq(), (bytes, to, port));
        step.wake(T1, Timer::Retransmit2xx(leg_key, request.cseq(), T1, TIMEOUT));
    }

    pub(super) fn retransmit_final(&self, step: &mut Step<'_>, branch: String, interval: Duration, left: Duration) {
        let Some(server) = self.servers.get(&(branch.clone(), "INVITE")) else { return };
        if server.acknowledged || left.is_zero() {
            return;
        }
        let (port, to) = (server.port, server.from);
        step.out.push(Out::Send { port, to, bytes: server.last.clone().expect("a final response") });
        let next = (interval * 2).min(T2);
        step.wake(next, Timer::RetransmitFinal(branch, next, left.saturating_sub(next)));
    }
}

fn behaviour(rng: &mut StdRng) -> Behaviour {
    let mut millis = |range: std::ops::Range<u64>| Duration::from_millis(rng.random_range(range));
    let (ring, after, again) = (millis(0..1_500), millis(1_500..12_000), millis(0..5_000));
    let at_once = millis(0..400);
    let ringing = |status| Behaviour::Answer { ring: Some(ring), after, status };
    let silently = |after, status| Behaviour::Answer { ring: None, after, status };
    match rng.random_range(0..110) {
        0..38 => ringing(200),
        38..46 => silently(at_once, 200),
        // Beyond try_for: the next target may have been tried meanwhile.
        46..50 => Behaviour::Answer { ring: Some(ring + Duration::from_secs(2)), after, status: 200 },
        50..53 => silently(after, 200),
        53..60 => Behaviour::Fork { ring: Some(ring), after, again },
        60..63 => Behaviour::Fork { ring: None, after, again },
        63..69 => ringing(486),
        69..74 => ringing(603),
        74..80 => silently(at_once, 503),
        80..83 => ringing(503),
        83..86 => silently(at_once, 302),
        86..90 => silently(at_once, 480),
        90..98 => Behaviour::Ring(ring),
        98..102 => silently(after, 404),
        _ => Behaviour::Silent,
    }
}
