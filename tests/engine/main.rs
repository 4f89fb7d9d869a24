//! What the engine does, fact by fact: messages in, messages out, no randomness.

mod dialogs;
mod draining;
mod dying;
mod failover;
mod names;
mod overload;
mod refusals;
mod rewriting;
mod screening;
mod stage;
mod timing;
