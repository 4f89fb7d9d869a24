//! What is counted, kept over restarts: read before the first call, written by a thread of its own every minute and at
//! the end.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::background::be_modest;
use super::live::wall_time;
use super::run::StartError;
use crate::store::UsageFile;
use crate::usage::{AttemptLimit, Usage};

/// The thread that writes.
pub(super) struct UsageKeeper {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl UsageKeeper {
    /// Reads what an earlier process has counted, and writes from then on what this one does. A file that cannot be read
    /// stops no start: counting begins anew.
    pub(super) fn start(dir: &Path, usage: &Arc<Usage>, kept: Option<AttemptLimit>) -> Result<UsageKeeper, StartError> {
        let file = UsageFile::new(dir);
        if let Err(error) = file.read(|mut input| usage.read_from(&mut input, kept, wall_time())) {
            tracing::warn!("{error}: how often callees were called and numbers shown is counted anew");
        }
        let (stop, stopped) = channel();
        let usage = Arc::clone(usage);
        // Before a call is served: the thread may come to its turn long after that.
        let read = usage.changes();
        let keep = move || {
            be_modest();
            keep(&file, &usage, read, &stopped);
        };
        let spawned = thread::Builder::new().name("usage".to_owned()).spawn(keep);
        Ok(UsageKeeper { stop, thread: spawned.map_err(|error| StartError::System(error.kind()))? })
    }

    /// Writes what was counted last; to be called once no call is served any more.
    pub(super) fn stop(self) {
        drop(self.stop);
        if self.thread.join().is_err() {
            tracing::error!("the thread that keeps what is counted has panicked");
        }
    }
}

/// Writes what was counted since `written`.
fn keep(file: &UsageFile, usage: &Usage, mut written: u64, stopped: &Receiver<()>) {
    let mut is_failing = false;
    loop {
        let is_over = stopped.recv_timeout(EVERY) != Err(RecvTimeoutError::Timeout);
        // Before it is written: what is counted meanwhile is written next time.
        let changes = usage.changes();
        if changes != written {
            let result = file.write(|mut out| usage.write_to(&mut out, wall_time()));
            if result.is_ok() {
                written = changes;
            }
            tell(file, &result, is_failing);
            is_failing = result.is_err();
        }
        if is_over {
            return;
        }
    }
}

/// Tells only the change from writing to failing and back.
fn tell(file: &UsageFile, result: &io::Result<()>, was_failing: bool) {
    match result {
        Ok(()) if was_failing => tracing::warn!("{} is written again", file.path().display()),
        Err(error) if !was_failing => {
            tracing::warn!("{} cannot be written: {error}; it is tried again every minute", file.path().display());
        }
        _ => {}
    }
}

/// So much of what was counted `kill -9` takes.
const EVERY: Duration = Duration::from_secs(60);
