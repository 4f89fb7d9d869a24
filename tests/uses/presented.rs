//! The number that a callee sees.

use std::collections::BTreeSet;

use crate::office::{Calls, Message, Office};

const AGENT: &str = "48221234567";
const LISTS: &str = r#"
[[list]]
name = "our-numbers"
class = "pool"
entries = ["48223900100-48223900109"]
[[list]]
name = "spam"
class = "reputation"
"#;

fn office() -> Office {
    Office::of("The number that is shown", Calls::Out).and(LISTS)
}

/// The number that an INVITE shows.
fn shown(invite: &Message) -> String {
    let asserted = invite.header("P-Asserted-Identity");
    asserted.strip_prefix("<sip:+").and_then(|rest| rest.split('@').next()).expect("a number").to_owned()
}

#[test]
fn a_callee_sees_the_same_number_until_it_is_listed() {
    let office = office();
    let open = office.opens();
    let carrier = open.answering(3);
    for _ in 0..3 {
        assert_eq!(open.call(AGENT, "48600700800", &[]).start(), "200 OK");
    }
    let numbers: BTreeSet<String> = carrier.was_called().iter().map(shown).collect();
    let [number] = &numbers.into_iter().collect::<Vec<_>>()[..] else { panic!("one number for one callee") };

    assert_eq!(open.admin("PUT", &format!("/v1/lists/spam/entries/{number}")), 201);
    let carrier = open.answering(1);
    assert_eq!(open.call(AGENT, "48600700800", &[]).start(), "200 OK");
    assert_ne!(&shown(&carrier.was_called()[0]), number);
}

#[test]
fn a_number_that_is_blocked_three_times_rests_and_the_operator_sees_it() {
    let office = office();
    let open = office.opens();
    let carrier = open.refusing(3, "607 Unwanted", "X-Test: none");
    for _ in 0..3 {
        assert_eq!(open.call(AGENT, "48600700800", &[]).start(), "607 Unwanted");
    }
    let rests = shown(&carrier.was_called()[0]);
    let pool = open.gets("/v1/pools/our-numbers");
    let numbers = pool["numbers"].as_array().expect("numbers");
    let one = numbers.iter().find(|one| one["number"] == *rests).expect("it is in the pool");
    assert_eq!(one["state"], "resting", "{pool}");

    let carrier = open.answering(1);
    assert_eq!(open.call(AGENT, "48600700800", &[]).start(), "200 OK");
    assert_ne!(shown(&carrier.was_called()[0]), rests);
}
