//! The neighbours: user agents with the timers of RFC 3261, written without a line of Ringfence's transaction layer.
//!
//! An agent calls and is called. What it does is a plan drawn beforehand ([`Plan`]) or a [`Behaviour`] drawn when a call
//! comes in. It follows Route, Record-Route and Contact strictly, or loses Record-Route as some peers do, and it
//! complains ([`Out::Complain`]) of whatever it receives that it should not.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use rand::RngExt;
use rand::rngs::StdRng;
use ringfence::flow::Transport;
use ringfence::sip::{HeaderName, Message, Method, NameAddr, Request, Response, Uri};

use crate::rules::Facts;

const T1: Duration = Duration::from_millis(500);
const T2: Duration = Duration::from_secs(4);
const TIMEOUT: Duration = Duration::from_secs(32);

/// One call, drawn before the simulation begins.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) call_id: String,
    pub(crate) caller: usize,
    pub(crate) facts: Facts,
    pub(crate) method: &'static str,
    pub(crate) request_uri: String,
    /// From without its tag.
    pub(crate) from: String,
    /// Whole header lines that say who calls, and the campaign.
    pub(crate) extra: String,
    pub(crate) contact_user: String,
    pub(crate) vias: usize,
    pub(crate) max_forwards: Option<u8>,
    pub(crate) preloaded_route: bool,
    /// To bears a tag, as if this were inside a dialog.
    pub(crate) invented_tag: bool,
    pub(crate) body: Bytes,
    pub(crate) start: Duration,
    pub(crate) cancel_after: Option<Duration>,
    pub(crate) caller_side: Side,
    pub(crate) callee_side: Side,
}

/// What one of the two does in the dialog.
#[derive(Debug, Clone)]
pub(crate) struct Side {
    pub(crate) keeps_record_route: bool,
    /// Methods of requests inside the dialog, and how long after the answer.
    pub(crate) requests: Vec<(Duration, &'static str)>,
    pub(crate) hangs_up: Option<Duration>,
    pub(crate) bye_from_new_port: bool,
}

/// What an agent does with a call that comes in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Behaviour {
    /// Rings, and then gives this final answer.
    Answer { ring: Option<Duration>, after: Duration, status: u16 },
    /// Rings until it is cancelled.
    Ring(Duration),
    /// Says nothing.
    Silent,
}

/// What an agent wants.
#[derive(Debug)]
pub(crate) enum Out {
    Send { port: u16, to: SocketAddr, bytes: Bytes },
    Wake { after: Duration, timer: Timer },
    Complain { call_id: String, text: String },
}

type ClientKey = (String, &'static str);
type LegKey = (String, String);

/// Why an agent is woken.
#[derive(Debug, Clone)]
pub(crate) enum Timer {
    Start(usize),
    Cancel(ClientKey),
    Retransmit(ClientKey, Duration),
    TimeOut(ClientKey),
    Respond(String, u16),
    RetransmitFinal(String, Duration, Duration),
    Retransmit2xx(LegKey, u32, Duration, Duration),
    InDialog(LegKey, &'static str),
    HangUp(LegKey),
}

#[derive(Debug)]
struct Client {
    bytes: Bytes,
    to: SocketAddr,
    port: u16,
    call_id: String,
    /// Its leg; for the request that makes the dialog only its tag.
    leg: LegKey,
    provisional: bool,
    finished: Option<(u16, Vec<u8>)>,
    ack: Option<Bytes>,
    wants_cancel: bool,
    initial: bool,
    vias: usize,
    from: String,
    to_header: String,
    request_uri: String,
    cseq: u32,
    plan: usize,
}

#[derive(Debug)]
struct Server {
    request: Request,
    from: SocketAddr,
    port: u16,
    last: Option<Bytes>,
    is_final: bool,
    acknowledged: bool,
    tag: String,
    leg: Option<LegKey>,
    plan: usize,
}

/// One agent's side of a dialog.
#[derive(Debug)]
struct Leg {
    call_id: String,
    plan: usize,
    is_caller: bool,
    local: String,
    remote: String,
    local_tag: String,
    remote_tag: String,
    contact: String,
    route_set: Vec<String>,
    target: String,
    cseq: u32,
    acks: BTreeMap<u32, (Bytes, SocketAddr)>,
    /// 2xx to be repeated until its ACK comes, by CSeq.
    unacknowledged: BTreeMap<u32, (Bytes, SocketAddr, u16)>,
    confirmed: bool,
    ended: bool,
}

pub(crate) struct Agent {
    pub(crate) name: &'static str,
    pub(crate) ip: IpAddr,
    pub(crate) port: u16,
    pub(crate) transport: Transport,
    /// Where it finds us.
    pub(crate) proxy: SocketAddr,
    pub(crate) ports: Vec<u16>,
    clients: BTreeMap<ClientKey, Client>,
    servers: BTreeMap<(String, &'static str), Server>,
    legs: BTreeMap<LegKey, Leg>,
    count: u32,
}

/// What an agent's step may use.
pub(crate) struct Step<'a> {
    pub(crate) plans: &'a [Plan],
    pub(crate) rng: &'a mut StdRng,
    pub(crate) out: Vec<Out>,
}

impl Step<'_> {
    fn wake(&mut self, after: Duration, timer: Timer) {
        self.out.push(Out::Wake { after, timer });
    }

    fn complain(&mut self, call_id: &str, text: String) {
        self.out.push(Out::Complain { call_id: call_id.to_owned(), text });
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn method_name(request: &Request) -> &'static str {
    ["INVITE", "ACK", "CANCEL", "BYE", "INFO", "UPDATE", "MESSAGE", "OPTIONS"]
        .into_iter()
        .find(|name| name.as_bytes() == request.method_name())
        .expect("a method of the simulation")
}

/// A From or To value without its tag.
fn untagged(value: &[u8]) -> String {
    let address = NameAddr::parse(value).expect("an address");
    let end = value.len() - address.params.len();
    text(&value[..end])
}

impl Agent {
    pub(crate) fn new(name: &'static str, ip: [u8; 4], port: u16, transport: Transport, proxy: SocketAddr) -> Agent {
        Agent {
            name,
            ip: IpAddr::from(ip),
            port,
            transport,
            proxy,
            ports: vec![port],
            clients: BTreeMap::new(),
            servers: BTreeMap::new(),
            legs: BTreeMap::new(),
            count: 0,
        }
    }

    fn is_udp(&self) -> bool {
        self.transport == Transport::Udp
    }

    fn next(&mut self) -> u32 {
        self.count += 1;
        self.count
    }

    fn contact(&self, user: &str) -> String {
        let transport = if self.is_udp() { "" } else { ";transport=tcp" };
        format!("sip:{user}@{}:{}{transport}", self.ip, self.port)
    }

    /// The Via lines of a new request: our own, with rport or without, above those of the hops before us.
    fn via(&mut self, port: u16, rport: bool, below: usize) -> (String, String) {
        let count = self.next();
        let branch = format!("z9hG4bK{}-{count}", self.name);
        let rport = if rport { ";rport" } else { "" };
        let token = self.transport.via_token();
        let mut lines = format!("Via: SIP/2.0/{token} {}:{port};branch={branch}{rport}\r\n", self.ip);
        for at in 0..below {
            lines += &format!("Via: SIP/2.0/UDP below{at}.example.net;branch=z9hG4bKbelow{at}-{branch}\r\n");
        }
        (branch, lines)
    }

    pub(crate) fn wake(&mut self, step: &mut Step<'_>, timer: Timer) {
        match timer {
            Timer::Start(plan) => self.start(step, plan),
            Timer::Cancel(key) => {
                if let Some(client) = self.clients.get_mut(&key) {
                    client.wants_cancel = true;
                    if client.provisional && client.finished.is_none() {
                        self.cancel(step, &key);
                    }
                }
            }
            Timer::Retransmit(key, interval) => self.retransmit(step, key, interval),
            Timer::TimeOut(key) => self.time_out(&key),
            Timer::Respond(branch, status) => self.respond_later(step, &branch, status),
            Timer::RetransmitFinal(branch, interval, left) => {
                let Some(server) = self.servers.get(&(branch.clone(), "INVITE")) else { return };
                if server.acknowledged || left.is_zero() {
                    return;
                }
                let (port, to) = (server.port, server.from);
                step.out.push(Out::Send { port, to, bytes: server.last.clone().expect("a final response") });
                let next = (interval * 2).min(T2);
                step.wake(next, Timer::RetransmitFinal(branch, next, left.saturating_sub(next)));
            }
            Timer::Retransmit2xx(key, cseq, interval, left) => {
                let Some(leg) = self.legs.get(&key) else { return };
                let Some((bytes, to, port)) = leg.unacknowledged.get(&cseq).cloned() else { return };
                if left.is_zero() {
                    // RFC 3261 section 13.3.1.4: a dialog without ACK is ended.
                    return self.hang_up(step, &key);
                }
                step.out.push(Out::Send { port, to, bytes });
                let next = (interval * 2).min(T2);
                step.wake(next, Timer::Retransmit2xx(key, cseq, next, left.saturating_sub(next)));
            }
            Timer::InDialog(key, method) => self.in_dialog(step, &key, method),
            Timer::HangUp(key) => self.hang_up(step, &key),
        }
    }

    fn start(&mut self, step: &mut Step<'_>, at: usize) {
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
            leg: (plan.call_id.clone(), tag),
            provisional: false,
            finished: None,
            ack: None,
            wants_cancel: false,
            initial: true,
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

    fn open(&mut self, step: &mut Step<'_>, key: ClientKey, client: Client) {
        step.out.push(Out::Send { port: client.port, to: client.to, bytes: client.bytes.clone() });
        if self.is_udp() {
            step.wake(T1, Timer::Retransmit(key.clone(), T1));
        }
        step.wake(TIMEOUT, Timer::TimeOut(key.clone()));
        self.clients.insert(key, client);
    }

    fn retransmit(&mut self, step: &mut Step<'_>, key: ClientKey, interval: Duration) {
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

    fn time_out(&mut self, key: &ClientKey) {
        let Some(client) = self.clients.get_mut(key) else { return };
        if client.finished.is_some() || (key.1 == "INVITE" && client.provisional) {
            return;
        }
        client.finished = Some((408, Vec::new()));
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
            invite.request_uri, invite.from, invite.leg.1, invite.to_header, invite.call_id, invite.cseq
        );
        let client = Client {
            bytes: Bytes::from(bytes),
            call_id: invite.call_id.clone(),
            leg: invite.leg.clone(),
            from: invite.from.clone(),
            to_header: invite.to_header.clone(),
            request_uri: invite.request_uri.clone(),
            provisional: false,
            finished: None,
            ack: None,
            wants_cancel: false,
            initial: false,
            vias: 1,
            ..*invite
        };
        self.open(step, cancel_key, client);
    }

    /// A request inside a dialog: sent to the first Route, or where the dialog's messages came from.
    fn request(&mut self, step: &mut Step<'_>, key: &LegKey, method: &'static str, port: u16) -> (ClientKey, Client) {
        let vias = usize::from(port != self.port);
        let (branch, via_lines) = self.via(port, true, vias);
        let proxy = self.proxy;
        let leg = self.legs.get_mut(key).expect("a leg");
        leg.cseq += 1;
        let body = if method == "INFO" { "\u{0}\u{1}isup\r\n\r\nREFER x" } else { "" };
        let plan = &step.plans[leg.plan];
        let mut head = format!("{method} {} SIP/2.0\r\n{via_lines}Max-Forwards: 69\r\n", leg.target);
        head += &routes(&leg.route_set, step.rng);
        head += &format!("From: {};tag={}\r\nTo: {};tag={}\r\n", leg.local, leg.local_tag, leg.remote, leg.remote_tag);
        if leg.is_caller {
            head += &plan.extra;
        }
        head += &format!("Call-ID: {}\r\nCSeq: {} {method}\r\n", leg.call_id, leg.cseq);
        if matches!(method, "INVITE" | "UPDATE") {
            head += &format!("Contact: <{}>\r\n", leg.contact);
        }
        head += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
        let client = Client {
            bytes: Bytes::from(head),
            to: leg.next_hop(proxy),
            port,
            call_id: leg.call_id.clone(),
            leg: key.clone(),
            provisional: false,
            finished: None,
            ack: None,
            wants_cancel: false,
            initial: false,
            vias: vias + 1,
            from: leg.local.clone(),
            to_header: leg.remote.clone(),
            request_uri: leg.target.clone(),
            cseq: leg.cseq,
            plan: leg.plan,
        };
        ((branch, method), client)
    }

    fn in_dialog(&mut self, step: &mut Step<'_>, key: &LegKey, method: &'static str) {
        if self.legs.get(key).is_none_or(|leg| leg.ended || !leg.confirmed) {
            return;
        }
        let (key, client) = self.request(step, key, method, self.port);
        self.open(step, key, client);
    }

    fn hang_up(&mut self, step: &mut Step<'_>, key: &LegKey) {
        let Some(leg) = self.legs.get_mut(key).filter(|leg| !leg.ended) else { return };
        leg.ended = true;
        leg.unacknowledged.clear();
        let plan = &step.plans[leg.plan];
        let side = if leg.is_caller { &plan.caller_side } else { &plan.callee_side };
        let port = if side.bye_from_new_port && self.is_udp() { 30_000 + self.port % 1_000 } else { self.port };
        if !self.ports.contains(&port) {
            self.ports.push(port);
        }
        let (key, client) = self.request(step, key, "BYE", port);
        self.open(step, key, client);
    }

    pub(crate) fn receive(&mut self, step: &mut Step<'_>, port: u16, from: SocketAddr, message: &Message) {
        match message {
            Message::Request(request) => self.receive_request(step, port, from, request),
            Message::Response(response) => self.receive_response(step, response),
        }
    }

    fn receive_response(&mut self, step: &mut Step<'_>, response: &Response) {
        let call_id = text(response.call_id());
        let (status, headers) = (response.status(), response.headers());
        let method = headers.first(HeaderName::CSeq).map(text).unwrap_or_default();
        let method = method.split_ascii_whitespace().last().unwrap_or_default().to_owned();
        let branch = text(response.branch());
        let found = self.clients.keys().find(|key| key.0 == branch && key.1 == method).cloned();
        let Some(key) = found else {
            return step.complain(&call_id, format!("a {status} to a {method} that {} never sent", self.name));
        };
        let client = self.clients.get_mut(&key).expect("found above");
        let complaint = client.check_response(response);
        if let Some(complaint) = complaint {
            return step.complain(&call_id, complaint);
        }
        if status < 200 {
            client.provisional = true;
            if client.wants_cancel && client.finished.is_none() {
                self.cancel(step, &key);
            }
            return;
        }
        let tag = response.to_tag().unwrap_or_default().to_vec();
        let first = client.finished.is_none();
        let timed_out = client.finished == Some((408, Vec::new()));
        if first {
            client.finished = Some((status, tag.clone()));
        } else if !timed_out && client.finished.as_ref() != Some(&(status, tag.clone())) {
            let had = client.finished.clone();
            return step.complain(&call_id, format!("a second final response {status} to a {method}, after {had:?}"));
        }
        if method != "INVITE" || timed_out {
            return;
        }
        if status >= 300 {
            let ack = client.ack_to_failure(response);
            client.ack = Some(ack.clone());
            let (port, to) = (client.port, client.to);
            step.out.push(Out::Send { port, to, bytes: ack });
            return;
        }
        self.acknowledge(step, &key, response);
    }

    /// ACK to a 2xx; the first one makes the dialog.
    fn acknowledge(&mut self, step: &mut Step<'_>, key: &ClientKey, response: &Response) {
        let client = &self.clients[key];
        let (leg_key, cseq, initial, at) = (client.leg.clone(), client.cseq, client.initial, client.plan);
        let wants_cancel = client.wants_cancel;
        let (local, remote, call_id) = (client.from.clone(), client.to_header.clone(), client.call_id.clone());
        let contact = response.headers().values(HeaderName::Contact).next().expect("a Contact");
        let target = text(NameAddr::parse(contact).expect("an address").uri);
        let plan = &step.plans[at];
        let is_new = initial && !self.legs.contains_key(&leg_key);
        if is_new {
            let mut route_set: Vec<String> = response.headers().values(HeaderName::RecordRoute).map(text).collect();
            route_set.reverse();
            if !plan.caller_side.keeps_record_route {
                route_set.clear();
            }
            let leg = Leg {
                call_id,
                plan: at,
                is_caller: true,
                local,
                remote,
                local_tag: leg_key.1.clone(),
                remote_tag: text(response.to_tag().unwrap_or_default()),
                contact: self.contact(&plan.contact_user),
                route_set,
                target: target.clone(),
                cseq,
                acks: BTreeMap::new(),
                unacknowledged: BTreeMap::new(),
                confirmed: true,
                ended: false,
            };
            self.legs.insert(leg_key.clone(), leg);
            if wants_cancel {
                // The CANCEL crossed the answer: nobody wants this call any more.
                step.wake(Duration::from_millis(1), Timer::HangUp(leg_key.clone()));
            }
            for (after, method) in &plan.caller_side.requests {
                step.wake(*after, Timer::InDialog(leg_key.clone(), method));
            }
            if let Some(after) = plan.caller_side.hangs_up {
                step.wake(after, Timer::HangUp(leg_key.clone()));
            }
        }
        let known = self.legs[&leg_key].acks.get(&cseq).cloned();
        let (ack, to) = match known {
            Some(known) => known,
            None => {
                let (_, via) = self.via(self.port, true, 0);
                let proxy = self.proxy;
                let leg = self.legs.get_mut(&leg_key).expect("a leg");
                leg.target = target;
                let mut head = format!("ACK {} SIP/2.0\r\n{via}Max-Forwards: 69\r\n", leg.target);
                head += &routes(&leg.route_set, step.rng);
                head += &format!(
                    "From: {};tag={}\r\nTo: {};tag={}\r\nCall-ID: {}\r\nCSeq: {cseq} ACK\r\nContent-Length: 0\r\n\r\n",
                    leg.local, leg.local_tag, leg.remote, leg.remote_tag, leg.call_id
                );
                let ack = (Bytes::from(head), leg.next_hop(proxy));
                leg.acks.insert(cseq, ack.clone());
                ack
            }
        };
        step.out.push(Out::Send { port: self.port, to, bytes: ack });
    }

    fn receive_request(&mut self, step: &mut Step<'_>, port: u16, from: SocketAddr, request: &Request) {
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
            (_, None) => self.respond(step, &branch, method, 200),
        }
    }

    fn receive_call(&mut self, step: &mut Step<'_>, branch: &str) {
        let behaviour = behaviour(step.rng);
        let respond = |status| Timer::Respond(branch.to_owned(), status);
        match behaviour {
            Behaviour::Answer { ring, after, status } => {
                if let Some(ring) = ring {
                    step.wake(ring, respond(180));
                }
                step.wake(after, respond(status));
            }
            Behaviour::Ring(ring) => step.wake(ring, respond(183)),
            Behaviour::Silent => {}
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
        let leg_key = (call_id.clone(), text(request.to_tag().unwrap_or_default()));
        let Some(leg) = self.legs.get_mut(&leg_key) else {
            return self.respond(step, branch, method, 481);
        };
        if let Some(complaint) = leg.check_request(request) {
            step.complain(&call_id, format!("{method} at {}: {complaint}", self.name));
        }
        if leg.ended && method != "BYE" {
            return self.respond(step, branch, method, 481);
        }
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
        let leg_key = (call_id.clone(), text(request.to_tag().unwrap_or_default()));
        let Some(leg) = self.legs.get_mut(&leg_key) else {
            return step.complain(&call_id, format!("an ACK at {} that belongs to no leg", self.name));
        };
        if let Some(complaint) = leg.check_request(request) {
            step.complain(&call_id, format!("ACK at {}: {complaint}", self.name));
        }
        leg.unacknowledged.remove(&request.cseq());
        if std::mem::replace(&mut leg.confirmed, true) || leg.is_caller {
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

    fn respond_later(&mut self, step: &mut Step<'_>, branch: &str, status: u16) {
        let open = self.servers.get(&(branch.to_owned(), "INVITE")).is_some_and(|server| !server.is_final);
        if open {
            self.respond(step, branch, "INVITE", status);
        }
    }

    fn respond(&mut self, step: &mut Step<'_>, branch: &str, method: &'static str, status: u16) {
        let key = (branch.to_owned(), method);
        let server = &self.servers[&key];
        let plan = &step.plans[server.plan];
        let request = &server.request;
        let keeps = plan.callee_side.keeps_record_route;
        let dialog = method == "INVITE" && status < 300;
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
            let leg_key = (text(request.call_id()), tag.clone());
            self.legs.insert(leg_key.clone(), Leg::of_callee(&request, &tag, plan_at, contact, keeps));
            let server = self.servers.get_mut(&key).expect("read above");
            server.leg = Some(leg_key.clone());
            leg_key
        });
        let leg = self.legs.get_mut(&leg_key).expect("a leg");
        leg.unacknowledged.insert(request.cseq(), (bytes, to, port));
        step.wake(T1, Timer::Retransmit2xx(leg_key, request.cseq(), T1, TIMEOUT));
    }

    /// The calls that ring here without end.
    pub(crate) fn ringing(&self) -> impl Iterator<Item = String> {
        let rings = |server: &&Server| server.last.is_some() && !server.is_final;
        self.servers.values().filter(rings).map(|server| text(server.request.call_id()))
    }

    /// The calls that this agent thinks are up, and whether it called.
    pub(crate) fn talking(&self) -> impl Iterator<Item = (&str, bool)> {
        self.legs.values().filter(|leg| !leg.ended).map(|leg| (&*leg.call_id, leg.is_caller))
    }
}

/// Route lines, one value in each or all in one.
fn routes(set: &[String], rng: &mut StdRng) -> String {
    if set.is_empty() {
        return String::new();
    }
    if rng.random_bool(0.5) {
        return format!("Route: {}\r\n", set.join(", "));
    }
    set.iter().map(|route| format!("Route: {route}\r\n")).collect()
}

fn behaviour(rng: &mut StdRng) -> Behaviour {
    let mut millis = |range: std::ops::Range<u64>| Duration::from_millis(rng.random_range(range));
    let (ring, after, pick) = (millis(0..1_500), millis(1_500..12_000), millis(0..100).as_millis());
    let at_once = millis(0..400);
    let ringing = |status| Behaviour::Answer { ring: Some(ring), after, status };
    match pick {
        0..40 => ringing(200),
        40..50 => Behaviour::Answer { ring: None, after: at_once, status: 200 },
        // Beyond try_for: the next target may have been tried meanwhile.
        50..55 => Behaviour::Answer { ring: Some(ring + Duration::from_secs(2)), after, status: 200 },
        55..62 => ringing(486),
        62..67 => ringing(603),
        67..73 => Behaviour::Answer { ring: None, after: at_once, status: 503 },
        73..76 => ringing(503),
        76..79 => Behaviour::Answer { ring: None, after: at_once, status: 302 },
        79..82 => Behaviour::Answer { ring: None, after: at_once, status: 480 },
        82..90 => Behaviour::Ring(ring),
        90..94 => Behaviour::Answer { ring: None, after, status: 404 },
        _ => Behaviour::Silent,
    }
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
        if from != self.from || response.from_tag() != self.leg.1.as_bytes() {
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
            self.leg.1,
            text(response.headers().slice(response.to_span())),
            self.call_id,
            self.cseq
        ))
    }
}

impl Leg {
    fn of_callee(request: &Request, tag: &str, plan: usize, contact: String, keeps: bool) -> Leg {
        let headers = request.headers();
        let route_set = headers.values(HeaderName::RecordRoute).filter(|_| keeps).map(text).collect();
        let target = headers.values(HeaderName::Contact).next().expect("a Contact");
        Leg {
            call_id: text(request.call_id()),
            plan,
            is_caller: false,
            local: untagged(headers.slice(request.to_span())),
            remote: untagged(headers.slice(request.from_span())),
            local_tag: tag.to_owned(),
            remote_tag: text(request.from_tag()),
            contact,
            route_set,
            target: text(NameAddr::parse(target).expect("an address").uri),
            cseq: 100,
            acks: BTreeMap::new(),
            unacknowledged: BTreeMap::new(),
            confirmed: false,
            ended: false,
        }
    }

    fn next_hop(&self, proxy: SocketAddr) -> SocketAddr {
        let Some(route) = self.route_set.first() else { return proxy };
        let address = NameAddr::parse(route.as_bytes()).expect("an address");
        let uri = Uri::parse(address.uri).expect("a URI");
        let host = text(uri.host).parse().expect("an address in Record-Route");
        SocketAddr::new(host, uri.port.unwrap_or(5060))
    }

    /// A request inside the dialog must be for our Contact and name the two as we know them.
    fn check_request(&self, request: &Request) -> Option<String> {
        let headers = request.headers();
        let (from, to) = (untagged(headers.slice(request.from_span())), untagged(headers.slice(request.to_span())));
        if request.uri_bytes() != self.contact.as_bytes() {
            return Some(format!("the Request-URI is {}, not {}", text(request.uri_bytes()), self.contact));
        }
        if from != self.remote || request.from_tag() != self.remote_tag.as_bytes() {
            return Some(format!("From is {from}, not {}", self.remote));
        }
        if to != self.local {
            return Some(format!("To is {to}, not {}", self.local));
        }
        let method = request.method();
        let routed = headers.named(HeaderName::Route).next().is_some();
        (routed && method != Method::Cancel).then(|| "a Route is left".to_owned())
    }
}
