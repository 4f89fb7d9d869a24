mod edits;
mod faults;
mod files;
mod histories;
mod peeked;
mod snapshots;
mod swaps;
mod trail;
mod usage;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

use super::*;
use crate::lists::{
    Action, BaseRecord, Change, Class, Condition, Details, Digest, Edit, Effect, Entry, FileRecord, FileStamp,
    ImportRecord,
};
use crate::screen::{ByHand, Mode, Setting, TrunkState};
use crate::time::WallTime;

/// What is in force, in the plainest form.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct State {
    replay: Replay,
    edits: BTreeMap<(Arc<str>, Entry), Change>,
    /// How many edits each publication brought.
    published: Vec<usize>,
}

/// The state that the writer's thread publishes to, and what the digests of imports stand for.
#[derive(Clone, Default)]
struct Applied {
    state: Arc<Mutex<State>>,
    contents: Arc<Mutex<BTreeMap<Digest, BTreeSet<Entry>>>>,
}

impl State {
    fn from_replay(replay: &Replay) -> State {
        let edits = replay.edits.iter().map(|edit| ((edit.list.clone(), edit.entry.clone()), edit.change.clone()));
        State { edits: edits.collect(), replay: Replay { edits: vec![], ..replay.clone() }, published: vec![] }
    }

    fn apply(&mut self, edits: &[Edit]) {
        for edit in edits {
            self.edits.insert((edit.list.clone(), edit.entry.clone()), edit.change.clone());
        }
    }
}

impl Applied {
    fn from_replay(replay: &Replay) -> Applied {
        Applied { state: Arc::new(Mutex::new(State::from_replay(replay))), contents: Arc::default() }
    }

    fn generation(&self) -> u64 {
        self.state.lock().unwrap().replay.generation
    }
}

impl Published for Applied {
    fn holds(&self, edit: &Edit) -> Result<bool, Refusal> {
        if &*edit.list == "missing" {
            return Err(Refusal::UnknownList);
        }
        if edit.entry == "112".parse().unwrap() && &*edit.list == "guarded" {
            return Err(Refusal::NeverBlock);
        }
        Ok(self.details(&edit.list, &edit.entry).is_some())
    }

    fn details(&self, list: &str, entry: &Entry) -> Option<Details> {
        let state = self.state.lock().unwrap();
        match state.edits.get(&(list.into(), entry.clone())) {
            Some(Change::Put(details)) => Some(details.clone()),
            Some(Change::Remove) => None,
            None => {
                let contents = self.contents.lock().unwrap();
                let mut imports = state.replay.imports.iter().filter(|import| &*import.list == list);
                let held = imports.any(|import| contents.get(&import.digest).is_some_and(|all| all.contains(entry)));
                held.then(Details::default)
            }
        }
    }

    fn publish(&mut self, edits: &[Edit], generation: u64) {
        let mut state = self.state.lock().unwrap();
        state.apply(edits);
        state.published.push(edits.len());
        state.replay.generation = generation;
    }
}

/// In memory where the system has such a place: for tests that crash by copying files and so do not need a disk that is
/// waited for hundreds of times.
fn in_memory() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

fn config(dir: &Path) -> Config {
    Config { dir: dir.into() }
}

fn entry(text: &str) -> Entry {
    text.parse().unwrap()
}

fn put(entry: &str) -> Edit {
    Edit { list: "default".into(), entry: entry.parse().unwrap(), change: Change::Put(Details::default()) }
}

fn remove(entry: &str) -> Edit {
    Edit { change: Change::Remove, ..put(entry) }
}

fn at(micros: u64) -> WallTime {
    WallTime::from_micros(micros)
}

fn group(edits: Vec<Edit>) -> Proposal {
    Proposal { actor: "anna".into(), at: at(1), reason: None, edits, condition: None }
}

fn proposal(edit: Edit) -> Proposal {
    group(vec![edit])
}

fn propose(writer: &EditWriter, proposal: Proposal) -> Result<Committed, EditError> {
    writer.submit(proposal).unwrap().blocking_recv().unwrap()
}

fn make(writer: &EditWriter, edit: Edit) -> Result<Committed, EditError> {
    propose(writer, proposal(edit))
}

fn done(effect: Effect, generation: u64) -> Result<Committed, EditError> {
    Ok(Committed { effects: vec![effect], generation })
}

fn refused(at: usize, refusal: Refusal) -> Result<Committed, EditError> {
    Err(EditError::Refused { at, refusal })
}

fn start(dir: &Path) -> (EditWriter, Applied, Replay) {
    let (store, replay) = Store::open(&config(dir)).unwrap();
    let applied = Applied::from_replay(&replay);
    (store.start(applied.clone()).unwrap(), applied, replay)
}

fn digest(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

/// A base of the file `name`.
fn base(name: &str) -> BaseRecord {
    BaseRecord {
        digest: digest(name),
        entries: 7,
        files: vec![FileRecord {
            path: Path::new(name).into(),
            digest: digest(&format!("bytes of {name}")),
            stamp: FileStamp { bytes: 1 << 40, modified: at(3), changed: at(4), inode: u64::MAX },
        }],
        fingerprint: digest("options"),
    }
}

/// One that puts nothing in force.
fn swap(since: u64, action: Action, list: Option<&str>, steps: Vec<Step>) -> Swap {
    Swap {
        actor: "bert".into(),
        at: at(since + 100),
        reason: Some("asked by mail".into()),
        since,
        action,
        list: list.map(Into::into),
        steps,
        prepare: Box::new(|_, _| Some(Box::new(|| {}))),
    }
}

fn import(list: &str, name: &str, entries: &[&str]) -> Step {
    let held: BTreeSet<Entry> = entries.iter().map(|text| entry(text)).collect();
    Step::Import {
        list: list.into(),
        digest: digest(name),
        entries: held.len() as u64,
        holds: Arc::new(move |entry| held.contains(entry)),
    }
}
