//! Waiting at a socket through signals.

use std::io::{ErrorKind, Result};

/// Waits again when a signal has come in between: where a socket has a time limit, the system does not (`signal`(7)).
pub(crate) fn uninterrupted<T>(mut wait: impl FnMut() -> Result<T>) -> Result<T> {
    loop {
        match wait() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            waited => return waited,
        }
    }
}
