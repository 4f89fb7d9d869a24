//! What the engine does, fact by fact: messages in, messages out, no randomness.

mod balance;
mod dialogs;
mod draining;
mod failover;
mod limits;
mod names;
mod overload;
mod probing;
mod refusals;
mod rewriting;
mod screening;
mod stage;
mod timing;
mod trunk_states;
