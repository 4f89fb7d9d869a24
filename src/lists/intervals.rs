//! [`Intervals`]: which of many overlapping intervals hold a point.

/// Frozen intervals `first..=last`, flattened to disjoint segments that each name their narrowest interval.
///
/// The narrowest is one binary search away. The wider ones, wanted only when the narrowest has expired or was removed,
/// are found by walking back from the point.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Intervals {
    /// Sorted by first, then last; with the caller's key.
    spans: Box<[Span]>,
    /// `reach[i]`: the highest last of `spans[..=i]`.
    reach: Box<[u64]>,
    /// Where each segment begins, sorted; it ends before the next one.
    starts: Box<[u64]>,
    /// The narrowest span of each segment, an index of `spans`; [`NONE`] in gaps.
    narrowest: Box<[u32]>,
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
        let (starts, narrowest) = flatten(&spans);
        Intervals { spans: spans.into(), reach, starts: starts.into(), narrowest: narrowest.into() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The key of the narrowest interval that holds `point`.
    pub(super) fn narrowest(&self, point: u64) -> Option<u32> {
        let after = self.starts.partition_point(|start| *start <= point);
        match self.narrowest[after.checked_sub(1)?] {
            NONE => None,
            span => Some(self.spans[span as usize].key),
        }
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
fn flatten(spans: &[Span]) -> (Vec<u64>, Vec<u32>) {
    let mut ends: Vec<(u64, bool, u32)> = Vec::with_capacity(2 * spans.len());
    for (at, span) in (0u32..).zip(spans) {
        ends.push((span.first, true, at));
        ends.push((span.last.saturating_add(1), false, at));
    }
    ends.sort_unstable();
    let mut open = std::collections::BTreeSet::new();
    let (mut starts, mut narrowest) = (Vec::new(), Vec::new());
    for same_point in ends.chunk_by(|one, next| one.0 == next.0) {
        for (_, opens, at) in same_point {
            let ranked = (spans[*at as usize].rank(), *at);
            if *opens {
                open.insert(ranked);
            } else {
                open.remove(&ranked);
            }
        }
        let now = open.first().map_or(NONE, |(_, at)| *at);
        if narrowest.last() != Some(&now) {
            starts.push(same_point[0].0);
            narrowest.push(now);
        }
    }
    (starts, narrowest)
}

const NONE: u32 = u32::MAX;

#[cfg(test)]
mod tests;
