//! The handle to the store's thread.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use tokio::sync::oneshot;

use super::thread::{Job, Pending, Room, Writer};
use super::{
    Committed, EditError, Prepare, Proposal, Published, Replay, Store, StoreError, Swap, SwapError, replay, schema,
    trail,
};
use crate::lists::{AuditLine, AuditQuery, Entry, ListAt};

/// Changes the database and reads it; see [`Store::start`].
#[derive(Debug)]
pub struct EditWriter {
    dir: PathBuf,
    queue: SyncSender<Job>,
    status: Arc<Status>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the thread and its handle share.
#[derive(Debug, Default)]
pub(super) struct Status {
    /// Whether the last commit failed.
    pub(super) failing: AtomicBool,
    /// Whether a probe waits in the queue.
    pub(super) probing: AtomicBool,
    /// How many edits wait or are being committed.
    pub(super) waiting: AtomicUsize,
}

impl EditWriter {
    pub(super) fn start(store: Store, published: impl Published) -> Result<EditWriter, StoreError> {
        let dir = store.dir.clone();
        let (queue, jobs) = sync_channel(QUEUE_JOBS);
        let status = Arc::new(Status::default());
        let writer = Writer::new(store, published, Arc::clone(&status));
        let thread = thread::Builder::new()
            .name("store".into())
            .spawn(move || writer.run(&jobs))
            .map_err(|error| StoreError::File { path: dir.clone(), kind: error.kind() })?;
        Ok(EditWriter { dir, queue, status, thread: Mutex::new(Some(thread)) })
    }

    /// Queues edits; the receiver is answered once they are on the disk and in force.
    pub fn submit(&self, proposal: Proposal) -> Result<oneshot::Receiver<Result<Committed, EditError>>, StoreError> {
        let (answer, answered) = oneshot::channel();
        let room = Room::take(&self.status, proposal.edits.len(), QUEUE_EDITS).ok_or(StoreError::QueueFull)?;
        self.queue.try_send(Job::Edits(Pending { proposal, answer, room })).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::QueueFull,
            TrySendError::Disconnected(_) => StoreError::Closed,
        })?;
        Ok(answered)
    }

    /// Stores edits and puts them in force. Dropping the future does not take them back.
    pub async fn edit(&self, proposal: Proposal) -> Result<Committed, EditError> {
        self.submit(proposal)?.await.unwrap_or(Err(EditError::Store(StoreError::Closed)))
    }

    /// Commits and publishes a world built aside; waits for its turn. Answers the new generation.
    pub fn swap(&self, swap: Swap) -> Result<u64, SwapError> {
        let (answer, answered) = oneshot::channel();
        self.queue.send(Job::Swap(swap, answer)).map_err(|_| StoreError::Closed)?;
        answered.blocking_recv().unwrap_or(Err(SwapError::Store(StoreError::Closed)))
    }

    /// Publishes a world built aside that means the same as the one in force, such as one whose edits were folded into
    /// its bases; waits for its turn. `prepare` is called on the store's thread with the edits committed after `since`
    /// and the generation in force, which is also the answer; nothing is stored.
    pub fn refit(&self, since: u64, prepare: Prepare) -> Result<u64, SwapError> {
        let (answer, answered) = oneshot::channel();
        self.queue.send(Job::Refit(since, prepare, answer)).map_err(|_| StoreError::Closed)?;
        answered.blocking_recv().unwrap_or(Err(SwapError::Store(StoreError::Closed)))
    }

    /// Reads what the database says is in force, on the calling thread, without holding up the writer.
    pub fn replay(&self) -> Result<Replay, StoreError> {
        replay::replay(&mut schema::open_reader(&self.dir)?)
    }

    /// Reads lines of the trail, the latest first, on the calling thread.
    pub fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditLine>, StoreError> {
        trail::audit(&mut schema::open_reader(&self.dir)?, query)
    }

    /// Reads what a list was at some generation, on the calling thread.
    pub fn list_at(&self, list: &str, generation: u64) -> Result<ListAt, StoreError> {
        trail::list_at(&mut schema::open_reader(&self.dir)?, list, generation)
    }

    /// Reads the latest edit of each entry of a list as of some generation, at most `limit` of them, on the calling
    /// thread. They come in the order of their entries' spellings; the next page is `after` the last entry. An import
    /// that [`list_at`](EditWriter::list_at) names is later than the edits of lower generations: they count for entries
    /// only that it does not hold.
    pub fn edits_at(
        &self,
        list: &str,
        generation: u64,
        after: Option<&Entry>,
        limit: usize,
    ) -> Result<Vec<AuditLine>, StoreError> {
        trail::edits_at(&mut schema::open_reader(&self.dir)?, list, generation, after, limit)
    }

    /// Whether the last commit failed; the next one may succeed.
    pub fn is_failing(&self) -> bool {
        self.status.failing.load(Ordering::Relaxed)
    }

    /// After a failure, has the thread try whether commits work again, without waiting for it. To be called every
    /// second or so: nobody may make an edit for hours.
    pub fn probe(&self) {
        if !self.is_failing() || self.status.probing.swap(true, Ordering::Relaxed) {
            return;
        }
        if self.queue.try_send(Job::Probe).is_err() {
            self.status.probing.store(false, Ordering::Relaxed);
        }
    }

    /// Whether the thread has ended, by [`EditWriter::stop`] or by a bug.
    pub fn is_stopped(&self) -> bool {
        self.thread.lock().is_ok_and(|thread| thread.as_ref().is_none_or(JoinHandle::is_finished))
    }

    /// Commits what is queued, closes the database and ends the thread. Later edits are answered
    /// [`StoreError::Closed`].
    pub fn stop(&self) {
        let Some(thread) = self.thread.lock().ok().and_then(|mut thread| thread.take()) else { return };
        let _ = self.queue.send(Job::Stop);
        if thread.join().is_err() {
            tracing::error!("the thread that writes edits has panicked");
        }
    }
}

impl Drop for EditWriter {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A job waits for at most a few commits, some 10 ms each on a slow disk; more callers than this are told to come back.
const QUEUE_JOBS: usize = 1024;

/// Two of the largest groups that one request may hold. With the longest descriptions they take 300 MB.
pub(super) const QUEUE_EDITS: usize = 200_000;
