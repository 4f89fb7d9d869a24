//! The world that a config would make, beside a daemon that runs with another.

use std::path::Path;

use super::bases::Standing;
use super::worlds::{self, BuildError};
use crate::config::Loaded;
use crate::screen::World;
use crate::store::{Replay, Snapshots};

/// Lists from the config's files, with what was edited and imported at run time as the state directory `dir` has it. What
/// somebody has set by hand, trunks and the modes of rules, is as the config says.
pub(crate) fn candidate(loaded: &Loaded, replay: Replay, dir: &Path) -> Result<World, BuildError> {
    let replay = Replay { by_hand: Default::default(), ..replay };
    worlds::build(loaded, &replay, &Snapshots::beside(dir), &Standing::new())
}
