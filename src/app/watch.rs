//! Seeing the files of lists change (`lists.watch`).
//!
//! The system tells of folders, as files are often replaced by others of their name. What it tells is only a reason to
//! look: whether something changed is seen from the stamps of the files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use notify::{RecursiveMode, Watcher as _};

use super::live::Live;
use super::reload;
use crate::admin::{By, ReloadFailure};
use crate::config::{SourceNotice, stamp_of};
use crate::lists::FileStamp;

/// Watches until it is dropped.
pub(super) struct Watch {
    told: mpsc::SyncSender<()>,
    stop: Arc<AtomicBool>,
}

impl Watch {
    /// Begins to watch the files of the lists in force, also those of later reloads. Where the system cannot tell of them,
    /// they are looked at every few seconds.
    pub(super) fn start(live: &Arc<Live>) -> Option<Watch> {
        let (told, events) = mpsc::sync_channel(1);
        let tell = told.clone();
        let watcher = notify::recommended_watcher(move |_: notify::Result<notify::Event>| {
            // One that is there already is as good.
            let _ = tell.try_send(());
        });
        let watcher = watcher.inspect_err(|error| tracing::warn!("the system does not tell of files: {error}")).ok();
        let (live, stop) = (Arc::clone(live), Arc::new(AtomicBool::new(false)));
        let stopped = Arc::clone(&stop);
        let watching = thread::Builder::new().name("watch".to_owned());
        let spawned = watching.spawn(move || watch(&live, &events, &stopped, watcher));
        spawned.inspect_err(|error| tracing::warn!("files are not watched: {error}")).ok()?;
        Some(Watch { told, stop })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Full: the thread wakes all the same.
        let _ = self.told.try_send(());
    }
}

/// Reloads when files have changed and then kept still for a moment: a copy takes a while.
fn watch(
    live: &Arc<Live>,
    events: &mpsc::Receiver<()>,
    stop: &AtomicBool,
    mut watcher: Option<notify::RecommendedWatcher>,
) {
    let mut known = as_read(live);
    let mut watched = BTreeSet::new();
    loop {
        for folder in folders(&files(live)) {
            if let Some(watcher) = &mut watcher
                && !watched.contains(&folder)
            {
                match watcher.watch(&folder, RecursiveMode::NonRecursive) {
                    Ok(()) => drop(watched.insert(folder)),
                    Err(error) => tracing::debug!("{} is looked at now and then: {error}", folder.display()),
                }
            }
        }
        let found = stamps(&files(live));
        if !agree(&known, &found) {
            let by = By { actor: "watch".into(), reason: None };
            // What is wrong is told in the log, and tried again when the files change again; what could not be stored, at
            // the next look.
            if !matches!(reload::reload(live, &by), Err(ReloadFailure::Storage(_))) {
                known = found;
            }
        }
        let told = events.recv_timeout(LOOK).is_ok();
        // A folder with other files in it may never keep still.
        let patience = Instant::now() + LOOK;
        while told && !stop.load(Ordering::Relaxed) && Instant::now() < patience && events.recv_timeout(STILL).is_ok() {
        }
        if stop.load(Ordering::Relaxed) {
            return;
        }
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

/// How often files are looked at of which nobody tells: on a network's file system, or in a folder that came later.
const LOOK: Duration = Duration::from_secs(5);
/// Longer than the pauses of a program that writes a file.
const STILL: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests;
