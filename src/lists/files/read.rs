//! Reading a file, whatever its format.

use std::io::Read;
use std::sync::atomic::AtomicU64;

use super::assembler::Assembler;
use super::ftc::Ftc;
use super::source::Source;
use super::tps::Tps;
use super::{FileError, FileOptions, Format, Report, blocks, csv};
use crate::lists::{BaseBuilder, Details, Digest, Entry};

/// What a file gave.
#[derive(Debug)]
pub struct ListFile {
    /// Its entries; [`Base::duplicates`](crate::lists::Base::duplicates) tells how many came more than once.
    pub builder: BaseBuilder,
    /// What a change file removes, in order, each once: to be taken out after `builder`'s entries were put in. Of an
    /// entry that is added and removed the last line counts, so that what is added at last is not here.
    pub removals: Vec<Entry>,
    /// How many rows, without the header and empty lines, bad ones that were skipped included.
    pub rows: u64,
    /// How many numbers the dial plan could not place, so that they were taken as E.164.
    pub guessed: u64,
    /// How many rows had bytes that are not in the file's encoding in cells that nobody asked for.
    pub not_utf8: u64,
    /// Whether the first row named the columns.
    pub header: bool,
    /// The rows that `on_error = "skip"` left out.
    pub skipped: Report,
    /// The SHA-256 of the file as it lies on the disk.
    pub digest: Digest,
    /// The first [`ListFile::HEAD`] entries that it adds, in file order.
    pub head: Vec<(Entry, Details)>,
}

impl ListFile {
    /// Enough to see whether columns mean what they should.
    pub const HEAD: usize = 10;
}

/// Whom no list may hold: the guard of `numbers.never_block`.
pub trait Refuse: Sync {
    /// Whether `entry` is or holds one of them.
    fn refuses(&self, entry: &Entry) -> bool;
}

impl<F: Fn(&Entry) -> bool + Sync> Refuse for F {
    fn refuses(&self, entry: &Entry) -> bool {
        self(entry)
    }
}

/// How far reading is, for others to look at meanwhile.
#[derive(Debug, Default)]
pub struct Progress {
    /// Bytes of the file that were read, compressed ones where it is compressed.
    pub bytes: AtomicU64,
    /// Rows that were read.
    pub rows: AtomicU64,
    /// How long the file is; the caller's to set.
    pub total_bytes: AtomicU64,
}

/// Reads a whole list file; what it means is said by `options`.
///
/// `csv` and `uke`: UTF-8 with or without byte order mark, or another encoding; lines end in LF, CRLF or CR; cells are
/// separated by one character and may be quoted; lines without any text are skipped. `ftc` and `tps`: lines end in LF or
/// CRLF, and `threads` threads (the caller's included) parse blocks of the text while one of them at a time reads on;
/// the outcome does not depend on their number. Memory stays within a few MiB beside the entries, whatever the file.
///
/// Bad rows refuse the file or are skipped as the options say; an entry that `refuse` names always refuses it, and so
/// does a file without a header and entries: it would empty a list that was cut off while it was copied.
pub fn read_list(
    input: impl Read + Send,
    options: &FileOptions,
    threads: usize,
    refuse: &impl Refuse,
    progress: &Progress,
) -> Result<ListFile, FileError> {
    let source = Source::new(input, progress)?;
    let mut assembler = Assembler::new(options.on_error, progress);
    let digest = match options.format {
        Format::Csv | Format::Uke => csv::read(source, options, refuse, &mut assembler)?,
        Format::Ftc => blocks::read(source, &Ftc(refuse), threads, &mut assembler)?,
        Format::Tps => blocks::read(source, &Tps { plan: &options.plan, refuse }, threads, &mut assembler)?,
    };
    assembler.finish(digest)
}
