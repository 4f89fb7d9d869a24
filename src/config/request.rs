//! [`BaseRequest`]: what a list's base is to be made of, and the making of it.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::files::NotRegular;
use super::source::{BaseError, FileTold};
use crate::lists::{
    Base, BaseBuilder, BaseRecord, Class, Details, Digest, Entry, FileOptions, FileRecord, FileStamp, ListFile,
    Percent, Progress, Refuse, read_list,
};
use crate::screen::NeverBlock;
use crate::time::WallTime;

/// A list as the config describes it.
#[derive(Debug)]
pub struct BaseRequest<'c> {
    /// Its name.
    pub name: &'c Arc<str>,
    /// What it is for.
    pub class: Class,
    /// Its file, then its change files, in the order in which they are applied; none for a list without a file.
    pub files: Vec<Arc<Path>>,
    /// How they are read.
    pub options: FileOptions,
    /// The entries of its table.
    pub entries: Vec<Entry>,
    /// How many threads read a file: at least one.
    pub threads: usize,
    /// Whom it may not hold; `None`: it may hold anybody.
    pub never_block: Option<&'c NeverBlock>,
    /// A base that changes more of the list than this waits to be confirmed.
    pub max_change: Option<Percent>,
    /// How old its newest file may be.
    pub max_age: Option<Duration>,
}

/// A file that is about to be read, and what the system says of it.
pub type Opened = (Box<dyn Read + Send>, FileStamp);

/// What the files of a list and its table gave.
#[derive(Debug)]
pub struct ListRead {
    /// All entries.
    pub base: Base,
    /// What they were made of.
    pub record: BaseRecord,
    /// What reading the files told.
    pub told: Vec<FileTold>,
}

impl BaseRequest<'_> {
    /// Of all that decides what the bytes of the files mean, and in which order they count. Files with the same stamps
    /// and the same fingerprint need not be read again.
    pub fn fingerprint(&self) -> Digest {
        let never_block = self.never_block.map(NeverBlock::entries);
        // As with the options, `Debug` keeps the fields apart.
        let all = (REQUEST_VERSION, self.options.fingerprint(), &self.files, &self.entries, never_block);
        Digest::of(format!("{all:?}").as_bytes())
    }

    /// From when on a base of these files is too old.
    pub fn stale_from(&self, record: &BaseRecord) -> Option<WallTime> {
        record.stale_from(self.max_age)
    }

    /// Reads the files and puts them together: each adds its entries and then takes out what it removes; the entries of
    /// the table come last. `open` gives a file and its stamp; it is asked again after the reading, whether the path still
    /// leads to the same file.
    ///
    /// All files are opened before the first is read, so that `progress` knows how much there is, and the set changes
    /// as little as may be meanwhile.
    pub fn read(
        &self,
        open: &mut dyn FnMut(&Path) -> io::Result<Opened>,
        progress: &Progress,
    ) -> Result<ListRead, BaseError> {
        let mut opened = Vec::with_capacity(self.files.len());
        for path in &self.files {
            let (input, stamp) = open(path).map_err(|error| unopened(path, &error))?;
            progress.total_bytes.fetch_add(stamp.bytes, Ordering::Relaxed);
            opened.push((path, input, stamp));
        }
        let (mut base, mut changes) = (Base::default(), Changes::default());
        let (mut files, mut told) = (Vec::new(), Vec::new());
        for (path, input, stamp) in opened {
            let file = self.file(path, input, stamp, open, progress)?;
            let (record, mut of_it) = tell(path, stamp, &file);
            let ListFile { mut builder, removals, .. } = file;
            if self.files.len() == 1 && removals.is_empty() {
                // Into the same builder: a large base is not made twice for the sake of a few entries.
                self.entries.iter().for_each(|entry| builder.push(entry.clone(), &Details::default()));
            }
            let added = builder.build();
            of_it.duplicates = added.duplicates();
            if files.is_empty() && removals.is_empty() {
                base = added;
            } else {
                changes.then(added, removals);
            }
            files.push(record);
            told.push(of_it);
        }
        // Those that are there keep what the files say of them.
        let mut table = BaseBuilder::new();
        let missing = self.entries.iter().filter(|entry| !changes.hold(entry, &base));
        missing.for_each(|entry| table.push(entry.clone(), &Details::default()));
        changes.then(table.build(), Vec::new());
        let base = changes.over(base);
        let record = BaseRecord { digest: base.digest(), entries: base.len(), files, fingerprint: self.fingerprint() };
        Ok(ListRead { base, record, told })
    }

    /// Reads one file, and makes sure that it was one file all the time.
    fn file(
        &self,
        path: &Arc<Path>,
        input: Box<dyn Read + Send>,
        stamp: FileStamp,
        open: &mut dyn FnMut(&Path) -> io::Result<Opened>,
        progress: &Progress,
    ) -> Result<ListFile, BaseError> {
        let before = progress.bytes.load(Ordering::Relaxed);
        let refuse = |entry: &Entry| self.never_block.is_some_and(|guard| guard.refuses(entry));
        let read = read_list(input, &self.options, self.threads.max(1), &refuse, progress);
        let length = progress.bytes.load(Ordering::Relaxed) - before;
        // What is wrong with half a file is nobody's mistake.
        let same = open(path).is_ok_and(|(_, after)| after == stamp);
        if !same || (read.is_ok() && length != stamp.bytes) {
            return Err(BaseError::Changed { path: Arc::clone(path) });
        }
        read.map_err(|error| BaseError::File { path: Arc::clone(path), error })
    }
}

/// What files do to the one before them, taken together: that one may be large, and is made anew once only.
#[derive(Default)]
struct Changes {
    added: Base,
    /// None of `added`.
    removed: BTreeSet<Entry>,
}

impl Changes {
    /// These, and then those: `removals` are taken out after `added` were put in.
    fn then(&mut self, added: Base, removals: Vec<Entry>) {
        self.removed.retain(|entry| !added.contains(entry));
        self.added = std::mem::take(&mut self.added).changed(added, &removals);
        self.removed.extend(removals);
    }

    /// Whether an entry is there after them.
    fn hold(&self, entry: &Entry, base: &Base) -> bool {
        self.added.contains(entry) || base.contains(entry) && !self.removed.contains(entry)
    }

    fn over(self, base: Base) -> Base {
        if self.added.is_empty() && self.removed.is_empty() {
            return base;
        }
        base.changed(self.added, &Vec::from_iter(self.removed))
    }
}

fn tell(path: &Arc<Path>, stamp: FileStamp, file: &ListFile) -> (FileRecord, FileTold) {
    let record = FileRecord { path: Arc::clone(path), digest: file.digest, stamp };
    let told = FileTold {
        path: Arc::clone(path),
        rows: file.rows,
        duplicates: 0,
        removals: file.removals.len() as u64,
        guessed: file.guessed,
        not_utf8: file.not_utf8,
        skipped: file.skipped.clone(),
    };
    (record, told)
}

fn unopened(path: &Arc<Path>, error: &io::Error) -> BaseError {
    let path = Arc::clone(path);
    if error.get_ref().is_some_and(|inner| inner.is::<NotRegular>()) {
        return BaseError::NotRegular { path };
    }
    BaseError::Unreadable { path, kind: error.kind() }
}

/// Raised whenever the same files and table make another base.
const REQUEST_VERSION: u32 = 1;
