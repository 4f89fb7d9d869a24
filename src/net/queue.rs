//! The way into a shard from other threads: a bounded queue and a wake-up that costs a system call only while the
//! shard sleeps.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering, fence};

use crossbeam_queue::ArrayQueue;
use nix::sys::eventfd::{EfdFlags, EventFd};

/// The inputs waiting for one shard.
#[derive(Debug)]
pub(super) struct Mailbox<T> {
    queue: ArrayQueue<T>,
    sleeping: AtomicBool,
    bell: EventFd,
}

impl<T> Mailbox<T> {
    /// An empty mailbox for at most `capacity` inputs.
    pub(super) fn new(capacity: usize) -> nix::Result<Mailbox<T>> {
        let bell = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        Ok(Mailbox { queue: ArrayQueue::new(capacity), sleeping: AtomicBool::new(false), bell })
    }

    /// Puts an input in; gives it back when the mailbox is full. [`Mailbox::wake`] must follow, once for any number
    /// of inputs.
    pub(super) fn push(&self, input: T) -> Result<(), T> {
        self.queue.push(input)
    }

    /// Rings the bell if the owner said that it sleeps.
    ///
    /// No wake-up is lost. The owner does (1) `sleeping = true`, (2) fence, (3) look into the queue; a sender does (a)
    /// push, (b) fence, (c) look at `sleeping`. The two fences are sequentially consistent, so one of them is first in
    /// the single order that all threads agree on. If it is the owner's, (c) sees (1) and the bell rings; an eventfd
    /// keeps the ring until it is read, so it does not matter whether the owner already polls. If it is the sender's, (3)
    /// sees (a) and the owner does not sleep. Several senders may race for the ring: `swap` gives it to one of them, and
    /// one is enough, since the owner looks at the whole queue after it.
    pub(super) fn wake(&self) {
        fence(Ordering::SeqCst);
        if self.sleeping.load(Ordering::Relaxed) && self.sleeping.swap(false, Ordering::AcqRel) {
            self.ring();
        }
    }

    /// Rings the bell whether the owner sleeps or not: for a change that is not in the queue.
    pub(super) fn ring(&self) {
        // EAGAIN, the only error, means that the bell rings already 2^64-2 times.
        let _ = self.bell.write(1);
    }

    /// Takes the oldest input.
    pub(super) fn pop(&self) -> Option<T> {
        self.queue.pop()
    }

    /// How many inputs wait.
    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Says that the owner is about to sleep on [`Mailbox::bell`]; false when there is something to do instead.
    pub(super) fn prepare_to_sleep(&self) -> bool {
        self.sleeping.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if self.queue.is_empty() {
            return true;
        }
        self.sleeping.store(false, Ordering::Relaxed);
        false
    }

    /// Says that the owner is awake again. A ring that came just before is left for the next sleep, which it ends early:
    /// harmless.
    pub(super) fn awake(&self) {
        self.sleeping.store(false, Ordering::Relaxed);
    }

    /// Readable while the bell rings.
    pub(super) fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }

    /// Silences the bell after it ended a sleep.
    pub(super) fn silence(&self) {
        // EAGAIN, the only error, means that it does not ring.
        let _ = self.bell.read();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicU64;
    use std::time::{Duration, Instant};

    use nix::poll::{PollFd, PollFlags};
    use nix::sys::time::{TimeSpec, TimeValLike};

    use super::*;

    /// Sleeps as a shard does; false when nothing rang for `limit`.
    fn sleep(mailbox: &Mailbox<u64>, limit: Duration) -> bool {
        let mut rang = true;
        if mailbox.prepare_to_sleep() {
            let mut fds = [PollFd::new(mailbox.bell(), PollFlags::POLLIN)];
            let millis = i64::try_from(limit.as_millis()).unwrap();
            rang = nix::poll::ppoll(&mut fds, Some(TimeSpec::milliseconds(millis)), None).unwrap() > 0;
            mailbox.awake();
            if rang {
                mailbox.silence();
            }
        }
        rang
    }

    /// Each input comes just when the owner, having taken the one before, is about to sleep.
    #[test]
    fn no_wake_up_is_lost() {
        const INPUTS: u64 = 100_000;
        let mailbox = Arc::new(Mailbox::new(4).unwrap());
        let taken = Arc::new(AtomicU64::new(0));
        let sender = std::thread::spawn({
            let (mailbox, taken) = (Arc::clone(&mailbox), Arc::clone(&taken));
            move || {
                for n in 0..INPUTS {
                    while taken.load(Ordering::Relaxed) < n {
                        std::hint::spin_loop();
                    }
                    // Between nothing and a few steps later, to meet every step of the owner.
                    for _ in 0..n % 64 {
                        std::hint::spin_loop();
                    }
                    mailbox.push(n).unwrap();
                    mailbox.wake();
                }
            }
        });
        for n in 0..INPUTS {
            loop {
                match mailbox.pop() {
                    Some(input) => break assert_eq!(input, n),
                    // A lost wake-up shows as a sleep to its end while the sender waits for us.
                    None => assert!(sleep(&mailbox, Duration::from_secs(5)), "slept through at input {n}"),
                }
            }
            taken.store(n + 1, Ordering::Relaxed);
        }
        sender.join().unwrap();
    }

    #[test]
    fn several_senders_are_all_heard() {
        const SENDERS: u64 = 3;
        const EACH: u64 = 5_000;
        let mailbox = Arc::new(Mailbox::new(64).unwrap());
        let send = |sender| {
            let mailbox = Arc::clone(&mailbox);
            std::thread::spawn(move || {
                for n in 0..EACH {
                    let mut input = sender * EACH + n;
                    while let Err(back) = mailbox.push(input) {
                        input = back;
                        std::thread::yield_now();
                    }
                    mailbox.wake();
                }
            })
        };
        let senders: Vec<_> = (0..SENDERS).map(send).collect();
        let (mut taken, mut sum) = (0, 0);
        while taken < SENDERS * EACH {
            match mailbox.pop() {
                Some(input) => (taken, sum) = (taken + 1, sum + input),
                None => assert!(sleep(&mailbox, Duration::from_secs(5)), "slept through after {taken} inputs"),
            }
        }
        assert_eq!(sum, (0..SENDERS * EACH).sum::<u64>());
        for sender in senders {
            sender.join().unwrap();
        }
    }

    #[test]
    fn a_full_mailbox_gives_the_input_back() {
        let mailbox = Mailbox::new(1).unwrap();
        assert_eq!(mailbox.push(1), Ok(()));
        assert_eq!(mailbox.push(2), Err(2));
        assert_eq!(mailbox.pop(), Some(1));
        assert_eq!(mailbox.pop(), None);
    }

    #[test]
    fn the_bell_is_rung_only_for_a_sleeper() {
        let mailbox = Mailbox::new(4).unwrap();
        mailbox.push(1u64).unwrap();
        mailbox.wake();
        assert_eq!(mailbox.bell.read(), Err(nix::errno::Errno::EAGAIN));
        assert!(!mailbox.prepare_to_sleep(), "an input waits");
        mailbox.pop();
        assert!(mailbox.prepare_to_sleep());
        mailbox.push(2).unwrap();
        mailbox.wake();
        mailbox.wake();
        assert_eq!(mailbox.bell.read(), Ok(1));
    }

    #[test]
    fn a_ring_before_the_poll_still_ends_the_sleep() {
        let mailbox = Mailbox::new(4).unwrap();
        mailbox.ring();
        let began = Instant::now();
        assert!(sleep(&mailbox, Duration::from_secs(20)));
        assert!(began.elapsed() < Duration::from_secs(10));
    }
}
