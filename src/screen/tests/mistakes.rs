//! What cannot be meant is refused, with the place that it stands at.

use super::*;
use crate::screen::{Kind, nearest};

const LIST: &str = "[[list]]\nname = \"do-not-call\"\nclass = \"dnc\"\n\
                    [[list]]\nname = \"vip\"\nclass = \"allow\"\n\
                    [[list]]\nname = \"ours\"\nclass = \"pool\"\nentries = [\"48223900000\"]\n";

fn unknown(kind: Kind, name: &str, near: Option<&str>) -> RuleError {
    RuleError::Unknown { kind, name: name.into(), nearest: near.map(Arc::from) }
}

#[test]
fn unknown_trunks_and_lists_are_named_with_the_nearest_known_one() {
    let text = format!(
        "{LIST}[[inbound]]\nname = \"r\"\nlists = [\"do-not-cal\"]\ntrunks = [\"carier\"]\nexcept = [\"zzz\"]\n\
         [[route]]\nname = \"x\"\nto = \"pbxx\"\n"
    );
    assert_eq!(
        problems(&text),
        [
            (unknown(Kind::List, "do-not-cal", Some("do-not-call")), "\"do-not-cal\"".to_owned()),
            (unknown(Kind::Trunk, "carier", Some("carrier")), "\"carier\"".to_owned()),
            (unknown(Kind::List, "zzz", None), "\"zzz\"".to_owned()),
            (unknown(Kind::Trunk, "pbxx", Some("pbx")), "\"pbxx\"".to_owned()),
        ]
    );
}

#[test]
fn two_of_a_kind_with_one_name_are_a_mistake() {
    let same = |kind, name: &str| RuleError::SameName { kind, name: name.into() };
    let rule = "name = \"r\"\ntrunks = [\"carrier\"]\naction = \"pass\"\n";
    assert_eq!(problem(&format!("[[inbound]]\n{rule}[[inbound]]\n{rule}")), same(Kind::Inbound, "r"));
    assert_eq!(problem(&format!("[[campaign]]\n{rule}[[campaign]]\n{rule}")), same(Kind::Campaign, "r"));
    assert_eq!(problem("[[trunk]]\nname = \"pbx\"\n"), same(Kind::Trunk, "pbx"));
    assert_eq!(problem("[[route]]\nname = \"to-pbx\"\nto = \"pbx\"\n"), same(Kind::Route, "to-pbx"));
    assert_eq!(problem("[[inbound]]\nname = \"\"\n"), RuleError::EmptyName);
}

#[test]
fn a_list_of_class_allow_or_pool_blocks_nobody() {
    let of = |list: &str, action: &str| {
        problems(&format!("{LIST}[[inbound]]\nname = \"r\"\nlists = [\"{list}\"]\naction = \"{action}\"\n"))
    };
    let refused = |list: &str, class, action| {
        let error = RuleError::NotBlocking { list: list.into(), class, action };
        vec![(error, format!("\"{list}\""))]
    };
    assert_eq!(of("vip", "decline"), refused("vip", Class::Allow, "decline"));
    assert_eq!(of("ours", "drop"), refused("ours", Class::Pool, "drop"));
    assert_eq!(of("vip", "pass"), []);
    assert_eq!(of("do-not-call", "decline"), []);
}

#[test]
fn redirect_and_forward_need_to() {
    for action in ["redirect", "forward"] {
        let text = format!("[[inbound]]\nname = \"r\"\naction = \"{action}\"\n");
        assert_eq!(problem(&text), RuleError::MissingTo(if action == "redirect" { "redirect" } else { "forward" }));
    }
}

#[test]
fn keys_that_an_action_has_no_use_for_are_mistakes() {
    for (action, key, value) in [
        ("pass", "to", "48221112233"),
        ("drop", "status", "x"),
        ("hide", "reply", "486 Busy"),
        ("decline", "to", "1234567"),
    ] {
        let text = format!("[[inbound]]\nname = \"r\"\naction = \"{action}\"\n{key} = \"{value}\"\n");
        assert_eq!(problem(&text).to_string(), format!("`{key}` means nothing with the action {action}"));
    }
}

#[test]
fn a_forward_goes_to_a_number_or_a_user_of_a_trunk() {
    let of = |to: &str| problem(&format!("[[inbound]]\nname = \"r\"\naction = \"forward\"\nto = \"{to}\"\n"));
    assert_eq!(of("sip:1@carier"), unknown(Kind::Trunk, "carier", Some("carrier")));
    assert_eq!(of("sip:1@wild"), RuleError::NoTargets("wild".into()));
    for to in
        ["sip:pbx", "sip:1@pbx:5060", "sip:1@pbx;x=y", "tel:+48221112233", "4822*", "anonymous", "sip:anonymous@pbx"]
    {
        assert_eq!(of(to), RuleError::ForwardTo, "{to}");
    }
}

#[test]
fn a_redirect_goes_to_a_uri_or_a_number() {
    for to in ["mailto:x@y", "4822*", "desk", "sip:a b@c"] {
        let text = format!("[[inbound]]\nname = \"r\"\naction = \"redirect\"\nto = \"{to}\"\n");
        assert_eq!(problem(&text), RuleError::RedirectTo, "{to}");
    }
}

#[test]
fn a_route_needs_a_trunk_with_targets() {
    assert_eq!(problem("[[route]]\nname = \"x\"\nto = \"wild\"\n"), RuleError::NoTargets("wild".into()));
    assert_eq!(problem("[[route]]\nname = \"x\"\nto = \"pbx\"\nunavailable = 200\n"), RuleError::Status(400, 699));
}

#[test]
fn entries_of_rules_that_cannot_be_read_are_mistakes_at_their_place() {
    let found = problems("[[inbound]]\nname = \"r\"\ncalled = [\"48221234567\", \"4\u{2a}\", \"anonymous\"]\n");
    assert_eq!(found.len(), 2);
    assert!(found.iter().any(|(error, at)| matches!(error, RuleError::Entry(_)) && at == "\"4*\""), "{found:?}");
    assert!(found.iter().any(|(error, _)| *error == RuleError::NotACallee(Entry::Anonymous)), "{found:?}");
}

#[test]
fn an_empty_array_is_no_way_to_say_any() {
    for key in ["called", "callers", "trunks"] {
        let found = problems(&format!("[[inbound]]\nname = \"r\"\n{key} = []\n"));
        assert_eq!(found, [(RuleError::EmptyArray, "\"r\"".to_owned())], "{key}");
    }
}

#[test]
fn a_campaign_needs_header_trunks_or_callers() {
    assert_eq!(problem("[[campaign]]\nname = \"c\"\n"), RuleError::UnboundCampaign);
}

#[test]
fn a_campaign_cannot_take_away_headers_of_sip() {
    for name in ["Via", "f", "Call-ID", "content-length", "Privacy", "P-Asserted-Identity"] {
        let text = format!("[[campaign]]\nname = \"c\"\nheader = {{ name = \"{name}\" }}\n");
        assert_eq!(problem(&text), RuleError::HeaderOfSip(name.into()));
    }
    assert_eq!(problem("[[campaign]]\nname = \"c\"\nheader = { name = \"X Y\" }\n"), RuleError::HeaderName);
}

#[test]
fn headers_that_rules_read_are_gathered_once_and_in_lower_case() {
    let world = world(
        "[[inbound]]\nname = \"r\"\nheader = { name = \"X-Tenant\" }\naction = \"pass\"\n\
         [[campaign]]\nname = \"c\"\nheader = { name = \"X-Campaign\", value = \"a\" }\naction = \"pass\"\n\
         [[campaign]]\nname = \"d\"\nheader = { name = \"x-campaign\", value = \"b\" }\naction = \"pass\"\n",
    );
    assert_eq!(world.policy.headers, ["x-tenant".into(), "x-campaign".into()]);
    assert_eq!(world.policy.removed_headers, ["x-campaign".into()]);
}

#[test]
fn a_pool_holds_numbers_and_ranges_only() {
    let text = "[[list]]\nname = \"mixed\"\nclass = \"personal\"\nentries = [\"48223900000\", \"4822*\"]\n\
                [[route]]\nname = \"x\"\nto = \"pbx\"\npresent = { pool = \"mixed\" }\n";
    assert!(matches!(problem(text), RuleError::PoolEntry { .. }));
}

#[test]
fn presentation_that_cannot_be_meant_is_a_mistake() {
    let of = |present: &str| {
        problem(&format!("{LIST}[[route]]\nname = \"x\"\nto = \"pbx\"\npresent = {{ pool = \"ours\", {present} }}\n"))
    };
    assert_eq!(of("strategy = \"stiky\""), RuleError::Strategy("stiky".into()));
    assert_eq!(of("headers = [\"Contact\"]"), RuleError::PresentHeader);
    assert_eq!(of("headers = []"), RuleError::EmptyArray);
    assert_eq!(of("exclude = [\"ours\"]"), RuleError::PoolExcluded("ours".into()));
}

#[test]
fn an_empty_pool_is_warned_of() {
    let text = "[[list]]\nname = \"empty\"\nclass = \"pool\"\n\
                [[route]]\nname = \"x\"\nto = \"pbx\"\npresent = { pool = \"empty\" }\n";
    assert_eq!(notices(text), [Notice::EmptyPool("empty".into())]);
}

#[test]
fn control_characters_in_a_status_are_a_mistake() {
    let text = "[[inbound]]\nname = \"r\"\nstatus = \"a\\r\\nX: y\"\n";
    assert_eq!(problem(text), RuleError::ControlCharacter);
}

#[test]
fn the_nearest_name_is_near() {
    let known = || ["carrier", "pbx", "do-not-call"].into_iter();
    assert_eq!(nearest("carier", known()), Some("carrier"));
    assert_eq!(nearest("donotcall", known()), Some("do-not-call"));
    assert_eq!(nearest("something", known()), None);
}

#[test]
fn keys_of_a_trunk_that_say_nothing_are_a_mistake() {
    let of = |keys: &str| problem(&format!("[[trunk]]\nname = \"t\"\n{keys}\n"));
    let weighted = "to = [{ uri = \"sip:192.0.2.1\", weight = 3 }]";
    assert_eq!(of(weighted), RuleError::IdleWeight);
    assert_eq!(problems(&format!("[[trunk]]\nname = \"t\"\n{weighted}\nload_balance = \"weighted\"\n")), []);
    assert_eq!(of("reply = \"486 Busy Here\""), RuleError::IdleReply);
    assert_eq!(of("max_calls = 1\nreply = \"486\""), RuleError::Reply);
    assert_eq!(of("probe = \"500ms\""), RuleError::ShortProbe(std::time::Duration::from_secs(1)));
    assert_eq!(of("probe = \"often\""), RuleError::Span);
}
