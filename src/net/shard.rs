//! A shard: one thread, one core, its UDP sockets and its mailbox.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use arc_swap::ArcSwap;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;

use super::admission::{Admission, Fate};
use super::post::Post;
use super::resolve::Resolver;
use super::stream::Streams;
use super::udp::{Buffers, Datagram, Endpoint, Outgoing, UdpPort};
use super::{Records, ShardCore};
use crate::counters::NetCounters;
use crate::engine::{Action, Input, Ticket};
use crate::flow::{Flow, Transport};
use crate::sip::{self, Message, Method};
use crate::time::{Now, WallTime};

/// What a shard is made of, before it has its thread.
pub(super) struct Parts<C: ShardCore> {
    pub(super) index: usize,
    pub(super) core: C,
    pub(super) world: Arc<ArcSwap<C::World>>,
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) post: Arc<Post>,
    pub(super) streams: Arc<Streams>,
    pub(super) resolver: Resolver,
    pub(super) records: Records,
    pub(super) counters: Arc<NetCounters>,
}

/// A shard on its thread.
pub(super) struct Shard<C: ShardCore> {
    index: usize,
    core: C,
    world: Arc<ArcSwap<C::World>>,
    ports: Vec<Port>,
    buffers: Buffers,
    post: Arc<Post>,
    streams: Arc<Streams>,
    resolver: Resolver,
    records: Records,
    counters: Arc<NetCounters>,
    /// Received in this pass.
    datagrams: Vec<Datagram>,
    /// For this shard's core, from this thread.
    own: VecDeque<Input>,
    /// New calls, which wait while there is other work.
    admission: Admission<Input>,
    /// Shards that got something in this pass.
    touched: Vec<bool>,
    failed: Vec<Ticket>,
    /// INVITEs so far, of which one in [`TIMED`] is timed.
    invites: u32,
}

struct Port {
    udp: UdpPort,
    /// The last receive filled a batch or the last poll said so: there is something to receive.
    is_ready: bool,
}

impl<C: ShardCore> Shard<C> {
    /// On the shard's own thread: the headers of system calls hold pointers and stay where they are made.
    pub(super) fn new(parts: Parts<C>, shards: usize) -> Shard<C> {
        let port = |endpoint| Port { udp: UdpPort::new(endpoint), is_ready: true };
        Shard {
            index: parts.index,
            core: parts.core,
            world: parts.world,
            ports: parts.endpoints.into_iter().map(port).collect(),
            buffers: Buffers::new(),
            post: parts.post,
            streams: parts.streams,
            resolver: parts.resolver,
            records: parts.records,
            counters: parts.counters,
            datagrams: Vec::new(),
            own: VecDeque::new(),
            admission: Admission::new(),
            touched: vec![false; shards],
            failed: Vec::new(),
            invites: 0,
        }
    }

    /// Works until the post says stop. Each pass takes at most [`BATCHES`] of every socket and [`MAILBOX_BATCH`] inputs,
    /// and of new calls at most [`CALLS`]; then it looks at the timers: none of these can keep the others waiting.
    pub(super) fn run(mut self) {
        while !self.post.is_stopping() {
            self.wait();
            let now = read_clocks();
            self.receive(now);
            self.take_own(now);
            self.take_mailbox(now);
            self.take_calls(now);
            if self.core.poll_timeout().is_some_and(|due| due <= now.mono) {
                self.core.handle_timeout(now, &self.world.load());
                self.act(now);
            }
            self.flush();
        }
        let now = read_clocks();
        self.core.finish(now);
        self.act(now);
        self.flush();
    }

    /// Sleeps until there is something to do, and finds out which sockets have something.
    fn wait(&mut self) {
        if let [Port { is_ready: true, .. }] = self.ports[..] {
            return;
        }
        let post = Arc::clone(&self.post);
        let mailbox = post.mailbox(self.index);
        let is_busy = !self.own.is_empty() || self.admission.len() > 0 || self.ports.iter().any(|port| port.is_ready);
        // Checked after `prepare_to_sleep`: whoever stops us rings the bell, asleep or not.
        let may_sleep = !is_busy && mailbox.prepare_to_sleep();
        let timeout = if may_sleep {
            self.core.poll_timeout().map(|due| due.saturating_duration_since(Instant::now()))
        } else {
            Some(std::time::Duration::ZERO)
        };
        let fds = self.ports.iter().map(|port| port.udp.as_fd()).chain([mailbox.bell()]);
        let mut fds: Vec<PollFd<'_>> = fds.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        // An error is EINTR or a want of memory: either way the next pass looks again.
        let polled = ppoll(&mut fds, timeout.map(TimeSpec::from_duration), None);
        let is_readable = |fd: &PollFd<'_>| fd.any().unwrap_or(true);
        let rang = polled.is_ok() && fds.last().is_some_and(is_readable);
        let ready: smallvec::SmallVec<[bool; 8]> = fds.iter().map(|fd| polled.is_err() || is_readable(fd)).collect();
        for (port, is_ready) in self.ports.iter_mut().zip(ready) {
            port.is_ready |= is_ready;
        }
        if may_sleep {
            mailbox.awake();
        }
        if rang {
            mailbox.silence();
        }
    }

    /// Takes what the sockets have, keeps what is ours and hands over the rest.
    fn receive(&mut self, now: Now) {
        for _ in 0..BATCHES {
            if !self.ports.iter().any(|port| port.is_ready) {
                break;
            }
            self.receive_batch(now);
            self.sort();
        }
        for (shard, touched) in self.touched.iter_mut().enumerate() {
            if std::mem::take(touched) {
                self.post.mailbox(shard).wake();
            }
        }
    }

    /// Takes a batch from each socket.
    fn receive_batch(&mut self, now: Now) {
        let Shard { counters, core, admission, .. } = self;
        let world = self.world.load();
        let mut fate = |flow: &Flow, bytes: &[u8]| {
            if !admission.is_overloaded(now.mono) {
                return Fate::Take;
            }
            match sip::peek_new_invite(bytes) {
                Some(uri) if !core.is_urgent(&world, flow, uri) => admission.refuse(now.mono),
                _ => Fate::Take,
            }
        };
        for port in self.ports.iter_mut().filter(|port| port.is_ready) {
            match port.udp.receive(&mut self.buffers, &mut self.datagrams, &mut fate) {
                Ok(received) => {
                    port.is_ready = received.datagrams == super::udp::BATCH;
                    counters.udp_received.add(received.datagrams as u64);
                    counters.udp_truncated.add(received.truncated as u64);
                    counters.udp_receive_errors.add(received.unreadable as u64);
                    counters.overload_dropped.add(received.unwanted as u64);
                }
                Err(_) => {
                    port.is_ready = false;
                    counters.udp_receive_errors.add(1);
                }
            }
        }
    }

    /// Reads what was received, and puts it where it belongs.
    fn sort(&mut self) {
        let counters = &self.counters;
        let mut handed_over = 0;
        for Datagram { flow, bytes, is_refused } in self.datagrams.drain(..) {
            if bytes.len() < SHORTEST_MESSAGE {
                let is_keep_alive = bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n' | b' ' | 0));
                let counter = if is_keep_alive { &counters.udp_keep_alives } else { &counters.udp_runts };
                counter.add(1);
                continue;
            }
            match sip::scan(bytes) {
                Ok(message) => {
                    let shard = self.post.shard_of(message.call_id());
                    let is_call = begins_call(&message);
                    let input =
                        if is_refused { Input::Refused { flow, message } } else { Input::Message { flow, message } };
                    if shard == self.index {
                        self.own.push_back(input);
                    } else if is_call && self.post.is_crowded(shard) {
                        counters.overload_dropped.add(1);
                    } else {
                        self.touched[shard] = true;
                        handed_over += u64::from(self.post.hand_over(shard, input));
                    }
                }
                Err(rejected) => self.own.push_back(Input::Rejected { flow, rejected }),
            }
        }
        if handed_over > 0 {
            counters.handed_over.add(handed_over);
        }
    }

    fn take_own(&mut self, now: Now) {
        // Not what is added meanwhile: a failure that leads to the next failure must not hold the sockets up.
        for _ in 0..self.own.len() {
            let Some(input) = self.own.pop_front() else { return };
            self.admit(now, input);
        }
    }

    fn take_mailbox(&mut self, now: Now) {
        for _ in 0..MAILBOX_BATCH {
            let Some(input) = self.post.mailbox(self.index).pop() else { return };
            self.admit(now, input);
        }
    }

    /// Handles an input, or lets a new call wait.
    fn admit(&mut self, now: Now, input: Input) {
        let Input::Message { flow, message } = input else { return self.handle(now, input) };
        if !begins_call(&message) {
            return self.handle(now, Input::Message { flow, message });
        }
        let is_cancel = matches!(&message, Message::Request(request) if request.method() == Method::Cancel);
        if !is_cancel && self.admission.is_overloaded(now.mono) {
            let Message::Request(request) = &message else { return };
            if self.core.is_urgent(&self.world.load(), &flow, request.uri_bytes()) {
                return self.handle(now, Input::Message { flow, message });
            }
            return match self.admission.refuse(now.mono) {
                Fate::Refuse => self.handle(now, Input::Refused { flow, message }),
                Fate::Take | Fate::Drop => self.counters.overload_dropped.add(1),
            };
        }
        self.admission.push(now.mono, Input::Message { flow, message });
    }

    /// Handles some of the new calls that wait.
    fn take_calls(&mut self, now: Now) {
        for _ in 0..CALLS {
            let Some(input) = self.admission.pop() else { return };
            self.handle(now, input);
        }
    }

    fn handle(&mut self, now: Now, input: Input) {
        // Anew for each message, so that an acknowledged edit decides every INVITE that arrives after it.
        let timed = self.is_timed(&input).then(Instant::now);
        self.core.handle(now, &self.world.load(), input);
        if let Some(began) = timed {
            self.counters.decision.add(began.elapsed());
        }
        self.act(now);
    }

    /// Reading the clock twice takes some 50 ns: a call in several shows as much as all would.
    fn is_timed(&mut self, input: &Input) -> bool {
        let Input::Message { message: Message::Request(request), .. } = input else { return false };
        if request.method() != Method::Invite || request.to_tag().is_some() {
            return false;
        }
        self.invites = self.invites.wrapping_add(1);
        self.invites % TIMED == 1
    }

    fn act(&mut self, now: Now) {
        while let Some(action) = self.core.poll_action() {
            match action {
                Action::Send { flow, bytes, ticket } if flow.transport == Transport::Udp => {
                    self.send_datagram(flow, bytes, ticket);
                }
                Action::Send { flow, bytes, ticket } => {
                    if self.streams.send(self.index, flow, bytes, ticket).is_err() {
                        self.own.extend(ticket.map(|ticket| Input::SendFailed { ticket }));
                    }
                }
                Action::Resolve { query, target } => {
                    self.own.extend(self.resolver.resolve(now.mono, query, target));
                }
                Action::Records(lines) => (self.records)(lines),
            }
        }
    }

    fn send_datagram(&mut self, flow: Flow, bytes: bytes::Bytes, ticket: Option<Ticket>) {
        match self.ports.iter_mut().find(|port| port.udp.listener() == flow.listener) {
            Some(port) if flow.peer.is_ipv4() == port.udp.is_ipv4() => {
                let outgoing = Outgoing { local: flow.local.ip(), peer: flow.peer, bytes, ticket };
                if port.udp.queue(outgoing) {
                    self.flush();
                }
            }
            _ => {
                self.counters.udp_send_errors.add(1);
                self.own.extend(ticket.map(|ticket| Input::SendFailed { ticket }));
            }
        }
    }

    fn flush(&mut self) {
        for port in &mut self.ports {
            let sent = port.udp.flush(&mut self.failed);
            if sent != super::udp::Sent::default() {
                self.counters.udp_sent.add(sent.datagrams as u64);
                self.counters.udp_send_errors.add(sent.refused as u64);
                self.counters.udp_send_full.add(sent.full as u64);
            }
        }
        self.own.extend(self.failed.drain(..).map(|ticket| Input::SendFailed { ticket }));
    }
}

/// Whether a message begins something that is screened, or is the CANCEL of such a request, which must not overtake it.
/// OPTIONS does not: who looks after us shall hear that we live, also when there is much to do.
fn begins_call(message: &Message) -> bool {
    let Message::Request(request) = message else { return false };
    request.to_tag().is_none() && !matches!(request.method(), Method::Ack | Method::Options)
}

/// Both clocks, once per pass.
fn read_clocks() -> Now {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let wall = WallTime::default() + since_epoch;
    Now { mono: Instant::now(), wall }
}

/// The first call is timed and each eighth after it.
const TIMED: u32 = 8;

/// Batches that a pass takes of each socket. Its buffer holds some 1,800 datagrams, and must not overflow during a pass.
const BATCHES: usize = 8;

/// New calls that are handled in one pass: a millisecond's work.
const CALLS: usize = 32;

/// Inputs of the mailbox in one pass: as much work as eight batches of datagrams.
const MAILBOX_BATCH: usize = 256;

/// The five mandatory header fields in their compact forms and a request line take 75 bytes; what is shorter than this
/// is no message.
const SHORTEST_MESSAGE: usize = 64;
