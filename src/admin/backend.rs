//! What the admin port asks of the rest of the program.

use std::future::Future;
use std::sync::Arc;

use serde::Serialize;

use crate::lists::Edit;
use crate::number::DialPlan;
use crate::screen::World;
use crate::time::WallTime;
use crate::usage::Usage;

/// The rest of the program, as the admin port sees it.
pub trait Backend: Send + Sync + 'static {
    /// What is in force.
    fn world(&self) -> Arc<World>;

    /// The calls that are up.
    fn usage(&self) -> &Usage;

    /// The time of day.
    fn now(&self) -> WallTime;

    /// How numbers are read: those of a list's entries, or with `None` all others.
    fn dial_plan(&self, list: Option<&str>) -> DialPlan;

    /// When the lists and rules were last read.
    fn loaded(&self) -> WallTime;

    /// Stores an edit and puts it in force.
    fn edit(&self, actor: Arc<str>, edit: Edit) -> impl Future<Output = Result<Edited, EditFailure>> + Send;

    /// Reads lists and rules again.
    fn reload(&self, actor: Arc<str>) -> impl Future<Output = Result<Reloaded, ReloadFailure>> + Send;

    /// The parts of the program and whether each works.
    fn health(&self) -> Vec<HealthDetail>;

    /// All that is counted.
    fn metrics(&self) -> Vec<MetricFamily>;
}

/// An edit that is on the disk and in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edited {
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

/// Why an edit is neither stored nor in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EditFailure {
    /// No list has this name.
    UnknownList,
    /// The entry to be removed is not there.
    Absent,
    /// The list cannot hold such an entry, and why.
    Unfit(String),
    /// It cannot be stored now, and why; later it may.
    Unavailable(String),
}

/// What a reload changed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Reloaded {
    /// The generation it led to.
    pub generation: u64,
    /// Every list; one that is gone comes last.
    pub lists: Vec<ListChange>,
    /// Trunks, rules and their tables that are different.
    pub rules: Vec<RuleChange>,
    /// Keys that are different and come into force at the next start.
    pub restart_needed: Vec<String>,
    /// What is worth a look.
    pub warnings: Vec<String>,
}

/// What a reload did to one list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListChange {
    /// Its name.
    pub list: String,
    /// Entries before; `null` when the list is new.
    pub before: Option<u64>,
    /// Entries now; `null` when the list is gone.
    pub after: Option<u64>,
}

/// What a reload did to one table of the config.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleChange {
    /// The table: `numbers`, `answers`, `trunk`, `inbound`, `campaign` or `route`.
    pub table: &'static str,
    /// Which of them; `null` when there is only one or when all are meant.
    pub name: Option<String>,
    /// `added`, `removed`, `changed` or `reordered`.
    pub change: &'static str,
}

/// Why a reload changed nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReloadFailure {
    /// The files are wrong, here.
    Invalid(Vec<ReloadProblem>),
    /// It cannot be stored now, and why; later it may.
    Unavailable(String),
}

/// One mistake in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReloadProblem {
    /// What is wrong.
    pub detail: String,
    /// The file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The column, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u64>,
}

/// One part of the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HealthDetail {
    /// Which.
    pub name: &'static str,
    /// Whether it works.
    pub ok: bool,
    /// What there is to know of it.
    pub detail: String,
}

/// What is counted under one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricFamily {
    /// The name, without the `_total` of counters.
    pub name: String,
    /// What it means.
    pub help: String,
    /// Whether it only rises.
    pub kind: MetricKind,
    /// The values. No label may hold a number, user name or address: labels are kept for ever by whoever reads them.
    pub samples: Vec<MetricSample>,
}

/// How a value behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// It only rises.
    Counter,
    /// It rises and falls.
    Gauge,
}

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricSample {
    /// What tells it from the others of its name.
    pub labels: Vec<(&'static str, String)>,
    /// How much.
    pub value: u64,
}
