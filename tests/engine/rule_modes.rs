//! Modes of rules that somebody sets while calls come.

use std::sync::Arc;

use ringfence::screen::{Mode, Setting};

use crate::stage::{CARRIER, Stage, columns, invite};

fn set(stage: &mut Stage, rule: &str, mode: Option<Mode>) {
    let by_hand = stage.world.by_hand().with(&Setting::Rule { name: rule.into(), mode });
    stage.world = stage.world.clone().setting(Arc::new(by_hand));
}

/// The next call of the listed caller, by its number.
fn call(stage: &mut Stage, at: u32) -> String {
    let text = invite(1).replace("Call-ID: call", &format!("Call-ID: call{at}"));
    stage.receive(CARRIER, &text.replace("branch=z9hG4bKinvite", &format!("branch=z9hG4bK{at}")));
    stage.one().first_line().to_owned()
}

#[test]
fn the_next_call_is_judged_by_the_new_mode_and_the_record_tells_what_would_have_been() {
    let mut stage = Stage::new();
    assert_eq!(call(&mut stage, 1), "SIP/2.0 603 Decline");
    set(&mut stage, "hotline", Some(Mode::Observe));
    assert!(call(&mut stage, 2).starts_with("INVITE "));
    set(&mut stage, "hotline", Some(Mode::Off));
    assert!(call(&mut stage, 3).starts_with("INVITE "));
    set(&mut stage, "hotline", None);
    assert_eq!(call(&mut stage, 4), "SIP/2.0 603 Decline");
    // Of those that go on the records are written at their end, which comes with Timer B and try_for.
    stage.millis(40_000).sent();
    let mut told: Vec<_> =
        stage.records().iter().map(|it| columns(it, ["call_id", "verdict", "observed"]).map(str::to_owned)).collect();
    told.sort();
    let line = |call: &str, verdict: &str, observed: &str| [call, verdict, observed].map(str::to_owned);
    let expected = [
        line("call1", "decline", ""),
        line("call2", "pass", "decline hotline"),
        line("call3", "pass", ""),
        line("call4", "decline", ""),
    ];
    assert_eq!(told, expected);
}
