//! What the database replays equals what was in force, entry by entry, and both equal a plain model: whatever was edited,
//! imported, swapped in or folded before, whatever was committed while that was built aside, and however the process ended.
#![no_main]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use libfuzzer_sys::arbitrary::{self, Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use ringfence::lists::{
    Action, AuditQuery, Base, BaseBuilder, BaseRecord, Change, Class, Condition, Details, Digest, Edit, Effect, Entry,
    FileRecord, FileStamp, List, Lists,
};
use ringfence::store::{
    Broken, Committed, Config, EditError, EditWriter, KEPT_BASES, MadeList, Prepare, Proposal, Publish,
    Published, Refusal, Replay, Snapshots, Step, Store, Swap, SwapError,
};
use ringfence::time::WallTime;

/// What somebody does. Groups of edits beside something else are committed while that is built aside.
#[derive(Debug, Arbitrary)]
enum Deed {
    /// Proposes these groups at once.
    Edit(Vec<Group>),
    Make(bool, Vec<Group>),
    Unmake(Vec<Group>),
    Import(ListName, Contents, Vec<Group>),
    /// Gives lists other bases, in one swap.
    Reload(Vec<(ListName, Contents)>, Vec<Group>),
    /// Goes back to an earlier base, which sets the present one aside.
    RollBack(ListName, u8, Vec<Group>),
    TakeBack(ListName),
    /// A swap that does not fit in the end.
    Refused(ListName, Contents),
    Fold(Vec<Group>),
    /// Puts in force what was built at an earlier generation.
    FoldLate(u8),
    /// Nothing can be committed, as the database lies elsewhere for a while.
    Lose(Vec<Group>),
    Stop,
    /// What `kill -9` leaves behind: nothing is closed.
    Kill,
}

#[derive(Debug, Arbitrary)]
struct Group {
    edits: Vec<(ListName, Place, What)>,
    condition: Option<(u8, What)>,
}

#[derive(Debug, Clone, Copy, Arbitrary)]
enum ListName {
    First,
    Second,
    /// Made at run time, if it is there.
    Made,
}

/// Which entry.
type Place = u8;
/// Which details, or removed.
type What = u8;
/// Those whose details are removed are left out.
type Contents = [(Place, What); 4];

fuzz_target!(|data: &[u8]| {
    let bytes = lengthened(data);
    let mut bytes = Unstructured::new(&bytes);
    let mut running = Running::new();
    for _ in 0..DEEDS {
        running.perform(bytes.arbitrary().expect("there are enough bytes"));
    }
    running.perform(Deed::Kill);
    running.perform(Deed::Stop);
    running.clear();
});

/// What is in force.
#[derive(Debug, Clone)]
struct World {
    generation: u64,
    lists: Lists,
}

/// What the store's thread publishes through.
#[derive(Clone)]
struct Live(Arc<Mutex<World>>);

impl Live {
    fn world(&self) -> World {
        self.0.lock().expect("nobody panics").clone()
    }

    fn swap(&self, world: World) {
        *self.0.lock().expect("nobody panics") = world;
    }
}

impl Published for Live {
    fn holds(&self, edit: &Edit) -> Result<bool, Refusal> {
        let world = self.world();
        let list = world.lists.get(&edit.list).ok_or(Refusal::UnknownList)?;
        Ok(list.contains(&edit.entry))
    }

    fn details(&self, list: &str, entry: &Entry) -> Option<Details> {
        self.world().lists.get(list)?.details(entry)
    }

    fn publish(&mut self, edits: &[Edit], generation: u64) {
        let World { generation: before, lists } = self.world();
        assert_eq!(generation, before + edits.len() as u64);
        self.swap(World { generation, lists: lists.with(edits).expect("each was asked for") });
    }
}

/// A list in the plainest form: what its base says, and what was said of entries since.
#[derive(Debug, Clone, Default)]
struct Plain {
    base: BTreeMap<Entry, Details>,
    said: BTreeMap<Entry, Change>,
}

impl Plain {
    fn details(&self, entry: &Entry) -> Option<&Details> {
        match self.said.get(entry) {
            Some(Change::Put(details)) => Some(details),
            Some(Change::Remove) => None,
            None => self.base.get(entry),
        }
    }

    fn entries(&self) -> BTreeMap<Entry, Details> {
        let all: BTreeSet<&Entry> = self.base.keys().chain(self.said.keys()).collect();
        all.into_iter().filter_map(|entry| Some((entry.clone(), self.details(entry)?.clone()))).collect()
    }
}

/// What must be in force.
#[derive(Debug, Clone, Default)]
struct Model {
    generation: u64,
    lists: BTreeMap<Arc<str>, Plain>,
    made: Option<MadeList>,
    /// The latest bases of each list, the newest first.
    bases: BTreeMap<Arc<str>, Vec<BaseRecord>>,
    aside: BTreeMap<Arc<str>, Digest>,
    /// Lists and digests of what was imported, in order.
    imports: Vec<(Arc<str>, Digest)>,
}

impl Model {
    /// Makes all edits of a group, or says why none is made.
    fn edit(&mut self, group: &Proposal) -> Result<Committed, EditError> {
        let mut lists = self.lists.clone();
        let mut effects = Vec::new();
        for (at, Edit { list, entry, change }) in group.edits.iter().enumerate() {
            let refused = |refusal| EditError::Refused { at, refusal };
            let list = lists.get_mut(list).ok_or(refused(Refusal::UnknownList))?;
            let known = list.details(entry);
            let tag = known.map(|details| details.tag(entry));
            if at == 0 && group.condition.as_ref().is_some_and(|condition| !condition.holds(tag)) {
                return Err(refused(Refusal::Condition));
            }
            effects.push(match (change, known) {
                (Change::Put(_), None) => Effect::Added,
                (Change::Put(_), Some(_)) => Effect::Changed,
                (Change::Remove, Some(_)) => Effect::Removed,
                (Change::Remove, None) => return Err(refused(Refusal::Absent)),
            });
            list.said.insert(entry.clone(), change.clone());
        }
        self.lists = lists;
        self.generation += effects.len() as u64;
        Ok(Committed { effects, generation: self.generation })
    }

    fn give_base(&mut self, list: &Arc<str>, record: BaseRecord, entries: BTreeMap<Entry, Details>) {
        let kept = self.bases.entry(list.clone()).or_default();
        kept.retain(|base| base.digest != record.digest);
        kept.insert(0, record);
        kept.truncate(KEPT_BASES);
        self.lists.entry(list.clone()).or_default().base = entries;
    }

    fn forget(&mut self, list: &Arc<str>) {
        self.lists.remove(list);
        self.bases.remove(list);
        self.aside.remove(list);
        self.imports.retain(|(imported, _)| imported != list);
    }
}

/// The store under test.
struct Running {
    root: PathBuf,
    /// Each kill goes on in a directory of its own.
    cycle: u32,
    writer: EditWriter,
    snapshots: Snapshots,
    live: Live,
    model: Model,
    /// What the digests of bases stand for.
    contents: BTreeMap<Digest, BTreeMap<Entry, Details>>,
    /// The generation of the last swap since the start.
    swapped: u64,
}

impl Running {
    fn new() -> Running {
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
        let root = parent.join(format!("ringfence-fuzz-replay-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(&root).expect("a directory");
        let snapshots = Snapshots::open(&root).expect("opens");
        let (store, replay) = open(&root.join("0"));
        assert_eq!(replay, Replay::default());
        let live = Live(Arc::new(Mutex::new(World { generation: 0, lists: build(&replay, &snapshots) })));
        let writer = store.start(live.clone()).expect("starts");
        let lists = OF_CONFIG.into_iter().map(|(name, _)| (name.into(), Plain::default())).collect();
        let model = Model { lists, ..Model::default() };
        Running { root, cycle: 0, writer, snapshots, live, model, contents: BTreeMap::new(), swapped: 0 }
    }

    fn clear(self) {
        self.writer.stop();
        fs::remove_dir_all(&self.root).expect("it is ours");
    }

    fn dir(&self) -> PathBuf {
        self.root.join(self.cycle.to_string())
    }

    fn perform(&mut self, deed: Deed) {
        match deed {
            Deed::Edit(groups) => self.propose(&groups),
            Deed::Make(is_pool, meanwhile) => self.make(if is_pool { Class::Pool } else { Class::Dnc }, &meanwhile),
            Deed::Unmake(meanwhile) => self.unmake(&meanwhile),
            Deed::Import(list, contents, meanwhile) => self.import(list, &contents, &meanwhile),
            Deed::Reload(bases, meanwhile) => self.reload(&bases, &meanwhile),
            Deed::RollBack(list, to, meanwhile) => self.roll_back(list, to, &meanwhile),
            Deed::TakeBack(list) => {
                let list = list.name();
                let steps = vec![Step::TakeBack { list: list.clone() }];
                self.swap(Action::Confirm, steps, self.live.world().lists, &[], Ok(()), |model| {
                    model.aside.remove(&list);
                });
            }
            Deed::Refused(list, contents) => {
                let record = self.keep(&contents);
                let steps = vec![Step::Base { list: list.name(), record }];
                let lists = self.live.world().lists;
                self.swap(Action::Reload, steps, lists, &[], Err(SwapError::Refused), |_| ());
            }
            Deed::Fold(meanwhile) => self.fold(&meanwhile),
            Deed::FoldLate(part) => {
                let since = self.model.generation * u64::from(part) / 255;
                let late = since < self.swapped;
                let expected = if late { SwapError::Overtaken } else { SwapError::Refused };
                assert_eq!(self.writer.refit(since, Box::new(|_, _| None)), Err(expected));
            }
            Deed::Lose(groups) => self.lose(&groups),
            Deed::Stop => {
                self.writer.stop();
                self.reopen();
            }
            Deed::Kill => {
                let killed = self.root.join((self.cycle + 1).to_string());
                fs::create_dir(&killed).expect("it is new");
                for name in ["ringfence.db", "ringfence.db-wal", "keys"] {
                    let _ = fs::copy(self.dir().join(name), killed.join(name));
                }
                self.cycle += 1;
                self.reopen();
            }
        }
        self.check();
    }

    fn propose(&mut self, groups: &[Group]) {
        let proposals: Vec<Proposal> = groups.iter().take(4).map(Group::proposal).collect();
        let answers: Vec<_> = proposals.iter().map(|group| self.writer.submit(group.clone())).collect();
        for (group, answer) in proposals.iter().zip(answers) {
            let answer = answer.expect("there is room").blocking_recv().expect("an answer");
            assert_eq!(answer, self.model.edit(group));
        }
    }

    fn make(&mut self, class: Class, meanwhile: &[Group]) {
        let list = ListName::Made.name();
        let steps = vec![Step::Make { list: list.clone(), class }];
        let before = self.live.world().lists;
        if self.model.made.is_some() {
            self.swap(Action::Make, steps, before, meanwhile, Err(SwapError::Exists), |_| ());
            return;
        }
        let made = List::new(list.clone(), class, None, Arc::default());
        let lists = before.with_list(made).expect("room for one more");
        self.swap(Action::Make, steps, lists, meanwhile, Ok(()), |model| {
            model.forget(&list);
            model.lists.insert(list.clone(), Plain::default());
            model.made = Some(MadeList { name: list, class });
        });
    }

    fn unmake(&mut self, meanwhile: &[Group]) {
        let list = ListName::Made.name();
        let steps = vec![Step::Unmake { list: list.clone() }];
        let lists = self.live.world().lists.without(&list);
        let expected = if self.model.made.is_some() { Ok(()) } else { Err(SwapError::NotMade) };
        self.swap(Action::Unmake, steps, lists, meanwhile, expected, |model| {
            model.forget(&list);
            model.made = None;
        });
    }

    fn import(&mut self, list: ListName, contents: &Contents, meanwhile: &[Group]) {
        let name = list.name();
        let world = self.live.world();
        let Some(list) = world.lists.get(&name) else { return };
        let BaseRecord { digest, entries, .. } = self.keep(contents);
        let base = base_of(&self.contents[&digest]);
        let lists = world.lists.with_list(list.imported(&base)).expect("it is there");
        let holds = Arc::new(move |entry: &Entry| base.contains(entry));
        let steps = vec![Step::Import { list: name.clone(), digest, entries, holds }];
        let brought = self.contents[&digest].clone();
        self.swap(Action::Import, steps, lists, meanwhile, Ok(()), |model| {
            let plain = model.lists.get_mut(&name).expect("it is there");
            // Later than what was committed meanwhile.
            plain.said.extend(brought.into_iter().map(|(entry, details)| (entry, Change::Put(details))));
            model.imports.push((name, digest));
        });
    }

    fn reload(&mut self, bases: &[(ListName, Contents)], meanwhile: &[Group]) {
        let world = self.live.world();
        let bases: BTreeMap<Arc<str>, &Contents> =
            bases.iter().take(3).map(|(list, contents)| (list.name(), contents)).collect();
        let known = bases.into_iter().filter(|(list, _)| world.lists.get(list).is_some());
        let bases: Vec<(Arc<str>, BaseRecord)> = known.map(|(list, contents)| (list, self.keep(contents))).collect();
        let steps =
            bases.iter().map(|(list, record)| Step::Base { list: list.clone(), record: record.clone() }).collect();
        self.rebase(Action::Reload, &bases, steps, meanwhile);
    }

    fn roll_back(&mut self, list: ListName, to: u8, meanwhile: &[Group]) {
        let list = list.name();
        let kept = self.model.bases.get(&list).cloned().unwrap_or_default();
        let [present, earlier @ ..] = kept.as_slice() else { return };
        let Some(record) = earlier.get(usize::from(to) % earlier.len().max(1)) else { return };
        let steps = vec![
            Step::Base { list: list.clone(), record: record.clone() },
            Step::SetAside { list: list.clone(), digest: present.digest },
        ];
        self.rebase(Action::Rollback, &[(list, record.clone())], steps, meanwhile);
    }

    /// Builds lists anew over other bases, of what the database holds.
    fn rebase(&mut self, action: Action, bases: &[(Arc<str>, BaseRecord)], steps: Vec<Step>, meanwhile: &[Group]) {
        let (world, replay) = (self.live.world(), self.writer.replay().expect("reads"));
        let lists = bases.iter().fold(world.lists, |lists, (name, record)| {
            let class = lists.get(name).expect("it is there").class();
            let base = read(&self.snapshots, &record.digest);
            let list = overlaid(List::new(name.clone(), class, None, Arc::new(base)), &replay, &self.snapshots);
            lists.with_list(list).expect("it is there")
        });
        let aside = steps.iter().find_map(|step| match step {
            Step::SetAside { list, digest } => Some((list.clone(), *digest)),
            _ => None,
        });
        let contents = self.contents.clone();
        self.swap(action, steps, lists, meanwhile, Ok(()), |model| {
            for (list, record) in bases {
                model.give_base(list, record.clone(), contents[&record.digest].clone());
            }
            model.aside.extend(aside);
        });
    }

    /// Commits the steps with `lists`, which were built of what is in force; `change` is what that does to the model.
    fn swap(
        &mut self,
        action: Action,
        steps: Vec<Step>,
        lists: Lists,
        meanwhile: &[Group],
        expected: Result<(), SwapError>,
        change: impl FnOnce(&mut Model),
    ) {
        let since = self.model.generation;
        self.propose(meanwhile);
        let before = self.model.generation;
        let live = self.live.clone();
        let refuse = expected == Err(SwapError::Refused);
        let prepare: Prepare = Box::new(move |newer, generation| {
            assert_eq!(generation, before + 1);
            let lists = with_known(&lists, newer);
            let publish: Publish = Box::new(move || live.swap(World { generation, lists }));
            (!refuse).then_some(publish)
        });
        let list = steps.iter().find_map(|step| match step {
            Step::Base { list, .. } | Step::Import { list, .. } => Some(list.clone()),
            _ => None,
        });
        let (actor, at) = ("bert".into(), WallTime::from_micros(since));
        let answer = self.writer.swap(Swap { actor, at, reason: None, since, action, list, steps, prepare });
        assert_eq!(answer, expected.clone().map(|()| before + 1));
        if expected.is_ok() {
            change(&mut self.model);
            self.model.generation += 1;
            self.swapped = self.model.generation;
        }
    }

    fn fold(&mut self, meanwhile: &[Group]) {
        let World { generation: since, lists } = self.live.world();
        let folded: Vec<List> = lists.iter().map(|(_, list)| list.folded()).collect();
        let folded = Lists::new(folded).expect("as many as there were");
        self.propose(meanwhile);
        let live = self.live.clone();
        let prepare: Prepare = Box::new(move |newer, generation| {
            let lists = with_known(&folded, newer);
            let publish: Publish = Box::new(move || live.swap(World { generation, lists }));
            Some(publish)
        });
        assert_eq!(self.writer.refit(since, prepare), Ok(self.model.generation));
    }

    /// What is refused meanwhile leaves nothing; afterwards the store works as before.
    fn lose(&mut self, groups: &[Group]) {
        let (there, elsewhere) = (self.dir().join("ringfence.db"), self.root.join("elsewhere"));
        fs::rename(&there, &elsewhere).expect("it is there");
        for group in groups.iter().take(2).map(Group::proposal) {
            let answer = self.writer.submit(group).expect("there is room").blocking_recv().expect("an answer");
            assert!(answer.is_err() || answer.is_ok_and(|committed| committed.effects.is_empty()));
        }
        fs::rename(&elsewhere, &there).expect("it is there");
        self.writer.probe();
    }

    /// Starts from what is on the disk alone.
    fn reopen(&mut self) {
        let live = self.live.world();
        let (store, replay) = open(&self.dir());
        assert_eq!((replay.generation, live.generation), (self.model.generation, self.model.generation));
        assert_eq!(replay.made, self.model.made.iter().cloned().collect::<Vec<_>>());
        assert_eq!((&replay.bases, &replay.aside), (&self.model.bases, &self.model.aside));
        let imports: Vec<_> = replay.imports.iter().map(|import| (import.list.clone(), import.digest)).collect();
        assert_eq!(imports, self.model.imports);
        self.snapshots.sweep(|digest| replay.needs(digest)).expect("sweeps");
        let lists = build(&replay, &self.snapshots);
        assert_eq!(lists.len(), live.lists.len());
        for (_, list) in lists.iter() {
            let own = live.lists.get(list.name()).expect("it was in force");
            assert_eq!((list.class(), list.len(), list.edits()), (own.class(), own.len(), own.edits()));
            assert!(list.entries(None).eq(own.entries(None)), "{}", list.name());
        }
        self.live = Live(Arc::new(Mutex::new(World { generation: replay.generation, lists })));
        self.writer = store.start(self.live.clone()).expect("starts");
        self.swapped = 0;
        let lines = self.writer.audit(&AuditQuery { limit: usize::MAX, ..AuditQuery::default() }).expect("reads");
        assert!(lines.iter().map(|line| line.generation).eq((1..=replay.generation).rev()));
    }

    /// What is in force is what the model says.
    fn check(&self) {
        let world = self.live.world();
        assert_eq!(world.generation, self.model.generation);
        assert!(world.lists.iter().map(|(_, list)| list.name()).collect::<BTreeSet<_>>().iter().eq(&self.names()));
        for (_, list) in world.lists.iter() {
            assert!(list.entries(None).eq(self.model.lists[list.name()].entries()), "{}", list.name());
        }
    }

    fn names(&self) -> BTreeSet<&Arc<str>> {
        self.model.lists.keys().collect()
    }

    /// Writes the snapshot of a base.
    fn keep(&mut self, contents: &Contents) -> BaseRecord {
        let held = contents.iter().filter(|(_, what)| what % 4 != 0);
        let entries: BTreeMap<Entry, Details> = held.map(|(place, what)| (entry(*place), details(*what))).collect();
        let base = base_of(&entries);
        let digest = base.digest();
        self.snapshots.write(&digest, |file| base.write_to(file)).expect("writes");
        self.contents.insert(digest, entries);
        let file = FileRecord {
            path: Path::new("list.csv").into(),
            digest: Digest::of(digest.as_bytes()),
            stamp: FileStamp { bytes: base.len(), inode: u64::MAX, ..FileStamp::default() },
        };
        BaseRecord { digest, entries: base.len(), files: vec![file], fingerprint: Digest::of(b"options") }
    }
}

impl Group {
    fn proposal(&self) -> Proposal {
        let edit = |(list, place, what): &(ListName, Place, What)| {
            let change = if what % 4 == 0 { Change::Remove } else { Change::Put(details(*what)) };
            Edit { list: list.name(), entry: entry(*place), change }
        };
        let edits: Vec<Edit> = self.edits.iter().take(5).map(edit).collect();
        let condition = self.condition.as_ref().zip(edits.first()).map(|((kind, what), edit)| match kind % 3 {
            0 => Condition::Present,
            1 => Condition::Absent,
            _ => Condition::OneOf(vec![details(*what).tag(&edit.entry)]),
        });
        Proposal { actor: "anna".into(), at: WallTime::default(), reason: None, edits, condition }
    }
}

impl ListName {
    fn name(self) -> Arc<str> {
        match self {
            ListName::First => OF_CONFIG[0].0.into(),
            ListName::Second => OF_CONFIG[1].0.into(),
            ListName::Made => "made".into(),
        }
    }
}

fn open(dir: &Path) -> (Store, Replay) {
    Store::open(&Config { dir: dir.into() }).expect("opens")
}

/// All lists of what the database holds, as a start builds them.
fn build(replay: &Replay, snapshots: &Snapshots) -> Lists {
    let made = replay.made.iter().map(|list| (&*list.name, list.class));
    let lists = OF_CONFIG.into_iter().chain(made).map(|(name, class)| {
        let base = replay.bases.get(name).and_then(|bases| bases.first());
        let base = base.map(|record| read(snapshots, &record.digest)).unwrap_or_default();
        overlaid(List::new(name.into(), class, None, Arc::new(base)), replay, snapshots)
    });
    Lists::new(lists.collect()).expect("their names differ")
}

/// A list with what was imported into it, and the edits over both.
fn overlaid(bare: List, replay: &Replay, snapshots: &Snapshots) -> List {
    let name = bare.name().clone();
    let imports = replay.imports.iter().filter(|import| import.list == name);
    let list = imports.fold(bare, |list, import| list.imported(&read(snapshots, &import.digest)));
    let edits = replay.edits.iter().filter(|edit| edit.list == name);
    let edits: Vec<_> = edits.map(|edit| (edit.entry.clone(), edit.change.clone())).collect();
    list.after(&edits)
}

fn with_known(lists: &Lists, newer: &[Edit]) -> Lists {
    let known: Vec<Edit> = newer.iter().filter(|edit| lists.get(&edit.list).is_some()).cloned().collect();
    lists.with(&known).expect("the others were left out")
}

fn read(snapshots: &Snapshots, digest: &Digest) -> Base {
    let read = snapshots.read(digest, |file| Base::read_from(file, digest).map_err(|_| Broken::Damaged));
    read.expect("it is needed and was kept")
}

fn base_of(entries: &BTreeMap<Entry, Details>) -> Base {
    let mut builder = BaseBuilder::new();
    entries.iter().for_each(|(entry, details)| builder.push(entry.clone(), details));
    builder.build()
}

/// Few entries near each other, so that they meet.
fn entry(place: Place) -> Entry {
    let at = place / 4 % 8;
    let text = match place % 4 {
        0 | 1 => format!("4822100000{at}"),
        2 => format!("48221{at}*"),
        _ => ["anonymous", "unavailable", "112", "00", "bob", "b-o'b", "48221000000-48221000003", "4822*"]
            [usize::from(at)]
        .to_owned(),
    };
    text.parse().expect("an entry")
}

fn details(what: What) -> Details {
    let description = || Some(format!("\u{1F4DE} \"{}\"; '\0", what >> 6).into());
    match what / 4 % 4 {
        0 => Details::default(),
        1 => Details { expires: Some(WallTime::from_micros(u64::from(what))), ..Details::default() },
        2 => Details { description: description(), ..Details::default() },
        _ => Details { description: description(), added_by: Some("anna".into()), ..Details::default() },
    }
}

/// The bytes, and behind them as many random ones as the longest history takes: the fuzzer begins with a few bytes, which
/// are none, and tries too few inputs a second to get beyond that.
fn lengthened(data: &[u8]) -> Vec<u8> {
    // FNV-1a, then SplitMix64.
    let mut state = data
        .iter()
        .fold(0xCBF2_9CE4_8422_2325, |hash: u64, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3));
    let mut bytes = data.to_vec();
    while bytes.len() < data.len() + BYTES {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = (state ^ state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        bytes.extend_from_slice(&(mixed ^ mixed >> 31).to_le_bytes());
    }
    bytes
}

/// Enough that bases, imports and edits come to lie over each other.
const DEEDS: usize = 16;

/// A deed takes some 40 bytes; where they run out, what follows is all zeros.
const BYTES: usize = 4096;

/// Lists that are always there.
const OF_CONFIG: [(&str, Class); 2] = [("a", Class::Personal), ("b", Class::Allow)];
