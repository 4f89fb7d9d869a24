//! Ringfence: a SIP proxy that screens the calls on a carrier's trunks against number lists held in memory.
//!
//! # The path of a call
//!
//! ```text
//! bytes -> sip::Message -> transaction -> CallView -> screen::decide -> Verdict -> engine: answer | forward | rewrite -> bytes
//! ```
//!
//! 1. A shard's thread (`net::shard`) takes bytes from its socket or its queue, and [`sip::scan`] makes a
//!    [`sip::Message`] of them: the bytes and an index. What belongs to a call that is up is handled at once; a new call
//!    may have to wait for its turn, and is refused where too many wait (`net::admission`).
//! 2. [`engine::Engine::handle`] (a request in `engine::request`) sorts out what has been here: [`transaction`] absorbs
//!    the retransmission of a call that went on, `engine::memory` answers that of a call that did not. A request with a
//!    To tag leaves for `engine::dialog` and is never screened.
//! 3. For a new call `engine::request` finds the trunk by the source, makes the checks of RFC 3261 section 16.3, and
//!    lays out what rules may look at: a [`screen::CallView`].
//! 4. [`screen::decide`] judges it by the rules and lists of the [`screen::World`] in force, and returns a
//!    [`screen::Verdict`]. It is pure and the only judge: `explain` calls the same code.
//! 5. The engine does what the verdict's [`screen::Outcome`] says. `Answer` (a decline, a redirect, 404 when no route
//!    matches, or what a switch is told that only asks) is written by `engine::request` and leaves no state but
//!    `engine::memory`; `Proceed` goes to `engine::call`, which has the bytes spliced by `engine::forward` and sent to the
//!    trunk's targets by `engine::proxy`; `Drop` is silence.
//! 6. What comes out are [`engine::Action`]s: bytes to send, names to resolve, lines of the records. The shard carries
//!    them out.
//!
//! So "answer 404 when no route matches" is decided in `screen::decide` (`Outcome::Answer`, kind `NoRoute`), and
//! `engine::request` writes it. A new rule or reason to refuse belongs to [`screen`], another way to change a message
//! to `engine::forward`, another thing that an RFC asks of a proxy to [`engine`].
//!
//! # The parts
//!
//! A module uses only rows below its own; `tests/layering.rs` fails where one looks up.
//!
//! | row | modules | |
//! | --- | --- | --- |
//! | start | `cli`, `app`, [`config`] | the command line; wiring, reload and stop; the TOML file, gathered from every module's own table, and where lists come from |
//! | I/O | `net` | sockets: one thread with its UDP sockets per shard, TCP, TLS and DNS on tokio |
//! | | `admin` | the HTTP port: one file per resource |
//! | | `store` | run-time edits, the trail, the generation and the keys, in SQLite; snapshots of lists and of what is counted |
//! | | `records` | the files that call records go to |
//! | calls | [`engine`] | one shard's calls: screen, answer, forward, dialogs |
//! | rules | [`transaction`] | the state machines and timers of RFC 3261 section 17 |
//! | | [`reach`] | which targets of trunks answer, shared by all shards |
//! | | [`screen`] | trunks, rules, routes and presentation: the decision |
//! | data | [`sip`] | the wire format: scanner, splicer, URIs |
//! | | [`lists`] | immutable number lists: compressed sets, edits over them, their entries and list files |
//! | | [`usage`] | the calls that are up and how often numbers are shown, shared by all shards |
//! | leaves | [`number`] | numbers, dial plans, spellings |
//! | | [`flow`], [`time`], [`redact`], [`text`], [`slots`], [`prehashed`], [`counters`] | the way of a message, and who its peer has proved to be; clocks as values; what a log may show; numbers as text; tables of things; counts |
//!
//! Everything from [`engine`] down has no socket, clock, task, global or hidden randomness: time and random seeds are
//! handed in, and what is to be done is handed out. It builds without the feature `daemon`, which carries the rest.
//!
//! # What changes while calls run
//!
//! All lists and rules are one immutable [`screen::World`]. An edit through `admin` is committed by `store`, then a new
//! world is published (`app::worlds`), then the edit is acknowledged; a reload (`app::reload`) builds a world aside and
//! swaps it in, or leaves everything as it was. A shard loads the world anew for each message, so that whatever was
//! acknowledged decides every INVITE that arrives later.
//!
//! # What a list is made of
//!
//! [`lists::read_list`] makes a [`lists::Base`] of a file: numbers in a [`lists::NumberSet`] of some 1 byte each, prefixes and
//! ranges as sorted intervals, details only where there are any. [`lists::List`] lays edits over it, and folds them into
//! it when there are many. Where the base comes from is a [`config::ListSource`]'s affair: `app::bases` takes it from
//! memory, from a snapshot of `store::Snapshots`, or from the files, and decides whether it comes into force.

#![forbid(unsafe_code)]

pub mod counters;
pub mod flow;
pub mod number;
pub mod prehashed;
pub mod redact;
pub mod slots;
pub mod text;
pub mod time;

pub mod lists;
pub mod sip;
pub mod usage;

pub mod reach;
pub mod screen;
pub mod transaction;

pub mod engine;

#[cfg(feature = "daemon")]
pub mod admin;
#[cfg(feature = "daemon")]
pub mod net;
#[cfg(feature = "daemon")]
pub mod records;
#[cfg(feature = "store")]
pub mod store;

pub mod config;

#[cfg(feature = "daemon")]
pub mod app;
#[cfg(feature = "daemon")]
pub mod cli;
