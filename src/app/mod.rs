//! The daemon: reads the config, opens the state, joins the rows below and takes them down again.
//!
//! * `run` starts and stops everything, in order, `drain` waits for calls that are being set up; `open` reads config, state and lists before anything is served.
//! * `worlds` holds the world that shards read, and drops old ones where no call waits.
//! * `live` is what is in force while the daemon runs: it makes edits through the store and serves the admin port;
//!   `read` is what is known beside the world, `status` and `health` tell it, `past` what was before,
//!   `records` what calls there were.
//! * `reload` builds a new world aside and swaps it in, with bases from `bases`; `difference` tells what it changed.
//! * `candidate` is the world that another config would make.
//! * `changes` makes, removes and rolls back whole lists, `imports` adds files to them, `folding` moves edits into bases,
//!   `watch` sees files change.
//! * `usage` keeps what is counted over restarts.
//! * `limits` has the system allow as many connections as there may be; `told` keeps numbers out of the log.

mod background;
mod bases;
mod candidate;
mod changes;
mod difference;
mod drain;
mod folding;
mod health;
mod imports;
mod limits;
mod live;
mod log;
mod metrics;
mod open;
mod past;
mod read;
mod records;
mod reload;
mod run;
mod sip;
mod status;
mod supervisor;
mod told;
mod usage;
mod watch;
mod worlds;

pub(crate) use candidate::candidate;
pub use run::run;

#[cfg(test)]
mod tests;
