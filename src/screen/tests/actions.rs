//! DESIGN section 5, point 5: the six actions and what follows them; point 6: routes.

use super::*;
use crate::screen::{AnswerKind, Callee};

const LISTED: &str = "48221110001";
const CALLEE: &str = "48229990000";

fn rule(action: &str) -> String {
    format!(
        "[[list]]\nname = \"bad\"\nclass = \"personal\"\nentries = [\"{LISTED}\"]\n\
         [[inbound]]\nname = \"r\"\nlists = [\"bad\"]\n{action}\n"
    )
}

#[test]
fn decline_answers_603() {
    let answer = call(LISTED, CALLEE).answer(&world(&rule("action = \"decline\"")));
    assert_eq!((answer.status, &*answer.phrase, answer.kind), (603, "Decline", AnswerKind::Declined));
}

#[test]
fn a_rule_without_action_declines() {
    assert_eq!(call(LISTED, CALLEE).word(&world(&rule(""))), "decline");
}

#[test]
fn redirect_answers_302_with_contact_and_diversion() {
    let text = rule("action = \"redirect\"\nto = \"sip:+48221112233@pbx.example.net\"");
    let answer = call(LISTED, CALLEE).answer(&world(&text));
    assert_eq!((answer.status, &*answer.phrase), (302, "Moved Temporarily"));
    assert_eq!(answer.contact.as_deref(), Some("sip:+48221112233@pbx.example.net"));
    assert!(answer.diverted);
    assert_eq!(answer.kind, AnswerKind::Redirected);
}

#[test]
fn redirect_to_a_number_is_a_tel_uri() {
    let answer = call(LISTED, CALLEE).answer(&world(&rule("action = \"redirect\"\nto = \"221112233\"")));
    assert_eq!(answer.contact.as_deref(), Some("tel:+48221112233"));
}

#[test]
fn drop_answers_nothing() {
    assert_eq!(call(LISTED, CALLEE).verdict(&world(&rule("action = \"drop\""))).outcome, Outcome::Drop);
}

#[test]
fn hide_lets_through_with_the_caller_hidden() {
    let passage = call(LISTED, CALLEE).passage(&world(&rule("action = \"hide\"")));
    assert!(passage.hide);
    assert!(!call("48221110002", CALLEE).passage(&world(&rule("action = \"hide\""))).hide);
}

#[test]
fn pass_hide_and_forward_end_inbound_only() {
    for action in ["action = \"pass\"", "action = \"hide\"", "action = \"forward\"\nto = \"48223334444\""] {
        let text = rule(action)
            + "[[inbound]]\nname = \"later\"\naction = \"drop\"\n\
               [[campaign]]\nname = \"c\"\ntrunks = [\"carrier\"]\naction = \"decline\"\n";
        assert_eq!(call(LISTED, CALLEE).verdict(&world(&text)).cause.rule.as_deref(), Some("c"), "{action}");
    }
}

#[test]
fn forward_to_a_number_goes_by_the_routes_of_the_new_callee() {
    let text = rule("action = \"forward\"\nto = \"+48 22 333 44 44\"")
        + "[[route]]\nname = \"new\"\ncalled = [\"48223334444\"]\nto = \"carrier\"\nunavailable = 480\n";
    let world = world(&text);
    let passage = call(LISTED, CALLEE).passage(&world);
    assert_eq!(passage.callee, Callee::Number(Number::new(48_223_334_444).expect("a number")));
    assert!(passage.forwarded);
    assert_eq!(passage.trunk, world.policy.trunk_named("carrier").expect("a trunk"));
    assert_eq!(passage.unavailable, 480);
}

#[test]
fn campaigns_judge_the_callee_of_a_forward() {
    let text = rule("action = \"forward\"\nto = \"48223334444\"")
        + "[[list]]\nname = \"dnc\"\nclass = \"dnc\"\nentries = [\"48223334444\"]\n\
           [[campaign]]\nname = \"c\"\ntrunks = [\"carrier\"]\nlists = [\"dnc\"]\n";
    assert_eq!(call(LISTED, CALLEE).verdict(&world(&text)).cause.rule.as_deref(), Some("c"));
}

#[test]
fn forward_to_a_user_of_a_trunk_needs_no_route() {
    let text = format!("{TRUNKS}{}", rule("action = \"forward\"\nto = \"sip:front.desk@pbx\""));
    let world = bare_world(&text);
    let passage = call(LISTED, CALLEE).passage(&world);
    assert_eq!(passage.callee, Callee::User("front.desk".into()));
    assert_eq!((passage.route, passage.present, passage.unavailable), (None, None, 500));
    assert_eq!(passage.trunk, world.policy.trunk_named("pbx").expect("a trunk"));
    assert_eq!(call("48221110002", CALLEE).answer(&world).status, 404);
}

#[test]
fn forward_to_a_trunk_asks_only_routes_to_it() {
    let text = rule("action = \"forward\"\nto = \"sip:221112233@pbx\"")
        + "[[list]]\nname = \"ours\"\nclass = \"pool\"\nentries = [\"48223900001\"]\n\
           [[route]]\nname = \"first\"\nto = \"carrier\"\n\
           [[route]]\nname = \"second\"\nto = \"pbx\"\npresent = { pool = \"ours\" }\n";
    let world = world(&text);
    let passage = call(LISTED, CALLEE).passage(&world);
    assert_eq!(passage.route.map(|id| &*world.policy.route(id).name), Some("second"));
    assert!(passage.present.is_some());
}

#[test]
fn a_second_forward_is_answered_482() {
    let text = rule("action = \"forward\"\nto = \"48223334444\"")
        + "[[campaign]]\nname = \"c\"\ntrunks = [\"carrier\"]\naction = \"forward\"\nto = \"48225556666\"\n";
    let answer = call(LISTED, CALLEE).answer(&world(&text));
    assert_eq!((answer.status, &*answer.phrase, answer.kind), (482, "Loop Detected", AnswerKind::ForwardedTwice));
}

#[test]
fn a_forward_of_a_call_that_was_diverted_from_either_callee_is_answered_482() {
    let world = world(&rule("action = \"forward\"\nto = \"48223334444\""));
    for by in [CALLEE, "48223334444"] {
        assert_eq!(call(LISTED, CALLEE).diverted_by(by).answer(&world).kind, AnswerKind::ForwardedTwice, "{by}");
    }
    assert_eq!(call(LISTED, CALLEE).diverted_by("48227778888").word(&world), "forward");
    // An untrusted trunk's Diversion is not believed.
    assert_eq!(call(LISTED, CALLEE).diverted_by(CALLEE).on("wild").word(&world), "forward");
}

#[test]
fn without_a_route_the_answer_is_404() {
    let answer = call(LISTED, CALLEE).answer(&bare_world(TRUNKS));
    assert_eq!((answer.status, &*answer.phrase, answer.kind), (404, "Not Found", AnswerKind::NoRoute));
}

#[test]
fn the_first_route_that_matches_is_taken() {
    let text = "[[route]]\nname = \"other-trunk\"\ntrunks = [\"wild\"]\nto = \"carrier\"\n\
                [[route]]\nname = \"other-callee\"\ncalled = [\"4833*\"]\nto = \"carrier\"\n\
                [[route]]\nname = \"other-caller\"\ncallers = [\"4833*\"]\nto = \"carrier\"\n\
                [[route]]\nname = \"prefix\"\ncalled = [\"4822*\"]\nto = \"carrier\"\nunavailable = 404\n\
                [[route]]\nname = \"number\"\ncalled = [\"48229990000\"]\nto = \"carrier\"\n";
    let world = world(text);
    let route = |question: Question| {
        question.passage(&world).route.map(|id| world.policy.route(id).name.to_string()).expect("a route")
    };
    assert_eq!(route(call(LISTED, CALLEE)), "prefix");
    assert_eq!(route(call("48331112222", CALLEE)), "other-caller");
    assert_eq!(route(call(LISTED, "48331112222")), "other-callee");
    assert_eq!(route(call(LISTED, "48441112222")), "to-pbx");
}
