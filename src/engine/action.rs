//! What an engine wants done: drained by its shard after each input.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;

use crate::flow::{Flow, ListenerId, Sockets, Transport};
use crate::sip::Target;

/// One thing to do outside the engine. Nothing here waits: what can fail is reported back as an
/// [`Input`](super::Input) that names its [`Ticket`] or [`QueryId`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Put these bytes on the wire.
    Send {
        /// The way they take; see [`Flow`] for what happens when its connection is gone.
        flow: Flow,
        /// A whole message.
        bytes: Bytes,
        /// Named when the engine wants to hear that the message could not be written; `None`: a loss is silent.
        ticket: Option<Ticket>,
    },
    /// Find out where a hop is; answered by [`Input::Resolved`](super::Input::Resolved), always.
    Resolve {
        /// Named in the answer.
        query: QueryId,
        /// What to resolve: a name by RFC 3263, an address to learn the local one that routes to it.
        target: Target,
        /// The sockets that it may be reached from.
        sockets: Sockets,
    },
    /// Whole CSV lines for the records, about 60 kB or what there is after a short while.
    Records(Vec<u8>),
}

/// Names one [`Action::Send`] of one engine; never reused within a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// Names one [`Action::Resolve`] of one engine; never reused within a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QueryId(pub u64);

/// A place to send to, and from where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hop {
    /// The socket that it is spoken to from.
    pub listener: ListenerId,
    /// The transport of both.
    pub transport: Transport,
    /// The neighbour.
    pub peer: SocketAddr,
    /// Our address towards it, for Via, Record-Route and [`Flow::local`].
    pub local: IpAddr,
}
