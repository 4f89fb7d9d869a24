//! What an agent sends and waits for: calls, CANCEL, ACK, and the responses to them.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use rand::RngExt;
use ringfence::sip::{HeaderName, Response};

use super::leg::{Leg, contact_of, routes};
use super::{Acks, Agent, ClientKey, LIAR, LegKey, Out, Step, T1, T2, TIMEOUT, Timer, text, untagged};

#[derive(Debug)]
pub(super) struct Client {
    pub(super) bytes: Bytes,
    pub(super) to: SocketAddr,
    pub(super) port: u16,
    pub(super) call_id: String,
    pub(super) local_tag: String,
    /// None for what is sent outside a dialog, and its CANCEL.
    pub(super) leg: Option<LegKey>,
    /// How often the proxy had been restarted when it was sent.
    pub(super) epoch: usize,
    pub(super) provisional: bool,
    pub(super) finished: Option<Finished>,
    pub(super) wants_cancel: bool,
    pub(super) vias: usize,
    pub(super) from: String,
    pub(super) to_header: String,
    pub(super) request_uri: String,
    pub(super) cseq: u32,
    pub(super) plan: usize,
}

/// How a transaction ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Finished {
    TimedOut,
    /// Status and To tag.
    Answered(u16, Vec<u8>),
}

impl Client {
    /// A response must bear our Vias and the names that we wrote.
    fn check_response(&self, response: &Response) -> Option<String> {
        let headers = response.headers();
        let vias = headers.values(HeaderName::Via).count();
        if vias != self.vias {
            return Some(format!("a response has {vias} Via instead of {}", self.vias));
        }
        let (from, to) = (untagged(headers.slice(response.from_span())), untagged(headers.slice(response.to_span())));
        if from != self.from || response.from_tag() != self.local_tag.as_bytes() {
            return Some(format!("a response's From is {from}, not {}", self.from));
        }
        (to != self.to_header).then(|| format!("a response's To is {to}, not {}", self.to_header))
    }

    fn ack_to_failure(&self, response: &Response) -> Bytes {
        let top = text(&self.bytes).lines().nth(1).expect("a Via").to_owned();
        let routes: String = text(&self.bytes)
            .lines()
            .filter(|line| line.starts_with("Route:"))
            .map(|line| format!("{line}\r\n"))
            .collect();
        Bytes::from(format!(
            "ACK {} SIP/2.0\r\n{top}\r\nMax-Forwards: 70\r\n{routes}From: {};tag={}\r\nTo: {}\r\nCall-ID: {}\r\n\
             CSeq: {} ACK\r\nContent-Length: 0\r\n\r\n",
            self.request_uri,
            self.from,
            self.local_tag,
            text(response.headers().slice(response.to_span())),
            self.call_id,
            self.cseq
        ))
    }
}

impl Agent {
    pub(super) fn start(&mut self, step: &mut Step<'_>, at: usize) {
        let plan = &step.plans[at];
        let (branch, vias) = self.via(self.port, plan.vias == 1, plan.vias);
        let count = self.next();
        let tag = format!("{}-{count}", self.name);
        let to_header = format!("<{}>", plan.request_uri);
        let mut head = format!("{} {} SIP/2.0\r\n{vias}", plan.method, plan.request_uri);
        if let Some(left) = plan.max_forwards {
            head += &format!("Max-Forwards: {left}\r\n");
        }
        if plan.preloaded_route {
            head += "Route: <sip:192.0.2.4:5070;lr>\r\n";
        }
        let invented = if plan.invented_tag { ";tag=invented" } else { "" };
        head += &format!("From: {};tag={tag}\r\nTo: {to_header}{invented}\r\n{}", plan.from, plan.extra);
        head += &format!("Call-ID: {}\r\nCSeq: 1 {}\r\n", plan.call_id, plan.method);
        head += &format!("Contact: <{}>\r\n", self.contact(&plan.contact_user));
        head += &format!("Content-Type: application/octet-stream\r\nContent-Length: {}\r\n\r\n", plan.body.len());
        let bytes = Bytes::from([head.as_bytes(), &plan.body].concat());
        let client = Client {
            bytes,
            to: self.proxy,
            port: self.port,
            call_id: plan.call_id.clone(),
            local_tag: tag,
            leg: None,
            epoch: step.epoch,
            provisional: false,
            finished: None,
            wants_cancel: false,
            vias: plan.vias + 1,
            from: plan.from.clone(),
            to_header,
            request_uri: plan.request_uri.clone(),
            cseq: 1,
            plan: at,
        };
        let key = (branch, plan.method);
        if let (Some(after), "INVITE") = (plan.cancel_after, plan.method) {
            step.wake(after, Timer::Cancel(key.clone()));
        }
        self.open(step, key, client);
    }

    pub(super) fn open(&mut self, step: &mut Step<'_>, key: ClientKey, client: Client) {
        step.out.push(Out::Send { port: client.port, to: client.to, bytes: client.bytes.clone() });
        if self.is_udp() {
            step.wake(T1, Timer::Retransmit(key.clone(), T1));
        }
        step.wake(TIMEOUT, Timer::TimeOut(key.clone()));
        self.clients.insert(key, client);
    }

    pub(super) fn retransmit(&mut self, step: &mut Step<'_>, key: ClientKey, interval: Duration) {
        let Some(client) = self.clients.get(&key) else { return };
        let invite = key.1 == "INVITE";
        if client.finished.is_some() || (invite && client.provisional) {
            return;
        }
        step.out.push(Out::Send { port: client.port, to: client.to, bytes: client.bytes.clone() });
        let doubled = interval * 2;
        let next = if invite { doubled } else { doubled.min(T2) };
        step.wake(next, Timer::Retransmit(key, next));
    }

    /// An INVITE that rings is waited for without end, unless the proxy has been restarted.
    pub(super) fn time_out(&mut self, key: &ClientKey, epoch: usize) {
        let Some(client) = self.clients.get_mut(key) else { return };
        let rings = key.1 == "INVITE" && client.provisional && client.epoch == epoch;
        if client.finished.is_none() && !rings {
            client.finished = Some(Finished::TimedOut);
        }
    }

    /// RFC 3261 section 9.1: a CANCEL waits for a provisional response.
    pub(super) fn want_cancel(&mut self, step: &mut Step<'_>, key: &ClientKey) {
        let Some(client) = self.clients.get_mut(key) else { return };
        client.wants_cancel = true;
        if client.provisional && client.finished.is_none() {
            self.cancel(step, key);
        }
    }

    fn cancel(&mut self, step: &mut Step<'_>, key: &ClientKey) {
        let Some(invite) = self.clients.get(key) else { return };
        let cancel_key = (key.0.clone(), "CANCEL");
        if self.clients.contains_key(&cancel_key) {
            return;
        }
        let top = text(&invite.bytes).lines().nth(1).expect("a Via").to_owned();
        let bytes = format!(
            "CANCEL {} SIP/2.0\r\n{top}\r\nMax-Forwards: 70\r\nFrom: {};tag={}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {} CANCEL\r\n\
             Reason: SIP;cause=487\r\nContent-Length: 0\r\n\r\n",
            invite.request_uri, invite.from, invite.local_tag, invite.to_header, invite.call_id, invite.cseq
        );
        let client = Client {
            bytes: Bytes::from(bytes),
            call_id: invite.call_id.clone(),
            local_tag: invite.local_tag.clone(),
            leg: None,
            epoch: step.epoch,
            from: invite.from.clone(),
            to_header: invite.to_header.clone(),
            request_uri: invite.request_uri.clone(),
            provisional: false,
            finished: None,
            wants_cancel: false,
            vias: 1,
            ..*invite
        };
        self.open(step, cancel_key, client);
    }

    pub(super) fn receive_response(&mut self, step: &mut Step<'_>, response: &Response) {
        let call_id = text(response.call_id());
        let (status, headers) = (response.status(), response.headers());
        let method = headers.first(HeaderName::CSeq).map(text).unwrap_or_default();
        let method = method.split_ascii_whitespace().last().unwrap_or_default().to_owned();
        let branch = text(response.branch());
        let found = self.clients.keys().find(|key| key.0 == branch && key.1 == method).cloned();
        let Some(key) = found else {
            if !self.forgot && !branch.starts_with(LIAR) {
                step.complain(&call_id, format!("a {status} to a {method} that {} never sent", self.name));
            }
            return;
        };
        let client = self.clients.get_mut(&key).expect("found above");
        if let Some(complaint) = client.check_response(response) {
            return step.complain(&call_id, complaint);
        }
        let plan = &step.plans[client.plan];
        if status < 200 {
            client.provisional = true;
            if client.wants_cancel && client.finished.is_none() {
                self.cancel(step, &key);
            } else if plan.caller_side.hangs_up_early && client.leg.is_none() && response.to_tag().is_some() {
                self.hang_up_early(step, &key, response);
            }
            return;
        }
        let finished = Finished::Answered(status, response.to_tag().unwrap_or_default().to_vec());
        match client.finished.clone() {
            None => client.finished = Some(finished),
            // Whoever has given up knows nothing of it any more.
            Some(Finished::TimedOut) => return,
            Some(before) => {
                let both_2xx = status < 300 && matches!(before, Finished::Answered(200..=299, _));
                if before != finished && !both_2xx && client.epoch == step.epoch {
                    let text = format!("a second final response {status} to a {method}, after {before:?}");
                    return step.complain(&call_id, text);
                }
            }
        }
        if method != "INVITE" {
            return;
        }
        if status < 300 {
            return self.take_answer(step, &key, response);
        }
        if plan.acks != Acks::Never {
            let ack = client.ack_to_failure(response);
            step.out.push(Out::Send { port: client.port, to: client.to, bytes: ack });
        }
    }

    /// RFC 3261 section 15: a caller may send BYE in an early dialog; most send CANCEL.
    fn hang_up_early(&mut self, step: &mut Step<'_>, key: &ClientKey, response: &Response) {
        let client = &self.clients[key];
        let plan = &step.plans[client.plan];
        let leg_key = client.dialog(response);
        if client.finished.is_some() || self.legs.contains_key(&leg_key) {
            return;
        }
        let contact = self.contact(&plan.contact_user);
        let leg = Leg::of_caller(client, response, contact, plan.caller_side.keeps_record_route);
        self.legs.insert(leg_key.clone(), leg);
        let after = Duration::from_millis(step.rng.random_range(1..2_000));
        step.wake(after, Timer::HangUp(leg_key));
    }

    /// A 2xx makes the dialog, or another one where the call was forked; each is acknowledged, each time.
    fn take_answer(&mut self, step: &mut Step<'_>, key: &ClientKey, response: &Response) {
        let client = &self.clients[key];
        let plan = &step.plans[client.plan];
        let (cseq, wants_cancel) = (client.cseq, client.wants_cancel);
        let leg_key = client.leg.clone().unwrap_or_else(|| client.dialog(response));
        if !self.legs.contains_key(&leg_key) {
            let is_fork =
                self.legs.keys().any(|leg| leg.call_id == leg_key.call_id && leg.local_tag == leg_key.local_tag);
            let contact = self.contact(&plan.contact_user);
            let leg = Leg::of_caller(client, response, contact, plan.caller_side.keeps_record_route);
            self.legs.insert(leg_key.clone(), leg);
            if wants_cancel || is_fork {
                // The CANCEL crossed the answer, or another has answered: nobody wants this call any more.
                let after = Duration::from_millis(step.rng.random_range(1..600));
                step.wake(after, Timer::HangUp(leg_key.clone()));
            }
            for (after, method) in &plan.caller_side.requests {
                step.wake(*after, Timer::InDialog(leg_key.clone(), method));
            }
            if let Some(after) = plan.caller_side.hangs_up {
                step.wake(after, Timer::HangUp(leg_key.clone()));
            }
            if plan.cancels_answered {
                self.cancel(step, key);
            }
        }
        if plan.acks != Acks::Never {
            self.acknowledge(step, &leg_key, cseq, contact_of(response));
        }
    }

    fn acknowledge(&mut self, step: &mut Step<'_>, leg_key: &LegKey, cseq: u32, target: String) {
        let known = self.legs[leg_key].acks.get(&cseq).cloned();
        let (bytes, to) = known.unwrap_or_else(|| {
            let (_, via) = self.via(self.port, true, 0);
            let proxy = self.proxy;
            let leg = self.legs.get_mut(leg_key).expect("a leg");
            let wrong = step.plans[leg.plan].acks == Acks::WithWrongCSeq;
            let number = if wrong { cseq + 7 } else { cseq };
            leg.confirmed = true;
            leg.target = target;
            let mut head = format!("ACK {} SIP/2.0\r\n{via}Max-Forwards: 69\r\n", leg.target);
            head += &routes(&leg.route_set, step.rng);
            head += &format!(
                "From: {};tag={}\r\nTo: {};tag={}\r\nCall-ID: {}\r\nCSeq: {number} ACK\r\nContent-Length: 0\r\n\r\n",
                leg.local, leg_key.local_tag, leg.remote, leg_key.remote_tag, leg_key.call_id
            );
            let ack = (Bytes::from(head), leg.next_hop(proxy));
            leg.acks.insert(cseq, ack.clone());
            ack
        });
        step.out.push(Out::Send { port: self.port, to, bytes });
    }
}

impl Client {
    /// The dialog that a response to this request makes.
    fn dialog(&self, response: &Response) -> LegKey {
        LegKey {
            call_id: self.call_id.clone(),
            local_tag: self.local_tag.clone(),
            remote_tag: text(response.to_tag().unwrap_or_default()),
        }
    }
}
