//! engine

mod action;

pub use action::{Action, Hop, Host, QueryId, Ticket};
