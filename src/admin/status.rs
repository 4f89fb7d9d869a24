//! A list as `/v1/lists` and the changes of whole lists show it.

use std::sync::Arc;

use serde::Serialize;

use super::report::ReportBody;
use super::{Backend, ListStatus, Waiting};
use crate::lists::{BaseRecord, FileRecord, ImportRecord, List, WhenStale};

#[derive(Serialize)]
pub(super) struct ListBody {
    name: Arc<str>,
    class: &'static str,
    entries: u64,
    edits: u64,
    made_at_run_time: bool,
    file: Option<String>,
    format: Option<&'static str>,
    loaded: String,
    from_snapshot: bool,
    base: Option<BaseBody>,
    earlier: Vec<BaseBody>,
    imports: Vec<ImportBody>,
    progress: Option<ProgressBody>,
    waiting: Option<WaitingBody>,
    set_aside: Option<String>,
    stale_from: Option<String>,
    stale: Option<StaleBody>,
    alarm: Option<String>,
    skipped: Option<ReportBody>,
    guessed: u64,
    not_utf8: u64,
}

impl ListBody {
    pub(super) fn new<B: Backend>(backend: &B, list: &List) -> ListBody {
        let status = backend.list_status(list.name());
        let ListStatus { made_at_run_time, from_snapshot, alarm, guessed, not_utf8, .. } = status;
        ListBody {
            name: list.name().clone(),
            class: list.class().as_str(),
            entries: list.len(),
            edits: list.edits(),
            made_at_run_time,
            file: list.source().map(|path| path.display().to_string()),
            format: status.format.map(|format| format.as_str()),
            loaded: status.loaded.to_string(),
            from_snapshot,
            base: status.base.map(BaseBody::from),
            earlier: status.earlier.into_iter().map(BaseBody::from).collect(),
            imports: status.imports.into_iter().map(ImportBody::from).collect(),
            progress: status.reading.map(|reading| ProgressBody {
                bytes: reading.bytes,
                total_bytes: reading.total_bytes,
                rows: reading.rows,
            }),
            waiting: status.waiting.map(WaitingBody::from),
            set_aside: status.set_aside.map(|digest| digest.to_string()),
            stale_from: status.stale_from.map(|at| at.to_string()),
            stale: status.stale.map(|stale| StaleBody {
                since: stale.since.to_string(),
                does: match stale.does {
                    WhenStale::Enforce => "enforce",
                    WhenStale::Pass => "pass",
                },
            }),
            alarm,
            skipped: (!status.skipped.is_empty()).then(|| status.skipped.into()),
            guessed,
            not_utf8,
        }
    }
}

/// A base and the files that it was made of.
#[derive(Serialize)]
pub(super) struct BaseBody {
    digest: String,
    entries: u64,
    files: Vec<FileBody>,
}

impl From<BaseRecord> for BaseBody {
    fn from(base: BaseRecord) -> BaseBody {
        BaseBody {
            digest: base.digest.to_string(),
            entries: base.entries,
            files: base.files.into_iter().map(FileBody::from).collect(),
        }
    }
}

#[derive(Serialize)]
struct FileBody {
    path: String,
    digest: String,
    bytes: u64,
    modified: String,
}

impl From<FileRecord> for FileBody {
    fn from(file: FileRecord) -> FileBody {
        FileBody {
            path: file.path.display().to_string(),
            digest: file.digest.to_string(),
            bytes: file.stamp.bytes,
            modified: file.stamp.modified.to_string(),
        }
    }
}

/// A file of entries that were added at run time.
#[derive(Serialize)]
pub(super) struct ImportBody {
    generation: u64,
    digest: String,
    entries: u64,
}

impl From<ImportRecord> for ImportBody {
    fn from(import: ImportRecord) -> ImportBody {
        ImportBody { generation: import.generation, digest: import.digest.to_string(), entries: import.entries }
    }
}

#[derive(Serialize)]
struct ProgressBody {
    bytes: u64,
    total_bytes: u64,
    rows: u64,
}

#[derive(Serialize)]
struct WaitingBody {
    digest: String,
    entries: u64,
    added: u64,
    removed: u64,
    changed_percent: f64,
    max_change: f64,
}

impl From<Waiting> for WaitingBody {
    fn from(waiting: Waiting) -> WaitingBody {
        let Waiting { digest, entries, added, removed, changed_percent, max_change } = waiting;
        let max_change = max_change.get();
        WaitingBody { digest: digest.to_string(), entries, added, removed, changed_percent, max_change }
    }
}

#[derive(Serialize)]
struct StaleBody {
    since: String,
    does: &'static str,
}
