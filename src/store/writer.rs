//! The one thread that changes the database and, through [`Published`], the world.
//!
//! Edits and reloads pass through it one after the other, so neither can lose the other: a reload is built aside from
//! a replay of some generation, and when its turn comes it is given the edits that were committed since.

use std::collections::HashMap;
use std::fs::File;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::transaction::{self, Authored};
use super::{Replay, Store, StoreError, schema};
use crate::lists::{Change, Edit, Entry};
use crate::time::WallTime;

/// What is in force, as the writer sees it. Only the writer's thread calls this.
pub trait Published: Send + 'static {
    /// Whether what is in force holds the edit's entry, or why the edit can never take effect.
    fn holds(&self, edit: &Edit) -> Result<bool, Refusal>;

    /// Puts committed edits in force. `generation` is the last one's; they have consecutive ones.
    fn publish(&mut self, edits: &[Edit], generation: u64);
}

/// An edit that somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Who asks, for the audit trail.
    pub actor: Arc<str>,
    /// When.
    pub at: WallTime,
    /// What.
    pub edit: Edit,
}

/// An edit that is on the disk and in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// What it did.
    pub effect: Effect,
    /// The generation it led to.
    pub generation: u64,
}

/// What an edit did to its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The entry is new.
    Added,
    /// The entry was there; its details are replaced.
    Changed,
    /// The entry is gone.
    Removed,
}

/// Why an edit does nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No list has this name.
    #[error("no list has this name")]
    UnknownList,
    /// The entry to be removed is not in the list.
    #[error("the list does not hold this entry")]
    Absent,
    /// The list is used as a pool, and the entry is neither a number nor a range.
    #[error("the list is used as a pool and takes only numbers and ranges")]
    NotForPool,
}

/// Why an edit is neither stored nor in force.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// It would do nothing.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A world that was built aside and waits to be swapped in.
pub struct Reload {
    /// Who asked for it, for the audit trail.
    pub actor: Arc<str>,
    /// When.
    pub at: WallTime,
    /// The generation of the replay that it was built from.
    pub since: u64,
    /// Called on the writer's thread, before the commit, with the edits committed after `since` and the new generation.
    /// `None` refuses the reload: the edits do not fit what was built.
    pub prepare: Prepare,
}

/// Finishes a world that was built aside; see [`Reload::prepare`].
pub type Prepare = Box<dyn FnOnce(&[Edit], u64) -> Option<Publish> + Send>;

/// Swaps a world in, once it is committed.
pub type Publish = Box<dyn FnOnce() + Send>;

/// Why a reload is neither stored nor in force.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReloadError {
    /// [`Reload::prepare`] refused it.
    #[error("an edit made in the meantime does not fit it")]
    Refused,
    /// It could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The handle to the running thread.
#[derive(Debug)]
pub struct EditWriter {
    dir: PathBuf,
    queue: SyncSender<Job>,
    failing: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl EditWriter {
    pub(super) fn start(store: Store, published: impl Published) -> Result<EditWriter, StoreError> {
        let Store { dir, connection, keys: _, lock } = store;
        let (queue, jobs) = sync_channel(QUEUE_EDITS);
        let failing = Arc::new(AtomicBool::new(false));
        let writer = Writer { connection, published, failing: Arc::clone(&failing), _lock: lock };
        let thread = thread::Builder::new()
            .name("store".into())
            .spawn(move || writer.run(&jobs))
            .map_err(|error| StoreError::File { path: dir.clone(), kind: error.kind() })?;
        Ok(EditWriter { dir, queue, failing, thread: Mutex::new(Some(thread)) })
    }

    /// Queues an edit; the receiver is answered once it is on the disk and in force.
    pub fn submit(&self, proposal: Proposal) -> Result<oneshot::Receiver<Result<Committed, EditError>>, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.queue.try_send(Job::Edit(Pending { proposal, answer })).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::QueueFull,
            TrySendError::Disconnected(_) => StoreError::Closed,
        })?;
        Ok(answered)
    }

    /// Stores an edit and puts it in force. Dropping the future does not take the edit back.
    pub async fn edit(&self, proposal: Proposal) -> Result<Committed, EditError> {
        self.submit(proposal)?.await.unwrap_or(Err(EditError::Store(StoreError::Closed)))
    }

    /// Commits and publishes a reload; waits for its turn. Answers the new generation.
    pub fn reload(&self, reload: Reload) -> Result<u64, ReloadError> {
        let (answer, answered) = oneshot::channel();
        self.queue.send(Job::Reload(reload, answer)).map_err(|_| StoreError::Closed)?;
        answered.blocking_recv().unwrap_or(Err(ReloadError::Store(StoreError::Closed)))
    }

    /// Reads every edit and the generation from the disk, on the calling thread, without holding up the writer.
    pub fn replay(&self) -> Result<Replay, StoreError> {
        transaction::replay(&mut schema::open_reader(&self.dir)?)
    }

    /// Whether the last commit failed; the next one may succeed.
    pub fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
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

enum Job {
    Edit(Pending),
    Reload(Reload, oneshot::Sender<Result<u64, ReloadError>>),
    Stop,
}

struct Pending {
    proposal: Proposal,
    answer: oneshot::Sender<Result<Committed, EditError>>,
}

struct Writer<P> {
    connection: Connection,
    published: P,
    failing: Arc<AtomicBool>,
    _lock: File,
}

impl<P: Published> Writer<P> {
    fn run(mut self, jobs: &Receiver<Job>) {
        while let Ok(job) = jobs.recv() {
            if self.handle(job, jobs).is_break() {
                break;
            }
        }
        if let Err((_, error)) = self.connection.close() {
            tracing::warn!(%error, "the database was not closed in order; its journal will be replayed");
        }
    }

    fn handle(&mut self, job: Job, jobs: &Receiver<Job>) -> ControlFlow<()> {
        match job {
            Job::Edit(first) => {
                let mut group = vec![first];
                let after = loop {
                    match jobs.try_recv() {
                        Ok(Job::Edit(next)) => group.push(next),
                        Ok(other) => break Some(other),
                        Err(_) => break None,
                    }
                    if group.len() >= GROUP_EDITS {
                        break None;
                    }
                };
                self.commit(group);
                match after {
                    Some(job) => self.handle(job, jobs),
                    None => ControlFlow::Continue(()),
                }
            }
            Job::Reload(reload, answer) => {
                let result = self.reload(reload);
                let _ = answer.send(result);
                ControlFlow::Continue(())
            }
            Job::Stop => ControlFlow::Break(()),
        }
    }

    /// One transaction for all: the disk is waited for once.
    fn commit(&mut self, group: Vec<Pending>) {
        let effects = self.judge(&group);
        let accepted: Vec<&Proposal> = group
            .iter()
            .zip(&effects)
            .filter(|(_, effect)| effect.is_ok())
            .map(|(pending, _)| &pending.proposal)
            .collect();
        let committed = if accepted.is_empty() { Ok(0) } else { self.store_and_publish(&accepted) };
        let mut generation = committed.as_ref().map_or(0, |last| last - accepted.len() as u64);
        for (pending, effect) in group.into_iter().zip(effects) {
            let answer = match (effect, &committed) {
                // A refusal may rest on an edit ahead of it in the group, which has now failed as well.
                (_, Err(error)) => Err(EditError::Store(error.clone())),
                (Err(refusal), Ok(_)) => Err(EditError::Refused(refusal)),
                (Ok(effect), Ok(_)) => {
                    generation += 1;
                    Ok(Committed { effect, generation })
                }
            };
            // Whoever asked may have gone; the edit stands all the same.
            let _ = pending.answer.send(answer);
        }
    }

    /// What each edit does after those ahead of it.
    fn judge(&self, group: &[Pending]) -> Vec<Result<Effect, Refusal>> {
        let mut ahead: HashMap<(&str, &Entry), bool> = HashMap::new();
        group
            .iter()
            .map(|Pending { proposal: Proposal { edit, .. }, .. }| {
                let key = (edit.list.as_ref(), &edit.entry);
                let in_force = self.published.holds(edit)?;
                let held = ahead.get(&key).copied().unwrap_or(in_force);
                let effect = match (&edit.change, held) {
                    (Change::Put(_), false) => Effect::Added,
                    (Change::Put(_), true) => Effect::Changed,
                    (Change::Remove, true) => Effect::Removed,
                    (Change::Remove, false) => return Err(Refusal::Absent),
                };
                ahead.insert(key, effect != Effect::Removed);
                Ok(effect)
            })
            .collect()
    }

    fn store_and_publish(&mut self, accepted: &[&Proposal]) -> Result<u64, StoreError> {
        let authored: Vec<_> = accepted
            .iter()
            .map(|Proposal { actor, at, edit }| Authored { actor: actor.as_ref(), at: *at, edit })
            .collect();
        let result = transaction::commit_edits(&mut self.connection, &authored);
        self.note(&result);
        let generation = result?;
        let edits: Vec<Edit> = accepted.iter().map(|proposal| proposal.edit.clone()).collect();
        self.published.publish(&edits, generation);
        Ok(generation)
    }

    fn reload(&mut self, reload: Reload) -> Result<u64, ReloadError> {
        let Reload { actor, at, since, prepare } = reload;
        let result = transaction::commit_reload(&mut self.connection, &actor, at, since, prepare);
        self.note(&result);
        let (publish, generation) = result?.ok_or(ReloadError::Refused)?;
        publish();
        Ok(generation)
    }

    /// Logs only the change from committing to failing and back.
    fn note<T>(&self, result: &Result<T, StoreError>) {
        let was_failing = self.failing.swap(result.is_err(), Ordering::Relaxed);
        match result {
            Ok(_) if was_failing => tracing::warn!("edits are stored again"),
            Err(error) if !was_failing => tracing::warn!(%error, "edits cannot be stored and are refused"),
            _ => {}
        }
    }
}

/// An edit waits for at most a few groups, some 10 ms each on a slow disk; more callers than this are told to come back.
const QUEUE_EDITS: usize = 1024;

/// Large enough that the disk is waited for once per many edits, small enough that the first of them is answered soon.
const GROUP_EDITS: usize = 256;
