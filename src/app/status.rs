//! What there is to know of a list beside its entries.

use std::sync::atomic::Ordering;

use super::bases::percent;
use super::live::{Live, wall_time};
use crate::admin::{self, ListStatus, Stale, Waiting};
use crate::config::{Origin, SourceNotice};
use crate::lists::Report;

pub(super) fn of(live: &Live, name: &str) -> ListStatus {
    let (world, read) = (live.worlds.load(), live.read());
    let Some(list) = world.lists.get(name) else { return ListStatus::default() };
    let name = list.name();
    let origin = read.origins.get(name);
    let bases = read.bases.get(name).map(Vec::as_slice).unwrap_or_default();
    let told = || origin.into_iter().flat_map(|origin| &origin.told);
    let stale = list.stale_from().filter(|from| *from <= wall_time());
    ListStatus {
        made_at_run_time: origin.is_none_or(|origin| origin.made),
        format: origin.filter(|_| list.source().is_some()).map(|origin| origin.format),
        loaded: read.since.get(name).copied().unwrap_or_default(),
        base: bases.first().cloned(),
        earlier: bases.get(1..).unwrap_or_default().to_vec(),
        imports: read.imports.iter().filter(|import| import.list == *name).cloned().collect(),
        from_snapshot: origin.is_some_and(|origin| origin.from_snapshot && list.source().is_some()),
        reading: live.reading.lists().into_iter().find(|(reading, _)| reading == name).map(|(_, progress)| {
            admin::Reading {
                bytes: progress.bytes.load(Ordering::Relaxed),
                total_bytes: progress.total_bytes.load(Ordering::Relaxed),
                rows: progress.rows.load(Ordering::Relaxed),
            }
        }),
        waiting: origin.and_then(waiting),
        set_aside: read.aside.get(name).copied(),
        stale_from: list.stale_from(),
        stale: stale.map(|since| Stale { since, does: list.when_stale() }),
        alarm: origin.and_then(alarm).or_else(|| {
            let file = list.source()?.display().to_string();
            let failed = live.failed();
            let problem = failed.iter().find(|problem| problem.file.as_ref() == Some(&file))?;
            let line = problem.line.map(|line| format!("line {line}: ")).unwrap_or_default();
            Some(format!("the last reload failed: {line}{}", problem.detail))
        }),
        skipped: told().fold(Report::default(), |all, file| all.and(&file.skipped)),
        guessed: told().map(|file| file.guessed).sum(),
        not_utf8: told().map(|file| file.not_utf8).sum(),
    }
}

fn waiting(origin: &Origin) -> Option<Waiting> {
    origin.notices.iter().find_map(|notice| match notice {
        SourceNotice::Waits { record, added, removed, before, max_change } => Some(Waiting {
            digest: record.digest,
            entries: record.entries,
            added: *added,
            removed: *removed,
            changed_percent: percent(added + removed, *before),
            max_change: *max_change,
        }),
        _ => None,
    })
}

/// Why another base is in force than the files say, or none is kept, where somebody must mend that.
pub(super) fn alarm(origin: &Origin) -> Option<String> {
    origin.notices.iter().find_map(|notice| match notice {
        SourceNotice::Fallback(_) | SourceNotice::NoSnapshot(_) => Some(notice.to_string()),
        SourceNotice::Waits { .. } | SourceNotice::SetAside(_) => None,
    })
}
