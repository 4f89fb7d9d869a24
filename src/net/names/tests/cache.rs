//! What is kept of answers, and for how long.

use std::time::{Duration, Instant};

use super::super::cache::{
    Asked, Found, LONGEST_ABSENCE, LONGEST_LIFE, MOST_NAMES, Names, RETRY, SHORTEST_LIFE, Told, Waiter,
};
use super::*;
use crate::counters::LookupOutcome;
use crate::engine::QueryId;
use crate::flow::Sockets;

const OLD: &str = "udp:192.0.2.1:5060";
const NEW: &str = "udp:192.0.2.2:5060";
const MOMENT: Duration = Duration::from_millis(1);

struct Bench {
    names: Names,
    now: Instant,
    asked: usize,
}

impl Bench {
    fn new() -> Bench {
        Bench { names: Names::new(rng()), now: Instant::now(), asked: 0 }
    }

    /// A bench that has been told of a place.
    fn knowing(life: Duration) -> Bench {
        let mut bench = Bench::new();
        assert_eq!(bench.ask(), waits(true));
        bench.tell(found(OLD, life));
        bench
    }

    fn ask(&mut self) -> Asked {
        self.ask_for("sip:sbc.example.net")
    }

    fn ask_for(&mut self, uri: &str) -> Asked {
        self.asked += 1;
        self.names.ask(self.now, &name(uri), waiter(self.asked % 3, self.asked as u64))
    }

    fn tell(&mut self, found: Found) -> Told {
        self.names.tell(self.now, &name("sip:sbc.example.net"), found)
    }
}

fn waiter(shard: usize, query: u64) -> Waiter {
    Waiter { shard, query: QueryId(query), sockets: Sockets::Any }
}

fn found(text: &str, life: Duration) -> Found {
    Found::Places { location: at(text), life, is_whole: true }
}

fn part(text: &str) -> Found {
    Found::Places { location: at(text), life: LONGEST_LIFE, is_whole: false }
}

fn waits(look_up: bool) -> Asked {
    Asked { places: None, look_up }
}

fn knows(text: &str) -> Asked {
    Asked { places: Some(vec![place(text)]), look_up: false }
}

/// Not in vain: it is asked for in the background.
fn keeps(text: &str) -> Asked {
    Asked { look_up: true, ..knows(text) }
}

fn knows_of_none() -> Asked {
    Asked { places: Some(Vec::new()), look_up: false }
}

#[test]
fn whoever_asks_while_a_name_is_looked_up_gets_the_answer_of_that_look_up() {
    let mut bench = Bench::new();
    assert_eq!([bench.ask(), bench.ask(), bench.ask()], [waits(true), waits(false), waits(false)]);
    let told = bench.tell(found(OLD, LONGEST_LIFE));
    assert_eq!(told.outcome, LookupOutcome::Answered);
    let expected = [(1, 1), (2, 2), (0, 3)].map(|(shard, query)| (waiter(shard, query), vec![place(OLD)]));
    assert_eq!(told.answers, expected);
    assert_eq!(bench.ask(), knows(OLD));
}

#[test]
fn a_name_with_another_port_or_transport_is_another_question() {
    let mut bench = Bench::new();
    for uri in ["sip:sbc.example.net", "sip:sbc.example.net:5070", "sip:sbc.example.net;transport=tcp"] {
        assert_eq!(bench.ask_for(uri), waits(true), "{uri}");
    }
    assert_eq!(bench.ask_for("sip:SBC.example.net"), waits(false));
}

#[test]
fn an_answer_is_good_for_its_time_within_bounds() {
    let minute = Duration::from_secs(60);
    for (life, kept) in [(minute, minute), (Duration::ZERO, SHORTEST_LIFE), (Duration::from_secs(86_400), LONGEST_LIFE)]
    {
        let mut bench = Bench::knowing(life);
        bench.now += kept - MOMENT;
        assert_eq!(bench.ask(), knows(OLD));
        bench.now += MOMENT;
        assert_eq!(bench.ask(), waits(true));
        assert_eq!(bench.tell(found(NEW, life)).answers[0].1, [place(NEW)]);
        assert_eq!(bench.ask(), knows(NEW));
    }
}

#[test]
fn when_dns_fails_the_last_good_answer_is_used_and_nobody_waits_again() {
    let mut bench = Bench::knowing(SHORTEST_LIFE);
    bench.now += SHORTEST_LIFE;
    assert_eq!(bench.ask(), waits(true));
    let told = bench.tell(Found::Failed);
    assert_eq!((told.outcome, &told.answers[0].1[..]), (LookupOutcome::Kept, &[place(OLD)][..]));
    assert_eq!(bench.ask(), knows(OLD));
    for _ in 0..1_000 {
        bench.now += RETRY;
        assert_eq!(bench.ask(), keeps(OLD));
        assert_eq!(bench.ask(), knows(OLD));
        assert_eq!(bench.tell(Found::Failed), Told { outcome: LookupOutcome::Kept, answers: Vec::new() });
    }
    bench.now += RETRY;
    assert_eq!(bench.ask(), keeps(OLD));
    bench.tell(found(NEW, SHORTEST_LIFE));
    assert_eq!(bench.ask(), knows(NEW));
    bench.now += SHORTEST_LIFE;
    assert_eq!(bench.ask(), waits(true));
}

#[test]
fn without_an_answer_a_failure_is_remembered_for_a_short_while() {
    let mut bench = Bench::new();
    bench.ask();
    let told = bench.tell(Found::Failed);
    assert_eq!((told.outcome, told.answers[0].1.len()), (LookupOutcome::Failed, 0));
    bench.now += RETRY - MOMENT;
    assert_eq!(bench.ask(), knows_of_none());
    bench.now += MOMENT;
    assert_eq!(bench.ask(), waits(true));
}

#[test]
fn that_there_is_nothing_is_an_answer_too_and_remembered_for_a_short_while() {
    let mut bench = Bench::knowing(SHORTEST_LIFE);
    bench.now += SHORTEST_LIFE;
    bench.ask();
    let told = bench.tell(Found::Nothing(LONGEST_LIFE));
    assert_eq!((told.outcome, told.answers[0].1.len()), (LookupOutcome::Absent, 0));
    bench.now += LONGEST_ABSENCE - MOMENT;
    assert_eq!(bench.ask(), knows_of_none());
    bench.now += MOMENT;
    assert_eq!(bench.ask(), waits(true));
    assert_eq!(bench.tell(Found::Failed).outcome, LookupOutcome::Failed);
}

#[test]
fn a_part_of_an_answer_is_better_than_none_and_worse_than_a_whole_one_of_late() {
    let mut bench = Bench::new();
    bench.ask();
    assert_eq!(bench.tell(part(NEW)).answers[0].1, [place(NEW)]);
    bench.now += RETRY;
    assert_eq!(bench.ask(), keeps(NEW));
    assert_eq!(bench.tell(part(OLD)).outcome, LookupOutcome::Answered);
    assert_eq!(bench.ask(), knows(OLD));

    let mut bench = Bench::knowing(SHORTEST_LIFE);
    bench.now += SHORTEST_LIFE;
    bench.ask();
    assert_eq!(bench.tell(part(NEW)).outcome, LookupOutcome::Kept);
    assert_eq!(bench.ask(), knows(OLD));
    // Whoever cannot answer one of the questions for so long never will.
    bench.now += LONGEST_LIFE;
    assert_eq!(bench.ask(), keeps(OLD));
    assert_eq!(bench.tell(part(NEW)).outcome, LookupOutcome::Answered);
    assert_eq!(bench.ask(), knows(NEW));
}

#[test]
fn ever_new_names_do_not_push_out_one_that_has_an_answer() {
    let mut bench = Bench::knowing(LONGEST_LIFE);
    for n in 0..MOST_NAMES * 2 {
        let uri = format!("sip:n{n}.example.org");
        if bench.ask_for(&uri).look_up {
            bench.names.tell(bench.now, &name(&uri), Found::Failed);
        }
        bench.now += Duration::from_micros(1);
    }
    assert_eq!(bench.ask(), knows(OLD));
}

#[test]
fn look_ups_at_once_are_bounded_and_whoever_is_one_too_many_does_not_wait() {
    let mut bench = Bench::new();
    let asked: Vec<Asked> = (0..1_000).map(|n| bench.ask_for(&format!("sip:n{n}.example.org"))).collect();
    let under_way = asked.iter().filter(|asked| asked.look_up).count();
    assert!((64..=256).contains(&under_way), "{under_way}");
    assert!(asked[under_way..].iter().all(|asked| *asked == knows_of_none()));
}
