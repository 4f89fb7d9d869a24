//! The thread that writes, and the bounded queue in front of it.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};

use super::config::Config;
use super::file::RecordFiles;
use super::keeping::Keeper;
use crate::counters::Counter;
use crate::time::WallTime;

/// Where records go and how their files begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The directory, made when it is missing.
    pub dir: PathBuf,
    /// The first line of each file, without its line end.
    pub header: &'static str,
}

/// Why records cannot be written at start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordsError {
    /// The directory can be neither found nor made.
    #[error("cannot write records to {}: {kind}", .dir.display())]
    Directory {
        /// The directory.
        dir: PathBuf,
        /// What the system said.
        kind: io::ErrorKind,
    },
    /// The writer thread could not be started.
    #[error("cannot start the thread that writes records: {0}")]
    Thread(io::ErrorKind),
}

/// What became of the records.
#[derive(Debug, Default)]
pub struct RecordCounts {
    /// Chunks that wait to be written.
    pub queued: Counter,
    /// Lines handed to the system.
    pub written: Counter,
    /// Lines lost because the queue was full.
    pub dropped_queue_full: Counter,
    /// Lines lost because writing failed.
    pub dropped_write_failed: Counter,
    failing: AtomicBool,
}

impl RecordCounts {
    /// Whether the last write failed; the next one may succeed.
    pub fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }
}

/// Takes chunks from any thread and never waits.
#[derive(Debug, Clone)]
pub struct RecordSink {
    queue: SyncSender<Job>,
    counts: Arc<RecordCounts>,
}

impl RecordSink {
    /// Hands over whole CSV lines. With a full queue they are dropped and counted.
    pub fn write(&self, lines: Vec<u8>) {
        // Before the writer can take it out again.
        self.counts.queued.add(1);
        match self.queue.try_send(Job::Append(lines)) {
            Ok(()) => {}
            Err(TrySendError::Full(Job::Append(lines)) | TrySendError::Disconnected(Job::Append(lines))) => {
                self.counts.queued.take(1);
                self.counts.dropped_queue_full.add(line_count(&lines));
            }
            Err(TrySendError::Full(Job::Stop) | TrySendError::Disconnected(Job::Stop)) => {}
        }
    }
}

/// The running writer.
#[derive(Debug)]
pub struct RecordWriter {
    queue: SyncSender<Job>,
    counts: Arc<RecordCounts>,
    threads: [JoinHandle<()>; 2],
}

impl RecordWriter {
    /// Starts the thread that writes, and one that looks after the files, which calls `be_modest` first. `clock` tells the
    /// day whose file is written.
    pub fn start(
        place: Place,
        config: Config,
        clock: impl Fn() -> WallTime + Clone + Send + 'static,
        be_modest: impl FnOnce() + Send + 'static,
    ) -> Result<(RecordWriter, RecordSink), RecordsError> {
        // Who called whom is nobody else's business.
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&place.dir);
        made.map_err(|error| RecordsError::Directory { dir: place.dir.clone(), kind: error.kind() })?;
        let (queue, jobs) = sync_channel(QUEUE_CHUNKS);
        let counts = Arc::new(RecordCounts::default());
        let files = RecordFiles::new(place.dir.clone(), place.header, config.max_size);
        // One poke is enough: all files are looked at.
        let (changed, written) = sync_channel(1);
        let alive = Arc::new(());
        let current = files.current();
        let keeper = Keeper { dir: place.dir, config, current, written, alive: Arc::downgrade(&alive) };
        let keeping = spawn("records-files", {
            let clock = clock.clone();
            move || {
                be_modest();
                keeper.run(clock);
            }
        })?;
        let writing = spawn("records", {
            let counts = Arc::clone(&counts);
            move || {
                write_all(&jobs, files, &changed, &counts, clock);
                drop((alive, changed));
            }
        })?;
        let sink = RecordSink { queue: queue.clone(), counts: Arc::clone(&counts) };
        Ok((RecordWriter { queue, counts, threads: [writing, keeping] }, sink))
    }

    /// What became of the records so far.
    pub fn counts(&self) -> &Arc<RecordCounts> {
        &self.counts
    }

    /// Writes what is queued, forces it to the disk and ends the threads. Chunks handed over later are dropped.
    pub fn stop(self) {
        // Fails only when the thread that writes has panicked, and then the other one ends as well.
        let _ = self.queue.send(Job::Stop);
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a thread for records has panicked");
            }
        }
    }
}

#[derive(Debug)]
enum Job {
    Append(Vec<u8>),
    Stop,
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, RecordsError> {
    let spawned = thread::Builder::new().name(name.to_owned()).spawn(work);
    spawned.map_err(|error| RecordsError::Thread(error.kind()))
}

/// `changed` is told when another file is written than before.
fn write_all(
    jobs: &Receiver<Job>,
    mut files: RecordFiles,
    changed: &SyncSender<()>,
    counts: &RecordCounts,
    clock: impl Fn() -> WallTime,
) {
    while let Ok(Job::Append(lines)) = jobs.recv() {
        counts.queued.take(1);
        let result = files.append(&lines, clock());
        note(counts, &lines, &result);
        if result.is_ok_and(|is_other| is_other) {
            let _ = changed.try_send(());
        }
    }
    if let Err(error) = files.sync() {
        tracing::warn!(%error, "the last records may not have reached the disk");
    }
}

/// Counts, and logs only the change from writing to failing and back, not each chunk.
fn note(counts: &RecordCounts, lines: &[u8], result: &io::Result<bool>) {
    let was_failing = counts.failing.swap(result.is_err(), Ordering::Relaxed);
    match result {
        Ok(_) => {
            counts.written.add(line_count(lines));
            if was_failing {
                tracing::warn!("records are written again");
            }
        }
        Err(error) => {
            counts.dropped_write_failed.add(line_count(lines));
            if !was_failing {
                tracing::warn!(%error, "records cannot be written and are dropped");
            }
        }
    }
}

fn line_count(lines: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', lines).count() as u64
}

/// At some 60 kB a chunk 16 MB: two minutes of 500 calls/s while a disk stalls.
const QUEUE_CHUNKS: usize = 256;
