//! What becomes of the calls of campaigns.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Codes, EngineCounters, GROUNDS, Tally};

/// What one shard counts of one campaign.
#[derive(Debug, Default)]
pub struct CampaignCounters {
    /// Calls that the campaign has judged.
    pub judged: Tally,
    /// Those that it refused: declined, redirected or dropped.
    pub refused: Tally,
    /// The same by the number of the ground, where there is one.
    pub grounds: [Tally; GROUNDS],
    /// Those that it would have refused, had it not only observed.
    pub observed: [Tally; GROUNDS],
    /// Final answers to those that went on.
    pub answers: Codes,
}

/// The same over all shards.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CampaignTotals {
    /// Calls that the campaign has judged.
    pub judged: u64,
    /// Those that it refused.
    pub refused: u64,
    /// The same by the number of the ground, where there is one.
    pub grounds: [u64; GROUNDS],
    /// Those that it refused because of a list, by the list's name.
    pub by_list: BTreeMap<Arc<str>, u64>,
    /// Those that it would have refused, had it not only observed.
    pub observed: [u64; GROUNDS],
    /// Final answers to those that went on, by code.
    pub answers: BTreeMap<u16, u64>,
}

impl CampaignTotals {
    /// Of all campaigns that ever judged a call, by name.
    pub fn of(shards: &[Arc<EngineCounters>]) -> BTreeMap<Arc<str>, CampaignTotals> {
        let mut totals: BTreeMap<Arc<str>, CampaignTotals> = BTreeMap::new();
        for shard in shards {
            for (name, counters) in shard.campaigns.all() {
                totals.entry(name).or_default().add(&counters);
            }
            for ((rule, list), counters) in shard.verdicts.all() {
                let refused = counters.refused_callees.get();
                if let Some(total) = totals.get_mut(&rule).filter(|_| refused > 0) {
                    *total.by_list.entry(list).or_default() += refused;
                }
            }
        }
        totals
    }

    /// Calls that the campaign has not refused.
    pub fn passed(&self) -> u64 {
        self.judged.saturating_sub(self.refused)
    }

    fn add(&mut self, counters: &CampaignCounters) {
        self.judged += counters.judged.get();
        self.refused += counters.refused.get();
        let both = [(&mut self.grounds, &counters.grounds), (&mut self.observed, &counters.observed)];
        for (totals, counts) in both {
            totals.iter_mut().zip(counts).for_each(|(total, count)| *total += count.get());
        }
        for (status, count) in counters.answers.all() {
            *self.answers.entry(status).or_default() += count;
        }
    }
}
