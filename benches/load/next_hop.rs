//! The next hop: answers calls.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::net::SocketAddrV4;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::message::{SENT, method, status, value, values};
use crate::report::Latencies;
use crate::socket::{self, Socket, Transport};

#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    socket: socket::Options,
    /// Where calls come to.
    #[arg(long, default_value = "127.0.0.3:5070")]
    listen: SocketAddrV4,
    /// Milliseconds between 180 and 200.
    #[arg(long, default_value_t = 0)]
    ring: u64,
    /// Ends, with a report, this many seconds after the last message.
    #[arg(long)]
    until_idle: Option<u64>,
}

/// RFC 3261 section 17.1.1.1: the first retransmission.
const T1: Duration = Duration::from_millis(500);

/// RFC 3261 section 13.3.1.4: retransmissions of a 2xx come no further apart than this.
const T2: Duration = Duration::from_secs(4);

/// RFC 3261 section 13.3.1.4: a 2xx without ACK is given up after this.
const GIVE_UP: Duration = Duration::from_millis(64 * 500);

/// A call that is not over.
struct Call {
    peer: SocketAddrV4,
    /// The 200 to its INVITE.
    answer: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Ringing,
    Answered { since: Instant, interval: Duration },
    Confirmed,
    Ended { since: Instant },
}

#[derive(Default)]
struct Counts {
    invites: u64,
    acknowledged: u64,
    ended: u64,
    repeated_invites: u64,
    repeated_acks: u64,
    repeated_byes: u64,
    repeated_answers: u64,
    unacknowledged: u64,
    unexpected: u64,
}

struct NextHop {
    options_ring: Duration,
    contact: SocketAddrV4,
    transport: Transport,
    calls: HashMap<u64, Call>,
    due: BinaryHeap<Reverse<(Instant, u64)>>,
    counts: Counts,
    /// From the caller's stamp to the arrival here.
    on_the_way: Latencies,
}

pub(crate) fn run(options: &Options) -> io::Result<ExitCode> {
    let mut socket = Socket::listen(&options.socket, options.listen)?;
    let mut hop = NextHop {
        options_ring: Duration::from_millis(options.ring),
        contact: socket.local()?,
        transport: options.socket.transport,
        calls: HashMap::new(),
        due: BinaryHeap::new(),
        counts: Counts::default(),
        on_the_way: Latencies::default(),
    };
    let mut last_message = None;
    let mut incoming: Vec<(Vec<u8>, SocketAddrV4)> = Vec::new();
    loop {
        let has_more = socket.receive(|bytes, peer, arrived| {
            if let Some(latency) = on_the_way(bytes, arrived) {
                hop.on_the_way.add(latency);
            }
            incoming.push((bytes.to_vec(), peer));
        })?;
        let now = Instant::now();
        if !incoming.is_empty() {
            last_message = Some(now);
        }
        for (bytes, peer) in incoming.drain(..) {
            hop.handle(now, &bytes, peer, &mut socket);
        }
        hop.handle_timeouts(now, &mut socket);
        socket.flush();
        let idle_at = options.until_idle.zip(last_message).map(|(idle, last)| last + Duration::from_secs(idle));
        if idle_at.is_some_and(|idle_at| idle_at <= now) {
            hop.report(socket.unsent());
            return Ok(ExitCode::SUCCESS);
        }
        if !has_more {
            let due = hop.due.peek().map(|Reverse((due, _))| *due);
            let wake = [due, idle_at].into_iter().flatten().min();
            socket.wait(wake.map(|wake| wake.saturating_duration_since(Instant::now())));
        }
    }
}

impl NextHop {
    fn handle(&mut self, now: Instant, message: &[u8], peer: SocketAddrV4, socket: &mut Socket) {
        let id = call_hash(message);
        let state = self.calls.get(&id).map(|call| call.state);
        match (method(message), state) {
            _ if status(message).is_some() => self.counts.unexpected += 1,
            (b"INVITE", None) => {
                self.counts.invites += 1;
                socket.send(peer, |out| self.respond(message, "180 Ringing", out));
                let mut answer = Vec::with_capacity(1024);
                self.respond(message, "200 OK", &mut answer);
                self.calls.insert(id, Call { peer, answer, state: State::Ringing });
                if self.options_ring.is_zero() {
                    self.answer(now, id, socket);
                } else {
                    self.due.push(Reverse((now + self.options_ring, id)));
                }
            }
            (b"INVITE", Some(_)) => self.counts.repeated_invites += 1,
            (b"ACK", Some(State::Answered { .. })) => {
                self.counts.acknowledged += 1;
                if let Some(call) = self.calls.get_mut(&id) {
                    call.state = State::Confirmed;
                    call.answer = Vec::new();
                }
            }
            (b"ACK", Some(_)) => self.counts.repeated_acks += 1,
            (b"BYE", Some(state)) => {
                if matches!(state, State::Ended { .. }) {
                    self.counts.repeated_byes += 1;
                } else {
                    self.counts.ended += 1;
                    // Remembered for retransmissions, as Timer J would.
                    self.due.push(Reverse((now + GIVE_UP, id)));
                    if let Some(call) = self.calls.get_mut(&id) {
                        call.state = State::Ended { since: now };
                    }
                }
                socket.send(peer, |out| self.respond(message, "200 OK", out));
            }
            (b"OPTIONS", _) => socket.send(peer, |out| self.respond(message, "200 OK", out)),
            (b"BYE", None) => {
                self.counts.unexpected += 1;
                socket.send(peer, |out| self.respond(message, "481 Call/Transaction Does Not Exist", out));
            }
            _ => self.counts.unexpected += 1,
        }
    }

    fn handle_timeouts(&mut self, now: Instant, socket: &mut Socket) {
        while let Some(&Reverse((due, id))) = self.due.peek() {
            if due > now {
                return;
            }
            self.due.pop();
            match self.calls.get(&id).map(|call| call.state) {
                Some(State::Ringing) => self.answer(now, id, socket),
                Some(State::Answered { since, .. }) if now - since >= GIVE_UP => {
                    self.counts.unacknowledged += 1;
                    self.calls.remove(&id);
                }
                Some(State::Answered { .. }) => {
                    self.counts.repeated_answers += 1;
                    self.answer(now, id, socket);
                }
                Some(State::Ended { since }) if now - since >= GIVE_UP => {
                    self.calls.remove(&id);
                }
                Some(State::Ended { .. } | State::Confirmed) | None => {}
            }
        }
    }

    /// Sends the 200, for the first time or again.
    fn answer(&mut self, now: Instant, id: u64, socket: &mut Socket) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let (since, interval) = match call.state {
            State::Answered { since, interval } => (since, (interval * 2).min(T2)),
            _ => (now, T1),
        };
        call.state = State::Answered { since, interval };
        self.due.push(Reverse((now + interval, id)));
        socket.send(call.peer, |out| out.extend_from_slice(&call.answer));
    }

    fn respond(&self, request: &[u8], status: &str, out: &mut Vec<u8>) {
        let mut line = |parts: &[&[u8]]| {
            parts.iter().for_each(|part| out.extend_from_slice(part));
            out.extend_from_slice(b"\r\n");
        };
        line(&[b"SIP/2.0 ", status.as_bytes()]);
        for name in ["Via", "Record-Route"] {
            values(request, name).for_each(|value| line(&[name.as_bytes(), b": ", value]));
        }
        line(&[b"From: ", value(request, "From")]);
        let to = value(request, "To");
        let tag: &[u8] = if memchr::memmem::find(to, b";tag=").is_some() { b"" } else { b";tag=next-hop" };
        line(&[b"To: ", to, tag]);
        line(&[b"Call-ID: ", value(request, "Call-ID")]);
        line(&[b"CSeq: ", value(request, "CSeq")]);
        let (contact, parameter) = (self.contact.to_string(), self.transport.parameter());
        line(&[b"Contact: <sip:next-hop@", contact.as_bytes(), parameter.as_bytes(), b">"]);
        line(&[b"Content-Length: 0\r\n"]);
    }

    fn report(&mut self, unsent: u64) {
        let counts = &self.counts;
        println!("invites {}  acknowledged {}  ended {}", counts.invites, counts.acknowledged, counts.ended);
        println!(
            "came twice: invites {}  acks {}  byes {};  answered again {}",
            counts.repeated_invites, counts.repeated_acks, counts.repeated_byes, counts.repeated_answers
        );
        println!("unacknowledged {}  unexpected {}  unsent {unsent}", counts.unacknowledged, counts.unexpected);
        self.on_the_way.print("INVITE from caller to here");
    }
}

/// How long a stamped INVITE was on the way.
fn on_the_way(message: &[u8], arrived: Option<Duration>) -> Option<Duration> {
    let arrived = arrived.filter(|_| message.starts_with(b"INVITE "))?;
    let sent = std::str::from_utf8(value(message, SENT)).ok()?.parse().ok()?;
    arrived.checked_sub(Duration::from_nanos(sent))
}

fn call_hash(message: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    value(message, "Call-ID").hash(&mut hasher);
    hasher.finish()
}
