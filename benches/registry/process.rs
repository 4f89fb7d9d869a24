//! A Ringfence that runs as a process of its own.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::memory::{self, Memory};

/// Writes a config into `dir`: a caller at 127.0.0.2 whose callees are looked up in three lists, the first of them with
/// this file. There is no route, so that whoever is not listed gets 404.
pub(crate) fn config(dir: &Path, file: Option<&Path>) -> io::Result<PathBuf> {
    let path = dir.join("ringfence.toml");
    let file = file.map(|file| format!("file = \"{}\"\nformat = \"ftc\"\n", file.display())).unwrap_or_default();
    fs::write(&path, CONFIG.replace("FILE\n", &file))?;
    Ok(path)
}

pub(crate) struct Ringfence {
    child: Child,
    /// Open for as long as the process lives: it may print more.
    _stdout: BufReader<ChildStdout>,
    /// From the start of the process to the readiness line.
    pub(crate) ready_after: Duration,
    /// Where it takes calls.
    pub(crate) sip: SocketAddrV4,
    /// Where it takes requests.
    pub(crate) admin: SocketAddrV4,
}

impl Ringfence {
    pub(crate) fn start(program: &Path, config: &Path) -> io::Result<Ringfence> {
        let start = Instant::now();
        let mut child = Command::new(program)
            .arg("--config")
            .arg(config)
            // It warns that this config is none for production.
            .env("RINGFENCE_LOG", "error")
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| io::Error::other(format!("{}: {error}", program.display())))?;
        let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut line = String::new();
        stdout.read_line(&mut line)?;
        let ready_after = start.elapsed();
        let address = |name: &str| {
            let mut words = line.split_whitespace().skip_while(|word| *word != name);
            words.nth(1).and_then(|address| address.parse().ok())
        };
        let (Some(sip), Some(admin)) = (address("udp"), address("admin")) else {
            let _ = child.wait();
            return Err(io::Error::other("ringfence does not start"));
        };
        Ok(Ringfence { child, _stdout: stdout, ready_after, sip, admin })
    }

    pub(crate) fn memory(&self) -> Memory {
        Memory::of(self.child.id())
    }

    pub(crate) fn forget_peak(&self) -> io::Result<()> {
        memory::forget_peak(self.child.id())
    }

    /// Ends it as an operator does.
    pub(crate) fn stop(mut self) -> io::Result<()> {
        let id = i32::try_from(self.child.id()).map_err(io::Error::other)?;
        kill(Pid::from_raw(id), Signal::SIGTERM)?;
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { Err(io::Error::other(format!("ringfence: {status}"))) }
    }
}

impl Drop for Ringfence {
    fn drop(&mut self) {
        // After `stop` there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One shard and one thread for lists, as on a machine of two cores. Every port is one that is free.
const CONFIG: &str = r#"
[sip]
listen = ["udp:127.0.0.1:0"]
workers = 1

[admin]
listen = "127.0.0.1:0"

[state]
dir = "state"

[numbers]
country = "1"
national_length = [10]
never_block = ["911"]

[lists]
threads = 1

[[trunk]]
name = "dialler"
from = ["127.0.0.2"]
to = ["sip:127.0.0.2:5070"]

[[list]]
name = "registry"
class = "dnc"
FILE

[[list]]
name = "own"
class = "dnc"

[[list]]
name = "imported"
class = "dnc"

[[campaign]]
name = "calls"
trunks = ["dialler"]
lists = ["registry", "own", "imported"]
"#;
