//! Finds the rules that may concern a call without looking at the others.
//!
//! A rule stands in the part of each trunk that it names, or in the part for any trunk; in a part, under each shape of
//! digits that it is called by, or under "any callee". A look-up gathers a few sorted runs of rule positions and merges
//! them, so that candidates come in file order. A candidate may still not match: the rule itself is asked.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use smallvec::SmallVec;

use crate::lists::Entry;
use crate::number::{Code, Party};
use crate::screen::pattern::{Digits, Patterns, Shape, digit_count, number_digits, prefix_digits, range_digits};
use crate::screen::policy::{TrunkId, TrunkSet};

/// The index over the rules of one kind.
#[derive(Debug, Default)]
pub(crate) struct RuleIndex {
    any_trunk: Part,
    by_trunk: HashMap<TrunkId, Part, BuildHasherDefault<DigitHasher>>,
}

impl RuleIndex {
    /// Indexes rules, given in file order by what they say of trunks and callees.
    pub(crate) fn new<'r>(rules: impl Iterator<Item = (&'r TrunkSet, Option<&'r Patterns>)>) -> RuleIndex {
        let mut index = RuleIndex::default();
        for (position, (trunks, called)) in (0u32..).zip(rules) {
            if trunks.0.is_empty() {
                index.any_trunk.add(position, called);
            }
            for trunk in &trunks.0 {
                index.by_trunk.entry(*trunk).or_default().add(position, called);
            }
        }
        index
    }

    /// Gathers the positions of the rules that may concern a call. Into a place of the caller's, which is large to move.
    pub(crate) fn gather<'i>(&'i self, trunk: TrunkId, callee: &Party<'_>, candidates: &mut Candidates<'i>) {
        self.any_trunk.collect(callee, candidates);
        if let Some(part) = self.by_trunk.get(&trunk) {
            part.collect(callee, candidates);
        }
    }
}

#[derive(Debug, Default)]
struct Part {
    any_callee: Vec<u32>,
    by_digits: HashMap<Digits, Vec<u32>, BuildHasherDefault<DigitHasher>>,
    shapes: Vec<Shape>,
    by_code: HashMap<Code, Vec<u32>>,
    by_user: HashMap<Box<str>, Vec<u32>>,
}

impl Part {
    fn add(&mut self, position: u32, called: Option<&Patterns>) {
        let Some(called) = called else { return push(&mut self.any_callee, position) };
        for entry in &called.0 {
            match entry {
                Entry::Number(number) => self.add_digits(position, number_digits(*number)),
                Entry::Prefix(prefix) => self.add_digits(position, prefix_digits(prefix)),
                Entry::Range(range) => {
                    range_digits(range).into_iter().for_each(|piece| self.add_digits(position, piece))
                }
                Entry::Code(code) => push(self.by_code.entry(*code).or_default(), position),
                Entry::User(user) => push(self.by_user.entry((**user).into()).or_default(), position),
                Entry::Anonymous | Entry::Unavailable => push(&mut self.any_callee, position),
            }
        }
    }

    fn add_digits(&mut self, position: u32, digits: Digits) {
        if !self.shapes.contains(&digits.shape) {
            self.shapes.push(digits.shape);
        }
        push(self.by_digits.entry(digits).or_default(), position);
    }

    fn collect<'i>(&'i self, callee: &Party<'_>, candidates: &mut Candidates<'i>) {
        candidates.add(&self.any_callee);
        match callee {
            Party::Number(number) => {
                let total = digit_count(*number);
                for &shape in &self.shapes {
                    let fits = shape.leading <= total && (shape.total == 0 || shape.total == total);
                    if fits {
                        let value = number.get() / POWERS_OF_TEN[usize::from(total - shape.leading)];
                        candidates.add_found(self.by_digits.get(&Digits { shape, value }));
                    }
                }
            }
            Party::Code(code) => candidates.add_found(self.by_code.get(code)),
            Party::User(user) => candidates.add_found(self.by_user.get(&**user)),
            Party::Anonymous | Party::Unavailable => {}
        }
    }
}

/// Keeps a run sorted and without repetition; positions arrive in ascending order.
fn push(run: &mut Vec<u32>, position: u32) {
    if run.last() != Some(&position) {
        run.push(position);
    }
}

/// Merges sorted runs: the positions of rules in file order, each once.
#[derive(Default)]
pub(crate) struct Candidates<'i> {
    /// Room for every shape that can fit one number in both parts: at most 15 prefix lengths and 15 of a fixed total,
    /// rarely more than four are in use.
    runs: SmallVec<[&'i [u32]; 16]>,
    last: Option<u32>,
}

impl<'i> Candidates<'i> {
    fn add(&mut self, run: &'i [u32]) {
        if !run.is_empty() {
            self.runs.push(run);
        }
    }

    fn add_found(&mut self, run: Option<&'i Vec<u32>>) {
        if let Some(run) = run {
            self.add(run);
        }
    }
}

impl Iterator for Candidates<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        loop {
            // Runs that are used up are dropped, so that each has a first.
            let (at, position) = match &self.runs[..] {
                [] => return None,
                [only] => (0, only[0]),
                runs => runs.iter().map(|run| run[0]).enumerate().min_by_key(|(_, position)| *position)?,
            };
            match &self.runs[at][1..] {
                [] => drop(self.runs.swap_remove(at)),
                rest => self.runs[at] = rest,
            }
            if self.last != Some(position) {
                self.last = Some(position);
                return Some(position as usize);
            }
        }
    }
}

/// One multiplication and shift a word. The keys come from the operator's config, never from a peer, so that nobody can
/// make them collide; a peer only looks up.
#[derive(Default)]
pub(crate) struct DigitHasher(u64);

impl Hasher for DigitHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u8(&mut self, value: u8) {
        self.write_u64(u64::from(value));
    }

    fn write_u16(&mut self, value: u16) {
        self.write_u64(u64::from(value));
    }

    fn write_u64(&mut self, value: u64) {
        // The golden ratio in 64 bits (Knuth, The Art of Computer Programming 6.4); the shift brings high bits down to
        // where the table looks.
        let mixed = (self.0.rotate_left(5) ^ value).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = mixed ^ (mixed >> 32);
    }
}

const POWERS_OF_TEN: [u64; 16] = {
    let mut powers = [1u64; 16];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};
