//! Work that leaves the processor to calls.

use std::panic;
use std::thread;

use thread_priority::ThreadPriority;
use thread_priority::unix::{
    NormalThreadSchedulePolicy, ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id,
};

/// Does `work` on a thread of its own that gets what calls leave of the processor, and waits for it. Threads that it
/// starts are as modest.
///
/// A lower priority alone would not do: a thread that has begun its turn of some milliseconds ends it before a shard that
/// wakes up gets one, save under the policy `SCHED_IDLE`. The price is that on a machine all of whose processors are busy,
/// a list is read as slowly as that makes it.
pub(super) fn modestly<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    // A thread may have a log of its own, as in tests.
    let log = tracing::dispatcher::get_default(Clone::clone);
    thread::scope(|scope| {
        let modest = || {
            be_modest();
            tracing::dispatcher::with_default(&log, work)
        };
        let spawned = thread::Builder::new().name("lists".to_owned()).spawn_scoped(scope, modest);
        let worker = spawned.expect("the system gives a thread for what an operator asks for");
        worker.join().unwrap_or_else(|panic| panic::resume_unwind(panic))
    })
}

/// Leaves the processor to calls for as long as this thread lives, and with it the disk.
pub(super) fn be_modest() {
    let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
    if let Err(error) = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, idle) {
        tracing::debug!("work in the background has the priority of calls: {error:?}");
    }
}
