//! What the engine does, fact by fact: messages in, messages out, no randomness.

mod addresses;
mod dialogs;
mod draining;
mod dying;
mod failover;
mod ipv6;
mod names;
mod nat;
mod overload;
mod refusals;
mod rewriting;
mod screening;
mod stage;
mod streams;
mod timing;
