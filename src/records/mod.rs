//! Call records: chunks of finished CSV lines go to files off the call path, and are found there again. What a line says is
//! the engine's affair; here lines are bytes, and what stands in them is read by the names of their columns.
//!
//! * `writer` is the thread that writes and the queue in front of it, `file` the file that it writes to; `keeping` looks
//!   after those of earlier days. `part` knows files by their names.
//! * `row` reads a line, and a file from its beginning to its end. `lines` reads a file from its end, or at a place; `pack`
//!   compresses it so that this can be done.
//! * `search` looks through files for calls, `blocked` says where in them the blocked calls of somebody stand; `archive`
//!   answers both.

mod archive;
mod blocked;
mod config;
mod file;
mod keeping;
mod lines;
mod pack;
mod part;
mod row;
mod search;
mod writer;

pub use archive::{BlockedCalls, RecordArchive};
pub use config::Config;
pub use row::{Column, Damage, Event, Fields, Layout, Record, RecordError, RecordReader};
pub use search::{FoundCall, Page, Position, PositionError, Search, Unread};
pub use writer::{Place, RecordCounts, RecordSink, RecordWriter, RecordsError};

#[cfg(test)]
mod tests;
