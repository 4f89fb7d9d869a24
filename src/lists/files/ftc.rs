//! `ftc`: the National Do Not Call Registry of the United States.
//!
//! Whole files have a line `212,5550142` (or `2125550142`) for each number. Change files have an operation behind it,
//! `A` or `D`, and a date, in either order: `212,5550142,D,2026-03-25`.

use super::block::{Block, ChangeLine, next_line};
use super::blocks::Layout;
use super::texts::{BadDate, read_date};
use super::{Refuse, RowReason};
use crate::lists::EntryError;
use crate::lists::entry::is_exponent;
use crate::number::Number;

/// The layout, with the guard.
pub(super) struct Ftc<'r, F>(pub(super) &'r F);

impl<F: Refuse> Layout for Ftc<'_, F> {
    fn parse(&self, mut text: &[u8], block: &mut Block) {
        while !text.is_empty() {
            // Nearly every line of a whole file.
            if let Some((line, rest)) = text.split_first_chunk::<LINE>()
                && let Some(number) = plain_line(line)
            {
                text = rest;
                block.lines += 1;
                block.rows += 1;
                if let Some(number) = block.guarded(number, self.0, 0, &line[..LINE - 1]) {
                    block.push(number);
                }
            } else {
                text = next_line(text, block, |block, line| self.line(line, block));
            }
        }
    }
}

impl<F: Refuse> Ftc<'_, F> {
    fn line(&self, line: &[u8], block: &mut Block) {
        match read_line(line) {
            Ok(change) if change.removes => block.change(change),
            Ok(change) => match block.guarded(change.number, self.0, 0, line) {
                Some(number) if change.date.is_none() => block.push(number),
                Some(_) => block.change(change),
                None => {}
            },
            Err((at, cell, reason)) => block.error(at, cell, reason),
        }
    }
}

/// `212,5550142` and a line feed: digits are told and read eight at a time.
#[inline]
fn plain_line(line: &[u8; LINE]) -> Option<Number> {
    let [n, p, a, b',', rest @ .., b'\n'] = line else { return None };
    let [n, p, a] = [n, p, a].map(|byte| u64::from(byte.wrapping_sub(b'0')));
    let [one, two, three, four, five, six, seven] = *rest;
    let digits = u64::from_le_bytes([b'0', one, two, three, four, five, six, seven]);
    if !(2..=9).contains(&n) || p > 9 || a > 9 || !eight_digits(digits) {
        return None;
    }
    Number::new(COUNTRY + (n * 100 + p * 10 + a) * 10_000_000 + value_of(digits))
}

/// Whether all bytes are digits: `3` in the upper half, and still when 6 is added to the lower one.
const fn eight_digits(digits: u64) -> bool {
    const UPPER: u64 = 0xf0f0_f0f0_f0f0_f0f0;
    const SIXES: u64 = 0x0606_0606_0606_0606;
    (digits & UPPER) | ((digits.wrapping_add(SIXES) & UPPER) >> 4) == 0x3333_3333_3333_3333
}

/// Eight digits, the first in the lowest byte, as a number: pairs, then fours, then all.
const fn value_of(digits: u64) -> u64 {
    let ones = digits & 0x0f0f_0f0f_0f0f_0f0f;
    let pairs = (ones * 10 + (ones >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs * 100 + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    (fours * 10_000 + (fours >> 32)) & 0xffff_ffff
}

/// What is wrong: the place of the cell, the cell, and why.
type Bad<'l> = (usize, &'l [u8], RowReason);

fn read_line(line: &[u8]) -> Result<ChangeLine, Bad<'_>> {
    let mut cells = line.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).enumerate();
    let (_, first) = cells.next().unwrap_or_default();
    let mut digits = [0; 10];
    let number = match first.len() {
        3 => {
            let (_, second) = cells.next().unwrap_or_default();
            if second.len() == 7 {
                digits[..3].copy_from_slice(first);
                digits[3..].copy_from_slice(second);
            }
            second.len() == 7
        }
        10 => {
            digits.copy_from_slice(first);
            true
        }
        _ => false,
    };
    if !number || !digits.iter().all(u8::is_ascii_digit) {
        return Err(why_no_number(line));
    }
    if digits[0] < b'2' {
        return Err((0, first, RowReason::AreaCode));
    }
    let value = digits.iter().fold(0, |value, digit| value * 10 + u64::from(digit - b'0'));
    let number = Number::new(COUNTRY + value).ok_or((0, first, RowReason::AreaCode))?;
    let (mut date, mut removes) = (None, None);
    for (at, cell) in cells {
        match cell {
            b"A" | b"a" | b"D" | b"d" => {
                if removes.replace(matches!(cell, b"D" | b"d")).is_some() {
                    return Err((at, cell, RowReason::Twice));
                }
            }
            _ => {
                let text = std::str::from_utf8(cell).map_err(|_| (at, cell, RowReason::Encoding))?;
                let read = read_date(text).map_err(|bad| match bad {
                    BadDate::Spelling => (at, cell, RowReason::Operation),
                    BadDate::Nonexistent => (at, cell, RowReason::NoSuchDate),
                });
                if date.replace(read?).is_some() {
                    return Err((at, cell, RowReason::Twice));
                }
            }
        }
    }
    Ok(ChangeLine { number, date, removes: removes == Some(true) })
}

/// The first cell of the number that is wrong.
fn why_no_number(line: &[u8]) -> Bad<'_> {
    let whole = line.trim_ascii();
    if std::str::from_utf8(whole).is_ok_and(is_exponent) {
        return (0, whole, EntryError::Exponent.into());
    }
    let mut cells = line.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    let first = cells.next().unwrap_or_default();
    let second = cells.next();
    let parts = if first.len() > 3 { 1 } else { 2 };
    for (at, cell) in [Some(first), second].into_iter().flatten().take(parts).enumerate() {
        let Ok(text) = std::str::from_utf8(cell) else { return (at, cell, RowReason::Encoding) };
        let error = match text.chars().find(|char| !char.is_ascii_digit()) {
            None if text.is_empty() => EntryError::Empty,
            None => continue,
            Some(char) if char.is_control() => EntryError::Control(char),
            Some(char) if char.is_alphabetic() => EntryError::Letter(char),
            Some(char) => EntryError::Character(char),
        };
        return (at, cell, error.into());
    }
    match second.filter(|_| parts == 2) {
        Some(second) if first.len() == 3 => (1, second, RowReason::TenDigits(first.len() + second.len())),
        Some(second) => (0, first, RowReason::TenDigits(first.len() + second.len())),
        None => (0, first, RowReason::TenDigits(first.len())),
    }
}

/// The country code in front of 10 digits.
const COUNTRY: u64 = 10_000_000_000;
/// `NPA,NXXXXXX` and a line feed.
const LINE: usize = 12;
