//! A process that is told to end while calls are set up, and the one that follows it.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::facts::{Setting, Transport, alone};
use crate::ringfence::{ROUTE, Ringfence, Role, Scene, counts};
use crate::sipp::{CALLER, Sipp};

const RATE: usize = 500;

/// Each call rings for a second and lasts for five: when the first process is told to end, hundreds ring, and when it ends
/// and the second begins, some three seconds later, others hang up.
fn a_restart_loses_no_call(workers: u16) {
    let _machine = alone();
    let scene = Scene::new(Setting { transport: Transport::Udp, workers });
    let first = scene.start(ROUTE);
    let calls = RATE * 12;
    let callee = Sipp::play(&scene, Role::Callee, "callee_rings_and_answers", calls).start();
    let mut caller = Sipp::play(&scene, Role::Caller, "caller_answered_or_sent_away", calls)
        .from(&CALLER)
        .rate(RATE)
        .with(&["-trace_shortmsg", "-shortmessage_file", "messages.csv"])
        .at_most(PATIENCE)
        .start();
    caller.goes_on_for(Duration::from_secs(3));
    let before = counts(&first.stop(), "status")["200"];
    let second = scene.start(ROUTE);
    caller.finish();
    drop(callee);
    let messages = std::fs::read_to_string(scene.dir().join("messages.csv")).expect("SIPp's messages");
    let sent_away: std::collections::HashSet<&str> = (messages.lines())
        .filter(|line| line.contains("SIP/2.0 503"))
        .filter_map(|line| line.split('\t').nth(4))
        .collect();
    let records = second.stop();
    let answered = counts(&records, "status");
    assert_eq!(answered.keys().collect::<Vec<_>>(), [&"200"]);
    assert_eq!(answered["200"] + sent_away.len(), calls);
    assert!(
        before >= 2 * RATE && answered["200"] - before >= RATE && sent_away.len() >= RATE / 2,
        "{before} {answered:?}"
    );
}

#[test]
fn a_restart_under_five_hundred_calls_a_second_loses_none_with_one_worker() {
    a_restart_loses_no_call(1);
}

#[test]
fn a_restart_under_five_hundred_calls_a_second_loses_none_with_three_workers() {
    a_restart_loses_no_call(3);
}

#[test]
fn who_is_told_twice_to_end_ends_at_once() {
    let scene = Scene::new(Setting { transport: Transport::Udp, workers: 1 });
    let mut ringfence = scene.start(ROUTE);
    let _callee = Sipp::play(&scene, Role::Callee, "callee_is_cancelled", 1).start();
    let _caller = Sipp::play(&scene, Role::Caller, "caller_answered", 1).from(&CALLER).start();
    let rings = |ringfence: &mut Ringfence<'_>| {
        ringfence.process.wait(Duration::from_millis(5));
        ringfence.metrics().contains("ringfence_requests_unanswered 1")
    };
    assert!((0..1_000).any(|_| rings(&mut ringfence)), "it rings");
    ringfence.process.signal(Signal::SIGTERM);
    assert_eq!(ringfence.process.wait(Duration::from_millis(300)), None, "it waits for the call that rings");
    assert!(ringfence.metrics().contains("ringfence_shards_draining 1"));
    ringfence.process.signal(Signal::SIGTERM);
    assert!(ringfence.process.wait(Duration::from_secs(5)).is_some_and(|status| status.success()));
}

/// The calls take some 18 s; a machine that is busy makes fewer a second.
const PATIENCE: Duration = Duration::from_secs(90);
