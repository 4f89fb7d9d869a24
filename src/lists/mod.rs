//! Number lists as immutable values: reading them from bytes, asking them, and laying edits over them.
//!
//! An [`Entry`] is one line of a list, read by [`Entry::parse`]. A [`Base`] holds the entries of a file in a frozen form
//! made for look-ups; a [`List`] is a base with a class and an overlay of run-time [`Edit`]s; [`Lists`] is all of them.
//! [`read_list`] reads a file of them, a [`Pool`] counts out a list's numbers one by one.

mod base;
mod config;
mod digest;
mod edit;
mod entry;
mod files;
mod history;
mod intervals;
mod list;
mod numbers;
mod pool;
mod set;

pub use base::{Base, BaseBuilder, SnapshotError};
pub use config::{Class, ClassError, ListConfig, ListsConfig, OnErrorWord, OptionError, Percent, WhenStale};
pub use digest::{Digest, DigestError, Digester};
pub use edit::{Change, Condition, Details, Edit, Effect, Tag};
pub use entry::{Entry, EntryError, Prefix, Range};
pub use files::{
    Column, Columns, Compression, DateFormat, Delimiter, Encoding, FileError, FileOptions, Format, ListFile, OnError,
    Progress, Refuse, Report, RowError, RowReason, TextError, read_list, read_numbers,
};
pub use history::{Action, AuditLine, AuditQuery, BaseRecord, FileRecord, FileStamp, ImportRecord, ListAt};
pub use list::{List, Page};
pub use numbers::NumberSet;
pub use pool::{Pool, PoolError};
pub use set::{ListId, Lists, ListsError, UnknownList};
