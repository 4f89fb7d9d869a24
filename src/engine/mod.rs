//! The calls of one shard, sans-IO: bytes that came in, actions that go out, no clock, no socket, no lock.
//!
//! [`Engine::handle`] takes an [`Input`], [`Engine::handle_timeout`] lets timers fire; after either, drain
//! [`Engine::poll_action`] and ask [`Engine::poll_timeout`] when to come back. The way of a request:
//!
//! * `request`: who it is from, whether it has been here, whether it may; then [`decide`](crate::screen::decide).
//!   What screening answers itself leaves no state but `memory`, which answers retransmissions.
//! * `overload`: what the network has no time for is refused; `drain`: so is what comes when the process is to end.
//! * `admission`: what screening lets through may find its trunks full or dead; `probing` asks which targets answer, and
//!   `balance` says in which order they are tried.
//! * `presenting`: the number that a call shows, until its final answer.
//! * `call`: what goes on goes to its trunk's targets; `forward` has the changes made to its bytes.
//! * `dialog`: a request inside a dialog follows the `token` in our Record-Route, or the live call in `calls`.
//! * `proxy`: branches, responses, CANCEL; `failures` has what follows a target that fails, `ringing` what is kept of a call
//!   that rings, `streams` what becomes of a request whose connection is lost; `own` has the requests that we make ourselves.
//! * `record`: what is written of each call; `counting` and `quality`: what is counted.

mod action;
mod config;
mod dscp;
mod input;
mod settings;

mod shard;

mod memory;
mod overload;
mod request;

mod admission;
mod balance;
mod call;
mod dialog;
mod directions;
mod drain;
mod failures;
mod presenting;
mod probing;
mod proxy;
mod ringing;
mod streams;

mod forward;
mod own;

mod branch;
mod calls;
mod counting;
mod hash;
mod hops;
mod quality;
mod record;
mod token;
mod trunks;

pub use action::{Action, Hop, QueryId, Ticket};
pub use config::{ListenConfig, SipConfig, UnknownSource};
pub use drain::DrainStage;
pub use dscp::Dscp;
pub use hash::shard_of;
pub use hops::{MOST_HOPS, MOST_RESOLVED};
pub use input::Input;
pub use record::RECORD_HEADER;
pub use settings::{EngineConfig, Keys, Listener};
pub use shard::{Engine, Load};
