//! What is shown of each list. Labels name lists, never what is in them.

use crate::admin::{MetricFamily, MetricKind};
use crate::app::read::Read;
use crate::app::status;
use crate::config::Origin;
use crate::lists::List;
use crate::screen::World;
use crate::time::WallTime;

pub(in crate::app) fn families(world: &World, read: &Read, now: WallTime) -> Vec<MetricFamily> {
    let of_lists = |name: &str, help: &str, value: &dyn Fn(&List) -> Option<u64>| MetricFamily {
        name: format!("ringfence_list_{name}"),
        help: help.into(),
        kind: MetricKind::Gauge,
        samples: world
            .lists
            .iter()
            .filter_map(|(_, list)| value(list).map(|value| super::sample("list", list.name(), value)))
            .collect(),
    };
    let origin = |list: &List| read.origins.get(list.name());
    let waits = |list: &List| read.waiting().any(|(waiting, _)| waiting == list.name());
    let told = |list: &List| origin(list).into_iter().flat_map(|origin| &origin.told);
    vec![
        of_lists("entries", "Entries of a list, edits included", &|list| Some(list.len())),
        of_lists("edits", "Entries of a list that were edited", &|list| Some(list.edits())),
        of_lists("edits_not_folded", "Edits that lie over the base of a list", &|list| Some(list.unfolded())),
        of_lists("age_seconds", "Seconds since the newest file in force was written", &|list| {
            origin(list).and_then(|origin| age(origin, now))
        }),
        of_lists("stale", "1 if the files of a list are older than max_age", &|list| {
            Some(u64::from(list.is_stale(now)))
        }),
        of_lists("waiting", "1 if a large change of a list waits to be confirmed", &|list| {
            Some(u64::from(waits(list)))
        }),
        of_lists("alarm", "1 if a list is not what its files say, or no snapshot of it is kept", &|list| {
            Some(u64::from(origin(list).and_then(status::alarm).is_some()))
        }),
        of_lists("rows_skipped", "Rows left out when the files of a list were last read", &|list| {
            Some(told(list).map(|file| file.skipped.total).sum())
        }),
        of_lists("numbers_guessed", "Numbers of a list's files that the dial plan could not place", &|list| {
            Some(told(list).map(|file| file.guessed).sum())
        }),
    ]
}

/// `None` for a list without files.
fn age(origin: &Origin, now: WallTime) -> Option<u64> {
    let newest = origin.record.files.iter().map(|file| file.stamp.modified).max()?;
    Some(now.since(newest).as_secs())
}
