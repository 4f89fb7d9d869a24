//! What the records say, for the admin port. All of it leaves the processor and the disk to calls.

use std::io;

use super::background::modestly;
use super::live::Live;
use crate::admin::{BlockedRecords, CallQuery, RecordFailure, RecordedCall, RecordedCalls, StorageFailure};
use crate::records::{Column, FoundCall, PositionError, Search, Unread};
use crate::time::WallTime;

pub(super) fn find(live: &Live, query: &CallQuery) -> Result<RecordedCalls, RecordFailure> {
    let CallQuery { party, call_id, reason, verdict, rule, list, trunk, since, until, after, limit } = query.clone();
    let after = after.map(|after| after.parse()).transpose();
    let after = after.map_err(|error: PositionError| RecordFailure::After(error.to_string()))?;
    let search = Search { party, call_id, reason, verdict, rule, list, trunk, since, until, after, limit };
    let page = modestly(|| live.archive.search(&search)).map_err(|error| RecordFailure::Storage(unread(&error)))?;
    Ok(RecordedCalls {
        calls: page.calls.iter().map(recorded).collect(),
        next: page.next.map(|next| next.to_string()),
        reached: page.reached,
        damaged: page.damaged,
        unread: page.unread.iter().map(file).collect(),
    })
}

pub(super) fn blocked(
    live: &Live,
    callee: &str,
    since: WallTime,
    limit: usize,
) -> Result<BlockedRecords, StorageFailure> {
    let told = modestly(|| live.archive.blocked(callee, since, limit)).map_err(|error| unread(&error))?;
    Ok(BlockedRecords {
        calls: told.calls.iter().map(recorded).collect(),
        oldest: told.oldest,
        has_more: told.has_more,
        unread: told.unread.iter().map(file).collect(),
    })
}

pub(super) fn oldest(live: &Live) -> Result<Option<WallTime>, StorageFailure> {
    live.archive.oldest().map_err(|error| unread(&error))
}

fn recorded(call: &FoundCall) -> RecordedCall {
    RecordedCall(Column::ALL.iter().map(|column| (column.name(), call.text(*column).to_owned())).collect())
}

fn file((name, why): &(String, Unread)) -> String {
    format!("{name}: {why}")
}

fn unread(error: &io::Error) -> StorageFailure {
    StorageFailure::Unavailable(format!("records cannot be read: {}", error.kind()))
}
