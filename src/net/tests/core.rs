//! A core that a test watches.

use std::collections::VecDeque;
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

use super::{KEY, STRANGER, by_branch, text};
use crate::engine::{Action, Hop, Input, QueryId, Ticket};
use crate::flow::{ConnectionId, Flow};
use crate::net::ShardCore;
use crate::screen::TrunkId;
use crate::sip::{Malformed, Request};
use crate::time::Now;
use crate::transaction::ServerKey;

/// What a core does with the next message: the world of these tests.
#[derive(Default)]
pub(super) struct Script {
    /// Done once, by whoever gets the next message.
    pub(super) actions: Mutex<Vec<Action>>,
    /// Whoever gets a message whose Call-ID begins with `hold` stands still until it can have the first of these; with
    /// `stop`, the second.
    pub(super) gates: [Mutex<()>; 2],
    /// A timer to set.
    pub(super) timer: Option<Duration>,
    pub(super) panics: bool,
}

/// Sends every message back by its flow and tells what it was given.
pub(super) struct Echo {
    pub(super) index: usize,
    pub(super) seen: mpsc::Sender<(usize, Seen)>,
    pub(super) actions: VecDeque<Action>,
    pub(super) due: Option<Instant>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Message(String, Flow),
    Refused(String),
    Absorbed(String),
    Rejected(Malformed, bool),
    SendFailed(Ticket),
    ConnectionLost(ConnectionId),
    Resolved(QueryId, Vec<Hop>),
    Drain,
    Reloaded,
    Timeout,
    Finish,
}

impl ShardCore for Echo {
    type World = Script;

    fn handle(&mut self, now: Now, world: &Script, input: Input) {
        let seen = match input {
            Input::Refused { request, is_told, .. } => {
                assert!(is_told, "no test refuses so many");
                Seen::Refused(text(request.call_id()))
            }
            Input::Absorbed { request, .. } => Seen::Absorbed(text(request.call_id())),
            Input::Message { flow, message } => {
                assert!(!world.panics, "as the script says");
                self.actions.push_back(Action::Send { flow, bytes: message.headers().bytes().clone(), ticket: None });
                self.actions.extend(world.actions.lock().unwrap().drain(..));
                self.due = world.timer.map(|timer| now.mono + timer);
                let call_id = text(message.call_id());
                let gate = ["hold", "stop"].iter().position(|name| call_id.starts_with(name));
                if let Some(gate) = gate {
                    let _ = self.seen.send((self.index, Seen::Message(call_id, flow)));
                    drop(world.gates[gate].lock());
                    return;
                }
                Seen::Message(call_id, flow)
            }
            Input::Rejected { rejected, .. } => Seen::Rejected(rejected.reason, rejected.headers.is_some()),
            Input::SendFailed { ticket } => Seen::SendFailed(ticket),
            // Most tests do not care which connection it is.
            Input::Queued { .. } => return,
            Input::ConnectionLost { connection } => Seen::ConnectionLost(connection),
            Input::Resolved { query, hops } => Seen::Resolved(query, hops),
            Input::Drain(_) => Seen::Drain,
            Input::Reloaded => Seen::Reloaded,
        };
        let _ = self.seen.send((self.index, seen));
    }

    /// All but this address are trunks.
    fn trunk_of(&self, _: &Script, flow: &Flow) -> Option<TrunkId> {
        (flow.peer_ip().to_string() != STRANGER).then_some(TrunkId(0))
    }

    fn is_emergency(&self, _: &Script, _: TrunkId, request_uri: &[u8]) -> bool {
        request_uri.starts_with(b"sip:112@")
    }

    fn server_key(&self, request: &Request) -> ServerKey {
        ServerKey::new(&KEY, &by_branch(request))
    }

    fn cancelled_key(&self, cancel: &Request) -> ServerKey {
        ServerKey::of_cancelled(&KEY, &by_branch(cancel))
    }

    fn handle_timeout(&mut self, now: Now, _: &Script) {
        assert!(self.due.is_some_and(|due| due <= now.mono), "called before it was due");
        self.due = None;
        let _ = self.seen.send((self.index, Seen::Timeout));
    }

    fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }

    fn finish(&mut self, _: Now) {
        self.actions.push_back(Action::Records(b"the last line\n".to_vec()));
        let _ = self.seen.send((self.index, Seen::Finish));
    }
}
