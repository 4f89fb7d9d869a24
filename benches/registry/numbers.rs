//! Numbers that are in a file of the registry, and numbers that are not.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::generate::SEED;

/// A callee, and whether a list holds him.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Callee {
    /// Eleven digits.
    pub(crate) number: u64,
    pub(crate) listed: bool,
}

/// As many of either kind, in turn. The file is sorted, and all its lines have one length.
pub(crate) fn callees(file: &File, pairs: usize) -> io::Result<Vec<Callee>> {
    let lines = file.metadata()?.len() / LINE;
    if lines == 0 {
        return Err(io::Error::other("the file has no numbers"));
    }
    let mut random = StdRng::seed_from_u64(SEED + 2);
    let mut callees = Vec::with_capacity(2 * pairs);
    while callees.len() < 2 * pairs {
        let listed = number_at(file, random.random_range(0..lines))?;
        let unlisted = loop {
            let number = random.random_range(12_000_000_000..RESERVED);
            if !holds(file, lines, number)? {
                break number;
            }
        };
        callees.extend([Callee { number: listed, listed: true }, Callee { number: unlisted, listed: false }]);
    }
    Ok(callees)
}

/// `212,5550142` and a line feed.
pub(crate) fn line(number: u64) -> String {
    format!("{:03},{:07}\n", number / 10_000_000 % 1000, number % 10_000_000)
}

fn holds(file: &File, lines: u64, number: u64) -> io::Result<bool> {
    let (mut first, mut end) = (0, lines);
    while first < end {
        let middle = first.midpoint(end);
        match number_at(file, middle)?.cmp(&number) {
            std::cmp::Ordering::Equal => return Ok(true),
            std::cmp::Ordering::Less => first = middle + 1,
            std::cmp::Ordering::Greater => end = middle,
        }
    }
    Ok(false)
}

fn number_at(file: &File, line: u64) -> io::Result<u64> {
    let mut text = [0; LINE as usize];
    file.read_exact_at(&mut text, line * LINE)?;
    let digits = text.iter().filter(|byte| byte.is_ascii_digit());
    Ok(digits.fold(1, |number, digit| number * 10 + u64::from(digit - b'0')))
}

/// The file has no number from here on: no area code has a 9 in its middle.
pub(crate) const RESERVED: u64 = 19_900_000_000;

/// Bytes.
const LINE: u64 = 12;
