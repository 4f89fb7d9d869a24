//! How long one decision takes: 5,000 inbound rules over 1,000,000 numbers in four lists.
//!
//! A call is turned into its view once; `decide` is what is measured. `clean` passes all rules that concern it, `listed` is
//! declined by one, `presented` draws a number from a pool, `view` is the reading of the parties.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use ringfence::config::InMemory;
use ringfence::screen::{CallFacts, CallView, World, decide};
use ringfence::time::WallTime;
use ringfence::usage::Usage;

/// Numbers in each of the four lists.
const LISTED: u64 = 250_000;
const RULES: usize = 5_000;
const AT: WallTime = WallTime::from_micros(1_774_440_000_000_000);

fn world() -> World {
    let mut text = String::from(
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
        [[route]]
        name = "out"
        trunks = ["pbx"]
        to = "carrier"
        present = { pool = "ours" }
        "#,
    );
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
    c.bench_function("view", |bench| bench.iter(|| CallView::new(black_box(&world.policy), black_box(&clean))));
}

criterion_group!(benches, measure);
criterion_main!(benches);
