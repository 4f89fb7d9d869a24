//! A database that is not what was written: refused, and never taken for an empty one.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use rusqlite::Connection;

use crate::daemon::Scene;

/// A state directory whose database holds a few hundred edits and was closed in order.
struct Stored {
    scene: Scene,
    path: PathBuf,
    whole: Vec<u8>,
    entries: BTreeMap<String, Option<String>>,
}

impl Stored {
    fn new() -> Stored {
        let scene = Scene::new("");
        let mut daemon = scene.start();
        for group in 0..5 {
            let line = |number: u32| format!("{{\"entry\":\"48600100{:03}\",\"description\":\"asked us\"}}\n", number);
            let lines: String = (100 * group..100 * (group + 1)).map(line).collect();
            daemon.client.post("/v1/lists/default/edits", lines).expect(200);
        }
        let entries = daemon.client.entries("default");
        daemon.stop();
        let path = scene.path("state/ringfence.db");
        assert!(!scene.path("state/ringfence.db-wal").exists(), "all of it is in the file");
        Stored { whole: fs::read(&path).expect("a database"), scene, path, entries }
    }

    fn write(&self, bytes: &[u8]) {
        fs::write(&self.path, bytes).expect("a file");
    }

    /// It must refuse to start, say why, and leave the file as it is.
    #[track_caller]
    fn is_refused(&self, what: &str, why: &str) {
        let before = fs::read(&self.path).expect("a file");
        let log = self.scene.refused();
        assert!(log.contains("ringfence.db") && log.contains(why), "{what}: {log}");
        assert_eq!(fs::read(&self.path).expect("a file"), before, "{what}");
    }

    #[track_caller]
    fn is_whole_again(&self) {
        self.write(&self.whole);
        assert_eq!(self.scene.start().client.entries("default"), self.entries);
    }
}

#[test]
fn a_database_that_is_cut_emptied_or_overwritten_is_refused() {
    let stored = Stored::new();
    let half = stored.whole.len() / 2;
    let overwritten = |count: usize| [&vec![0x5a; count][..], &stored.whole[count..]].concat();
    let damages: [(&str, Vec<u8>, &str); 7] = [
        ("empty", Vec::new(), DAMAGED),
        ("a few bytes", stored.whole[..10].to_vec(), FOREIGN),
        ("one page", stored.whole[..PAGE].to_vec(), DAMAGED),
        ("half of it", stored.whole[..half - half % PAGE].to_vec(), DAMAGED),
        ("half of it and a bit", stored.whole[..half + 100].to_vec(), DAMAGED),
        ("another head", overwritten(16), FOREIGN),
        ("another first page", overwritten(PAGE), FOREIGN),
    ];
    for (what, bytes, why) in damages {
        stored.write(&bytes);
        stored.is_refused(what, why);
    }
    stored.is_whole_again();
}

#[test]
fn a_byte_that_flipped_in_the_head_of_any_page_is_found() {
    let stored = Stored::new();
    for page in 1..stored.whole.len() / PAGE {
        let mut bytes = stored.whole.clone();
        bytes[page * PAGE] ^= 1;
        stored.write(&bytes);
        stored.is_refused(&format!("page {page}"), DAMAGED);
    }
    stored.is_whole_again();
}

/// SQLite keeps no digest of what it stores: a byte within a text is the text's. Elsewhere it is refused; nowhere more
/// than one entry goes.
#[test]
fn a_byte_that_flipped_anywhere_is_found_or_changes_one_entry_at_most() {
    let stored = Stored::new();
    let mut random = StdRng::seed_from_u64(20_260_325);
    for _ in 0..FLIPS {
        let (at, bit) = (random.random_range(0..stored.whole.len()), random.random_range(0..8));
        let mut bytes = stored.whole.clone();
        bytes[at] ^= 1 << bit;
        stored.write(&bytes);
        match stored.scene.begin().outcome() {
            Ok(mut daemon) => {
                let found = daemon.client.entries("default");
                let same = found.iter().filter(|(entry, text)| stored.entries.get(*entry) == Some(*text)).count();
                assert!(same + 1 >= stored.entries.len(), "byte {at}, bit {bit}: {same} are left");
                daemon.stop();
            }
            Err((code, log)) => {
                assert_eq!(code, Some(1), "byte {at}, bit {bit}: {log}");
                assert!(log.contains("ringfence.db"), "byte {at}, bit {bit}: {log}");
            }
        }
    }
    stored.is_whole_again();
}

#[test]
fn a_database_of_another_program_or_a_later_version_is_refused() {
    let stored = Stored::new();
    fs::remove_file(&stored.path).expect("a file");
    let other = Connection::open(&stored.path).expect("a database");
    other.execute_batch("CREATE TABLE call (id INTEGER)").expect("a table");
    other.close().expect("no statement is left");
    stored.is_refused("another program's", FOREIGN);

    stored.write(&stored.whole);
    let later = Connection::open(&stored.path).expect("a database");
    later.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(())).expect("nobody else has it open");
    later.pragma_update(None, "user_version", 99).expect("a number");
    later.close().expect("no statement is left");
    stored.is_refused("a later version's", "has format 99");

    stored.write(b"number,date\n48600100001,2026-03-25\n");
    stored.is_refused("no database", FOREIGN);
    stored.is_whole_again();
}

#[test]
fn a_journal_without_its_database_is_no_reason_to_begin_anew() {
    let scene = Scene::new("");
    let mut daemon = scene.start();
    daemon.client.put("48600100001").expect(201);
    daemon.kill();
    let (path, away) = (scene.path("state/ringfence.db"), scene.path("away.db"));
    fs::rename(&path, &away).expect("a database");
    let log = scene.refused();
    assert!(log.contains(DAMAGED), "{log}");
    assert!(!path.exists(), "none was made");
    fs::rename(&away, &path).expect("a database");
    assert!(scene.start().client.holds("default", "48600100001"));
}

#[test]
fn what_lies_in_place_of_the_database_is_left_alone() {
    let scene = Scene::new("");
    fs::create_dir_all(scene.path("state/ringfence.db/kept")).expect("a folder");
    let log = scene.refused();
    assert!(log.contains("ringfence.db: is a directory"), "{log}");
    assert!(scene.path("state/ringfence.db/kept").is_dir());
}

const DAMAGED: &str = "is damaged; restore it from a backup, or move it away to give up the edits in it";

const FOREIGN: &str = "is not a database of ringfence";

/// SQLite's, which nothing here changes.
const PAGE: usize = 4096;

/// A start is quick; these are all over the file.
const FLIPS: usize = 60;
