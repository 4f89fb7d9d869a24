//! Callers who are listed: what becomes of their calls.

use crate::office::{Calls, Message, Office};

const LISTED: &str = "48600100200";
const OTHER: &str = "48600100201";
const HOTLINE: &str = "48221234567";

/// The number in a header or request line.
fn number(text: &str) -> &str {
    text.split_once("sip:").and_then(|(_, rest)| rest.split(['@', ';']).next()).unwrap_or_default()
}

#[test]
fn a_listed_caller_is_declined_and_another_rings() {
    let office = Office::of("Inbound calls", Calls::In);
    let open = office.opens();
    assert_eq!(open.admin("PUT", "/v1/lists/default/entries/48600100200"), 201);
    let heard = open.call(LISTED, HOTLINE, &[]);
    assert_eq!((heard.start(), heard.header("Reason")), ("603 Decline", "SIP;cause=603;text=\"Unwanted\""));
    let pbx = open.answering(2);
    assert_eq!(open.call(OTHER, HOTLINE, &[]).start(), "200 OK");
    // A number that the rule is not about.
    assert_eq!(open.call(LISTED, "48224444444", &[]).start(), "200 OK");
    assert_eq!(pbx.was_called().len(), 2);
}

#[test]
fn a_dropped_caller_hears_nothing_however_often_he_asks() {
    let office = Office::of("Inbound calls", Calls::In)
        .but("action = \"decline\"", "action = \"drop\"")
        .but("status = \"Unwanted\"\n", "");
    let open = office.opens();
    open.admin("PUT", "/v1/lists/default/entries/48600100200");
    open.call_in_vain(LISTED, HOTLINE);
}

#[test]
fn a_hidden_caller_rings_without_his_number() {
    let office = Office::of("Inbound calls", Calls::In)
        .but("action = \"decline\"", "action = \"hide\"")
        .but("status = \"Unwanted\"\n", "");
    let open = office.opens();
    open.admin("PUT", "/v1/lists/default/entries/48600100200");
    let pbx = open.answering(1);
    assert_eq!(open.call(LISTED, HOTLINE, &[]).start(), "200 OK");
    let [invite] = &pbx.was_called()[..] else { panic!("one call") };
    assert!(invite.header("From").starts_with("\"Anonymous\" <sip:anonymous@anonymous.invalid>"), "{invite:?}");
    assert!(!invite.text().contains(LISTED), "{invite:?}");
}

#[test]
fn a_listed_caller_is_put_through_to_another_number() {
    let office = Office::of("Callers who go elsewhere", Calls::In);
    let open = office.opens();
    open.admin("PUT", "/v1/lists/default/entries/48600100200");
    let pbx = open.answering(2);
    assert_eq!(open.call(LISTED, HOTLINE, &[]).start(), "200 OK");
    assert_eq!(open.call(OTHER, HOTLINE, &[]).start(), "200 OK");
    let called = pbx.was_called();
    let to: Vec<&str> = called.iter().map(Message::start).map(number).collect();
    assert_eq!(to, ["+48221112233", HOTLINE]);
    assert_eq!(number(called[0].header("Diversion")), HOTLINE);
}

#[test]
fn a_listed_caller_is_told_where_else_to_call() {
    let office = Office::of("Callers who go elsewhere", Calls::In)
        .but("action = \"forward\"", "action = \"redirect\"")
        .but("\"48221112233\"", "\"sip:+48221112233@pbx.example.net\"");
    let open = office.opens();
    open.admin("PUT", "/v1/lists/default/entries/48600100200");
    let heard = open.call(LISTED, HOTLINE, &[]);
    assert_eq!(heard.start(), "302 Moved Temporarily");
    assert_eq!(heard.header("Contact"), "<sip:+48221112233@pbx.example.net>");
}
