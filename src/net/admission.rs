//! Which new calls wait for their turn, and which are refused because too many do.
//!
//! A message inside a dialog is handled in the pass that brings it. Of new calls a pass handles a few and lets the others
//! wait, so that the sockets are read again soon: a full receive buffer would lose a BYE as well as an INVITE. Once the
//! first of those that wait has waited too long, calls come faster than they can be handled; then those that come are
//! refused until the queue is short again, and those that wait are still in time.
//!
//! Strangers neither wait nor are told anything, so that they can take neither room nor answers from trunks; and each trunk
//! has its own share of answers.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::ShardCore;
use crate::flow::Flow;
use crate::prehashed::PrehashedMap;
use crate::screen::TrunkId;
use crate::sip::{Field, Method, Request};
use crate::transaction::ServerKey;

/// The requests of one shard that wait.
#[derive(Debug, Default)]
pub(super) struct Admission {
    waiting: VecDeque<Waiting>,
    /// The keys of those, so that a retransmission does not wait beside its first copy.
    keys: PrehashedMap<ServerKey, ()>,
    /// What they hold, about.
    bytes: usize,
    /// By [`TrunkId`]. After a reload another trunk may have the number, which matters for a fifth of a second.
    answers: Vec<TokenBucket>,
}

/// A new call, or the CANCEL of one, that waits for its turn.
#[derive(Debug)]
pub(super) struct Waiting {
    since: Instant,
    key: ServerKey,
    pub(super) flow: Flow,
    pub(super) request: Request,
}

/// What becomes of a new call for which there is no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is taken in all the same: it is an emergency call.
    Take,
    /// It is refused, and its caller is told.
    Refuse,
    /// It is refused without a word.
    Drop,
    /// It is dropped: its source belongs to no trunk.
    Ignore,
}

/// How long calls may wait before those that come are refused: a burst of a thousand calls needs no longer.
const PATIENCE: Duration = Duration::from_millis(25);

/// A call that has waited for longer than this is not handled any more. A caller repeats his INVITE after 500 ms (RFC 3261,
/// T1), and may then have been refused; and a connection that its peer has half closed is kept for hardly longer.
pub(super) const LONGEST_WAIT: Duration = Duration::from_millis(400);

/// The most calls that wait: more than a shard handles within [`PATIENCE`].
const MOST_WAITING: usize = 4_096;

/// The most bytes that calls hold while they wait: three times what [`MOST_WAITING`] ordinary ones have.
const MOST_BYTES: usize = 16 << 20;

impl Admission {
    /// Whether calls come faster than they are handled.
    pub(super) fn is_overloaded(&self, now: Instant) -> bool {
        self.waiting.front().is_some_and(|first| first.waited(now) > PATIENCE)
            || self.waiting.len() >= MOST_WAITING
            || self.bytes >= MOST_BYTES
    }

    /// What becomes of a new call while its shard is overloaded.
    pub(super) fn fate<C: ShardCore>(
        &mut self,
        now: Instant,
        core: &C,
        world: &C::World,
        flow: &Flow,
        request_uri: &[u8],
    ) -> Fate {
        let Some(trunk) = core.trunk_of(world, flow) else { return Fate::Ignore };
        if core.is_emergency(world, trunk, request_uri) {
            Fate::Take
        } else if flow.transport.is_reliable() || self.may_answer(now, trunk) {
            // Who called over a stream would not call again, and wait for nothing.
            Fate::Refuse
        } else {
            Fate::Drop
        }
    }

    fn may_answer(&mut self, now: Instant, trunk: TrunkId) -> bool {
        let at = usize::from(trunk.0);
        if self.answers.len() <= at {
            self.answers.resize(at + 1, TokenBucket::default());
        }
        self.answers[at].take(now)
    }

    /// Whether the request with this key waits.
    pub(super) fn holds(&self, key: &ServerKey) -> bool {
        self.keys.contains_key(key)
    }

    /// Lets a new call wait: it must not be held yet, and there must be no overload.
    pub(super) fn push(&mut self, now: Instant, key: ServerKey, flow: Flow, request: Request) {
        self.bytes += size(&request);
        self.keys.insert(key, ());
        self.waiting.push_back(Waiting { since: now, key, flow, request });
    }

    /// Whether a CANCEL may wait behind its INVITE. There can be one for each, which [`MOST_WAITING`] does not count.
    pub(super) fn has_room_for_cancel(&self) -> bool {
        self.bytes < 2 * MOST_BYTES
    }

    /// The request whose turn it is.
    pub(super) fn pop(&mut self) -> Option<Waiting> {
        let waiting = self.waiting.pop_front()?;
        self.bytes -= size(&waiting.request);
        self.keys.remove(&waiting.key);
        if self.waiting.is_empty() && self.waiting.capacity() > MOST_WAITING {
            self.waiting.shrink_to(MOST_WAITING);
        }
        Some(waiting)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

impl Waiting {
    fn waited(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since)
    }

    /// Whether it has waited for so long that it is better refused. A CANCEL is handled in any case.
    pub(super) fn is_late(&self, now: Instant) -> bool {
        self.waited(now) > LONGEST_WAIT && self.request.method() != Method::Cancel
    }
}

/// What a request holds, about.
fn size(request: &Request) -> usize {
    request.bytes().len() + size_of_val::<[Field]>(request.headers().fields()) + size_of::<Waiting>()
}

/// A trunk is told of a hundred refusals a second, and of a fifth of them at once: enough for its own overload control
/// (RFC 7339 is not spoken), and for the log of its operator. An answer costs a quarter of a call.
#[derive(Debug, Clone, Default)]
struct TokenBucket {
    /// When all tokens are there again.
    full_at: Option<Instant>,
}

impl TokenBucket {
    fn take(&mut self, now: Instant) -> bool {
        const EACH: Duration = Duration::from_millis(10);
        const AT_ONCE: Duration = Duration::from_millis(200);
        let full_at = self.full_at.map_or(now, |at| at.max(now)) + EACH;
        let is_there = full_at.saturating_duration_since(now) <= AT_ONCE;
        if is_there {
            self.full_at = Some(full_at);
        }
        is_there
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::engine::{Action, Input};
    use crate::flow::{ListenerId, Transport};
    use crate::net::tests::by_branch;
    use crate::sip::{Message, scan};
    use crate::time::Now;

    const MILLISECOND: Duration = Duration::from_millis(1);

    /// Its trunks have the numbers that their addresses end with; 99 is none.
    struct Core;

    impl ShardCore for Core {
        type World = ();

        fn handle(&mut self, _: Now, (): &(), _: Input) {}

        fn trunk_of(&self, (): &(), flow: &Flow) -> Option<TrunkId> {
            let last = flow.peer.ip().to_string().rsplit('.').next()?.parse().ok()?;
            (last != 99).then_some(TrunkId(last))
        }

        fn is_emergency(&self, (): &(), _: TrunkId, request_uri: &[u8]) -> bool {
            request_uri == b"sip:112@a"
        }

        fn server_key(&self, request: &Request) -> ServerKey {
            key(request)
        }

        fn cancelled_key(&self, cancel: &Request) -> ServerKey {
            key(cancel)
        }

        fn handle_timeout(&mut self, _: Now, (): &()) {}

        fn poll_action(&mut self) -> Option<Action> {
            None
        }

        fn poll_timeout(&self) -> Option<Instant> {
            None
        }
    }

    fn key(request: &Request) -> ServerKey {
        ServerKey::new(&[0; 16], &by_branch(request))
    }

    fn flow(transport: Transport, last: u8) -> Flow {
        let local = "127.0.0.1:5060".parse().unwrap();
        let peer = format!("127.0.0.{last}:5060").parse().unwrap();
        Flow { transport, listener: ListenerId(0), local, peer, connection: None, identity: None }
    }

    fn request(method: &str, number: usize, body: usize) -> Request {
        let text = format!(
            "{method} sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK{number}\r\nFrom: <sip:a@b>;tag=1\r\n\
             To: <sip:a@b>\r\nCall-ID: x\r\nCSeq: 1 {method}\r\nContent-Length: {body}\r\n\r\n{}",
            "x".repeat(body)
        );
        match scan(Bytes::from(text)) {
            Ok(Message::Request(request)) => request,
            other => panic!("{other:?}"),
        }
    }

    /// Lets calls with these numbers wait.
    fn push(admission: &mut Admission, now: Instant, numbers: std::ops::Range<usize>) {
        for number in numbers {
            let call = request("INVITE", number, 0);
            admission.push(now, key(&call), flow(Transport::Udp, 1), call);
        }
    }

    #[test]
    fn calls_are_taken_in_the_order_in_which_they_came_and_held_until_then() {
        let (now, mut admission) = (Instant::now(), Admission::default());
        push(&mut admission, now, 0..10);
        for number in 0..10 {
            let call = key(&request("INVITE", number, 0));
            assert!(admission.holds(&call));
            assert_eq!(admission.pop().unwrap().key, call);
            assert!(!admission.holds(&call));
        }
        assert!(admission.pop().is_none() && admission.is_empty());
        assert_eq!((admission.bytes, admission.keys.len()), (0, 0));
    }

    #[test]
    fn a_burst_is_no_overload_and_a_call_that_has_waited_25_ms_is() {
        let (now, mut admission) = (Instant::now(), Admission::default());
        push(&mut admission, now, 0..1_000);
        assert!(!admission.is_overloaded(now + PATIENCE));
        assert!(admission.is_overloaded(now + PATIENCE + MILLISECOND));
        // Those that came first have gone: what remains has waited for less.
        push(&mut admission, now + PATIENCE, 1_000..1_001);
        (0..1_000).for_each(|_| assert!(admission.pop().is_some()));
        assert!(!admission.is_overloaded(now + PATIENCE + MILLISECOND));
    }

    #[test]
    fn a_full_queue_is_an_overload_at_once() {
        let (now, mut admission) = (Instant::now(), Admission::default());
        push(&mut admission, now, 0..MOST_WAITING);
        assert!(admission.is_overloaded(now));
        admission.pop();
        assert!(!admission.is_overloaded(now));
    }

    #[test]
    fn few_calls_are_an_overload_when_they_are_long_and_their_cancels_find_room() {
        let (now, mut admission) = (Instant::now(), Admission::default());
        let mut calls = 0;
        while !admission.is_overloaded(now) {
            let call = request("INVITE", calls, 60_000);
            admission.push(now, key(&call), flow(Transport::Udp, 1), call);
            calls += 1;
        }
        assert!((200..=MOST_BYTES / 60_000).contains(&calls), "{calls}");
        let mut cancels = 0;
        while admission.has_room_for_cancel() {
            let cancel = request("CANCEL", cancels, 60_000);
            admission.push(now, key(&cancel), flow(Transport::Udp, 1), cancel);
            cancels += 1;
        }
        assert!(cancels < 300, "{cancels}");
    }

    #[test]
    fn a_call_is_late_after_400_ms_and_a_cancel_never_is() {
        let (now, mut admission) = (Instant::now(), Admission::default());
        push(&mut admission, now, 0..1);
        let cancel = request("CANCEL", 0, 0);
        admission.push(now, key(&cancel), flow(Transport::Udp, 1), cancel);
        let (call, cancel) = (admission.pop().unwrap(), admission.pop().unwrap());
        assert!(!call.is_late(now + LONGEST_WAIT));
        assert!(call.is_late(now + LONGEST_WAIT + MILLISECOND));
        assert!(!cancel.is_late(now + LONGEST_WAIT + MILLISECOND));
    }

    #[test]
    fn each_trunk_hears_of_a_hundred_refusals_a_second_whatever_others_send() {
        let (now, mut admission) = (Instant::now(), Admission::default());
        let mut fate = |at: Instant, last| admission.fate(at, &Core, &(), &flow(Transport::Udp, last), b"sip:a@b");
        let told = |fate: &mut dyn FnMut(Instant, u8) -> Fate, last| {
            (0..100_000).filter(|at| fate(now + MILLISECOND * (at / 10), last) == Fate::Refuse).count()
        };
        // Ten seconds, and a fifth of a second's worth to begin with.
        assert_eq!(told(&mut fate, 1), 1_019);
        assert_eq!(told(&mut fate, 2), 1_019);
    }

    #[test]
    fn strangers_hear_nothing_and_take_nobodys_answers() {
        let (now, mut admission) = (Instant::now(), Admission::default());
        for _ in 0..1_000 {
            assert_eq!(admission.fate(now, &Core, &(), &flow(Transport::Udp, 99), b"sip:112@a"), Fate::Ignore);
        }
        assert_eq!(admission.fate(now, &Core, &(), &flow(Transport::Udp, 1), b"sip:a@b"), Fate::Refuse);
    }

    #[test]
    fn an_emergency_call_is_taken_and_a_call_over_a_stream_is_always_told() {
        let (now, mut admission) = (Instant::now(), Admission::default());
        let mut fate = |transport, uri: &[u8]| admission.fate(now, &Core, &(), &flow(transport, 1), uri);
        while fate(Transport::Udp, b"sip:a@b") == Fate::Refuse {}
        assert_eq!(fate(Transport::Udp, b"sip:a@b"), Fate::Drop);
        assert_eq!(fate(Transport::Udp, b"sip:112@a"), Fate::Take);
        assert_eq!(fate(Transport::Tcp, b"sip:a@b"), Fate::Refuse);
    }
}
