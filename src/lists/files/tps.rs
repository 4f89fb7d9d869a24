//! `tps`: the Telephone Preference Service of the United Kingdom.
//!
//! A line has 12 characters: a dialling code at the left of 5 and the rest of the number at the right of 7
//! (`01962 123456`), or the whole number at the left of all (`01962123456 `).

use super::block::{Block, each_line};
use super::blocks::Layout;
use super::{Refuse, RowReason};
use crate::lists::EntryError;
use crate::number::{DialPlan, Dialled, Number};

/// The layout, with the dial plan of its numbers and the guard.
pub(super) struct Tps<'r, F> {
    pub(super) plan: &'r DialPlan,
    pub(super) refuse: &'r F,
}

impl<F: Refuse> Layout for Tps<'_, F> {
    fn parse(&self, text: &[u8], block: &mut Block) {
        each_line(text, block, |block, line| match self.read_line(line) {
            Ok(number) => {
                if let Some(number) = block.guarded(number, self.refuse, 0, line) {
                    block.push(number);
                }
            }
            Err((at, reason)) => block.error(at, line, reason),
        });
    }
}

impl<F: Refuse> Tps<'_, F> {
    /// The number, else the character that is wrong, from 0, and why.
    fn read_line(&self, line: &[u8]) -> Result<Number, (usize, RowReason)> {
        let text = std::str::from_utf8(line).map_err(|error| (error.valid_up_to(), RowReason::Encoding))?;
        if let Some((at, char)) = text.chars().enumerate().find(|(_, char)| !char.is_ascii_digit() && *char != ' ') {
            let error = match char {
                char if char.is_control() => EntryError::Control(char),
                char if char.is_alphabetic() => EntryError::Letter(char),
                char => EntryError::Character(char),
            };
            return Err((at, error.into()));
        }
        if line.len() != LINE {
            return Err((line.len().min(LINE), RowReason::Length(line.len())));
        }
        let code = line.iter().take_while(|byte| **byte != b' ').count();
        let blanks = line[code..].iter().take_while(|byte| **byte == b' ').count();
        let rest = &line[code + blanks..];
        let split = code > 0 && code <= CODE && code + blanks >= CODE && !rest.contains(&b' ');
        if !(split || code > 0 && rest.is_empty()) {
            return Err((code, RowReason::Layout));
        }
        let mut digits = [0; LINE];
        digits[..code].copy_from_slice(&line[..code]);
        digits[code..code + rest.len()].copy_from_slice(rest);
        match self.plan.normalise(&digits[..code + rest.len()]) {
            Some(Dialled::E164 { number, guessed: false }) => Ok(number),
            _ => Err((0, RowReason::NotNational)),
        }
    }
}

/// The characters of a line.
const LINE: usize = 12;
/// Those of them that are the dialling code's.
const CODE: usize = 5;
