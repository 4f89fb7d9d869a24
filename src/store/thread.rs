//! The one thread that changes the database and, through [`Published`], the world.
//!
//! Edits and swaps pass through it one after the other, so neither can lose the other: a world is built aside from some
//! generation, and when its turn comes it is given the edits that were committed since.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::schema::Place;
use super::writer::Status;
use super::{
    Committed, DatabaseFailure, EditError, Prepare, Proposal, Published, Store, StoreError, Swap, SwapError, edits,
    proposal, schema, swap,
};
use crate::lists::{Edit, Effect};

pub(super) enum Job {
    Edits(Pending),
    Swap(Swap, oneshot::Sender<Result<u64, SwapError>>),
    Refit(u64, Prepare, oneshot::Sender<Result<u64, SwapError>>),
    Probe,
    Stop,
}

pub(super) struct Pending {
    pub(super) proposal: Proposal,
    pub(super) answer: oneshot::Sender<Result<Committed, EditError>>,
    pub(super) room: Room,
}

/// Room for edits in the queue, given back when it is dropped.
pub(super) struct Room {
    status: Arc<Status>,
    edits: usize,
}

impl Room {
    /// `None` when there is not enough left of `most`. A group that is larger than that may wait alone.
    pub(super) fn take(status: &Arc<Status>, edits: usize, most: usize) -> Option<Room> {
        let more = |waiting: usize| (waiting == 0 || waiting + edits <= most).then_some(waiting + edits);
        status.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Room { status: Arc::clone(status), edits })
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.status.waiting.fetch_sub(self.edits, Ordering::Relaxed);
    }
}

pub(super) struct Writer<P> {
    dir: PathBuf,
    connection: Connection,
    place: Place,
    published: P,
    status: Arc<Status>,
    generation: u64,
    /// The generation of the last swap of this process. Worlds are built from nothing older than its start.
    swapped: u64,
    _lock: File,
}

impl<P: Published> Writer<P> {
    pub(super) fn new(store: Store, published: P, status: Arc<Status>) -> Writer<P> {
        let Store { dir, connection, place, keys: _, generation, lock } = store;
        Writer { dir, connection, place, published, status, generation, swapped: 0, _lock: lock }
    }

    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        let mut next = None;
        while let Some(job) = next.take().or_else(|| jobs.recv().ok()) {
            match job {
                Job::Edits(first) => {
                    let (groups, after) = gather(first, jobs);
                    next = after;
                    self.edits(groups);
                }
                // Whoever asked may have gone; what is done stands all the same.
                Job::Swap(swap, answer) => drop(answer.send(self.swap(swap))),
                Job::Refit(since, prepare, answer) => drop(answer.send(self.refit(since, prepare))),
                Job::Probe => self.probe(),
                Job::Stop => break,
            }
        }
        if let Err((_, error)) = self.connection.close() {
            tracing::warn!(%error, "the database was not closed in order; its journal will be replayed");
        }
    }

    /// One transaction for all: the disk is waited for once.
    fn edits(&mut self, groups: Vec<Pending>) {
        let effects = proposal::judge(&self.published, groups.iter().map(|pending| &pending.proposal));
        match self.store(&groups, &effects) {
            Ok(first) => self.publish(first, groups, effects),
            // A refusal may rest on a group ahead of it, which has now failed as well.
            Err(error) => {
                for Pending { proposal: _, answer, room } in groups {
                    drop(room);
                    let _ = answer.send(Err(EditError::Store(error.clone())));
                }
            }
        }
    }

    /// Answers the generation before the first edit.
    fn store(&mut self, groups: &[Pending], effects: &[Result<Vec<Effect>, EditError>]) -> Result<u64, StoreError> {
        let before = self.generation;
        let accepted = groups.iter().zip(effects).filter(|(pending, effects)| {
            // An empty group changes nothing, not even the generation.
            effects.is_ok() && !pending.proposal.edits.is_empty()
        });
        let accepted: Vec<&Proposal> = accepted.map(|(pending, _)| &pending.proposal).collect();
        if !accepted.is_empty() {
            let committed = self.place.check().and_then(|()| edits::commit(&mut self.connection, &accepted));
            self.generation = self.noted(committed)?;
        }
        Ok(before)
    }

    fn publish(&mut self, before: u64, groups: Vec<Pending>, effects: Vec<Result<Vec<Effect>, EditError>>) {
        let mut edits: Vec<Edit> = Vec::new();
        let mut answers = Vec::with_capacity(groups.len());
        let mut generation = before;
        for (pending, effects) in groups.into_iter().zip(effects) {
            let Pending { proposal, answer, room } = pending;
            let result = effects.map(|effects| {
                generation += effects.len() as u64;
                // The edits of a large group, which is alone, are not moved.
                if edits.is_empty() {
                    edits = proposal.edits;
                } else {
                    edits.extend(proposal.edits);
                }
                Committed { effects, generation }
            });
            answers.push((answer, result, room));
        }
        if !edits.is_empty() {
            self.published.publish(&edits, self.generation);
        }
        for (answer, result, room) in answers {
            drop(room);
            // Whoever asked may have gone; the edits stand all the same.
            let _ = answer.send(result);
        }
    }

    fn swap(&mut self, swap: Swap) -> Result<u64, SwapError> {
        self.not_overtaken(swap.since)?;
        let committed = self.place.check().map_err(SwapError::Store);
        let committed = match committed.and_then(|()| swap::commit(&mut self.connection, swap)) {
            Ok(committed) => Ok(committed),
            Err(SwapError::Store(error)) => Err(error),
            // Says nothing about the database.
            Err(refused) => return Err(refused),
        };
        let (publish, generation) = self.noted(committed)?;
        (self.generation, self.swapped) = (generation, generation);
        publish();
        Ok(generation)
    }

    fn refit(&mut self, since: u64, prepare: Prepare) -> Result<u64, SwapError> {
        self.not_overtaken(since)?;
        let newer = edits::since(&self.connection, since)?;
        let publish = prepare(&newer, self.generation).ok_or(SwapError::Refused)?;
        publish();
        Ok(self.generation)
    }

    fn not_overtaken(&self, since: u64) -> Result<(), SwapError> {
        if since < self.swapped { Err(SwapError::Overtaken) } else { Ok(()) }
    }

    fn probe(&mut self) {
        self.status.probing.store(false, Ordering::Relaxed);
        if self.status.failing.load(Ordering::Relaxed) {
            let probed = self.place.check().and_then(|()| schema::probe(&mut self.connection));
            let _ = self.noted(probed);
        }
    }

    /// Passes on what a commit came to. After a failure the next one shall have the best chances. Logs only the change
    /// from committing to failing and back.
    fn noted<T>(&mut self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        let was_failing = self.status.failing.swap(result.is_err(), Ordering::Relaxed);
        match &result {
            Ok(_) if was_failing => tracing::warn!("edits are stored again"),
            Ok(_) => {}
            Err(error) => {
                if !was_failing {
                    tracing::warn!(%error, "edits cannot be stored and are refused");
                }
                self.mend(error);
            }
        }
        result
    }

    /// A commit may have failed after all of it was in the journal. As long as this process lives, nobody takes it for
    /// one that succeeded, and the next commit is written over it; so that a crash before that changes nothing, it is
    /// overwritten now. A connection that cannot even do this is replaced.
    fn mend(&mut self, error: &StoreError) {
        // Nothing was begun, and whoever holds the database would only be waited for once more.
        if *error == StoreError::Database(DatabaseFailure::Busy) || schema::probe(&mut self.connection).is_ok() {
            return;
        }
        if self.place.check().is_ok()
            && let Ok(connection) = schema::reopen(&self.dir)
        {
            self.connection = connection;
        }
    }
}

/// `first` and the groups waiting behind it, as far as they fit in one commit, and the job behind these.
fn gather(first: Pending, jobs: &Receiver<Job>) -> (Vec<Pending>, Option<Job>) {
    let mut edits = first.proposal.edits.len();
    let mut groups = vec![first];
    while edits < GROUP_EDITS && groups.len() < GROUP_EDITS {
        match jobs.try_recv() {
            Ok(Job::Edits(next)) if edits + next.proposal.edits.len() <= GROUP_EDITS => {
                edits += next.proposal.edits.len();
                groups.push(next);
            }
            Ok(other) => return (groups, Some(other)),
            Err(_) => break,
        }
    }
    (groups, None)
}

/// Large enough that the disk is waited for once per many edits, small enough that the first of them is answered soon.
/// A larger group is committed alone.
const GROUP_EDITS: usize = 256;
