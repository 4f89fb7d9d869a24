//! The binary with a config of the test.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::facts::{Setting, Transport};

/// Loopback addresses and a port that nobody else uses, and a folder.
pub(crate) struct Scene {
    pub(crate) setting: Setting,
    port: u16,
    /// Of IPv4; over IPv6, which has one loopback address only, each has a port of his own.
    block: Option<[u8; 3]>,
    dir: Option<TempDir>,
}

/// Every call of the caller goes to the callee.
pub(crate) const ROUTE: &str = r#"
[[route]]
name = "all"
trunks = ["caller"]
to = "callee"
"#;

/// Who has which address of a scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Ringfence = 1,
    Caller = 2,
    Callee = 3,
    /// The callee's second target.
    Second = 4,
}

impl Scene {
    pub(crate) fn new(setting: Setting) -> Scene {
        static SCENES: AtomicU8 = AtomicU8::new(0);
        // Two runs at once get different ports where they get the same addresses.
        let process = u8::try_from(std::process::id() % 250).expect("below 250");
        Scene::at(setting, Some([127, 1 + process, SCENES.fetch_add(1, Ordering::Relaxed)]))
    }

    /// A scene at [::1].
    pub(crate) fn over_ipv6(setting: Setting) -> Scene {
        Scene::at(setting, None)
    }

    fn at(setting: Setting, block: Option<[u8; 3]>) -> Scene {
        let dir = tempfile::Builder::new().prefix("ringfence-sipp-").tempdir().expect("a temporary folder");
        let mut scene = Scene { setting, port: 0, block, dir: Some(dir) };
        scene.port = scene.free_port();
        scene
    }

    /// A port that is free at all addresses, for UDP and TCP.
    fn free_port(&self) -> u16 {
        let free = |role, port| {
            let address = SocketAddr::new(self.ip(role), self.port_of(role, port));
            TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok()
        };
        (0..100)
            .find_map(|_| {
                let port = UdpSocket::bind((self.ip(Role::Ringfence), 0)).ok()?.local_addr().ok()?.port();
                let roles = [Role::Ringfence, Role::Caller, Role::Callee, Role::Second];
                roles.into_iter().all(|role| free(role, port)).then_some(port)
            })
            .expect("one of a hundred ports is free")
    }

    pub(crate) fn ip(&self, role: Role) -> IpAddr {
        match self.block {
            Some([a, b, c]) => Ipv4Addr::new(a, b, c, role as u8).into(),
            None => Ipv6Addr::LOCALHOST.into(),
        }
    }

    pub(crate) fn address(&self, role: Role) -> SocketAddr {
        SocketAddr::new(self.ip(role), self.port_of(role, self.port))
    }

    fn port_of(&self, role: Role, first: u16) -> u16 {
        if self.block.is_some() { first } else { first.saturating_add(role as u16) }
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.as_ref().expect("a folder until the end").path()
    }

    /// Writes a file, such as a list.
    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.dir().join(name), text).expect("the folder can be written");
    }

    /// Starts the binary with `rules` below the trunks `caller` and `callee`, and waits until it is ready.
    pub(crate) fn start(&self, rules: &str) -> Ringfence<'_> {
        let uri = |role| {
            let transport = if self.setting.transport == Transport::Tcp { ";transport=tcp" } else { "" };
            format!("\"sip:{}{transport}\"", self.address(role))
        };
        let (listen, workers) = (self.address(Role::Ringfence), self.setting.workers);
        let (caller, callee) = (self.ip(Role::Caller), self.ip(Role::Callee));
        let (to_caller, to_callee, to_second) = (uri(Role::Caller), uri(Role::Callee), uri(Role::Second));
        // A trunk with one target waits for it as long as RFC 3261 says.
        let config = format!(
            r#"
[sip]
listen = ["udp:{listen}", "tcp:{listen}"]
workers = {workers}
[admin]
listen = "127.0.0.1:0"
[state]
dir = "state"
[[trunk]]
name = "caller"
from = ["{caller}"]
to = [{to_caller}]
trusted = true
[[trunk]]
name = "callee"
from = ["{callee}", "{}"]
to = [{to_callee}]
trusted = true
[[trunk]]
name = "callees"
to = [{to_callee}, {to_second}]
try_for = "1s"
failover_on = [503]
{rules}"#,
            self.ip(Role::Second)
        );
        self.start_with(&config)
    }

    /// Starts the binary with this config, and waits until it is ready.
    pub(crate) fn start_with(&self, config: &str) -> Ringfence<'_> {
        self.write("ringfence.toml", config);
        Ringfence::start(self)
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let Some(dir) = self.dir.take().map(TempDir::keep) else { return };
        eprintln!("the folder is kept: {}", dir.display());
        let mut files: Vec<PathBuf> =
            fs::read_dir(&dir).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        files.sort();
        for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "log")) {
            let text = String::from_utf8_lossy(&fs::read(file).unwrap_or_default()).into_owned();
            let lines: Vec<&str> = text.lines().collect();
            let shown = lines.len().saturating_sub(SHOWN_LINES);
            eprintln!("---- {}\n{}", file.display(), lines[shown..].join("\n"));
        }
    }
}

/// Enough for SIPp's last screen, and for what it says of a message that it did not expect.
const SHOWN_LINES: usize = 80;

/// The running binary.
pub(crate) struct Ringfence<'a> {
    scene: &'a Scene,
    pub(crate) process: Process,
    pub(crate) admin: SocketAddr,
}

impl Ringfence<'_> {
    fn start(scene: &Scene) -> Ringfence<'_> {
        let log = File::create(scene.dir().join("ringfence.log")).expect("the folder can be written");
        let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence"));
        command.arg("--config").arg(scene.dir().join("ringfence.toml")).env_remove("RINGFENCE_LOG");
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().expect("the binary starts");
        let stdout = child.stdout.take().expect("stdout is piped");
        let process = Process::of(child);
        let (send, ready) = mpsc::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            let _ = BufReader::new(stdout).read_line(&mut line);
            let _ = send.send(line);
        });
        let line = ready.recv_timeout(START).expect("it is ready in time");
        assert!(line.starts_with("ringfence ready:"), "it says {line:?}");
        let admin = line.split_once(" admin ").and_then(|(_, address)| address.trim().parse().ok());
        Ringfence { scene, process, admin: admin.expect("the ready line names the admin address") }
    }

    /// Ends it as a supervisor does, and reads what it has written of the calls.
    pub(crate) fn stop(mut self) -> Vec<Record> {
        self.end();
        let records = fs::read_dir(self.scene.dir().join("state/records")).into_iter().flatten().flatten();
        let files = records.map(|file| file.path()).filter(|file| file.extension().is_some_and(|it| it == "csv"));
        files.flat_map(|file| read_records(&file)).collect()
    }

    /// Ends it as a supervisor does.
    pub(crate) fn end(&mut self) {
        self.process.signal(Signal::SIGTERM);
        let status = self.process.wait(STOP).expect("it ends in time when told to");
        assert!(status.success(), "it ends with {status}");
        let log = fs::read_to_string(self.scene.dir().join("ringfence.log")).expect("the log is text");
        assert!(!log.contains("ERROR"), "an ERROR is a bug of ours");
    }

    /// What `GET /metrics` gives.
    pub(crate) fn metrics(&self) -> String {
        let url = format!("http://{}/metrics", self.admin);
        ureq::get(&url).call().expect("the admin port answers").body_mut().read_to_string().expect("a text")
    }

    /// Asks the admin port.
    pub(crate) fn admin(&self, method: &str, path: &str) -> u16 {
        let url = format!("http://{}{path}", self.admin);
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let answer = match method {
            "PUT" => agent.put(&url).send_empty(),
            "POST" => agent.post(&url).send_empty(),
            _ => agent.delete(&url).call(),
        };
        answer.expect("the admin port answers").status().as_u16()
    }
}

/// A line of the records, by column.
pub(crate) type Record = HashMap<String, String>;

fn read_records(file: &Path) -> Vec<Record> {
    let mut reader = csv::Reader::from_path(file).expect("a record file");
    reader.deserialize().map(|record| record.expect("a line with all columns")).collect()
}

/// The `call` lines.
pub(crate) fn calls(records: &[Record]) -> Vec<&Record> {
    records.iter().filter(|record| record["event"] == "call").collect()
}

/// How often each value of a column stands in the `call` lines.
pub(crate) fn counts<'a>(records: &'a [Record], column: &str) -> HashMap<&'a str, usize> {
    let mut counts = HashMap::new();
    for record in calls(records) {
        *counts.entry(record[column].as_str()).or_default() += 1;
    }
    counts
}

/// A child process that does not outlive its test.
pub(crate) struct Process {
    pub(crate) id: Pid,
    ended: mpsc::Receiver<ExitStatus>,
    status: Option<ExitStatus>,
}

impl Process {
    pub(crate) fn of(mut child: Child) -> Process {
        let id = Pid::from_raw(i32::try_from(child.id()).expect("process ids are small"));
        let (send, ended) = mpsc::channel();
        std::thread::spawn(move || {
            let _ = send.send(child.wait().expect("a child can be waited for"));
        });
        Process { id, ended, status: None }
    }

    /// How it ended, or `None` when it has not within this time.
    pub(crate) fn wait(&mut self, at_most: Duration) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = self.ended.recv_timeout(at_most).ok();
        }
        self.status
    }

    pub(crate) fn signal(&mut self, signal: Signal) {
        if self.wait(Duration::ZERO).is_none() {
            let _ = kill(self.id, signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
        self.wait(STOP);
    }
}

/// It starts within milliseconds; this is for machines that do something else as well.
const START: Duration = Duration::from_secs(20);

/// It ends as soon as its records are on the disk.
const STOP: Duration = Duration::from_secs(20);
