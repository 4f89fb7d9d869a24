//! engine

mod action;
mod config;
mod input;

pub use action::{Action, Hop, Host, QueryId, Ticket};
pub use config::{ListenConfig, SipConfig, UnknownSource};
pub use input::Input;
