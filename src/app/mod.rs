//! The daemon: reads the config, opens the state, joins the rows below and takes them down again.
//!
//! * `run` starts and stops everything, in order.
//! * `worlds` holds the world that shards read, and drops old ones where no call waits.
//! * `live` is what is in force while the daemon runs: it makes edits through the store and serves the admin port.
//! * `reload` builds a new world aside and swaps it in; `difference` tells what it changed.
//! * `told` keeps numbers out of the log.

mod difference;
mod live;
mod log;
mod metrics;
mod reload;
mod run;
mod sip;
mod told;
mod worlds;

pub use run::run;

#[cfg(test)]
mod tests;
