//! Edits one by one, in groups, and as a file, through the admin port.

use std::fmt::Write as _;
use std::io;
use std::time::{Duration, Instant};

use crate::caller::{Caller, LISTED, UNLISTED};
use crate::calls::{expect, must_be};
use crate::numbers::{Callee, RESERVED};
use crate::port::Port;
use crate::process::Ringfence;
use crate::{Arguments, milliseconds, seconds, tell};

/// Numbers that the edits have left: some that are listed, some that are not.
pub(crate) struct Edited {
    listed: Vec<u64>,
    unlisted: Vec<u64>,
}

/// Measures edits of lists that have none before, and tells the figures.
pub(crate) fn measure(ringfence: &Ringfence, callees: &[Callee], arguments: &Arguments) -> io::Result<Edited> {
    let numbers: Vec<u64> =
        callees.iter().filter(|callee| !callee.listed).map(|callee| callee.number).take(arguments.single).collect();
    let mut caller = Caller::new(ringfence.sip)?;
    let took = single(ringfence, &mut caller, &numbers)?;
    tell("single edit of an empty list", &took, "< 5 ms");
    let bulk = arguments.bulk;
    let took = groups(ringfence, bulk)?;
    let rate = bulk as f64 / took.as_secs_f64();
    tell(&format!("{bulk} edits in groups of {GROUP}"), format!("{}, {rate:.0} edits/s", seconds(took)), "20000/s");
    let again = single(ringfence, &mut caller, &numbers)?;
    tell("single edit after them", again, "< 5 ms");
    let took = import(ringfence, bulk)?;
    tell(&format!("import of {bulk} rows with date and description"), seconds(took), "< 6 s");
    let sample = |first: u64| [0, bulk / 2, bulk.saturating_sub(1)].map(|at| first + scattered(at));
    let edited = Edited { listed: [sample(GROUPS), sample(IMPORTED)].concat(), unlisted: numbers };
    check(ringfence, &edited)?;
    Ok(edited)
}

/// Makes sure that calls obey the edits.
pub(crate) fn check(ringfence: &Ringfence, edited: &Edited) -> io::Result<()> {
    edited.listed.iter().try_for_each(|number| must_be(ringfence, *number, LISTED))?;
    edited.unlisted.iter().take(10).try_for_each(|number| must_be(ringfence, *number, UNLISTED))
}

/// Adds each number and removes it again, with a call after each; the times of the additions.
fn single(ringfence: &Ringfence, caller: &mut Caller, numbers: &[u64]) -> io::Result<String> {
    let mut port = Port::connect(ringfence.admin)?;
    let mut times = Vec::with_capacity(numbers.len());
    for number in numbers {
        let path = format!("/v1/lists/own/entries/{number}");
        let start = Instant::now();
        port.ask("PUT", &path, b"{}")?;
        times.push(start.elapsed());
        expect(caller, *number, LISTED)?;
        port.ask("DELETE", &path, b"")?;
        expect(caller, *number, UNLISTED)?;
    }
    times.sort_unstable();
    let of = |percent: usize| {
        let last = times.len().saturating_sub(1);
        milliseconds(times.get(last * percent / 100).copied().unwrap_or_default())
    };
    Ok(format!("p50 {}, p99 {}; {} obeyed by the next call", of(50), of(99), 2 * times.len()))
}

/// Adds so many numbers in groups, each all or nothing.
fn groups(ringfence: &Ringfence, count: u64) -> io::Result<Duration> {
    let mut port = Port::connect(ringfence.admin)?;
    let mut took = Duration::ZERO;
    let mut body = String::new();
    for first in (0..count).step_by(GROUP as usize) {
        body.clear();
        for at in first..count.min(first + GROUP) {
            let number = GROUPS + scattered(at);
            // Writing to a String cannot fail.
            let _ = writeln!(body, "{{\"entry\": \"{number}\", \"date\": \"2026-03-{:02}\"}}", 1 + at % 28);
        }
        let start = Instant::now();
        port.ask("POST", "/v1/lists/own/edits", body.as_bytes())?;
        took += start.elapsed();
    }
    Ok(took)
}

/// Adds so many numbers as one file.
fn import(ringfence: &Ringfence, count: u64) -> io::Result<Duration> {
    let mut body = "number,date,description\n".to_owned();
    for at in 0..count {
        let number = IMPORTED + scattered(at);
        let _ = writeln!(body, "{number},2026-03-{:02},\"asked not to be called, ticket {at}\"", 1 + at % 28);
    }
    let mut port = Port::connect(ringfence.admin)?;
    let start = Instant::now();
    port.ask("POST", "/v1/lists/imported/import", body.as_bytes())?;
    Ok(start.elapsed())
}

/// Different for each `at` below ten million, and in no order.
fn scattered(at: u64) -> u64 {
    // Odd and no multiple of 5.
    at * 7_654_321 % 10_000_000
}

/// Numbers from here on are those of the groups.
const GROUPS: u64 = RESERVED;

/// Numbers from here on are those of the file.
const IMPORTED: u64 = RESERVED + 10_000_000;

/// Edits of one request.
const GROUP: u64 = 10_000;
