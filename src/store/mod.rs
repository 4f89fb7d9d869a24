//! What must survive a restart: edits, the audit trail, the generation counter, the keys.

mod config;

pub use config::Config;
