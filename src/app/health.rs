//! Whether each part works.

use super::live::{Live, wall_time};
use crate::admin::HealthDetail;
use crate::config::SourceNotice;

pub(super) fn details(live: &Live) -> Vec<HealthDetail> {
    let detail = |name, trouble: Option<String>| HealthDetail {
        name,
        ok: trouble.is_none(),
        detail: trouble.unwrap_or_else(|| "works".to_owned()),
    };
    let edits = if live.edits.is_stopped() {
        Some("no edit can be stored: the store is closed".to_owned())
    } else {
        live.edits.is_failing().then(|| "the last edit could not be stored".to_owned())
    };
    let records = live.counts.records.is_failing().then(|| "the last records could not be written".to_owned());
    let is_draining = live.counts.sip.engines.iter().any(|counters| counters.draining.get() > 0);
    let calls = is_draining.then(|| "draining: new calls are refused".to_owned());
    vec![detail("calls", calls), detail("edits", edits), detail("records", records), lists(live)]
}

/// A list that is not what its files say is trouble. One that is old or waits works as it was told to: if each node
/// took itself out of service for that, no call would be screened by any.
fn lists(live: &Live) -> HealthDetail {
    let (world, read, now) = (live.worlds.load(), live.read(), wall_time());
    let (mut alarms, mut notes) = (Vec::new(), Vec::new());
    for (_, list) in world.lists.iter() {
        let name = list.name();
        if let Some(origin) = read.origins.get(name) {
            // What is wrong with rows is not for everybody who may ask for health.
            let fallback = origin.notices.iter().any(|notice| matches!(notice, SourceNotice::Fallback(_)));
            alarms.extend(fallback.then(|| format!("\"{name}\" is not what its files say")));
            let unkept = origin.notices.iter().any(|notice| matches!(notice, SourceNotice::NoSnapshot(_)));
            notes.extend(unkept.then(|| format!("\"{name}\" has no snapshot")));
        }
        if list.is_stale(now) {
            notes.push(format!("\"{name}\" is older than max_age"));
        }
        if read.waiting().any(|(waiting, _)| waiting == name) {
            notes.push(format!("\"{name}\" waits for a large change to be confirmed"));
        }
    }
    if !live.failed().is_empty() {
        notes.push("the last reload failed, and what was in force stays".to_owned());
    }
    let ok = alarms.is_empty();
    alarms.extend(notes);
    let detail = if alarms.is_empty() { "works".to_owned() } else { alarms.join("; ") };
    HealthDetail { name: "lists", ok, detail }
}
