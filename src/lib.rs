//! Ringfence screens calls on carrier trunks.

#![forbid(unsafe_code)]

pub mod counters;
pub mod flow;
pub mod number;
pub mod redact;
pub mod time;

pub mod lists;
pub mod sip;
pub mod usage;

pub mod screen;
pub mod transaction;

pub mod engine;

#[cfg(feature = "daemon")]
pub mod admin;
#[cfg(feature = "daemon")]
pub mod net;
#[cfg(feature = "daemon")]
pub mod records;
#[cfg(feature = "daemon")]
pub mod store;

pub mod config;

#[cfg(feature = "daemon")]
pub mod app;
#[cfg(feature = "daemon")]
pub mod cli;
