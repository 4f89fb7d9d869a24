//! How many numbers a second `/v1/screen` judges on one core, from the bytes of a body to those of its answer: a campaign
//! with two lists of 250,000 numbers, consent of a third, hours and attempts.
//!
//! `passed` are numbers that may be called, `mixed` such of which half are refused, on each ground alike.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ringfence::admin::{Format, screen};
use ringfence::config::InMemory;
use ringfence::number::Number;
use ringfence::screen::{Screening, World};
use ringfence::time::WallTime;
use ringfence::usage::{Attempt, AttemptLimit, Usage};

const RULES: &str = r#"
    [[trunk]]
    name = "pbx"
    from = ["192.0.2.2"]
    to = ["sip:192.0.2.2"]
    trusted = true
    [[list]]
    name = "do-not-call"
    class = "dnc"
    file = "0"
    [[list]]
    name = "complaints"
    class = "personal"
    file = "1"
    [[list]]
    name = "consented"
    class = "allow"
    file = "2"
    [[campaign]]
    name = "sale"
    trunks = ["pbx"]
    lists = ["do-not-call", "complaints"]
    only = ["consented"]
    hours = [
        { prefix = "48", zone = "Europe/Warsaw", days = "mon-sat", open = "08:00-20:00" },
        { prefix = "4869", zone = "Europe/Warsaw", days = "sun", open = "08:00-20:00" },
    ]
    attempts = "3/24h"
    [[route]]
    name = "out"
    to = "pbx"
"#;

/// A Wednesday at noon.
const AT: WallTime = WallTime::from_micros(1_774_440_000_000_000);

/// In a list each.
const LISTED: u64 = 250_000;

/// In a body.
const NUMBERS: u64 = 10_000;

/// The numbers of a list: 0 and 1 block, 2 has consented.
fn number(list: u64, at: u64) -> u64 {
    48_500_000_000 + at % LISTED * 1_601 + list
}

fn world() -> World {
    let rows = |list: u64| -> String { (0..LISTED).map(|at| format!("{}\n", number(list, at))).collect() };
    let closed = |at: u64| format!("{}\n", 48_690_000_000 + at);
    let mut files = InMemory::new().with("0", rows(0)).with("1", rows(1));
    files = files.with("2", rows(2) + &(0..NUMBERS).map(closed).collect::<String>());
    let loaded = ringfence::config::parse(Path::new(""), RULES, &[], &mut files).expect("a good config");
    World::new(1, loaded.lists, loaded.policy).expect("pools")
}

/// Every second number passes; the others are listed, have not consented, are outside of their hours, or called too often.
fn mixed(at: u64) -> u64 {
    match at % 8 {
        1 => number(1, at),
        3 => number(3, at),
        5 => 48_690_000_000 + at,
        7 => number(2, at),
        _ => number(2, at + 1_000),
    }
}

fn measure(c: &mut Criterion) {
    let (world, usage) = (Arc::new(world()), Usage::new());
    let limit = AttemptLimit::parse("3/24h").expect("a limit");
    for at in (7..NUMBERS).step_by(8).flat_map(|at| [at; 3]) {
        let callee = Number::new(number(2, at)).expect("a number");
        usage.attempts().commit(callee, &[limit], limit, AT).map(Attempt::stand).expect("within the limit");
    }
    let screening = Screening::new(world, AT, "sale", None, None).expect("the campaign");
    let mut group = c.benchmark_group("screen");
    group.throughput(Throughput::Elements(NUMBERS));
    let passed: Vec<u64> = (0..NUMBERS).map(|at| number(2, at + 20_000)).collect();
    let mixed: Vec<u64> = (0..NUMBERS).map(mixed).collect();
    for (what, numbers) in [("passed", passed), ("mixed", mixed)] {
        let csv: String = numbers.iter().map(|number| format!("+{number}\n")).collect();
        let json: String = numbers.iter().map(|number| format!("{{\"number\": \"+{number}\"}}\n")).collect();
        for (form, format, body) in [("csv", Format::Csv { number: None }, csv), ("ndjson", Format::NdJson, json)] {
            group.bench_function(format!("{form}/{what}"), |bench| {
                bench.iter(|| {
                    let judge = |number: &str| screening.judge(&usage, number);
                    screen(&format, black_box(body.as_bytes()), Vec::new(), judge).expect("bytes in memory")
                });
            });
        }
    }
}

criterion_group!(benches, measure);
criterion_main!(benches);
