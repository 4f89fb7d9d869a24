//! The program as a service manager starts it.

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::uninterrupted::uninterrupted;

/// Long enough for a loaded machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A folder with a config, which serves the trunk `neighbour` on 127.0.0.1.
pub(crate) struct Scene(TempDir);

impl Scene {
    pub(crate) fn new(udp: SocketAddr, tcp: SocketAddr) -> Scene {
        let dir = tempfile::tempdir().expect("a folder");
        let config = format!(
            "[sip]\nlisten = [\"udp:{udp}\", \"tcp:{tcp}\"]\nworkers = 2\n[admin]\nlisten = \"127.0.0.1:0\"\n\
             [[trunk]]\nname = \"neighbour\"\nfrom = [\"127.0.0.1\"]\n"
        );
        std::fs::write(dir.path().join("ringfence.toml"), config).expect("a config");
        Scene(dir)
    }

    /// The program, with a state directory as systemd names it.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence"));
        command.arg("--config").arg(self.config()).env("STATE_DIRECTORY", self.0.path().join("state"));
        command
    }

    pub(crate) fn config(&self) -> std::path::PathBuf {
        self.0.path().join("ringfence.toml")
    }

    pub(crate) fn dir(&self) -> &std::path::Path {
        self.0.path()
    }
}

/// The program, running; it ends with this.
pub(crate) struct Service {
    child: Child,
    log: mpsc::Receiver<String>,
}

impl Service {
    pub(crate) fn start(mut command: Command) -> Service {
        let mut child = command.stderr(Stdio::piped()).spawn().expect("the program");
        let log = lines(child.stderr.take().expect("a pipe"));
        Service { child, log }
    }

    /// The next line of its log that contains this.
    #[track_caller]
    pub(crate) fn says(&self, part: &str) -> String {
        let mut seen = String::new();
        loop {
            match self.log.recv_timeout(PATIENCE) {
                Ok(line) if line.contains(part) => return line,
                Ok(line) => seen += &format!("{line}\n"),
                Err(_) => panic!("it does not say {part:?}, but:\n{seen}"),
            }
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).expect("a process id");
        kill(Pid::from_raw(id), signal).expect("it runs");
    }

    /// Waits for its end, which must come.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        // Its log ends with it.
        while self.log.recv_timeout(PATIENCE).is_ok() {}
        self.child.wait().expect("it is ours")
    }

    pub(crate) fn stop(mut self) {
        self.signal(Signal::SIGTERM);
        assert!(self.ended().success());
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(from: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || BufReader::new(from).lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
    told
}

/// OPTIONS to the program itself.
pub(crate) fn options(from: &UdpSocket, to: SocketAddr, call_id: &str) -> String {
    let from = from.local_addr().expect("an address");
    format!(
        "OPTIONS sip:{to} SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bK{call_id}\r\nMax-Forwards: 70\r\n\
         From: <sip:{from}>;tag=1\r\nTo: <sip:{to}>\r\nCall-ID: {call_id}\r\nCSeq: 1 OPTIONS\r\n\
         Content-Length: 0\r\n\r\n"
    )
}

/// The next message that comes in.
#[track_caller]
pub(crate) fn next(socket: &UdpSocket) -> String {
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut buffer = [0; 4096];
    let length = uninterrupted(|| socket.recv(&mut buffer)).expect("a message");
    String::from_utf8_lossy(&buffer[..length]).into_owned()
}

/// The system chooses the port.
pub(crate) fn any() -> SocketAddr {
    "127.0.0.1:0".parse().expect("an address")
}
