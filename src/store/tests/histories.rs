//! Any history of edits, swaps and crashes against a plain model.

use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::lists::AuditQuery;

/// What somebody does.
#[derive(Debug, Clone)]
enum Deed {
    /// Proposes these groups at once.
    Groups(Vec<Vec<Edit>>),
    Import(Arc<str>, BTreeSet<Entry>),
    Base(Arc<str>, u8),
    SetAside(Arc<str>, u8),
    TakeBack(Arc<str>),
    Make(Arc<str>, Class),
    Unmake(Arc<str>),
    /// Several steps in one swap, the last of which refuses it or not.
    Reload(Vec<(Arc<str>, u8)>, bool),
    Refit(Index),
    Restart,
    Crash,
}

/// The store under test, and what it must hold.
struct Running {
    root: TempDir,
    cycle: u32,
    writer: EditWriter,
    applied: Applied,
    contents: Arc<Mutex<BTreeMap<Digest, BTreeSet<Entry>>>>,
}

impl Running {
    fn new() -> Running {
        let root = in_memory();
        let (writer, applied, _) = start(&root.path().join("0"));
        Running { contents: Arc::clone(&applied.contents), root, cycle: 0, writer, applied }
    }

    fn dir(&self) -> PathBuf {
        self.root.path().join(self.cycle.to_string())
    }

    /// What is in force in memory.
    fn model(&self) -> State {
        State { published: vec![], ..self.applied.state.lock().unwrap().clone() }
    }

    fn perform(&mut self, deed: Deed) {
        match deed {
            Deed::Groups(groups) => self.propose(groups),
            Deed::Import(list, entries) => {
                let name = format!("{entries:?}");
                self.contents.lock().unwrap().insert(digest(&name), entries.clone());
                let held = entries.clone();
                let step = Step::Import {
                    list: list.clone(),
                    digest: digest(&name),
                    entries: entries.len() as u64,
                    holds: Arc::new(move |entry| held.contains(entry)),
                };
                self.swap(Action::Import, vec![step], Ok(()), move |state, generation| {
                    state.edits.retain(|(of, entry), _| *of != list || !entries.contains(entry));
                    let entries = entries.len() as u64;
                    state.replay.imports.push(ImportRecord { generation, list, digest: digest(&name), entries });
                });
            }
            Deed::Base(list, which) => self.reload(vec![(list, which)], true),
            Deed::Reload(bases, accepted) => self.reload(bases, accepted),
            Deed::SetAside(list, which) => {
                let step = Step::SetAside { list: list.clone(), digest: digest(&which.to_string()) };
                self.swap(Action::Rollback, vec![step], Ok(()), move |state, _| {
                    state.replay.aside.insert(list, digest(&which.to_string()));
                });
            }
            Deed::TakeBack(list) => {
                let step = Step::TakeBack { list: list.clone() };
                self.swap(Action::Confirm, vec![step], Ok(()), move |state, _| {
                    state.replay.aside.remove(&list);
                });
            }
            Deed::Make(list, class) => {
                let known = self.model().replay.made.iter().any(|made| made.name == list);
                let expected = if known { Err(SwapError::Exists) } else { Ok(()) };
                let step = Step::Make { list: list.clone(), class };
                self.swap(Action::Make, vec![step], expected, move |state, _| {
                    forget(state, &list);
                    state.replay.made.push(MadeList { name: list, class });
                });
            }
            Deed::Unmake(list) => {
                let known = self.model().replay.made.iter().any(|made| made.name == list);
                let expected = if known { Ok(()) } else { Err(SwapError::NotMade) };
                self.swap(Action::Unmake, vec![Step::Unmake { list: list.clone() }], expected, move |state, _| {
                    forget(state, &list);
                    state.replay.made.retain(|made| made.name != list);
                });
            }
            Deed::Refit(since) => {
                let generation = self.applied.generation();
                let since = since.index(usize::try_from(generation).unwrap() + 1) as u64;
                let refitted = self.writer.refit(since, Box::new(|_, _| Some(Box::new(|| {}))));
                assert!(refitted == Ok(generation) || refitted == Err(SwapError::Overtaken), "{refitted:?}");
            }
            Deed::Restart => {
                self.writer.stop();
                self.reopen();
            }
            // What `kill -9` leaves behind: nothing was closed.
            Deed::Crash => {
                let killed = self.root.path().join((self.cycle + 1).to_string());
                fs::create_dir(&killed).unwrap();
                for name in ["ringfence.db", "ringfence.db-wal", "keys"] {
                    let _ = fs::copy(self.dir().join(name), killed.join(name));
                }
                self.cycle += 1;
                self.reopen();
            }
        }
    }

    fn propose(&self, groups: Vec<Vec<Edit>>) {
        let before = self.applied.generation();
        let answers: Vec<_> = groups.iter().map(|edits| self.writer.submit(group(edits.clone())).unwrap()).collect();
        let mut generation = before;
        for (answer, edits) in answers.into_iter().zip(groups) {
            if let Ok(committed) = answer.blocking_recv().unwrap() {
                generation += edits.len() as u64;
                assert_eq!((committed.generation, committed.effects.len()), (generation, edits.len()));
            }
        }
        assert_eq!(self.applied.generation(), generation);
    }

    fn reload(&self, bases: Vec<(Arc<str>, u8)>, accepted: bool) {
        let bases: BTreeMap<_, _> = bases.into_iter().collect();
        let step =
            |(list, which): (&Arc<str>, &u8)| Step::Base { list: list.clone(), record: base(&which.to_string()) };
        let steps = bases.iter().map(step).collect();
        let expected = if accepted { Ok(()) } else { Err(SwapError::Refused) };
        self.swap(Action::Reload, steps, expected, move |state, _| {
            for (list, which) in bases {
                let kept = state.replay.bases.entry(list).or_default();
                kept.retain(|base| base.digest != digest(&which.to_string()));
                kept.insert(0, base(&which.to_string()));
                kept.truncate(KEPT_BASES);
            }
        });
    }

    /// `change` is what the swap does to the model.
    fn swap(
        &self,
        action: Action,
        steps: Vec<Step>,
        expected: Result<(), SwapError>,
        change: impl FnOnce(&mut State, u64) + Send + 'static,
    ) {
        let since = self.applied.generation();
        let state = Arc::clone(&self.applied.state);
        let refuse = expected == Err(SwapError::Refused);
        let prepare: Prepare = Box::new(move |newer, generation| {
            assert!(newer.is_empty());
            let publish: Publish = Box::new(move || {
                let mut state = state.lock().unwrap();
                change(&mut state, generation);
                state.replay.generation = generation;
            });
            (!refuse).then_some(publish)
        });
        let answer = self.writer.swap(Swap { prepare, ..swap(since, action, None, steps) });
        assert_eq!(answer, expected.map(|()| since + 1));
    }

    /// Starts in the directory of the cycle, from what is on the disk alone.
    fn reopen(&mut self) {
        let model = self.model();
        let (store, replay) = Store::open(&config(&self.dir())).unwrap();
        assert_eq!(State::from_replay(&replay), model);
        self.applied = Applied { contents: Arc::clone(&self.contents), ..Applied::from_replay(&replay) };
        self.writer = store.start(self.applied.clone()).unwrap();
        assert_eq!(self.writer.replay().unwrap(), replay);
    }

    /// The trail has one line for each generation, and leads to what is in force.
    fn check_trail(&self) {
        let generation = self.applied.generation();
        let lines = self.writer.audit(&AuditQuery { limit: usize::MAX, ..AuditQuery::default() }).unwrap();
        let generations: Vec<u64> = lines.iter().map(|line| line.generation).collect();
        assert_eq!(generations, (1..=generation).rev().collect::<Vec<_>>());
        let model = self.model();
        for list in ["a", "b", "n"] {
            let told = self.writer.list_at(list, generation).unwrap();
            let imports: Vec<_> = model.replay.imports.iter().filter(|import| &*import.list == list).cloned().collect();
            assert_eq!(told.imports, imports);
            let bases = model.replay.bases.get(list);
            assert_eq!(told.base.map(|(_, _, record)| record), bases.and_then(|bases| bases.first()).cloned());
            let overruled = |generation: u64, entry: &Entry| {
                let contents = self.contents.lock().unwrap();
                imports.iter().any(|import| import.generation > generation && contents[&import.digest].contains(entry))
            };
            let lines = self.writer.edits_at(list, generation, None, usize::MAX).unwrap();
            let latest = lines.into_iter().filter_map(|line| {
                let entry = line.entry.unwrap();
                (!overruled(line.generation, &entry)).then_some((entry, line.action == Action::Put))
            });
            let edits = model.edits.iter().filter(|((of, _), _)| &**of == list);
            let edits = edits.map(|((_, entry), change)| (entry.clone(), matches!(change, Change::Put(_))));
            assert_eq!(latest.collect::<BTreeMap<_, _>>(), edits.collect());
        }
    }
}

fn forget(state: &mut State, list: &Arc<str>) {
    state.edits.retain(|(of, _), _| of != list);
    state.replay.imports.retain(|import| import.list != *list);
    state.replay.bases.remove(list);
    state.replay.aside.remove(list);
}

fn any_entry() -> impl Strategy<Value = Entry> {
    let text = prop_oneof![
        (0_u32..4).prop_map(|n| format!("4822123456{n}")),
        (12_u32..14).prop_map(|n| format!("48{n}*")),
        (0_u32..2).prop_map(|n| format!("4822123456{n}-48221234569")),
        Just("00".to_owned()),
        Just("anonymous".to_owned()),
        "[ab]",
    ];
    text.prop_map(|text| entry(&text))
}

fn any_edit() -> impl Strategy<Value = Edit> {
    let details =
        (proptest::option::of(".{0,8}"), proptest::option::of(0_u64..9)).prop_map(|(description, expires)| Details {
            description: description.map(Into::into),
            expires: expires.map(WallTime::from_micros),
            ..Details::default()
        });
    let change = prop_oneof![details.prop_map(Change::Put), Just(Change::Remove)];
    (any_list(), any_entry(), change).prop_map(|(list, entry, change)| Edit { list, entry, change })
}

fn any_list() -> impl Strategy<Value = Arc<str>> {
    "[abn]".prop_map(Into::into)
}

fn any_deed() -> impl Strategy<Value = Deed> {
    let edits = prop_oneof![3 => prop::collection::vec(any_edit(), 1..2), 1 => prop::collection::vec(any_edit(), 0..5)];
    let bases = prop::collection::vec((any_list(), 0_u8..5), 0..3);
    let class = prop_oneof![Just(Class::Personal), Just(Class::Pool)];
    prop_oneof![
        6 => prop::collection::vec(edits, 1..6).prop_map(Deed::Groups),
        2 => (any_list(), prop::collection::btree_set(any_entry(), 0..4)).prop_map(|(list, all)| Deed::Import(list, all)),
        1 => (any_list(), 0_u8..5).prop_map(|(list, which)| Deed::Base(list, which)),
        1 => (any_list(), 0_u8..5).prop_map(|(list, which)| Deed::SetAside(list, which)),
        1 => any_list().prop_map(Deed::TakeBack),
        1 => class.prop_map(|class| Deed::Make("n".into(), class)),
        1 => Just(Deed::Unmake("n".into())),
        1 => (bases, any::<bool>()).prop_map(|(bases, accepted)| Deed::Reload(bases, accepted)),
        1 => any::<Index>().prop_map(Deed::Refit),
        1 => Just(Deed::Restart),
        2 => Just(Deed::Crash),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_history_is_replayed_to_what_was_in_force(deeds in prop::collection::vec(any_deed(), 0..30)) {
        let mut running = Running::new();
        for deed in deeds {
            running.perform(deed);
        }
        running.check_trail();
        running.perform(Deed::Crash);
        running.check_trail();
    }
}
