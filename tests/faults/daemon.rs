//! The binary with a config and state in a folder of the test.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::PATIENCE;
use crate::caller::Caller;
use crate::client::Client;
use crate::mounted::Mounted;
use crate::tracer;

/// A folder with a config, and a loopback address that nobody else uses.
pub(crate) struct Scene {
    dir: Option<TempDir>,
    ip: IpAddr,
    rules: String,
}

impl Scene {
    /// With these lists and rules; calls come from the trunk `carrier`, and those that pass have no route: 404.
    pub(crate) fn new(rules: &str) -> Scene {
        static SCENES: AtomicU8 = AtomicU8::new(1);
        // Two runs at once get different addresses.
        let process = u8::try_from(std::process::id() % 250).expect("below 250");
        let ip = Ipv4Addr::new(127, 1 + process, SCENES.fetch_add(1, Ordering::Relaxed), 1).into();
        let dir = tempfile::Builder::new().prefix("ringfence-faults-").tempdir().expect("a temporary folder");
        let scene = Scene { dir: Some(dir), ip, rules: String::new() };
        scene.with_rules(rules)
    }

    /// The same folder with other lists and rules.
    pub(crate) fn with_rules(mut self, rules: &str) -> Scene {
        self.rules = rules.to_owned();
        let config = format!(
            r#"
[sip]
listen = ["udp:{ip}:0"]
workers = 1
[admin]
listen = "{ip}:0"
[state]
dir = "state"
[numbers]
country = "48"
national_length = [9]
never_block = []
[[trunk]]
name = "carrier"
from = ["{ip}"]
trusted = true
{rules}"#,
            ip = self.ip
        );
        self.write("ringfence.toml", &config);
        self
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.as_ref().expect("a folder until the end").path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir().join(name)
    }

    /// Writes a file in place.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).expect("the folder can be written");
    }

    /// Puts a file in the place of another, as careful programs do.
    pub(crate) fn replace(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let new = self.path(&format!("{name}.new"));
        fs::write(&new, bytes).expect("the folder can be written");
        fs::rename(new, self.path(name)).expect("a file can be renamed");
    }

    /// Starts it and waits until it is ready.
    pub(crate) fn start(&self) -> Daemon {
        self.start_by(self.command())
    }

    /// The same where the mount can be seen.
    pub(crate) fn start_in(&self, mounted: &Mounted) -> Daemon {
        self.start_by(mounted.inside(self.command()))
    }

    /// The same with all that it asks of the system written down: see [`tracer::whole`].
    pub(crate) fn start_traced(&self, options: &[&str]) -> Daemon {
        self.start_by(tracer::traced(self, options, &self.command()))
    }

    fn start_by(&self, command: Command) -> Daemon {
        match Starting::new(self, command).outcome() {
            Ok(daemon) => daemon,
            Err((code, log)) => panic!("it ends with {code:?}: {log}"),
        }
    }

    /// Starts it and does not wait.
    pub(crate) fn begin(&self) -> Starting {
        Starting::new(self, self.command())
    }

    /// Starts it where it must refuse to run; what it says. It must exit with 1.
    pub(crate) fn refused(&self) -> String {
        self.refused_by(self.command())
    }

    /// The same where the mount can be seen.
    pub(crate) fn refused_in(&self, mounted: &Mounted) -> String {
        self.refused_by(mounted.inside(self.command()))
    }

    fn refused_by(&self, command: Command) -> String {
        match Starting::new(self, command).outcome() {
            Ok(_) => panic!("it starts"),
            Err((code, log)) => {
                assert_eq!(code, Some(1), "{log}");
                log
            }
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence"));
        command.arg("--config").arg(self.path("ringfence.toml")).env_remove("RINGFENCE_LOG");
        command
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some(dir) = self.dir.take()
        {
            eprintln!("the folder is kept: {}", dir.keep().display());
        }
    }
}

/// A process that may not be ready yet.
pub(crate) struct Starting {
    daemon: Daemon,
    line: mpsc::Receiver<String>,
}

impl Starting {
    fn new(scene: &Scene, mut command: Command) -> Starting {
        static STARTS: AtomicU32 = AtomicU32::new(0);
        let log = scene.path(&format!("ringfence-{}.log", STARTS.fetch_add(1, Ordering::Relaxed)));
        let stderr = File::create(&log).expect("the folder can be written");
        let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr).spawn();
        let mut child = spawned.expect("the binary starts");
        let stdout = child.stdout.take().expect("stdout is piped");
        let (tell, line) = mpsc::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            let _ = BufReader::new(stdout).read_line(&mut line);
            let _ = tell.send(line);
        });
        let nowhere = SocketAddr::new(scene.ip, 0);
        let process = Process::of(child);
        let daemon = Daemon { process, log, ip: scene.ip, sip: nowhere, client: Client::new(nowhere) };
        Starting { daemon, line }
    }

    /// The line that says it is ready; `None`: it has ended instead.
    fn ready(&mut self) -> Option<String> {
        let line = self.line.recv_timeout(PATIENCE).expect("it is ready or ends in time");
        (!line.is_empty()).then_some(line)
    }

    /// The daemon, once it is ready; otherwise its exit code and log.
    pub(crate) fn outcome(mut self) -> Result<Daemon, (Option<i32>, String)> {
        match self.ready() {
            Some(line) => Ok(self.ready_at(&line)),
            None => Err((self.daemon.wait().code(), self.daemon.log())),
        }
    }

    /// `kill -9` after this time, wherever it is by then.
    pub(crate) fn kill_after(mut self, time: Duration) {
        self.daemon.process.wait(time);
        self.daemon.kill();
    }

    fn ready_at(self, line: &str) -> Daemon {
        let words: Vec<&str> = line.split_whitespace().collect();
        let after = |word: &str| {
            let at = words.iter().position(|found| *found == word).expect("the line names it");
            words[at + 1].parse().expect("an address")
        };
        let (sip, admin) = (after("udp"), after("admin"));
        let Starting { mut daemon, line: _ } = self;
        (daemon.sip, daemon.client) = (sip, Client::new(admin));
        daemon
    }
}

/// The running program.
pub(crate) struct Daemon {
    process: Process,
    log: PathBuf,
    ip: IpAddr,
    sip: SocketAddr,
    /// Asks its admin port.
    pub(crate) client: Client,
}

impl Daemon {
    pub(crate) fn id(&self) -> Pid {
        self.process.id
    }

    /// Somebody who calls through it.
    pub(crate) fn caller(&self) -> Caller {
        Caller::new(self.ip, self.sip)
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).expect("the log is text")
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.process.signal(Signal::SIGKILL);
        self.wait();
    }

    /// Ends it as a supervisor does.
    pub(crate) fn stop(&mut self) {
        self.process.signal(Signal::SIGTERM);
        assert!(self.wait().success(), "{}", self.log());
    }

    /// How it ended.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.process.wait(PATIENCE).expect("it ends in time")
    }
}

/// Ends it; its log may hold no bug of ours and no number of a caller.
impl Drop for Daemon {
    fn drop(&mut self) {
        self.process.signal(Signal::SIGKILL);
        self.process.wait(PATIENCE);
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        if std::thread::panicking() {
            return eprintln!("---- {}\n{log}", self.log.display());
        }
        assert!(!log.contains("ERROR"), "an ERROR is a bug of ours: {log}");
        assert!(!log.contains(PERSONAL), "a number in the log: {log}");
        // Thousands of starts leave as many logs.
        let _ = fs::remove_file(&self.log);
    }
}

/// A child that a thread waits for.
struct Process {
    id: Pid,
    ended: mpsc::Receiver<ExitStatus>,
    status: Option<ExitStatus>,
}

impl Process {
    fn of(mut child: Child) -> Process {
        let id = Pid::from_raw(i32::try_from(child.id()).expect("process ids are small"));
        let (tell, ended) = mpsc::channel();
        std::thread::spawn(move || {
            let _ = tell.send(child.wait().expect("a child can be waited for"));
        });
        Process { id, ended, status: None }
    }

    fn wait(&mut self, at_most: Duration) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = self.ended.recv_timeout(at_most).ok();
        }
        self.status
    }

    fn signal(&mut self, signal: Signal) {
        if self.wait(Duration::ZERO).is_none() {
            let _ = kill(self.id, signal);
        }
    }
}

/// All numbers that are called or edited in these tests have these digits.
pub(crate) const PERSONAL: &str = "600100";
