//! The end at noon: no call that is being set up is cut off, unless it takes too long.

use std::time::Duration;

use tokio::time::Instant;

use super::sip::{Progress, Sip};

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

/// Refuses new calls, and waits until all others are set up; no longer than `patience`.
pub(super) async fn drain(sip: &Sip, mut settling: Settling, patience: Duration) {
    let deadline = Instant::now() + patience;
    sip.drain().await;
    tracing::info!(unanswered = sip.progress().unanswered, "draining: new calls are refused, others are set up");
    loop {
        let (now, progress) = (Instant::now(), sip.progress());
        settling.observe(now, progress);
        if settling.is_over(now, progress) {
            return tracing::info!("drained");
        }
        if now >= deadline {
            return tracing::warn!(unanswered = progress.unanswered, "sip.drain is over before all calls are set up");
        }
        tokio::time::sleep(LOOK).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Progress = Progress { refuses: true, unanswered: 0, answered: 7, up: 1 };

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
