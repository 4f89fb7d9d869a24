//! What is counted as bytes, so that it outlives a restart: the calls of callees, then the showings of numbers.
//!
//! The form is the same on every machine. Whoever stores the bytes sees to it that they are whole.

use std::io::{self, Read, Write};

use super::{AttemptLimit, Usage};
use crate::number::Number;
use crate::time::WallTime;

impl Usage {
    /// Writes what still counts at `now`. Locks one part of the maps at a time, and only to copy it.
    pub fn write_to(&self, out: &mut impl Write, now: WallTime) -> io::Result<()> {
        out.write_all(MAGIC)?;
        self.attempts.write_to(out)?;
        self.showings.write_to(out, now)
    }

    /// Takes what was written and still counts at `now`; calls of callees only as far as `kept` asks for them. For one that
    /// has counted nothing yet.
    pub fn read_from(&self, input: &mut impl Read, kept: Option<AttemptLimit>, now: WallTime) -> io::Result<()> {
        if read_array(input)? != *MAGIC {
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.attempts.read_from(input, kept, now)?;
        self.showings.read_from(input, now)
    }

    /// Another number than before, once something was counted since.
    pub fn changes(&self) -> u64 {
        self.attempts.changes().wrapping_add(self.showings.changes())
    }
}

/// The number that the next account is of; `None` at the end of its table.
pub(super) fn read_number(input: &mut impl Read) -> io::Result<Option<Number>> {
    match u64::from_le_bytes(read_array(input)?) {
        END => Ok(None),
        digits => Number::new(digits).map(Some).ok_or_else(|| io::ErrorKind::InvalidData.into()),
    }
}

pub(super) fn read_array<const N: usize>(input: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Ends a table: no number is 0.
pub(super) const END: u64 = 0;

/// With the version of the form.
const MAGIC: &[u8; 8] = b"RFUSAGE1";

#[cfg(test)]
mod tests;
