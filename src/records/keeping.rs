//! What becomes of files that are no longer written: they are compressed, and removed when they are old.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{PoisonError, Weak};
use std::time::Duration;

use super::config::Config;
use super::file::Current;
use super::pack::{members, pack};
use super::part::{DAY, Files, Kind, Part, day_of, parts};
use crate::time::WallTime;

/// Keeps the files of a folder.
pub(super) struct Keeper {
    pub(super) dir: PathBuf,
    pub(super) config: Config,
    pub(super) current: Current,
    /// Tells when another file is written; disconnected when none is any more.
    pub(super) written: Receiver<()>,
    /// Alive as long as the writer.
    pub(super) alive: Weak<()>,
}

impl Keeper {
    /// Works until the writer ends.
    pub(super) fn run(self, clock: impl Fn() -> WallTime) {
        loop {
            self.tidy(clock());
            if self.written.recv_timeout(ROUND) == Err(RecvTimeoutError::Disconnected) {
                return;
            }
        }
    }

    /// Does all that is due.
    pub(super) fn tidy(&self, now: WallTime) {
        let parts = match parts(&self.dir) {
            Ok(parts) => parts,
            Err(error) => return tracing::warn!(%error, "the folder of records cannot be read"),
        };
        let last = parts.keys().next_back().copied();
        for (part, files) in parts {
            if self.is_old(part, now) {
                self.told(part, "removed", self.remove(part));
            } else if self.config.gzip && files.plain && !self.may_be_written(part, last, now) {
                self.told(part, "compressed", self.compress(part, files));
            }
        }
    }

    fn is_old(&self, part: Part, now: WallTime) -> bool {
        let Some(keep) = self.config.keep else { return false };
        part.began() + DAY + keep <= now && !self.is_current(part)
    }

    fn is_current(&self, part: Part) -> bool {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) == Some(part)
    }

    /// The last part of today is about to be written when it is not yet.
    fn may_be_written(&self, part: Part, last: Option<Part>, now: WallTime) -> bool {
        self.is_current(part) || (last == Some(part) && part.day == day_of(now))
    }

    fn remove(&self, part: Part) -> io::Result<()> {
        // The lines last: what stands beside them is of no use without them.
        for kind in [Kind::Blocked, Kind::Unfinished, Kind::Gzip, Kind::Plain] {
            match fs::remove_file(part.path(&self.dir, kind)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// A failure leaves the plain file as it is; the next round tries again.
    fn compress(&self, part: Part, files: Files) -> io::Result<()> {
        let plain = File::open(part.path(&self.dir, Kind::Plain))?;
        if files.gzip && is_whole(&part.path(&self.dir, Kind::Gzip), &plain)? {
            // A crash came between the rename and the removal.
            return fs::remove_file(part.path(&self.dir, Kind::Plain));
        }
        let unfinished = part.path(&self.dir, Kind::Unfinished);
        let packed = self.pack(&plain, &unfinished).and_then(|read| self.swap(part, &plain, &unfinished, read));
        if packed.is_err() {
            let _ = fs::remove_file(&unfinished);
        }
        packed
    }

    fn pack(&self, plain: &File, unfinished: &Path) -> io::Result<u64> {
        let mut out = File::create(unfinished)?;
        let read = pack(plain, &mut out, || self.alive.strong_count() > 0)?;
        out.sync_all()?;
        Ok(read)
    }

    /// Puts the compressed file in the place of the plain one, unless that was written to meanwhile.
    fn swap(&self, part: Part, plain: &File, unfinished: &Path, read: u64) -> io::Result<()> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if *current == Some(part) || plain.metadata()?.len() != read {
            return Err(io::ErrorKind::ResourceBusy.into());
        }
        fs::rename(unfinished, part.path(&self.dir, Kind::Gzip))?;
        File::open(&self.dir)?.sync_all()?;
        fs::remove_file(part.path(&self.dir, Kind::Plain))
    }

    fn told(&self, part: Part, what: &str, done: io::Result<()>) {
        match done {
            Ok(()) => tracing::info!("records {part} are {what}"),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => tracing::warn!(%error, "records {part} could not be {what}"),
        }
    }
}

/// Whether a compressed file holds as much as the plain one.
fn is_whole(packed: &Path, plain: &File) -> io::Result<bool> {
    match members(&File::open(packed)?) {
        Ok(members) => Ok(members.last().map_or(0, |member| member.ends()) == plain.metadata()?.len()),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(false),
        Err(error) => Err(error),
    }
}

/// How late a file is removed, and a compression that failed tried again.
const ROUND: Duration = Duration::from_secs(600);
