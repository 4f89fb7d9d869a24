//! `strace` on the daemon: what it asks of the system, and answers that the system would give on bad days.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::daemon::{Daemon, Scene};
use crate::until;

/// Attached to a daemon until it is dropped.
pub(crate) struct Tracer {
    strace: Child,
    trace: PathBuf,
}

impl Tracer {
    /// Attaches with these options; `None`: there is no strace, or it may not.
    pub(crate) fn attach(scene: &Scene, daemon: &Daemon, options: &[&str]) -> Option<Tracer> {
        let trace = scene.path("trace");
        let mut command = Command::new("strace");
        command.args(["-f", "-tt", "-yy", "-o"]).arg(&trace).args(options).arg(format!("--attach={}", daemon.id()));
        let mut strace = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().ok()?;
        let mut told = BufReader::new(strace.stderr.take().expect("a pipe"));
        let mut line = String::new();
        let _ = told.read_line(&mut line);
        let tracer = Tracer { strace, trace };
        if !line.contains("attached") {
            return None;
        }
        // It says more as threads come and go; nobody must keep it waiting.
        std::thread::spawn(move || std::io::copy(&mut told, &mut std::io::sink()));
        Some(tracer)
    }

    /// Lets the daemon go; what it asked of the system.
    pub(crate) fn detach(mut self) -> String {
        self.end();
        String::from_utf8_lossy(&fs::read(&self.trace).expect("a trace")).into_owned()
    }

    fn end(&mut self) {
        let id = Pid::from_raw(i32::try_from(self.strace.id()).expect("process ids are small"));
        if matches!(self.strace.try_wait(), Ok(None)) {
            // It lets its threads go only when it ends in order.
            let _ = kill(id, Signal::SIGINT);
        }
        let _ = self.strace.wait();
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        self.end();
    }
}

/// Why a test without it is none.
pub(crate) const NO_STRACE: &str = "strace is missing or may not attach to a process";

/// Whether a process can be traced at all.
pub(crate) fn is_usable() -> bool {
    let traced = Command::new("strace").args(["-o", "/dev/null", "true"]).stderr(Stdio::null()).status();
    traced.is_ok_and(|status| status.success())
}

/// The command as a process that is traced from its beginning. Its process id stays that of what is run.
pub(crate) fn traced(scene: &Scene, options: &[&str], command: &Command) -> Command {
    let mut traced = Command::new("strace");
    traced.args(["-D", "-f", "-tt", "-yy", "-o"]).arg(scene.path("trace")).args(options).arg("--");
    traced.arg(command.get_program()).args(command.get_args()).env_remove("RINGFENCE_LOG");
    traced
}

/// All that such a process did until it was killed.
pub(crate) fn whole(scene: &Scene) -> String {
    let trace = || String::from_utf8_lossy(&fs::read(scene.path("trace")).expect("a trace")).into_owned();
    until("the trace is written", || trace().trim_end().ends_with("+++ killed by SIGKILL +++"));
    trace()
}
