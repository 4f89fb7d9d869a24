//! The memory of stateless answers: a retransmission gets the answer that the first copy got, whatever the lists have
//! become meanwhile, and makes no second record.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::prehashed::PrehashedMap;
use crate::transaction::ServerKey;

/// What a request was answered; the response is written anew from the request, which a retransmission brings along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Remembered {
    /// A response.
    Answer(Arc<AnswerText>),
    /// Nothing, on purpose.
    Dropped,
}

impl Remembered {
    fn size(&self) -> usize {
        match self {
            Remembered::Answer(answer) => EACH + answer.extra.len(),
            Remembered::Dropped => EACH,
        }
    }
}

/// The part of a response that does not stand in its request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AnswerText {
    pub status: u16,
    pub phrase: Arc<str>,
    /// Whole header lines.
    pub extra: Vec<u8>,
}

/// Answers by request, each kept for the time in which its retransmissions may come.
#[derive(Debug)]
pub(super) struct Memory {
    keep: Duration,
    answers: PrehashedMap<ServerKey, Remembered>,
    /// What the answers hold, about.
    bytes: usize,
    /// In the order of their end.
    ends: VecDeque<(Instant, ServerKey)>,
}

/// The most that answers hold: a million ordinary ones. Beyond it the oldest go first, and their retransmissions are
/// judged anew.
const MOST_BYTES: usize = 128 << 20;

/// What an answer takes beside its header lines.
const EACH: usize = 128;

impl Memory {
    /// Remembers for `keep` (64*T1, RFC 3261 section 17.1.1.2: until then a peer repeats itself).
    pub(super) fn new(keep: Duration) -> Memory {
        Memory { keep, answers: PrehashedMap::default(), bytes: 0, ends: VecDeque::new() }
    }

    pub(super) fn find(&self, key: &ServerKey) -> Option<&Remembered> {
        self.answers.get(key)
    }

    pub(super) fn remember(&mut self, now: Instant, key: ServerKey, remembered: Remembered) {
        self.bytes += remembered.size();
        match self.answers.insert(key, remembered) {
            None => self.ends.push_back((now + self.keep, key)),
            Some(before) => self.bytes -= before.size(),
        }
        while self.bytes > MOST_BYTES {
            self.forget_first();
        }
    }

    pub(super) fn forget_ended(&mut self, now: Instant) {
        while let Some((end, _)) = self.ends.front() {
            if *end > now {
                break;
            }
            self.forget_first();
        }
        // What a burst has used is given back once it is over.
        if self.ends.len() * 8 < self.ends.capacity() && self.ends.capacity() > LEAST_CAPACITY {
            self.ends.shrink_to(LEAST_CAPACITY);
        }
    }

    fn forget_first(&mut self) {
        let Some((_, key)) = self.ends.pop_front() else { return };
        if let Some(remembered) = self.answers.remove(&key) {
            self.bytes -= remembered.size();
        }
    }

    /// When the next answer is forgotten.
    pub(super) fn next_end(&self) -> Option<Instant> {
        self.ends.front().map(|(end, _)| *end)
    }

    pub(super) fn len(&self) -> usize {
        self.answers.len()
    }
}

/// Below this, shrinking gives nothing back that is worth the work.
const LEAST_CAPACITY: usize = 4_096;
