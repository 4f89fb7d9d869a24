//! A real `ringfence` with a config in a directory of its own.

use std::io::{BufRead, BufReader, Read};
use std::net::{IpAddr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tempfile::TempDir;

/// Long enough for a loaded machine; a start takes milliseconds.
const START: Duration = Duration::from_secs(20);

/// The running program.
pub(crate) struct Daemon {
    dir: TempDir,
    child: Child,
    log: Option<JoinHandle<String>>,
    rules: String,
    pub(crate) udp: SocketAddr,
    pub(crate) tcp: SocketAddr,
}

impl Daemon {
    /// Starts with these trunks and rules, on ports that the system chooses.
    pub(crate) fn start(rules: &str) -> Daemon {
        let dir = tempfile::tempdir().expect("a directory");
        let any = SocketAddr::new(own_address(), 0);
        let (child, log, [udp, tcp]) = spawn(&dir, rules, [any, any]);
        Daemon { dir, child, log: Some(log), rules: rules.to_owned(), udp, tcp }
    }

    /// Ends it without notice and starts it again on the same ports and the same state.
    pub(crate) fn restart(mut self) -> Daemon {
        self.end();
        let (child, log, [udp, tcp]) = spawn(&self.dir, &self.rules, [self.udp, self.tcp]);
        self.child = child;
        self.log = Some(log);
        (self.udp, self.tcp) = (udp, tcp);
        self
    }

    /// Ends it; nothing that identifies who called whom may stand in its log, which shows all there is.
    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let Some(log) = self.log.take() else { return };
        let log = log.join().expect("the reader of the log");
        if thread::panicking() {
            return eprintln!("{log}");
        }
        assert!(log.contains("ringfence"), "there is a log");
        assert!(!log.contains("ERROR"), "{log}");
        for number in crate::NUMBERS {
            assert!(!log.contains(&number[2..]), "a number in the log: {log}");
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.end();
    }
}

/// A loopback address that no other test uses: between end and restart nobody can take a port of it. Two runs at once get
/// different ones.
fn own_address() -> IpAddr {
    static DAEMONS: AtomicU8 = AtomicU8::new(1);
    let process = u8::try_from(std::process::id() % 250).expect("below 250");
    IpAddr::from([127, 2, process, DAEMONS.fetch_add(1, Ordering::Relaxed)])
}

fn spawn(dir: &TempDir, rules: &str, [udp, tcp]: [SocketAddr; 2]) -> (Child, JoinHandle<String>, [SocketAddr; 2]) {
    let config = format!(
        "[sip]\nlisten = [\"udp:{udp}\", \"tcp:{tcp}\"]\nworkers = 2\n[admin]\nlisten = \"127.0.0.1:0\"\n[state]\n\
         dir = \"state\"\n{rules}"
    );
    let path = dir.path().join("ringfence.toml");
    std::fs::write(&path, config).expect("a config");
    let mut child = Command::new(env!("CARGO_BIN_EXE_ringfence"))
        .arg("--config")
        .arg(&path)
        .env("RINGFENCE_LOG", "trace")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program");
    let mut stderr = child.stderr.take().expect("a pipe");
    let log = thread::spawn(move || {
        let mut log = Vec::new();
        let _ = stderr.read_to_end(&mut log);
        String::from_utf8_lossy(&log).into_owned()
    });
    let stdout = child.stdout.take().expect("a pipe");
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let mut line = String::new();
        let _ = BufReader::new(stdout).read_line(&mut line);
        let _ = tell.send(line);
    });
    let line = told.recv_timeout(START).unwrap_or_default();
    let words: Vec<&str> = line.split_whitespace().collect();
    let address = |transport: &str| {
        let at = words.iter().position(|word| *word == transport).map(|at| at + 1);
        at.and_then(|at| words.get(at)?.parse().ok())
    };
    match (address("udp"), address("tcp")) {
        (Some(udp), Some(tcp)) => (child, log, [udp, tcp]),
        _ => {
            let _ = child.kill();
            let _ = child.wait();
            panic!("it does not start: {line:?} {}", log.join().unwrap_or_default());
        }
    }
}
