//! The neighbours: user agents with the timers of RFC 3261, written without a line of Ringfence's transaction layer.
//!
//! An agent calls and is called. What it does is a plan drawn beforehand ([`Plan`]) or a [`Behaviour`] drawn when a call
//! comes in. It follows Route, Record-Route and Contact strictly, or does wrong what its plan says, as some peers do
//! ([`Side`], [`Acks`]), and it complains ([`Out::Complain`]) of whatever it receives that it should not.

mod client;
mod leg;
mod server;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use rand::rngs::StdRng;
use ringfence::flow::Transport;
use ringfence::sip::{Message, NameAddr, Request};

use crate::rules::Facts;
use client::Client;
use leg::Leg;
use server::Server;

const T1: Duration = Duration::from_millis(500);
const T2: Duration = Duration::from_secs(4);
const TIMEOUT: Duration = Duration::from_secs(32);

/// Branches that begin so belong to no transaction of an agent: a liar's, who does not wait for answers.
pub(crate) const LIAR: &str = "z9hG4bKliar";

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
    /// Sends CANCEL when it has the answer, too late for it to mean anything.
    pub(crate) cancels_answered: bool,
    pub(crate) acks: Acks,
    pub(crate) caller_side: Side,
    pub(crate) callee_side: Side,
}

/// What one of the two does in the dialog.
#[derive(Debug, Clone)]
pub(crate) struct Side {
    pub(crate) keeps_record_route: bool,
    /// Methods of requests inside the dialog, and how long after the answer.
    pub(crate) requests: Vec<(Duration, &'static str)>,
    /// They bear the CSeq number of the request before.
    pub(crate) stale_cseq: bool,
    pub(crate) hangs_up: Option<Duration>,
    /// Sends BYE before it may: the caller while it rings, the callee before it has the ACK.
    pub(crate) hangs_up_early: bool,
    pub(crate) bye_from_new_port: bool,
}

/// How the caller acknowledges final responses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Acks {
    Rightly,
    Never,
    /// The ACK to a 2xx bears another CSeq number.
    WithWrongCSeq,
}

/// What an agent does with a call that comes in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Behaviour {
    /// Rings, and then gives this final answer.
    Answer { ring: Option<Duration>, after: Duration, status: u16 },
    /// Two phones behind it answer one after the other.
    Fork { ring: Option<Duration>, after: Duration, again: Duration },
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

/// Branch and method.
type ClientKey = (String, &'static str);

/// One agent's view of a dialog.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LegKey {
    call_id: String,
    local_tag: String,
    remote_tag: String,
}

/// Why an agent is woken.
#[derive(Debug, Clone)]
pub(crate) enum Timer {
    Start(usize),
    Cancel(ClientKey),
    Retransmit(ClientKey, Duration),
    TimeOut(ClientKey),
    Respond(String, u16),
    AnswerAgain(String),
    RetransmitFinal(String, Duration, Duration),
    Retransmit2xx(LegKey, u32, Duration, Duration),
    InDialog(LegKey, &'static str),
    HangUp(LegKey),
}

pub(crate) struct Agent {
    pub(crate) name: &'static str,
    pub(crate) ip: IpAddr,
    pub(crate) port: u16,
    pub(crate) transport: Transport,
    /// Where it finds us.
    pub(crate) proxy: SocketAddr,
    pub(crate) ports: Vec<u16>,
    /// Sends each datagram so many times more than it should.
    pub(crate) repeats: u32,
    /// It has been restarted, and knows nothing of what it did before.
    pub(crate) forgot: bool,
    clients: BTreeMap<ClientKey, Client>,
    servers: BTreeMap<ClientKey, Server>,
    legs: BTreeMap<LegKey, Leg>,
    count: u32,
}

/// What an agent's step may use.
pub(crate) struct Step<'a> {
    pub(crate) plans: &'a [Plan],
    pub(crate) rng: &'a mut StdRng,
    /// How often the proxy has been restarted.
    pub(crate) epoch: usize,
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
            repeats: 0,
            forgot: false,
            clients: BTreeMap::new(),
            servers: BTreeMap::new(),
            legs: BTreeMap::new(),
            count: 0,
        }
    }

    /// Dies, and begins anew.
    pub(crate) fn forget(&mut self) {
        self.clients.clear();
        self.servers.clear();
        self.legs.clear();
        self.forgot = true;
    }

    /// It only lies: it is in no call.
    pub(crate) fn is_liar(&self) -> bool {
        self.name == "wild-12" || self.is_stranger()
    }

    /// It belongs to no trunk.
    pub(crate) fn is_stranger(&self) -> bool {
        self.name == "alien-1"
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
            Timer::Cancel(key) => self.want_cancel(step, &key),
            Timer::Retransmit(key, interval) => self.retransmit(step, key, interval),
            Timer::TimeOut(key) => self.time_out(&key, step.epoch),
            Timer::Respond(branch, status) => self.respond_later(step, &branch, status),
            Timer::AnswerAgain(branch) => self.answer_again(step, &branch),
            Timer::RetransmitFinal(branch, interval, left) => self.retransmit_final(step, branch, interval, left),
            Timer::Retransmit2xx(key, cseq, interval, left) => self.retransmit_2xx(step, key, cseq, interval, left),
            Timer::InDialog(key, method) => self.in_dialog(step, &key, method),
            Timer::HangUp(key) => self.hang_up(step, &key),
        }
    }

    pub(crate) fn receive(&mut self, step: &mut Step<'_>, port: u16, from: SocketAddr, message: &Message) {
        match message {
            Message::Request(request) => self.receive_request(step, port, from, request),
            Message::Response(response) => self.receive_response(step, response),
        }
    }

    /// The calls that ring here without end.
    pub(crate) fn ringing(&self) -> impl Iterator<Item = String> {
        self.servers.values().filter(|server| server.rings()).map(|server| text(server.request.call_id()))
    }

    /// The calls that this agent thinks are up, and whether it called.
    pub(crate) fn talking(&self) -> impl Iterator<Item = (&str, bool)> {
        self.legs.iter().filter(|(_, leg)| !leg.ended).map(|(key, leg)| (&*key.call_id, leg.is_caller))
    }
}
