//! DESIGN section 5, point 3: who the caller is.

use super::*;

const LISTED: &str = "+48221110001";
const OTHER: &str = "+48221110002";
const CALLEE: &str = "48229990000";

fn with(rule: &str) -> World {
    world(&format!(
        r#"
        [[list]]
        name = "bad"
        class = "personal"
        entries = ["48221110001"]
        [[list]]
        name = "good"
        class = "allow"
        entries = ["48221110002"]
        [[inbound]]
        name = "r"
        {rule}
        [[inbound]]
        name = "rest"
        lists = ["bad"]
        action = "drop"
        "#
    ))
}

#[test]
fn blocking_lists_match_the_asserted_identity_or_from() {
    let world = with("lists = [\"bad\"]\naction = \"decline\"");
    assert_eq!(call(LISTED, CALLEE).asserted(OTHER).word(&world), "decline");
    assert_eq!(call(OTHER, CALLEE).asserted(LISTED).word(&world), "decline");
    assert_eq!(call(LISTED, CALLEE).word(&world), "decline");
    assert_eq!(call(OTHER, CALLEE).asserted(OTHER).word(&world), "pass");
}

#[test]
fn each_of_two_asserted_identities_counts() {
    let world = with("lists = [\"bad\"]\naction = \"decline\"");
    let question = call(OTHER, CALLEE).asserted("sip:alice@host").asserted("tel:+48221110001");
    assert_eq!(question.word(&world), "decline");
}

#[test]
fn a_forged_from_of_an_excepted_caller_opens_no_door() {
    let world = with("lists = [\"bad\"]\nexcept = [\"good\"]\naction = \"decline\"");
    assert_eq!(call(OTHER, CALLEE).asserted(LISTED).word(&world), "decline");
    assert_eq!(call(LISTED, CALLEE).asserted(OTHER).word(&world), "drop");
}

#[test]
fn an_allow_list_matches_the_asserted_identity_when_there_is_one_else_from() {
    let world = with("lists = [\"good\"]\naction = \"hide\"");
    assert_eq!(call(OTHER, CALLEE).word(&world), "hide");
    assert_eq!(call(OTHER, CALLEE).asserted(LISTED).word(&world), "drop");
    assert_eq!(call("+48221110009", CALLEE).asserted(OTHER).word(&world), "hide");
}

#[test]
fn a_pass_rule_opens_no_door_to_a_forged_from_whatever_the_class_of_its_list() {
    let world = world(
        r#"
        [[list]]
        name = "friends"
        class = "personal"
        entries = ["48221110002"]
        [[inbound]]
        name = "friends"
        lists = ["friends"]
        action = "pass"
        [[inbound]]
        name = "rest"
        action = "decline"
        "#,
    );
    assert_eq!(call(OTHER, CALLEE).asserted(LISTED).word(&world), "decline");
    assert_eq!(call(LISTED, CALLEE).asserted(OTHER).word(&world), "pass");
    assert_eq!(call(OTHER, CALLEE).word(&world), "pass");
}

#[test]
fn callers_match_the_asserted_identity_when_there_is_one_else_from() {
    let world = with("callers = [\"48221110002\"]\naction = \"decline\"");
    assert_eq!(call(OTHER, CALLEE).word(&world), "decline");
    assert_eq!(call(OTHER, CALLEE).asserted("+48221110009").word(&world), "pass");
    assert_eq!(call("+48221110009", CALLEE).asserted(OTHER).word(&world), "decline");
}

#[test]
fn an_untrusted_trunk_asserts_nothing() {
    let world = with("lists = [\"bad\"]\naction = \"decline\"");
    assert_eq!(call(OTHER, CALLEE).asserted(LISTED).on("wild").word(&world), "pass");
    let world = with("lists = [\"bad\"]\nexcept = [\"good\"]\naction = \"decline\"");
    assert_eq!(call(LISTED, CALLEE).asserted(OTHER).on("wild").word(&world), "decline");
}

#[test]
fn an_asserted_identity_that_cannot_be_read_does_not_give_from_its_place() {
    let world = with("lists = [\"bad\"]\nexcept = [\"good\"]\naction = \"decline\"\n");
    let question = call(OTHER, CALLEE).asserted("mailto:x@y").asserted("+48221110001");
    assert_eq!(question.word(&world), "decline");
    let only = with("lists = [\"good\"]\naction = \"hide\"");
    assert_eq!(call(OTHER, CALLEE).asserted("mailto:x@y").word(&only), "pass");
}

#[test]
fn the_display_name_decides_nothing() {
    let world = with("lists = [\"bad\"]\naction = \"decline\"");
    let policy = &world.policy;
    let facts = crate::screen::CallFacts {
        trunk: policy.trunk_named("carrier").expect("a trunk"),
        from: b"sip:+48221110002@host",
        from_display: b"Anonymous +48221110001",
        asserted: &[],
        privacy: false,
        request_uri: b"sip:48229990000@host",
        diversions: &[],
        headers: &[],
    };
    let view = crate::screen::CallView::new(policy, &facts);
    assert!(!view.is_anonymous());
    assert_eq!(view.from_number(), Number::new(48_221_110_002));
    assert_eq!(decide(&view, &world, &Usage::new(), NOON, 0).word(), "pass");
}
