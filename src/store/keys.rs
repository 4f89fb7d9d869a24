//! The keys that must survive a restart, so that calls in progress are still known as ours.

use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use rand::TryRng;
use rand::rngs::SysRng;

use super::StoreError;
use super::whole::write_whole;

/// Random bytes made at the first start and read at each later one.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    /// Key of the token in Record-Route.
    pub token: [u8; 16],
    /// Key of the hash that chooses a call's shard.
    pub shard: [u8; 16],
    /// For what the engine derives of its own.
    pub seed: [u8; 32],
}

impl Keys {
    /// Reads `dir/keys`, or makes it, readable by the owner alone.
    pub(super) fn open(dir: &Path) -> Result<Keys, StoreError> {
        let path = dir.join("keys");
        let failed = |error: io::Error| StoreError::File { path: path.clone(), kind: error.kind() };
        match fs::read(&path) {
            Ok(bytes) => Keys::from_bytes(&bytes).ok_or_else(|| StoreError::DamagedKeys {
                path: path.clone(),
                found: bytes.len(),
                expected: LENGTH,
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut bytes = [0; LENGTH];
                SysRng.try_fill_bytes(&mut bytes).map_err(|_| StoreError::NoRandomness)?;
                write_whole(&path, |file| file.write_all(&bytes)).map_err(failed)?;
                Ok(Keys::from_bytes(&bytes).expect("the length is right"))
            }
            Err(error) => Err(failed(error)),
        }
    }

    fn from_bytes(bytes: &[u8]) -> Option<Keys> {
        let (token, rest) = bytes.split_first_chunk()?;
        let (shard, rest) = rest.split_first_chunk()?;
        let seed = rest.try_into().ok()?;
        Some(Keys { token: *token, shard: *shard, seed })
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

const LENGTH: usize = 16 + 16 + 32;
