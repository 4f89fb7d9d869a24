//! [`Occasion`]: the call, as far as the choice of a number depends on it.

use crate::number::{Number, Party};
use crate::screen::present::draw::SplitMix64;

/// What of a call decides which number it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occasion {
    /// Stands for the callee: of numbers, codes and users each its own.
    pub(super) callee: u64,
    /// The callee, where it is a number.
    pub(super) number: Option<Number>,
    /// The number that the caller's side asks for.
    pub asked: Option<Number>,
    /// The random number of the call.
    pub(super) draw: u64,
}

impl Occasion {
    /// Of a call to `callee`.
    pub fn new(callee: &Party<'_>, asked: Option<Number>, draw: u64) -> Occasion {
        let number = match callee {
            Party::Number(number) => Some(*number),
            _ => None,
        };
        Occasion { callee: key_of(callee), number, asked, draw }
    }

    /// What decides for this callee between numbers: the highest wins (rendezvous hashing). Without any secret, so that
    /// it is the same on every machine and after a restart.
    pub(super) fn score(&self, number: Number) -> u64 {
        SplitMix64(self.callee ^ number.get()).next()
    }
}

fn key_of(callee: &Party<'_>) -> u64 {
    let text = match callee {
        Party::Number(number) => return SplitMix64(number.get()).next(),
        Party::Code(code) => code.to_string(),
        Party::User(user) => user.to_string(),
        Party::Anonymous | Party::Unavailable => String::new(),
    };
    text.bytes().fold(TEXT, |key, byte| SplitMix64(key ^ u64::from(byte)).next())
}

/// Where the keys of texts begin: no number has so many digits.
const TEXT: u64 = u64::MAX;
