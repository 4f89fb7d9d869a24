//! [`Intervals`]: which of many overlapping intervals hold a point.

/// Frozen intervals `first..=last`, flattened to disjoint segments that each name their narrowest interval.
///
/// The narrowest is one look into a table of places and a short search away. The wider ones, wanted only when the narrowest has expired or was removed,
/// are found by walking back from the point.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Intervals {
    /// Sorted by first, then last; with the caller's key.
    spans: Box<[Span]>,
    /// `reach[i]`: the highest last of `spans[..=i]`.
    reach: Box<[u64]>,
    /// Sorted; each ends before the next one begins.
    segments: Box<[Segment]>,
    places: Places,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Segment {
    start: u64,
    /// The key of the narrowest span; [`NONE`] in gaps.
    key: u32,
}

/// How many segments begin before each of evenly spaced points: between two of them there are few to search.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Places {
    first: u64,
    shift: u32,
    before: Box<[u32]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) key: u32,
}

impl Span {
    /// Narrower first; of equally wide ones the lower, of equal ones the lower key.
    pub(super) fn rank(self) -> (u64, u64, u32) {
        (self.last - self.first, self.first, self.key)
    }
}

impl Intervals {
    pub(super) fn new(mut spans: Vec<Span>) -> Intervals {
        spans.sort_unstable();
        let mut highest = 0;
        let reach = spans.iter().map(|span| {
            highest = span.last.max(highest);
            highest
        });
        let reach = reach.collect();
        let segments = flatten(&spans);
        let places = Places::new(&segments);
        Intervals { spans: spans.into(), reach, segments: segments.into(), places }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The key of the narrowest interval that holds `point`.
    pub(super) fn narrowest(&self, point: u64) -> Option<u32> {
        let within = self.places.around(point)?;
        let after = within.start + self.segments[within].partition_point(|segment| segment.start <= point);
        let segment = self.segments[after.checked_sub(1)?];
        (segment.key != NONE).then_some(segment.key)
    }

    /// The narrowest interval that holds `point` and whose key `accept` takes.
    pub(super) fn narrowest_of(&self, point: u64, accept: impl Fn(u32) -> bool) -> Option<u32> {
        let first = self.narrowest(point)?;
        if accept(first) {
            return Some(first);
        }
        let after = self.spans.partition_point(|span| span.first <= point);
        let holding = (0..after).rev().take_while(|at| self.reach[*at] >= point).map(|at| self.spans[at]);
        holding
            .filter(|span| span.last >= point && accept(span.key))
            .min_by_key(|span| span.rank())
            .map(|span| span.key)
    }
}

/// Overlapping and touching spans as one; `spans` sorted by their first.
pub(super) fn merge(spans: impl Iterator<Item = (u64, u64)>) -> Vec<(u64, u64)> {
    let mut merged: Vec<(u64, u64)> = Vec::new();
    for (first, last) in spans {
        match merged.last_mut() {
            Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
            _ => merged.push((first, last)),
        }
    }
    merged
}

/// Sweeps over all ends: at each, the narrowest span that is open.
fn flatten(spans: &[Span]) -> Vec<Segment> {
    let mut ends: Vec<(u64, bool, u32)> = Vec::with_capacity(2 * spans.len());
    for (at, span) in (0u32..).zip(spans) {
        ends.push((span.first, true, at));
        ends.push((span.last.saturating_add(1), false, at));
    }
    ends.sort_unstable();
    let mut open = std::collections::BTreeSet::new();
    let mut segments: Vec<Segment> = Vec::new();
    for same_point in ends.chunk_by(|one, next| one.0 == next.0) {
        for (_, opens, at) in same_point {
            let ranked = spans[*at as usize].rank();
            if *opens {
                open.insert(ranked);
            } else {
                open.remove(&ranked);
            }
        }
        let key = open.first().map_or(NONE, |(.., key)| *key);
        if segments.last().is_none_or(|last| last.key != key) {
            segments.push(Segment { start: same_point[0].0, key });
        }
    }
    segments
}

impl Places {
    fn new(segments: &[Segment]) -> Places {
        let (Some(first), Some(last)) = (segments.first(), segments.last()) else { return Places::default() };
        let (first, width) = (first.start, last.start - first.start);
        // As many points as segments, or up to twice as many.
        let wanted = u64::BITS - (width / segments.len() as u64).leading_zeros();
        let shift = wanted.saturating_sub(1);
        let mut before = Vec::new();
        for (at, segment) in (0u32..).zip(segments) {
            let point = usize::try_from((segment.start - first) >> shift).expect("a few times as many as segments");
            before.resize(before.len().max(point + 1), at);
        }
        before.push(u32::try_from(segments.len()).expect("keys of intervals have 32 bits"));
        Places { first, shift, before: before.into() }
    }

    /// The segments that begin behind the last even point before `point` and up to the next one, and the one before
    /// them; `None` when all begin behind `point`.
    fn around(&self, point: u64) -> Option<std::ops::Range<usize>> {
        let at = usize::try_from(point.checked_sub(self.first)? >> self.shift).unwrap_or(usize::MAX);
        let last = self.before.len().checked_sub(1)?;
        let (at, next) = (at.min(last), at.saturating_add(1).min(last));
        Some((self.before[at] as usize).saturating_sub(1)..self.before[next] as usize)
    }
}

const NONE: u32 = u32::MAX;

#[cfg(test)]
mod tests;
