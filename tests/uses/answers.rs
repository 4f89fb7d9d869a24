//! What callers hear by the class of the list that holds them.

use crate::office::{Calls, Office};

const LISTED: &str = "48600100200";
const HOTLINE: &str = "48221234567";

/// A list of a class with this one entry.
fn list(name: &str, class: &str) -> String {
    format!("[[list]]\nname = \"{name}\"\nclass = \"{class}\"\nentries = [\"{LISTED}\"]\n")
}

#[test]
fn a_caller_whom_analytics_block_hears_603_plus_and_is_released_by_its_id() {
    let office = Office::of("Blocked by analytics in the US", Calls::In).and(&list("analytics", "reputation"));
    let open = office.opens();
    let heard = open.call(LISTED, HOTLINE, &[]);
    assert_eq!(heard.start(), "603 Network Blocked");
    let reason = heard.header("Reason");
    let id = reason
        .strip_prefix("SIP;cause=603;text=\"v=analytics1;url=https://redress.example.com;id=")
        .and_then(|rest| rest.strip_suffix("\";location=RLN"))
        .unwrap_or_else(|| panic!("{reason}"));

    let path = format!("/v1/redress/{id}");
    let found = open.until(&path, |found| found["entry"] == LISTED);
    assert_eq!(found["list"], "analytics");
    assert_eq!(open.admin("POST", &format!("{path}/release")), 200);
    let pbx = open.answering(1);
    assert_eq!(open.call(LISTED, HOTLINE, &[]).start(), "200 OK");
    assert_eq!(pbx.was_called().len(), 1);
}

#[test]
fn a_caller_whom_the_callee_has_marked_is_unwanted() {
    let office = Office::of("Unwanted callers", Calls::In);
    let open = office.opens();
    open.admin("PUT", "/v1/lists/default/entries/48600100200");
    assert_eq!(open.call(LISTED, HOTLINE, &[]).start(), "607 Unwanted");
}

#[test]
fn a_caller_whose_network_knows_608_is_rejected_and_another_declined() {
    let office = Office::of("Callers whom a machine rejects", Calls::In).and(&list("analytics", "reputation"));
    let open = office.opens();
    let heard = open.call(LISTED, HOTLINE, &["Feature-Caps: *;+sip.608"]);
    assert_eq!(heard.start(), "608 Rejected");
    assert_eq!(heard.header("Call-Info"), "<https://block.example.net/complaint-jws>;purpose=jwscard");
    assert_eq!(open.call(LISTED, HOTLINE, &[]).start(), "603 Decline");
}

#[test]
fn what_a_further_network_says_of_a_block_reaches_the_caller_unchanged() {
    let office = Office::with("", Calls::Out);
    let open = office.opens();
    let long =
        format!("Reason: SIP;cause=603;text=\"v=analytics1;url=https://a.example/{}\";location=TN", "x".repeat(300));
    let call_info = "Call-Info: <https://b.example/jws>;purpose=jwscard";
    for (answer, header) in
        [("603 Network Blocked", &*long), ("607 Unwanted", "Reason: SIP;cause=607"), ("608 Rejected", call_info)]
    {
        let carrier = open.refusing(1, answer, header);
        let heard = open.call("48221234567", "48600100200", &[]);
        let (name, value) = header.split_once(": ").expect("a header");
        assert_eq!((heard.start(), heard.header(name)), (answer, value));
        assert_eq!(carrier.was_called().len(), 1);
    }
}
