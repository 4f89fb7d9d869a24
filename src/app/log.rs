//! The log: to stderr, as much as `RINGFENCE_LOG` asks for.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

/// Starts logging. A filter that makes no sense is replaced by the default, with a warning.
pub(super) fn start() {
    // What is asked for comes later and wins.
    let parse = |wanted: &str| EnvFilter::try_new(format!("{QUIET},{wanted}"));
    let wanted = std::env::var(VARIABLE).ok();
    let default = || EnvFilter::new(format!("{QUIET},{DEFAULT}"));
    let (filter, mistake) = match wanted.as_deref().map(parse) {
        Some(Ok(filter)) => (filter, None),
        Some(Err(error)) => (default(), Some(error)),
        None => (default(), None),
    };
    let started = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .try_init();
    if let (Ok(()), Some(error)) = (started, mistake) {
        tracing::warn!(%error, "{VARIABLE} is not understood; the log shows {DEFAULT}");
    }
}

/// A filter of tracing-subscriber: `debug`, or `info,ringfence::net=trace`.
const VARIABLE: &str = "RINGFENCE_LOG";

/// The resolver calls it an error when a server sends nonsense; we count that.
const QUIET: &str = "hickory_resolver=off,hickory_net=off,hickory_proto=off";

/// Starts, stops, reloads and what an operator must act on.
const DEFAULT: &str = "info";
