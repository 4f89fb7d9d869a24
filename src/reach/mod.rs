//! Whether the targets of trunks answer: what one shard finds out by asking, and what every shard's calls go by.
//!
//! * `trial` judges one target from its answers and failures: one lost datagram is no dead neighbour.
//! * `table` has the state of every target that is probed, for all shards.
//!
//! A restart begins with all targets up, since calls that are refused for want of a verdict would be lost for nothing. No
//! state lives longer than the target stands in the config, and none in what DNS has answered.

mod table;
mod trial;

pub use table::{Place, Probed, Probes, Reach, Standing};
pub use trial::{DOWN_AFTER, State, Trial, UP_AFTER};

#[cfg(test)]
mod tests;
