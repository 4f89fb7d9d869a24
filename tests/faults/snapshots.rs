//! Lists between their files and their snapshots, of which either may be damaged or gone.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::caller::{DECLINED, PASSED};
use crate::daemon::{Daemon, Scene};
use crate::{skip, tracer, until};

#[test]
fn an_unchanged_file_is_not_opened_again() {
    let scene = Scene::new(REGISTER);
    if !tracer::is_usable() {
        return skip("an_unchanged_file_is_not_opened_again", tracer::NO_STRACE);
    }
    scene.write("register.csv", numbers(LISTED));
    // One that has just changed could change again unseen.
    let changed = || fs::metadata(scene.path("register.csv")).and_then(|file| file.modified()).expect("a file");
    until("the file is old enough", || SystemTime::now().duration_since(changed()).is_ok_and(|age| age > SETTLED));
    let first = told(&scene.start());
    assert_eq!((&first["from_snapshot"], &first["entries"]), (&Value::from(false), &Value::from(LISTED)));

    let mut daemon = scene.start_traced(&["-e", "trace=openat"]);
    let second = told(&daemon);
    assert_eq!(second["from_snapshot"], true);
    assert_eq!((&second["base"], &second["entries"]), (&first["base"], &first["entries"]));
    assert_eq!(daemon.caller().call_from(CALLER), DECLINED);
    daemon.kill();
    let trace = tracer::whole(&scene);
    assert!(trace.contains("ringfence.toml") && trace.contains(".base\""), "it opens what it needs: {trace}");
    assert!(!trace.contains("register.csv"), "{trace}");
}

#[test]
fn a_damaged_snapshot_is_found_out_and_made_anew_from_the_file() {
    type Damage = fn(&mut Vec<u8>);
    let damages: [(&str, Damage); 7] = [
        ("the first byte", |bytes| bytes[0] ^= 1),
        ("a byte of the head", |bytes| bytes[40] ^= 0x80),
        ("a byte in the middle", |bytes| flip(bytes, 1, 2)),
        ("a byte further on", |bytes| flip(bytes, 7, 8)),
        ("the last byte", |bytes| *bytes.last_mut().expect("bytes") ^= 1),
        ("the end is missing", |bytes| bytes.truncate(bytes.len() / 2)),
        ("it is empty", Vec::clear),
    ];
    let scene = Scene::new(REGISTER);
    scene.write("register.csv", numbers(LISTED));
    let (first, entries) = {
        let daemon = scene.start();
        (told(&daemon), daemon.client.entries("register"))
    };
    let snapshot = only_snapshot(&scene);
    let whole = fs::read(&snapshot).expect("a snapshot");
    for (what, damage) in damages {
        let mut bytes = whole.clone();
        damage(&mut bytes);
        fs::write(&snapshot, bytes).expect("a file");
        let daemon = scene.start();
        let second = told(&daemon);
        assert_eq!((&second["from_snapshot"], &second["base"]), (&Value::from(false), &first["base"]), "{what}");
        assert_eq!(daemon.client.entries("register"), entries, "{what}");
        assert!(daemon.log().contains(".base.damaged is damaged"), "{what}: {}", daemon.log());
        assert!(daemon.client.ready("lists").0, "{what}");
        drop(daemon);
        assert_eq!(fs::read(&snapshot).expect("it is made anew"), whole, "{what}");
        assert_eq!(told(&scene.start())["from_snapshot"], true, "{what}");
    }
}

#[test]
fn a_bad_file_at_a_start_leaves_the_last_good_snapshot_in_force_and_says_so() {
    type Harm = fn(&Scene);
    let harms: [(&str, Harm, &str); 3] = [
        ("a bad row", |scene| scene.write("register.csv", "48600100001\nnobody@\n"), "register.csv"),
        ("it is gone", |scene| fs::remove_file(scene.path("register.csv")).expect("a file"), "entity not found"),
        ("it is empty", |scene| scene.write("register.csv", ""), "empty"),
    ];
    let scene = Scene::new(REGISTER);
    scene.write("register.csv", numbers(LISTED));
    let entries = {
        let daemon = scene.start();
        daemon.client.put("48600100777").expect(201);
        daemon.client.entries("register")
    };
    for (what, harm, why) in harms {
        harm(&scene);
        let daemon = scene.start();
        let status = told(&daemon);
        let alarm = status["alarm"].as_str().unwrap_or_default();
        assert!(alarm.contains(why) && alarm.contains("the last good snapshot is in force"), "{what}: {alarm}");
        assert_eq!(status["from_snapshot"], true, "{what}");
        let (ready, detail) = daemon.client.ready("lists");
        assert!(!ready && detail.contains("\"register\""), "{what}: {detail}");
        assert_eq!(daemon.client.metric("ringfence_list_alarm{list=\"register\"}"), Some(1), "{what}");
        assert!(daemon.log().contains("the last good snapshot is in force"), "{what}: {}", daemon.log());
        assert_eq!(daemon.client.entries("register"), entries, "{what}");
        let caller = daemon.caller();
        let answers = [CALLER, "48600100777", "48600100900"].map(|number| caller.call_from(number));
        assert_eq!(answers, [DECLINED, DECLINED, PASSED], "{what}");

        // A reload of the bad file is refused and changes nothing of this.
        daemon.client.reload().expect(422);
        assert_eq!(told(&daemon)["alarm"], status["alarm"], "{what}");
        scene.write("register.csv", numbers(LISTED + 1));
        daemon.client.reload().expect(200);
        let mended = told(&daemon);
        assert_eq!((&mended["alarm"], &mended["entries"]), (&Value::Null, &Value::from(LISTED + 1)), "{what}");
        assert_eq!(daemon.client.ready("lists"), (true, "works".to_owned()), "{what}");
        scene.write("register.csv", numbers(LISTED));
        daemon.client.reload().expect(200);
    }
}

#[test]
fn without_a_snapshot_a_bad_file_refuses_the_start_and_says_where() {
    let scene = Scene::new(REGISTER);
    scene.write("register.csv", "number,date\n48600100001,2026-03-25\n48600100002,2026-02-30\n");
    let log = scene.refused();
    assert!(log.contains("register.csv:3:2: "), "{log}");
    fs::remove_file(scene.path("register.csv")).expect("a file");
    let log = scene.refused();
    assert!(log.contains("register.csv cannot be read"), "{log}");

    scene.write("register.csv", numbers(LISTED));
    drop(scene.start());
    // What is damaged is no snapshot.
    fs::write(only_snapshot(&scene), "no base").expect("a file");
    scene.write("register.csv", "48600100001\n48600100002,\"\n");
    let log = scene.refused();
    assert!(log.contains("register.csv:2:2: "), "{log}");
    scene.write("register.csv", numbers(LISTED));
    assert_eq!(told(&scene.start())["entries"], LISTED);
}

#[test]
fn what_was_imported_is_never_left_out() {
    let scene = Scene::new(REGISTER);
    scene.write("register.csv", numbers(LISTED));
    let daemon = scene.start();
    let file: String = (0..=100_000_u64).fold(String::new(), |mut file, number| {
        let _ = writeln!(file, "{}", 48_700_000_000 + number);
        file
    });
    let digest = daemon.client.post("/v1/lists/default/import", file).expect(200).body["digest"].clone();
    drop(daemon);
    let snapshot = scene.path(&format!("state/lists/{}.base", digest.as_str().expect("a digest")));
    let whole = fs::read(&snapshot).expect("a snapshot");
    let mut bytes = whole.clone();
    flip(&mut bytes, 1, 2);
    fs::write(&snapshot, bytes).expect("a file");
    let log = scene.refused();
    assert!(log.contains("what was imported into the list \"default\""), "{log}");
    assert!(snapshot.exists(), "it is left where it is: nobody can make it anew");
    let log = scene.refused();
    assert!(log.contains("what was imported into the list \"default\""), "{log}");
    fs::write(&snapshot, whole).expect("a file");
    let daemon = scene.start();
    assert!(daemon.client.holds("default", "48700100000"));
}

/// A list that is read from a file, and a rule that asks it.
const REGISTER: &str = r#"
[[list]]
name = "register"
class = "dnc"
file = "register.csv"
[[inbound]]
name = "hotline"
lists = ["default", "register"]
"#;

/// A few thousand numbers with something said of each tenth; the first is the caller's.
fn numbers(count: u64) -> String {
    let mut file = String::from("number,date,description\n48600100001,,\n");
    for number in 1..count {
        let note = if number % 10 == 0 { "asked to be left alone" } else { "" };
        let _ = writeln!(file, "{},2026-03-25,{note}", 48_500_000_000 + 97 * number);
    }
    file
}

fn told(daemon: &Daemon) -> Value {
    daemon.client.list("register")
}

fn flip(bytes: &mut [u8], part: usize, of: usize) {
    let at = bytes.len() * part / of;
    bytes[at] ^= 4;
}

fn only_snapshot(scene: &Scene) -> PathBuf {
    let files = fs::read_dir(scene.path("state/lists")).expect("a folder").map(|file| file.expect("a file").path());
    let bases: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|end| end == "base")).collect();
    assert_eq!(bases.len(), 1, "{bases:?}");
    bases[0].clone()
}

const CALLER: &str = "48600100001";

const LISTED: u64 = 4000;

/// A file is trusted to be what its stamp says once it has not changed for so long.
const SETTLED: Duration = Duration::from_millis(2200);
