//! `kill -9` at random moments of a stream of edits. Whatever was acknowledged is there afterwards; what was sent and not
//! answered is there whole or not at all; nothing else is.
//!
//! `RINGFENCE_KILL_CYCLES=10000 cargo test --release --test faults kills -- --nocapture` does it longer, and
//! `RINGFENCE_KILL_SEED` repeats the choices of a run, though not the moments at which the system ends a process.

use std::sync::mpsc;
use std::time::Duration;

use rand::rngs::{StdRng, SysRng};
use rand::{RngExt as _, SeedableRng as _, TryRng as _};

use crate::client::Client;
use crate::daemon::{Daemon, Scene};
use crate::ledger::{Counts, Hand};

#[test]
fn no_acknowledged_edit_is_lost_and_none_appears_that_was_not_sent() {
    let cycles = from_environment("RINGFENCE_KILL_CYCLES").unwrap_or(CYCLES);
    let seed = from_environment("RINGFENCE_KILL_SEED").unwrap_or_else(anything);
    let _told = Told(seed);
    std::thread::scope(|scope| {
        for lane in 0..LANES {
            let share = cycles / LANES + u64::from(lane < cycles % LANES);
            scope.spawn(move || {
                let mut random = StdRng::seed_from_u64(seed ^ lane);
                let mut left = share;
                while left > 0 {
                    let cycles = left.min(LIFE);
                    live_and_die(&mut random, cycles);
                    left -= cycles;
                }
            });
        }
    });
}

/// One state directory through all these starts and kills.
fn live_and_die(random: &mut StdRng, cycles: u64) {
    let scene = Scene::new("");
    let mut hands: Vec<Hand> = (0..HANDS).map(|digit| Hand::new(digit, random.fork())).collect();
    for cycle in 0..cycles {
        if random.random_ratio(1, 8) {
            scene.begin().kill_after(random.random_range(Duration::ZERO..STARTING));
        }
        let mut daemon = scene.start();
        reconcile(&mut hands, &daemon);
        let large = cycle % LARGE_EVERY == 0;
        edit_until_killed(random, &mut hands, &mut daemon, large);
    }
    let daemon = scene.start();
    reconcile(&mut hands, &daemon);
    look_at_the_trail(&hands, &daemon.client);
    let sum = |count: fn(&Counts) -> u64| -> u64 { hands.iter().map(|hand| count(&hand.counts)).sum() };
    let acknowledged = sum(|counts| counts.acknowledged);
    println!(
        "{cycles} kills: {acknowledged} requests answered; of those not answered {} happened and {} did not",
        sum(|counts| counts.happened),
        sum(|counts| counts.lost)
    );
    assert!(acknowledged > cycles, "they hardly edit");
}

fn reconcile(hands: &mut [Hand], daemon: &Daemon) {
    hands.iter_mut().for_each(|hand| hand.reconcile(&daemon.client));
    let generation = daemon.client.get("/v1/lists").expect(200).generation();
    let highest = hands.iter().map(Hand::highest).max().unwrap_or_default();
    assert!(generation >= highest, "the generation went back: {generation} after {highest}");
    let raised: u64 = hands.iter().map(Hand::raised).sum();
    assert_eq!(generation, raised, "the generation counts what is there, and nothing else");
}

fn edit_until_killed(random: &mut StdRng, hands: &mut [Hand], daemon: &mut Daemon, large: bool) {
    // A large import takes longer than all else, and shall be hit as well.
    let longest = if large { EDITING_LARGE } else { EDITING };
    let moment = random.random_range(Duration::ZERO..longest);
    let clients: Vec<Client> = hands.iter().map(|_| daemon.client.another()).collect();
    std::thread::scope(|scope| {
        let (alive, ended) = mpsc::channel();
        for (at, (hand, client)) in hands.iter_mut().zip(&clients).enumerate() {
            let alive: mpsc::Sender<()> = alive.clone();
            scope.spawn(move || {
                hand.edit(client, large && at == 0);
                drop(alive);
            });
        }
        drop(alive);
        // Earlier only when all of them have failed.
        let _ = ended.recv_timeout(moment);
        daemon.kill();
    });
}

/// Every generation has its line, and those that were acknowledged the right one.
fn look_at_the_trail(hands: &[Hand], client: &Client) {
    let mut told: Vec<(u64, &str)> =
        hands.iter().flat_map(|hand| hand.told().iter().map(|(generation, text)| (*generation, &**text))).collect();
    told.sort_unstable_by(|a, b| b.cmp(a));
    let mut told = told.into_iter().peekable();
    let mut expected = client.get("/v1/lists").expect(200).generation();
    let mut before = None;
    loop {
        let from = before.map(|generation: u64| format!("&before={generation}")).unwrap_or_default();
        let page = client.get(&format!("/v1/edits?limit=10000{from}")).expect(200).body;
        for line in page["edits"].as_array().expect("lines") {
            assert_eq!(line["generation"].as_u64(), Some(expected), "no generation is left out");
            if let Some((_, description)) = told.next_if(|(generation, _)| *generation == expected) {
                assert_eq!(line["description"].as_str(), Some(description), "of generation {expected}");
            }
            expected -= 1;
        }
        before = page["next"].as_u64();
        if before.is_none() {
            break;
        }
    }
    assert_eq!((expected, told.next()), (0, None));
}

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

fn anything() -> u64 {
    SysRng.try_next_u64().expect("the system has random numbers")
}

/// Tells the seed where the test fails.
struct Told(u64);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("repeat with RINGFENCE_KILL_SEED={}", self.0);
        }
    }
}

/// As many as run with all other tests; a command does more.
const CYCLES: u64 = 500;

/// So many daemons at once: starts wait for the disk.
const LANES: u64 = 2;

/// So many people edit each of them.
const HANDS: u8 = 4;

/// After this many a new state directory: the trail grows, and a start looks at all of it.
const LIFE: u64 = 250;

/// A start until it is ready takes about as long.
const STARTING: Duration = Duration::from_millis(30);

/// Long enough for some hundred edits.
const EDITING: Duration = Duration::from_millis(40);

/// Large imports are rare: a start reads what they have left.
const LARGE_EVERY: u64 = 25;

/// About as long as one takes.
const EDITING_LARGE: Duration = Duration::from_millis(400);
