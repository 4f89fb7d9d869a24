//! How often something happened lately: a ring of buckets, each a whole step of UTC.

use std::io::{self, Read};

use super::saved::read_array;

/// Counts of the last `N` steps of time, the present one included. A step is numbered from 1970 on, so that midnight and
/// daylight saving time are nothing to it.
///
/// The clock may be set. Set forward, it ages what was counted. Set back by less than the ring is long, time stands still
/// here until the clock is where it was: counts stay a little longer. Set back by more, as it is when it had jumped far
/// ahead before, what was counted in that future is forgotten: it would else count until the clock comes there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window<const N: usize> {
    /// By step modulo `N`. A count stays at its greatest: 65,535 in a step is more than any limit can be.
    counts: [u16; N],
    /// The latest step that was counted in.
    newest: u32,
}

impl<const N: usize> Default for Window<N> {
    fn default() -> Window<N> {
        Window { counts: [0; N], newest: 0 }
    }
}

impl<const N: usize> Window<N> {
    /// Counts one; in which step.
    pub(super) fn add(&mut self, step: u32) -> u32 {
        match self.age(step) {
            Some(_) if step <= self.newest => {}
            Some(_) => {
                (self.newest + 1..=step).take(N).for_each(|passed| self.counts[place::<N>(passed)] = 0);
                self.newest = step;
            }
            None => *self = Window { newest: step, ..Window::default() },
        }
        let count = &mut self.counts[place::<N>(self.newest)];
        *count = count.saturating_add(1);
        self.newest
    }

    /// Takes one back that [`Window::add`] counted in this step; nothing where that is no more known.
    pub(super) fn take_back(&mut self, step: u32) {
        if self.newest.checked_sub(step).is_some_and(|age| (age as usize) < N) {
            let count = &mut self.counts[place::<N>(step)];
            *count = count.saturating_sub(1);
        }
    }

    /// How many there were in the last `N` steps.
    pub(super) fn sum(&self, step: u32) -> u32 {
        let Some(age) = self.age(step) else { return 0 };
        let oldest_first = (self.newest + 1..).take(N).map(|at| u32::from(self.counts[place::<N>(at)]));
        oldest_first.skip(age).sum()
    }

    /// Adds its bytes: the latest step, then the counts by place.
    pub(super) fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.newest.to_le_bytes());
        self.counts.iter().for_each(|count| bytes.extend_from_slice(&count.to_le_bytes()));
    }

    /// Reads them again.
    pub(super) fn decode(input: &mut impl Read) -> io::Result<Window<N>> {
        let newest = u32::from_le_bytes(read_array(input)?);
        let mut counts = [0; N];
        for count in &mut counts {
            *count = u16::from_le_bytes(read_array(input)?);
        }
        Ok(Window { counts, newest })
    }

    /// By how many steps the newest one has passed; `None` where it lies too far ahead to be believed.
    fn age(&self, step: u32) -> Option<usize> {
        let ahead = self.newest.saturating_sub(step) as usize;
        (ahead < N).then_some(step.saturating_sub(self.newest) as usize)
    }
}

fn place<const N: usize>(step: u32) -> usize {
    step as usize % N
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FAR: u32 = 1_000_000;

    #[test]
    fn a_count_goes_when_as_many_steps_have_passed_as_the_ring_has() {
        let mut window = Window::<4>::default();
        window.add(FAR);
        window.add(FAR + 1);
        assert_eq!([0, 1, 3, 4, 5, 9].map(|later| window.sum(FAR + later)), [2, 2, 2, 1, 0, 0]);
    }

    #[test]
    fn a_small_step_back_neither_loses_a_count_nor_holds_it_for_long() {
        let mut window = Window::<4>::default();
        window.add(FAR);
        window.add(FAR - 3);
        assert_eq!([FAR - 3, FAR, FAR + 3, FAR + 4].map(|step| window.sum(step)), [2, 2, 2, 0]);
    }

    #[test]
    fn what_was_counted_in_a_far_future_is_forgotten_once_the_clock_is_right_again() {
        let mut window = Window::<4>::default();
        window.add(FAR);
        window.add(2 * FAR);
        assert_eq!(window.sum(2 * FAR), 1);
        assert_eq!(window.sum(FAR + 1), 0);
        window.add(FAR + 1);
        assert_eq!([FAR + 1, FAR + 5].map(|step| window.sum(step)), [1, 0]);
    }

    #[test]
    fn what_is_taken_back_counts_no_more_and_takes_nothing_else_with_it() {
        let mut window = Window::<4>::default();
        let [first, second] = [FAR, FAR + 1].map(|step| window.add(step));
        window.take_back(first);
        assert_eq!(window.sum(FAR + 1), 1);
        window.add(FAR + 4);
        window.take_back(first);
        assert_eq!(window.sum(FAR + 4), 2, "its step is over");
        window.take_back(second);
        assert_eq!(window.sum(FAR + 4), 1);
        assert_eq!(window.add(FAR + 2), FAR + 4, "counted where time stands still");
    }

    proptest! {
        #[test]
        fn while_time_goes_forward_the_sum_is_that_of_a_list_of_times(
            gaps in prop::collection::vec(0_u32..7, 1..200),
            later in 0_u32..12,
        ) {
            let (mut window, mut times, mut now) = (Window::<5>::default(), Vec::new(), FAR);
            for gap in gaps {
                now += gap;
                window.add(now);
                times.push(now);
                let at = now + later;
                let expected = times.iter().filter(|time| **time + 5 > at).count();
                prop_assert_eq!(window.sum(at) as usize, expected);
            }
        }

        #[test]
        fn however_the_clock_is_set_nothing_counts_for_more_than_two_lengths_of_the_ring(
            steps in prop::collection::vec(FAR - 50..FAR + 50, 1..50),
        ) {
            let mut window = Window::<5>::default();
            for step in steps {
                window.add(step);
                prop_assert!(window.sum(step) >= 1);
                prop_assert_eq!(window.sum(step + 10), 0);
            }
        }
    }
}
