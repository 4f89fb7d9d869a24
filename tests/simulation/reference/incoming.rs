//! A request that came in: the server's side of a transaction, and where it is to go.

use std::time::Duration;

use bytes::Bytes;
use ringfence::sip::Request;

use super::dialog::DialogKey;
use super::{Deed, Duty, Key, SURELY, Scene, text};
use crate::rules::Judgement;

/// Timer I, less what a message may be under way.
const T4: Duration = Duration::from_millis(4_500);

/// A request that came in.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) call_id: String,
    pub(crate) at: Duration,
    /// What screening must say, and under which generation.
    pub(crate) judgement: Option<(Judgement, u64)>,
    /// The first final answer, and when it was given.
    pub(crate) answer: Option<(u16, Duration)>,
    pub(crate) dropped: bool,
    pub(crate) method: String,
    pub(super) shard: usize,
    pub(super) agent: usize,
    /// It came from no trunk.
    pub(super) is_strangers: bool,
    pub(super) from_tag: String,
    /// Agents to be tried in this order, and how many have been.
    pub(super) targets: Vec<usize>,
    pub(super) tried: usize,
    pub(super) try_for: Duration,
    pub(super) failover_on: &'static [u16],
    pub(super) unavailable: u16,
    /// Another caller number is shown.
    pub(super) presents: bool,
    /// What it answers, if it is not to be sent on.
    pub(super) failures: Vec<u16>,
    pub(super) last: Option<Bytes>,
    /// Answered at once, from no transaction.
    pub(super) stateless: bool,
    pub(super) ringing: bool,
    pub(super) cancelled: bool,
    pub(super) acknowledged: Option<Duration>,
    pub(super) branches: Vec<String>,
    /// The first dialog that it made.
    pub(super) dialog: Option<DialogKey>,
    /// The dialog that it ends.
    pub(super) ends: Option<DialogKey>,
}

impl Incoming {
    pub(super) fn new(scene: Scene<'_>, agent: usize, request: &Request) -> Incoming {
        Incoming {
            call_id: text(request.call_id()),
            at: scene.now,
            judgement: None,
            answer: None,
            dropped: false,
            method: text(request.method_name()),
            shard: scene.shard,
            agent,
            is_strangers: scene.agents[agent].is_stranger(),
            from_tag: text(request.from_tag()),
            targets: Vec::new(),
            tried: 0,
            try_for: SURELY,
            failover_on: &[],
            unavailable: 500,
            presents: false,
            failures: Vec::new(),
            last: None,
            stateless: false,
            ringing: false,
            cancelled: false,
            acknowledged: None,
            branches: Vec::new(),
            dialog: None,
            ends: None,
        }
    }

    pub(super) fn is_invite(&self) -> bool {
        self.method == "INVITE"
    }

    /// Its transaction may be over: Timer I after an ACK, else 64*T1 after the answer.
    pub(super) fn has_ended(&self, now: Duration) -> bool {
        let confirmed = self.acknowledged.is_some_and(|at| !self.stateless && now > at + T4);
        confirmed || self.answer.is_some_and(|(_, at)| now > at + SURELY)
    }

    /// The request comes again: it is never sent on again.
    pub(super) fn expect_again(&self, scene: Scene<'_>, key: &Key) -> Duty {
        let repeat = || vec![Deed::Repeat { request: key.clone() }];
        Duty::Exactly(match self.answer {
            None if self.last.is_some() => repeat(),
            None if self.tried == 0 || !self.is_invite() => Vec::new(),
            None => vec![Deed::Respond { request: key.clone(), status: 100 }],
            Some((_, at)) if scene.now > at + SURELY => return Duty::Perhaps(repeat()),
            // RFC 6026: its 2xx is repeated by whoever gave it.
            Some((200..=299, _)) if self.is_invite() => Vec::new(),
            Some(_) if self.acknowledged.is_some() && self.is_invite() && !self.stateless => Vec::new(),
            Some(_) => repeat(),
        })
    }

    /// The next target.
    pub(super) fn forward(&mut self, key: &Key) -> Deed {
        self.tried += 1;
        Deed::Forward { request: key.clone(), agent: self.targets[self.tried - 1] }
    }

    /// A target has answered 300-699: another one is tried, or that is the end of it.
    pub(super) fn fails(&mut self, key: &Key, status: u16, has_number: bool) -> Option<Deed> {
        // RFC 4320 section 4.2; and 503 would stop the peer from sending us anything.
        let is_silence = status == 408 && !self.is_invite();
        if status != 503 && !is_silence {
            self.failures.push(status);
        }
        let has_more = self.tried < self.targets.len();
        if has_more && self.failover_on.contains(&status) && !self.cancelled && !self.ringing {
            let next = self.forward(key);
            return Some(if self.presents && !has_number { refused(key) } else { next });
        }
        let ours = if self.cancelled { 487 } else { self.unavailable };
        match self.best() {
            Some(status) => Some(Deed::Respond { request: key.clone(), status }),
            None if is_silence => None,
            None => Some(Deed::Respond { request: key.clone(), status: ours }),
        }
    }

    /// RFC 3261 section 16.7 item 6: a 6xx, else the lowest class; what was said last to a caller who has hung up.
    pub(super) fn best(&self) -> Option<u16> {
        let rank = |status: u16| (if status >= 600 { 0 } else { status / 100 }, !matches!(status, 401 | 407));
        if self.cancelled {
            return self.failures.last().copied();
        }
        self.failures.iter().rev().copied().min_by_key(|&status| rank(status))
    }
}

/// No number may be shown any more.
pub(super) fn refused(key: &Key) -> Deed {
    Deed::Respond { request: key.clone(), status: 403 }
}
