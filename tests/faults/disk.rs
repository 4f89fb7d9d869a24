//! Disks that are full, fail or cannot be written: edits are refused and are not in force, calls are screened, health says
//! so, and all of it ends with the fault. Who is killed meanwhile comes back with what was acknowledged.

use std::fmt::Write as _;
use std::fs;

use serde_json::Value;

use crate::caller::{DECLINED, PASSED};
use crate::client::Client;
use crate::daemon::{Daemon, Scene};
use crate::mounted::Mounted;
use crate::tracer::{self, Tracer};
use crate::{skip, until};

#[test]
fn on_a_full_disk_edits_are_refused_until_there_is_room() {
    let scene = Scene::new(LISTS);
    scene.write("register.csv", numbers(10));
    let Some(disk) = Mounted::tmpfs(&scene.path("state"), 4 << 20) else {
        skip("on_a_full_disk_edits_are_refused_until_there_is_room", "nothing can be mounted: strace plays the disk");
        return without_a_mount(scene);
    };
    let mut daemon = scene.start_in(&disk);
    let fill = |daemon: &Daemon| {
        disk.fill(0);
        // What was written before left the journal room for some more.
        (0..).map(|edit| daemon.client.put(&format!("48600100{edit:03}"))).find(|answer| answer.status != 201)
    };
    let mut round = Round::begin(1, &scene, &daemon);
    fill(&daemon).expect("some edit is refused").expect(FULL);
    round.note(&daemon);
    round.is_refused(&daemon, FULL);
    let caller = daemon.caller();
    until("no record can be written", || {
        // The last page of their file has room for some.
        caller.call_from(&round.there) == DECLINED
            && daemon.client.ready("records").1 == "the last records could not be written"
    });
    disk.free();
    round.is_taken(&daemon);

    let mut round = Round::begin(2, &scene, &daemon);
    fill(&daemon).expect("some edit is refused").expect(FULL);
    round.note(&daemon);
    round.is_refused(&daemon, FULL);
    daemon.kill();
    drop(daemon);
    // Also who starts on a full disk screens calls.
    round.take_file_back(&scene);
    let daemon = scene.start_in(&disk);
    round.is_as_before(&daemon);
    daemon.client.put("48600100999").expect(FULL);
    round.write_file(&scene);
    disk.free();
    round.is_taken(&daemon);
}

/// The system says that the disk is full, whatever the disk is.
fn without_a_mount(scene: Scene) {
    trial("pwrite64:error=ENOSPC", scene, FULL);
}

#[test]
fn what_cannot_be_forced_to_the_disk_is_refused() {
    let scene = Scene::new(LISTS);
    scene.write("register.csv", numbers(10));
    trial("fsync,fdatasync:error=EIO", scene, FAILING);
}

#[test]
fn what_cannot_be_written_is_refused() {
    for error in ["EIO", "EROFS"] {
        let scene = Scene::new(LISTS);
        scene.write("register.csv", numbers(10));
        trial(&format!("pwrite64:error={error}"), scene, FAILING);
    }
}

/// With calls of the system that fail for a while.
fn trial(failing: &str, scene: Scene, status: u16) {
    let mut daemon = scene.start();
    let inject = format!("--inject={failing}");
    let names = failing.split(':').next().expect("names of calls");
    let trace = format!("--trace={names}");
    let attach = |daemon: &Daemon| Tracer::attach(&scene, daemon, &[&trace, &inject]);

    let round = Round::begin(1, &scene, &daemon);
    let Some(tracer) = attach(&daemon) else { return skip(failing, tracer::NO_STRACE) };
    round.is_refused(&daemon, status);
    let trace = tracer.detach();
    assert!(trace.contains("(INJECTED)"), "{trace}");
    round.is_taken(&daemon);

    let round = Round::begin(2, &scene, &daemon);
    let tracer = attach(&daemon).expect("it could before");
    round.is_refused(&daemon, status);
    daemon.kill();
    drop(tracer);
    drop(daemon);
    round.take_file_back(&scene);
    let daemon = scene.start();
    round.is_as_before(&daemon);
    round.write_file(&scene);
    round.is_taken(&daemon);
}

#[test]
fn a_large_import_that_does_not_fit_leaves_nothing() {
    let scene = Scene::new(LISTS);
    scene.write("register.csv", numbers(10));
    let Some(disk) = Mounted::tmpfs(&scene.path("state"), 4 << 20) else {
        return skip("a_large_import_that_does_not_fit_leaves_nothing", "nothing can be mounted");
    };
    let daemon = scene.start_in(&disk);
    let (files, generation) = (files(&disk), generation(&daemon.client));
    // Neither so far apart that it is large, nor so close that it is small: 2 MB.
    let file = (0..300_000_u64).fold(String::new(), |mut file, number| {
        let _ = writeln!(file, "{}", 48_510_000_000 + 37 * number);
        file
    });
    disk.fill(100_000);
    let answer = daemon.client.post("/v1/lists/default/import", &file).expect(FULL);
    assert!(answer.detail().contains("storage"), "{answer:?}");
    assert_eq!((self::files(&disk), self::generation(&daemon.client)), (files, generation));
    assert_eq!(daemon.client.list("default")["entries"], 0);
    // It took the disk's last room for a moment only.
    daemon.client.put("48600100001").expect(201);
    disk.free();
    daemon.client.post("/v1/lists/default/import", &file).expect(200);
    assert_eq!(daemon.client.list("default")["entries"], 300_001);
}

#[test]
fn a_list_whose_snapshot_does_not_fit_is_in_force_and_its_snapshot_is_made_later() {
    let scene = Scene::new(LISTS);
    scene.write("register.csv", numbers(10));
    let Some(disk) = Mounted::tmpfs(&scene.path("state"), 8 << 20) else {
        return skip("a_list_whose_snapshot_does_not_fit_is_in_force", "nothing can be mounted");
    };
    let mut daemon = scene.start_in(&disk);
    scene.write("register.csv", numbers(40_000));
    disk.fill(300_000);
    daemon.client.reload().expect(200);
    let list = daemon.client.list("register");
    assert_eq!(list["entries"], 40_000);
    assert!(list["alarm"].as_str().is_some_and(|alarm| alarm.contains("no snapshot is kept")), "{list}");
    assert!(daemon.log().contains("no snapshot is kept"), "{}", daemon.log());
    let (ready, detail) = daemon.client.ready("lists");
    // It is what its file says.
    assert!(ready && detail.contains("\"register\" has no snapshot"), "{detail}");
    let digest = list["base"]["digest"].as_str().expect("a digest").to_owned();
    let snapshot = disk.path(&format!("lists/{digest}.base"));
    assert!(!snapshot.exists());
    disk.free();
    // The file is the same; what is missing is its snapshot.
    daemon.client.reload().expect(200);
    assert_eq!(daemon.client.list("register")["alarm"], Value::Null);
    assert!(snapshot.exists(), "an alarm goes when its cause is gone");
    daemon.kill();
    drop(daemon);
    fs::remove_file(scene.path("register.csv")).expect("a file");
    assert_eq!(scene.start_in(&disk).client.list("register")["entries"], 40_000);
}

#[test]
fn in_a_read_only_directory_what_needs_a_new_file_is_refused_and_nothing_starts() {
    let scene = Scene::new(LISTS);
    scene.write("register.csv", numbers(10));
    let state = scene.path("state");
    let Some(disk) = Mounted::tmpfs(&state, 8 << 20) else {
        return skip("in_a_read_only_directory_what_needs_a_new_file_is_refused", "nothing can be mounted");
    };
    let daemon = scene.start_in(&disk);
    // Files that are open for writing stay so: only a mount over it makes the directory read-only for a process.
    disk.mount(&["--bind", state.to_str().expect("a path of text")]);
    disk.mount(&["-o", "remount,bind,ro"]);
    let file = (0..=100_000_u64).fold(String::new(), |mut file, number| {
        let _ = writeln!(file, "{}", 48_510_000_000 + number);
        file
    });
    daemon.client.post("/v1/lists/default/import", &file).expect(FAILING);
    assert_eq!(daemon.client.list("default")["entries"], 0);
    // The journal is open, and what is in it is on the disk.
    daemon.client.put("48600100001").expect(201);
    assert_eq!(daemon.caller().call_from("48600100001"), DECLINED);
    drop(daemon);
    let log = scene.refused_in(&disk);
    assert!(log.contains("state/lock: read-only filesystem"), "{log}");
    disk.unmount();
    let daemon = scene.start_in(&disk);
    assert_eq!(daemon.caller().call_from("48600100001"), DECLINED);
    daemon.client.post("/v1/lists/default/import", &file).expect(200);
}

/// Edits before and during a fault.
struct Round {
    number: u32,
    /// A number that was put before.
    there: String,
    /// One that is put meanwhile.
    refused: String,
    entries: usize,
    generation: u64,
    register: Value,
}

impl Round {
    fn begin(number: u32, scene: &Scene, daemon: &Daemon) -> Round {
        let [there, refused] = [1, 2].map(|which| format!("486001009{number}{which}"));
        daemon.client.put(&there).expect(201);
        let mut round = Round { number, there, refused, entries: 0, generation: 0, register: Value::Null };
        round.note(daemon);
        round.write_file(scene);
        round
    }

    /// Changes a list's file, so that a reload has something to store.
    fn write_file(&self, scene: &Scene) {
        scene.write("register.csv", numbers(10 + self.number));
    }

    /// A start would put it in force.
    fn take_file_back(&self, scene: &Scene) {
        scene.write("register.csv", numbers(10 + self.number - 1));
    }

    /// What is in force when the fault begins.
    fn note(&mut self, daemon: &Daemon) {
        self.entries = daemon.client.entries("default").len();
        self.generation = generation(&daemon.client);
        self.register = base(&daemon.client);
    }

    /// Nothing can be changed, and nothing is; calls are screened as before.
    fn is_refused(&self, daemon: &Daemon, status: u16) {
        let client = &daemon.client;
        client.put(&self.refused).expect(status);
        client.remove(&self.there).expect(status);
        let group =
            format!("{{\"entry\":\"{0}\",\"change\":\"remove\"}}\n{{\"entry\":\"{1}\"}}\n", self.there, self.refused);
        client.post("/v1/lists/default/edits", group).expect(status);
        client.post("/v1/lists/default/import", &self.refused).expect(status);
        client.post("/v1/lists", r#"{"name": "made", "class": "dnc"}"#).expect(status);
        client.reload().expect(status);
        let (ready, detail) = client.ready("edits");
        assert!(!ready && detail == "the last edit could not be stored", "{detail}");
        client.get("/healthz").expect(200);
        assert!(daemon.log().contains("edits cannot be stored and are refused"), "{}", daemon.log());
        self.is_as_before(daemon);
        assert_eq!(generation(client), self.generation);
    }

    fn is_as_before(&self, daemon: &Daemon) {
        let client = &daemon.client;
        let caller = daemon.caller();
        let answers = [&self.there, &self.refused].map(|number| caller.call_from(number));
        assert_eq!(answers, [DECLINED, PASSED]);
        assert!(!client.holds("default", &self.refused));
        assert_eq!((client.entries("default").len(), base(client)), (self.entries, self.register.clone()));
        // A start may put a base in force that has only got another stamp.
        assert!(generation(client) >= self.generation);
        client.get("/v1/lists/made").expect(404);
    }

    /// The fault is gone: all works again, by itself.
    fn is_taken(&self, daemon: &Daemon) {
        let caller = daemon.caller();
        // Each call is a record, which shows that records can be written again.
        until("it is ready", || {
            caller.call_from(&self.there) == DECLINED && daemon.client.get("/readyz").status == 200
        });
        daemon.client.put(&self.refused).expect(201);
        daemon.client.remove(&self.there).expect(204);
        assert_eq!([&self.there, &self.refused].map(|number| caller.call_from(number)), [PASSED, DECLINED]);
        daemon.client.reload().expect(200);
        assert_ne!(base(&daemon.client), self.register);
    }
}

fn files(disk: &Mounted) -> Vec<String> {
    let files = fs::read_dir(disk.path("lists")).expect("a folder");
    files.map(|file| file.expect("a file").file_name().into_string().expect("a text")).collect()
}

fn base(client: &Client) -> Value {
    client.list("register")["base"]["digest"].clone()
}

fn generation(client: &Client) -> u64 {
    client.get("/v1/lists").expect(200).generation()
}

/// With notes, so that their snapshot has some size.
fn numbers(count: u32) -> String {
    let mut file = String::from("number,description\n");
    for number in 0..count {
        let _ =
            writeln!(file, "{},asked to be left alone for the time {number}", 48_520_000_000 + 97 * u64::from(number));
    }
    file
}

const LISTS: &str = r#"
[[list]]
name = "register"
class = "dnc"
file = "register.csv"
[[inbound]]
name = "hotline"
lists = ["default"]
"#;

/// Insufficient Storage.
const FULL: u16 = 507;

/// Service Unavailable.
const FAILING: u16 = 503;
