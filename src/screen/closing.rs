//! Trunks that somebody has closed at run time.
//!
//! It is part of what decides, as lists are, and so of the [`World`](crate::screen::World): it has a generation, and the same
//! question to the same world has the same answer. Whether a trunk's targets answer is not: that changes by itself.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// What a trunk is used for. Requests inside dialogs go on in each state, and so do calls for help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TrunkState {
    /// Calls, both ways.
    #[default]
    Up,
    /// Calls that come from it; none goes to it.
    Drain,
    /// No call, either way.
    Off,
}

impl TrunkState {
    /// All of them.
    pub const ALL: [TrunkState; 3] = [TrunkState::Up, TrunkState::Drain, TrunkState::Off];

    /// As the admin port and the database spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            TrunkState::Up => "up",
            TrunkState::Drain => "drain",
            TrunkState::Off => "off",
        }
    }
}

impl FromStr for TrunkState {
    type Err = ();

    fn from_str(text: &str) -> Result<TrunkState, ()> {
        TrunkState::ALL.into_iter().find(|state| state.as_str() == text).ok_or(())
    }
}

/// The trunks that are not up, by name: one that the config no longer has keeps its state and does no harm.
pub type ClosedTrunks = Arc<BTreeMap<Arc<str>, TrunkState>>;
