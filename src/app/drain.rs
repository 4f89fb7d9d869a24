//! The end at noon: no call that is being set up is cut off, unless it takes too long.

use std::time::Duration;

use tokio::time::Instant;

use super::sip::{Progress, Sip};
use crate::engine::DrainStage;

/// When a call was answered last, as far as somebody looks.
#[derive(Debug, Default)]
pub(super) struct Settling {
    answered: u64,
    /// None before the first.
    since: Option<Instant>,
}

/// The 2xx of a call may be lost between us and its caller; who gave it says it again after 0.5 and after 1.5 s (RFC
/// 3261 section 13.3.1.4), and a process that knows nothing of the INVITE could not pass it on.
const SETTLES: Duration = Duration::from_secs(2);

/// How often we look.
const LOOK: Duration = Duration::from_millis(20);

/// For the answers to requests that came just before nothing was taken any more. They take milliseconds; meanwhile what
/// comes over UDP is answered by nobody, and comes again after 0.5 and 1.5 s.
const LEAVES: Duration = Duration::from_secs(1);

/// For a CANCEL, its answer, and the 487 of the INVITE with its ACK.
const FAREWELL: Duration = Duration::from_millis(500);

impl Settling {
    pub(super) fn observe(&mut self, now: Instant, progress: Progress) {
        if self.answered != progress.answered {
            *self = Settling { answered: progress.answered, since: Some(now) };
        }
    }

    fn is_over(&self, now: Instant, progress: Progress) -> bool {
        let settled = progress.up == 0 || self.since.is_none_or(|since| now >= since + SETTLES);
        progress.refuses && progress.unanswered == 0 && settled
    }
}

impl Progress {
    fn is_done(&self) -> bool {
        self.leaves && self.unanswered == 0
    }
}

/// Refuses new calls, and waits until all others are set up; no longer than `patience`.
pub(super) async fn drain(sip: &Sip, settling: Settling, patience: Duration) {
    sip.drain(DrainStage::Refuse).await;
    tracing::info!(unanswered = sip.progress().unanswered, "draining: new calls are refused, others are set up");
    let mut settling = settling;
    let is_over = reaches(sip, patience, |now, progress| {
        settling.observe(now, progress);
        settling.is_over(now, progress)
    });
    if is_over.await {
        sip.drain(DrainStage::Leave).await;
        if reaches(sip, LEAVES, |_, progress| progress.is_done()).await {
            return tracing::info!("drained");
        }
    }
    tracing::warn!(
        unanswered = sip.progress().unanswered,
        "some requests have no answer in time; calls among them get 503"
    );
    sip.drain(DrainStage::GiveUp).await;
    tokio::time::sleep(FAREWELL).await;
}

/// Whether it comes to this within `patience`.
async fn reaches(sip: &Sip, patience: Duration, mut is_reached: impl FnMut(Instant, Progress) -> bool) -> bool {
    let deadline = Instant::now() + patience;
    loop {
        let now = Instant::now();
        if is_reached(now, sip.progress()) {
            return true;
        }
        if now >= deadline {
            return false;
        }
        tokio::time::sleep(LOOK).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Progress = Progress { refuses: true, leaves: false, unanswered: 0, answered: 7, up: 1 };

    #[test]
    fn a_process_without_calls_ends_at_once() {
        let now = Instant::now();
        let progress = Progress { answered: 0, ..QUIET };
        let mut settling = Settling::default();
        settling.observe(now, progress);
        assert!(settling.is_over(now, progress));
    }

    #[test]
    fn it_waits_for_each_shard_to_refuse_and_for_each_request_to_be_answered() {
        let (now, settling) = (Instant::now(), Settling::default());
        assert!(!settling.is_over(now, Progress { refuses: false, ..QUIET }));
        assert!(!settling.is_over(now, Progress { unanswered: 1, ..QUIET }));
    }

    #[test]
    fn it_ends_once_nothing_comes_in_and_everything_is_answered() {
        assert!(!QUIET.is_done(), "more may come");
        assert!(!Progress { leaves: true, unanswered: 1, ..QUIET }.is_done());
        assert!(Progress { leaves: true, ..QUIET }.is_done());
    }

    #[test]
    fn the_last_answer_has_time_to_be_said_again() {
        let start = Instant::now();
        let mut settling = Settling::default();
        settling.observe(start, QUIET);
        assert!(!settling.is_over(start + SETTLES / 2, QUIET));
        settling.observe(start + SETTLES / 2, QUIET);
        assert!(settling.is_over(start + SETTLES, QUIET));
        assert!(settling.is_over(start, Progress { up: 0, ..QUIET }), "nobody waits for it");
    }
}
