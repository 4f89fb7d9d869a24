//! Handing inputs to the shards.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::queue::Mailbox;
use crate::counters::NetCounters;
use crate::engine::{Input, shard_of};

/// All mailboxes, and who owns which Call-ID.
#[derive(Debug)]
pub(super) struct Post {
    mailboxes: Vec<Mailbox<Input>>,
    /// By shard: whether it says that new calls come faster than it handles them.
    overloaded: Vec<AtomicBool>,
    shard_key: [u8; 16],
    /// By shard: whether it has made a pass since somebody looked.
    passed: Vec<AtomicBool>,
    stopping: AtomicBool,
    counters: Arc<NetCounters>,
}

impl Post {
    pub(super) fn new(shards: usize, shard_key: [u8; 16], counters: Arc<NetCounters>) -> nix::Result<Post> {
        let mailboxes = (0..shards).map(|_| Mailbox::new(MAILBOX)).collect::<Result<_, _>>()?;
        let [overloaded, passed] = [(); 2].map(|()| (0..shards).map(|_| AtomicBool::new(false)).collect());
        Ok(Post { mailboxes, overloaded, passed, shard_key, stopping: AtomicBool::new(false), counters })
    }

    /// The shard that owns this Call-ID.
    pub(super) fn shard_of(&self, call_id: &[u8]) -> usize {
        shard_of(&self.shard_key, call_id, self.mailboxes.len())
    }

    /// How many shards there are.
    pub(super) fn shards(&self) -> usize {
        self.mailboxes.len()
    }

    /// The shard for what has no Call-ID that can be read.
    pub(super) fn any_shard(&self, hint: u64) -> usize {
        usize::try_from(hint % self.mailboxes.len() as u64).expect("less than the number of shards")
    }

    pub(super) fn mailbox(&self, shard: usize) -> &Mailbox<Input> {
        &self.mailboxes[shard]
    }

    /// How many inputs wait for each shard.
    pub(super) fn lengths(&self) -> Vec<usize> {
        self.mailboxes.iter().map(Mailbox::len).collect()
    }

    /// Puts an input into a mailbox without waking its owner; false, and counted as dropped, when there is no room.
    pub(super) fn hand_over(&self, shard: usize, input: Input) -> bool {
        let is_taken = self.mailboxes[shard].push(input).is_ok();
        if !is_taken {
            self.counters.queue_full.add(1);
        }
        is_taken
    }

    /// Whether new calls for this shard are to be refused by whoever reads them: it says so itself, or its mailbox is so
    /// full that the rest of it had better be left to other messages.
    pub(super) fn is_overloaded(&self, shard: usize) -> bool {
        self.overloaded[shard].load(Ordering::Relaxed) || self.mailboxes[shard].len() > MAILBOX / 2
    }

    /// Says for others whether new calls come faster than this shard handles them.
    pub(super) fn set_overloaded(&self, shard: usize, is_overloaded: bool) {
        // Others read it for each batch, and a store takes it from them.
        if self.overloaded[shard].load(Ordering::Relaxed) != is_overloaded {
            self.overloaded[shard].store(is_overloaded, Ordering::Relaxed);
        }
    }

    /// Delivers from a task. What comes from a stream is not sent again, so a full mailbox is waited for a little, which
    /// holds the stream's peer back; after that the message is dropped and counted. An answer to the engine is waited for
    /// as long as it takes: what waits for it would wait for ever.
    pub(super) async fn deliver(&self, shard: usize, mut input: Input) {
        let mailbox = &self.mailboxes[shard];
        let is_answer = matches!(
            input,
            Input::Resolved { .. } | Input::SendFailed { .. } | Input::ConnectionLost { .. } | Input::Drain(_)
        );
        let mut attempts = 0;
        while is_answer || attempts < DELIVERY_ATTEMPTS {
            match mailbox.push(input) {
                Ok(()) => return mailbox.wake(),
                Err(back) => input = back,
            }
            attempts = (attempts + 1).min(DELIVERY_ATTEMPTS);
            tokio::time::sleep(DELIVERY_PAUSE).await;
        }
        self.counters.queue_full.add(1);
    }

    /// Says that this shard makes a pass.
    pub(super) fn passes(&self, shard: usize) {
        if !self.passed[shard].load(Ordering::Relaxed) {
            self.passed[shard].store(true, Ordering::Relaxed);
        }
    }

    /// Whether each shard has made a pass since this was asked before; wakes all of them, so that they make another one.
    pub(super) fn take_passes(&self) -> bool {
        // Each is taken: `all` would stop at the first that has not.
        let silent = self.passed.iter().filter(|passed| !passed.swap(false, Ordering::Relaxed)).count();
        self.mailboxes.iter().for_each(Mailbox::ring);
        silent == 0
    }

    /// Tells all shards to end.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        for mailbox in &self.mailboxes {
            mailbox.ring();
        }
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }
}

/// Inputs waiting for one shard: a tenth of a second of the most that one thread handles (about 100,000 messages a
/// second). What waits longer has been retransmitted by then.
const MAILBOX: usize = 8192;

/// With [`DELIVERY_PAUSE`], as long as the mailbox takes to drain when its shard works at all.
const DELIVERY_ATTEMPTS: u32 = 50;

/// Short against T1 (500 ms).
const DELIVERY_PAUSE: Duration = Duration::from_millis(2);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Ticket;

    #[test]
    fn what_a_full_mailbox_drops_is_counted() {
        let counters = Arc::new(NetCounters::default());
        let post = Post::new(2, [0; 16], Arc::clone(&counters)).unwrap();
        for n in 0..MAILBOX as u64 {
            assert!(post.hand_over(1, Input::SendFailed { ticket: Ticket(n) }));
        }
        assert_eq!(counters.queue_full.get(), 0);
        assert!(!post.hand_over(1, Input::SendFailed { ticket: Ticket(0) }));
        assert!(post.hand_over(0, Input::SendFailed { ticket: Ticket(0) }));
        assert_eq!(counters.queue_full.get(), 1);
    }
}
