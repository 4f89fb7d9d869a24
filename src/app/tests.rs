use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::live::{Counts, Live};
use super::open::Opened;
use super::run::{Daemon, StartError};
use super::{difference, reload};
use crate::admin::{
    Backend, By, EditFailure, EditGroup, Edited, Effect, ListChange, Refusal, ReloadFailure, RuleChange,
};
use crate::config::{self, ConfigErrors, Files, Loaded};
use crate::lists::{Change, Details, Edit};
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

fn load(path: &Path) -> Result<Loaded, ConfigErrors> {
    config::load(path, &[], &mut Files::default())
}

/// The daemon without sockets.
struct Running {
    dir: TempDir,
    live: Arc<Live>,
    runtime: Runtime,
}

impl Running {
    fn new() -> Running {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("ringfence.toml"), CONFIG).unwrap();
        fs::write(dir.path().join("default.csv"), "48221000001\n48221000002\n").unwrap();
        Running { live: start(dir.path()), dir, runtime: Runtime::new().unwrap() }
    }

    /// Stops, and starts again in the same directory.
    fn restart(self) -> Running {
        let Running { dir, live, runtime } = self;
        live.edits.stop();
        drop(live);
        Running { live: start(dir.path()), dir, runtime }
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

    fn reload(&self) -> Result<crate::admin::Reloaded, ReloadFailure> {
        reload::reload(&self.live, &anna())
    }

    fn holds(&self, list: &str, entry: &str) -> bool {
        self.live.world().lists.get(list).is_some_and(|list| list.contains(&entry.parse().unwrap()))
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
    Edit { list: list.into(), entry: entry.parse().unwrap(), change: Change::Put(Details::default()) }
}

fn remove(list: &str, entry: &str) -> Edit {
    Edit { change: Change::Remove, ..put(list, entry) }
}

#[test]
fn an_acknowledged_edit_is_in_force_and_comes_back_after_a_restart() {
    let running = Running::new();
    assert_eq!(running.edit(put("default", "48221000003")), Ok(Edited { effects: vec![Effect::Added], generation: 2 }));
    assert!(running.holds("default", "48221000003"));
    assert_eq!(
        running.edit(remove("default", "48221000001")),
        Ok(Edited { effects: vec![Effect::Removed], generation: 3 })
    );
    assert_eq!(running.edit(remove("default", "48221000001")), Err(refused(Refusal::Absent)));
    assert_eq!(running.edit(put("missing", "48221000001")), Err(refused(Refusal::UnknownList)));
    let running = running.restart();
    assert!(running.holds("default", "48221000003") && !running.holds("default", "48221000001"));
    assert_eq!(running.live.world().generation, 3, "the files are the same: the start changes nothing");
}

#[test]
fn a_reload_reads_files_again_and_keeps_edits() {
    let running = Running::new();
    running.edit(remove("default", "48221000001")).unwrap();
    running.write("default.csv", "48221000001\n48221000007\n48221000008\n");
    running.write(
        "ringfence.toml",
        &CONFIG.replace("\"hotline\"", "\"desk\"").replace("127.0.0.2:5060", "127.0.0.9:5060"),
    );
    let reloaded = running.reload().unwrap();
    assert_eq!(reloaded.generation, 3);
    assert_eq!(running.live.world().generation, 3);
    let change = |list: &str, before, after| ListChange { list: list.into(), before: Some(before), after: Some(after) };
    assert_eq!(reloaded.lists, [change("default", 1, 2), change("abroad", 0, 0)]);
    let change = |table, name: &str, change| RuleChange { table, name: Some(name.into()), change };
    let rules = [
        change("trunk", "carrier", "changed"),
        change("inbound", "desk", "added"),
        change("inbound", "hotline", "removed"),
    ];
    assert_eq!(reloaded.rules, rules);
    assert!(!running.holds("default", "48221000001"), "the file does not undo an edit");
    assert!(running.holds("default", "48221000008") && !running.holds("default", "48221000002"));
}

#[test]
fn a_reload_with_a_mistake_keeps_everything_and_says_where_it_is() {
    let running = Running::new();
    running.write("default.csv", "48221000009\n4,86E+10\n");
    let Err(ReloadFailure::Invalid(problems)) = running.reload() else { panic!("the reload must fail") };
    assert_eq!((problems[0].line, problems[0].file.as_deref()), (Some(2), running.path("default.csv").to_str()));
    assert!(running.holds("default", "48221000001") && !running.holds("default", "48221000009"));
    assert_eq!((running.live.world().generation, running.live.counts.reloads_failed.get()), (1, 1));
    running.write("default.csv", "48221000009\n");
    running.write("ringfence.toml", &format!("{CONFIG}\nbogus = 1\n"));
    let Err(ReloadFailure::Invalid(problems)) = running.reload() else { panic!("the reload must fail") };
    assert_eq!(problems[0].line, Some(CONFIG.lines().count() as u64 + 2));
    running.write("ringfence.toml", CONFIG);
    assert_eq!(running.reload().unwrap().generation, 2);
    assert!(running.holds("default", "48221000009"));
}

#[test]
fn a_list_file_that_was_cut_off_does_not_empty_its_list() {
    let running = Running::new();
    for cut_off in ["", "\n \n"] {
        running.write("default.csv", cut_off);
        let Err(ReloadFailure::Invalid(problems)) = running.reload() else { panic!("the reload must fail") };
        assert_eq!(problems[0].file.as_deref(), running.path("default.csv").to_str());
        assert!(problems[0].detail.contains("remove `file`"), "{problems:?}");
        assert!(running.holds("default", "48221000001"));
    }
    running.write("default.csv", "number\n");
    running.reload().unwrap();
    assert!(!running.holds("default", "48221000001"));
}

/// What is logged meanwhile.
fn logged(work: impl FnOnce()) -> String {
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);
    impl std::io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    tracing::subscriber::with_default(subscriber, work);
    String::from_utf8(log.0.lock().unwrap().clone()).unwrap()
}

/// Presents from the list "default", which is none to present from in [`CONFIG`].
const PRESENTS: &str = "[[route]]\nname = \"out\"\nto = \"carrier\"\npresent = { pool = \"default\", exclude = [] }\n";

#[test]
fn an_edit_that_does_not_fit_a_new_config_is_logged_and_its_removal_is_told() {
    let running = Running::new();
    running.edit(put("default", "486001*")).unwrap();
    running.write("ringfence.toml", &format!("{CONFIG}{PRESENTS}"));
    let log = logged(|| {
        let Err(ReloadFailure::Invalid(problems)) = running.reload() else { panic!("the reload must fail") };
        let detail = &problems[0].detail;
        assert!(detail.ends_with("not 486001*; remove it: DELETE /v1/lists/default/entries/486001*"), "{detail}");
    });
    assert!(log.contains("reload failed") && log.contains("DELETE /v1/lists/default/entries/ENTRY"), "{log}");
    assert!(!log.contains("486001"), "{log}");
    let path = running.path("ringfence.toml");
    running.live.edits.stop();
    let error = Daemon::start(Runtime::new().unwrap(), &path).err().unwrap().to_string();
    assert!(error.contains("DELETE /v1/lists/default/entries/ENTRY") && !error.contains("486001"), "{error}");
}

#[test]
fn no_entry_of_a_list_or_rule_reaches_the_log() {
    let running = Running::new();
    for (config, list) in [
        (format!("{CONFIG}{PRESENTS}"), "48600100200*\n"),
        (CONFIG.replace("lists = [\"default\"]", "callers = [\"48600100200x\"]"), "1234567\n"),
        (CONFIG.replace("file = \"default.csv\"", "entries = 48600100200"), ""),
        (CONFIG.replace("file = \"default.csv\"", "48600100200 = 1"), ""),
        (CONFIG.replace("file = \"default.csv\"", "entries = [\"48600100200x\"]"), ""),
        (CONFIG.to_owned(), "48600100200x\n"),
        (CONFIG.replace("\"personal\"", "\"pool\""), "48600100200*\n"),
        (format!("[numbers]\nnever_block = [\"48600100200\"]\n{CONFIG}"), "number\n"),
    ] {
        running.write("ringfence.toml", &config);
        running.write("default.csv", list);
        let log = logged(|| drop(running.reload()));
        assert!(log.contains("ringfence.toml:") || log.contains("default.csv:"), "{config}{log}");
        assert!(!log.contains("00100200"), "{config}{log}");
    }
}

#[test]
fn a_reload_names_the_keys_that_need_a_restart() {
    let running = Running::new();
    running.write("ringfence.toml", &format!("[sip]\nworkers = 3\n{CONFIG}").replace("\"state\"", "\"elsewhere\""));
    assert_eq!(running.reload().unwrap().restart_needed, ["sip.workers", "state.dir"]);
}

#[test]
fn edits_of_a_list_that_is_gone_come_back_with_it() {
    let running = Running::new();
    running.edit(put("abroad", "442079460000")).unwrap();
    let without = CONFIG.replace("name = \"abroad\"", "name = \"overseas\"");
    running.write("ringfence.toml", &without);
    let reloaded = running.reload().unwrap();
    let gone = ListChange { list: "abroad".into(), before: Some(1), after: None };
    assert_eq!(reloaded.lists.last(), Some(&gone));
    assert!(running.live.world().lists.get("abroad").is_none());
    let running = running.restart();
    running.write("ringfence.toml", CONFIG);
    running.reload().unwrap();
    assert!(running.holds("abroad", "442079460000"));
}

#[test]
fn entries_are_read_by_the_dial_plan_of_their_list() {
    let running = Running::new();
    let read = |list, text| crate::lists::Entry::parse(text, &running.live.dial_plan(list)).unwrap().to_string();
    assert_eq!(read(Some("abroad"), "02079460000"), "442079460000");
    assert_eq!(read(Some("default"), "221000001"), "48221000001");
    assert_eq!(read(None, "221000001"), "48221000001");
}

/// Each writer checks after each acknowledgement that its edit is in force, while reloads go on all the time.
#[test]
fn reloads_that_race_with_edits_lose_none() {
    let running = Running::new();
    let done = AtomicBool::new(false);
    let (reloads, made) = thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let live = Arc::clone(&running.live);
                let handle = running.runtime.handle().clone();
                scope.spawn(move || {
                    let mut made = 0;
                    for number in 0..60 {
                        let entry = format!("4860{writer}{number:06}");
                        for edit in [put("default", &entry), remove("default", &entry), put("default", &entry)] {
                            let is_put = edit.change != Change::Remove;
                            let parsed = edit.entry.clone();
                            handle.block_on(live.edit(anna(), alone(edit))).unwrap();
                            made += 1;
                            let world = live.world();
                            assert_eq!(world.lists.get("default").unwrap().contains(&parsed), is_put, "{entry}");
                        }
                    }
                    made
                })
            })
            .collect();
        let reloader = scope.spawn(|| {
            let mut reloads = 0;
            while !done.load(Ordering::Relaxed) {
                running.reload().unwrap();
                reloads += 1;
            }
            reloads
        });
        let made: u64 = writers.into_iter().map(|writer| writer.join().unwrap()).sum();
        done.store(true, Ordering::Relaxed);
        (reloader.join().unwrap(), made)
    });
    assert!(reloads > 0);
    let world = running.live.world();
    assert_eq!(world.generation, 1 + made + reloads, "gapless");
    assert_eq!(world.lists.get("default").unwrap().len(), 2 + 4 * 60);
    let running = running.restart();
    assert_eq!(running.live.world().generation, 1 + made + reloads);
    assert_eq!(running.live.world().lists.get("default").unwrap().len(), 2 + 4 * 60);
}

#[test]
fn an_old_world_is_freed_once_nobody_reads_it() {
    let running = Running::new();
    let old = running.live.world();
    let base = Arc::downgrade(old.lists.get("default").unwrap().base());
    running.write("default.csv", "48221000009\n");
    running.reload().unwrap();
    running.live.worlds.sweep();
    assert!(base.upgrade().is_some(), "somebody still reads it");
    drop(old);
    assert!(base.upgrade().is_some(), "the reader did not free it");
    running.live.worlds.sweep();
    assert!(base.upgrade().is_none());
}

#[test]
fn rules_that_only_changed_places_are_told_from_others() {
    let rule = |name: &str| format!("[[inbound]]\nname = \"{name}\"\n");
    let (first, second) = (rule("a") + &rule("b"), rule("b") + &rule("a"));
    let reordered = RuleChange { table: "inbound", name: None, change: "reordered" };
    assert_eq!(difference::rules(&first, &second), [reordered]);
    assert_eq!(difference::rules(&first, &first), []);
    let numbers = |change| RuleChange { table: "numbers", name: None, change };
    assert_eq!(difference::rules("", "[numbers]\ncountry = \"48\""), [numbers("added")]);
    assert_eq!(difference::rules("[numbers]\ncountry = \"44\"", "[numbers]\ncountry = \"48\""), [numbers("changed")]);
}

/// All of it, over real sockets: an entry is added over HTTP, and the next call of that caller is declined.
#[test]
fn a_caller_added_at_the_admin_port_is_declined() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ringfence.toml");
    let sockets = "[sip]\nlisten = [\"udp:127.0.0.1:0\", \"tcp:127.0.0.1:0\"]\n[admin]\nlisten = \"127.0.0.1:0\"\n";
    fs::write(&path, format!("{sockets}{CONFIG}").replace("127.0.0.2", "127.0.0.1")).unwrap();
    fs::write(dir.path().join("default.csv"), "number\n").unwrap();
    let daemon = Daemon::start(Runtime::new().unwrap(), &path).unwrap();
    let admin = daemon.admin.local_address().unwrap();
    let sip = daemon.sip.listeners()[0].bind;
    let in_use = StartError::Store(StoreError::InUse { dir: dir.path().join("state") });
    assert_eq!(Daemon::start(Runtime::new().unwrap(), &path).err(), Some(in_use));
    let serving = daemon.serve();

    let url = format!("http://{admin}/v1/lists/default/entries/%2B48600100200");
    assert_eq!(ureq::put(&url).send("").unwrap().status(), 201);
    let caller = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    caller.set_read_timeout(Some(std::time::Duration::from_secs(10))).unwrap();
    let port = caller.local_addr().unwrap().port();
    let invite = format!(
        "INVITE sip:48221234567@{sip} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK1;rport\r\n\
         From: <sip:+48600100200@127.0.0.1>;tag=1\r\nTo: <sip:48221234567@{sip}>\r\nCall-ID: 1@127.0.0.1\r\n\
         CSeq: 1 INVITE\r\nContact: <sip:127.0.0.1:{port}>\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    );
    caller.send_to(invite.as_bytes(), sip).unwrap();
    let mut answer = [0; 2048];
    let length = caller.recv(&mut answer).unwrap();
    assert!(answer[..length].starts_with(b"SIP/2.0 603 Decline\r\n"), "{}", String::from_utf8_lossy(&answer[..length]));
    assert!(
        ureq::get(format!("http://{admin}/metrics"))
            .call()
            .unwrap()
            .body_mut()
            .read_to_string()
            .unwrap()
            .contains("\nringfence_blocked_total 1\n")
    );
    assert_eq!(ureq::get(format!("http://{admin}/readyz")).call().unwrap().status(), 200);

    serving.stop();
    let records = fs::read_dir(dir.path().join("state/records")).unwrap().next().unwrap().unwrap().path();
    let records = fs::read_to_string(records).unwrap();
    let lines: Vec<_> = records.lines().collect();
    assert_eq!(lines.len(), 2, "{records}");
    assert!(lines[1].starts_with("call,") && lines[1].contains(",decline,hotline,default,48600100200,"), "{records}");
    assert!(std::net::TcpStream::connect(admin).is_err());
}

#[test]
fn a_taken_sip_port_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ringfence.toml");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let sockets = format!("[sip]\nlisten = [\"tcp:{address}\"]\n[admin]\nlisten = \"127.0.0.1:0\"\n");
    fs::write(&path, format!("{sockets}{CONFIG}")).unwrap();
    fs::write(dir.path().join("default.csv"), "number\n").unwrap();
    let error = Daemon::start(Runtime::new().unwrap(), &path).err().unwrap();
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}

#[test]
fn what_is_told_of_a_list_s_files_goes_to_the_log_without_numbers() {
    let rows = crate::lists::read_list(
        &b"48221000001x\n"[..],
        &crate::lists::FileOptions::default(),
        1,
        &|_: &crate::lists::Entry| false,
        &crate::lists::Progress::default(),
    );
    let error = config::BaseError::File { path: Path::new("l.csv").into(), error: rows.unwrap_err() };
    let notice = config::SourceNotice::Fallback(error);
    assert!(notice.to_string().contains("48221000001"));
    assert_eq!(super::told::source(&notice), "l.csv: 1 rows are wrong; the last good snapshot is in force");
}

#[test]
fn whoever_reloads_is_told_of_skipped_rows() {
    let running = Running::new();
    let text = CONFIG.replace("file = \"default.csv\"\n", "file = \"default.csv\"\non_error = \"skip\"\n");
    fs::write(running.dir.path().join("ringfence.toml"), text).unwrap();
    fs::write(running.dir.path().join("default.csv"), "48221000001\n4822x\n").unwrap();
    let reloaded = running.reload().unwrap();
    let file = running.dir.path().join("default.csv");
    assert!(reloaded.warnings.contains(&format!("{}: 2 rows, 1 rows skipped: 1 letter", file.display())));
}
