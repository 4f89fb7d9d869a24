//! Changes of more than entries: worlds that are built aside and swapped in.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::edits::{self, Line, TrailStatement};
use super::{StoreError, replay, rows};
use crate::lists::{Action, BaseRecord, Class, Digest, Edit, Entry, FileRecord};
use crate::screen::{Setting, TrunkState};
use crate::time::WallTime;

/// A world that was built aside and waits to be swapped in: one transaction, one generation, one line of the trail.
pub struct Swap {
    /// Who asked for it, for the audit trail.
    pub actor: Arc<str>,
    /// When.
    pub at: WallTime,
    /// Why, as far as he said.
    pub reason: Option<Arc<str>>,
    /// The generation that it was built from: of a replay or of the world then in force.
    pub since: u64,
    /// What the trail says was done.
    pub action: Action,
    /// To which list; `None`: to all of them, or to what a step sets by hand.
    pub list: Option<Arc<str>>,
    /// What is stored, in this order.
    pub steps: Vec<Step>,
    /// Called on the store's thread, before the commit and after the steps, with the edits committed after `since` that
    /// the steps left and the new generation. `None` refuses the swap: the edits do not fit what was built.
    pub prepare: Prepare,
}

/// What a swap stores.
#[derive(Clone)]
pub enum Step {
    /// A base is put in force.
    Base {
        /// Whose.
        list: Arc<str>,
        /// Which.
        record: BaseRecord,
    },
    /// A list is made, empty: what the database has of an earlier list of this name is of the past.
    Make {
        /// Its name.
        list: Arc<str>,
        /// What it is for.
        class: Class,
    },
    /// A list that was made at run time goes with its edits, imports and bases. The trail and what
    /// [`EditWriter::list_at`](super::EditWriter::list_at) tells of its past stay.
    Unmake {
        /// Its name.
        list: Arc<str>,
    },
    /// Many entries are added at once. This is later than the edits before it: those of entries that it holds go.
    Import {
        /// To which list.
        list: Arc<str>,
        /// Of the base that they were made into.
        digest: Digest,
        /// How many.
        entries: u64,
        /// Whether it holds an entry.
        holds: Holds,
    },
    /// A rollback: as long as the list's files give this base, it is not used.
    SetAside {
        /// Whose.
        list: Arc<str>,
        /// The base that the files give.
        digest: Digest,
    },
    /// The base that the files give may be used again.
    TakeBack {
        /// Whose.
        list: Arc<str>,
    },
    /// Something is set by hand.
    Set(Setting),
}

/// Whether a set of entries holds one.
pub type Holds = Arc<dyn Fn(&Entry) -> bool + Send + Sync>;

/// Finishes a world that was built aside; see [`Swap::prepare`].
pub type Prepare = Box<dyn FnOnce(&[Edit], u64) -> Option<Publish> + Send>;

/// Swaps a world in, once it is committed.
pub type Publish = Box<dyn FnOnce() + Send>;

/// Why a swap is neither stored nor in force.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SwapError {
    /// [`Swap::prepare`] refused it.
    #[error("an edit made in the meantime does not fit it")]
    Refused,
    /// It was built from a world that another swap has replaced since, so that it would take that back.
    #[error("the lists were changed as a whole in the meantime")]
    Overtaken,
    /// A list of this name is there already.
    #[error("a list of this name was made already")]
    Exists,
    /// No list of this name was made at run time.
    #[error("no list of this name was made at run time")]
    NotMade,
    /// It could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<rusqlite::Error> for SwapError {
    fn from(error: rusqlite::Error) -> SwapError {
        SwapError::Store(error.into())
    }
}

/// Commits a swap and answers what publishes it and its generation.
pub(super) fn commit(connection: &mut Connection, swap: Swap) -> Result<(Publish, u64), SwapError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let number = rows::raise_generation(&transaction, 1)?;
    for step in &swap.steps {
        write_step(&transaction, number, step)?;
    }
    write_line(&transaction, number, &swap)?;
    let newer = edits::since(&transaction, swap.since)?;
    let generation = rows::unsigned(number)?;
    let publish = (swap.prepare)(&newer, generation).ok_or(SwapError::Refused)?;
    transaction.commit()?;
    Ok((publish, generation))
}

fn write_line(transaction: &Transaction<'_>, generation: i64, swap: &Swap) -> rusqlite::Result<()> {
    let of_this = |list: &Arc<str>| swap.list.as_ref() == Some(list);
    let content = swap.steps.iter().find_map(|step| match step {
        Step::Base { list, record } if of_this(list) => Some((record.digest, record.entries)),
        Step::Import { list, digest, entries, .. } if of_this(list) => Some((*digest, *entries)),
        _ => None,
    });
    let set = swap.steps.iter().find_map(|step| match step {
        Step::Set(setting) => Some(setting),
        _ => None,
    });
    let (trunk, rule) = match set {
        Some(Setting::Trunk { name, .. }) => (Some(&**name), None),
        Some(Setting::Rule { name, .. }) => (None, Some(&**name)),
        None => (None, None),
    };
    TrailStatement::new(transaction)?.write(&Line {
        generation,
        at: swap.at,
        actor: &swap.actor,
        reason: swap.reason.as_deref(),
        action: swap.action,
        list: swap.list.as_deref(),
        trunk,
        rule,
        entry: None,
        details: None,
        digest: content.map(|(digest, _)| digest),
        entries: content.map(|(_, entries)| entries),
    })
}

fn write_step(transaction: &Transaction<'_>, generation: i64, step: &Step) -> Result<(), SwapError> {
    match step {
        Step::Base { list, record } => write_base(transaction, generation, list, record)?,
        Step::Make { list, class } => {
            let known = transaction
                .prepare_cached("SELECT 1 FROM list WHERE name = ?1 AND ended IS NULL")?
                .query_row([list], |_| Ok(()))
                .optional()?;
            if known.is_some() {
                return Err(SwapError::Exists);
            }
            end(transaction, generation, list)?;
            transaction
                .prepare_cached("INSERT INTO list (name, class, made) VALUES (?1, ?2, ?3)")?
                .execute(params![list, class.as_str(), generation])?;
        }
        Step::Unmake { list } => {
            let ended = transaction
                .prepare_cached("UPDATE list SET ended = ?2 WHERE name = ?1 AND ended IS NULL")?
                .execute(params![list, generation])?;
            if ended == 0 {
                return Err(SwapError::NotMade);
            }
            end(transaction, generation, list)?;
        }
        Step::Import { list, digest, entries, holds } => {
            transaction
                .prepare_cached("INSERT INTO import (generation, list, digest, entries) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![generation, list, digest.as_bytes(), rows::signed(*entries)])?;
            edits::forget_held(transaction, list, &**holds)?;
        }
        Step::SetAside { list, digest } => {
            transaction
                .prepare_cached(
                    "INSERT INTO aside (list, digest) VALUES (?1, ?2)
                     ON CONFLICT (list) DO UPDATE SET digest = excluded.digest",
                )?
                .execute(params![list, digest.as_bytes()])?;
        }
        Step::TakeBack { list } => {
            transaction.prepare_cached("DELETE FROM aside WHERE list = ?1")?.execute([list])?;
        }
        Step::Set(setting) => write_setting(transaction, setting)?,
    }
    Ok(())
}

/// What is as the config has it has no row.
fn write_setting(transaction: &Transaction<'_>, setting: &Setting) -> rusqlite::Result<()> {
    let execute =
        |statement, values: &[&dyn rusqlite::ToSql]| transaction.prepare_cached(statement)?.execute(values).map(drop);
    match setting {
        Setting::Trunk { name, state: TrunkState::Up } => execute("DELETE FROM trunk WHERE name = ?1", params![name]),
        Setting::Trunk { name, state } => {
            execute("INSERT OR REPLACE INTO trunk (name, state) VALUES (?1, ?2)", params![name, state.as_str()])
        }
        Setting::Rule { name, mode: None } => execute("DELETE FROM rule WHERE name = ?1", params![name]),
        Setting::Rule { name, mode: Some(mode) } => {
            execute("INSERT OR REPLACE INTO rule (name, mode) VALUES (?1, ?2)", params![name, mode.as_str()])
        }
    }
}

/// All that was in force of a list is of the past from this generation on.
fn end(transaction: &Transaction<'_>, generation: i64, list: &str) -> rusqlite::Result<()> {
    edits::forget(transaction, list)?;
    for statement in [
        "UPDATE base SET ended = ?2 WHERE list = ?1 AND ended IS NULL",
        "UPDATE import SET ended = ?2 WHERE list = ?1 AND ended IS NULL",
    ] {
        transaction.prepare_cached(statement)?.execute(params![list, generation])?;
    }
    transaction.prepare_cached("DELETE FROM aside WHERE list = ?1")?.execute([list]).map(drop)
}

/// A base that is in force already is not put in force again: a reload every minute leaves no row every minute.
fn write_base(
    transaction: &Transaction<'_>,
    generation: i64,
    list: &str,
    record: &BaseRecord,
) -> Result<(), StoreError> {
    if replay::base_in_force(transaction, list)?.as_ref() == Some(record) {
        return Ok(());
    }
    transaction
        .prepare_cached(
            "INSERT INTO base (list, generation, digest, entries, fingerprint) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            list,
            generation,
            record.digest.as_bytes(),
            rows::signed(record.entries),
            record.fingerprint.as_bytes()
        ])?;
    for (position, file) in (0_i64..).zip(&record.files) {
        write_file(transaction, generation, list, position, file)?;
    }
    Ok(())
}

fn write_file(
    transaction: &Transaction<'_>,
    generation: i64,
    list: &str,
    position: i64,
    file: &FileRecord,
) -> rusqlite::Result<()> {
    use std::os::unix::ffi::OsStrExt;
    let FileRecord { path, digest, stamp } = file;
    transaction
        .prepare_cached(
            "INSERT INTO base_file (list, generation, position, path, digest, bytes, modified, changed, inode)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            list,
            generation,
            position,
            path.as_os_str().as_bytes(),
            digest.as_bytes(),
            rows::signed(stamp.bytes),
            rows::micros(stamp.modified),
            rows::micros(stamp.changed),
            stamp.inode.cast_signed()
        ])
        .map(drop)
}
