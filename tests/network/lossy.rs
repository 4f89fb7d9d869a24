//! Every tenth packet is lost, on one side: what is lost is sent again, and no call suffers.

use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::lab::{Host, Lab};
use crate::ringfence::{Ringfence, SIP};

const CALLS: usize = 200;

/// A SIPp with a scenario of its own; it ends with this.
struct Sipp(Child);

impl Sipp {
    fn on(host: &Host, dir: &TempDir, scenario: &str, options: &[&str]) -> Sipp {
        let scenario = format!("{}/tests/network/scenarios/{scenario}.xml", env!("CARGO_MANIFEST_DIR"));
        let mut command: Command = host.command("sipp");
        command.args(options).args(["-sf", &scenario]).args([
            "-i",
            &host.ip.to_string(),
            "-p",
            &SIP.to_string(),
            "-nostdin",
        ]);
        command.args(["-m", &CALLS.to_string(), "-timeout", "120s"]).env("TERM", "xterm").current_dir(dir.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Sipp(command.spawn().expect("sipp (Debian package sip-tester; tests/run installs it)"))
    }

    /// Waits until all of its calls have succeeded.
    fn succeeds(&mut self) {
        let status = self.0.wait().expect("it is ours");
        assert!(status.success(), "calls have failed: {status}");
    }
}

impl Drop for Sipp {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn all_calls_succeed_when_every_tenth_packet_is_lost_at(side: impl Fn(&Lab) -> &Host) {
    let Some(lab) = Lab::new() else { return };
    let _ringfence = Ringfence::start(&lab, "udp", "");
    let dir = tempfile::tempdir().expect("a folder");
    side(&lab).loses_a_tenth(&lab.proxy);
    // Copies that nobody waits for any more end no call.
    let _callee = Sipp::on(&lab.first, &dir, "callee", &["-default_behaviors", "none"]);
    let proxy = format!("10.77.1.1:{SIP}");
    let mut caller = Sipp::on(&lab.caller, &dir, "caller", &["-default_behaviors", "none", "-r", "50", &proxy]);
    caller.succeeds();
}

#[test]
fn all_calls_succeed_when_every_tenth_packet_is_lost_at_the_caller() {
    all_calls_succeed_when_every_tenth_packet_is_lost_at(|lab| &lab.caller);
}

#[test]
fn all_calls_succeed_when_every_tenth_packet_is_lost_at_the_callee() {
    all_calls_succeed_when_every_tenth_packet_is_lost_at(|lab| &lab.first);
}
