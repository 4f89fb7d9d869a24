//! A real `ringfence` with the settings of a test.

#![allow(dead_code, reason = "the tests of names and of TLS share it, and each uses other parts")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

/// The running program; it ends with this.
pub(crate) struct Daemon {
    pub(crate) dir: TempDir,
    child: Child,
    /// What stands before trunks and rules.
    settings: String,
    ready: String,
    pub(crate) udp: SocketAddr,
}

impl Daemon {
    /// Starts with `settings`, which leave out the admin port and the state, and with these trunks and rules. `dir` has the
    /// files that they name.
    pub(crate) fn start(dir: TempDir, settings: &str, rules: &str) -> Daemon {
        write_config(&dir, settings, rules);
        let mut child = command(&dir).stdout(Stdio::piped()).stderr(log(&dir)).spawn().expect("the program");
        let mut ready = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut ready).expect("a line");
        if ready.is_empty() {
            panic!("it does not start: {}", std::fs::read_to_string(dir.path().join(LOG)).unwrap_or_default());
        }
        let udp = bound(&ready, "udp");
        Daemon { dir, child, settings: settings.to_owned(), ready, udp }
    }

    /// Where it listens for `udp`, `tcp`, `tls` or `admin`.
    pub(crate) fn listens(&self, what: &str) -> SocketAddr {
        bound(&self.ready, what)
    }

    /// Has these trunks and rules instead from now on.
    pub(crate) fn reload(&self, rules: &str) {
        let answer = self.try_reload(rules);
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }

    /// The answer to the same.
    pub(crate) fn try_reload(&self, rules: &str) -> String {
        write_config(&self.dir, &self.settings, rules);
        self.ask("POST /v1/reload")
    }

    pub(crate) fn get(&self, path: &str) -> String {
        self.ask(&format!("GET {path}"))
    }

    fn ask(&self, what: &str) -> String {
        let mut stream = TcpStream::connect(self.listens("admin")).expect("the admin port");
        let request = format!("{what} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("written");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }

    /// Resident memory, in bytes.
    pub(crate) fn resident(&self) -> u64 {
        let statm = std::fs::read_to_string(format!("/proc/{}/statm", self.child.id())).expect("it runs");
        statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).expect("pages") * 4096
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join(LOG)).expect("a log")
    }

    /// What `ringfence check` says of its config.
    pub(crate) fn check(&self) -> Output {
        command(&self.dir).arg("check").output().expect("the program")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts with what must keep it from starting, and tells what it says.
pub(crate) fn refused(dir: &TempDir, settings: &str, rules: &str) -> String {
    write_config(dir, settings, rules);
    let output = command(dir).output().expect("the program");
    assert!(!output.status.success(), "it starts");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn command(dir: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence"));
    command.arg("--config").arg(dir.path().join(CONFIG)).env("RINGFENCE_LOG", "debug");
    command
}

fn log(dir: &TempDir) -> std::fs::File {
    std::fs::File::create(dir.path().join(LOG)).expect("a file")
}

fn bound(ready: &str, what: &str) -> SocketAddr {
    let words: Vec<&str> = ready.split_whitespace().collect();
    let at = words.iter().position(|word| *word == what).unwrap_or_else(|| panic!("no {what}: {ready}"));
    words[at + 1].parse().expect("an address")
}

fn write_config(dir: &TempDir, settings: &str, rules: &str) {
    let text = format!("{settings}\n[admin]\nlisten = \"127.0.0.1:0\"\n[state]\ndir = \"state\"\n{rules}");
    std::fs::write(dir.path().join(CONFIG), text).expect("a config");
}

const CONFIG: &str = "ringfence.toml";
const LOG: &str = "log";
