//! What a shard drives.

use std::time::Instant;

use crate::engine::{Action, Input};
use crate::flow::Flow;
use crate::time::Now;

/// A sans-IO core: [`Engine`](crate::engine::Engine) in the daemon, small stand-ins in the tests of this module.
pub trait ShardCore: Send + 'static {
    /// What every message is judged by; loaded anew for each.
    type World: Send + Sync + 'static;

    /// Takes one input.
    fn handle(&mut self, now: Now, world: &Self::World, input: Input);

    /// Whether a new call with this Request-URI must not be refused, however much there is to do.
    fn is_urgent(&self, _world: &Self::World, _flow: &Flow, _request_uri: &[u8]) -> bool {
        false
    }

    /// Fires the timers that are due.
    fn handle_timeout(&mut self, now: Now, world: &Self::World);

    /// The next thing to do; drained until `None` after each input.
    fn poll_action(&mut self) -> Option<Action>;

    /// When [`ShardCore::handle_timeout`] wants to be called.
    fn poll_timeout(&self) -> Option<Instant>;

    /// The last call before the shard ends: what is still held back, records above all, is to become actions.
    fn finish(&mut self, _now: Now) {}
}
