//! What campaigns ask beside their lists: consent, attempts, their order, and what is said to whom they refuse.

use super::*;
use crate::number::Number;
use crate::screen::Ground;
use crate::usage::{Attempt, AttemptLimit};

const LISTS: &str = r#"
[[list]]
name = "dnc"
class = "dnc"
entries = ["48600000001", "4870*"]
[[list]]
name = "vip"
class = "allow"
entries = ["48600000001"]
[[list]]
name = "consented"
class = "allow"
entries = ["48600000001", "48600000002", "48600000003", "friend"]
"#;

/// A campaign of the carrier's calls.
pub(super) fn campaign(keys: &str) -> World {
    world(&format!("{LISTS}[[campaign]]\nname = \"sale\"\ntrunks = [\"carrier\"]\n{keys}\n"))
}

fn to(callee: &str) -> Question {
    call("48229990000", callee)
}

fn ground(question: &Question, world: &World) -> Option<&'static str> {
    question.verdict(world).cause.ground.map(Ground::as_str)
}

/// Calls of late, told to the decision.
fn called(callee: &str, times: usize) -> Usage {
    let usage = Usage::new();
    let limit = AttemptLimit::parse("100/366d").expect("a limit");
    let callee: Number = callee.parse().expect("a number");
    for _ in 0..times {
        usage.attempts().commit(callee, &[], limit, NOON).map(Attempt::stand).expect("no limit");
    }
    usage
}

fn decided(question: &Question, world: &World, usage: &Usage) -> Verdict {
    let verdict = question.ask(&world.policy, |call| decide(call, world, usage, NOON, 0)).expect("a known trunk");
    let explained = question.explain(world, usage, NOON, 0).expect("a known trunk");
    assert_eq!(verdict, explained.verdict, "{explained}");
    verdict
}

fn answered(verdict: &Verdict) -> (u16, &str, Option<u32>) {
    match &verdict.outcome {
        Outcome::Answer(answer) => (answer.status, answer.reason.as_deref().unwrap_or(""), answer.retry_after),
        other => panic!("{other:?}"),
    }
}

#[test]
fn whom_no_list_of_only_holds_is_declined() {
    let world = campaign("only = [\"vip\", \"consented\"]");
    assert_eq!(to("48600000002").word(&world), "pass");
    let stranger = to("48600000009");
    let verdict = stranger.verdict(&world);
    assert_eq!(answered(&verdict), (603, "SIP;cause=603;text=\"Not consented\"", None));
    assert_eq!((verdict.cause.rule.as_deref(), verdict.cause.list.as_deref()), (Some("sale"), None));
    assert_eq!(ground(&stranger, &world), Some("not-consented"));
    let steps = stranger.steps(&world);
    assert!(steps.contains("> campaign rule \"sale\": no list of `only` holds the callee: decline\n"), "{steps}");
}

#[test]
fn a_campaign_without_lists_declines_all_calls_only_when_it_has_nothing_to_check() {
    assert_eq!(to("48600000002").word(&campaign("")), "decline");
    assert_eq!(to("48600000002").word(&campaign("attempts = \"3/24h\"")), "pass");
}

#[test]
fn lists_are_asked_first_and_whom_they_except_is_still_checked() {
    let world = campaign("lists = [\"dnc\"]\nonly = [\"consented\"]");
    let listed = to("48600000001");
    assert_eq!(ground(&listed, &world), Some("listed"));
    assert_eq!(listed.answer(&world).reason.as_deref(), Some("SIP;cause=603;text=\"Blacklist\""));
    assert_eq!(ground(&to("48701234567"), &world), Some("listed"));
    let excepting = campaign("lists = [\"dnc\"]\nexcept = [\"vip\"]\nonly = [\"consented\"]");
    assert_eq!(listed.word(&excepting), "pass");
    let unconsented = campaign("lists = [\"dnc\"]\nexcept = [\"vip\"]\nonly = [\"dnc\"]\nstatuses = { only = \"No\" }");
    assert_eq!(listed.word(&unconsented), "pass");
    assert_eq!(ground(&to("48600000009"), &unconsented), Some("not-consented"));
}

#[test]
fn consent_is_asked_before_hours_and_hours_before_attempts() {
    let closed = "hours = [{ prefix = \"48\", zone = \"UTC\", open = \"00:00-00:01\" }]\nattempts = \"1/24h\"\n";
    let usage = called("48600000002", 1);
    let of = |only: &str, hours: &str| {
        let world = campaign(&format!("{only}\n{hours}"));
        decided(&to("48600000002"), &world, &usage).cause.ground.map(Ground::as_str)
    };
    assert_eq!(of("only = [\"vip\"]", closed), Some("not-consented"));
    assert_eq!(of("only = [\"consented\"]", closed), Some("outside-hours"));
    assert_eq!(of("only = [\"consented\"]", "attempts = \"1/24h\""), Some("attempts"));
}

#[test]
fn a_callee_who_was_called_too_often_is_declined_until_then() {
    let world = campaign("attempts = \"3/24h\"");
    let question = to("48600000002");
    assert_eq!(decided(&question, &world, &called("48600000002", 2)).word(), "pass");
    let verdict = decided(&question, &world, &called("48600000002", 3));
    assert_eq!(answered(&verdict), (603, "SIP;cause=603;text=\"Too many attempts\"", Some(86_400)));
    assert_eq!(decided(&to("48600000003"), &world, &called("48600000002", 3)).word(), "pass");
    let told = question.explain(&world, &called("48600000002", 3), NOON, 0).expect("a known trunk").to_string();
    assert!(told.contains("the callee was called 3 times within 86400 s, and may be again at 2026-"), "{told}");
    assert!(told.ends_with("with Reason: SIP;cause=603;text=\"Too many attempts\" with Retry-After: 86400"), "{told}");
}

#[test]
fn the_texts_and_the_reply_are_changed_by_keys() {
    let texts = "statuses = { only = \"Ask \\\"first\\\"\", attempts = \"Later\" }\n";
    let world = campaign(&format!("only = [\"consented\"]\nattempts = \"1/1h\"\n{texts}reply = \"486 Busy Here\""));
    let verdict = to("48600000009").verdict(&world);
    assert_eq!(answered(&verdict), (486, "SIP;cause=486;text=\"Ask \\\"first\\\"\"", None));
    let verdict = decided(&to("48600000002"), &world, &called("48600000002", 1));
    assert_eq!(answered(&verdict), (486, "SIP;cause=486;text=\"Later\"", Some(3_600)));
    // RFC 3261 section 20.33 does not name 403.
    let world = campaign("attempts = \"1/1h\"\nreply = \"403 Forbidden\"");
    assert_eq!(answered(&decided(&to("48600000002"), &world, &called("48600000002", 1))).2, None);
}

#[test]
fn an_observing_campaign_tells_each_ground_and_lets_the_call_pass() {
    for (keys, told) in [
        ("lists = [\"dnc\"]", "listed"),
        ("only = [\"vip\"]", "not-consented"),
        ("hours = [{ prefix = \"49\", zone = \"UTC\", open = \"00:00-24:00\" }]", "outside-hours"),
        ("attempts = \"1/24h\"", "attempts"),
    ] {
        let world = campaign(&format!("{keys}\nmode = \"observe\""));
        let verdict = decided(&to("48701234567"), &world, &called("48701234567", 1));
        assert_eq!((verdict.word(), verdict.cause.ground), ("pass", None), "{keys}");
        let observed: Vec<_> = verdict.observed.iter().filter_map(|would| would.cause.ground).collect();
        assert_eq!(observed.iter().map(|ground| ground.as_str()).collect::<Vec<_>>(), [told]);
    }
}

#[test]
fn the_next_campaigns_are_asked_when_nothing_refuses() {
    let world =
        campaign("only = [\"consented\"]\n[[campaign]]\nname = \"next\"\ntrunks = [\"carrier\"]\nlists = [\"dnc\"]");
    let verdict = to("48600000001").verdict(&world);
    assert_eq!((verdict.word(), verdict.cause.rule.as_deref()), ("decline", Some("next")));
    assert_eq!(verdict.campaigns.len(), 2);
    assert_eq!(to("48600000009").verdict(&world).campaigns.len(), 1);
}

#[test]
fn a_call_of_campaigns_with_attempts_is_to_be_counted_within_the_limits_that_were_asked() {
    let counted = |world: &World, question: &Question| {
        let verdict = question.verdict(world);
        verdict.counted_attempt().map(|counted| (counted.callee.get(), counted.limits.len()))
    };
    let callee = to("48600000002");
    assert_eq!(counted(&campaign("only = [\"consented\"]"), &callee), None);
    assert_eq!(counted(&campaign("attempts = \"3/24h\""), &callee), Some((48_600_000_002, 1)));
    assert_eq!(counted(&campaign("attempts = \"3/24h\"\nmode = \"observe\""), &callee), Some((48_600_000_002, 0)));
    assert_eq!(counted(&campaign("attempts = \"3/24h\"\nmode = \"off\""), &callee), None);
    assert_eq!(counted(&campaign("attempts = \"3/24h\""), &callee.clone().on("pbx")), None);
    assert_eq!(counted(&campaign("attempts = \"3/24h\""), &to("112")), None, "a call for help");
    let passing = campaign("lists = [\"vip\"]\naction = \"pass\"\nattempts = \"3/24h\"");
    assert_eq!(counted(&passing, &to("48600000001")), Some((48_600_000_001, 0)), "it counts, and is not asked");
}

#[test]
fn callers_that_nothing_blocks_are_not_refused_by_campaigns() {
    let world = bare_world(&format!(
        "[numbers]\nnever_block_callers = [\"48229990000\"]\n{TRUNKS}{LISTS}[[campaign]]\nname = \"sale\"\n\
         trunks = [\"carrier\"]\nonly = [\"vip\"]\nattempts = \"1/24h\"\n{ROUTE}"
    ));
    assert_eq!(to("48600000002").word(&world), "pass");
    assert_eq!(call("48229990001", "48600000002").word(&world), "decline");
}

#[test]
fn a_callee_that_is_a_name_needs_consent_has_no_hours_and_no_attempts() {
    let (friend, stranger) = (to("sip:friend@host"), to("sip:stranger@host"));
    let consent = campaign("only = [\"consented\"]");
    assert_eq!((friend.word(&consent), stranger.word(&consent)), ("pass", "decline"));
    let hours = campaign("hours = [{ prefix = \"48\", zone = \"UTC\", open = \"00:00-24:00\" }]");
    assert_eq!(ground(&friend, &hours), Some("outside-hours"));
    assert_eq!(friend.answer(&hours).retry_after, None);
    assert_eq!(ground(&to("70123"), &hours), Some("outside-hours"), "a short code");
    let attempts = campaign("attempts = \"1/24h\"");
    assert_eq!((friend.word(&attempts), friend.verdict(&attempts).attempt), ("pass", None));
    let listed = campaign("lists = [\"consented\"]\naction = \"redirect\"\nto = \"48221110000\"");
    assert_eq!(friend.word(&listed), "redirect", "lists hold names");
}

#[test]
fn a_header_is_compared_as_one_line_whatever_its_name_is_written_like() {
    let rule = "[[campaign]]\nname = \"sale\"\nheader = { name = \"X-Campaign\", value = \"spring offer\" }\nlists = [\"dnc\"]\n";
    let world = world(&format!("{LISTS}{rule}"));
    for (name, value) in [
        ("X-Campaign", "spring offer"),
        ("x-CAMPAIGN", "\r\n spring\r\n\t offer "),
        ("X-campaign", "spring \r\n offer"),
    ] {
        assert_eq!(to("48600000001").header(name, value).word(&world), "decline", "{value:?}");
    }
    for value in ["spring  offer", "springoffer", "spring\r\n\r\n offer", "spring offer, spring offer"] {
        assert_eq!(to("48600000001").header("X-Campaign", value).word(&world), "pass", "{value:?}");
    }
}

#[test]
fn only_who_is_listed_has_marked_the_caller() {
    let personal = "[[list]]\nname = \"marked\"\nclass = \"personal\"\nentries = [\"48600000007\"]\n";
    let keys = "lists = [\"marked\"]\nreply = \"607 Unwanted\"\nattempts = \"1/24h\"";
    let world = campaign(&format!("{keys}\n{personal}"));
    assert_eq!(to("48600000007").answer(&world).status, 607);
    let verdict = decided(&to("48600000008"), &world, &called("48600000008", 1));
    assert_eq!(answered(&verdict).0, 603, "his attempts are not his word");
}

#[test]
fn whoever_a_call_is_forwarded_from_has_not_been_called() {
    let world = campaign("lists = [\"vip\"]\naction = \"forward\"\nto = \"48221112233\"\nattempts = \"1/24h\"");
    assert_eq!(to("48600000001").verdict(&world).counted_attempt(), None);
    assert!(to("48600000002").verdict(&world).counted_attempt().is_some());
}
