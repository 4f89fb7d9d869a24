//! The number that a call shows: its limits over several calls, refusals of networks, and what follows from a list that
//! changes before the call goes to another target.

use std::collections::BTreeSet;
use std::time::Duration;

use ringfence::lists::{Change, Details};
use ringfence::number::Number;
use ringfence::time::WallTime;

use crate::stage::{CARRIER, Sent, Stage, columns, field, from_callee, from_caller, invite, ok, response};

const FIRST: &str = "192.0.2.3:5070";
const SECOND: &str = "192.0.2.4:5070";
const TO_PBX: &str = "called = [\"4822*\"]\nto = \"pbx\"\n";
const POOL: &str = "entries = [\"48501000000\"]";
const CALLER: &str = "\"Caller\" <sip:+48600000009@carrier.example.net>;tag=caller";

/// What is changed in the config so that calls to the pbx show numbers of a pool.
fn presenting(pool: &str, present: &str) -> [(String, String); 2] {
    [
        (TO_PBX.into(), format!("{TO_PBX}present = {{ pool = \"our-numbers\"{present} }}\n")),
        (POOL.into(), format!("entries = [{pool}]")),
    ]
}

/// The same with further rules and with further texts replaced.
fn stage_with(pool: &str, present: &str, changes: &[(&str, &str)], more: &str) -> Stage {
    let ours = presenting(pool, present);
    let ours: Vec<(&str, &str)> = ours.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
    Stage::with(&[&ours[..], changes].concat(), more)
}

fn stage(pool: &str, present: &str) -> Stage {
    stage_with(pool, present, &[], "")
}

/// When the stage begins.
const NOON: WallTime = WallTime::from_micros(1_774_440_000_000_000);

/// The pbx is known by its name.
const NAMED: (&str, &str) = ("to = [\"sip:192.0.2.3:5070\", \"sip:192.0.2.4:5070\"]", "to = [\"sip:pbx.example.net\"]");

const ONE: &str = "\"48501000001\"";
const THREE: &str = "\"48501000001-48501000003\"";

/// A call of its own.
fn call(at: impl std::fmt::Display) -> String {
    let own = invite(9).replace("Call-ID: call", &format!("Call-ID: call{at}"));
    own.replace("z9hG4bKinvite", &format!("z9hG4bKinvite{at}"))
}

/// Another call comes; the INVITE that goes on, or the answer.
#[track_caller]
fn dial(stage: &mut Stage, at: impl std::fmt::Display) -> Sent {
    stage.receive(CARRIER, &call(at));
    stage.one()
}

/// The last digit of the number in P-Asserted-Identity.
#[track_caller]
fn shown(sent: &Sent) -> u64 {
    let identity = sent.header("P-Asserted-Identity");
    let number = identity.strip_prefix("<sip:+4850100000").expect("a number of ours");
    number[..1].parse().expect("a digit")
}

fn number(last: u64) -> Number {
    Number::new(48_501_000_000 + last).expect("a number")
}

fn list(stage: &mut Stage, last: u64) {
    stage.edit("default", &number(last).to_string(), Change::Put(Details::default()));
}

/// The next hop answers, and its answer is passed on.
fn answer(stage: &mut Stage, sent: &Sent, status: u16, phrase: &str) {
    let text = response(sent, status, "").replace("Whatever", phrase);
    stage.receive(&sent.to(), &text).sent();
}

/// The INVITE that goes to the second target once the first has been silent.
#[track_caller]
fn to_second(stage: &mut Stage) -> Sent {
    stage.millis(4_000);
    let sent = stage.sent().into_iter().filter(|sent| sent.is_request("INVITE") && sent.to() == SECOND);
    sent.last().expect("the second target is tried")
}

fn statuses(stage: &mut Stage) -> Vec<u16> {
    stage.sent().iter().filter(|sent| sent.to() == CARRIER).map(Sent::status).filter(|status| *status >= 200).collect()
}

/// Verdict, presented number and status of the last call.
fn recorded(stage: &mut Stage) -> [String; 3] {
    let record = stage.records().pop().expect("a record");
    columns(&record, ["verdict", "presented", "status"]).map(str::to_owned)
}

#[test]
fn each_number_is_shown_as_often_as_it_may_and_then_the_pool_is_empty() {
    let mut stage = stage(THREE, ", per_hour = 1");
    let seen: BTreeSet<u64> = (0..3).map(|at| shown(&dial(&mut stage, at))).collect();
    assert_eq!(seen, BTreeSet::from([1, 2, 3]));
    assert_eq!(dial(&mut stage, 3).status(), 403);
    assert_eq!(recorded(&mut stage), ["empty-pool", "", "403"]);
    stage.wait(Duration::from_secs(66 * 60)).sent();
    assert!(dial(&mut stage, 4).is_request("INVITE"));
}

#[test]
fn a_call_counts_once_however_often_it_is_sent() {
    let mut stage = stage(ONE, ", per_day = 2");
    let first = dial(&mut stage, 0);
    stage.receive(CARRIER, &call(0)).sent();
    stage.millis(2_000);
    assert!(stage.sent().iter().any(|sent| sent.is_request("INVITE") && sent.to() == FIRST), "it is sent again");
    let second = to_second(&mut stage);
    assert_eq!((shown(&first), shown(&second)), (1, 1));
    assert!(dial(&mut stage, 1).is_request("INVITE"), "one showing is left");
    assert_eq!(dial(&mut stage, 2).status(), 403);
}

#[test]
fn only_what_goes_on_counts() {
    let limited = ("name = \"pbx\"", "name = \"pbx\"\nmax_calls = 1");
    let mut stage = stage_with(THREE, ", per_hour = 1", &[limited], "");
    assert!(dial(&mut stage, 0).is_request("INVITE"));
    for at in 1..5 {
        assert_eq!(dial(&mut stage, at).status(), 500);
    }
    assert_eq!(stage.usage.showings.len(), 1);
}

#[test]
fn a_call_that_is_sent_nowhere_uses_up_no_showing() {
    let mut stage = stage_with(ONE, ", per_day = 1, cool_down = \"1h\"", &[NAMED], "");
    for at in 0..3 {
        stage.receive(CARRIER, &call(at)).sent();
        stage.resolve_to(&[]);
        assert_eq!(statuses(&mut stage), [500], "the name leads nowhere");
        assert!(stage.usage.showings.is_empty());
    }
    stage.receive(CARRIER, &call(3)).sent();
    stage.resolve_to(&["udp:192.0.2.3:5070"]);
    assert!(stage.sent().pop().expect("it goes on").is_request("INVITE"));
    assert_eq!(dial(&mut stage, 4).status(), 403, "the one showing is used up");
}

#[test]
fn a_call_that_is_hung_up_before_it_is_sent_uses_up_no_showing() {
    let mut stage = stage_with(ONE, ", per_day = 1", &[NAMED], "");
    stage.receive(CARRIER, &call(0)).sent();
    stage.receive(CARRIER, &call(0).replace("INVITE", "CANCEL"));
    assert_eq!(statuses(&mut stage).last(), Some(&487));
    assert!(stage.usage.showings.is_empty());
}

#[test]
fn without_limits_nothing_is_counted() {
    for strategy in ["random", "sticky", "local"] {
        let mut stage = stage(THREE, &format!(", strategy = \"{strategy}\""));
        dial(&mut stage, 0);
        assert!(stage.usage.showings.is_empty(), "{strategy}");
    }
}

#[test]
fn a_call_for_help_shows_its_own_number_and_counts_for_nothing() {
    let help = "[[route]]\nname = \"help\"\ncalled = [\"112\"]\nto = \"pbx\"\n\
                present = { pool = \"our-numbers\", per_day = 1 }\n";
    let mut stage = stage_with(ONE, "", &[], help);
    for at in 0..3 {
        stage.receive(CARRIER, &call(at).replace("+48221234567", "112"));
        assert!(stage.one().headers("P-Asserted-Identity").is_empty());
    }
    assert!(stage.usage.showings.is_empty());
}

#[test]
fn refusals_of_networks_in_a_row_make_a_number_rest() {
    let mut stage = stage(ONE, ", rest_after = 3, rest_for = \"1h\"");
    for (at, (status, phrase)) in
        [(607, "Unwanted"), (608, "Rejected"), (603, "Network Blocked")].into_iter().enumerate()
    {
        let sent = dial(&mut stage, at);
        answer(&mut stage, &sent, status, phrase);
    }
    assert_eq!(dial(&mut stage, 3).status(), 403);
    assert_eq!(recorded(&mut stage), ["empty-pool", "", "403"]);
    stage.wait(Duration::from_secs(3_600)).sent();
    assert!(dial(&mut stage, 4).is_request("INVITE"), "it has rested");
}

#[test]
fn an_answered_call_ends_the_row_and_people_who_decline_are_not_in_it() {
    let mut stage = stage(ONE, ", rest_after = 2");
    for (at, (status, phrase)) in
        [(608, "Rejected"), (200, "OK"), (607, "Unwanted"), (603, "Decline"), (486, "Busy Here")]
            .into_iter()
            .enumerate()
    {
        let sent = dial(&mut stage, at);
        answer(&mut stage, &sent, status, phrase);
    }
    let sent = dial(&mut stage, 5);
    assert!(sent.is_request("INVITE"), "one refusal is not two");
    answer(&mut stage, &sent, 603, "Network Blocked");
    assert_eq!(dial(&mut stage, 6).status(), 403);
}

#[test]
fn a_number_that_is_listed_before_the_second_target_is_tried_is_not_shown_there() {
    let mut stage = stage(THREE, ", strategy = \"sticky\", per_hour = 9");
    let first = dial(&mut stage, 0);
    list(&mut stage, shown(&first));
    let second = to_second(&mut stage);
    assert_ne!(shown(&second), shown(&first));
    stage.receive(SECOND, &ok(&second));
    assert_eq!(statuses(&mut stage), [200]);
    let told = number(shown(&second)).to_string();
    assert_eq!(recorded(&mut stage), ["pass", &told, "200"]);
    for last in [shown(&first), shown(&second)] {
        assert_eq!(stage.usage.showings.shown(number(last), NOON).last_hour, 1, "both were shown");
    }
}

#[test]
fn a_number_that_begins_to_rest_is_not_shown_to_the_second_target() {
    let mut stage = stage("\"48501000001\", \"48501000002\"", ", strategy = \"sticky\", rest_after = 1");
    let first = dial(&mut stage, 0);
    let other = dial(&mut stage, 1);
    assert_eq!(shown(&other), shown(&first));
    answer(&mut stage, &other, 608, "Rejected");
    assert_ne!(shown(&to_second(&mut stage)), shown(&first));
}

#[test]
fn a_late_refusal_is_that_of_the_number_that_the_branch_showed() {
    let mut stage = stage(THREE, ", strategy = \"sticky\", rest_after = 1");
    let first = dial(&mut stage, 0);
    list(&mut stage, shown(&first));
    let second = to_second(&mut stage);
    answer(&mut stage, &first, 608, "Rejected");
    let rests = |sent: &Sent| stage.usage.showings.rests_until(number(shown(sent)), NOON);
    assert_eq!([rests(&first).is_some(), rests(&second).is_some()], [true, false]);
}

#[test]
fn a_number_that_has_expired_is_not_shown_to_the_second_target() {
    let mut stage = stage("", ", strategy = \"sticky\"");
    let expires = |micros: u64| Details { expires: Some(NOON + Duration::from_micros(micros)), ..Details::default() };
    stage.edit("our-numbers", "48501000001", Change::Put(expires(1_000_000)));
    let first = dial(&mut stage, 0);
    stage.edit("our-numbers", "48501000002", Change::Put(Details::default()));
    assert_eq!((shown(&first), shown(&to_second(&mut stage))), (1, 2));
}

#[test]
fn a_call_that_no_number_is_left_for_is_refused_or_keeps_its_own() {
    let mut stage = stage(ONE, "");
    let first = dial(&mut stage, 0);
    list(&mut stage, shown(&first));
    stage.millis(4_000);
    assert_eq!(statuses(&mut stage), [403]);
    assert_eq!(recorded(&mut stage), ["pass", "48501000001", "403"]);

    let mut stage = self::stage(ONE, ", otherwise = \"keep\", headers = [\"From\", \"P-Asserted-Identity\"]");
    let first = dial(&mut stage, 0);
    list(&mut stage, shown(&first));
    let second = to_second(&mut stage);
    assert_eq!(second.header("From"), CALLER);
    assert!(second.headers("P-Asserted-Identity").is_empty());
    stage.receive(SECOND, &ok(&second));
    let answer = stage.sent().pop().expect("an answer");
    assert_eq!((answer.status(), answer.header("From")), (200, CALLER));
    assert_eq!(recorded(&mut stage), ["pass", "", "200"]);
}

#[test]
fn when_all_targets_have_failed_their_failure_is_the_answer_whatever_is_listed_meanwhile() {
    let mut stage = stage(ONE, "");
    dial(&mut stage, 0);
    to_second(&mut stage);
    list(&mut stage, 1);
    stage.millis(4_000);
    assert_eq!(statuses(&mut stage), [500]);
}

#[test]
fn a_number_that_is_listed_while_a_name_is_looked_up_is_never_shown() {
    let mut stage = stage_with(THREE, ", strategy = \"sticky\", per_day = 9", &[NAMED], "");
    let own = shown(&{
        let mut other = self::stage(THREE, ", strategy = \"sticky\"");
        dial(&mut other, 0)
    });
    stage.receive(CARRIER, &call(0)).sent();
    list(&mut stage, own);
    stage.millis(20);
    stage.resolve_to(&["udp:192.0.2.3:5070"]);
    let sent = stage.sent().pop().expect("it goes on");
    assert!(sent.is_request("INVITE") && shown(&sent) != own);
    assert_eq!(stage.usage.showings.len(), 1, "and does not count");
}

#[test]
fn a_reload_changes_what_may_be_shown_to_the_second_target() {
    let changes = |pool, present| presenting(pool, present);
    let reload = |stage: &mut Stage, [one, other]: [(String, String); 2]| {
        stage.reload(&[(&one.0, &one.1), (&other.0, &other.1)], "");
    };
    let before = || {
        let mut stage = stage(ONE, "");
        assert_eq!(shown(&dial(&mut stage, 0)), 1);
        stage
    };
    // The route has another pool now.
    let mut stage = before();
    reload(&mut stage, changes("\"48501000007\"", ""));
    assert_eq!(shown(&to_second(&mut stage)), 7);
    // It has the same one, and another list stands before it.
    let mut stage = before();
    let [one, other] = changes(ONE, "");
    let list =
        ("[[list]]\nname = \"default\"", "[[list]]\nname = \"first\"\nclass = \"dno\"\n[[list]]\nname = \"default\"");
    stage.reload(&[(&one.0, &one.1), (&other.0, &other.1), list], "");
    assert_eq!(shown(&to_second(&mut stage)), 1);
    // It presents nothing any more.
    let mut stage = before();
    stage.reload(&[], "");
    assert!(to_second(&mut stage).headers("P-Asserted-Identity").is_empty());
    // It is gone, and nothing says that the number may be shown.
    let mut stage = before();
    let [one, other] = changes(ONE, "");
    let renamed = ("name = \"to-pbx\"", "name = \"to-desk\"");
    stage.reload(&[(&one.0, &one.1), (&other.0, &other.1), renamed], "");
    stage.millis(4_000);
    assert_eq!(statuses(&mut stage), [403]);
}

#[test]
fn both_ends_see_one_from_each_after_a_failover_to_another_number() {
    let mut stage = stage(THREE, ", headers = [\"From\", \"P-Asserted-Identity\"]");
    stage.receive(CARRIER, &invite(9));
    let first = stage.one();
    list(&mut stage, shown(&first));
    let second = to_second(&mut stage);
    let from = format!("<sip:+{}@10.0.0.1:5060;user=phone>;tag=caller", number(shown(&second)));
    assert_eq!(second.header("From"), from);
    assert_ne!(first.header("From"), from);

    stage.receive(SECOND, &response(&second, 180, ""));
    assert_eq!(stage.one().header("From"), CALLER);
    stage.receive(SECOND, &ok(&second));
    let answer = stage.sent().pop().expect("an answer");
    assert_eq!((answer.status(), answer.header("From")), (200, CALLER));

    stage.receive(CARRIER, &from_caller("ACK", 1, &answer));
    assert_eq!(stage.one().header("From"), from);
    stage.receive(CARRIER, &from_caller("INVITE", 2, &answer));
    let again = stage.one();
    assert_eq!((again.to().as_str(), again.header("From")), (SECOND, from.as_str()));
    stage.receive(SECOND, &ok(&again));
    assert_eq!(stage.one().header("From"), CALLER);

    stage.receive(SECOND, &from_callee("INVITE", 7, &second));
    let back = stage.one();
    assert_eq!((back.to().as_str(), back.header("To")), (CARRIER, CALLER));
    stage.receive(CARRIER, &ok(&back));
    assert_eq!(stage.one().header("To"), from);

    stage.receive(SECOND, &from_callee("BYE", 8, &second));
    let bye = stage.one();
    assert_eq!(bye.header("To"), CALLER);
    stage.receive(CARRIER, &response(&bye, 200, ""));
    assert_eq!(stage.one().header("To"), from);
    assert_eq!(stage.calls(), 0);
}

#[test]
fn the_header_that_asks_for_a_number_is_obeyed_recorded_and_removed() {
    let mut stage = stage(THREE, ", explicit = \"X-Present-Number\"");
    for asked in [2, 1, 3] {
        let line = format!("x-present-number: +{}\nMax-Forwards", number(asked));
        stage.receive(CARRIER, &call(asked).replace("Max-Forwards", &line));
        let sent = stage.one();
        assert_eq!(shown(&sent), asked);
        assert!(!sent.text.to_ascii_lowercase().contains("x-present-number"), "{}", sent.text);
        answer(&mut stage, &sent, 486, "Busy Here");
    }
    assert_eq!(field(&stage.records()[0], "headers"), "x-present-number=%2B48501000002");
}

#[test]
fn who_asks_for_two_numbers_asks_for_none() {
    let mut stage = stage(THREE, ", strategy = \"sticky\", explicit = \"X-Present-Number\"");
    let own = shown(&dial(&mut stage, 0));
    let other = if own == 1 { 2 } else { 1 };
    let twice = format!("X-Present-Number: {0}\nX-Present-Number: {0}\nMax-Forwards", number(other));
    stage.receive(CARRIER, &call(1).replace("Max-Forwards", &twice));
    let sent = stage.one();
    assert_eq!(shown(&sent), own);
    assert!(!sent.text.contains("X-Present-Number"));
    answer(&mut stage, &sent, 486, "Busy Here");
    assert_eq!(field(&stage.records()[0], "headers"), "", "the record says what was decided by");
}

#[test]
fn remote_party_id_carries_the_number_and_privacy_says_that_all_may_see_it() {
    let lines = "Remote-Party-ID: <sip:+48600000009@carrier.example.net>;privacy=full\nPrivacy: id;user\nMax-Forwards";
    let mut stage = stage(ONE, ", headers = [\"Remote-Party-ID\", \"Privacy\"]");
    let (sent, answer) = stage.call(&invite(9).replace("Max-Forwards", lines));
    let expected = "<sip:+48501000001@10.0.0.1:5060>;party=calling;privacy=off;screen=yes";
    assert_eq!((sent.header("Remote-Party-ID"), sent.header("Privacy")), (expected, "none"));
    assert_eq!(sent.header("From"), CALLER);
    let update = from_caller("UPDATE", 2, &answer).replace("Max-Forwards", lines);
    stage.receive(CARRIER, &update);
    assert_eq!(stage.one().header("Remote-Party-ID"), expected, "inside the dialog as well");
    stage.receive(CARRIER, &from_caller("UPDATE", 3, &answer));
    assert!(stage.one().headers("Remote-Party-ID").is_empty(), "where the caller says nothing, nothing is said");
}

#[test]
fn a_hidden_caller_shows_no_number_of_ours_in_the_open() {
    let mut stage = stage(ONE, ", headers = [\"Remote-Party-ID\", \"Privacy\", \"From\"]");
    stage.receive(CARRIER, &invite(3));
    let sent = stage.one();
    assert!(!sent.text.contains("Remote-Party-ID"), "{}", sent.text);
    assert_eq!((sent.header("Privacy"), sent.header("From").contains("anonymous.invalid")), ("id", true));
}

#[test]
fn a_trunk_says_which_headers_it_wants() {
    let contract = ("name = \"pbx\"", "name = \"pbx\"\npresent_headers = [\"From\"]");
    let mut stage = stage_with(ONE, "", &[contract], "");
    let sent = dial(&mut stage, 0);
    assert!(sent.header("From").starts_with("<sip:+48501000001@"));
    assert!(sent.headers("P-Asserted-Identity").is_empty());
}

#[test]
fn what_else_names_the_caller_does_not_go_on_beside_a_presented_number() {
    let own = "Remote-Party-ID: <sip:+48600000009@pbx>;party=calling\r\nP-Preferred-Identity: <sip:+48600000009@pbx>\r\nContact";
    let mut stage = stage(ONE, ", headers = [\"From\", \"P-Asserted-Identity\"]");
    stage.receive(CARRIER, &call(0).replacen("Contact", own, 1));
    let sent = stage.one();
    assert_eq!(shown(&sent), 1);
    for name in ["Remote-Party-ID", "P-Preferred-Identity"] {
        assert!(sent.headers(name).is_empty(), "{name}");
    }
}

#[test]
fn a_dialog_keeps_its_from_when_a_reload_takes_the_callees_trunk_away() {
    let headers = ", headers = [\"From\", \"P-Asserted-Identity\"]";
    let mut stage = stage(ONE, headers);
    stage.receive(CARRIER, &invite(9));
    let sent = stage.one();
    stage.receive(FIRST, &ok(&sent));
    let answer = stage.sent().into_iter().find(|sent| sent.to() == CARRIER && sent.status() == 200).expect("a 200");
    let renamed = [("name = \"pbx\"", "name = \"switch\""), ("to = \"pbx\"", "to = \"switch\"")];
    stage.reload(&renamed, "");
    stage.receive(CARRIER, &from_caller("BYE", 2, &answer));
    let bye = stage.one();
    assert!(bye.is_request("BYE") && bye.header("From").contains("+48501000001@"), "{}", bye.text);
}
