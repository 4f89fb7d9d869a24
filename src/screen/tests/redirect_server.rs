//! Routes that answer the switch that asks, instead of sending its calls on.

use super::*;
use crate::screen::{AnswerKind, Callee, Directions, Presented, VerdictKind};

const OUR: &str = "[[list]]\nname = \"our\"\nclass = \"pool\"\nentries = [\"48221110009\"]\n";

const PRESENT: &str = "present = { pool = \"our\" }";

/// The route alone, before the one to `pbx`.
fn route(keys: &str) -> String {
    format!("[[route]]\nname = \"ask\"\ntrunks = [\"carrier\"]\n{keys}\n")
}

fn asked() -> Question {
    call("48600100200", "48229990000")
}

fn directions(text: &str) -> Directions {
    *asked().answer(&world(text)).directions.expect("directions")
}

const PLAIN: Directions = Directions { callee: Callee::Unchanged, host: None, hide: false, presented: None };

#[test]
fn a_clean_call_goes_back_to_the_switch_with_the_route_s_answer() {
    for (status, phrase) in [(302, "Moved Temporarily"), (404, "Not Found"), (503, "Service Unavailable")] {
        let world = world(&route(&format!("answer = {status}")));
        let answer = asked().answer(&world);
        assert_eq!((answer.status, &*answer.phrase, answer.kind), (status, phrase, AnswerKind::Returned));
        assert_eq!((answer.diverted, answer.directions.is_some()), (false, status == 302));
        assert_eq!(asked().verdict(&world).kind(), VerdictKind::Return);
        assert_eq!(asked().on("pbx").passage(&world).trunk.0, 1, "other trunks have other routes");
    }
}

#[test]
fn a_listed_call_is_declined_before_any_route_is_asked() {
    let text = "[[list]]\nname = \"l\"\nclass = \"personal\"\nentries = [\"48600100200\"]\n\
                [[inbound]]\nname = \"r\"\nlists = [\"l\"]\n";
    assert_eq!(asked().answer(&world(&format!("{text}{}", route("answer = 302")))).status, 603);
}

#[test]
fn a_302_tells_the_presented_number_and_the_host() {
    assert_eq!(directions(&route("answer = 302")), PLAIN);
    let told = directions(&format!("{OUR}{}", route(&format!("answer = 302\nhost = \"sbc.example:5070\"\n{PRESENT}"))));
    assert_eq!(told.presented.map(|Presented { number, .. }| number), Number::new(48_221_110_009));
    assert_eq!(Directions { presented: None, ..told }, Directions { host: Some("sbc.example:5070".into()), ..PLAIN });
}

#[test]
fn a_302_tells_what_the_rules_have_changed() {
    let forward = "[[inbound]]\nname = \"f\"\naction = \"forward\"\nto = \"48229999999\"\n";
    let text = format!("{forward}{}", route("answer = 302"));
    let answer = asked().answer(&world(&text));
    let callee = Callee::Number(Number::new(48_229_999_999).expect("a number"));
    assert_eq!((answer.diverted, answer.directions.map(|told| told.callee)), (true, Some(callee)));
    let hide = format!("[[inbound]]\nname = \"h\"\naction = \"hide\"\n{}", route("answer = 302"));
    assert_eq!(directions(&hide), Directions { hide: true, ..PLAIN });
}

#[test]
fn an_empty_pool_is_answered_403_as_on_any_route() {
    let empty = OUR.replace("\"48221110009\"", "");
    let answer = asked().answer(&world(&format!("{empty}{}", route(&format!("answer = 302\n{PRESENT}")))));
    assert_eq!((answer.status, answer.kind), (403, AnswerKind::EmptyPool));
}

#[test]
fn a_call_for_help_is_answered_as_the_route_says_and_keeps_its_number() {
    let text = format!("{OUR}{}", route(&format!("answer = 302\n{PRESENT}")));
    let answer = call("48600100200", "112").answer(&world(&text));
    assert_eq!((answer.status, answer.directions.map(|told| *told)), (302, Some(PLAIN)));
}

#[test]
fn a_forward_to_a_trunk_goes_to_that_trunk() {
    let forward = "[[inbound]]\nname = \"f\"\naction = \"forward\"\nto = \"sip:48229999999@pbx\"\n";
    assert_eq!(asked().passage(&world(&format!("{forward}{}", route("answer = 302")))).trunk.0, 1);
}

#[test]
fn explain_says_that_the_switch_goes_on_and_how() {
    let text = format!("{OUR}{}", route(&format!("answer = 302\nhost = \"sbc.example\"\n{PRESENT}")));
    let steps = asked().steps(&world(&text));
    assert!(steps.contains("> route \"ask\" matches: back to trunk \"carrier\", which goes on itself"), "{steps}");
    let end = "= answered 302 Moved Temporarily: the switch goes on at sbc.example, presents 48221110009";
    assert!(steps.ends_with(end), "{steps}");
    let hide = format!("[[inbound]]\nname = \"h\"\naction = \"hide\"\n{}", route("answer = 404"));
    let steps = asked().steps(&world(&hide));
    assert!(steps.contains("a 404 cannot tell the switch what the rules have changed"), "{steps}");
}

#[test]
fn a_route_has_one_end_and_keys_that_mean_something_there() {
    let with = |keys: &str| problem(&format!("{OUR}{}", route(keys)));
    assert_eq!(with(""), RuleError::RouteEnd);
    assert_eq!(with("to = \"pbx\"\nanswer = 302"), RuleError::RouteEnd);
    for answer in [200, 300, 301, 403, 486, 603] {
        assert_eq!(with(&format!("answer = {answer}")), RuleError::RouteAnswer, "{answer}");
    }
    let idle = |key, answer| RuleError::IdleInRoute { key, answer };
    assert_eq!(with(&format!("answer = 404\n{PRESENT}")), idle("present", 404));
    assert_eq!(with("answer = 503\nhost = \"h\""), idle("host", 503));
    assert_eq!(with("answer = 302\nunavailable = 486"), idle("unavailable", 302));
    assert_eq!(with("to = \"pbx\"\nhost = \"h\""), RuleError::HostOfRoute);
    for host in ["", "a b", "1@h", "h;lr", "h?a=b", "h>"] {
        assert_eq!(with(&format!("answer = 302\nhost = \"{host}\"")), RuleError::ContactHost, "{host}");
    }
    let present = |keys: &str| with(&format!("answer = 302\npresent = {{ pool = \"our\", {keys} }}"));
    for header in ["From", "Remote-Party-ID", "Privacy"] {
        let headers = format!("headers = [\"{header}\", \"P-Asserted-Identity\"]");
        assert_eq!(present(&headers), RuleError::PresentFromSwitch, "{header}");
    }
    assert_eq!(present("rest_after = 3"), idle("rest_after", 302));
    let text =
        format!("{OUR}{}", route("answer = 302\npresent = { pool = \"our\", rest_after = 3, rest_for = \"1h\" }"));
    assert_eq!(
        problems(&text),
        [(idle("rest_after", 302), "3".to_owned()), (idle("rest_for", 302), "\"1h\"".to_owned()),]
    );
}

#[test]
fn a_rule_of_whose_doing_the_switch_hears_nothing_is_warned_of() {
    let hide = |trunk: &str| format!("[[inbound]]\nname = \"h\"\naction = \"hide\"\ntrunks = [\"{trunk}\"]\n");
    let warned =
        |trunk: &str, answer: u16| notices(&format!("{}{}{ROUTE}", hide(trunk), route(&format!("answer = {answer}"))));
    let untold = Notice::Untold { rule: "h".into(), action: "hide", status: 404 };
    let untold = [untold];
    assert_eq!(warned("carrier", 404), untold);
    assert_eq!(warned("pbx", 404), []);
    assert_eq!(warned("carrier", 302), []);
    let campaign = hide("carrier").replace("inbound", "campaign");
    assert_eq!(notices(&format!("{campaign}{}{ROUTE}", route("answer = 404"))), untold);
}
