//! The service manager, as far as it speaks the protocol of systemd (`sd_notify`(3)); without one nothing here does anything.

use sd_notify::NotifyState;

use super::sip::Sip;

/// Calls are served.
pub(super) fn tell_ready(sockets: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(sockets)]);
}

/// New calls are refused; it ends once the others are set up.
pub(super) fn tell_stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("draining: new calls are refused")]);
}

/// Says that all is well for as long as each shard works, so that a process whose calls hang is started anew.
pub(super) async fn keep_watchdog_at_bay(sip: &Sip) {
    let patience = sd_notify::watchdog_enabled().filter(|patience| !patience.is_zero());
    let Some(patience) = patience else { return std::future::pending().await };
    let mut beat = tokio::time::interval(patience / BEATS);
    let mut was_alive = true;
    loop {
        beat.tick().await;
        let is_alive = sip.is_alive();
        if is_alive {
            tell(&[NotifyState::Watchdog]);
        } else if was_alive {
            tracing::error!("a thread that serves calls does not answer; the watchdog is not told that all is well");
        }
        was_alive = is_alive;
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager cannot be told");
    }
}

/// How often within the watchdog's patience all is said to be well: one beat may be late, and one shard busy.
const BEATS: u32 = 4;
