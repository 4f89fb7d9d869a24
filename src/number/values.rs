//! The values of a dial plan: [`Digits`], [`Lengths`], [`MinPrefix`].

use std::fmt;

use serde::Deserialize;
use thiserror::Error;

/// A few dialled digits: a prefix or a country code. At most 8, which no prefix in use reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Digits {
    bytes: [u8; Self::MAX],
    len: u8,
}

impl Digits {
    const MAX: usize = 8;
    /// No digits.
    pub const EMPTY: Digits = Digits { bytes: [0; Self::MAX], len: 0 };

    /// 0 to 8 ASCII digits.
    pub fn new(text: &str) -> Result<Digits, PlanError> {
        if text.len() > Self::MAX || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(PlanError::Digits);
        }
        Ok(Digits::from_static(text.as_bytes()))
    }

    /// The digits in ASCII.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len()]
    }

    /// How many.
    pub fn len(&self) -> usize {
        usize::from(self.len)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    #[allow(clippy::cast_possible_truncation)] // at most 8, as both callers see to
    pub(super) const fn from_static(text: &[u8]) -> Digits {
        let mut bytes = [0; Self::MAX];
        let mut at = 0;
        while at < text.len() {
            bytes[at] = text[at];
            at += 1;
        }
        Digits { bytes, len: text.len() as u8 }
    }
}

impl TryFrom<String> for Digits {
    type Error = PlanError;

    fn try_from(text: String) -> Result<Self, PlanError> {
        Digits::new(&text)
    }
}

impl fmt::Display for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{}", char::from(*byte)))
    }
}

/// A set of lengths, each 1 to 15.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(try_from = "Vec<u8>")]
pub struct Lengths(u16);

impl Lengths {
    /// No length at all.
    pub(super) const NONE: Lengths = Lengths(0);
    /// Nine digits, as in Poland.
    pub(super) const NINE: Lengths = Lengths(1 << 9);

    /// From lengths of 1 to 15 digits.
    pub fn new(lengths: &[u8]) -> Result<Lengths, PlanError> {
        lengths.iter().try_fold(Lengths(0), |set, length| match length {
            1..=15 => Ok(Lengths(set.0 | 1 << length)),
            _ => Err(PlanError::Length(*length)),
        })
    }

    /// Whether numbers of `length` digits are meant.
    pub const fn contains(self, length: usize) -> bool {
        length < 16 && self.0 & 1 << length != 0
    }
}

impl TryFrom<Vec<u8>> for Lengths {
    type Error = PlanError;

    fn try_from(lengths: Vec<u8>) -> Result<Self, PlanError> {
        Lengths::new(&lengths)
    }
}

/// How many digits a prefix has at least: 1 to 15.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "u8")]
pub struct MinPrefix(u8);

impl MinPrefix {
    /// One digit is a whole world zone, and a slip: `4*` for `48*` lists half of Europe.
    pub const DEFAULT: MinPrefix = MinPrefix(2);
    /// Any prefix at all.
    pub(super) const ONE: MinPrefix = MinPrefix(1);

    /// From 1 to 15.
    pub fn new(digits: u8) -> Result<MinPrefix, PlanError> {
        if (1..=15).contains(&digits) { Ok(MinPrefix(digits)) } else { Err(PlanError::MinPrefix(digits)) }
    }

    /// How many.
    pub const fn digits(self) -> usize {
        self.0 as usize
    }
}

impl TryFrom<u8> for MinPrefix {
    type Error = PlanError;

    fn try_from(digits: u8) -> Result<Self, PlanError> {
        MinPrefix::new(digits)
    }
}

/// Why a dial plan is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PlanError {
    /// A prefix or country code is not 0 to 8 digits.
    #[error("expected at most 8 digits and nothing else")]
    Digits,
    /// No national number has so many digits.
    #[error("{0} is no length of a national number: expected 1 to 15")]
    Length(u8),
    /// No prefix can have so many digits.
    #[error("{0} is no number of digits for a prefix: expected 1 to 15")]
    MinPrefix(u8),
}
