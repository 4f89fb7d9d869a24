//! How fast recorded calls are judged again: `cargo bench --bench replay`.
//!
//! The rules are those of the sample config with a list of 1,000,000 numbers; of the calls a sixth are declined, and half
//! are shown a number of a pool. `unchanged` replays them under the config that made them, so that each is only
//! compared; under `changed` another pool shows another number for half of them. `gzip` reads a compressed file.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flate2::Compression;
use flate2::write::GzEncoder;
use ringfence::cli::replay::{Options, Replayer, read_all};
use ringfence::config::InMemory;
use ringfence::engine::RECORD_HEADER;
use ringfence::screen::{Outcome, Recorded, World, decide};
use ringfence::time::WallTime;
use ringfence::usage::Usage;

const LISTED: u64 = 1_000_000;
const CALLS: u64 = 200_000;
const SAMPLE: &str = include_str!("../config/ringfence.toml");
const BEGAN: WallTime = WallTime::from_micros(1_774_440_000_000_000);

/// The sample config, whose pool holds the numbers `48223900…`.
fn world(pool: &str) -> World {
    let listed: String = (0..LISTED).map(|at| format!("{}\n", 48_500_000_000 + at * 401)).collect();
    let ours: String = (100..120).map(|at| format!("{pool}{at}\n")).collect();
    let mut files = InMemory::new()
        .with("lists/do-not-call.csv", format!("phone,added,note\n{}", listed.replace('\n', ",,\n")))
        .with("lists/our-numbers.csv", ours);
    let loaded =
        ringfence::config::parse(Path::new(""), SAMPLE, &[], &mut files).unwrap_or_else(|error| panic!("{error}"));
    World::new(1, loaded.lists, loaded.policy).expect("pools")
}

/// What the engine would have written of calls under this world.
fn records(world: &World) -> String {
    let (policy, usage) = (&world.policy, Usage::new());
    let mut text = format!("{RECORD_HEADER}\n");
    for at in 0..CALLS {
        let time = BEGAN + std::time::Duration::from_micros(at * 1_250);
        let outward = at % 2 == 0;
        let (trunk, headers) = if outward { ("pbx", "x-campaign=spring%2Doffer") } else { ("carrier", "") };
        // Each third of those that go out is listed.
        let called = if outward { 48_500_000_000 + at / 2 * 401 + u64::from(at % 3 != 0) } else { 48_221_234_567 };
        let (uri, from) = (format!("sip:+{called}@10.0.0.1"), format!("sip:+{}@198.51.100.7", 48_600_000_000 + at));
        let recorded = Recorded {
            from: from.as_bytes(),
            request_uri: uri.as_bytes(),
            headers: headers.as_bytes(),
            ..Recorded::default()
        };
        let id = policy.trunk_named(trunk).expect("a trunk");
        let verdict = recorded.ask(policy, id, |view| decide(view, world, &usage, time, at));
        let name = |name: &Option<std::sync::Arc<str>>| name.as_deref().unwrap_or("").to_owned();
        let (rule, list) = (name(&verdict.cause.rule), name(&verdict.cause.list));
        let entry = verdict.cause.entry.as_ref().map(ToString::to_string).unwrap_or_default();
        let (mut to, mut route, mut shown, mut status) = (String::new(), String::new(), String::new(), 200);
        match &verdict.outcome {
            Outcome::Proceed(passage) => {
                to = policy.trunk(passage.trunk).name.to_string();
                route = passage.route.map(|route| policy.route(route).name.to_string()).unwrap_or_default();
                shown = passage.present.map(|present| present.number.to_string()).unwrap_or_default();
            }
            Outcome::Answer(answer) => status = answer.status,
            Outcome::Drop => {}
        }
        let (word, reason) = (verdict.word(), verdict.reason_text().unwrap_or_default());
        let columns =
            format!("call,{time},{at:016x}@198.51.100.7,udp,198.51.100.7:5060,{trunk},{to},{uri},{from},,,,{headers}");
        writeln!(text, "{columns},{word},{rule},{list},{entry},,1,{at},{route},{reason},,,{shown},{status},3120,,")
            .expect("memory");
    }
    text
}

fn run(world: &World, file: &Path) -> bool {
    let mut replayer = Replayer::new(world, Options { examples: 3, ..Options::default() });
    read_all(&[file.into()], &mut replayer).expect("good records");
    replayer.report(false).changes_something()
}

fn measure(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a folder");
    let then = world("48223900");
    let text = records(&then);
    let (plain, gzip): (PathBuf, PathBuf) = (dir.path().join("calls.csv"), dir.path().join("calls.csv.gz"));
    fs::write(&plain, &text).expect("writes");
    let mut encoder = GzEncoder::new(File::create(&gzip).expect("a file"), Compression::default());
    encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish().map(drop)).expect("writes");

    let mut group = c.benchmark_group("replay");
    group.throughput(Throughput::Elements(CALLS)).sample_size(10);
    group.bench_function("unchanged", |bench| bench.iter(|| assert!(!run(&then, &plain))));
    group.bench_function("gzip", |bench| bench.iter(|| assert!(!run(&then, &gzip))));
    let other = world("48223901");
    group.bench_function("changed", |bench| bench.iter(|| assert!(run(&other, &plain))));
    group.finish();
}

criterion_group!(benches, measure);
criterion_main!(benches);
