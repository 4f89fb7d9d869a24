//! Sets made of other sets.

use super::NumberSet;
use super::arena::ArenaBuilder;
use super::builder::packed;
use super::container::Slot;

impl NumberSet {
    /// These numbers without `removed` and with `added`. Costs what is changed: all other containers are shared.
    pub(in crate::lists) fn changed(&self, added: &NumberSet, removed: &NumberSet) -> NumberSet {
        let mut arena = ArenaBuilder::after(&self.arena);
        let mut containers = Vec::new();
        let (mut lows, mut gone, mut came, mut merged) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (high, [own, less, more]) in side_by_side([self, removed, added]) {
            if less.is_none() && more.is_none() {
                containers.extend(own.map(|slot| (high, slot, self.count(slot))));
                continue;
            }
            for (set, slot, out) in [(self, own, &mut lows), (removed, less, &mut gone), (added, more, &mut came)] {
                out.clear();
                slot.inspect(|slot| set.lows(*slot, out));
            }
            merged.clear();
            merge(&lows, &gone, &came, &mut merged);
            if !merged.is_empty() {
                containers.push(packed(&mut arena, high, &merged));
            }
        }
        NumberSet::of(&containers, arena.finish())
    }

    /// How many numbers only this set has, and how many only `other` has.
    pub(in crate::lists) fn differences(&self, other: &NumberSet) -> (u64, u64) {
        let (mut only_own, mut only_other) = (0, 0);
        let (mut lows, mut others) = (Vec::new(), Vec::new());
        for (_, [own, theirs]) in side_by_side([self, other]) {
            if let (Some(own), Some(theirs)) = (own, theirs)
                && own.shape() == theirs.shape()
                && self.data(own) == other.data(theirs)
            {
                continue;
            }
            lows.clear();
            others.clear();
            own.inspect(|slot| self.lows(*slot, &mut lows));
            theirs.inspect(|slot| other.lows(*slot, &mut others));
            let both = lows.iter().filter(|low| others.binary_search(low).is_ok()).count();
            only_own += (lows.len() - both) as u64;
            only_other += (others.len() - both) as u64;
        }
        (only_own, only_other)
    }

    fn count(&self, slot: Slot) -> usize {
        slot.view(self.arena.from(slot.place)).len()
    }
}

/// Appends `lows` without `gone` and with `came`; all ascending. What lies between two changes is copied as it is.
fn merge(mut lows: &[u16], gone: &[u16], came: &[u16], out: &mut Vec<u16>) {
    let (mut gone, mut came) = (gone.iter().peekable(), came.iter().peekable());
    loop {
        let next = match (gone.peek(), came.peek()) {
            (Some(gone), Some(came)) => **gone.min(came),
            (Some(gone), None) => **gone,
            (None, Some(came)) => **came,
            (None, None) => break,
        };
        let (before, rest) = lows.split_at(lows.partition_point(|low| *low < next));
        out.extend_from_slice(before);
        lows = rest.strip_prefix(&[next]).unwrap_or(rest);
        let stays = rest.len() > lows.len() && gone.peek() != Some(&&next);
        let comes = came.next_if(|new| **new == next).is_some();
        gone.next_if(|old| **old == next);
        if stays || comes {
            out.push(next);
        }
    }
    out.extend_from_slice(lows);
}

/// The high parts of any of the sets, ascending, with the container that each has for it.
fn side_by_side<const N: usize>(sets: [&NumberSet; N]) -> impl Iterator<Item = (u64, [Option<Slot>; N])> {
    let mut own = sets.map(|set| set.directory.iter().peekable());
    std::iter::from_fn(move || {
        let high = own.iter_mut().filter_map(|containers| containers.peek().map(|(high, _)| *high)).min()?;
        let slots = std::array::from_fn(|at| own[at].next_if(|(own, _)| *own == high).map(|(_, slot)| slot));
        Some((high, slots))
    })
}
