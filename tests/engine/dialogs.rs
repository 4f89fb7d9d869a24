//! Requests inside a dialog: by token, along a live call, through strict routers; and how calls end.

use std::time::Duration;

use crate::stage::{CARRIER, Stage, from_callee, from_caller, invite, ok, response};

const CALLEE: &str = "192.0.2.3:5070";

fn without_routes(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("Route:")).map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_request_with_a_token_is_inside_its_dialog_from_any_source_address() {
    let mut stage = Stage::new();
    let (_, answer) = stage.call(&invite(9));
    stage.receive("8.8.4.4:31234", &from_caller("BYE", 2, &answer));
    let bye = stage.one();
    assert_eq!((bye.to(), bye.uri()), (CALLEE.to_owned(), "sip:desk@192.0.2.3:5070"));
    stage.receive(CALLEE, &response(&bye, 200, ""));
    let answer = stage.one();
    assert_eq!(answer.to(), "8.8.4.4:5060");
    assert_eq!(stage.calls(), 0);
}

#[test]
fn a_tampered_token_is_no_token() {
    let mut stage = Stage::new();
    let (_, answer) = stage.call(&invite(9));
    let bye = from_caller("BYE", 2, &answer);
    let at = bye.find("<sip:").expect("a Route") + 8;
    let other = if &bye[at..=at] == "A" { "B" } else { "A" };
    let tampered = format!("{}{other}{}", &bye[..at], &bye[at + 1..]);
    stage.receive("8.8.4.4:5060", &tampered);
    assert!(stage.sent().is_empty());
    assert_eq!(stage.calls(), 1);
}

#[test]
fn a_token_is_good_for_its_own_call_only() {
    let mut stage = Stage::new();
    let (_, answer) = stage.call(&invite(9));
    stage.receive(CARRIER, &from_caller("INVITE", 2, &answer).replace("Call-ID: call", "Call-ID: other"));
    assert_eq!(stage.one().status(), 481);
}

#[test]
fn a_token_serves_only_the_two_who_have_the_callers_tag() {
    let mut stage = Stage::new();
    let (_, answer) = stage.call(&invite(9));
    stage.receive("203.0.113.9:5060", &from_caller("INVITE", 2, &answer).replace("tag=caller", "tag=somebody"));
    assert_eq!(stage.one().status(), 481);
}

#[test]
fn a_peer_that_lost_record_route_follows_its_call_from_its_own_address_only() {
    let mut stage = Stage::new();
    let (_, answer) = stage.call(&invite(9));
    let bye = without_routes(&from_caller("BYE", 2, &answer));
    for stranger in ["198.51.100.8:5060", "192.0.2.3:5070", "203.0.113.9:5060"] {
        stage.receive(stranger, &bye.replace("z9hG4bK", &format!("z9hG4bK{}", stranger.len())));
        assert_eq!(stage.sent().pop().expect("an answer").status(), 481, "{stranger}");
    }
    stage.receive("198.51.100.7:33333", &bye);
    assert_eq!(stage.one().to(), CALLEE);
}

#[test]
fn a_callee_that_lost_record_route_follows_its_call_too() {
    let mut stage = Stage::new();
    let (forwarded, _) = stage.call(&invite(9));
    stage.receive(CALLEE, &without_routes(&from_callee("BYE", 9, &forwarded)));
    let bye = stage.one();
    assert_eq!((bye.to(), bye.uri()), (CARRIER.to_owned(), "sip:line7@198.51.100.7:5060"));
}

#[test]
fn each_fork_that_answers_is_a_call_that_a_peer_without_record_route_can_end() {
    let mut stage = Stage::new();
    let (forwarded, answer) = stage.call(&invite(9));
    let second = ok(&forwarded).replace("tag=callee", "tag=other").replace("sip:desk@", "sip:other@");
    for _ in 0..2 {
        stage.receive(CALLEE, &second);
        assert_eq!(stage.one().to_tag(), "other");
        assert_eq!(stage.calls(), 2);
    }
    let bye = without_routes(&from_caller("BYE", 2, &answer)).replace("tag=callee", "tag=other");
    let bye = bye.replace("z9hG4bK", "z9hG4bKother").replacen("sip:desk@192.0.2.3:5070", "sip:10.0.0.1", 1);
    stage.receive(CARRIER, &bye);
    let passed = stage.one();
    assert_eq!((passed.to(), passed.uri()), (CALLEE.to_owned(), "sip:other@192.0.2.3:5070"));
    stage.receive(CALLEE, &response(&passed, 200, ""));
    assert_eq!(stage.calls(), 1);
    let ended: Vec<_> = stage.records().into_iter().filter(|record| record[0] == "end").collect();
    assert_eq!(ended.len(), 1);
}

#[test]
fn a_call_whose_bye_is_accepted_before_its_200_comes_is_not_up() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(9));
    let forwarded = stage.one();
    stage.receive(CALLEE, &response(&forwarded, 180, "Contact: <sip:desk@192.0.2.3:5070>"));
    let ringing = stage.one();
    stage.receive(CARRIER, &from_caller("BYE", 2, &ringing));
    let bye = stage.one();
    stage.receive(CALLEE, &response(&bye, 200, ""));
    assert_eq!(stage.one().status(), 200);
    stage.receive(CALLEE, &ok(&forwarded));
    assert_eq!(stage.one().status(), 200);
    assert_eq!(stage.calls(), 0);
}

#[test]
fn a_reinvite_is_not_screened_and_not_recorded() {
    let mut stage = Stage::new();
    let (_, answer) = stage.call(&invite(9));
    stage.edit("default", "48600000009", ringfence::lists::Change::Put(ringfence::lists::Details::default()));
    stage.receive(CARRIER, &from_caller("INVITE", 2, &answer));
    let again = stage.one();
    assert!(again.is_request("INVITE") && again.to() == CALLEE);
    assert_eq!(stage.records().len(), 1);
}

#[test]
fn a_bye_closes_the_call_unless_it_must_come_again_with_credentials() {
    let mut stage = Stage::new();
    let (_, answer) = stage.call(&invite(9));
    assert_eq!(stage.calls(), 1);
    stage.receive(CARRIER, &from_caller("BYE", 2, &answer));
    let bye = stage.one();
    stage.receive(CALLEE, &response(&bye, 407, "")).sent();
    assert_eq!(stage.calls(), 1);
    stage.receive(CARRIER, &from_caller("BYE", 3, &answer));
    let bye = stage.one();
    stage.receive(CALLEE, &response(&bye, 200, ""));
    assert_eq!(stage.calls(), 0);
}

#[test]
fn a_bye_that_nobody_answers_closes_the_call() {
    let mut stage = Stage::new();
    let (_, answer) = stage.call(&invite(9));
    stage.receive(CARRIER, &from_caller("BYE", 2, &answer)).wait(Duration::from_secs(33));
    assert_eq!(stage.calls(), 0);
    assert!(stage.sent().iter().all(|sent| sent.to() == CALLEE || sent.status() == 100));
}

#[test]
fn twelve_hours_close_a_call_that_lost_its_bye() {
    let mut stage = Stage::new();
    stage.call(&invite(9));
    stage.wait(Duration::from_secs(12 * 3_600 - 1));
    assert_eq!(stage.calls(), 1);
    stage.millis(1_000);
    assert_eq!(stage.calls(), 0);
    let records = stage.records();
    assert_eq!(records.last().and_then(|record| record.last()).map(String::as_str), Some("expiry"));
}

#[test]
fn the_caller_himself_cannot_call_another_with_his_token_and_an_invented_to_tag() {
    let mut stage = Stage::new();
    let (_, answer) = stage.call(&invite(9));
    let another = from_caller("INVITE", 2, &answer)
        .replace("sip:desk@192.0.2.3:5070", "sip:+48221112233@192.0.2.3:5070")
        .replace("tag=callee", "tag=invented");
    stage.receive(CARRIER, &another);
    assert_eq!(stage.one().status(), 481);
    assert_eq!(stage.records().len(), 1);
}

#[test]
fn a_token_of_this_process_brings_no_invite_after_its_call_is_over() {
    let mut stage = Stage::new();
    let (_, answer) = stage.call(&invite(9));
    stage.receive(CARRIER, &from_caller("BYE", 2, &answer));
    let bye = stage.one();
    stage.receive(&bye.to(), &response(&bye, 200, ""));
    assert_eq!((stage.one().status(), stage.calls()), (200, 0));
    stage.receive(CARRIER, &from_caller("INVITE", 3, &answer));
    assert_eq!(stage.one().status(), 481);
}

#[test]
fn the_ack_to_our_own_answer_inside_a_dialog_goes_no_further() {
    let mut stage = Stage::new();
    let (_, answer) = stage.call(&invite(9));
    let again = from_caller("INVITE", 2, &answer).replace("Max", "Proxy-Require: gin\nMax");
    stage.receive(CARRIER, &again);
    assert_eq!(stage.one().status(), 420);
    stage.receive(CARRIER, &from_caller("ACK", 2, &answer).replace("z9hG4bKACK2", "z9hG4bKINVITE2"));
    assert!(stage.sent().is_empty());
}

#[test]
fn a_campaigns_header_does_not_leave_in_a_dialog_either() {
    let campaign = r#"
[[campaign]]
name = "spring"
header = { name = "X-Campaign", value = "spring" }
lists = ["default"]
"#;
    let mut stage = Stage::with(&[], campaign);
    let (forwarded, answer) = stage.call(&invite(9).replace("Max", "X-Campaign: spring\nMax"));
    assert!(forwarded.headers("X-Campaign").is_empty());
    stage.receive(CARRIER, &from_caller("BYE", 2, &answer).replace("Max", "X-Campaign: spring\nMax"));
    assert!(stage.one().headers("X-Campaign").is_empty());
}
