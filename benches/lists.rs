//! Look-ups in a list of 1,000,000 numbers: `cargo bench --bench lists`.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use ringfence::lists::{Base, BaseBuilder, Change, Class, Details, Entry, List};
use ringfence::number::{Number, Party};
use ringfence::time::WallTime;

fn lookups(c: &mut Criterion) {
    let mut random = StdRng::seed_from_u64(1);
    let numbers: Vec<Number> = (0..SIZE).map(|_| polish(&mut random)).collect();
    let list = List::new("million".into(), Class::Personal, None, Arc::new(base(&numbers)));
    let edits: Vec<_> = (0..EDITS).map(|_| (Entry::Number(polish(&mut random)), put())).collect();
    let edited = list.with(&edits);
    let listed: Vec<Party<'_>> = numbers.iter().map(|number| Party::Number(*number)).collect();
    let others: Vec<Party<'_>> = (0..SIZE).map(|_| Party::Number(polish(&mut random))).collect();

    let mut group = c.benchmark_group("lookup");
    let mut bench = |name: &str, list: &List, parties: &[Party<'_>]| {
        let mut at = 0;
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                // A stride that is prime to the size: each look-up meets another container.
                at = (at + 7_919) % parties.len();
                black_box(list.lookup(black_box(&parties[at]), WallTime::default()))
            });
        });
    };
    bench("listed, cold", &list, &listed);
    bench("random, cold", &list, &others);
    bench("listed, hot", &list, &listed[..1]);
    bench("random, hot", &list, &others[..1]);
    bench("random, cold, over 10,000 edits", &edited, &others);
    group.finish();

    c.bench_function("one edit of a list with 10,000 edits", |bencher| {
        bencher.iter_batched(
            || (Entry::Number(polish(&mut random)), put()),
            |edit| edited.with(&[edit]),
            BatchSize::SmallInput,
        );
    });
    let mut group = c.benchmark_group("build");
    group.sample_size(10);
    group.bench_function("1,000,000 numbers", |bencher| bencher.iter(|| base(&numbers)));
    group.finish();
}

fn polish(random: &mut StdRng) -> Number {
    Number::new(48_000_000_000 + random.random_range(100_000_000..1_000_000_000)).expect("eleven digits")
}

fn base(numbers: &[Number]) -> Base {
    let mut builder = BaseBuilder::new();
    numbers.iter().for_each(|number| builder.push(Entry::Number(*number), &Details::default()));
    builder.build()
}

fn put() -> Change {
    Change::Put(Details::default())
}

const SIZE: usize = 1_000_000;
const EDITS: usize = 10_000;

criterion_group!(benches, lookups);
criterion_main!(benches);
