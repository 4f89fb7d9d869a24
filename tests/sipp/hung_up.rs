//! SIGHUP while the program starts.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::ringfence::Process;

/// The list file is a pipe at first: it holds the program up in the midst of its start for as long as the test wants.
#[test]
fn a_reload_that_is_asked_for_during_the_start_is_made_after_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let (config, list, log) =
        (dir.path().join("ringfence.toml"), dir.path().join("l.csv"), dir.path().join("ringfence.log"));
    let text = "[sip]\nlisten = [\"udp:127.0.0.1:0\"]\n[admin]\nlisten = \"127.0.0.1:0\"\n[state]\ndir = \"state\"\n\
                [[list]]\nname = \"l\"\nclass = \"dnc\"\nfile = \"l.csv\"\n";
    std::fs::write(&config, text).expect("a config");
    assert!(Command::new("mkfifo").arg(&list).status().is_ok_and(|status| status.success()));
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence"));
    command.arg("--config").arg(&config).env_remove("RINGFENCE_LOG").stdout(Stdio::null());
    let stderr = std::fs::File::create(&log).expect("a log");
    let mut process = Process::of(command.stderr(stderr).spawn().expect("the binary starts"));
    // Opens as soon as the program reads it.
    let mut pipe = OpenOptions::new().write(true).open(&list).expect("the pipe");
    process.signal(Signal::SIGHUP);
    assert_eq!(process.wait(Duration::from_millis(200)), None, "it does not end");
    let regular = dir.path().join("later.csv");
    std::fs::write(&regular, "48221110001\n").expect("a list");
    std::fs::rename(&regular, &list).expect("the list takes the place of the pipe");
    pipe.write_all(b"48221110002\n").expect("it reads on");
    drop(pipe);
    let reloaded = || std::fs::read_to_string(&log).expect("a log").contains("lists and rules were read again");
    let tries = (0..400).find(|_| reloaded() || process.wait(Duration::from_millis(50)).is_some());
    assert!(tries.is_some() && reloaded(), "{}", std::fs::read_to_string(&log).expect("a log"));
    process.signal(Signal::SIGTERM);
    assert!(process.wait(Duration::from_secs(20)).is_some_and(|status| status.success()));
}
