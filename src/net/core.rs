//! What a shard drives.

use std::time::Instant;

use crate::engine::{Action, Input};
use crate::flow::Flow;
use crate::screen::TrunkId;
use crate::sip::Request;
use crate::time::Now;
use crate::transaction::ServerKey;

/// A sans-IO core: [`Engine`](crate::engine::Engine) in the daemon, small stand-ins in the tests of this module.
pub trait ShardCore: Send + 'static {
    /// What every message is judged by; loaded anew for each.
    type World: Send + Sync + 'static;

    /// Takes one input.
    fn handle(&mut self, now: Now, world: &Self::World, input: Input);

    /// The trunk that a message which came this way belongs to.
    fn trunk_of(&self, world: &Self::World, flow: &Flow) -> Option<TrunkId>;

    /// Whether a new call of this trunk with this Request-URI must not be refused, however much there is to do.
    fn is_emergency(&self, world: &Self::World, trunk: TrunkId, request_uri: &[u8]) -> bool;

    /// What two copies of a request have in common.
    fn server_key(&self, request: &Request) -> ServerKey;

    /// The key of the INVITE that a CANCEL means.
    fn cancelled_key(&self, cancel: &Request) -> ServerKey;

    /// Fires the timers that are due.
    fn handle_timeout(&mut self, now: Now, world: &Self::World);

    /// The next thing to do; drained until `None` after each input.
    fn poll_action(&mut self) -> Option<Action>;

    /// When [`ShardCore::handle_timeout`] wants to be called.
    fn poll_timeout(&self) -> Option<Instant>;

    /// The last call before the shard ends: what is still held back, records above all, is to become actions.
    fn finish(&mut self, _now: Now) {}
}
