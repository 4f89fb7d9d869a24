//! The values: [`Number`], [`Code`], [`Dialled`], [`Party`].

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// An E.164 number: 7 to 15 digits with its country code, no leading zero, no `+`.
///
/// E.164 bounds the length at 15 digits. It names no lower bound; fewer than 7 digits with a country code reach nobody
/// in any numbering plan, and the bound keeps short codes (at most 6 digits) another kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(u64);

impl Number {
    /// The smallest number of 7 digits.
    pub const MIN: Number = Number(1_000_000);
    /// The largest number of 15 digits.
    pub const MAX: Number = Number(999_999_999_999_999);

    /// `None` outside 7 to 15 digits.
    pub const fn new(value: u64) -> Option<Number> {
        if value >= Self::MIN.0 && value <= Self::MAX.0 { Some(Number(value)) } else { None }
    }

    /// The digits read as one integer.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// How many digits: 7 to 15.
    pub const fn digits(self) -> u32 {
        self.0.ilog10() + 1
    }

    /// Reads plain ASCII digits, 7 to 15 of them without a leading zero; nothing else.
    pub fn parse(digits: &[u8]) -> Option<Number> {
        if digits.len() > MAX_DIGITS || digits.first() == Some(&b'0') {
            return None;
        }
        Number::new(value_of(digits)?)
    }
}

/// Plain digits.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Plain digits only; spellings are [`DialPlan`](super::DialPlan)'s business.
impl FromStr for Number {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Number, NumberError> {
        Number::parse(text.as_bytes()).ok_or(NumberError)
    }
}

/// The text is not 7 to 15 digits without a leading zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("expected an E.164 number: 7 to 15 digits without a leading zero")]
pub struct NumberError;

/// A string of digits that is no E.164 number: a short code of at most 6 digits, or up to 18 digits with leading zeros.
///
/// It never equals a [`Number`], and `0112` never equals `112`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code {
    digits: u8,
    value: u64,
}

impl Code {
    /// Reads 1 to 18 ASCII digits; `None` for what could be an E.164 number (7 or more digits without a leading zero).
    pub fn parse(digits: &[u8]) -> Option<Code> {
        let is_code = digits.len() <= SHORT_CODE_DIGITS || digits[0] == b'0';
        if digits.is_empty() || digits.len() > MAX_CODE_DIGITS || !is_code {
            return None;
        }
        Some(Code { digits: u8::try_from(digits.len()).ok()?, value: value_of(digits)? })
    }

    /// How many digits, leading zeros included: 1 to 18.
    pub const fn digits(self) -> u32 {
        self.digits as u32
    }
}

/// The digits with their leading zeros.
impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0width$}", self.value, width = usize::from(self.digits))
    }
}

/// What the digits of a user part mean under a dial plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialled {
    /// A number of the world's plan.
    E164 {
        /// The number.
        number: Number,
        /// The plan could not place it: 7 to 15 digits that were taken as E.164 as they stand.
        guessed: bool,
    },
    /// Digits that are no E.164 number.
    Code(Code),
}

impl Dialled {
    /// The number, when it is one.
    pub fn number(self) -> Option<Number> {
        match self {
            Dialled::E164 { number, .. } => Some(number),
            Dialled::Code(_) => None,
        }
    }
}

impl fmt::Display for Dialled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Dialled::E164 { number, .. } => number.fmt(f),
            Dialled::Code(code) => code.fmt(f),
        }
    }
}

/// What a list is asked about: one side of a call.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Party<'a> {
    /// An E.164 number.
    Number(Number),
    /// A short code, or digits with leading zeros.
    Code(Code),
    /// A SIP user name that is no number, percent-decoded.
    User(Cow<'a, str>),
    /// A caller who withheld the number.
    Anonymous,
    /// No usable number at all.
    Unavailable,
}

impl Party<'_> {
    /// The same, free of what it was read from.
    pub fn into_owned(self) -> Party<'static> {
        match self {
            Party::Number(number) => Party::Number(number),
            Party::Code(code) => Party::Code(code),
            Party::User(user) => Party::User(Cow::Owned(user.into_owned())),
            Party::Anonymous => Party::Anonymous,
            Party::Unavailable => Party::Unavailable,
        }
    }
}

impl From<Dialled> for Party<'_> {
    fn from(dialled: Dialled) -> Self {
        match dialled {
            Dialled::E164 { number, .. } => Party::Number(number),
            Dialled::Code(code) => Party::Code(code),
        }
    }
}

/// `None` for an empty string, anything but ASCII digits, or more than fits.
fn value_of(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |value, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

/// E.164 section 6.
pub(super) const MAX_DIGITS: usize = 15;
/// Numbering plans keep their service codes (112, 116111) within this; at most 6 digits are a short code.
pub(super) const SHORT_CODE_DIGITS: usize = 6;
/// Three digits of prefix before the longest E.164 number; 10^18 still fits a `u64`.
pub(super) const MAX_CODE_DIGITS: usize = 18;
