//! The admin port: HTTP/1.1 with JSON for those who run Ringfence.
//!
//! It knows nothing of databases and sockets: all it asks for is a [`Backend`]. One file per resource; errors are
//! `application/problem+json` (RFC 9457). Who sends a request is found out by `guard`, before any resource sees it.

mod backend;
mod body;
mod calls;
mod config;
mod entries;
mod explain;
mod guard;
mod health;
mod lists;
mod metrics;
mod numbers;
mod problem;
mod reload;
mod router;
mod server;
mod token;
mod trunks;

pub use backend::{
    Backend, EditFailure, Edited, Effect, HealthDetail, ListChange, MetricFamily, MetricKind, MetricSample,
    ReloadFailure, ReloadProblem, Reloaded, RuleChange,
};
pub use config::Config;
pub use server::{AdminError, Server};
pub use token::{TokenError, check_tokens};

#[cfg(test)]
mod tests;
