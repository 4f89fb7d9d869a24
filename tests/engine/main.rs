//! What the engine does, fact by fact: messages in, messages out, no randomness.

mod addresses;
mod balance;
mod campaigns;
mod dialogs;
mod draining;
mod dying;
mod failover;
mod ipv6;
mod limits;
mod names;
mod nat;
mod overload;
mod presenting;
mod probing;
mod quality;
mod redirect_server;
mod refusals;
mod rewriting;
mod rule_modes;
mod screening;
mod secure;
mod stage;
mod streams;
mod timing;
mod trunk_states;
