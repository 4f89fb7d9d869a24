//! List files that are changed, cut, taken away or old. Whatever they are, the list in force is one that was whole.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::ops::Range;
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime};

use flate2::Compression;
use flate2::write::GzEncoder;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;

use crate::caller::{DECLINED, PASSED};
use crate::client::Client;
use crate::daemon::{Daemon, Scene};
use crate::{skip, until};

#[test]
fn of_a_file_that_is_replaced_while_it_is_read_one_version_is_in_force_whole() {
    let scene = Scene::new(&register(""));
    let replace = |version: u64| {
        let version = scene.path(&format!("{version}.csv"));
        fs::hard_link(version, scene.path("register.csv.new")).expect("a new name");
        fs::rename(scene.path("register.csv.new"), scene.path("register.csv")).expect("a file can be renamed");
    };
    // More than there are bases kept, so that each is read anew.
    for version in VERSIONS {
        scene.write(&format!("{version}.csv"), numbers(version, 60_000 + version));
    }
    replace(VERSIONS.end - 1);
    let daemon = scene.start();
    let mut usual = Duration::MAX;
    let bases = VERSIONS.map(|version| {
        replace(version);
        let begun = Instant::now();
        daemon.client.reload().expect(200);
        usual = usual.min(begun.elapsed());
        (base(&daemon), 60_000 + version)
    });
    let bases: Vec<(String, u64)> = bases.collect();
    let (mut read, mut refused) = (0, 0);
    std::thread::scope(|scope| {
        let (begin, begun) = mpsc::channel();
        scope.spawn(move || {
            let mut random = StdRng::seed_from_u64(20_260_325);
            for version in VERSIONS.cycle() {
                let Ok(()) = begun.recv() else { return };
                // Somewhere in the reload, or behind it.
                let _ = begun.recv_timeout(random.random_range(Duration::ZERO..usual));
                replace(version);
            }
        });
        while read < ENOUGH || refused < ENOUGH {
            assert!(read + refused < MOST_RELOADS, "{read} times read, {refused} times refused");
            begin.send(()).expect("somebody replaces it");
            let answer = daemon.client.reload();
            let list = daemon.client.list("register");
            let in_force = (base(&daemon), list["entries"].as_u64().expect("a number"));
            assert!(bases.contains(&in_force), "half: {in_force:?}");
            match answer.status {
                200 => read += 1,
                _ => {
                    let detail = answer.expect(422).detail().to_owned();
                    assert!(detail.contains("the file changed while it was read"), "{detail}");
                    refused += 1;
                }
            }
        }
    });
    println!("{read} times read, {refused} times refused");
    daemon.client.reload().expect(200);
}

#[test]
fn a_reload_of_a_file_that_cannot_be_used_says_why_and_where_and_changes_nothing() {
    type Harm = fn(&Scene);
    // What is done to the file, and how what is said of it begins.
    let harms: [(Harm, &str); 7] = [
        (|scene| scene.write("register.csv", "number\n48600100001\n48600100002\n4,86E+10\n"), "register.csv:4:1: "),
        (|scene| scene.write("register.csv", "number,date\n48600100001,2026-03-32\n"), "register.csv:2:2: "),
        (|scene| scene.write("register.csv", ""), "register.csv:1:1: expected a header or an entry"),
        (|scene| scene.write("register.csv", &gzip(&numbers(1, 5000))[..2000]), "register.csv:1:1: byte 2000: "),
        (|scene| scene.replace("register.csv", b"48600100001\n4860010\xff0002\n"), "register.csv:2:1: "),
        (remove, "ringfence.toml:20:8: "),
        (replace_by_folder, "ringfence.toml:20:8: "),
    ];
    let scene = Scene::new(&register(""));
    scene.write("register.csv", numbers(1, 500));
    let daemon = scene.start();
    let (entries, generation) = (daemon.client.entries("register"), generation(&daemon.client));
    let caller = daemon.caller();
    for (at, (harm, place)) in harms.into_iter().enumerate() {
        harm(&scene);
        let answer = daemon.client.reload().expect(422);
        let detail = answer.detail();
        assert!(detail.contains(place) && detail.contains("register.csv"), "{at}: {detail}");
        assert!(detail.ends_with("; nothing was changed"), "{at}: {detail}");
        let error = &answer.body["errors"][0];
        assert!(error["line"].is_u64() && error["column"].is_u64(), "{at}: {error}");
        assert!(daemon.log().contains(&format!("nothing was changed: {}", scene.path(place).display())), "{at}");
        assert_eq!(daemon.client.metric("ringfence_reloads_failed_total"), Some(at as u64 + 1));
        assert_eq!(daemon.client.entries("register"), entries, "{at}");
        assert_eq!(self::generation(&daemon.client), generation, "{at}");
        assert_eq!(caller.call_from(CALLER), DECLINED, "{at}");
    }
    fs::remove_dir(scene.path("register.csv")).expect("a folder");
    scene.write("register.csv", gzip(&numbers(1, 501)));
    daemon.client.reload().expect(200);
    assert_eq!(daemon.client.list("register")["entries"], 501);
}

#[test]
fn a_file_that_may_not_be_read_leaves_the_old_list() {
    use std::os::unix::fs::PermissionsExt as _;
    let scene = Scene::new(&register(""));
    scene.write("register.csv", numbers(1, 500));
    let daemon = scene.start();
    scene.replace("register.csv", numbers(2, 500));
    fs::set_permissions(scene.path("register.csv"), fs::Permissions::from_mode(0o000)).expect("it is ours");
    if File::open(scene.path("register.csv")).is_ok() {
        return skip("a_file_that_may_not_be_read_leaves_the_old_list", "root may read everything");
    }
    let answer = daemon.client.reload().expect(422);
    assert!(answer.detail().contains("register.csv cannot be read: permission denied"), "{answer:?}");
    assert_eq!(daemon.caller().call_from(CALLER), DECLINED);
}

#[test]
fn a_watched_file_comes_into_force_by_itself_and_a_bad_one_does_not() {
    let scene = Scene::new(&format!("[lists]\nwatch = true\n{}", register("")));
    scene.write("register.csv", numbers(1, 500));
    let daemon = scene.start();
    let (client, caller) = (&daemon.client, daemon.caller());
    let failed = || client.metric("ringfence_reloads_failed_total").expect("such a metric");
    assert_eq!(caller.call_from(CALLER), DECLINED);

    scene.replace("register.csv", "48600100002\n");
    until("it is read", || caller.call_from("48600100002") == DECLINED);
    assert_eq!(caller.call_from(CALLER), PASSED);

    scene.write("register.csv", "48600100003\nnobody@\n");
    until("it is refused", || failed() == 1);
    assert!(daemon.log().contains("register.csv:2"), "{}", daemon.log());
    assert_eq!(["48600100002", "48600100003"].map(|number| caller.call_from(number)), [DECLINED, PASSED]);

    remove(&scene);
    until("it is missed", || failed() == 2);
    assert_eq!(caller.call_from("48600100002"), DECLINED);

    scene.write("register.csv", "48600100003\n");
    until("it is read", || caller.call_from("48600100003") == DECLINED);
    assert_eq!((failed(), caller.call_from("48600100002")), (2, PASSED));
}

#[test]
fn a_large_change_waits_until_it_is_confirmed() {
    let scene = Scene::new(&register("max_change = 30"));
    scene.write("register.csv", numbers(1, 1000));
    let daemon = scene.start();
    let first = base(&daemon);
    // A truncated file at the end of a line is whole by all that can be seen of it.
    let half = numbers(1, 500);
    scene.write("register.csv", &half);
    let answer = daemon.client.reload().expect(200);
    assert!(answer.body["warnings"].to_string().contains("until the change is confirmed"), "{answer:?}");
    let waits = |daemon: &Daemon| {
        let list = daemon.client.list("register");
        let waiting = &list["waiting"];
        assert_eq!(
            [&waiting["added"], &waiting["removed"], &waiting["entries"]],
            [0, 500, 500].map(Value::from).each_ref()
        );
        assert_eq!((waiting["changed_percent"].as_f64(), waiting["max_change"].as_f64()), (Some(50.0), Some(30.0)));
        assert_eq!((&list["entries"], base(daemon)), (&Value::from(1000), first.clone()));
        let (ready, detail) = daemon.client.ready("lists");
        assert!(ready && detail.contains("waits for a large change to be confirmed"), "{detail}");
        assert_eq!(daemon.client.metric("ringfence_list_waiting{list=\"register\"}"), Some(1));
        waiting["digest"].as_str().expect("a digest").to_owned()
    };
    let digest = waits(&daemon);
    daemon.client.reload().expect(200);
    assert_eq!(waits(&daemon), digest);
    drop(daemon);
    let daemon = scene.start();
    assert_eq!(waits(&daemon), digest, "a start does not put it in force either");
    assert!(daemon.log().contains("until the change is confirmed"), "{}", daemon.log());

    let confirm =
        |digest: &str| daemon.client.post("/v1/lists/register/confirm", format!("{{\"digest\":\"{digest}\"}}"));
    confirm(&first).expect(409);
    confirm(&digest).expect(200);
    confirm(&digest).expect(409);
    let in_force = |daemon: &Daemon| {
        let list = daemon.client.list("register");
        assert_eq!((&list["entries"], &list["waiting"]), (&Value::from(500), &Value::Null));
        assert_eq!(base(daemon), digest);
    };
    in_force(&daemon);
    daemon.client.reload().expect(200);
    in_force(&daemon);
    drop(daemon);
    in_force(&scene.start());
}

#[test]
fn a_rollback_stands_until_the_file_changes() {
    let scene = Scene::new(&register(""));
    scene.write("register.csv", numbers(1, 100));
    let daemon = scene.start();
    let first = base(&daemon);
    scene.write("register.csv", numbers(2, 200));
    daemon.client.reload().expect(200);
    let second = base(&daemon);
    daemon.client.ask("PUT", "/v1/lists/register/entries/48600100777", b"").expect("an answer").expect(201);
    let rolled = daemon.client.post("/v1/lists/register/rollback", "").expect(200);
    let stands = |daemon: &Daemon| {
        let list = daemon.client.list("register");
        assert_eq!((base(daemon), &list["set_aside"]), (first.clone(), &Value::from(&*second)));
        assert_eq!(list["entries"], 101, "the edit stays");
        let caller = daemon.caller();
        assert_eq!(
            [CALLER, "48600100777", "48600100002"].map(|number| caller.call_from(number)),
            [DECLINED, DECLINED, PASSED]
        );
    };
    stands(&daemon);
    let answer = daemon.client.reload().expect(200);
    assert!(answer.generation() > rolled.generation());
    assert!(answer.body["warnings"].to_string().contains("a rollback has set aside"), "{answer:?}");
    stands(&daemon);
    // The same bytes again are no change.
    scene.replace("register.csv", numbers(2, 200));
    daemon.client.reload().expect(200);
    stands(&daemon);
    drop(daemon);
    let daemon = scene.start();
    stands(&daemon);

    scene.write("register.csv", numbers(3, 300));
    daemon.client.reload().expect(200);
    let list = daemon.client.list("register");
    assert_eq!((&list["set_aside"], &list["entries"]), (&Value::Null, &Value::from(301)));
    // What was set aside may come back by its own file.
    scene.write("register.csv", numbers(2, 200));
    daemon.client.reload().expect(200);
    assert_eq!(base(&daemon), second);
}

#[test]
fn an_old_file_is_told_of_and_enforced_or_not() {
    let list = |stale: &str| register(&format!("max_age = \"30d\"\nstale = \"{stale}\""));
    let scene = Scene::new(&list("enforce"));
    scene.write("register.csv", numbers(1, 100));
    age(&scene, 31 * DAY);
    let daemon = scene.start();
    let told = |daemon: &Daemon, does: &str| {
        assert_eq!(daemon.client.list("register")["stale"]["does"], does);
        assert!(daemon.log().contains("list \"register\": its file is older than max_age"), "{}", daemon.log());
        let (ready, detail) = daemon.client.ready("lists");
        assert!(ready && detail.contains("\"register\" is older than max_age"), "{detail}");
        assert_eq!(daemon.client.metric("ringfence_list_stale{list=\"register\"}"), Some(1));
    };
    told(&daemon, "enforce");
    assert_eq!(daemon.caller().call_from(CALLER), DECLINED);
    drop(daemon);

    let scene = scene.with_rules(&list("pass"));
    let daemon = scene.start();
    told(&daemon, "pass");
    let caller = daemon.caller();
    assert_eq!(caller.call_from(CALLER), PASSED);
    // An edit of it is as old as its file: it is the list that passes.
    scene.write("register.csv", numbers(1, 101));
    daemon.client.reload().expect(200);
    assert_eq!(daemon.client.list("register")["stale"], Value::Null);
    assert_eq!(daemon.client.metric("ringfence_list_stale{list=\"register\"}"), Some(0));
    assert_eq!(daemon.client.ready("lists"), (true, "works".to_owned()));
    assert_eq!(caller.call_from(CALLER), DECLINED);
}

#[test]
fn a_list_grows_old_while_nobody_does_anything() {
    let scene = Scene::new(&register("max_age = \"30d\"\nstale = \"pass\""));
    scene.write("register.csv", numbers(1, 100));
    age(&scene, 30 * DAY - Duration::from_secs(3));
    let daemon = scene.start();
    let caller = daemon.caller();
    assert_eq!(caller.call_from(CALLER), DECLINED);
    until("it is old", || caller.call_from(CALLER) == PASSED);
    assert_eq!(daemon.client.list("register")["stale"]["does"], "pass");
}

/// A list of the config that is read from `register.csv`, with these keys, and a rule that asks it.
fn register(keys: &str) -> String {
    format!(
        "[[list]]\nname = \"register\"\nclass = \"dnc\"\nfile = \"register.csv\"\n{keys}\n\
         [[inbound]]\nname = \"hotline\"\nlists = [\"register\"]\n"
    )
}

/// So many numbers; the first has this last digit, and 1 is the caller's.
fn numbers(first: u64, count: u64) -> String {
    let mut file = format!("4860010000{first}\n");
    for number in 1..count {
        let _ = writeln!(file, "{}", 48_500_000_000 + 97 * number + first);
    }
    file
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}

fn remove(scene: &Scene) {
    fs::remove_file(scene.path("register.csv")).expect("a file");
}

fn replace_by_folder(scene: &Scene) {
    fs::create_dir(scene.path("register.csv")).expect("a new folder");
}

/// Makes the file as old as this.
fn age(scene: &Scene, age: Duration) {
    let file = File::options().write(true).open(scene.path("register.csv")).expect("a file");
    file.set_modified(SystemTime::now() - age).expect("it is ours");
}

/// The digest of the base in force.
fn base(daemon: &Daemon) -> String {
    daemon.client.list("register")["base"]["digest"].as_str().expect("a digest").to_owned()
}

fn generation(client: &Client) -> u64 {
    client.get("/v1/lists").expect(200).generation()
}

const CALLER: &str = "48600100001";

const VERSIONS: Range<u64> = 1..7;

/// Both happen; so often that it is no accident.
const ENOUGH: u32 = 3;

/// A reload in which nothing was replaced at the wrong moment this often says that nobody looks.
const MOST_RELOADS: u32 = 2000;

const DAY: Duration = Duration::from_secs(24 * 3600);
