//! DESIGN section 5: which class gets which answer.

use super::*;
use crate::screen::RedressId;

const US: &str = "[answers]\nregion = \"us\"\ncontact = \"https://redress.example.com\"\nlocation = \"RLN\"\n";

fn text(class: &str, rule: &str) -> String {
    format!(
        "[[list]]\nname = \"l\"\nclass = \"{class}\"\nentries = [\"48221110001\"]\n\
         [[inbound]]\nname = \"r\"\nlists = [\"l\"]\n{rule}\n"
    )
}

fn answer(text: &str) -> (u16, String, Option<String>) {
    let answer = call("48221110001", "48229990000").answer(&world(text));
    (answer.status, answer.phrase.to_string(), answer.reason.map(|reason| reason.to_string()))
}

fn plain(status: u16, phrase: &str) -> (u16, String, Option<String>) {
    (status, phrase.to_owned(), None)
}

#[test]
fn personal_dnc_dno_and_reputation_answer_603_decline() {
    for class in ["personal", "dnc", "dno", "reputation"] {
        assert_eq!(answer(&text(class, "")), plain(603, "Decline"), "{class}");
    }
}

#[test]
fn status_makes_a_reason_header() {
    let reason = answer(&text("dno", "status = \"Not in service\"")).2;
    assert_eq!(reason.as_deref(), Some("SIP;cause=603;text=\"Not in service\""));
}

#[test]
fn quotes_in_a_status_are_escaped() {
    let reason = answer(&text("dnc", r#"status = 'say "no" \ never'"#)).2;
    assert_eq!(reason.as_deref(), Some(r#"SIP;cause=603;text="say \"no\" \\ never""#));
}

#[test]
fn the_default_status_of_a_campaign_is_blacklist() {
    let campaign = "[[list]]\nname = \"l\"\nclass = \"dnc\"\nentries = [\"48229990000\"]\n\
                    [[campaign]]\nname = \"c\"\ntrunks = [\"carrier\"]\nlists = [\"l\"]\n";
    assert_eq!(answer(campaign).2.as_deref(), Some("SIP;cause=603;text=\"Blacklist\""));
    let own = format!("{campaign}status = \"Do not call\"\n");
    assert_eq!(answer(&own).2.as_deref(), Some("SIP;cause=603;text=\"Do not call\""));
}

#[test]
fn reply_chooses_code_and_phrase() {
    assert_eq!(answer(&text("personal", "reply = \"486 Busy Here\"")), plain(486, "Busy Here"));
    let both = answer(&text("personal", "reply = \"480 Away\"\nstatus = \"Away\""));
    assert_eq!(both.2.as_deref(), Some("SIP;cause=480;text=\"Away\""));
}

#[test]
fn a_reputation_list_in_the_us_answers_network_blocked() {
    let world = world(&format!("{US}{}", text("reputation", "")));
    let (verdict, _) = call("48221110001", "48229990000").verdict_at(&world, 0xb1_7f3a);
    let Outcome::Answer(answer) = verdict.outcome else { panic!("{verdict:?}") };
    assert_eq!((answer.status, &*answer.phrase), (603, "Network Blocked"));
    assert_eq!(
        answer.reason.as_deref(),
        Some(
            "SIP;cause=603;text=\"v=analytics1;url=https://redress.example.com;id=69c3ce40-0000000000b17f3a\";location=RLN"
        )
    );
}

#[test]
fn the_id_of_a_603_leads_to_the_second_and_the_draw_of_the_record() {
    let world = world(&format!("{US}{}", text("reputation", "")));
    let (verdict, _) = call("48221110001", "48229990000").verdict_at(&world, u64::MAX);
    let Outcome::Answer(answer) = verdict.outcome else { panic!("{verdict:?}") };
    let reason = answer.reason.expect("a reason");
    let id = reason.split("id=").nth(1).and_then(|rest| rest.split('"').next()).expect("an id");
    let id: RedressId = id.parse().expect("an id of ours");
    assert_eq!((id.second(), id.draw()), (NOON, u64::MAX));
}

#[test]
fn other_classes_in_the_us_answer_decline() {
    for class in ["personal", "dnc", "dno"] {
        assert_eq!(answer(&format!("{US}{}", text(class, ""))), plain(603, "Decline"), "{class}");
    }
}

#[test]
fn of_two_lists_the_one_that_matched_gives_the_class() {
    let rules = "[[list]]\nname = \"own\"\nclass = \"personal\"\nentries = [\"48221110001\"]\n\
                 [[list]]\nname = \"spam\"\nclass = \"reputation\"\nentries = [\"48221110001\", \"48221110002\"]\n\
                 [[inbound]]\nname = \"r\"\nlists = [\"own\", \"spam\"]\n";
    let world = world(&format!("{US}{rules}"));
    assert_eq!(&*call("48221110001", "48229990000").answer(&world).phrase, "Decline");
    assert_eq!(&*call("48221110002", "48229990000").answer(&world).phrase, "Network Blocked");
}

#[test]
fn numbers_and_mail_addresses_are_contacts_too() {
    let contact = "contact = [\"+15551230000\", \"redress@example.com\"]";
    let us = US.replace("contact = \"https://redress.example.com\"", contact);
    let reason = answer(&format!("{us}{}", text("reputation", ""))).2.expect("a reason");
    assert!(reason.contains("v=analytics1;tel=+15551230000;email=redress@example.com;id="), "{reason}");
}

#[test]
fn the_us_needs_contact_and_location() {
    let missing = problems("[answers]\nregion = \"us\"\n");
    assert_eq!(
        missing.into_iter().map(|(error, _)| error).collect::<Vec<_>>(),
        [RuleError::AnswersNeed("contact"), RuleError::AnswersNeed("location")]
    );
    for contact in ["http://x.example", "redress", "+12", "a;b@example.com", "https://", "x\\\"y@example.com"] {
        assert_eq!(problem(&US.replace("https://redress.example.com", contact)), RuleError::Contact, "{contact}");
    }
    assert_eq!(problem(&US.replace("RLN", "rln")), RuleError::Location);
}

#[test]
fn the_us_forbids_reply_and_status_for_reputation_lists() {
    let with = |rule: &str| problem(&format!("{US}{}", text("reputation", rule)));
    assert_eq!(with("reply = \"486 Busy Here\""), RuleError::ReplyToAnalytics("l".into()));
    assert_eq!(with("status = \"Spam\""), RuleError::StatusOfAnalytics("l".into()));
    assert_eq!(problems(&text("reputation", "reply = \"486 Busy Here\"")), []);
}

#[test]
fn replies_that_a_class_or_a_standard_forbids_are_mistakes() {
    let with = |class: &str, reply: &str| problem(&text(class, &format!("reply = \"{reply}\"")));
    assert_eq!(with("dnc", "607 Unwanted"), RuleError::Unwanted);
    assert_eq!(problems(&text("personal", "reply = \"607 Unwanted\"")), []);
    assert_eq!(problems(&text("personal", "reply = \"607 Not me\"")), [], "the phrase is free (RFC 3261 section 7.2)");
    assert_eq!(with("personal", "608 Rejected"), RuleError::Rejected);
    assert_eq!(with("personal", "401 Unauthorized"), RuleError::Challenge(401));
    assert_eq!(with("personal", "603 network blocked"), RuleError::NetworkBlocked);
    for reply in ["486", "486 ", "200 OK", "302 Moved", "700 x", "48 x", "Busy Here", "+86 x"] {
        assert_eq!(with("personal", reply), RuleError::Reply, "{reply}");
    }
    assert_eq!(with("personal", "486 Busy\\r\\nX: y"), RuleError::ControlCharacter);
}

#[test]
fn a_607_needs_lists_and_all_of_them_personal() {
    let lists = "[[list]]\nname = \"own\"\nclass = \"personal\"\n[[list]]\nname = \"dnc\"\nclass = \"dnc\"\n";
    let with = |lists: &str| format!("[[inbound]]\nname = \"r\"\nlists = {lists}\nreply = \"607 Unwanted\"\n");
    assert_eq!(problem(&format!("{lists}{}", with("[\"own\", \"dnc\"]"))), RuleError::Unwanted);
    assert_eq!(problem(&format!("{lists}{}", with("[]"))), RuleError::Unwanted);
}

const CARD: &str = "[answers]\ncard = \"https://block.example.net/jws\"\n";

/// What a call hears that brings this Feature-Caps, from a rule that answers 608.
fn rejected(feature_caps: Option<&str>) -> (Answer, String) {
    let world = world(&format!("{CARD}{}", text("dno", "reply = \"608 Rejected\"\nstatus = \"spam\"")));
    let question = call("48221110001", "48229990000");
    let question = match feature_caps {
        Some(value) => question.header("Feature-Caps", value),
        None => question,
    };
    (question.answer(&world), question.steps(&world))
}

#[test]
fn a_608_goes_with_its_card_to_whoever_understands_it() {
    let (answer, steps) = rejected(Some("*;+sip.608"));
    assert_eq!((answer.status, &*answer.phrase), (608, "Rejected"));
    assert_eq!(answer.card.as_deref(), Some("https://block.example.net/jws"));
    assert_eq!(answer.reason.as_deref(), Some("SIP;cause=608;text=\"spam\""));
    assert!(steps.contains("with Call-Info: <https://block.example.net/jws>;purpose=jwscard"), "{steps}");
}

#[test]
fn whoever_does_not_understand_608_hears_603_with_the_reason_of_the_rule() {
    for feature_caps in [None, Some("*"), Some("*;+sip.607")] {
        let (answer, steps) = rejected(feature_caps);
        assert_eq!((answer.status, &*answer.phrase, &answer.card), (603, "Decline", &None));
        assert_eq!(answer.reason.as_deref(), Some("SIP;cause=603;text=\"spam\""));
        assert!(steps.contains("no Feature-Caps of the call says sip.608: 603 instead"), "{steps}");
    }
}

#[test]
fn feature_caps_are_read_only_where_a_rule_answers_608() {
    let without = world(&format!("{CARD}{}", text("dno", "")));
    assert!(without.policy.headers.is_empty());
}

#[test]
fn a_card_is_an_https_url() {
    let with = |card: &str| problem(&CARD.replace("https://block.example.net/jws", card));
    for card in ["http://block.example.net/jws", "https://", "block.example.net", "https://a b", "https://a>b"] {
        assert_eq!(with(card), RuleError::Card, "{card}");
    }
}

#[test]
fn a_trunk_without_room_or_reach_cannot_say_that_somebody_refused_the_call() {
    for code in [607, 608] {
        let trunk = format!("[[trunk]]\nname = \"small\"\nmax_calls = 1\nreply = \"{code} x\"\n");
        assert_eq!(problem(&format!("{CARD}{trunk}")), RuleError::NobodyRefused(code));
        let route = format!("[[route]]\nname = \"r\"\nto = \"pbx\"\nunavailable = {code}\n");
        assert_eq!(problem(&format!("{CARD}{route}")), RuleError::NobodyRefused(code));
    }
}

#[test]
fn the_us_does_not_let_calls_of_reputation_lists_be_dropped() {
    let drop = "action = \"drop\"";
    assert_eq!(problem(&format!("{US}{}", text("reputation", drop))), RuleError::DropOfAnalytics("l".into()));
    assert_eq!(problems(&format!("{US}{}", text("personal", drop))), []);
    assert_eq!(problems(&text("reputation", drop)), []);
}

#[test]
fn the_us_forbids_608_for_reputation_lists_card_or_not() {
    let us = format!("{US}card = \"https://block.example.net/jws\"\n");
    let with = problem(&format!("{us}{}", text("reputation", "reply = \"608 Rejected\"")));
    assert_eq!(with, RuleError::ReplyToAnalytics("l".into()));
}

#[test]
fn a_503_as_reply_is_warned_of() {
    let warned = notices(&format!("{}{ROUTE}", text("personal", "reply = \"503 Service Unavailable\"")));
    assert_eq!(warned, [Notice::ServiceUnavailable]);
}
