//! engine

mod action;
mod input;

pub use action::{Action, Hop, Host, QueryId, Ticket};
pub use input::Input;
