//! What became of calls: that from which the ratios of telephony are made.

use super::{Histogram, HistogramValues, MICROSECOND, Tally, TrunkCounters};

/// The calls of a trunk one way: of those that came from it, or of those that went to it. Calls that screening refuses are
/// in neither.
#[derive(Debug, Default)]
pub struct CallCounters {
    /// Calls that were sent to a target: seizures.
    pub seizures: Tally,
    /// Of those, answered with a 2xx that was passed on.
    pub answered: Tally,
    /// From the 2xx to BYE, or until they were closed for want of one.
    pub durations: Histogram<MICROSECOND>,
}

/// What the calls to a trunk come to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CallQuality {
    seizures: u64,
    answered: u64,
    durations: HistogramValues<MICROSECOND>,
    delays: HistogramValues,
}

impl CallQuality {
    /// With those that another shard has counted.
    pub fn plus(&self, counters: &TrunkCounters) -> CallQuality {
        let CallCounters { seizures, answered, durations } = &counters.calls_to;
        CallQuality {
            seizures: self.seizures + seizures.get(),
            answered: self.answered + answered.get(),
            durations: self.durations.plus(&durations.values()),
            delays: self.delays.plus(&counters.post_dial_delay.values()),
        }
    }

    /// Answer-seizure ratio (ITU-T E.411), 0 to 1; `None` where there was no call.
    pub fn answer_ratio(&self) -> Option<f64> {
        (self.seizures > 0).then(|| self.answered as f64 / self.seizures as f64)
    }

    /// Mean duration of the calls that are over, in seconds; `None` where there is none.
    pub fn mean_duration(&self) -> Option<f64> {
        self.durations.mean_seconds()
    }

    /// Mean post-dial delay, in seconds; `None` where nothing rang or was answered.
    pub fn mean_delay(&self) -> Option<f64> {
        self.delays.mean_seconds()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn ratios_are_those_of_all_shards_together_and_of_nothing_there_are_none() {
        let shard = |seizures, answered, seconds| {
            let counters = TrunkCounters::default();
            counters.calls_to.seizures.add(seizures);
            counters.calls_to.answered.add(answered);
            counters.calls_to.durations.add(Duration::from_secs(seconds));
            counters.post_dial_delay.add(Duration::from_millis(seconds));
            counters
        };
        let nothing = CallQuality::default();
        assert_eq!((nothing.answer_ratio(), nothing.mean_duration(), nothing.mean_delay()), (None, None, None));
        let both = nothing.plus(&shard(3, 1, 100)).plus(&shard(1, 1, 300));
        assert_eq!((both.answer_ratio(), both.mean_duration(), both.mean_delay()), (Some(0.5), Some(200.0), Some(0.2)));
    }
}
