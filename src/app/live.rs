//! What is in force while the daemon runs, as the admin port asks for it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use super::sip::SipCounters;
use super::worlds::Worlds;
use super::{metrics, reload};
use crate::admin::{Backend, EditFailure, Edited, Effect, HealthDetail, MetricFamily, ReloadFailure, Reloaded};
use crate::config::{Loaded, Settings};
use crate::counters::Counter;
use crate::lists::Edit;
use crate::number::DialPlan;
use crate::records::RecordCounts;
use crate::screen::World;
use crate::store::{self, EditError, EditWriter, Proposal, Refusal};
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
    pub(super) text: Arc<str>,
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

    fn loaded(&self) -> WallTime {
        self.read().at
    }

    async fn edit(&self, actor: Arc<str>, edit: Edit) -> Result<Edited, EditFailure> {
        let proposal = Proposal { actor, at: wall_time(), reason: None, edits: vec![edit], condition: None };
        match self.edits.edit(proposal).await {
            Ok(committed) => {
                let effect = match committed.effects.first() {
                    Some(store::Effect::Added) => Effect::Added,
                    Some(store::Effect::Changed) | None => Effect::Changed,
                    Some(store::Effect::Removed) => Effect::Removed,
                };
                Ok(Edited { effect, generation: committed.generation })
            }
            Err(EditError::Refused { refusal, .. }) => Err(match refusal {
                Refusal::UnknownList => EditFailure::UnknownList,
                Refusal::Absent => EditFailure::Absent,
                Refusal::NotForPool | Refusal::NeverBlock | Refusal::Condition => {
                    EditFailure::Unfit(refusal.to_string())
                }
            }),
            Err(EditError::Store(error)) => Err(EditFailure::Unavailable(error.to_string())),
        }
    }

    async fn reload(&self, actor: Arc<str>) -> Result<Reloaded, ReloadFailure> {
        let live = Arc::clone(self);
        // Reading lists takes seconds and blocks: not on a thread that serves requests.
        let reload = tokio::task::spawn_blocking(move || reload::reload(&live, &actor));
        reload.await.unwrap_or_else(|_| Err(ReloadFailure::Unavailable("the reload failed".into())))
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

/// The time of day.
pub(super) fn wall_time() -> WallTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    WallTime::from_micros(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}
