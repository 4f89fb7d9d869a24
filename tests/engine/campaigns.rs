//! Calls of diallers: what counts as an attempt, what marks a campaign, and what is counted of it.

use std::sync::Arc;

use ringfence::counters::CampaignTotals;
use ringfence::lists::{Change, Details};
use ringfence::screen::Ground;
use ringfence::sip::Malformed;
use ringfence::usage::Usage;

use crate::stage::{CARRIER, Stage, call, dial, message, response};

const CALLEE: &str = "48221234567";

/// A campaign of the carrier's calls, with these keys.
fn campaign(keys: &str) -> String {
    format!("[[campaign]]\nname = \"sale\"\ntrunks = [\"carrier\"]\n{keys}\n")
}

/// The campaign of calls that its header marks.
fn marked() -> String {
    "[[campaign]]\nname = \"sale\"\nheader = { name = \"X-Campaign\", value = \"spring offer\" }\nlists = [\"gone\"]\n"
        .into()
}

fn totals(stage: &Stage) -> CampaignTotals {
    let shard = stage.shared_counters();
    CampaignTotals::of(&[shard]).remove("sale").expect("the campaign has counters")
}

fn refused(totals: &CampaignTotals) -> [u64; 4] {
    [Ground::Listed, Ground::NotConsented, Ground::OutsideHours, Ground::Attempts]
        .map(|ground| totals.grounds[ground as usize])
}

#[test]
fn a_callee_is_called_as_often_as_the_campaign_allows_and_then_declined_until_when() {
    let mut stage = Stage::with(&[], &campaign("attempts = \"2/1h\""));
    assert!(dial(&mut stage, 1).is_request("INVITE"));
    stage.millis(60_000).sent();
    assert!(dial(&mut stage, 2).is_request("INVITE"));
    let declined = dial(&mut stage, 3);
    assert_eq!((declined.status(), declined.header("Retry-After")), (603, "3540"));
    assert_eq!(declined.header("Reason"), "SIP;cause=603;text=\"Too many attempts\"");
    stage.millis(3_540_000).sent();
    assert!(dial(&mut stage, 4).is_request("INVITE"));
    assert_eq!(dial(&mut stage, 5).status(), 603);
}

#[test]
fn retransmissions_and_further_targets_are_the_same_attempt() {
    let mut stage = Stage::with(&[], &campaign("attempts = \"2/1h\""));
    let first = dial(&mut stage, 1);
    stage.receive(CARRIER, &call(1)).sent();
    stage.receive(&first.to(), &response(&first, 503, ""));
    let second = stage.sent().into_iter().find(|sent| sent.is_request("INVITE")).expect("the next target");
    assert_ne!(first.to(), second.to());
    assert!(dial(&mut stage, 2).is_request("INVITE"));
    assert_eq!(dial(&mut stage, 3).status(), 603);
}

#[test]
fn a_call_that_does_not_go_on_is_no_attempt() {
    let capped = ("name = \"pbx\"", "name = \"pbx\"\nmax_calls = 1");
    let mut stage = Stage::with(&[capped], &campaign("attempts = \"2/1h\""));
    assert!(dial(&mut stage, 1).is_request("INVITE"));
    assert_eq!([2, 3, 4].map(|number| dial(&mut stage, number).status()), [500; 3], "the trunk is full");
    stage.reload(&[], &campaign("attempts = \"2/1h\""));
    assert!(dial(&mut stage, 5).is_request("INVITE"));
    assert_eq!(dial(&mut stage, 6).status(), 603);
}

#[test]
fn messages_and_calls_for_help_are_no_attempts() {
    let any = ("name = \"carrier\"", "name = \"carrier\"\nmethods = [\"*\"]");
    let mut stage = Stage::with(&[any], &campaign("attempts = \"1/1h\""));
    stage.receive(CARRIER, &call(1).replace("INVITE", "MESSAGE"));
    assert!(stage.one().is_request("MESSAGE"));
    assert_eq!(stage.usage.attempts().callees(), 0);
    let help = format!("{}[numbers]\nnever_block = [\"{CALLEE}\"]\n", campaign("attempts = \"1/1h\""));
    let mut stage = Stage::with(&[], &help);
    assert!((1..4).all(|number| dial(&mut stage, number).is_request("INVITE")));
    assert_eq!(stage.usage.attempts().callees(), 0);
}

#[test]
fn shards_that_race_do_not_pass_the_limit_between_them() {
    let usage = Arc::new(Usage::new());
    let gone_on: usize = std::thread::scope(|scope| {
        let shards: Vec<_> = (0..4u32)
            .map(|shard| {
                let usage = &usage;
                scope.spawn(move || {
                    let mut stage = Stage::sharing(usage, &campaign("attempts = \"20/1h\""));
                    let calls = (0..40).map(|number| dial(&mut stage, shard * 1_000 + number));
                    let on: Vec<bool> = calls.map(|sent| sent.is_request("INVITE")).collect();
                    let refused = refused(&totals(&stage))[Ground::Attempts as usize];
                    assert_eq!(refused, on.iter().filter(|on| !**on).count() as u64);
                    on.into_iter().filter(|on| *on).count()
                })
            })
            .collect();
        shards.into_iter().map(|shard| shard.join().expect("a shard")).sum()
    });
    assert_eq!(gone_on, 20);
}

#[test]
fn a_number_that_is_listed_while_the_campaign_runs_is_not_called_again() {
    let mut stage = Stage::with(&[], &campaign("lists = [\"gone\"]\nblock_into = \"gone\"\nstatus = \"Do not call\""));
    assert!(dial(&mut stage, 1).is_request("INVITE"));
    stage.edit("gone", CALLEE, Change::Put(Details::default()));
    let declined = dial(&mut stage, 2);
    assert_eq!((declined.status(), declined.header("Reason")), (603, "SIP;cause=603;text=\"Do not call\""));
}

#[test]
fn the_header_of_a_campaign_that_stands_twice_is_refused_and_goes_nowhere() {
    for (first, second) in [("spring offer", "other"), ("other", "spring offer"), ("spring offer", "spring offer")] {
        let mut stage = Stage::with(&[], &marked());
        let twice = format!("X-Campaign: {first}\nMax-Forwards: 70\nx-campaign: {second}");
        let text = call(1).replace("Max-Forwards: 70", &twice);
        stage.receive(CARRIER, &text);
        let refused = stage.one();
        assert_eq!(refused.first_line(), "SIP/2.0 400 a header field that may stand once stands twice");
        assert_eq!(stage.counters().malformed[Malformed::Duplicate as usize].get(), 1);
        stage.millis(500).receive(CARRIER, &text);
        assert_eq!(stage.one().text, refused.text);
        assert_eq!(stage.counters().malformed[Malformed::Duplicate as usize].get(), 1, "a retransmission");
    }
}

#[test]
fn a_call_for_help_goes_on_whatever_stands_twice_in_it() {
    let help = format!("{}[numbers]\nnever_block = [\"{CALLEE}\"]\n", marked());
    let mut stage = Stage::with(&[], &help);
    stage.receive(CARRIER, &call(1).replace("Max-Forwards: 70", "X-Campaign: a\nX-Campaign: b\nMax-Forwards: 70"));
    let forwarded = stage.one();
    assert!(forwarded.is_request("INVITE") && forwarded.headers("X-Campaign").is_empty());
}

#[test]
fn a_folded_header_in_any_case_marks_the_call_and_is_removed() {
    let rules = format!("{}[[inbound]]\nname = \"late\"\nlists = [\"gone\"]\n", marked());
    for field in ["X-CAMPAIGN: spring\r\n offer", "x-campaign:\r\n\tspring\r\n  offer  "] {
        // The text of a stage is trimmed line by line, so that folds are put in behind that.
        let send = |stage: &mut Stage, number| {
            let text = String::from_utf8(message(&call(number)).to_vec()).expect("a text");
            let folded = text.replace("Max-Forwards: 70\r\n", &format!("{field}\r\nMax-Forwards: 70\r\n"));
            stage.receive_bytes(CARRIER, 0, folded.into());
            stage.one()
        };
        let mut stage = Stage::with(&[], &rules);
        let forwarded = send(&mut stage, 1);
        assert!(forwarded.is_request("INVITE"), "{}", forwarded.text);
        assert!(!forwarded.text.to_lowercase().contains("offer"), "{}", forwarded.text);
        stage.edit("gone", CALLEE, Change::Put(Details::default()));
        assert_eq!(send(&mut stage, 2).status(), 603, "{field:?}");
    }
}

#[test]
fn what_becomes_of_a_campaigns_calls_is_counted() {
    let rules = campaign("lists = [\"gone\"]\nattempts = \"3/1h\"");
    let mut stage = Stage::with(&[], &rules);
    for (number, status) in [(1, 200), (2, 486), (3, 603)] {
        let forwarded = dial(&mut stage, number);
        stage.receive(&forwarded.to(), &response(&forwarded, status, "")).sent();
    }
    assert_eq!(dial(&mut stage, 4).status(), 603);
    stage.edit("gone", CALLEE, Change::Put(Details::default()));
    assert_eq!(dial(&mut stage, 5).status(), 603);
    let counted = totals(&stage);
    assert_eq!((counted.judged, counted.refused, counted.passed()), (5, 2, 3));
    assert_eq!(refused(&counted), [1, 0, 0, 1]);
    assert_eq!(counted.by_list, [("gone".into(), 1)].into());
    assert_eq!(counted.answers, [(200, 1), (486, 1), (603, 1)].into());
}

#[test]
fn an_observing_campaign_counts_what_it_would_have_refused() {
    let mut stage = Stage::with(&[], &campaign("attempts = \"1/1h\"\nonly = [\"vip\"]\nmode = \"observe\""));
    assert!((1..4).all(|number| dial(&mut stage, number).is_request("INVITE")));
    let counted = totals(&stage);
    assert_eq!((counted.judged, counted.refused, counted.observed), (3, 0, [0, 3, 0, 0]));
    assert_eq!(stage.usage.attempts().callees(), 1, "its calls are attempts for other campaigns");
}
