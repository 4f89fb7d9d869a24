//! The transaction layer: RFC 3261 section 17 with RFC 6026 and the timing part of RFC 4320.
//!
//! It absorbs retransmissions, makes its own, and says when nobody answers. It reads no message: the engine tells
//! it the status, the flow and what identifies a request, and hands it finished bytes to send. It has no clock, no
//! socket and no lock; each shard owns one [`Transactions`].
//!
//! The way of a request: [`ServerKey`] names it; [`Transactions::server`] finds its transaction, and then it is a
//! retransmission ([`Transactions::handle_retransmission`]), else [`Transactions::open_server`] makes one. Forwarding
//! opens a client transaction ([`Transactions::open_client`]) whose [`ClientId`] goes into the branch of our Via, so
//! that a response finds it without a look-up; a stale id is recognised. Whatever is to be sent or told comes out of
//! [`Transactions::poll`], which is drained until empty after each call.
//!
//! What this layer leaves to the engine: building ACK, CANCEL and 100; 408 (never for a non-INVITE, RFC 4320); rport
//! (RFC 3581); ACK to 2xx, which belongs to no transaction; limits on how many transactions may be open
//! ([`Transactions::len`]).

mod event;
mod id;
mod key;
mod timer;

mod client;
mod invite_client;
mod invite_server;
mod server;

mod table;

pub use event::{AckOutcome, Event, FailureOutcome, RespondError, ResponseOutcome, Retransmission};
pub use id::{ClientId, ServerId};
pub use key::{RequestParts, ServerKey};
pub use table::{ClientRequest, Kind, Transactions};
pub use timer::{Timer, Timings};
