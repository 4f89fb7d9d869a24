//! DESIGN section 5, points 3 and 5: order, matching, modes.

use super::*;
use crate::screen::ActionWord;

const LISTS: &str = r#"
[[list]]
name = "default"
class = "personal"
entries = ["48221110001", "4870*", "48711000000-48711000099", "anonymous", "some.body", "70123"]
[[list]]
name = "vip"
class = "allow"
entries = ["48221110001"]
"#;

fn declining(rule: &str) -> World {
    world(&format!("{LISTS}[[inbound]]\nname = \"r\"\nlists = [\"default\"]\naction = \"decline\"\n{rule}"))
}

#[test]
fn a_listed_number_is_declined_in_every_spelling() {
    let world = declining("");
    for from in [
        "+48221110001",
        "0048221110001",
        "48221110001",
        "221110001",
        "sip:%2B48221110001@host",
        "tel:+48-22-111-00-01",
        "tel:221110001;phone-context=+48",
        "sip:+48221110001;npdi;rn=48999999999@host;user=phone",
        "sip:+48(22)111.00-01@HOST",
    ] {
        assert_eq!(call(from, "48229990000").word(&world), "decline", "{from}");
    }
}

#[test]
fn prefix_range_user_and_short_code_decline() {
    let world = declining("");
    for from in ["48701234567", "48711000000", "48711000099", "sip:some.body@host", "sip:some%2Ebody@host", "70123"] {
        assert_eq!(call(from, "48229990000").word(&world), "decline", "{from}");
    }
    for from in ["48711000100", "sip:Some.body@host", "70124", "48699999999"] {
        assert_ne!(call(from, "48229990000").word(&world), "decline", "{from}");
    }
}

#[test]
fn the_verdict_names_rule_list_entry_and_generation() {
    let verdict = call("48701234567", "48229990000").verdict(&declining(""));
    assert_eq!(verdict.cause.rule.as_deref(), Some("r"));
    assert_eq!(verdict.cause.list.as_deref(), Some("default"));
    assert_eq!(verdict.cause.entry.map(|entry| entry.to_string()).as_deref(), Some("4870*"));
    assert_eq!(verdict.generation, 1);
}

#[test]
fn anonymous_matches_by_from_and_by_privacy_even_when_the_number_is_known() {
    let world = world(
        r#"
        [[list]]
        name = "no-names"
        class = "personal"
        entries = ["anonymous"]
        [[inbound]]
        name = "r"
        lists = ["no-names"]
        action = "decline"
        "#,
    );
    assert_eq!(call("anonymous", "48229990000").word(&world), "decline");
    assert_eq!(call("anonymous", "48229990000").asserted("+48221110009").word(&world), "decline");
    assert_eq!(call("+48221110009", "48229990000").private().word(&world), "decline");
    assert_eq!(call("sip:Anonymous@gateway", "48229990000").word(&world), "decline");
    assert_eq!(call("+48221110009", "48229990000").word(&world), "pass");
}

#[test]
fn unavailable_matches_a_caller_without_usable_number() {
    let world = world(
        r#"
        [[list]]
        name = "no-number"
        class = "personal"
        entries = ["unavailable"]
        [[inbound]]
        name = "r"
        lists = ["no-number"]
        action = "decline"
        "#,
    );
    for from in ["sip:host.example", "sip:unavailable@host", "sip:alice@host", "anonymous"] {
        assert_eq!(call(from, "48229990000").word(&world), "decline", "{from}");
    }
    assert_eq!(call("sip:alice@host", "48229990000").asserted("+48221110009").word(&world), "pass");
    assert_eq!(call("70123", "48229990000").word(&world), "pass");
}

#[test]
fn the_first_rule_that_matches_decides() {
    let text = |first: &str, second: &str| {
        format!(
            "{LISTS}[[inbound]]\nname = \"one\"\nlists = [\"default\"]\naction = \"{first}\"\n\
             [[inbound]]\nname = \"two\"\nlists = [\"default\"]\naction = \"{second}\"\n"
        )
    };
    let caller = call("48221110001", "48229990000");
    assert_eq!(caller.word(&world(&text("drop", "decline"))), "drop");
    assert_eq!(caller.word(&world(&text("decline", "drop"))), "decline");
    assert_eq!(caller.word(&world(&text("pass", "decline"))), "pass");
}

#[test]
fn except_wins_over_lists_of_its_own_rule_only() {
    let text = format!(
        "{LISTS}[[inbound]]\nname = \"one\"\nlists = [\"default\"]\nexcept = [\"vip\"]\naction = \"decline\"\n"
    );
    assert_eq!(call("48221110001", "48229990000").word(&world(&text)), "pass");
    assert_eq!(call("48701234567", "48229990000").word(&world(&text)), "decline");
    let next = format!("{text}[[inbound]]\nname = \"two\"\nlists = [\"default\"]\naction = \"drop\"\n");
    assert_eq!(call("48221110001", "48229990000").word(&world(&next)), "drop");
}

#[test]
fn called_holds_numbers_prefixes_ranges_codes_and_users() {
    let world =
        declining("called = [\"48221234567\", \"4822300*\", \"48224000000-48224000019\", \"19115\", \"desk\"]\n");
    for to in ["221234567", "+48223001234", "48224000000", "48224000019", "19115", "sip:desk@host"] {
        assert_eq!(call("48221110001", to).word(&world), "decline", "{to}");
    }
    for to in ["221234568", "+48223011234", "48224000020", "19116", "sip:other@host"] {
        assert_eq!(call("48221110001", to).word(&world), "pass", "{to}");
    }
}

#[test]
fn a_star_in_called_means_any_callee() {
    let world = declining("called = [\"*\"]\n");
    assert_eq!(call("48221110001", "sip:whoever@host").word(&world), "decline");
}

#[test]
fn a_rule_is_about_its_trunks_only() {
    let world = declining("trunks = [\"pbx\"]\n");
    assert_eq!(call("48221110001", "48229990000").word(&world), "pass");
    assert_eq!(call("48221110001", "48229990000").on("pbx").word(&world), "decline");
}

#[test]
fn callers_hold_numbers_prefixes_and_anonymous() {
    let world = world(
        r#"
        [[inbound]]
        name = "r"
        callers = ["4860*", "anonymous"]
        action = "decline"
        "#,
    );
    assert_eq!(call("48600000001", "48229990000").word(&world), "decline");
    assert_eq!(call("anonymous", "48229990000").word(&world), "decline");
    assert_eq!(call("48610000001", "48229990000").word(&world), "pass");
}

#[test]
fn an_observing_rule_is_recorded_and_judgement_goes_on() {
    let world =
        declining("mode = \"observe\"\n[[inbound]]\nname = \"next\"\nlists = [\"default\"]\naction = \"hide\"\n");
    let verdict = call("48221110001", "48229990000").verdict(&world);
    assert_eq!(verdict.word(), "hide");
    assert_eq!(verdict.cause.rule.as_deref(), Some("next"));
    assert_eq!(verdict.observed.len(), 1);
    assert_eq!(verdict.observed[0].action, ActionWord::Decline);
    assert_eq!(verdict.observed[0].cause.rule.as_deref(), Some("r"));
    assert_eq!(verdict.observed[0].cause.list.as_deref(), Some("default"));
}

#[test]
fn a_rule_that_is_off_is_skipped() {
    let verdict = call("48221110001", "48229990000").verdict(&declining("mode = \"off\"\n"));
    assert_eq!(verdict.word(), "pass");
    assert!(verdict.observed.is_empty());
}

#[test]
fn campaigns_are_judged_after_inbound_and_their_lists_hold_callees() {
    let text = format!(
        "{LISTS}[[inbound]]\nname = \"in\"\nlists = [\"default\"]\naction = \"pass\"\n\
         [[campaign]]\nname = \"sale\"\nheader = {{ name = \"X-Campaign\", value = \"sale\" }}\nlists = [\"default\"]\n"
    );
    let world = world(&text);
    let listed = call("48229990000", "48221110001").header("X-Campaign", "sale");
    assert_eq!(listed.word(&world), "decline");
    assert_eq!(listed.verdict(&world).cause.rule.as_deref(), Some("sale"));
    // The caller is listed: that is the affair of inbound, which passes him.
    let caller = call("48221110001", "48229990000").header("X-Campaign", "sale");
    assert_eq!(caller.word(&world), "pass");
}

#[test]
fn a_campaign_needs_its_header_with_its_value() {
    let text = format!(
        "{LISTS}[[campaign]]\nname = \"sale\"\nheader = {{ name = \"X-Campaign\", value = \"sale\" }}\nlists = [\"default\"]\n"
    );
    let world = world(&text);
    let listed = || call("48229990000", "48221110001");
    assert_eq!(listed().word(&world), "pass");
    assert_eq!(listed().header("X-Campaign", "other").word(&world), "pass");
    assert_eq!(listed().header("X-Campaign", "sales").word(&world), "pass");
    assert_eq!(listed().header("x-campaign", " sale ").word(&world), "decline");
    assert_eq!(world.policy.removed_headers, ["x-campaign".into()]);
}

#[test]
fn a_campaign_may_be_bound_to_trunks_or_callers_instead() {
    let of = |bound: &str| world(&format!("{LISTS}[[campaign]]\nname = \"sale\"\nlists = [\"default\"]\n{bound}\n"));
    let listed = call("48229990000", "48221110001");
    assert_eq!(listed.word(&of("trunks = [\"carrier\"]")), "decline");
    assert_eq!(listed.word(&of("trunks = [\"pbx\"]")), "pass");
    assert_eq!(listed.word(&of("callers = [\"48229*\"]")), "decline");
    assert_eq!(listed.word(&of("callers = [\"48228*\"]")), "pass");
}

#[test]
fn except_of_a_campaign_holds_callees() {
    let text = format!(
        "{LISTS}[[campaign]]\nname = \"sale\"\ntrunks = [\"carrier\"]\nlists = [\"default\"]\nexcept = [\"vip\"]\n"
    );
    assert_eq!(call("48229990000", "48221110001").word(&world(&text)), "pass");
    assert_eq!(call("48229990000", "48701234567").word(&world(&text)), "decline");
}

#[test]
fn the_callee_is_that_of_the_request_uri() {
    // There is nothing else that a question could say: To is no part of the facts.
    let world = declining("called = [\"48221234567\"]\n");
    assert_eq!(call("48221110001", "sip:+48221234567@any.host;user=phone").word(&world), "decline");
}

#[test]
fn explain_accounts_for_every_rule_in_words() {
    let world =
        declining("called = [\"48221234567\"]\n[[inbound]]\nname = \"off\"\naction = \"drop\"\nmode = \"off\"\n");
    let steps = call("48600000001", "48221234567").steps(&world);
    let expected = "  from trunk \"carrier\"\n  caller: From 48600000001\n  callee: 48221234567\n\
        \x20 inbound rule \"r\": no list of it holds the caller\n  inbound rule \"off\": off\n\
        \x20 end of the inbound rules\n  there are no campaign rules\n\
        \x20 route \"to-pbx\" matches: to trunk \"pbx\"\n= goes on to trunk \"pbx\"";
    assert_eq!(steps, expected);
    let elsewhere = call("48600000001", "48221234568").steps(&world);
    assert!(elsewhere.contains("end of the inbound rules; 1 is for other trunks or callees"), "{elsewhere}");
}
