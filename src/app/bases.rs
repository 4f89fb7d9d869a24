//! [`Bases`]: where the daemon gets the bases of lists from. Files that have not changed are not read again; what they
//! gave lies in a snapshot, or in memory.

use std::collections::HashMap;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::config::{BaseError, BaseRequest, ListSource, Opened, Reading, SourceNotice, Sourced, open_file, stamp_of};
use crate::lists::{Base, BaseRecord, Digest, Digester, FileRecord, FileStamp, List};
use crate::store::{Broken, Replay, SnapshotError, Snapshots, Step};
use crate::time::WallTime;

/// The bases of one start or reload.
pub(super) struct Bases<'r> {
    pub(super) snapshots: &'r Snapshots,
    pub(super) replay: &'r Replay,
    /// The lists in force with the digests of their bases; none at a start.
    pub(super) standing: &'r Standing,
    /// Bases that waited to be confirmed after the reload before.
    pub(super) waiting: Vec<BaseRecord>,
    pub(super) reading: Reading,
    /// At a start a bad file must not keep the calls away.
    pub(super) starting: bool,
    pub(super) now: WallTime,
    /// What is to be stored once the world is put in force.
    pub(super) steps: Vec<Step>,
}

/// The lists in force, each with the digest of the base that its files gave.
pub(super) type Standing = HashMap<Arc<str>, (Digest, List)>;

impl ListSource for Bases<'_> {
    fn base(&mut self, request: &BaseRequest<'_>) -> Result<Sourced, BaseError> {
        let sourced = match self.unchanged(request) {
            Some(record) if self.has_snapshot(&record) => match self.kept(request, &record) {
                Some(base) => Ok(known(request, record, base)),
                None => self.read(request),
            },
            // Also one that stands, where its snapshot could not be written: now it may be.
            _ => self.read(request),
        };
        match sourced {
            Ok(sourced) => Ok(self.judged(request, sourced)),
            Err(error) if self.starting => {
                // The newest that is whole.
                let bases = self.replay.bases.get(request.name).into_iter().flatten();
                let good = bases.map(|record| Some((self.kept(request, record)?, record.clone())));
                let (base, record) = good.flatten().next().ok_or_else(|| error.clone())?;
                let mut sourced = known(request, record, base);
                sourced.notices.push(SourceNotice::Fallback(error));
                Ok(sourced)
            }
            Err(error) => Err(error),
        }
    }
}

impl Bases<'_> {
    /// The base that was in force last.
    fn last(&self, list: &str) -> Option<&BaseRecord> {
        self.replay.bases.get(list)?.first()
    }

    /// The base that the files gave when they were read before, if nothing of them has changed since.
    fn unchanged(&self, request: &BaseRequest<'_>) -> Option<BaseRecord> {
        let fingerprint = request.fingerprint();
        let stamps: Vec<FileStamp> = request.files.iter().map(|path| stamp_of(path)).collect::<Result<_, _>>().ok()?;
        let known = self.replay.bases.get(request.name).into_iter().flatten().chain(&self.waiting);
        let known: Vec<&BaseRecord> = known
            .filter(|record| {
                let paths = record.files.iter().map(|file| &file.path);
                record.fingerprint == fingerprint && paths.eq(&request.files)
            })
            .collect();
        let same = |record: &&&BaseRecord, part: fn(&FileStamp) -> FileStamp| {
            record.files.iter().map(|file| part(&file.stamp)).eq(stamps.iter().map(part))
        };
        if let Some(record) = known.iter().find(|record| same(record, |stamp| *stamp)) {
            return Some((*record).clone());
        }
        // A copy, or one that was touched: reading it costs less than making a base of it.
        let length = |stamp: &FileStamp| FileStamp { bytes: stamp.bytes, ..FileStamp::default() };
        known.iter().find(|record| same(record, length))?;
        let digests = request.files.iter().zip(&stamps).map(|(path, stamp)| digest_of(path, stamp).ok().flatten());
        let digests: Vec<Digest> = digests.collect::<Option<_>>()?;
        let record = known.iter().find(|record| record.files.iter().map(|file| &file.digest).eq(&digests))?;
        let files = record.files.iter().zip(stamps);
        let files = files.map(|(file, stamp)| FileRecord { stamp: self.trusted(stamp), ..file.clone() }).collect();
        Some(BaseRecord { files, ..(*record).clone() })
    }

    /// Whether the next start and a rollback find it; what is empty needs none.
    fn has_snapshot(&self, record: &BaseRecord) -> bool {
        record.entries == 0 || self.snapshots.contains(&record.digest)
    }

    /// A base that was made before; `None` when it cannot be had.
    fn kept(&self, request: &BaseRequest<'_>, record: &BaseRecord) -> Option<Arc<Base>> {
        if let Some((digest, list)) = self.standing.get(request.name)
            && *digest == record.digest
        {
            // With the edits that were folded into it: as it is the same list, `worlds` takes it as it stands.
            return Some(Arc::clone(list.base()));
        }
        let _being_read = self.reading.begin(request.name);
        match read_snapshot(self.snapshots, &record.digest) {
            Ok(base) => Some(Arc::new(base)),
            Err(SnapshotError::Missing) if record.entries == 0 => Some(Arc::default()),
            Err(SnapshotError::Missing) => None,
            Err(error) => {
                tracing::warn!("list \"{}\": {error}", request.name);
                None
            }
        }
    }

    /// Makes the base of its files, and keeps a snapshot of it.
    fn read(&mut self, request: &BaseRequest<'_>) -> Result<Sourced, BaseError> {
        let list = self.reading.begin(request.name);
        let mut read = request.read(&mut open_file, list.progress())?;
        for file in &mut read.record.files {
            file.stamp = self.trusted(file.stamp);
        }
        let mut sourced = Sourced::read(request, read);
        if sourced.record.entries > 0
            && let Err(error) = write_snapshot(self.snapshots, &sourced.base, &sourced.record.digest)
        {
            sourced.notices.push(SourceNotice::NoSnapshot(error.to_string().into()));
        }
        Ok(sourced)
    }

    /// A file that has just changed can change again within the same tick of the system's clock, and nobody would see:
    /// it is looked at again, by a number that no file has.
    fn trusted(&self, stamp: FileStamp) -> FileStamp {
        if self.now.since(stamp.changed) < SETTLED { FileStamp { inode: 0, ..stamp } } else { stamp }
    }

    /// Whether what the files gave comes into force, or what was in force stays.
    fn judged(&mut self, request: &BaseRequest<'_>, sourced: Sourced) -> Sourced {
        let list = request.name;
        let Some(last) = self.last(list).cloned() else {
            // A list without files and entries has nothing that could be gone back to.
            if !request.files.is_empty() || sourced.record.entries > 0 {
                self.steps.push(Step::Base { list: Arc::clone(list), record: sourced.record.clone() });
            }
            return sourced;
        };
        let sourced = match self.standing_in(request, &last, &sourced) {
            Some(Stand::Stays(standing)) => return standing,
            Some(Stand::Lost) => lost(sourced),
            None => sourced,
        };
        if sourced.record != last {
            self.steps.push(Step::Base { list: Arc::clone(list), record: sourced.record.clone() });
        }
        if self.replay.aside.contains_key(list) {
            self.steps.push(Step::TakeBack { list: Arc::clone(list) });
        }
        sourced
    }

    /// What becomes of the base that was in force before, where that is not simply to go; `None`: it is.
    fn standing_in(&self, request: &BaseRequest<'_>, last: &BaseRecord, new: &Sourced) -> Option<Stand> {
        let stays = |base, notice| {
            let mut sourced = known(request, last.clone(), base);
            sourced.notices.push(notice);
            Some(Stand::Stays(sourced))
        };
        if self.replay.aside.get(request.name) == Some(&new.record.digest) {
            let notice = SourceNotice::SetAside(new.record.digest);
            return self.kept(request, last).map_or(Some(Stand::Lost), |base| stays(base, notice));
        }
        let max_change = request.max_change.filter(|_| new.record.digest != last.digest)?;
        let imported = self.replay.imports.iter().any(|import| import.list == *request.name);
        let base = match self.standing.get(request.name) {
            // Edits and imports are no change of the file. Where what it said is lost, they have to count as one.
            Some((_, list)) if imported || list.edits() > 0 => {
                read_snapshot(self.snapshots, &last.digest).ok().map(Arc::new).or_else(|| self.kept(request, last))
            }
            _ => self.kept(request, last),
        };
        let Some(base) = base else { return Some(Stand::Lost) };
        let (removed, added) = base.differences(&new.base);
        let before = last.entries;
        let notice = SourceNotice::Waits { record: new.record.clone(), added, removed, before, max_change };
        if percent(added + removed, before) <= max_change.get() {
            return None;
        }
        stays(self.kept(request, last).unwrap_or(base), notice)
    }
}

/// What becomes of the base that was in force.
enum Stand {
    /// It stays.
    Stays(Sourced),
    /// It should, or should be compared, but cannot be had any more.
    Lost,
}

/// What the files say, for want of what should stand in its place.
fn lost(mut sourced: Sourced) -> Sourced {
    let why = "the base that was in force before is lost, so that it can neither stay nor be compared with this one";
    sourced.notices.push(SourceNotice::NoSnapshot(why.into()));
    sourced
}

/// What part of `before` has changed, of a hundred; of nothing all of it.
pub(super) fn percent(changed: u64, before: u64) -> f64 {
    // Of numbers beyond 2^53 a rounded share is good enough.
    #[allow(clippy::cast_precision_loss)]
    let share = changed as f64 / before.max(1) as f64;
    100.0 * share
}

fn known(request: &BaseRequest<'_>, record: BaseRecord, base: Arc<Base>) -> Sourced {
    Sourced {
        stale_from: request.stale_from(&record),
        base,
        record,
        told: Vec::new(),
        from_snapshot: true,
        notices: Vec::new(),
    }
}

/// Reads a base by its digest. A damaged one is made way for.
pub(super) fn read_snapshot(snapshots: &Snapshots, digest: &Digest) -> Result<Base, SnapshotError> {
    snapshots.read(digest, |file| base_of(file, digest))
}

/// Reads what was imported: nobody can make it anew.
pub(super) fn read_import(snapshots: &Snapshots, digest: &Digest) -> Result<Base, SnapshotError> {
    snapshots.look(digest, |file| base_of(file, digest))
}

fn base_of(file: impl Read, digest: &Digest) -> Result<Base, Broken> {
    Base::read_from(file, digest).map_err(|error| match error {
        crate::lists::SnapshotError::Io(kind) => Broken::Unreadable(kind),
        crate::lists::SnapshotError::Damaged => Broken::Damaged,
    })
}

/// Keeps a base, unless it is kept already.
pub(super) fn write_snapshot(snapshots: &Snapshots, base: &Base, digest: &Digest) -> Result<(), SnapshotError> {
    snapshots.write(digest, |file| base.write_to(file))
}

/// `None`: it is not the file any more that had this stamp.
fn digest_of(path: &Path, stamp: &FileStamp) -> io::Result<Option<Digest>> {
    let (mut file, opened): Opened = open_file(path)?;
    if opened != *stamp {
        return Ok(None);
    }
    let mut digester = Digester::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(Some(digester.finish())),
            read => digester.update(&buffer[..read]),
        }
    }
}

/// Far longer than the tick of any system's clock, and than clocks that are set by the network are apart.
const SETTLED: Duration = Duration::from_secs(2);
