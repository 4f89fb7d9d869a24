//! [`Entry`]: one line of a list.

mod parse;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

pub use parse::EntryError;
pub(super) use parse::{is_exponent, parse_marked};

use crate::number::{Code, DialPlan, Number, Party};

/// One line of a list.
///
/// `Display` is the canonical spelling: numbers, prefixes and ranges in E.164 digits without `+`. `FromStr` is its exact
/// inverse under every dial plan; [`Entry::parse`] reads what people write, by a plan.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Entry {
    /// One E.164 number.
    Number(Number),
    /// A short code or digits with leading zeros.
    Code(Code),
    /// All numbers that begin so: `4870*`.
    Prefix(Prefix),
    /// All numbers from one to another: `48700000000-48700009999`.
    Range(Range),
    /// Callers who withhold their number.
    Anonymous,
    /// Callers without a usable number.
    Unavailable,
    /// A SIP user name that is no number, percent-decoded; its case counts (RFC 3261 section 19.1.4).
    User(Arc<str>),
}

impl Entry {
    /// Reads an entry as a person or a file spells it; national spellings are completed by `plan`.
    ///
    /// What begins with a digit, `+`, `(` or another number character must be a number, prefix or range; `anonymous` and
    /// `unavailable` are words in any case; everything else must be a SIP user name. Digits before `*` are E.164 digits,
    /// unless `+`, the international or a national prefix of `0` leads them.
    pub fn parse(text: &str, plan: &DialPlan) -> Result<Entry, EntryError> {
        parse_marked(text, plan).map(|(entry, _)| entry)
    }

    /// A spelling that [`Entry::parse`] reads as this entry under `plan`: the canonical one, with `+` before it where
    /// the plan would take the bare digits for a national number.
    pub fn spelled(&self, plan: &DialPlan) -> String {
        let plain = self.to_string();
        if Entry::parse(&plain, plan).as_ref() == Ok(self) {
            return plain;
        }
        match self {
            Entry::Range(range) => format!("+{}-+{}", range.first(), range.last()),
            _ => format!("+{plain}"),
        }
    }

    /// Whether it names `party`, itself or as one of many.
    pub fn matches(&self, party: &Party<'_>) -> bool {
        match (self, party) {
            (Entry::Number(own), Party::Number(number)) => own == number,
            (Entry::Prefix(prefix), Party::Number(number)) => prefix.contains(*number),
            (Entry::Range(range), Party::Number(number)) => range.contains(*number),
            (Entry::Code(own), Party::Code(code)) => own == code,
            (Entry::User(own), Party::User(user)) => **own == **user,
            (Entry::Anonymous, Party::Anonymous) | (Entry::Unavailable, Party::Unavailable) => true,
            _ => false,
        }
    }

    /// Whether some party is named by both.
    pub fn overlaps(&self, other: &Entry) -> bool {
        match (self, other) {
            (Entry::Number(number), wide) | (wide, Entry::Number(number)) => wide.matches(&Party::Number(*number)),
            (Entry::Prefix(one), Entry::Prefix(other)) => one.start <= other.end && other.start <= one.end,
            (Entry::Prefix(prefix), Entry::Range(range)) | (Entry::Range(range), Entry::Prefix(prefix)) => {
                prefix.of_length(range.first.digits()).is_some_and(|own| own.meets(*range))
            }
            (Entry::Range(one), Entry::Range(other)) => one.meets(*other),
            (one, other) => one == other,
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Entry::Number(number) => number.fmt(f),
            Entry::Code(code) => code.fmt(f),
            Entry::Prefix(prefix) => prefix.fmt(f),
            Entry::Range(range) => range.fmt(f),
            Entry::Anonymous => f.write_str(ANONYMOUS),
            Entry::Unavailable => f.write_str(UNAVAILABLE),
            Entry::User(user) => f.write_str(user),
        }
    }
}

/// The leading digits of E.164 numbers, 1 to 15 of them; [`DialPlan::min_prefix`] bounds what people may list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix {
    /// The lowest and highest 15 digits that begin so.
    start: u64,
    end: u64,
}

impl Prefix {
    /// From 1 to 15 ASCII digits without a leading zero.
    pub fn parse(digits: &[u8]) -> Option<Prefix> {
        if !(1..=15).contains(&digits.len()) || digits[0] == b'0' {
            return None;
        }
        let text = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
        Prefix::new(text.parse().ok()?)
    }

    /// From the digits read as one integer: 1 to 999,999,999,999,999.
    pub fn new(value: u64) -> Option<Prefix> {
        if !(1..=Number::MAX.get()).contains(&value) {
            return None;
        }
        let scale = 10u64.pow(14 - value.ilog10());
        Some(Prefix { start: value * scale, end: (value + 1) * scale - 1 })
    }

    /// The digits read as one integer.
    pub fn value(self) -> u64 {
        self.start / (self.end - self.start + 1)
    }

    /// How many digits: 1 to 15.
    pub fn digits(self) -> u32 {
        15 - (self.end - self.start + 1).ilog10()
    }

    /// Whether `number` begins so.
    pub fn contains(self, number: Number) -> bool {
        let unit = place_value(number);
        // As wide as the numbers of so many digits, or wider: no more digits than the number has.
        self.end - self.start >= unit - 1 && (self.start..=self.end).contains(&(number.get() * unit))
    }

    /// The first and last 15 digits that begin so.
    pub(super) fn span(self) -> (u64, u64) {
        (self.start, self.end)
    }

    /// Its numbers of so many digits; `None` without any.
    fn of_length(self, digits: u32) -> Option<Range> {
        let scale = 10u64.pow(digits.checked_sub(self.digits())?);
        let first = self.value() * scale;
        Range::new(Number::new(first)?, Number::new(first + scale - 1)?)
    }

    /// The prefix of `digits` digits at the head of `number`; `None` when the number is shorter or `digits` zero.
    pub(super) fn of(number: Number, digits: u32) -> Option<Prefix> {
        let shorter = number.digits().checked_sub(digits)?;
        Prefix::new(number.get() / 10u64.pow(shorter))
    }
}

/// The digits and `*`.
impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}*", self.value())
    }
}

/// All numbers from one to another of the same length, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Range {
    first: Number,
    last: Number,
}

impl Range {
    /// `None` when backwards or of different lengths.
    pub fn new(first: Number, last: Number) -> Option<Range> {
        (first <= last && first.digits() == last.digits()).then_some(Range { first, last })
    }

    /// The lowest number.
    pub const fn first(self) -> Number {
        self.first
    }

    /// The highest number.
    pub const fn last(self) -> Number {
        self.last
    }

    /// How many numbers: at least one.
    pub const fn count(self) -> u64 {
        self.last.get() - self.first.get() + 1
    }

    /// Whether `number` is one of them.
    pub fn contains(self, number: Number) -> bool {
        (self.first..=self.last).contains(&number)
    }

    fn meets(self, other: Range) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// Both numbers with `-` between them.
impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

/// A number in the space of prefixes: its digits at the left of 15.
pub(super) fn left_aligned(number: Number) -> u64 {
    number.get() * place_value(number)
}

/// What the last digit of a number is worth there.
fn place_value(number: Number) -> u64 {
    const POWERS: [u64; 15] = {
        let mut powers = [1; 15];
        let mut at = 1;
        while at < 15 {
            powers[at] = 10 * powers[at - 1];
            at += 1;
        }
        powers
    };
    // A number has 1 to 15 digits.
    POWERS[(15 - number.digits()) as usize]
}

const ANONYMOUS: &str = "anonymous";
const UNAVAILABLE: &str = "unavailable";
