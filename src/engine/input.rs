//! What an engine is told: messages, and how its actions ended.

use super::action::{Hop, QueryId, Ticket};
use super::drain::DrainStage;
use crate::flow::{ConnectionId, Flow};
use crate::sip::{Message, Rejected, Request};

/// One thing that happened outside the engine.
#[derive(Debug)]
pub enum Input {
    /// A message came in; it belongs to this engine's shard.
    Message {
        /// The way it came.
        flow: Flow,
        /// The message.
        message: Message,
    },
    /// A new call came in for which there is no time: it is refused.
    Refused {
        /// The way it came.
        flow: Flow,
        /// The call.
        request: Request,
        /// Whether its caller is to be told (503).
        is_told: bool,
    },
    /// A request came in again while its first copy waits for its turn: it is counted, and the first will be handled.
    Absorbed {
        /// The way it came.
        flow: Flow,
        /// The copy.
        request: Request,
    },
    /// Bytes came in that are no message; answered 400 where they still show a response path.
    Rejected {
        /// The way they came.
        flow: Flow,
        /// What is wrong with them.
        rejected: Rejected,
    },
    /// The [`Action::Send`](super::Action::Send) with this ticket could not be carried out: connect refused or timed
    /// out, network unreachable, or the connection was lost before the message was written.
    SendFailed {
        /// The ticket of that action.
        ticket: Ticket,
    },
    /// The request of the [`Action::Send`](super::Action::Send) with this ticket waits for its turn on this connection, whose
    /// loss will be told.
    Queued {
        /// The ticket of that action.
        ticket: Ticket,
        /// The connection.
        connection: ConnectionId,
    },
    /// A connection that requests of ours were queued on is gone. What was not written has been told before.
    ConnectionLost {
        /// The connection.
        connection: ConnectionId,
    },
    /// The process is to end, and this is how far it has come.
    Drain(DrainStage),
    /// Rules are in force that this shard may not have heard of for want of messages: it follows them with any input.
    Reloaded,
    /// The answer to [`Action::Resolve`](super::Action::Resolve).
    Resolved {
        /// The query of that action.
        query: QueryId,
        /// Where to send to, in order of preference; empty when the name does not resolve.
        hops: Vec<Hop>,
    },
}
