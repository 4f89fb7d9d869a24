//! The tasks of this module: all of them hear when to stop, and none is left behind.

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The running tasks.
pub(super) struct Tasks {
    runtime: Handle,
    running: Mutex<JoinSet<()>>,
    stop: watch::Sender<bool>,
}

impl Tasks {
    pub(super) fn new(runtime: Handle) -> Tasks {
        Tasks { runtime, running: Mutex::new(JoinSet::new()), stop: watch::Sender::new(false) }
    }

    /// Starts a task; from any thread. After [`Tasks::stop`] nothing starts any more.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        while running.try_join_next().is_some() {}
        if !*self.stop.borrow() {
            running.spawn_on(task, &self.runtime);
        }
    }

    /// Ends when the tasks are to end.
    pub(super) async fn stopping(&self) {
        // An error would mean that the sender is gone, and it is `self`.
        let _ = self.stop.subscribe().wait_for(|&stop| stop).await;
    }

    /// Tells all tasks to end, and ends those that do not within `patience`.
    pub(super) async fn stop(&self, patience: Duration) {
        self.stop.send_replace(true);
        let mut running = std::mem::take(&mut *self.running.lock().unwrap_or_else(PoisonError::into_inner));
        let all = async { while running.join_next().await.is_some() {} };
        if tokio::time::timeout(patience, all).await.is_err() {
            running.shutdown().await;
        }
    }

    /// Tells all tasks to end without waiting for them.
    pub(super) fn tell(&self) {
        self.stop.send_replace(true);
    }
}
