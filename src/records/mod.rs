//! Call records: chunks of finished CSV lines go to files off the call path. What a line says is the engine's
//! affair; here lines are bytes.

mod file;
mod row;
mod writer;

pub use row::{Column, Damage, Event, Fields, Layout, Record, RecordError, RecordReader};
pub use writer::{Config, RecordCounts, RecordSink, RecordWriter, RecordsError};

#[cfg(test)]
mod tests;
