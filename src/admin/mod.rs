//! The admin port: HTTP/1.1 with JSON for those who run Ringfence.
//!
//! It knows nothing of databases and sockets: all it asks for is a [`Backend`]. One file per resource; errors are
//! `application/problem+json` (RFC 9457). Who sends a request is found out by `guard`, before any resource sees it.

mod backend;
mod bases;
mod blocked;
mod body;
mod bulk;
mod by;
mod by_hand;
mod calls;
mod campaigns;
mod condition;
mod config;
mod edits;
mod entries;
mod entry;
mod explain;
mod export;
mod guard;
mod health;
mod import;
mod leftover;
mod lists;
mod metrics;
mod numbers;
mod past;
mod pipe;
mod pools;
mod problem;
mod recorded;
mod redress;
mod reload;
mod report;
mod router;
mod rules;
mod screen;
mod screened;
mod server;
mod status;
mod token;
mod trail;
mod trunks;

pub use backend::{
    Backend, BlockedRecords, By, CallQuery, EditFailure, EditGroup, Edited, HealthDetail, HeldAt, ImportFailure,
    ImportRequest, Imported, ListChange, ListFailure, ListStatus, MetricFamily, MetricHistogram, MetricKind,
    MetricSample, Reading, RecordFailure, RecordedCall, RecordedCalls, Refusal, ReloadFailure, ReloadProblem, Reloaded,
    RuleCalls, RuleChange, Stale, StorageFailure, Waiting,
};
pub use config::Config;
pub use screened::{Format, screen};
pub use server::{AdminError, Server};
pub use token::{TokenError, check_tokens, plain_tokens};

#[cfg(test)]
pub(crate) mod tests;
