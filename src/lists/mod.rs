//! Number lists as immutable values: reading them from bytes, asking them, and laying edits over them.
//!
//! An [`Entry`] is one line of a list, read by [`Entry::parse`]. A [`Base`] holds the entries of a file in a frozen form
//! made for look-ups; a [`List`] is a base with a class and an overlay of run-time [`Edit`]s; [`Lists`] is all of them.
//! [`read_csv`] makes a base from a file, a [`Pool`] counts out a list's numbers one by one.

mod base;
mod config;
mod csv;
mod edit;
mod entry;
mod intervals;
mod list;
mod numbers;
mod page;
mod pool;
mod set;

pub use self::csv::{Column, Columns, CsvError, CsvErrors, CsvList, RowError, RowReason, read_csv};
pub use base::{Base, BaseBuilder};
pub use config::{Class, EntriesError, ListConfig};
pub use edit::{Change, Details, Edit};
pub use entry::{Entry, EntryError, Prefix, Range};
pub use list::List;
pub use numbers::NumberSet;
pub use pool::{Pool, PoolError};
pub use set::{ListId, Lists, ListsError, UnknownList};
