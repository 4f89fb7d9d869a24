//! A list as large as the US National Do Not Call Registry in the running daemon, through its sockets only: start,
//! reload, calls while it reloads, edits, imports.
//!
//! ```text
//! cargo build --release
//! cargo run --release --example registry-daemon
//! ```
//! starts `target/release/ringfence`, or what `--ringfence` names, with a config and a state directory of its own on
//! loopback addresses and free ports, with one shard and `lists.threads = 1`. Its list is a copy of the file of 258.5
//! million numbers that `registry` makes too (3.1 GB, in `target/registry`, where it stays; the copy and the snapshots
//! take another 5 GB there until the end). `--count` takes another number of them. Every figure has a line, with the aim
//! beside it.
//!
//! * Calls are INVITEs over UDP to callees of a campaign, every other one listed; the time is that from the INVITE to
//!   its final answer (603, or 404 since there is no route) as the caller sees it. They are measured for `--seconds`
//!   without a reload and for as long while the file is changed and read again and again, in turn, and the medians of
//!   `--rounds` are told. Nothing is pinned to a processor: caller, shard and reload share what the machine has. `late`
//!   is how far behind its schedule the caller fell, which the latencies do not show.
//! * An edit is a `PUT` on a connection that is kept; its time is that to the 2xx. After each, a call is made to the
//!   number that was added, and another one once it was removed again: a call that does not obey ends the program.
//!
//! It ends with status 1 when a verdict was wrong or a call lost.

#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)] // figures for people

#[path = "../load/batch.rs"]
#[allow(dead_code)] // the load generator uses more of it
mod batch;
mod caller;
mod calls;
mod edits;
mod generate;
mod memory;
#[path = "../load/message.rs"]
#[allow(dead_code)] // the same
mod message;
mod numbers;
mod port;
mod process;

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;

use numbers::{RESERVED, line};
use port::Port;
use process::{Ringfence, config};

/// Measures a list as large as the US registry in the running daemon.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many numbers.
    #[arg(long, default_value_t = 258_500_000)]
    count: u64,
    /// Where the files go; that of the numbers stays.
    #[arg(long, default_value = "target/registry")]
    dir: PathBuf,
    /// The program; omitted: that which was built beside this one.
    #[arg(long)]
    ringfence: Option<PathBuf>,
    /// Calls a second.
    #[arg(long, default_value_t = 2000)]
    rate: u32,
    /// How long calls are made without a reload, and with reloads.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// How often either is done.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Single edits that are measured.
    #[arg(long, default_value_t = 1000)]
    single: usize,
    /// Edits that are made in groups, and rows that are imported.
    #[arg(long, default_value_t = 1_000_000)]
    bulk: u64,
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    let program = match &arguments.ringfence {
        Some(program) => program.clone(),
        None => built_beside()?,
    };
    let made = generate::made(&arguments.dir, arguments.count)?;
    let dir = tempfile::tempdir_in(arguments.dir.canonicalize()?)?;
    let mut file = ListFile::copy(&made, &dir.path().join("registry.txt"))?;
    let callees = numbers::callees(&file.file, CALLEES)?;
    println!("{} numbers; a figure, then the aim where there is one", file.numbers);

    let rest = rest(&program, dir.path())?;
    let config = config(dir.path(), Some(&file.path))?;
    let ringfence = first_start(&program, &config, rest, &file)?;
    ringfence.stop()?;
    let ringfence = Ringfence::start(&program, &config)?;
    tell("start from the snapshot", seconds(ringfence.ready_after), "< 2 s");
    let base = ringfence.memory().resident.saturating_sub(rest);
    let a_number = format!("{:.2} bytes a number", base as f64 / file.numbers as f64);
    tell("memory of the base", format!("{} MB, {a_number}", base / MB), "<= 1.5");

    reload_alone(&ringfence, &mut file, rest, base)?;
    let failures = calls::measure(&ringfence, &mut file, &callees, &arguments)?;
    let edited = edits::measure(&ringfence, &callees, &arguments)?;
    let resident = ringfence.memory().resident;
    tell("memory with all edits and the import", format!("{} MB", resident / MB), "");
    ringfence.stop()?;
    let ringfence = Ringfence::start(&program, &config)?;
    tell("start from the snapshot, the edits and the import", seconds(ringfence.ready_after), "");
    edits::check(&ringfence, &edited)?;
    tell("memory after it", format!("{} MB", ringfence.memory().resident / MB), "");
    ringfence.stop()?;
    Ok(if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// `target/release/examples/registry-daemon` lies below `target/release`.
fn built_beside() -> io::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folder = own.parent().and_then(Path::parent).unwrap_or(Path::new("."));
    Ok(folder.join("ringfence"))
}

/// What the daemon takes with empty lists.
fn rest(program: &Path, dir: &Path) -> io::Result<u64> {
    let dir = dir.join("empty");
    fs::create_dir(&dir)?;
    let ringfence = Ringfence::start(program, &config(&dir, None)?)?;
    let resident = ringfence.memory().resident;
    tell("start with empty lists", format!("{}, {} MB", seconds(ringfence.ready_after), resident / MB), "");
    ringfence.stop()?;
    Ok(resident)
}

fn first_start(program: &Path, config: &Path, rest: u64, file: &ListFile) -> io::Result<Ringfence> {
    let ringfence = Ringfence::start(program, config)?;
    let rate = file.numbers as f64 / ringfence.ready_after.as_secs_f64() / 1e6;
    let took = seconds(ringfence.ready_after);
    tell("first start: parse on 1 thread, snapshot", format!("{took}, {rate:.1} million numbers/s"), "");
    let memory = ringfence.memory();
    let of_lists = |bytes: u64| bytes.saturating_sub(rest) / MB;
    let told = format!("{} MB, at most {} MB", of_lists(memory.resident), of_lists(memory.peak));
    tell("memory of the base after it", told, "");
    Ok(ringfence)
}

/// One reload of the changed file, with nothing else to do.
fn reload_alone(ringfence: &Ringfence, file: &mut ListFile, rest: u64, base: u64) -> io::Result<()> {
    let added = file.change()?;
    ringfence.forget_peak()?;
    let start = Instant::now();
    reload(ringfence)?;
    tell("reload of the changed file", seconds(start.elapsed()), "");
    let peak = ringfence.memory().peak.saturating_sub(rest);
    let times = peak as f64 / base as f64;
    tell("memory at most meanwhile", format!("{} MB, {times:.2} times one base", peak / MB), "<= 2.3 times");
    calls::must_be(ringfence, added, caller::LISTED)?;
    std::thread::sleep(SETTLED);
    let after = ringfence.memory().resident.saturating_sub(rest);
    tell("memory once it has settled", format!("{} MB, {:.2} times", after / MB, after as f64 / base as f64), "");
    Ok(())
}

fn reload(ringfence: &Ringfence) -> io::Result<()> {
    Port::connect(ringfence.admin)?.ask("POST", "/v1/reload", b"").map(drop)
}

/// The file that the list is read from: a copy, which is changed from time to time.
struct ListFile {
    path: PathBuf,
    file: File,
    numbers: u64,
    length: u64,
    changes: u64,
}

impl ListFile {
    fn copy(of: &Path, path: &Path) -> io::Result<ListFile> {
        let length = fs::copy(of, path)?;
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        // Later the disk is for the daemon.
        file.sync_all()?;
        Ok(ListFile { path: path.into(), file, numbers: length / line(RESERVED).len() as u64, length, changes: 0 })
    }

    /// Another last line than ever before; the number in it.
    fn change(&mut self) -> io::Result<u64> {
        self.changes += 1;
        let number = CHANGED + self.changes;
        self.file.write_all_at(line(number).as_bytes(), self.length)?;
        Ok(number)
    }
}

/// One figure.
fn tell(name: &str, figure: impl std::fmt::Display, aim: &str) {
    let aim = if aim.is_empty() { String::new() } else { format!("   (aim {aim})") };
    println!("{name:<52} {figure}{aim}");
}

fn seconds(duration: Duration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.3} ms", duration.as_secs_f64() * 1e3)
}

/// Numbers of this kind in the file are those that changes have added.
const CHANGED: u64 = 19_990_000_000;

/// So many listed callees, and as many others: calls meet no number that the processor still remembers.
const CALLEES: usize = 50_000;

/// The daemon frees what it replaced within a second; the rest is for a large base to be given back to the system.
const SETTLED: Duration = Duration::from_secs(4);

const MB: u64 = 1_000_000;
