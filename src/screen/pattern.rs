//! What `called` and `callers` of a rule hold.

use crate::lists::{Entry, Prefix, Range};
use crate::number::{Number, Party};

/// A few entries that a party is compared with one by one: rules name a handful, lists hold the many.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Patterns(pub(crate) Vec<Entry>);

impl Patterns {
    pub(crate) fn holds(&self, party: &Party<'_>) -> bool {
        self.0.iter().any(|entry| entry.matches(party))
    }
}

/// Digits that a number begins with, and how many digits it has altogether (0: any): prefixes, numbers and the pieces
/// of ranges are all of this one shape, so that one hash look-up for each shape in use finds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Shape {
    pub(crate) leading: u8,
    pub(crate) total: u8,
}

/// A shape with its digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Digits {
    pub(crate) shape: Shape,
    pub(crate) value: u64,
}

/// A number as the one shape that only it has.
pub(crate) fn number_digits(number: Number) -> Digits {
    let total = digit_count(number);
    Digits { shape: Shape { leading: total, total }, value: number.get() }
}

/// A prefix: any number of digits may follow.
pub(crate) fn prefix_digits(prefix: &Prefix) -> Digits {
    Digits { shape: Shape { leading: narrow(prefix.digits()), total: 0 }, value: prefix.value() }
}

/// Cuts a range into the fewest pieces that are each "all numbers of so many digits that begin with".
pub(crate) fn range_digits(range: &Range) -> Vec<Digits> {
    let mut pieces = Vec::new();
    let (mut low, high) = (range.first(), range.last().get());
    loop {
        let total = digit_count(low);
        let (mut span, mut leading) = (1u64, total);
        // Widen while the block starts here and ends within the range; it keeps the number of digits, because a number
        // that ends in `leading` zeros less than its length is followed by that many of its own length.
        while leading > 1 && low.get() % (span * 10) == 0 && low.get() + (span * 10 - 1) <= high {
            span *= 10;
            leading -= 1;
        }
        pieces.push(Digits { shape: Shape { leading, total }, value: low.get() / span });
        match Number::new(low.get() + span).filter(|next| next.get() <= high) {
            Some(next) => low = next,
            None => return pieces,
        }
    }
}

/// How many decimal digits a number has: 7 to 15.
pub(crate) fn digit_count(number: Number) -> u8 {
    narrow(number.digits())
}

fn narrow(digits: u32) -> u8 {
    u8::try_from(digits).expect("numbers and prefixes have at most 15 digits")
}
