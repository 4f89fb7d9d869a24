//! SIGHUP while the program starts.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::ringfence::Process;

/// The config is a pipe at first: it holds the program up in the midst of its start for as long as the test wants.
#[test]
fn a_reload_that_is_asked_for_during_the_start_is_made_after_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let (config, log) = (dir.path().join("ringfence.toml"), dir.path().join("ringfence.log"));
    let text = "[sip]\nlisten = [\"udp:127.0.0.1:0\"]\n[admin]\nlisten = \"127.0.0.1:0\"\n[state]\ndir = \"state\"\n";
    assert!(Command::new("mkfifo").arg(&config).status().is_ok_and(|status| status.success()));
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence"));
    command.arg("--config").arg(&config).env_remove("RINGFENCE_LOG").stdout(Stdio::null());
    let stderr = std::fs::File::create(&log).expect("a log");
    let mut process = Process::of(command.stderr(stderr).spawn().expect("the binary starts"));
    // Opens as soon as the program reads it.
    let mut pipe = OpenOptions::new().write(true).open(&config).expect("the pipe");
    process.signal(Signal::SIGHUP);
    assert_eq!(process.wait(Duration::from_millis(200)), None, "it does not end");
    let regular = dir.path().join("later.toml");
    std::fs::write(&regular, text).expect("a config");
    std::fs::rename(&regular, &config).expect("the config takes the place of the pipe");
    pipe.write_all(text.as_bytes()).expect("it reads on");
    drop(pipe);
    let reloaded = || std::fs::read_to_string(&log).expect("a log").contains("lists and rules were read again");
    let tries = (0..400).find(|_| reloaded() || process.wait(Duration::from_millis(50)).is_some());
    assert!(tries.is_some() && reloaded(), "{}", std::fs::read_to_string(&log).expect("a log"));
    process.signal(Signal::SIGTERM);
    assert!(process.wait(Duration::from_secs(20)).is_some_and(|status| status.success()));
}
