//! The whole US National Do Not Call Registry in memory: how fast it is read, how much it takes, how fast it answers.
//!
//! `cargo run --release --example registry` makes a file of 258.5 million numbers like the registry's (3.1 GB, once, in
//! `target/registry`), and measures with it; `--count` takes another number of them, `--threads` that of the threads.

#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)] // figures for people

mod generate;
mod memory;

use std::fs::{self, File};
use std::hint::black_box;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use generate::SEED;
use memory::Memory;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use ringfence::lists::{
    Base, BaseBuilder, Change, Class, Details, Digest, Entry, FileOptions, Format, List, Progress, read_list,
};
use ringfence::number::{Number, Party};
use ringfence::time::WallTime;

/// Measures a list as large as the US registry.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many numbers.
    #[arg(long, default_value_t = 258_500_000)]
    count: u64,
    /// How many threads parse the file.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Where the file and the snapshot go; the file stays.
    #[arg(long, default_value = "target/registry")]
    dir: PathBuf,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    let file = generate::made(&arguments.dir, arguments.count)?;
    let before = Memory::of(SELF);

    let start = Instant::now();
    let base = parsed(&file, arguments.threads)?;
    let taken = start.elapsed();
    let numbers = base.numbers().len();
    println!(
        "parse on {} threads: {:.1} s, {:.1} million numbers/s",
        arguments.threads,
        taken.as_secs_f64(),
        numbers as f64 / taken.as_secs_f64() / 1e6
    );
    let resident = Memory::of(SELF).resident - before.resident;
    println!("base: {numbers} numbers, {} MB, {:.2} bytes a number", resident / MB, resident as f64 / numbers as f64);

    let snapshot = arguments.dir.join("snapshot.base");
    let start = Instant::now();
    let digest = written(&base, &snapshot)?;
    println!("snapshot written and synced: {:.2} s, {} MB", start.elapsed().as_secs_f64(), length(&snapshot)? / MB);

    let lookups = Lookups::new(&base);
    lookups.measure("registry", base);
    measure_patterns();

    let start = Instant::now();
    let base = Base::read_from(File::open(&snapshot)?, &digest)?;
    println!("base from its snapshot: {:.2} s", start.elapsed().as_secs_f64());

    memory::forget_peak(SELF)?;
    let start = Instant::now();
    let next = parsed(&file, 1)?;
    let peak = Memory::of(SELF).peak - before.resident;
    println!(
        "reload beside it on 1 thread: {:.1} s; peak {} MB, {:.2} times one base",
        start.elapsed().as_secs_f64(),
        peak / MB,
        peak as f64 / resident as f64
    );
    assert_eq!(next.digest(), digest, "the same file gives the same base");
    drop(base);
    println!("after the old one is dropped: {} MB", (Memory::of(SELF).resident - before.resident) / MB);
    measure_edits(next);
    println!("after all is dropped: {} MB", (Memory::of(SELF).resident.saturating_sub(before.resident)) / MB);
    fs::remove_file(snapshot)?;
    Ok(())
}

fn parsed(path: &Path, threads: usize) -> Result<Base, Box<dyn std::error::Error>> {
    let options = FileOptions { format: Format::Ftc, ..FileOptions::default() };
    let list = read_list(File::open(path)?, &options, threads, &|_: &Entry| false, &Progress::default())?;
    Ok(list.builder.build())
}

fn written(base: &Base, path: &Path) -> std::io::Result<Digest> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let digest = base.write_to(&mut out)?;
    out.into_inner()?.sync_all()?;
    Ok(digest)
}

fn length(path: &Path) -> std::io::Result<u64> {
    Ok(fs::metadata(path)?.len())
}

/// Parties to look up, half of them listed.
struct Lookups(Vec<Party<'static>>);

impl Lookups {
    fn new(base: &Base) -> Lookups {
        let mut random = StdRng::seed_from_u64(SEED);
        let listed = base.numbers().len();
        let party = |at: usize| match at % 2 {
            0 => base.numbers().nth(random.random_range(0..listed)),
            _ => Number::new(12_000_000_000 + random.random_range(0..8_000_000_000)),
        };
        Lookups((0..LOOKUPS).filter_map(party).map(Party::Number).collect())
    }

    fn measure(&self, name: &str, base: Base) {
        let list = List::new(name.into(), Class::Dnc, None, Arc::new(base));
        let cold = self.time(&list, &self.0);
        let hot = self.time(&list, &self.0[..1]);
        println!("look-up in {name}: {cold:.0} ns anywhere, {hot:.1} ns of one number again and again");
    }

    /// Nanoseconds for each, the median of several rounds.
    fn time(&self, list: &List, parties: &[Party<'_>]) -> f64 {
        let round = || {
            let start = Instant::now();
            for party in parties.iter().cycle().take(LOOKUPS) {
                black_box(list.lookup(black_box(party), WallTime::default()));
            }
            start.elapsed().as_secs_f64() * 1e9 / LOOKUPS as f64
        };
        let mut rounds: Vec<f64> = (0..7).map(|_| round()).collect();
        rounds.sort_by(f64::total_cmp);
        rounds[rounds.len() / 2]
    }
}

/// 100,000 prefixes, 100,000 ranges.
fn measure_patterns() {
    let mut random = StdRng::seed_from_u64(SEED);
    let parties = (0..LOOKUPS).filter_map(|_| Number::new(12_000_000_000 + random.random_range(0..8_000_000_000)));
    let lookups = Lookups(parties.map(Party::Number).collect());
    let mut random = StdRng::seed_from_u64(SEED);
    let mut build = |entry: &mut dyn FnMut(u64) -> String| {
        let mut builder = BaseBuilder::new();
        for _ in 0..100_000 {
            let number = 12_000_000_000 + random.random_range(0..8_000_000_000u64);
            builder.push(entry(number).parse().expect("an entry"), &Details::default());
        }
        builder.build()
    };
    let prefixes = build(&mut |number| format!("{}*", number / 10u64.pow(1 + number as u32 % 4)));
    let ranges = build(&mut |number| format!("{number}-{}", number + 1 + number % 100_000));
    lookups.measure("100,000 prefixes", prefixes);
    lookups.measure("100,000 ranges", ranges);
}

/// A million edits over the whole registry: kept in the overlay, then folded.
fn measure_edits(base: Base) {
    let mut random = StdRng::seed_from_u64(SEED + 1);
    let mut edit = || {
        let number = Number::new(12_000_000_000 + random.random_range(0..8_000_000_000)).expect("eleven digits");
        let details = Details { added_by: Some("bench".into()), ..Details::default() };
        (Entry::Number(number), if number.get().is_multiple_of(4) { Change::Remove } else { Change::Put(details) })
    };
    let lookups = Lookups::new(&base);
    let mut list = List::new("registry".into(), Class::Dnc, None, Arc::new(base));
    let many: Vec<_> = (0..1_000_000).map(|_| edit()).collect();
    let start = Instant::now();
    for group in many.chunks(256) {
        list = list.with(group);
    }
    println!("1,000,000 edits in groups of 256: {:.2} s", start.elapsed().as_secs_f64());
    let one = [edit()];
    let mut single: Vec<Duration> = (0..101)
        .map(|_| {
            let start = Instant::now();
            black_box(list.with(&one));
            start.elapsed()
        })
        .collect();
    single.sort_unstable();
    println!("one more edit: {:.1} us", single[50].as_secs_f64() * 1e6);
    println!("look-up over them: {:.0} ns anywhere", lookups.time(&list, &lookups.0));
    let start = Instant::now();
    let folded = list.folded();
    println!("folding them: {:.2} s", start.elapsed().as_secs_f64());
    println!("look-up after that: {:.0} ns anywhere", lookups.time(&folded, &lookups.0));
}

/// This process, in `/proc`.
const SELF: &str = "self";
const MB: u64 = 1_000_000;
const LOOKUPS: usize = 1_000_000;
