//! What is in force while the daemon runs, as the admin port asks for it.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use super::sip::SipCounters;
use super::worlds::Worlds;
use super::{metrics, reload};
use crate::admin::{
    Backend, By, EditFailure, EditGroup, Edited, Effect, HealthDetail, HeldAt, ImportFailure, ImportRequest, Imported,
    ListFailure, ListStatus, MetricFamily, Refusal, ReloadFailure, Reloaded, StorageFailure,
};
use crate::config::{Loaded, Settings};
use crate::counters::Counter;
use crate::lists::{AuditLine, AuditQuery, Class, Digest, Edit, Entry, ListAt};
use crate::number::DialPlan;
use crate::records::RecordCounts;
use crate::screen::World;
use crate::store::{self, EditError, EditWriter, Proposal};
use crate::time::WallTime;
use crate::usage::Usage;

/// The running daemon.
pub(super) struct Live {
    pub(super) config: PathBuf,
    /// What the sockets, the admin port and the state were opened with.
    pub(super) started_with: Settings,
    pub(super) worlds: Arc<Worlds>,
    pub(super) read: Mutex<Arc<Read>>,
    pub(super) edits: EditWriter,
    pub(super) usage: Arc<Usage>,
    pub(super) counts: Counts,
    /// Held by the reload that is being built: an older config never overtakes a newer one.
    pub(super) reloading: Mutex<()>,
}

/// What the config said beside world and settings, when it was last read.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) at: WallTime,
    pub(super) plan: DialPlan,
    pub(super) list_plans: HashMap<String, DialPlan>,
    pub(super) text: Box<str>,
}

impl Read {
    pub(super) fn new(loaded: &Loaded, at: WallTime) -> Read {
        Read { at, plan: loaded.plan, list_plans: loaded.list_plans.clone(), text: loaded.text.clone() }
    }
}

/// All counters that are shown.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) sip: SipCounters,
    pub(super) records: Arc<RecordCounts>,
    pub(super) reloads: Counter,
    pub(super) reloads_failed: Counter,
}

impl Live {
    pub(super) fn read(&self) -> Arc<Read> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Backend for Arc<Live> {
    fn world(&self) -> Arc<World> {
        self.worlds.load()
    }

    fn usage(&self) -> &Usage {
        &self.usage
    }

    fn now(&self) -> WallTime {
        wall_time()
    }

    fn dial_plan(&self, list: Option<&str>) -> DialPlan {
        let read = self.read();
        list.and_then(|list| read.list_plans.get(list)).copied().unwrap_or(read.plan)
    }

    fn list_status(&self, _: &str) -> ListStatus {
        ListStatus { loaded: self.read().at, ..ListStatus::default() }
    }

    async fn edit(&self, By { actor, reason }: By, group: EditGroup) -> Result<Edited, EditFailure> {
        let [edit] = <[Edit; 1]>::try_from(group.edits)
            .map_err(|_| EditFailure::Storage(unavailable("groups of edits are not stored yet")))?;
        if group.condition.is_some() || reason.is_some() {
            return Err(EditFailure::Storage(unavailable("conditions and reasons of edits are not stored yet")));
        }
        let proposal = Proposal { actor, at: wall_time(), edit };
        let refused = |refusal| Err(EditFailure::Refused { at: 0, refusal });
        match self.edits.edit(proposal).await {
            Ok(committed) => {
                let effect = match committed.effect {
                    store::Effect::Added => Effect::Added,
                    store::Effect::Changed => Effect::Changed,
                    store::Effect::Removed => Effect::Removed,
                };
                Ok(Edited { effects: vec![effect], generation: committed.generation })
            }
            Err(EditError::Refused(store::Refusal::UnknownList)) => refused(Refusal::UnknownList),
            Err(EditError::Refused(store::Refusal::Absent)) => refused(Refusal::Absent),
            Err(EditError::Refused(refusal @ store::Refusal::NotForPool)) => {
                refused(Refusal::Unfit(refusal.to_string()))
            }
            Err(EditError::Store(error)) => Err(EditFailure::Storage(unavailable(&error.to_string()))),
        }
    }

    fn import(&self, _: ImportRequest, _: Box<dyn io::Read + Send>) -> Result<Imported, ImportFailure> {
        Err(ImportFailure::Storage(unavailable("imports are not stored yet")))
    }

    async fn make_list(&self, _: By, _: Arc<str>, _: Class) -> Result<u64, ListFailure> {
        Err(ListFailure::Storage(unavailable("lists are not made at run time yet")))
    }

    async fn unmake_list(&self, _: By, _: Arc<str>) -> Result<u64, ListFailure> {
        Err(ListFailure::Conflict("the config names the list".to_owned()))
    }

    async fn rollback(&self, _: By, _: Arc<str>, _: Option<Digest>) -> Result<u64, ListFailure> {
        Err(ListFailure::Conflict("there is no earlier base to go back to".to_owned()))
    }

    async fn confirm(&self, _: By, _: Arc<str>, _: Digest) -> Result<u64, ListFailure> {
        Err(ListFailure::Conflict("nothing waits to be confirmed".to_owned()))
    }

    async fn reload(&self, by: By) -> Result<Reloaded, ReloadFailure> {
        let live = Arc::clone(self);
        // Reading lists takes seconds and blocks: not on a thread that serves requests.
        let reload = tokio::task::spawn_blocking(move || reload::reload(&live, &by.actor));
        reload.await.unwrap_or_else(|_| Err(ReloadFailure::Storage(unavailable("the reload failed"))))
    }

    fn audit(&self, _: &AuditQuery) -> Result<Vec<AuditLine>, StorageFailure> {
        Err(unavailable("the trail cannot be read yet"))
    }

    fn list_at(&self, _: &str, _: u64) -> Result<Option<ListAt>, StorageFailure> {
        Err(unavailable("the past of lists cannot be read yet"))
    }

    fn held_at(&self, _: &str, _: u64, _: &Entry) -> Result<HeldAt, StorageFailure> {
        Err(unavailable("the past of lists cannot be read yet"))
    }

    fn health(&self) -> Vec<HealthDetail> {
        let detail = |name, trouble: Option<&str>| HealthDetail {
            name,
            ok: trouble.is_none(),
            detail: trouble.unwrap_or("works").to_owned(),
        };
        let edits = if self.edits.is_stopped() {
            Some("no edit can be stored: the store is closed")
        } else if self.edits.is_failing() {
            Some("the last edit could not be stored")
        } else {
            None
        };
        let records = self.counts.records.is_failing().then_some("the last records could not be written");
        vec![detail("edits", edits), detail("records", records)]
    }

    fn metrics(&self) -> Vec<MetricFamily> {
        metrics::families(self)
    }
}

fn unavailable(why: &str) -> StorageFailure {
    StorageFailure::Unavailable(why.to_owned())
}

/// The time of day.
pub(super) fn wall_time() -> WallTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    WallTime::from_micros(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}
