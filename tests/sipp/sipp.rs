//! SIPp as a child process.

use std::fs::{self, File};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::facts::Transport;
use crate::ringfence::{Process, Role, Scene};

/// A call for [`Sipp::from`] that no rule knows anything of.
pub(crate) const CALLER: [(&str, &str, &str); 1] = [("<sip:+48600100200@example.net>", "48221234567", "X-Test: none")];

/// One SIPp and what it is to do.
pub(crate) struct Sipp<'a> {
    scene: &'a Scene,
    role: Role,
    name: String,
    command: Command,
    at_most: Duration,
}

impl<'a> Sipp<'a> {
    /// Plays `scenarios/NAME.xml`, for this many calls.
    pub(crate) fn play(scene: &'a Scene, role: Role, scenario: &str, calls: usize) -> Sipp<'a> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sipp/scenarios");
        Sipp::play_of(scene, role, &folder, scenario, calls)
    }

    /// Plays `FOLDER/NAME.xml`, for this many calls.
    pub(crate) fn play_of(scene: &'a Scene, role: Role, folder: &Path, scenario: &str, calls: usize) -> Sipp<'a> {
        let file = folder.join(scenario).with_extension("xml");
        Sipp::new(scene, role, scenario, calls, &["-sf", &file.to_string_lossy()])
    }

    /// Plays a scenario that SIPp brings along.
    pub(crate) fn builtin(scene: &'a Scene, role: Role, scenario: &str, calls: usize) -> Sipp<'a> {
        Sipp::new(scene, role, scenario, calls, &["-sn", scenario])
    }

    fn new(scene: &'a Scene, role: Role, name: &str, calls: usize, scenario: &[&str]) -> Sipp<'a> {
        let mut command = Command::new("sipp");
        if role == Role::Caller {
            command.arg(scene.address(Role::Ringfence).to_string());
        }
        command.args(scenario);
        let address = scene.address(role);
        let host = if address.is_ipv6() { format!("[{}]", address.ip()) } else { address.ip().to_string() };
        command.args(["-i", &host, "-bind_local", "-p", &address.port().to_string()]);
        command.args(["-t", if scene.setting.transport == Transport::Tcp { "t1" } else { "u1" }]);
        command.args(["-m", &calls.to_string(), "-nostdin"]);
        // SIPp draws its screen even where there is none.
        command.env("TERM", "xterm").current_dir(scene.dir());
        let sipp = Sipp { scene, role, name: format!("{role:?}-{name}"), command, at_most: QUICK };
        let (error, screen) = (sipp.log("errors"), sipp.log("screen"));
        sipp.with(&["-trace_err", "-error_file", &error, "-trace_screen", "-screen_file", &screen])
    }

    fn log(&self, what: &str) -> String {
        self.scene.dir().join(format!("{}.{what}.log", self.name)).to_string_lossy().into_owned()
    }

    pub(crate) fn with(mut self, arguments: &[&str]) -> Sipp<'a> {
        self.command.args(arguments);
        self
    }

    /// Calls a second.
    pub(crate) fn rate(self, rate: usize) -> Sipp<'a> {
        self.with(&["-r", &rate.to_string()])
    }

    /// The calls that the scenarios of callers make, in turn: From without its tag, the number that is called, and one
    /// whole header line.
    pub(crate) fn from(self, calls: &[(&str, &str, &str)]) -> Sipp<'a> {
        let mut text = "SEQUENTIAL\n".to_owned();
        for (from, called, header) in calls {
            text += &format!("{from};{called};{header}\n");
        }
        let name = format!("{}.csv", self.name);
        self.scene.write(&name, &text);
        self.with(&["-inf", &name])
    }

    /// Starts it; a callee is waited for until it listens.
    pub(crate) fn start(mut self) -> Running {
        let output = File::create(self.log("output")).expect("the folder can be written");
        self.command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(output);
        let child = self.command.spawn().expect("sipp runs (Debian package sip-tester; tests/run installs it)");
        let mut process = Process::of(child);
        if self.role != Role::Caller {
            let address = self.scene.address(self.role);
            let deadline = Instant::now() + QUICK;
            while !listens(self.scene.setting.transport, address) {
                let ended = process.wait(Duration::from_millis(2));
                assert!(ended.is_none() && Instant::now() < deadline, "{} does not listen: {ended:?}", self.name);
            }
        }
        Running { name: self.name, process, at_most: self.at_most }
    }

    /// Runs it to its end.
    pub(crate) fn run(self) {
        self.start().finish();
    }

    /// How long it may take, where that is long.
    pub(crate) fn at_most(mut self, at_most: Duration) -> Sipp<'a> {
        self.at_most = at_most;
        self
    }
}

/// A SIPp at work.
pub(crate) struct Running {
    name: String,
    process: Process,
    at_most: Duration,
}

impl Running {
    /// Lets this time pass while it makes its calls.
    pub(crate) fn goes_on_for(&mut self, time: Duration) {
        let ended = self.process.wait(time);
        assert!(ended.is_none(), "{} has ended: {ended:?}", self.name);
    }

    /// Waits until it has played all its calls, whether they failed or not.
    pub(crate) fn end(&mut self) -> ExitStatus {
        let status = self.process.wait(self.at_most);
        status.unwrap_or_else(|| panic!("{} has not ended after {:?}", self.name, self.at_most))
    }

    /// Waits until it has played all its calls, and none of them failed.
    pub(crate) fn finish(mut self) {
        let status = self.end();
        assert!(status.success(), "{} ends with {status}: calls have failed", self.name);
    }
}

/// What a scenario wrote with `<log>`, line by line.
pub(crate) fn logged(scene: &Scene, name: &str) -> Vec<String> {
    let text = fs::read_to_string(scene.dir().join(name)).expect("a log file of SIPp");
    text.lines().map(str::to_owned).collect()
}

/// Whether a socket is open there, without opening one ourselves.
fn listens(transport: Transport, address: SocketAddr) -> bool {
    // In words of the machine's byte order.
    let word = |octets: &[u8]| {
        let octets = octets.try_into().expect("four of them");
        format!("{:08X}", u32::from_le_bytes(octets))
    };
    let (ip, any, version) = match address.ip() {
        IpAddr::V4(ip) => (word(&ip.octets()), "0".repeat(8), ""),
        IpAddr::V6(ip) => (ip.octets().chunks(4).map(word).collect(), "0".repeat(32), "6"),
    };
    let wanted = format!(" {ip}:{:04X} {any}:0000 ", address.port());
    let table = if transport == Transport::Tcp { "tcp" } else { "udp" };
    let path = PathBuf::from(format!("/proc/net/{table}{version}"));
    fs::read_to_string(path).is_ok_and(|table| table.contains(&wanted))
}

/// A few calls, on a machine that does something else as well.
const QUICK: Duration = Duration::from_secs(30);
