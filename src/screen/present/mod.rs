//! The choice of the caller number that is shown: which numbers of a route's pool may be, and which of them is.
//!
//! * `view`: a pool as a route sees it at a moment; `state`: why a number is not shown.
//! * `occasion`: what of a call the choice depends on, and no more: it is made again when a call goes to a further target.
//! * `strategy`: the choice among `candidates`; `nearest` gives those first that look like the callee.
//! * `tell`: all of it in words.
//! * `draw`: the same draw gives the same choice.

mod candidates;
mod draw;
mod nearest;
mod occasion;
mod state;
mod strategy;
mod tell;
mod view;

pub use occasion::Occasion;
pub use state::{NumberState, PoolTally};
pub(crate) use strategy::MOST_LOOKS;
pub use strategy::Strategy;
pub use view::{MOST_TALLIED, PoolView};

#[cfg(test)]
pub(crate) use draw::SplitMix64;
