//! The `[state]` table.

use std::path::PathBuf;

use serde::Deserialize;

/// Where run-time state is kept: the database of edits, the keys and the records.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The state directory; made at start when it is missing. Relative to the config file, which the config row
    /// resolves before the store opens it.
    pub dir: PathBuf,
}

impl Default for Config {
    fn default() -> Config {
        Config { dir: PathBuf::from(DEFAULT_DIR) }
    }
}

/// Beside the directory that holds the config, not inside it: config may lie on a read-only file system.
const DEFAULT_DIR: &str = "../state";
