use std::fs;
use std::time::Instant;

use tempfile::TempDir;

use super::*;
use crate::app::live::Counts;
use crate::app::open::Opened;
use crate::usage::Usage;

const CONFIG: &str = r#"
[state]
dir = "state"
[sip]
listen = ["udp:127.0.0.1:0"]
[[list]]
name = "default"
class = "personal"
file = "default.csv"
max_change = 60
"#;

/// A daemon without sockets, over a file of two numbers.
fn start(dir: &TempDir) -> Arc<Live> {
    let path = dir.path().join("ringfence.toml");
    fs::write(&path, CONFIG).unwrap();
    Opened::open(&path, |_| ()).unwrap().live(&path, Arc::new(Usage::new()), Counts::default())
}

fn has_changed(live: &Live) -> bool {
    !agree(&as_read(live), &stamps(&files(live)))
}

#[test]
fn a_file_that_changed_before_anybody_watched_is_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("default.csv");
    fs::write(&file, "48221000001\n48221000002\n").unwrap();
    let live = start(&dir);
    assert!(!has_changed(&live));
    fs::write(&file, "48221000001\n48221000002\n48221000003\n").unwrap();
    assert!(has_changed(&live));
    let _watch = Watch::start(&live).unwrap();
    let end = Instant::now() + Duration::from_secs(20);
    while live.worlds.load().lists.get("default").unwrap().len() != 3 {
        assert!(Instant::now() < end, "nobody has seen it");
        thread::yield_now();
    }
    assert!(!has_changed(&live));
}

#[test]
fn a_file_that_waits_or_cannot_be_used_has_not_changed() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("default.csv");
    fs::write(&file, "48221000001\n48221000002\n").unwrap();
    drop(start(&dir));
    fs::write(&file, "48221000003\n48221000004\n").unwrap();
    let waits = start(&dir);
    assert_eq!(waits.read().waiting().count(), 1);
    assert!(!has_changed(&waits));
    drop(waits);
    fs::remove_file(&file).unwrap();
    let gone = start(&dir);
    assert!(!has_changed(&gone));
    fs::write(&file, "48221000001\n48221000002\n").unwrap();
    drop(gone);
    assert!(!has_changed(&start(&dir)));
}
