//! What must survive a restart: edits, the audit trail, the generation counter and the keys, in the state directory.
//!
//! [`Store::open`] locks the directory, checks the database and gives back every edit; [`Store::start`] hands the
//! database to one thread, which commits edits in groups. The order is always: commit, publish, acknowledge.

mod config;
mod error;
mod keys;
mod open;
mod schema;
mod transaction;
mod writer;

pub use config::Config;
pub use error::{DatabaseFailure, StoreError};
pub use keys::Keys;
pub use open::{Replay, Store};
pub use writer::{
    Committed, EditError, EditWriter, Effect, Prepare, Proposal, Publish, Published, Refusal, Reload, ReloadError,
};

#[cfg(test)]
mod tests;
