//! What the admin port asks of the rest of the program.

mod edits;
mod imports;
mod lists;
mod past;
mod records;
mod reload;
mod state;

use std::collections::BTreeMap;
use std::future::Future;
use std::io::Read;
use std::sync::Arc;

pub use edits::{EditFailure, EditGroup, Edited, Refusal};
pub use imports::{ImportFailure, ImportRequest, Imported};
pub use lists::{ListFailure, ListStatus, Reading, Stale, Waiting};
pub use past::HeldAt;
pub use records::{BlockedRecords, CallQuery, RecordFailure, RecordedCall, RecordedCalls};
pub use reload::{ListChange, ReloadFailure, ReloadProblem, Reloaded, RuleChange};
pub use state::{HealthDetail, MetricFamily, MetricHistogram, MetricKind, MetricSample, RuleCalls};

use crate::counters::{CallQuality, EngineCounters};
use crate::lists::{AuditLine, AuditQuery, Class, Digest, Entry, ListAt};
use crate::number::DialPlan;
use crate::reach::Reach;
use crate::screen::{Setting, World};
use crate::time::WallTime;
use crate::usage::Usage;

/// The rest of the program, as the admin port sees it.
pub trait Backend: Send + Sync + 'static {
    /// What is in force.
    fn world(&self) -> Arc<World>;

    /// The calls that are up.
    fn usage(&self) -> &Usage;

    /// Which targets answer.
    fn reach(&self) -> &Reach;

    /// What calls to a trunk came to since the start.
    fn call_quality(&self, trunk: &str) -> CallQuality;

    /// The time of day.
    fn now(&self) -> WallTime;

    /// How numbers are read: those of a list's entries, or with `None` all others.
    fn dial_plan(&self, list: Option<&str>) -> DialPlan;

    /// What there is to know of a list of the world beside its entries.
    fn list_status(&self, list: &str) -> ListStatus;

    /// Stores a group of edits and puts all of them in force, or none.
    fn edit(&self, by: By, group: EditGroup) -> impl Future<Output = Result<Edited, EditFailure>> + Send;

    /// Adds the entries of a list file to a list, or only tells what it would do. Blocks: reads `body` to its end as it
    /// comes, and never holds it as a whole.
    fn import(&self, request: ImportRequest, body: Box<dyn Read + Send>) -> Result<Imported, ImportFailure>;

    /// Makes an empty list; the generation.
    fn make_list(&self, by: By, list: Arc<str>, class: Class) -> impl Future<Output = Result<u64, ListFailure>> + Send;

    /// Removes a list that was made at run time, with all that is in it; the generation.
    fn unmake_list(&self, by: By, list: Arc<str>) -> impl Future<Output = Result<u64, ListFailure>> + Send;

    /// Puts an earlier base of a list in force again: that one, or the one before the present; the generation.
    fn rollback(
        &self,
        by: By,
        list: Arc<str>,
        to: Option<Digest>,
    ) -> impl Future<Output = Result<u64, ListFailure>> + Send;

    /// Puts the base in force that waits because it changes much of the list, if it is this one; the generation.
    fn confirm(&self, by: By, list: Arc<str>, waiting: Digest)
    -> impl Future<Output = Result<u64, ListFailure>> + Send;

    /// Sets something by hand; the generation. [`ListFailure::Unknown`]: there is no such trunk or rule.
    fn set(&self, by: By, setting: Setting) -> impl Future<Output = Result<u64, ListFailure>> + Send;

    /// The calls that each rule has matched since the start, by its name; none for one that matched none.
    fn rule_calls(&self) -> BTreeMap<Arc<str>, RuleCalls>;

    /// Reads lists and rules again.
    fn reload(&self, by: By) -> impl Future<Output = Result<Reloaded, ReloadFailure>> + Send;

    /// The lines of the audit trail that are asked for, the latest first. Blocks.
    fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditLine>, StorageFailure>;

    /// What a list, which may be gone by now, was at a generation of the past; `None`: there was no such list. Blocks.
    fn list_at(&self, list: &str, generation: u64) -> Result<Option<ListAt>, StorageFailure>;

    /// Whether a list held an entry at a generation of the past: a number through whatever entry, anything else itself.
    /// Blocks.
    fn held_at(&self, list: &str, generation: u64, entry: &Entry) -> Result<HeldAt, StorageFailure>;

    /// Looks for calls in the records, a bounded piece of them. Blocks.
    fn find_calls(&self, query: &CallQuery) -> Result<RecordedCalls, RecordFailure>;

    /// At most `limit` calls to somebody that a rule kept from him since then. Blocks.
    fn blocked_calls(&self, callee: &str, since: WallTime, limit: usize) -> Result<BlockedRecords, StorageFailure>;

    /// Before this no record is left; `None`: there are none at all. Blocks.
    fn oldest_record(&self) -> Result<Option<WallTime>, StorageFailure>;

    /// The parts of the program and whether each works.
    fn health(&self) -> Vec<HealthDetail>;

    /// What each shard's engine counts.
    fn engines(&self) -> &[Arc<EngineCounters>];

    /// Does work that takes a while and leaves the processor to calls. Blocks.
    fn modestly<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T;

    /// All that is counted.
    fn metrics(&self) -> Vec<MetricFamily>;
}

/// Who changes something and why, for the audit trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// Who.
    pub actor: Arc<str>,
    /// Why, as far as he says.
    pub reason: Option<Arc<str>>,
}

/// Why something cannot be stored or read now, in words for whoever asked; later it may.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StorageFailure {
    /// No space is left.
    #[error("{0}")]
    Full(String),
    /// Anything else.
    #[error("{0}")]
    Unavailable(String),
}
