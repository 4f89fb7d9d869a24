//! The daemon without sockets, and one test with them.

mod bases;
mod edits;
mod folding;
mod log;
mod metrics;
mod past;
mod reloads;
mod rules;
mod run_time;
mod sockets;
mod trunks;

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::live::{Counts, Live};
use super::open::Opened;
use super::run::{Daemon, StartError};
use super::{changes, difference, reload};
use crate::admin::{
    Backend, By, EditFailure, EditGroup, Edited, ImportRequest, Imported, ListChange, ListFailure, ListStatus, Refusal,
    ReloadFailure, Reloaded, RuleChange,
};
use crate::config;
use crate::lists::{Change, Class, Details, Digest, Edit, Effect, Entry, FileOptions};
use crate::store::StoreError;
use crate::usage::Usage;

const CONFIG: &str = r#"
[state]
dir = "state"
[[trunk]]
name = "carrier"
from = ["127.0.0.2"]
to = ["sip:127.0.0.2:5060"]
[[list]]
name = "default"
class = "personal"
file = "default.csv"
[[list]]
name = "abroad"
class = "allow"
country = "44"
national = "0"
national_length = [10]
[[inbound]]
name = "hotline"
lists = ["default"]
"#;

/// The daemon without sockets.
struct Running {
    dir: TempDir,
    live: Arc<Live>,
    runtime: Runtime,
}

impl Running {
    fn new() -> Running {
        Running::with("")
    }

    /// With these keys in the table of the list "default".
    fn with(keys: &str) -> Running {
        Running::of(&format!("file = \"default.csv\"\n{keys}"))
    }

    /// The list "default" has these entries and no file: nothing that is looked at again once its clock has moved on.
    fn with_entries(entries: &str) -> Running {
        Running::of(&format!("entries = [{entries}]\n"))
    }

    fn of(table: &str) -> Running {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("ringfence.toml"), CONFIG.replace("file = \"default.csv\"\n", table)).unwrap();
        fs::write(dir.path().join("default.csv"), "48221000001\n48221000002\n").unwrap();
        Running { live: start(dir.path()), dir, runtime: Runtime::new().unwrap() }
    }

    /// Stops, and starts again in the same directory.
    fn restart(self) -> Running {
        let (dir, runtime) = self.stop();
        Running { live: start(dir.path()), dir, runtime }
    }

    fn stop(self) -> (TempDir, Runtime) {
        let Running { dir, live, runtime } = self;
        live.edits.stop();
        (dir, runtime)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn edit(&self, edit: Edit) -> Result<Edited, EditFailure> {
        self.runtime.block_on(self.live.edit(anna(), alone(edit)))
    }

    /// As many at once as one request may hold.
    fn edit_all(&self, edits: Vec<Edit>) -> Result<Edited, EditFailure> {
        self.runtime.block_on(self.live.edit(anna(), EditGroup { edits, condition: None }))
    }

    fn import(&self, list: &str, text: String) -> Imported {
        let request = ImportRequest { by: anna(), list: list.into(), options: FileOptions::default(), dry_run: false };
        self.live.import(request, Box::new(Cursor::new(text))).unwrap()
    }

    fn make(&self, list: &str) -> Result<u64, ListFailure> {
        changes::make(&self.live, &anna(), &list.into(), Class::Personal)
    }

    fn unmake(&self, list: &str) -> Result<u64, ListFailure> {
        changes::unmake(&self.live, &anna(), &list.into())
    }

    /// That of the list "default".
    fn status(&self) -> ListStatus {
        self.live.list_status("default")
    }

    fn len(&self, list: &str) -> u64 {
        self.live.world().lists.get(list).unwrap().len()
    }

    fn generation(&self) -> u64 {
        self.live.world().generation
    }

    fn reload(&self) -> Result<Reloaded, ReloadFailure> {
        reload::reload(&self.live, &anna())
    }

    fn holds(&self, list: &str, entry: &str) -> bool {
        self.live.world().lists.get(list).is_some_and(|list| list.contains(&self::entry(entry)))
    }
}

fn start(dir: &Path) -> Arc<Live> {
    let path = dir.join("ringfence.toml");
    Opened::open(&path, |_| ()).unwrap().live(&path, Arc::new(Usage::new()), Counts::default())
}

fn anna() -> By {
    By { actor: "anna".into(), reason: None }
}

fn alone(edit: Edit) -> EditGroup {
    EditGroup { edits: vec![edit], condition: None }
}

fn refused(refusal: Refusal) -> EditFailure {
    EditFailure::Refused { at: 0, refusal }
}

fn put(list: &str, entry: &str) -> Edit {
    Edit { list: list.into(), entry: self::entry(entry), change: Change::Put(Details::default()) }
}

fn remove(list: &str, entry: &str) -> Edit {
    Edit { change: Change::Remove, ..put(list, entry) }
}

fn entry(text: &str) -> Entry {
    text.parse().unwrap()
}

/// More numbers than are worth an edit each: 48600000000 and those behind it.
fn many_numbers() -> String {
    (0..100_001).map(|number| format!("48600{number:06}\n")).collect()
}
