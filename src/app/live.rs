//! What is in force while the daemon runs, as the admin port asks for it.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use super::read::Read;
use super::sip::SipCounters;
use super::worlds::{self, Worlds};
use super::{background, changes, health, imports, metrics, past, records, reload, status};
use crate::admin::{
    Backend, BlockedRecords, By, CallQuery, EditFailure, EditGroup, Edited, HealthDetail, HeldAt, ImportFailure,
    ImportRequest, Imported, ListFailure, ListStatus, MetricFamily, RecordFailure, RecordedCalls, Refusal,
    ReloadFailure, ReloadProblem, Reloaded, RuleCalls, StorageFailure,
};
use crate::config::{Reading, Settings};
use crate::counters::{CallQuality, Counter, EngineCounters, Histogram};
use crate::lists::{Action, AuditLine, AuditQuery, Class, Digest, Edit, Entry, ListAt};
use crate::net::TlsStore;
use crate::number::DialPlan;
use crate::reach::Reach;
use crate::records::{RecordArchive, RecordCounts};
use crate::screen::{Setting, World};
use crate::store::{self, EditError, EditWriter, Proposal, Publish, Snapshots, Step, StoreError, Swap, SwapError};
use crate::time::WallTime;
use crate::usage::Usage;

/// The running daemon.
pub(super) struct Live {
    pub(super) config: PathBuf,
    /// What the sockets, the admin port and the state were opened with.
    pub(super) started_with: Settings,
    pub(super) worlds: Arc<Worlds>,
    /// What connections are made with; that of [`Read::tls`].
    pub(super) tls: Arc<TlsStore>,
    pub(super) read: Mutex<Arc<Read>>,
    pub(super) edits: EditWriter,
    pub(super) snapshots: Snapshots,
    pub(super) archive: RecordArchive,
    /// The lists that are being read now.
    pub(super) reading: Reading,
    pub(super) usage: Arc<Usage>,
    pub(super) counts: Counts,
    /// Held while a world is built aside, until it is in force: an older one never overtakes a newer one.
    pub(super) building: Mutex<()>,
    /// How many reloads are asked for and not done.
    pub(super) reloads: AtomicUsize,
    /// Why the last reload changed nothing; empty after one that succeeded.
    pub(super) failed: Mutex<Vec<ReloadProblem>>,
}

/// All counters that are shown.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) sip: SipCounters,
    pub(super) records: Arc<RecordCounts>,
    pub(super) reloads: Counter,
    pub(super) reloads_failed: Counter,
    pub(super) edits: Counter,
    pub(super) folds: Counter,
    /// How long edits take from their arrival until they decide calls.
    pub(super) enforcement: Histogram,
    pub(super) started: Started,
}

/// When counting began.
#[derive(Debug)]
pub(super) struct Started(pub(super) Instant);

impl Default for Started {
    fn default() -> Started {
        Started(Instant::now())
    }
}

/// A world that was built aside, and what goes with it.
pub(super) struct Built {
    pub(super) world: World,
    pub(super) read: Read,
    /// The generation of the world or replay that it was built from.
    pub(super) since: u64,
    pub(super) steps: Vec<Step>,
}

impl Live {
    pub(super) fn failed(&self) -> Vec<ReloadProblem> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn read(&self) -> Arc<Read> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Stores what changes more than entries, and puts it in force with the edits that were made meanwhile; its
    /// generation. To be called while [`Live::building`] is held.
    pub(super) fn swap(
        self: &Arc<Self>,
        by: &By,
        action: Action,
        list: Option<&Arc<str>>,
        built: Built,
    ) -> Result<u64, SwapError> {
        let Built { world, read, since, steps } = built;
        let live = Arc::clone(self);
        let prepare = move |newer: &[Edit], generation| {
            let world = worlds::caught_up(&world, newer, generation)?;
            let publish: Publish = Box::new(move || {
                // First, so that no call goes to somebody of whom nothing is known.
                live.tls.store(read.tls.clone());
                *live.read.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(read);
                live.worlds.swap(world);
            });
            Some(publish)
        };
        self.edits.swap(Swap {
            actor: Arc::clone(&by.actor),
            at: wall_time(),
            reason: by.reason.clone(),
            since,
            action,
            list: list.cloned(),
            steps,
            prepare: Box::new(prepare),
        })
    }
}

impl Backend for Arc<Live> {
    fn world(&self) -> Arc<World> {
        self.worlds.load()
    }

    fn usage(&self) -> &Usage {
        &self.usage
    }

    fn reach(&self) -> &Reach {
        &self.counts.sip.reach
    }

    fn call_quality(&self, trunk: &str) -> CallQuality {
        let shards = self.counts.sip.engines.iter();
        let counters = shards.filter_map(|shard| shard.trunks.find(trunk));
        counters.fold(CallQuality::default(), |sum, counters| sum.plus(&counters))
    }

    fn now(&self) -> WallTime {
        wall_time()
    }

    fn dial_plan(&self, list: Option<&str>) -> DialPlan {
        let read = self.read();
        list.and_then(|list| read.list_plans.get(list)).copied().unwrap_or(read.plan)
    }

    fn list_status(&self, list: &str) -> ListStatus {
        status::of(self, list)
    }

    async fn edit(&self, By { actor, reason }: By, group: EditGroup) -> Result<Edited, EditFailure> {
        let EditGroup { edits, condition } = group;
        let began = Instant::now();
        let proposal = Proposal { actor, at: wall_time(), reason, edits, condition };
        let committed = self.edits.edit(proposal).await.map_err(edit_failure)?;
        self.counts.enforcement.add(began.elapsed());
        self.counts.edits.add(committed.effects.len() as u64);
        Ok(Edited { effects: committed.effects, generation: committed.generation })
    }

    fn import(&self, request: ImportRequest, body: Box<dyn io::Read + Send>) -> Result<Imported, ImportFailure> {
        imports::import(self, request, body)
    }

    async fn make_list(&self, by: By, list: Arc<str>, class: Class) -> Result<u64, ListFailure> {
        blocking(self, move |live| changes::make(live, &by, &list, class)).await
    }

    async fn unmake_list(&self, by: By, list: Arc<str>) -> Result<u64, ListFailure> {
        blocking(self, move |live| changes::unmake(live, &by, &list)).await
    }

    async fn rollback(&self, by: By, list: Arc<str>, to: Option<Digest>) -> Result<u64, ListFailure> {
        blocking(self, move |live| changes::rollback(live, &by, &list, to)).await
    }

    async fn confirm(&self, by: By, list: Arc<str>, waiting: Digest) -> Result<u64, ListFailure> {
        blocking(self, move |live| changes::confirm(live, &by, &list, waiting)).await
    }

    async fn set(&self, by: By, setting: Setting) -> Result<u64, ListFailure> {
        blocking(self, move |live| changes::set(live, &by, setting)).await
    }

    fn rule_calls(&self) -> BTreeMap<Arc<str>, RuleCalls> {
        metrics::rule_calls(&self.counts.sip.engines)
    }

    async fn reload(&self, by: By) -> Result<Reloaded, ReloadFailure> {
        let live = Arc::clone(self);
        // Clients that give up and ask again must not fill the threads with reloads.
        if self.reloads.fetch_add(1, Ordering::Relaxed) >= MOST_RELOADS {
            self.reloads.fetch_sub(1, Ordering::Relaxed);
            let why = "a reload is under way, and another one waits: try again later";
            return Err(ReloadFailure::Storage(unavailable(why)));
        }
        // Reading lists takes seconds and blocks: not on a thread that serves requests.
        let reload = tokio::task::spawn_blocking(move || {
            let result = reload::reload(&live, &by);
            live.reloads.fetch_sub(1, Ordering::Relaxed);
            result
        });
        reload.await.unwrap_or_else(|_| Err(ReloadFailure::Storage(unavailable("the reload failed"))))
    }

    fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditLine>, StorageFailure> {
        past::audit(self, query)
    }

    fn list_at(&self, list: &str, generation: u64) -> Result<Option<ListAt>, StorageFailure> {
        past::list_at(self, list, generation)
    }

    fn held_at(&self, list: &str, generation: u64, entry: &Entry) -> Result<HeldAt, StorageFailure> {
        past::held_at(self, list, generation, entry)
    }

    fn find_calls(&self, query: &CallQuery) -> Result<RecordedCalls, RecordFailure> {
        records::find(self, query)
    }

    fn blocked_calls(&self, callee: &str, since: WallTime, limit: usize) -> Result<BlockedRecords, StorageFailure> {
        records::blocked(self, callee, since, limit)
    }

    fn oldest_record(&self) -> Result<Option<WallTime>, StorageFailure> {
        records::oldest(self)
    }

    fn health(&self) -> Vec<HealthDetail> {
        health::details(self)
    }

    fn engines(&self) -> &[Arc<EngineCounters>] {
        &self.counts.sip.engines
    }

    fn modestly<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        background::modestly(work)
    }

    fn metrics(&self) -> Vec<MetricFamily> {
        metrics::families(self)
    }
}

/// Building a world reads files and waits for the store: not on a thread that serves requests.
async fn blocking<T: Send + 'static>(
    live: &Arc<Live>,
    work: impl FnOnce(&Arc<Live>) -> Result<T, ListFailure> + Send + 'static,
) -> Result<T, ListFailure> {
    let live = Arc::clone(live);
    let done = tokio::task::spawn_blocking(move || work(&live));
    done.await.unwrap_or_else(|_| Err(ListFailure::Storage(unavailable("the change failed"))))
}

fn edit_failure(error: EditError) -> EditFailure {
    match error {
        EditError::Refused { at, refusal } => {
            let refusal = match refusal {
                store::Refusal::UnknownList => Refusal::UnknownList,
                store::Refusal::Absent => Refusal::Absent,
                store::Refusal::Condition => Refusal::Condition,
                store::Refusal::NotForPool | store::Refusal::NeverBlock => Refusal::Unfit(refusal.to_string()),
            };
            EditFailure::Refused { at, refusal }
        }
        EditError::Store(error) => EditFailure::Storage(storage(&error)),
    }
}

/// A full disk is for the operator to mend, and told apart.
pub(super) fn storage(error: &StoreError) -> StorageFailure {
    if error.is_full() {
        StorageFailure::Full(error.to_string())
    } else {
        StorageFailure::Unavailable(error.to_string())
    }
}

/// The same for snapshots.
pub(super) fn snapshot_storage(error: &store::SnapshotError) -> StorageFailure {
    if error.is_full() {
        StorageFailure::Full(error.to_string())
    } else {
        StorageFailure::Unavailable(error.to_string())
    }
}

pub(super) fn unavailable(why: &str) -> StorageFailure {
    StorageFailure::Unavailable(why.to_owned())
}

/// The one that is made, and one that sees what changed since that began.
const MOST_RELOADS: usize = 2;

/// Where records are.
pub(super) fn records_dir(settings: &Settings) -> PathBuf {
    settings.state.dir.join("records")
}

/// The time of day.
pub(super) fn wall_time() -> WallTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    WallTime::from_micros(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}
