//! The low parts of the numbers of one high part, in whichever of four forms is smallest.

use super::arena::Place;

/// Where a container lies in an arena, and its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) place: Place,
    /// The form in the two upper bits, the count of items in the others.
    shape: u32,
}

/// How the low parts are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Sorted values, 2 bytes each.
    Array,
    /// A count for each of 256 buckets by the upper byte, then the lower bytes, 1 byte each. Most containers of a
    /// registry are of this form: a look-up touches the count and one bucket of some 20 bytes.
    Buckets,
    /// Pairs of first and last value, sorted and apart.
    Runs,
    /// One bit for each of 65,536 values.
    Bitmap,
}

impl Slot {
    /// Of a high part that has no numbers.
    pub(super) const EMPTY: Slot = Slot { place: Place::ZERO, shape: 0 };

    /// `items`: values, or pairs of [`Form::Runs`].
    pub(super) fn new(place: Place, form: Form, items: usize) -> Slot {
        let items = u32::try_from(items).expect("a container holds at most 65,536 values");
        Slot { place, shape: (form as u32) << ITEM_BITS | items }
    }

    /// From what [`Slot::shape`] gave; `None` when no container has this shape.
    pub(super) fn from_shape(place: Place, shape: u32) -> Option<Slot> {
        let slot = Slot { place, shape };
        let most = match slot.form() {
            Form::Array => VALUES / 2,
            Form::Buckets | Form::Runs => VALUES / 4,
            Form::Bitmap => VALUES,
        };
        (1..=most).contains(&slot.items()).then_some(slot)
    }

    /// The same data at another place.
    pub(super) const fn at(self, place: Place) -> Slot {
        Slot { place, ..self }
    }

    pub(super) const fn shape(self) -> u32 {
        self.shape
    }

    pub(super) const fn is_empty(self) -> bool {
        self.shape == 0
    }

    pub(super) const fn form(self) -> Form {
        match self.shape >> ITEM_BITS {
            0 => Form::Array,
            1 => Form::Buckets,
            2 => Form::Runs,
            _ => Form::Bitmap,
        }
    }

    const fn items(self) -> usize {
        (self.shape & ((1 << ITEM_BITS) - 1)) as usize
    }

    /// How many words of the arena it takes.
    pub(super) const fn words(self) -> usize {
        words(self.form(), self.items())
    }

    /// Its data, `words` being those of the arena from its place on.
    #[inline]
    pub(super) fn view(self, words: &[u64]) -> View<'_> {
        match self.form() {
            Form::Array => View::Array(&bytemuck::cast_slice(words)[..self.items()]),
            Form::Buckets => {
                let (ends, lows) = words.split_at(BUCKET_WORDS);
                View::Buckets { ends: bytemuck::cast_slice(ends), lows: &bytemuck::cast_slice(lows)[..self.items()] }
            }
            Form::Runs => View::Runs(bytemuck::cast_slice::<u64, u16>(words)[..2 * self.items()].as_chunks().0),
            Form::Bitmap => View::Bitmap(&words[..BITMAP_WORDS]),
        }
    }
}

/// The data of a container.
#[derive(Debug, Clone, Copy)]
pub(super) enum View<'a> {
    Array(&'a [u16]),
    /// `ends[b]`: how many values stand in buckets up to `b`.
    Buckets {
        ends: &'a [u16],
        lows: &'a [u8],
    },
    Runs(&'a [[u16; 2]]),
    Bitmap(&'a [u64]),
}

impl View<'_> {
    #[inline]
    pub(super) fn contains(self, low: u16) -> bool {
        match self {
            View::Array(array) => array.binary_search(&low).is_ok(),
            View::Buckets { ends, lows } => {
                let [upper, lower] = low.to_be_bytes();
                memchr::memchr(lower, bucket(ends, lows, usize::from(upper))).is_some()
            }
            View::Runs(runs) => {
                let after = runs.partition_point(|[first, _]| *first <= low);
                after > 0 && low <= runs[after - 1][1]
            }
            View::Bitmap(bitmap) => bitmap[usize::from(low >> 6)] & 1 << (low & 63) != 0,
        }
    }

    pub(super) fn len(self) -> usize {
        match self {
            View::Array(array) => array.len(),
            View::Buckets { lows, .. } => lows.len(),
            View::Runs(runs) => runs.iter().map(|[first, last]| usize::from(last - first) + 1).sum(),
            View::Bitmap(bitmap) => bitmap.iter().map(|word| word.count_ones() as usize).sum(),
        }
    }

    /// The value at `index`, which is less than [`View::len`], in ascending order.
    pub(super) fn nth(self, mut index: usize) -> Option<u16> {
        match self {
            View::Array(array) => array.get(index).copied(),
            View::Buckets { ends, lows } => {
                let upper = ends.partition_point(|end| usize::from(*end) <= index);
                Some(u16::from_be_bytes([u8::try_from(upper).ok()?, *lows.get(index)?]))
            }
            View::Runs(runs) => runs.iter().find_map(|[first, last]| {
                let run = usize::from(last - first) + 1;
                if index < run {
                    return u16::try_from(usize::from(*first) + index).ok();
                }
                index -= run;
                None
            }),
            View::Bitmap(bitmap) => nth_bit(bitmap, index),
        }
    }

    /// Appends all values, ascending.
    pub(super) fn write_to(self, out: &mut Vec<u16>) {
        match self {
            View::Array(array) => out.extend_from_slice(array),
            View::Buckets { ends, lows } => {
                for upper in 0..=u8::MAX {
                    let bucket = bucket(ends, lows, usize::from(upper)).iter();
                    out.extend(bucket.map(|lower| u16::from_be_bytes([upper, *lower])));
                }
            }
            View::Runs(runs) => out.extend(runs.iter().flat_map(|[first, last]| *first..=*last)),
            View::Bitmap(bitmap) => {
                for (base, word) in (0..=u16::MAX).step_by(64).zip(bitmap) {
                    out.extend((0..64).filter(|bit| word & 1 << bit != 0).map(|bit| base + bit));
                }
            }
        }
    }
}

/// Writes values, ascending, without duplicates and at least one, in the smallest form; the form and its items.
pub(super) fn encode(lows: &[u16], out: &mut Vec<u64>) -> (Form, usize) {
    let runs = lows.windows(2).filter(|pair| u32::from(pair[0]) + 1 != u32::from(pair[1])).count() + 1;
    let form = smallest(lows.len(), runs);
    let start = out.len();
    let items = if form == Form::Runs { runs } else { lows.len() };
    out.resize(start + words(form, items), 0);
    let space = &mut out[start..];
    match form {
        Form::Array => bytemuck::cast_slice_mut(space)[..lows.len()].copy_from_slice(lows),
        Form::Buckets => {
            let (ends, bytes) = space.split_at_mut(BUCKET_WORDS);
            let ends: &mut [u16] = bytemuck::cast_slice_mut(ends);
            let bytes: &mut [u8] = bytemuck::cast_slice_mut(bytes);
            let mut rest = lows;
            for (upper, end) in (0u8..=u8::MAX).zip(ends) {
                let ended = rest.iter().position(|low| low.to_be_bytes()[0] != upper).unwrap_or(rest.len());
                rest = &rest[ended..];
                *end = u16::try_from(lows.len() - rest.len()).expect("fewer values than a bitmap is worth");
            }
            for (byte, low) in bytes.iter_mut().zip(lows) {
                *byte = low.to_be_bytes()[1];
            }
        }
        Form::Runs => {
            let pairs: &mut [u16] = bytemuck::cast_slice_mut(space);
            let found = lows.chunk_by(|one, next| u32::from(*one) + 1 == u32::from(*next));
            for (pair, run) in pairs.as_chunks_mut().0.iter_mut().zip(found) {
                *pair = [run[0], run[run.len() - 1]];
            }
        }
        Form::Bitmap => {
            for low in lows {
                space[usize::from(low >> 6)] |= 1 << (low & 63);
            }
        }
    }
    (form, items)
}

#[inline]
fn bucket<'a>(ends: &[u16], lows: &'a [u8], upper: usize) -> &'a [u8] {
    let start = upper.checked_sub(1).map_or(0, |before| ends[before]);
    &lows[usize::from(start)..usize::from(ends[upper])]
}

pub(super) fn smallest(values: usize, runs: usize) -> Form {
    // The simpler form where two are of one size.
    [(Form::Runs, runs), (Form::Array, values), (Form::Buckets, values), (Form::Bitmap, values)]
        .into_iter()
        .min_by_key(|(form, items)| words(*form, *items))
        .map_or(Form::Bitmap, |(form, _)| form)
}

const fn words(form: Form, items: usize) -> usize {
    match form {
        Form::Array => items.div_ceil(4),
        Form::Buckets => BUCKET_WORDS + items.div_ceil(8),
        Form::Runs => items.div_ceil(2),
        Form::Bitmap => BITMAP_WORDS,
    }
}

fn nth_bit(bitmap: &[u64], mut index: usize) -> Option<u16> {
    for (at, word) in bitmap.iter().enumerate() {
        let ones = word.count_ones() as usize;
        if index < ones {
            let mut word = *word;
            for _ in 0..index {
                word &= word - 1;
            }
            return u16::try_from(at * 64 + word.trailing_zeros() as usize).ok();
        }
        index -= ones;
    }
    None
}

/// Room for 65,536.
const ITEM_BITS: u32 = 30;
/// All values there are.
const VALUES: usize = 1 << 16;
/// A bit for each of them.
pub(super) const BITMAP_WORDS: usize = VALUES / 64;
/// 256 counts of 16 bits.
const BUCKET_WORDS: usize = 64;
