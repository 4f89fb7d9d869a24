//! The `[state]` table.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use serde::Deserialize;

/// Where run-time state is kept: the database of edits, the keys and the records.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The state directory; made at start when it is missing. Relative to the config file, which the config row
    /// resolves before the store opens it. Omitted: the one that the service manager has made (`StateDirectory=` of
    /// systemd.exec(5)), else `../state`.
    pub dir: PathBuf,
}

impl Default for Config {
    fn default() -> Config {
        Config { dir: dir_of(std::env::var_os("STATE_DIRECTORY").as_deref()) }
    }
}

/// The first of the directories that the service manager names.
fn dir_of(named: Option<&OsStr>) -> PathBuf {
    let first = named.and_then(|named| named.as_bytes().split(|byte| *byte == b':').find(|dir| !dir.is_empty()));
    first.map_or_else(|| PathBuf::from(DEFAULT_DIR), |dir| PathBuf::from(OsStr::from_bytes(dir)))
}

/// Beside the directory that holds the config, not inside it: config may lie on a read-only file system.
const DEFAULT_DIR: &str = "../state";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_managers_directory_comes_before_the_one_beside_the_config() {
        let named = |named: Option<&str>| dir_of(named.map(OsStr::new));
        assert_eq!(named(Some("/var/lib/ringfence")), PathBuf::from("/var/lib/ringfence"));
        assert_eq!(named(Some("/var/lib/one:/var/lib/two")), PathBuf::from("/var/lib/one"));
        assert_eq!([named(Some("")), named(None)], [(); 2].map(|()| PathBuf::from("../state")));
    }
}
