//! What is counted of campaigns.

use std::sync::Arc;

use super::labelled;
use crate::admin::{MetricFamily, MetricKind};
use crate::counters::{CampaignTotals, EngineCounters};
use crate::screen::Ground;

type Samples = Vec<(Vec<(&'static str, String)>, u64)>;

pub(in crate::app) fn families(shards: &[Arc<EngineCounters>]) -> [MetricFamily; 4] {
    let [mut judged, mut refused, mut observed, mut answers]: [Samples; 4] = Default::default();
    for (campaign, totals) in CampaignTotals::of(shards) {
        let labels = |label: Option<(&'static str, String)>| {
            [Some(("campaign", campaign.to_string())), label].into_iter().flatten().collect::<Vec<_>>()
        };
        judged.push((labels(None), totals.judged));
        for (samples, counts) in [(&mut refused, totals.grounds), (&mut observed, totals.observed)] {
            let by_ground = Ground::ALL.iter().zip(counts).filter(|(_, count)| *count > 0);
            samples.extend(by_ground.map(|(ground, count)| (labels(Some(("ground", ground.as_str().into()))), count)));
        }
        answers.extend(totals.answers.iter().map(|(code, count)| (labels(Some(("code", code.to_string()))), *count)));
    }
    let counter = |name, help, samples: Samples| labelled(name, help, MetricKind::Counter, samples);
    [
        counter("campaign_judged", "Calls that a campaign has judged", judged),
        counter("campaign_refused", "Calls that a campaign has refused, by ground", refused),
        counter(
            "campaign_observed",
            "Calls that a campaign which only observes would have refused, by ground",
            observed,
        ),
        counter("campaign_answers", "Final answers to the calls of a campaign that went on", answers),
    ]
}
