//! Reading entries.

use std::str::FromStr;

use thiserror::Error;

use super::{ANONYMOUS, Entry, Prefix, Range, UNAVAILABLE};
use crate::number::{DialPlan, Dialled, Number};

/// Why a text is no entry, and what was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EntryError {
    /// Nothing but spaces.
    #[error("empty: expected a number, a prefix, a range, `anonymous`, `unavailable` or a SIP user name")]
    Empty,
    /// A NUL, line break, tab or the like.
    #[error("control character {:#04x}: expected printable text", u32::from(*.0))]
    Control(char),
    /// Percent-escapes that decode to something else than UTF-8.
    #[error("percent-escapes that are no UTF-8: expected text")]
    Escapes,
    /// `4,86E+10`
    #[error(
        "a number that a spreadsheet has rounded: expected all its digits; format the column as text and export again"
    )]
    Exponent,
    /// A letter among the digits of a number.
    #[error("`{0}` in a number: expected digits")]
    Letter(char),
    /// Any other character among the digits of a number.
    #[error("`{0}` in a number: expected digits, a leading `+` and the separators `-.() `")]
    Character(char),
    /// A number character first, but no digit.
    #[error("no digits: expected a number")]
    NoDigits,
    /// Too many digits for E.164.
    #[error("{0} digits: expected at most 15 with the country code")]
    TooManyDigits(usize),
    /// An international spelling that is too short for a number.
    #[error("too short for an international number: expected at least 7 digits with the country code")]
    TooFewDigits,
    /// Zeros where a country code begins.
    #[error("no country code begins with 0: expected a number with its country code")]
    LeadingZero,
    /// A star that does not end a prefix.
    #[error("`*` is not at the end: expected a prefix such as `4870*`")]
    StarNotAtEnd,
    /// `4*` or `*`.
    #[error("a prefix of {digits} digits: expected at least {least} before the `*` (`min_prefix`)")]
    PrefixTooShort {
        /// How many it has.
        digits: usize,
        /// How many it needs.
        least: usize,
    },
    /// The last number lies before the first.
    #[error("the range runs backwards: expected the lower number first")]
    RangeBackwards,
    /// `4870000000-48700009999`
    #[error("a range from {0} to {1} digits: expected two numbers of one length")]
    RangeLengths(u32, u32),
    /// One end of a range is a short code.
    #[error("a range of short codes: expected two E.164 numbers")]
    RangeOfCodes,
    /// Not in RFC 3261's `user`.
    #[error("`{0}` in a SIP user name: expected letters, digits and `-_.!~'()&=+$,;?/`")]
    UserCharacter(char),
    /// More than any name in use.
    #[error("a SIP user name of {0} bytes: expected at most 128")]
    UserTooLong(usize),
}

impl EntryError {
    /// The name of the kind, for counts.
    pub fn kind(self) -> &'static str {
        match self {
            EntryError::Empty => "empty",
            EntryError::Control(_) => "control-character",
            EntryError::Escapes => "escapes",
            EntryError::Exponent => "rounded",
            EntryError::Letter(_) => "letter",
            EntryError::Character(_) => "character",
            EntryError::NoDigits => "no-digits",
            EntryError::TooManyDigits(_) => "too-many-digits",
            EntryError::TooFewDigits => "too-few-digits",
            EntryError::LeadingZero => "leading-zero",
            EntryError::StarNotAtEnd => "star-not-at-end",
            EntryError::PrefixTooShort { .. } => "prefix-too-short",
            EntryError::RangeBackwards => "range-backwards",
            EntryError::RangeLengths(..) => "range-lengths",
            EntryError::RangeOfCodes => "range-of-codes",
            EntryError::UserCharacter(_) => "user-character",
            EntryError::UserTooLong(_) => "user-too-long",
        }
    }
}

/// The entry, and whether a number in it was guessed to be E.164.
pub(in crate::lists) fn parse_marked(text: &str, plan: &DialPlan) -> Result<(Entry, bool), EntryError> {
    let decoded = percent_encoding::percent_decode_str(text).decode_utf8().map_err(|_| EntryError::Escapes)?;
    let text = trimmed(&decoded);
    let Some(first) = text.chars().next() else { return Err(EntryError::Empty) };
    if let Some(control) = text.chars().find(|char| char.is_control()) {
        return Err(EntryError::Control(control));
    }
    for (word, entry) in [(ANONYMOUS, Entry::Anonymous), (UNAVAILABLE, Entry::Unavailable)] {
        if text.eq_ignore_ascii_case(word) {
            return Ok((entry, false));
        }
    }
    match without_tel(text) {
        Some(number) => parse_number(number, plan),
        None if first.is_ascii_digit() || "+(-.*)#".contains(first) => parse_digits(text, plan),
        None => parse_user(text).map(|user| (user, false)),
    }
}

/// The canonical spelling; needs no dial plan, because its digits stand for themselves.
impl FromStr for Entry {
    type Err = EntryError;

    fn from_str(text: &str) -> Result<Entry, EntryError> {
        Entry::parse(text, &DialPlan::BARE)
    }
}

/// Without outer spaces (the non-breaking one included), and without the apostrophe by which a spreadsheet marks text.
fn trimmed(text: &str) -> &str {
    let text = text.trim_matches(|char: char| char.is_whitespace() && !char.is_control());
    match text.strip_prefix('\'') {
        Some(rest) if rest.starts_with(|char: char| char.is_ascii_digit() || char == '+') => rest,
        _ => text,
    }
}

fn without_tel(text: &str) -> Option<&str> {
    text.get(..4).filter(|scheme| scheme.eq_ignore_ascii_case("tel:")).map(|_| &text[4..])
}

fn parse_digits(text: &str, plan: &DialPlan) -> Result<(Entry, bool), EntryError> {
    if is_exponent(text) {
        return Err(EntryError::Exponent);
    }
    if text.contains('*') {
        return parse_prefix(text, plan).map(|prefix| (prefix, false));
    }
    match ends_of_range(text) {
        Some((first, last)) => {
            let (first, last) = (end_of_range(first, plan)?, end_of_range(last, plan)?);
            range_of(first, last).map(|range| (range, false))
        }
        None => parse_number(text, plan),
    }
}

/// `4,86E+10`, `4.86E+10` and `5E+10`: what a spreadsheet makes of a number in a narrow column.
pub(in crate::lists) fn is_exponent(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['E', 'e']) else { return false };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let whole = match mantissa.split_once([',', '.']) {
        Some((units, decimals)) => digits(units) && digits(decimals),
        None => digits(mantissa),
    };
    whole && digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))
}

fn parse_number(text: &str, plan: &DialPlan) -> Result<(Entry, bool), EntryError> {
    match plan.normalise(text.as_bytes()) {
        Some(Dialled::E164 { number, guessed }) => Ok((Entry::Number(number), guessed)),
        Some(Dialled::Code(code)) => Ok((Entry::Code(code), false)),
        None => Err(why_no_number(text, plan)),
    }
}

fn why_no_number(text: &str, plan: &DialPlan) -> EntryError {
    let number = text.split(';').next().unwrap_or(text);
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    let odd = |(at, char): &(usize, char)| {
        !(char.is_ascii_digit() || matches!(char, '-' | '.' | '(' | ')' | ' ') || *char == '+' && *at == 0)
    };
    match number.trim_start_matches(['(', ' ']).char_indices().find(odd) {
        Some((_, char)) if char.is_alphabetic() => EntryError::Letter(char),
        Some((_, char)) => EntryError::Character(char),
        None if digits == 0 => EntryError::NoDigits,
        None if digits > 15 + plan.international.len() || digits > 15 && !starts_international(number, plan) => {
            EntryError::TooManyDigits(digits)
        }
        None if digits < 7 => EntryError::TooFewDigits,
        None => EntryError::LeadingZero,
    }
}

fn starts_international(number: &str, plan: &DialPlan) -> bool {
    number.bytes().filter(u8::is_ascii_digit).take(plan.international.len()).eq(plan
        .international
        .as_bytes()
        .iter()
        .copied())
}

fn parse_prefix(text: &str, plan: &DialPlan) -> Result<Entry, EntryError> {
    let head = match text.split_once('*') {
        Some((head, "")) => head,
        _ => return Err(EntryError::StarNotAtEnd),
    };
    let global = head.trim_start_matches('(').starts_with('+');
    let mut digits = Vec::with_capacity(head.len());
    for (at, char) in head.trim_start_matches('(').char_indices() {
        match char {
            '0'..='9' => digits.push(char as u8),
            '+' if at == 0 => {}
            '-' | '.' | '(' | ')' | ' ' => {}
            _ if char.is_alphabetic() => return Err(EntryError::Letter(char)),
            _ => return Err(EntryError::Character(char)),
        }
    }
    let zero = digits.first() == Some(&b'0');
    let after = |prefix: &[u8]| digits.strip_prefix(prefix).filter(|_| !prefix.is_empty()).map(<[u8]>::to_vec);
    // Only a prefix of zeros tells itself from E.164 digits: a US `1*` or a Russian `8*` is a country or zone code.
    let whole = if global || !zero && after(plan.international.as_bytes()).is_none() {
        digits
    } else if let Some(rest) = after(plan.international.as_bytes()) {
        rest
    } else if let Some(rest) = after(plan.national.as_bytes()) {
        [plan.country.as_bytes(), &rest].concat()
    } else {
        digits
    };
    match whole.len() {
        digits if digits < plan.min_prefix.digits() => {
            Err(EntryError::PrefixTooShort { digits, least: plan.min_prefix.digits() })
        }
        long if long > 15 => Err(EntryError::TooManyDigits(long)),
        _ => Prefix::parse(&whole).map(Entry::Prefix).ok_or(EntryError::LeadingZero),
    }
}

/// The two sides of a range; `None` when the dashes only separate the digits of one number.
fn ends_of_range(text: &str) -> Option<(&str, &str)> {
    if let Some(ends) = text.split_once('–').or_else(|| text.split_once(" - ")) {
        return Some(ends);
    }
    if let Some(at) = text.find("-+") {
        return Some((&text[..at], &text[at + 1..]));
    }
    let (first, last) = text.split_once('-').filter(|(_, last)| !last.contains('-'))?;
    let count = |side: &str| side.bytes().filter(u8::is_ascii_digit).count();
    let (first_digits, last_digits) = (count(first), count(last));
    // Two numbers have 7 digits each at least; one number with a dash in it rarely has two like halves, and 18 digits
    // (15 behind an international prefix) at most.
    let all = first_digits + last_digits;
    let halves = first_digits == last_digits && !(first.starts_with('+') && all <= 15);
    let two = first_digits.min(last_digits) >= 7 && (halves || all > 18);
    two.then_some((first, last))
}

fn end_of_range(text: &str, plan: &DialPlan) -> Result<Number, EntryError> {
    let text = text.trim();
    match parse_number(text, plan)?.0 {
        Entry::Number(number) => Ok(number),
        _ => Err(EntryError::RangeOfCodes),
    }
}

fn range_of(first: Number, last: Number) -> Result<Entry, EntryError> {
    if first.digits() != last.digits() {
        return Err(EntryError::RangeLengths(first.digits(), last.digits()));
    }
    Range::new(first, last).map(Entry::Range).ok_or(EntryError::RangeBackwards)
}

fn parse_user(text: &str) -> Result<Entry, EntryError> {
    if let Some(char) = text.chars().find(|char| !is_user_character(*char)) {
        return Err(EntryError::UserCharacter(char));
    }
    if text.len() > MAX_USER {
        return Err(EntryError::UserTooLong(text.len()));
    }
    Ok(Entry::User(text.into()))
}

/// RFC 3261 `user` without `*`, which people mean as a wildcard, and letters beyond ASCII, which arrive escaped.
fn is_user_character(char: char) -> bool {
    char.is_alphanumeric() || "-_.!~'()&=+$,;?/".contains(char)
}

/// Bounds what one line can take; longer than an E.164 number, an extension and a login together.
const MAX_USER: usize = 128;
