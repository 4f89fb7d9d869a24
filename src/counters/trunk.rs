//! What is counted of one trunk.

use std::sync::OnceLock;

use super::{CallCounters, Histogram, Tally};

/// How many methods are told apart: that it is as many as `Method` has is checked where that stands.
pub const METHODS: usize = 15;

/// Messages of one kind and direction, by the number of their `Method`.
pub type Traffic = [Tally; METHODS];

/// What one shard counts of one trunk, or of all addresses of none.
#[derive(Debug, Default)]
pub struct TrunkCounters {
    /// Requests that came in.
    pub requests_in: Traffic,
    /// Responses that came in, by the method of their request.
    pub responses_in: Traffic,
    /// Requests that went out.
    pub requests_out: Traffic,
    /// Responses that went out, by the method of their request.
    pub responses_out: Traffic,
    /// Calls that came from it.
    pub calls_from: CallCounters,
    /// Calls that went to it.
    pub calls_to: CallCounters,
    /// Of a call to it, from when its INVITE was taken up until the caller heard of it: the first response of the next hop
    /// but 100 (RFC 6076 section 4.3). Whoever hangs up before that is not in it, and no answer of ours.
    pub post_dial_delay: Histogram,
    answers: [[Codes; 2]; 2],
    limited: [Tally; 2],
}

/// A limit of a trunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// `max_calls`.
    Calls,
    /// `max_cps`.
    Rate,
}

/// What was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// A call: an INVITE outside a dialog.
    Call,
    /// Any other request.
    Other,
}

/// Who gave the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// We.
    Us,
    /// The next hop.
    NextHop,
}

impl TrunkCounters {
    /// Final answers to requests of this trunk.
    pub fn answers(&self, asked: Asked, by: By) -> &Codes {
        &self.answers[asked as usize][by as usize]
    }

    /// Calls that were refused because a limit of this trunk was reached.
    pub fn limited(&self, limit: Limit) -> &Tally {
        &self.limited[limit as usize]
    }
}

/// Final answers by code. A class (2xx, 3xx, …) takes memory once it was answered: most never are.
#[derive(Debug, Default)]
pub struct Codes([OnceLock<Box<[Tally; EACH]>>; CLASSES]);

/// Codes of a class.
const EACH: usize = 100;

/// 2xx to 6xx.
const CLASSES: usize = 5;

impl Codes {
    /// Counts a final answer; a code that is none is not counted.
    pub fn add(&self, status: u16) {
        let (class, rest) = (usize::from(status / 100), usize::from(status % 100));
        if let Some(codes) = class.checked_sub(2).and_then(|class| self.0.get(class)) {
            codes.get_or_init(|| Box::new(std::array::from_fn(|_| Tally::default())))[rest].add(1);
        }
    }

    /// Those that were answered, with how often.
    pub fn all(&self) -> impl Iterator<Item = (u16, u64)> {
        (2u16..).zip(&self.0).filter_map(|(class, codes)| Some((class, codes.get()?))).flat_map(|(class, codes)| {
            let counts = (class * 100..).zip(codes.iter()).map(|(status, count)| (status, count.get()));
            counts.filter(|(_, count)| *count > 0)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn final_answers_are_counted_by_code_and_nothing_else_is() {
        let codes = Codes::default();
        for status in [200, 200, 603, 699, 0, 100, 199, 700, 65_535] {
            codes.add(status);
        }
        assert_eq!(codes.all().collect::<Vec<_>>(), [(200, 2), (603, 1), (699, 1)]);
    }
}
