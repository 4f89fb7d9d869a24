//! [`NumberSet`]: a frozen set of numbers, made for look-ups.

use crate::number::Number;

/// An immutable set of numbers: a directory by `number >> 16` to containers of the low 16 bits.
///
/// Each container takes whichever form is smallest: a sorted array, a bitmap, or runs. A look-up is one search of the
/// directory and one of a container, and allocates nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NumberSet {
    /// Sorted; `containers[i]` holds the numbers whose high part is `highs[i]`.
    highs: Box<[u64]>,
    containers: Box<[Container]>,
    /// Arrays and runs of all containers.
    shorts: Box<[u16]>,
    /// Bitmaps of all containers, 1024 words each.
    words: Box<[u64]>,
    len: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Container {
    /// How many numbers stand in the containers before this one.
    before: u64,
    /// Where its data begins in `shorts` or `words`.
    start: usize,
    /// Numbers of an array, or runs; unused for a bitmap.
    items: u32,
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `items` sorted values.
    Array,
    /// One bit for each of 65,536 values.
    Bitmap,
    /// `items` pairs of first and last value, sorted and apart.
    Runs,
}

impl NumberSet {
    /// From numbers in any order, duplicates allowed.
    pub fn from_unsorted(mut numbers: Vec<u64>) -> NumberSet {
        numbers.sort_unstable();
        numbers.dedup();
        NumberSet::from_sorted(&numbers)
    }

    /// How many numbers.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether `number` is one of them.
    pub fn contains(&self, number: Number) -> bool {
        let (high, low) = split(number.get());
        let Some(at) = self.place(high) else { return false };
        let container = &self.containers[at];
        match container.form {
            Form::Array => self.shorts(container).binary_search(&low).is_ok(),
            Form::Bitmap => self.bitmap(container)[usize::from(low >> 6)] & 1 << (low & 63) != 0,
            Form::Runs => {
                let runs = self.runs(container);
                let after = runs.partition_point(|[first, _]| *first <= low);
                after > 0 && low <= runs[after - 1][1]
            }
        }
    }

    /// Which container holds the numbers of a high part. The numbers of one country leave few gaps: without a gap the
    /// distance from the first is the place, and nothing need be searched.
    fn place(&self, high: u64) -> Option<usize> {
        let (first, last) = (*self.highs.first()?, *self.highs.last()?);
        if high < first || high > last {
            return None;
        }
        if last - first == self.highs.len() as u64 - 1 {
            return usize::try_from(high - first).ok();
        }
        self.highs.binary_search(&high).ok()
    }

    /// The number at `index` in ascending order, from 0.
    pub fn nth(&self, index: u64) -> Option<Number> {
        if index >= self.len {
            return None;
        }
        let at = self.containers.partition_point(|container| container.before <= index) - 1;
        let container = &self.containers[at];
        let mut left = index - container.before;
        let low = match container.form {
            Form::Array => self.shorts(container)[usize::try_from(left).ok()?],
            Form::Bitmap => nth_bit(self.bitmap(container), left)?,
            Form::Runs => self.runs(container).iter().find_map(|[first, last]| {
                let run = u64::from(last - first) + 1;
                if left < run {
                    return u16::try_from(u64::from(*first) + left).ok();
                }
                left -= run;
                None
            })?,
        };
        Number::new(self.highs[at] << 16 | u64::from(low))
    }

    /// The numbers from `first` on, ascending.
    pub fn iter_from(&self, first: u64) -> impl Iterator<Item = Number> + '_ {
        let (high, low) = split(first);
        let start = self.highs.partition_point(|own| *own < high);
        (start..self.highs.len())
            .flat_map(move |at| {
                let own = self.highs[at];
                self.lows(at, if own == high { low } else { 0 }).map(move |low| own << 16 | u64::from(low))
            })
            .filter_map(Number::new)
    }

    /// All numbers, ascending.
    pub fn iter(&self) -> impl Iterator<Item = Number> + '_ {
        self.iter_from(0)
    }

    /// `numbers` ascending and without duplicates, as all callers have them.
    fn from_sorted(numbers: &[u64]) -> NumberSet {
        let (mut highs, mut containers, mut shorts, mut words) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut before = 0;
        let mut lows: Vec<u16> = Vec::new();
        for chunk in numbers.chunk_by(|one, next| one >> 16 == next >> 16) {
            lows.clear();
            lows.extend(chunk.iter().map(|number| split(*number).1));
            let runs = lows.chunk_by(|one, next| u32::from(*one) + 1 == u32::from(*next));
            let run_count = runs.clone().count();
            let form = smallest(lows.len(), run_count);
            let start = if form == Form::Bitmap { words.len() } else { shorts.len() };
            let items = match form {
                Form::Array => {
                    shorts.extend_from_slice(&lows);
                    lows.len()
                }
                Form::Runs => {
                    shorts.extend(runs.flat_map(|run| [run[0], run[run.len() - 1]]));
                    run_count
                }
                Form::Bitmap => {
                    words.resize(start + BITMAP_WORDS, 0u64);
                    for low in &lows {
                        words[start + usize::from(low >> 6)] |= 1 << (low & 63);
                    }
                    0
                }
            };
            highs.push(chunk[0] >> 16);
            let items = u32::try_from(items).expect("a container holds at most 65,536 numbers");
            containers.push(Container { before, start, items, form });
            before += chunk.len() as u64;
        }
        NumberSet {
            highs: highs.into(),
            containers: containers.into(),
            shorts: shorts.into(),
            words: words.into(),
            len: before,
        }
    }

    /// The low parts of container `at`, from `first` on.
    fn lows(&self, at: usize, first: u16) -> Box<dyn Iterator<Item = u16> + '_> {
        let container = &self.containers[at];
        match container.form {
            Form::Array => {
                let array = self.shorts(container);
                Box::new(array[array.partition_point(|low| *low < first)..].iter().copied())
            }
            Form::Bitmap => {
                let bitmap = self.bitmap(container);
                Box::new((first..=u16::MAX).filter(move |low| bitmap[usize::from(low >> 6)] & 1 << (low & 63) != 0))
            }
            Form::Runs => {
                let runs = self.runs(container);
                let start = runs.partition_point(|[_, last]| *last < first);
                Box::new(runs[start..].iter().flat_map(move |[low, high]| (*low).max(first)..=*high))
            }
        }
    }

    fn shorts(&self, container: &Container) -> &[u16] {
        &self.shorts[container.start..container.start + container.items as usize]
    }

    fn runs(&self, container: &Container) -> &[[u16; 2]] {
        self.shorts[container.start..container.start + 2 * container.items as usize].as_chunks().0
    }

    fn bitmap(&self, container: &Container) -> &[u64] {
        &self.words[container.start..container.start + BITMAP_WORDS]
    }
}

fn split(number: u64) -> (u64, u16) {
    (number >> 16, (number & 0xffff) as u16)
}

fn smallest(numbers: usize, runs: usize) -> Form {
    let (array, runs, bitmap) = (2 * numbers, 4 * runs, 8 * BITMAP_WORDS);
    if runs < array && runs < bitmap {
        Form::Runs
    } else if array <= bitmap {
        Form::Array
    } else {
        Form::Bitmap
    }
}

fn nth_bit(bitmap: &[u64], mut index: u64) -> Option<u16> {
    for (at, word) in bitmap.iter().enumerate() {
        let ones = u64::from(word.count_ones());
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

/// 65,536 bits.
const BITMAP_WORDS: usize = 1024;

#[cfg(test)]
mod tests;
