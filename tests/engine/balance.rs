//! In which order a call tries the targets of its trunk.

use std::collections::BTreeMap;

use crate::stage::{CARRIER, Stage, invite};

const TO: &str = "to = [\"sip:192.0.2.3:5070\", \"sip:192.0.2.4:5070\"]";

/// The pbx has three targets, the first three times as large as the others.
fn stage(strategy: &str) -> Stage {
    Stage::with(&[(TO, &three(strategy))], "")
}

fn three(strategy: &str) -> String {
    format!(
        "to = [{{ uri = \"sip:192.0.2.3:5070\", weight = 3 }}, \"sip:192.0.2.4:5070\", \"sip:192.0.2.5:5070\"]
        load_balance = \"{strategy}\""
    )
}

/// The targets that a call of this Call-ID tries, in order, by the last part of their addresses.
fn order(stage: &mut Stage, call: usize) -> Vec<String> {
    stage.receive(
        CARRIER,
        &invite(9)
            .replace("Call-ID: call", &format!("Call-ID: {call}"))
            .replace("z9hG4bKinvite", &format!("z9hG4bK{call}")),
    );
    let mut tried = Vec::new();
    while let Some(sent) = stage.sent().into_iter().find(|sent| sent.is_request("INVITE")) {
        tried.push(sent.to());
        stage.fail(sent.ticket);
    }
    tried
}

/// How many of so many calls try each target first.
fn shares(stage: &mut Stage, calls: usize) -> BTreeMap<String, usize> {
    let mut shares = BTreeMap::new();
    for call in 0..calls {
        let tried = order(stage, call);
        assert_eq!(tried.len(), 3, "each is tried once");
        *shares.entry(tried[0].clone()).or_default() += 1;
    }
    shares
}

#[test]
fn ordered_targets_are_tried_as_they_stand() {
    let mut stage = Stage::new();
    for call in 0..20 {
        assert_eq!(order(&mut stage, call), ["192.0.2.3:5070", "192.0.2.4:5070"]);
    }
}

#[test]
fn calls_come_to_targets_by_weight() {
    for strategy in ["weighted", "call-hash"] {
        let shares = shares(&mut stage(strategy), 1_000);
        let [large, small, other] = [3, 4, 5].map(|last| shares[&format!("192.0.2.{last}:5070")]);
        assert!((540..=660).contains(&large), "{strategy}: {shares:?}");
        assert!((150..=250).contains(&small) && (150..=250).contains(&other), "{strategy}: {shares:?}");
    }
}

#[test]
fn each_call_draws_anew_where_weights_decide() {
    let mut stage = stage("weighted");
    let orders: Vec<_> = (0..20).map(|call| order(&mut stage, call)).collect();
    assert!(orders.iter().any(|order| *order != orders[0]));
}

#[test]
fn a_call_id_has_its_order_on_every_shard_and_after_a_restart() {
    let (mut one, mut other) = (stage("call-hash"), Stage::with(&[(TO, &three("call-hash"))], ""));
    for call in 0..100 {
        assert_eq!(order(&mut one, call), order(&mut other, call));
    }
}

#[test]
fn a_target_that_goes_moves_only_its_own_calls() {
    let mut all = stage("call-hash");
    let mut without = Stage::with(&[(TO, &three("call-hash").replace(", \"sip:192.0.2.5:5070\"", ""))], "");
    for call in 0..300 {
        let (before, after) = (order(&mut all, call), order(&mut without, call));
        let left: Vec<_> = before.into_iter().filter(|target| target != "192.0.2.5:5070").collect();
        assert_eq!(left, after);
    }
}
