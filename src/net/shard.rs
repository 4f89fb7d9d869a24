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
use crate::sip::{self, Message, Method, Request};
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
    /// New calls that wait for their turn.
    admission: Admission,
    /// New calls that this pass may still handle.
    calls_left: usize,
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
            admission: Admission::default(),
            calls_left: CALLS,
            touched: vec![false; shards],
            failed: Vec::new(),
            invites: 0,
        }
    }

    /// Works until the post says stop. Each pass takes at most [`BATCHES`] of every socket and [`MAILBOX_BATCH`] inputs,
    /// and of new calls at most [`CALLS`]; then it looks at the timers: none of these can keep the others waiting.
    pub(super) fn run(mut self) {
        while !self.post.is_stopping() {
            self.post.passes(self.index);
            self.wait();
            let now = read_clocks();
            self.calls_left = CALLS;
            self.receive(now);
            self.take_own(now);
            self.take_mailbox(now);
            self.take_calls(now);
            self.post.set_overloaded(self.index, self.admission.is_overloaded(now.mono));
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
        let is_busy = !self.own.is_empty() || !self.admission.is_empty() || self.ports.iter().any(|port| port.is_ready);
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
            self.sort(now);
        }
        for (shard, touched) in self.touched.iter_mut().enumerate() {
            if std::mem::take(touched) {
                self.post.mailbox(shard).wake();
            }
        }
    }

    /// Takes a batch from each socket.
    fn receive_batch(&mut self, now: Now) {
        let Shard { counters, core, admission, post, index, .. } = self;
        let world = self.world.load();
        let is_overloaded = |admission: &Admission, shard| {
            if shard == *index { admission.is_overloaded(now.mono) } else { post.is_overloaded(shard) }
        };
        let is_calm = !(0..post.shards()).any(|shard| is_overloaded(admission, shard));
        let mut fate = |flow: &Flow, bytes: &[u8]| {
            if is_calm {
                return Fate::Take;
            }
            match sip::peek_new_call(bytes) {
                Some(call) if is_overloaded(admission, post.shard_of(call.call_id)) => {
                    admission.fate(now.mono, core, &world, flow, call.uri)
                }
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
                    counters.overload_unread.add(received.unwanted as u64);
                    counters.overload_strangers.add(received.strangers as u64);
                }
                Err(_) => {
                    port.is_ready = false;
                    counters.udp_receive_errors.add(1);
                }
            }
        }
    }

    /// Reads what was received, and puts it where it belongs.
    fn sort(&mut self, now: Now) {
        let mut handed_over = 0;
        let mut datagrams = std::mem::take(&mut self.datagrams);
        for Datagram { flow, bytes, is_refused } in datagrams.drain(..) {
            if bytes.len() < SHORTEST_MESSAGE {
                let is_keep_alive = bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n' | b' ' | 0));
                let counters = &self.counters;
                let counter = if is_keep_alive { &counters.udp_keep_alives } else { &counters.udp_runts };
                counter.add(1);
                continue;
            }
            match sip::scan(bytes) {
                Ok(message) => {
                    let shard = self.post.shard_of(message.call_id());
                    let input = match message {
                        Message::Request(request) if is_refused => Input::Refused { flow, request, is_told: true },
                        message => Input::Message { flow, message },
                    };
                    if shard == self.index {
                        self.own.push_back(input);
                    } else if let Some(input) = self.pass_on(now, shard, input) {
                        self.touched[shard] = true;
                        handed_over += u64::from(self.post.hand_over(shard, input));
                    }
                }
                Err(rejected) => self.own.push_back(Input::Rejected { flow, rejected }),
            }
        }
        self.datagrams = datagrams;
        if handed_over > 0 {
            self.counters.handed_over.add(handed_over);
        }
    }

    /// What another shard is to get of an input: a new call that a look at its bytes has not found ([`sip::peek_new_call`])
    /// is refused here, if at all, before it fills a mailbox.
    fn pass_on(&mut self, now: Now, shard: usize, input: Input) -> Option<Input> {
        let (flow, request) = match input {
            Input::Message { flow, message: Message::Request(request) }
                if is_initial(&request) && self.post.is_overloaded(shard) =>
            {
                (flow, request)
            }
            input => return Some(input),
        };
        match self.admission.fate(now.mono, &self.core, &self.world.load(), &flow, request.uri_bytes()) {
            Fate::Take => Some(Input::Message { flow, message: Message::Request(request) }),
            Fate::Refuse => Some(Input::Refused { flow, request, is_told: true }),
            Fate::Drop => {
                self.counters.overload_unread.add(1);
                None
            }
            Fate::Ignore => {
                self.counters.overload_strangers.add(1);
                None
            }
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

    /// Handles an input, or lets it wait where it is a new call.
    fn admit(&mut self, now: Now, input: Input) {
        match input {
            Input::Message { flow, message: Message::Request(request) } if is_initial(&request) => {
                self.admit_call(now, flow, request);
            }
            Input::Message { flow, message: Message::Request(request) }
                if request.method() == Method::Cancel && !self.admission.is_empty() =>
            {
                self.admit_cancel(now, flow, request);
            }
            Input::Refused { flow, request, .. }
                if !self.admission.is_empty() && self.admission.holds(&self.core.server_key(&request)) =>
            {
                self.handle(now, Input::Absorbed { flow, request });
            }
            input => self.handle(now, input),
        }
    }

    fn admit_call(&mut self, now: Now, flow: Flow, request: Request) {
        let is_free = self.admission.is_empty() && self.calls_left > 0;
        if is_free || self.core.trunk_of(&self.world.load(), &flow).is_none() {
            // A stranger is soon dealt with, and takes nobody's turn.
            self.calls_left -= usize::from(is_free);
            return self.handle(now, whole(flow, request));
        }
        let key = self.core.server_key(&request);
        if self.admission.holds(&key) {
            self.handle(now, Input::Absorbed { flow, request });
        } else if self.admission.is_overloaded(now.mono) {
            self.refuse(now, flow, request);
        } else {
            self.admission.push(now.mono, key, flow, request);
        }
    }

    /// A CANCEL must not overtake its INVITE: it waits behind one that waits.
    fn admit_cancel(&mut self, now: Now, flow: Flow, cancel: Request) {
        let key = self.core.server_key(&cancel);
        if self.admission.holds(&key) {
            return self.handle(now, Input::Absorbed { flow, request: cancel });
        }
        // With a To tag it is none of a new call, and there could be any number of them.
        let waits = cancel.to_tag().is_none() && self.admission.holds(&self.core.cancelled_key(&cancel));
        if waits && self.admission.has_room_for_cancel() {
            self.admission.push(now.mono, key, flow, cancel);
        } else {
            self.handle(now, whole(flow, cancel));
        }
    }

    /// Refuses a new call for which there is no time, unless it is an emergency call.
    fn refuse(&mut self, now: Now, flow: Flow, request: Request) {
        let fate = self.admission.fate(now.mono, &self.core, &self.world.load(), &flow, request.uri_bytes());
        let input = match fate {
            // The engine knows what a stranger gets.
            Fate::Take | Fate::Ignore => whole(flow, request),
            Fate::Refuse | Fate::Drop => Input::Refused { flow, request, is_told: fate == Fate::Refuse },
        };
        self.handle(now, input);
    }

    /// Handles some of the new calls that wait, and refuses those that have waited for too long.
    fn take_calls(&mut self, now: Now) {
        while self.calls_left > 0
            && let Some(waiting) = self.admission.pop()
        {
            if waiting.is_late(now.mono) {
                self.refuse(now, waiting.flow, waiting.request);
            } else {
                self.calls_left -= 1;
                self.handle(now, whole(waiting.flow, waiting.request));
            }
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
        if !matches!(input, Input::Message { message: Message::Request(request), .. } if request.is_new_call()) {
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
                Action::Send { flow, bytes, ticket } => self.send_by_stream(now, flow, bytes, ticket),
                Action::Resolve { query, target, sockets } => {
                    self.own.extend(self.resolver.resolve(now.mono, query, target, sockets));
                }
                Action::Records(lines) => (self.records)(lines),
            }
        }
    }

    fn send_by_stream(&mut self, now: Now, flow: Flow, bytes: bytes::Bytes, ticket: Option<Ticket>) {
        let sent = self.streams.send(self.index, flow, bytes, ticket);
        match (sent, ticket) {
            // At once: the loss of the connection, which may be told any time, must not overtake it.
            (Ok(connection), Some(ticket)) => {
                self.core.handle(now, &self.world.load(), Input::Queued { ticket, connection });
            }
            (Err(_), Some(ticket)) => self.own.push_back(Input::SendFailed { ticket }),
            (_, None) => {}
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

/// Whether a request begins something that is screened, be it a call or a MESSAGE. OPTIONS to us does not: who looks after
/// us shall hear that we live, also when there is much to do.
fn is_initial(request: &Request) -> bool {
    request.to_tag().is_none()
        && match request.method() {
            Method::Ack | Method::Cancel => false,
            Method::Options => request.uri().user.is_some(),
            _ => true,
        }
}

fn whole(flow: Flow, request: Request) -> Input {
    Input::Message { flow, message: Message::Request(request) }
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
