//! List files that are added to a list at run time.

use std::sync::Arc;

use super::{By, StorageFailure};
use crate::lists::{Details, Digest, Entry, FileError, FileOptions, Report};

/// A file to be added to a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportRequest {
    /// Who and why.
    pub by: By,
    /// The list's name.
    pub list: Arc<str>,
    /// How the file is to be read.
    pub options: FileOptions,
    /// Whether only to tell what the import would do.
    pub dry_run: bool,
}

/// What an import did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Imported {
    /// The generation it led to; `None`: nothing was changed.
    pub generation: Option<u64>,
    /// Rows of the file, without the header and empty lines; bad ones and duplicates included.
    pub rows: u64,
    /// Entries that the list did not have.
    pub added: u64,
    /// Entries that it had; their details are replaced.
    pub changed: u64,
    /// Entries that a change file took out.
    pub removed: u64,
    /// Rows whose entry stands in another row as well.
    pub duplicates: u64,
    /// The rows that were left out.
    pub rejected: Report,
    /// Numbers that the dial plan could not place, so that they were taken as E.164.
    pub guessed: u64,
    /// Rows with bytes that are not in the file's encoding, in cells that nobody asked for.
    pub not_utf8: u64,
    /// Whether the first row named the columns.
    pub header: bool,
    /// The first few entries as they were understood.
    pub head: Vec<(Entry, Details)>,
    /// The digest of the base that was made of them, where they were too many for an edit each.
    pub digest: Option<Digest>,
}

/// Why nothing was imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportFailure {
    /// No list has this name.
    UnknownList,
    /// The file is refused.
    File(FileError),
    /// The list cannot hold what is in it, and why.
    Unfit(String),
    /// It cannot be stored.
    Storage(StorageFailure),
}
