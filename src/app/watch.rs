//! Seeing the files of lists change (`lists.watch`).
//!
//! The system tells of folders, as files are often replaced by others of their name. What it tells is only a reason to
//! look: whether something changed is seen from the stamps of the files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use notify::{RecursiveMode, Watcher as _};

use super::live::Live;
use super::reload;
use crate::admin::By;
use crate::config::{SourceNotice, stamp_of};
use crate::lists::FileStamp;

/// Watches until the daemon ends.
pub(super) struct Watch {
    /// Dropped first, so that the thread ends.
    _watcher: notify::RecommendedWatcher,
}

impl Watch {
    /// Begins to watch the files of the lists in force, also those of later configs. `None` with a warning when the
    /// system cannot tell.
    pub(super) fn start(live: &Arc<Live>) -> Option<Watch> {
        let (told, events) = mpsc::sync_channel(1);
        let tell = move |_: notify::Result<notify::Event>| {
            // One that is there already is as good.
            let _ = told.try_send(());
        };
        let warn = |error: &dyn std::fmt::Display| {
            tracing::warn!("files are not watched: {error}; reload when they change");
        };
        let mut watcher = notify::recommended_watcher(tell).inspect_err(|error| warn(error)).ok()?;
        for folder in folders(&files(live)) {
            watcher.watch(&folder, RecursiveMode::NonRecursive).inspect_err(|error| warn(error)).ok()?;
        }
        let live = Arc::clone(live);
        let watching = thread::Builder::new().name("watch".to_owned());
        watching.spawn(move || watch(&live, &events)).inspect_err(|error| warn(error)).ok()?;
        Some(Watch { _watcher: watcher })
    }
}

/// Reloads when files have changed and then kept still for a moment: a copy takes a while.
fn watch(live: &Arc<Live>, events: &mpsc::Receiver<()>) {
    let mut known = as_read(live);
    loop {
        let found = stamps(&files(live));
        if !agree(&known, &found) {
            let by = By { actor: "watch".into(), reason: None };
            // What was wrong is told in the log; it is tried again when the files change again.
            let _ = reload::reload(live, &by);
            known = found;
        }
        if events.recv().is_err() {
            return;
        }
        while events.recv_timeout(STILL).is_ok() {}
    }
}

/// What the system says of files; `None`: there is no such file.
type Stamps = BTreeMap<Arc<Path>, Option<FileStamp>>;

/// The files as they were when they were read: one that has changed since, before anybody watched, is read again. Where
/// something else is in force than they say, as they are.
fn as_read(live: &Live) -> Stamps {
    let mut known = stamps(&files(live));
    for origin in live.read().origins.values() {
        let mut record = Some(&origin.record);
        for notice in &origin.notices {
            match notice {
                SourceNotice::Waits { record: waiting, .. } => record = Some(waiting),
                SourceNotice::SetAside(_) | SourceNotice::Fallback(_) => record = None,
                SourceNotice::NoSnapshot(_) => {}
            }
        }
        let files = record.into_iter().flat_map(|record| &record.files);
        known.extend(files.map(|file| (file.path.clone(), Some(file.stamp))));
    }
    known
}

/// The stamp of a file that had just changed when it was read has no inode: see `bases`.
fn agree(known: &Stamps, found: &Stamps) -> bool {
    let same = |known: &FileStamp, found: &FileStamp| {
        *known == if known.inode == 0 { FileStamp { inode: 0, ..*found } } else { *found }
    };
    known.len() == found.len()
        && known.iter().zip(found).all(|((path, known), (found_path, found))| {
            path == found_path
                && match (known, found) {
                    (Some(known), Some(found)) => same(known, found),
                    (None, None) => true,
                    _ => false,
                }
        })
}

fn files(live: &Live) -> BTreeSet<Arc<Path>> {
    let (world, read) = (live.worlds.load(), live.read());
    let of_bases = read.origins.values().flat_map(|origin| &origin.record.files).map(|file| file.path.clone());
    let named = world.lists.iter().filter_map(|(_, list)| list.source().map(Arc::from));
    of_bases.chain(named).collect()
}

fn stamps(files: &BTreeSet<Arc<Path>>) -> Stamps {
    files.iter().map(|path| (path.clone(), stamp_of(path).ok())).collect()
}

fn folders(files: &BTreeSet<Arc<Path>>) -> BTreeSet<PathBuf> {
    let folder = |path: &Arc<Path>| match path.parent() {
        Some(folder) if folder != Path::new("") => folder.to_path_buf(),
        _ => PathBuf::from("."),
    };
    files.iter().map(folder).collect()
}

/// Longer than the pauses of a program that writes a file.
const STILL: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests;
