//! The units, as systemd reads them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use nix::sys::signal::Signal;

use crate::managed::{Scene, Service, any};

fn unit(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config/systemd").join(name)
}

fn output(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn systemd_finds_no_fault_in_the_units() {
    let dir = tempfile::tempdir().expect("a folder");
    for name in ["ringfence.service", "ringfence.socket"] {
        let unit = std::fs::read_to_string(unit(name)).expect("the unit");
        // Here the program is not installed.
        let unit = unit.replace("/usr/bin/ringfence", env!("CARGO_BIN_EXE_ringfence"));
        std::fs::write(dir.path().join(name), unit).expect("written");
    }
    for name in ["ringfence.service", "ringfence.socket"] {
        let found = output(Command::new("systemd-analyze").arg("verify").arg(dir.path().join(name)));
        assert!(found.status.success() && found.stderr.is_empty(), "{}", text(&found.stderr));
    }
}

#[test]
fn systemd_calls_its_exposure_low() {
    // In tenths: services with the usual hardening of Debian have some 20 to 50, those with none 95.
    let unit = unit("ringfence.service");
    let found =
        output(Command::new("systemd-analyze").args(["security", "--offline=true", "--threshold=15"]).arg(unit));
    assert!(found.status.success(), "{}", text(&found.stdout));
}

/// System calls of a group, as systemd knows them.
fn allowed(group: &str) -> BTreeSet<String> {
    let listed = output(Command::new("systemd-analyze").args(["syscall-filter", group]));
    let mut calls = BTreeSet::new();
    for line in text(&listed.stdout).lines().filter(|line| !line.trim_start().starts_with('#')) {
        match line.trim() {
            inner if inner.starts_with('@') && inner != group => calls.extend(allowed(inner)),
            call if !call.is_empty() && line.starts_with(' ') => drop(calls.insert(call.to_owned())),
            _ => {}
        }
    }
    calls
}

#[test]
fn every_system_call_of_the_program_passes_the_units_filter() {
    let scene = Scene::new(any(), any());
    let (program, trace) = (scene.command(), scene.dir().join("trace"));
    let mut traced = Command::new("strace");
    // With -D the program itself is our child, and not the tracer.
    traced.args(["-D", "-f", "-q", "-o"]).arg(&trace).arg(program.get_program()).args(program.get_args());
    traced.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut service = Service::start(traced);
    service.says("ringfence ready");
    service.signal(Signal::SIGHUP);
    service.says("were read again");
    service.signal(Signal::SIGTERM);
    service.ended();
    let filter = &allowed("@system-service") - &allowed("@privileged");
    let trace = std::fs::read_to_string(&trace).expect("a trace");
    let made: BTreeSet<&str> = trace
        .lines()
        .filter_map(|line| line.split_once(' ')?.1.trim_start().split_once('(').map(|(name, _)| name))
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'))
        .collect();
    assert!(made.contains("recvmmsg") && made.contains("execve"), "{made:?}");
    // With fchown SQLite gives its files to the owner of their folder if it runs as root, which the unit's user is not.
    let denied: Vec<&&str> = made.iter().filter(|call| **call != "fchown" && !filter.contains(**call)).collect();
    assert!(denied.is_empty(), "{denied:?}");
}
