//! What must survive a restart: edits, lists made at run time, imports, which bases were in force, the audit trail, the
//! generation counter and the keys, in the state directory.
//!
//! [`Store::open`] locks the directory, checks the database and gives back all of it; [`Store::start`] hands the
//! database to one thread, which commits edits in groups. The order is always: commit, publish, acknowledge. Bases
//! themselves lie beside the database as [`Snapshots`], which can always be made anew from their files, and what is counted
//! as a [`UsageFile`], which a crash leaves a minute behind.

mod config;
mod edits;
mod error;
mod keys;
mod open;
mod peek;
mod proposal;
mod replay;
mod rows;
mod schema;
mod snapshots;
mod swap;
mod thread;
mod trail;
mod usage;
mod whole;
mod writer;

pub use config::Config;
pub use error::{DatabaseFailure, StoreError};
pub use keys::Keys;
pub use open::Store;
pub use peek::{peek, peek_all};
pub use proposal::{Committed, EditError, Proposal, Published, Refusal};
pub use replay::{KEPT_BASES, MadeList, Replay};
pub use snapshots::{Broken, SnapshotError, Snapshots};
pub use swap::{Holds, Prepare, Publish, Step, Swap, SwapError};
pub use usage::{UsageFile, UsageFileError};
pub use writer::EditWriter;

#[cfg(test)]
mod tests;
