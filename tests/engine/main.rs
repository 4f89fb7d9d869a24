//! What the engine does, fact by fact: messages in, messages out, no randomness.

mod addresses;
mod balance;
mod dialogs;
mod draining;
mod dying;
mod failover;
mod ipv6;
mod limits;
mod names;
mod nat;
mod overload;
mod probing;
mod quality;
mod refusals;
mod rewriting;
mod screening;
mod secure;
mod stage;
mod streams;
mod timing;
mod trunk_states;
