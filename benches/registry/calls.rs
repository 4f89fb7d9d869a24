//! Calls, with and without a reload.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use crate::caller::{Caller, Outcome};
use crate::numbers::Callee;
use crate::process::Ringfence;
use crate::{Arguments, ListFile, milliseconds, reload, tell};

/// Measures calls and tells the figures; how many calls went wrong.
pub(crate) fn measure(
    ringfence: &Ringfence,
    file: &mut ListFile,
    callees: &[Callee],
    arguments: &Arguments,
) -> io::Result<u64> {
    let time = Duration::from_secs(arguments.seconds);
    let mut caller = Caller::new(ringfence.sip)?;
    // Pages, caches and branches are as they will be.
    caller.run(arguments.rate, callees, |passed| passed >= WARM_UP)?;
    let (mut quiet, mut reloading, mut reloads) = (Vec::new(), Vec::new(), 0);
    for _ in 0..arguments.rounds {
        quiet.push(caller.run(arguments.rate, callees, |passed| passed >= time)?);
        let (outcome, done) = while_reloading(&mut caller, ringfence, file, callees, arguments)?;
        reloading.push(outcome);
        reloads += done;
    }
    tell("calls while nothing is reloaded", told(&quiet), "");
    tell("calls while the list is reloaded", format!("{}; {reloads} reloads", told(&reloading)), "");
    let ratio = median(&reloading, 999).as_secs_f64() / median(&quiet, 999).as_secs_f64().max(f64::MIN_POSITIVE);
    tell("p99.9 with a reload to that without", format!("{ratio:.2} times"), "<= 2");
    let all = || quiet.iter().chain(&reloading);
    let sum = |part: fn(&Outcome) -> u64| all().map(part).sum::<u64>();
    let (wrong, lost) = (sum(|outcome| outcome.wrong), sum(|outcome| outcome.lost));
    let answered: usize = all().map(|outcome| outcome.latencies.len()).sum();
    tell("wrong verdicts", format!("{wrong} of {answered}"), "0");
    let (resent, repeated) = (sum(|outcome| outcome.resent), sum(|outcome| outcome.repeated));
    tell("lost calls", format!("{lost}; INVITEs sent again {resent}, answers that came again {repeated}"), "0");
    let late = |of: &[Outcome]| milliseconds(of.iter().map(|outcome| outcome.late).max().unwrap_or_default());
    tell("late at most", format!("{}, while reloading {}", late(&quiet), late(&reloading)), "");
    Ok(wrong + lost)
}

/// Changes the file and reloads it again and again for some time; how often.
fn while_reloading(
    caller: &mut Caller,
    ringfence: &Ringfence,
    file: &mut ListFile,
    callees: &[Callee],
    arguments: &Arguments,
) -> io::Result<(Outcome, usize)> {
    let time = Duration::from_secs(arguments.seconds);
    let (outcome, reloaded) = thread::scope(|scope| {
        let reloading = scope.spawn(|| {
            let (start, mut reloads, mut added) = (Instant::now(), 0, 0);
            while start.elapsed() < time {
                added = file.change()?;
                reload(ringfence)?;
                reloads += 1;
            }
            Ok::<_, io::Error>((reloads, added))
        });
        let outcome = caller.run(arguments.rate, callees, |_| reloading.is_finished());
        (outcome, reloading.join())
    });
    let (reloads, added) = reloaded.map_err(|_| io::Error::other("the thread that reloads has panicked"))??;
    must_be(ringfence, added, crate::caller::LISTED)?;
    Ok((outcome?, reloads))
}

/// Calls a number and makes sure of the answer.
pub(crate) fn must_be(ringfence: &Ringfence, number: u64, status: u16) -> io::Result<()> {
    expect(&mut Caller::new(ringfence.sip)?, number, status)
}

/// The same with a caller who is there already.
pub(crate) fn expect(caller: &mut Caller, number: u64, status: u16) -> io::Result<()> {
    let found = caller.ask(number)?;
    if found == Some(status) {
        return Ok(());
    }
    Err(io::Error::other(format!("a call to +{number} was answered {found:?} instead of {status}")))
}

fn told(outcomes: &[Outcome]) -> String {
    let of = |permille| milliseconds(median(outcomes, permille));
    format!("p50 {}, p99 {}, p99.9 {}", of(500), of(990), of(999))
}

fn median(outcomes: &[Outcome], permille: usize) -> Duration {
    let mut all: Vec<Duration> = outcomes.iter().map(|outcome| outcome.permille(permille)).collect();
    all.sort_unstable();
    all.get(all.len() / 2).copied().unwrap_or_default()
}

const WARM_UP: Duration = Duration::from_secs(2);
