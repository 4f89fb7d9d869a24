//! The rest of the program, in memory.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::*;
use crate::counters::{CallQuality, EngineCounters, Named, TrunkCounters};
use crate::lists::{
    Action, AuditLine, AuditQuery, BaseRecord, Digest, Effect, FileRecord, FileStamp, ListAt, Percent, Progress,
    Report, RowError, read_list,
};
use crate::reach::Reach;
use crate::screen::Setting;

pub(crate) struct Fake {
    pub(crate) state: Mutex<State>,
    pub(crate) usage: Usage,
    pub(crate) reach: Reach,
    pub(crate) engines: Vec<Arc<EngineCounters>>,
    pub(crate) counters: Named<TrunkCounters>,
    pub(crate) healthy: bool,
    pub(crate) storage: Option<StorageFailure>,
    pub(crate) reload: Result<Reloaded, ReloadFailure>,
    /// The latest first.
    pub(crate) recorded: Vec<RecordedCall>,
    pub(crate) unread: Vec<String>,
}

pub(crate) struct State {
    pub(crate) world: Arc<World>,
    /// Of the lists of which there is something to tell.
    pub(crate) statuses: HashMap<Arc<str>, ListStatus>,
    /// Of lists that had others before.
    pub(crate) bases: HashMap<Digest, Arc<Base>>,
    pub(crate) trail: Vec<AuditLine>,
}

impl Default for Fake {
    fn default() -> Fake {
        let state =
            State { world: Arc::new(world()), statuses: HashMap::new(), bases: HashMap::new(), trail: Vec::new() };
        Fake {
            state: Mutex::new(state),
            usage: Usage::new(),
            reach: Reach::default(),
            engines: vec![Arc::default(), Arc::default()],
            counters: Named::default(),
            healthy: true,
            storage: None,
            reload: Ok(Reloaded::default()),
            recorded: Vec::new(),
            unread: Vec::new(),
        }
    }
}

impl Fake {
    /// Where nothing can be stored.
    pub(crate) fn failing(storage: StorageFailure) -> Fake {
        Fake { storage: Some(storage), ..Fake::default() }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who did what and why, in order.
    pub(crate) fn told(&self) -> Vec<(Action, String, Option<String>)> {
        let told = |line: &AuditLine| (line.action, line.actor.to_string(), line.reason.as_deref().map(str::to_owned));
        self.state().trail.iter().map(told).collect()
    }

    /// A base of one number for `vip`, with its record.
    pub(crate) fn base(&self, number: &str) -> BaseRecord {
        let mut builder = BaseBuilder::new();
        builder.push(number.parse().unwrap(), &Details::default());
        let digest = Digest::of(number.as_bytes());
        self.state().bases.insert(digest, Arc::new(builder.build()));
        let stamp = FileStamp { bytes: 12, modified: WallTime::default(), changed: WallTime::default(), inode: 1 };
        let file = FileRecord { path: std::path::Path::new("lists/vip.csv").into(), digest, stamp };
        BaseRecord { digest, entries: 1, files: vec![file], fingerprint: digest }
    }

    /// Puts a list in the place of the one of its name.
    pub(crate) fn replace(&self, list: List) {
        let mut state = self.state();
        let lists = state.world.lists.iter().map(|(_, own)| if own.name() == list.name() { &list } else { own });
        let lists = Lists::new(lists.cloned().collect()).unwrap();
        state.world = Arc::new(World::new(7, lists, Arc::clone(&state.world.policy)).unwrap());
    }

    fn stored(&self) -> Result<(), StorageFailure> {
        self.storage.clone().map_or(Ok(()), Err)
    }

    /// Puts one of the known bases in force.
    fn swap(&self, by: By, list: &Arc<str>, digest: Digest, action: Action) -> u64 {
        let mut state = self.state();
        let base = Arc::clone(&state.bases[&digest]);
        let entries = base.len();
        let lists = state.world.lists.iter().map(|(_, own)| match own.name() == list {
            true => {
                let edits: Vec<_> = own
                    .changes()
                    .map(|(entry, edited)| (entry, edited.cloned().map_or(Change::Remove, Change::Put)))
                    .collect();
                List::new(own.name().clone(), own.class(), None, Arc::clone(&base)).with(&edits)
            }
            false => own.clone(),
        });
        let lists = lists.collect();
        let line = AuditLine { digest: Some(digest), entries: Some(entries), ..line(by, action, Some(list)) };
        state.publish(lists, line)
    }
}

impl State {
    fn publish(&mut self, lists: Vec<List>, line: AuditLine) -> u64 {
        let generation = self.world.generation + 1;
        let lists = Lists::new(lists).unwrap();
        self.world = Arc::new(World::new(generation, lists, Arc::clone(&self.world.policy)).unwrap());
        self.trail.push(AuditLine { generation, ..line });
        generation
    }
}

fn line(by: By, action: Action, list: Option<&Arc<str>>) -> AuditLine {
    AuditLine {
        generation: 0,
        at: noon(),
        actor: by.actor,
        reason: by.reason,
        action,
        list: list.cloned(),
        trunk: None,
        rule: None,
        entry: None,
        details: Details::default(),
        digest: None,
        entries: None,
    }
}

/// The one number that no list may hold.
fn is_never_blocked(entry: &Entry) -> bool {
    entry.to_string() == "999"
}

pub(crate) fn noon() -> WallTime {
    WallTime::parse("2026-11-22T12:00:00Z").unwrap()
}

impl Backend for Fake {
    fn world(&self) -> Arc<World> {
        self.state().world.clone()
    }

    fn usage(&self) -> &Usage {
        &self.usage
    }

    fn reach(&self) -> &Reach {
        &self.reach
    }

    fn call_quality(&self, trunk: &str) -> CallQuality {
        let counters = self.counters.find(trunk).unwrap_or_default();
        CallQuality::default().plus(&counters)
    }

    fn now(&self) -> WallTime {
        noon()
    }

    fn dial_plan(&self, _: Option<&str>) -> DialPlan {
        DialPlan::default()
    }

    fn list_status(&self, list: &str) -> ListStatus {
        let told = self.state().statuses.get(list).cloned();
        told.unwrap_or(ListStatus { loaded: WallTime::parse("2026-11-22T11:00:00Z").unwrap(), ..ListStatus::default() })
    }

    async fn edit(&self, by: By, group: EditGroup) -> Result<Edited, EditFailure> {
        self.stored().map_err(EditFailure::Storage)?;
        let mut state = self.state();
        let mut world = (*state.world).clone();
        let mut effects = Vec::new();
        let mut lines = Vec::new();
        for (at, edit) in group.edits.iter().enumerate() {
            let refused = |refusal| EditFailure::Refused { at, refusal };
            let list = world.lists.get(&edit.list).ok_or(refused(Refusal::UnknownList))?;
            let tag = list.details(&edit.entry).map(|details| details.tag(&edit.entry));
            if group.condition.as_ref().is_some_and(|condition| !condition.holds(tag)) {
                return Err(refused(Refusal::Condition));
            }
            if matches!(edit.change, Change::Put(_)) && is_never_blocked(&edit.entry) {
                return Err(refused(Refusal::Unfit("numbers.never_block holds it: no list may".into())));
            }
            let (effect, action, details) = match (&edit.change, tag.is_some()) {
                (Change::Put(details), true) => (Effect::Changed, Action::Put, details.clone()),
                (Change::Put(details), false) => (Effect::Added, Action::Put, details.clone()),
                (Change::Remove, true) => (Effect::Removed, Action::Remove, Details::default()),
                (Change::Remove, false) => return Err(refused(Refusal::Absent)),
            };
            world = world
                .with_edits(std::slice::from_ref(edit))
                .map_err(|error| refused(Refusal::Unfit(error.to_string())))?;
            effects.push(effect);
            let (generation, entry) = (world.generation, Some(edit.entry.clone()));
            lines.push(AuditLine { generation, entry, details, ..line(by.clone(), action, Some(&edit.list)) });
        }
        let generation = world.generation;
        state.world = Arc::new(world);
        state.trail.extend(lines);
        Ok(Edited { effects, generation })
    }

    fn import(&self, request: ImportRequest, body: Box<dyn Read + Send>) -> Result<Imported, ImportFailure> {
        let refuse = |entry: &Entry| is_never_blocked(entry);
        let file = read_list(body, &request.options, 1, &refuse, &Progress::default()).map_err(ImportFailure::File)?;
        self.stored().map_err(ImportFailure::Storage)?;
        let mut state = self.state();
        let own = state.world.lists.get(&request.list).ok_or(ImportFailure::UnknownList)?.clone();
        let base = Arc::new(file.builder.build());
        let read = List::new(request.list.clone(), Class::Personal, None, Arc::clone(&base));
        let actor = Some(Arc::clone(&request.by.actor));
        let put = |(entry, details)| (entry, Change::Put(Details { added_by: actor.clone(), ..details }));
        let changes: Vec<(Entry, Change)> = read.entries(None).map(put).collect();
        let added = changes.iter().filter(|(entry, _)| !own.contains(entry)).count() as u64;
        let mut imported = Imported {
            generation: None,
            rows: file.rows,
            added,
            changed: base.len() - added,
            removed: 0,
            duplicates: base.duplicates(),
            rejected: file.skipped,
            guessed: file.guessed,
            not_utf8: file.not_utf8,
            header: file.header,
            head: file.head,
            digest: None,
        };
        if !request.dry_run {
            let lists = state.world.lists.iter().map(|(_, list)| match *list.name() == request.list {
                true => list.with(&changes),
                false => list.clone(),
            });
            let lists = lists.collect();
            imported.generation = Some(state.publish(lists, line(request.by, Action::Import, Some(&request.list))));
        }
        Ok(imported)
    }

    async fn make_list(&self, by: By, list: Arc<str>, class: Class) -> Result<u64, ListFailure> {
        self.stored().map_err(ListFailure::Storage)?;
        let mut state = self.state();
        let made = List::new(list.clone(), class, None, Arc::default());
        let lists = state.world.lists.iter().map(|(_, list)| list.clone()).chain([made]).collect();
        let status = ListStatus { made_at_run_time: true, loaded: noon(), ..ListStatus::default() };
        state.statuses.insert(list.clone(), status);
        Ok(state.publish(lists, line(by, Action::Make, Some(&list))))
    }

    async fn unmake_list(&self, by: By, list: Arc<str>) -> Result<u64, ListFailure> {
        self.stored().map_err(ListFailure::Storage)?;
        if self.world().lists.get(&list).is_none() {
            return Err(ListFailure::Unknown);
        }
        if !self.list_status(&list).made_at_run_time {
            return Err(ListFailure::Conflict(format!("the config names the list \"{list}\"")));
        }
        let mut state = self.state();
        let kept = state.world.lists.iter().map(|(_, own)| own).filter(|own| *own.name() != list).cloned().collect();
        Ok(state.publish(kept, line(by, Action::Unmake, Some(&list))))
    }

    async fn rollback(&self, by: By, list: Arc<str>, to: Option<Digest>) -> Result<u64, ListFailure> {
        self.stored().map_err(ListFailure::Storage)?;
        let mut status = self.list_status(&list);
        let to = to.or(status.earlier.first().map(|base| base.digest));
        let Some(at) = status.earlier.iter().position(|base| Some(base.digest) == to) else {
            return Err(ListFailure::Conflict("there is no such base to go back to".into()));
        };
        let base = status.earlier.remove(at);
        let digest = base.digest;
        status.set_aside = status.base.replace(base).map(|base| base.digest);
        self.state().statuses.insert(list.clone(), status);
        Ok(self.swap(by, &list, digest, Action::Rollback))
    }

    async fn confirm(&self, by: By, list: Arc<str>, waiting: Digest) -> Result<u64, ListFailure> {
        self.stored().map_err(ListFailure::Storage)?;
        let mut status = self.list_status(&list);
        match status.waiting.take() {
            None => return Err(ListFailure::Conflict("nothing waits to be confirmed".into())),
            Some(other) if other.digest != waiting => {
                return Err(ListFailure::Conflict(format!("another base waits: {}", other.digest)));
            }
            Some(_) => {}
        }
        self.state().statuses.insert(list.clone(), status);
        Ok(self.swap(by, &list, waiting, Action::Confirm))
    }

    async fn set(&self, by: By, setting: Setting) -> Result<u64, ListFailure> {
        self.stored().map_err(ListFailure::Storage)?;
        let mut held = self.state();
        let mut world = World::clone(&held.world);
        if !setting.fits(&world.policy, world.by_hand()) {
            return Err(ListFailure::Unknown);
        }
        world.generation += 1;
        let generation = world.generation;
        let by_hand = world.by_hand().with(&setting);
        held.world = Arc::new(world.setting(Arc::new(by_hand)));
        let line = AuditLine { generation, ..line(by, setting.action(), None) };
        held.trail.push(match setting {
            Setting::Trunk { name, .. } => AuditLine { trunk: Some(name), ..line },
            Setting::Rule { name, .. } => AuditLine { rule: Some(name), ..line },
        });
        Ok(generation)
    }

    fn rule_calls(&self) -> BTreeMap<Arc<str>, RuleCalls> {
        BTreeMap::from([("hotline".into(), RuleCalls { decided: 3, observed: 1 })])
    }

    async fn reload(&self, by: By) -> Result<Reloaded, ReloadFailure> {
        self.state().trail.push(line(by, Action::Reload, None));
        self.reload.clone()
    }

    fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditLine>, StorageFailure> {
        self.stored()?;
        let wanted = |line: &&AuditLine| {
            query.list.as_ref().is_none_or(|list| line.list.as_ref().is_none_or(|own| own == list))
                && query.entry.as_ref().is_none_or(|entry| line.entry.as_ref() == Some(entry))
                && query.before.is_none_or(|before| line.generation < before)
        };
        Ok(self.state().trail.iter().rev().filter(wanted).take(query.limit).cloned().collect())
    }

    fn list_at(&self, list: &str, generation: u64) -> Result<Option<ListAt>, StorageFailure> {
        self.stored()?;
        let base = self.list_status(list).base.map(|base| (7, noon(), base));
        let state = self.state();
        let edited = |line: &&AuditLine| line.list.as_deref() == Some(list) && line.generation <= generation;
        let edits = state.trail.iter().filter(edited).count() as u64;
        let known = edits > 0 || state.world.lists.get(list).is_some();
        Ok(known.then_some(ListAt { base, imports: Vec::new(), edits, began: 0 }))
    }

    fn held_at(&self, list: &str, generation: u64, entry: &Entry) -> Result<HeldAt, StorageFailure> {
        self.stored()?;
        let state = self.state();
        let mut lines = state.trail.iter().filter(|line| line.generation <= generation);
        let edit = lines.rfind(|line| line.list.as_deref() == Some(list) && line.entry.as_ref() == Some(entry));
        let held = edit.map(|line| line.action == Action::Put);
        let through = held.is_some_and(|held| held).then(|| entry.clone());
        Ok(HeldAt { held, through, edit: edit.cloned() })
    }

    fn find_calls(&self, query: &CallQuery) -> Result<RecordedCalls, RecordFailure> {
        self.stored().map_err(RecordFailure::Storage)?;
        let first = query.after.as_ref().map_or(Ok(0), |after| after.parse());
        let first = first.map_err(|_| RecordFailure::After("expected a place".into()))?;
        let is_wanted = |call: &&RecordedCall| {
            query.party.as_ref().is_none_or(|party| call.column("caller").split(' ').any(|own| own == party))
                && query.reason.as_ref().is_none_or(|reason| call.column("reason").contains(reason))
                && query.since.is_none_or(|since| *call.column("time") >= *since.to_string())
                && query.until.is_none_or(|until| *call.column("time") <= *until.to_string())
        };
        let mut wanted = self.recorded.iter().filter(is_wanted).skip(first).peekable();
        let calls: Vec<RecordedCall> = wanted.by_ref().take(query.limit).cloned().collect();
        let next = wanted.peek().map(|_| (first + calls.len()).to_string());
        Ok(RecordedCalls { calls, next, reached: self.oldest_record()?, damaged: 1, unread: self.unread.clone() })
    }

    fn blocked_calls(&self, callee: &str, since: WallTime, limit: usize) -> Result<BlockedRecords, StorageFailure> {
        let query = CallQuery { since: Some(since), limit: usize::MAX, ..CallQuery::default() };
        let mut calls = self.find_calls(&query).map_err(|_| StorageFailure::Unavailable("no".into()))?.calls;
        calls.retain(|call| call.column("callee") == callee);
        let has_more = calls.len() > limit;
        calls.truncate(limit);
        Ok(BlockedRecords { calls, oldest: self.oldest_record()?, has_more, unread: Vec::new() })
    }

    fn oldest_record(&self) -> Result<Option<WallTime>, StorageFailure> {
        Ok(self.recorded.last().and_then(|call| WallTime::parse(call.column("time"))))
    }

    fn health(&self) -> Vec<HealthDetail> {
        vec![HealthDetail { name: "records", ok: self.healthy, detail: "written".into() }]
    }

    fn engines(&self) -> &[Arc<EngineCounters>] {
        &self.engines
    }

    /// On a thread that no runtime has made, as the program does it.
    fn modestly<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        std::thread::scope(|scope| scope.spawn(work).join().unwrap())
    }

    fn metrics(&self) -> Vec<MetricFamily> {
        let family = |name: &str, kind, labels| MetricFamily {
            name: name.into(),
            help: "Entries in force".into(),
            kind,
            samples: vec![MetricSample { labels, value: 250 }],
        };
        let waits = |labels| MetricHistogram { labels, sum: 2.5, buckets: vec![(0.5, 1), (f64::INFINITY, 2)] };
        vec![
            family("list_entries", MetricKind::Gauge, vec![("list", "default".into())]),
            family("entries", MetricKind::Counter, vec![]),
            family("wait_seconds", MetricKind::Histogram(vec![waits(vec![])]), vec![]),
            family("delay_seconds", MetricKind::Histogram(vec![waits(vec![("trunk", "pbx".into())])]), vec![]),
        ]
    }
}

/// A list of which there is everything to tell.
pub(crate) fn eventful(fake: &Fake) -> ListStatus {
    let row = RowError { line: 3, column: 1, cell: "48x".into(), reason: crate::lists::RowReason::Missing };
    ListStatus {
        format: Some(crate::lists::Format::Csv),
        loaded: noon(),
        base: Some(fake.base("48221110001")),
        earlier: vec![fake.base("48221110002")],
        from_snapshot: true,
        reading: Some(Reading { bytes: 6, total_bytes: 12, rows: 1 }),
        waiting: Some(Waiting {
            digest: fake.base("48221110003").digest,
            entries: 1,
            added: 1,
            removed: 1,
            changed_percent: 200.0,
            max_change: Percent::new(30.0).unwrap(),
        }),
        stale_from: Some(noon()),
        stale: Some(Stale { since: noon(), does: crate::lists::WhenStale::Pass }),
        alarm: Some("the file is cut off".into()),
        skipped: Report { rows: vec![row], kinds: vec![("missing", 1)], total: 1 },
        guessed: 2,
        not_utf8: 3,
        ..ListStatus::default()
    }
}
