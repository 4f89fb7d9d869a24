//! A carrier's switch that asks what to do with a call, and does it by itself.

use crate::office::{Calls, Office};

const CLEAN: &str = "48600100201";
const LISTED: &str = "48600100200";
const CALLED: &str = "48221234567";

#[test]
fn a_clean_call_goes_on_by_the_switch_and_a_listed_one_is_declined() {
    let office = Office::of("A redirect server", Calls::In);
    let open = office.opens();
    open.admin("PUT", "/v1/lists/default/entries/48600100200");
    let heard = open.call(CLEAN, CALLED, &[]);
    assert_eq!(heard.start(), "302 Moved Temporarily");
    assert!(heard.header("Contact").contains(CALLED), "{heard:?}");
    assert_eq!(open.call(LISTED, CALLED, &[]).start(), "603 Decline");
}

#[test]
fn the_number_to_show_is_told_in_contact_and_asserted_identity() {
    let present = "answer = 302\npresent = { pool = \"our-numbers\" }";
    let pool = "[[list]]\nname = \"our-numbers\"\nclass = \"pool\"\nentries = [\"48223900100\"]\n";
    let office = Office::of("A redirect server", Calls::In).but("answer = 302", present).and(pool);
    let heard = office.opens().call(CLEAN, CALLED, &[]);
    assert!(heard.header("P-Asserted-Identity").contains("+48223900100"), "{heard:?}");
    assert!(heard.header("Contact").contains("P-Asserted-Identity="), "{heard:?}");
    assert!(heard.header("Contact").contains("48223900100"), "{heard:?}");
}

#[test]
fn a_switch_that_knows_no_302_is_told_404_or_503() {
    for (answer, start) in [("answer = 404", "404 Not Found"), ("answer = 503", "503 Service Unavailable")] {
        let office = Office::of("A redirect server", Calls::In).but("answer = 302", answer);
        let heard = office.opens().call(CLEAN, CALLED, &[]);
        assert_eq!((heard.start(), heard.header("Retry-After")), (start, ""));
    }
}
