//! How long one decision takes: 5,000 inbound rules over 1,000,000 numbers in four lists.
//!
//! A call is turned into its view once; `decide` is what is measured. `clean` passes all rules that concern it, `listed` is
//! declined by one, `presented` draws a number from a pool of 20, `view` is the reading of the parties. `present/…` chooses by
//! the other strategies, from pools of as many numbers as it says; each number of those that count was shown once.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use ringfence::config::InMemory;
use ringfence::number::Number;
use ringfence::screen::{CallFacts, CallView, World, decide};
use ringfence::time::WallTime;
use ringfence::usage::{ShowLimits, Usage};

/// Numbers in each of the four lists.
const LISTED: u64 = 250_000;
const RULES: usize = 5_000;
/// Strategies, sizes of their pools, and where the callees of their routes begin.
const PRESENTING: [(&str, u64, u64); 10] = [
    ("random", 20, 48_700),
    ("sticky", 20, 48_701),
    ("sticky", 1_000, 48_702),
    ("sticky", 100_000, 48_703),
    ("local", 20, 48_704),
    ("local", 100_000, 48_705),
    ("least-used", 20, 48_706),
    ("least-used", 1_000, 48_707),
    ("round-robin", 20, 48_708),
    ("round-robin", 1_000, 48_709),
];
const AT: WallTime = WallTime::from_micros(1_774_440_000_000_000);

fn world() -> World {
    let text = String::from(
        r#"
        [[trunk]]
        name = "carrier"
        from = ["192.0.2.1"]
        to = ["sip:192.0.2.1"]
        trusted = true
        [[trunk]]
        name = "pbx"
        from = ["192.0.2.2"]
        to = ["sip:192.0.2.2"]
        trusted = true
        [[list]]
        name = "ours"
        class = "pool"
        entries = ["48223900000-48223900019"]
        [[route]]
        name = "to-pbx"
        trunks = ["carrier"]
        to = "pbx"
        PRESENTING
        [[route]]
        name = "out"
        trunks = ["pbx"]
        to = "carrier"
        present = { pool = "ours" }
        "#,
    );
    let presenting = PRESENTING.iter().map(|(strategy, size, callees)| {
        let last = 48_223_900_000 + size - 1;
        format!(
            "[[list]]\nname = \"p{callees}\"\nclass = \"pool\"\nentries = [\"48223900000-{last}\"]\n\
             [[route]]\nname = \"{callees}\"\ntrunks = [\"pbx\"]\ncalled = [\"{callees}*\"]\nto = \"carrier\"\n\
             present = {{ pool = \"p{callees}\", strategy = \"{strategy}\" }}\n"
        )
    });
    let mut text = text.replace("PRESENTING", &presenting.collect::<String>());
    for (list, class) in ["personal", "dnc", "dno", "reputation"].into_iter().enumerate() {
        text += &format!("[[list]]\nname = \"l{list}\"\nclass = \"{class}\"\nfile = \"{list}\"\n");
    }
    // One rule for each customer's number, one for every hundredth customer's block, and a few for everybody.
    for rule in 0..RULES {
        let called = match rule {
            0..4 => String::new(),
            _ if rule % 100 == 0 => format!("called = [\"48223{:03}*\"]\n", rule / 100),
            _ => format!("called = [\"48223{rule:06}\"]\n"),
        };
        text +=
            &format!("[[inbound]]\nname = \"r{rule}\"\nlists = [\"l{}\"]\n{called}trunks = [\"carrier\"]\n", rule % 4);
    }
    // Spread over the numbering space as real lists are, four lists side by side.
    let rows =
        |list: u64| -> String { (0..LISTED).map(|at| format!("{}\n", 48_500_000_000 + at * 1_601 + list)).collect() };
    let mut files = (0..4).fold(InMemory::new(), |files, list| files.with(list.to_string(), rows(list)));
    let loaded = ringfence::config::parse(Path::new(""), &text, &[], &mut files).expect("a good config");
    World::new(1, loaded.lists, loaded.policy).expect("pools")
}

fn measure(c: &mut Criterion) {
    let world = Arc::new(world());
    let usage = Usage::new();
    let facts = |trunk: &str, from: &'static [u8], asserted: &'static [&'static [u8]], to: &'static [u8]| CallFacts {
        trunk: world.policy.trunk_named(trunk).expect("a trunk"),
        from,
        from_display: b"",
        asserted,
        privacy: false,
        request_uri: to,
        diversions: &[],
        headers: &[],
    };
    let clean = facts("carrier", b"sip:+48600000001@a", &[b"sip:+48600000001@a"], b"sip:+48223001234@b");
    let forged = facts("carrier", b"sip:+48600000001@a", &[b"sip:+48600000007@a"], b"sip:+48223001234@b");
    let listed = facts("carrier", b"sip:+48500001601@a", &[], b"sip:+48223001236@b");
    let out = facts("pbx", b"sip:+48600000001@a", &[], b"sip:+48600000001@b");
    for (name, facts) in [("clean", clean), ("clean, two identities", forged), ("listed", listed), ("presented", out)] {
        let view = CallView::new(&world.policy, &facts);
        eprintln!("{name}: {}", decide(&view, &world, &usage, AT, 1).word());
        let mut draw = 0u64;
        c.bench_function(&format!("decide/{name}"), |bench| {
            bench.iter(|| {
                draw += 1;
                decide(black_box(&view), black_box(&world), &usage, AT, draw)
            });
        });
    }
    for number in (0..1_000).filter_map(|at| Number::new(48_223_900_000 + at)) {
        usage.showings.show(number, &ShowLimits::default(), AT).expect("no limit");
    }
    for (strategy, size, callees) in PRESENTING {
        let callee = format!("sip:+{callees}123456@b");
        let facts = CallFacts { request_uri: callee.as_bytes(), ..out };
        let view = CallView::new(&world.policy, &facts);
        let mut draw = 0u64;
        c.bench_function(&format!("present/{strategy} of {size}"), |bench| {
            bench.iter(|| {
                draw += 1;
                decide(black_box(&view), black_box(&world), &usage, AT, draw)
            });
        });
    }
    c.bench_function("view", |bench| bench.iter(|| CallView::new(black_box(&world.policy), black_box(&clean))));
}

criterion_group!(benches, measure);
criterion_main!(benches);
