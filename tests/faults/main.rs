//! What lists do when something goes wrong: the real binary, killed, on full disks and failing ones, over damaged files
//! and beside others of its kind. Each test has a folder and a loopback address of its own.
#![cfg(feature = "daemon")]

mod caller;
mod client;
mod daemon;
mod ledger;
mod mounted;
mod tracer;
#[path = "../shared/uninterrupted.rs"]
mod uninterrupted;

mod by_hand;
mod counted;
mod database;
mod disk;
mod files;
mod kills;
mod obeyed;
mod processes;
mod snapshots;
mod synced;

use std::io::Write as _;
use std::time::{Duration, Instant};

/// Waits until something holds: an answer, a line, a file.
#[track_caller]
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "in vain: {what}");
        std::thread::yield_now();
    }
}

/// Tells why a test is not made, also where the harness keeps what passing tests print.
fn skip(test: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {test}: {why}");
}

/// Everything takes milliseconds; this is for machines that do something else as well.
const PATIENCE: Duration = Duration::from_secs(30);
