//! What changes in messages on their way: who calls, and what nobody may see.

use crate::stage::{CARRIER, Stage, from_callee, from_caller, invite, ok, response};

const NAMES: &str = "P-Asserted-Identity: <sip:+CALLER@carrier.example.net>
P-Preferred-Identity: <sip:+CALLER@carrier.example.net>
Remote-Party-ID: <sip:+CALLER@carrier.example.net>
Diversion: <sip:+CALLER@carrier.example.net>
History-Info: <sip:+CALLER@carrier.example.net>;index=1
Identity: abc;info=<https://example.com/cert>
Max-Forwards: 70";

fn named(caller: u32) -> String {
    invite(caller).replace("Max-Forwards: 70", &NAMES.replace("CALLER", &format!("486000000{caller:02}")))
}

#[test]
fn hide_conceals_the_caller_from_a_trusted_neighbour_who_is_told_to_keep_the_identity() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &named(3));
    let forwarded = stage.one();
    assert_eq!(forwarded.header("From"), "\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=caller");
    assert_eq!(forwarded.header("Contact"), "<sip:198.51.100.7:5060>");
    assert_eq!(forwarded.header("Privacy"), "id");
    assert_eq!(forwarded.header("P-Asserted-Identity"), "<sip:+48600000003@carrier.example.net>");
    assert_eq!(forwarded.text.matches("600000003").count(), 1, "{}", forwarded.text);
    assert!(!forwarded.text.contains("line7") && forwarded.headers("Identity").is_empty());
}

#[test]
fn hide_conceals_the_asserted_identity_from_an_untrusted_neighbour() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &named(3).replace("+4822", "+4833"));
    let forwarded = stage.one();
    assert_eq!(forwarded.to(), "203.0.113.9:5060");
    assert!(!forwarded.text.contains("600000003"), "{}", forwarded.text);
    assert_eq!(forwarded.header("Privacy"), "id");
}

#[test]
fn what_hide_concealed_is_restored_in_the_dialog_both_ways() {
    let mut stage = Stage::new();
    let (forwarded, answer) = stage.call(&invite(3));
    let from = "\"Caller\" <sip:+48600000003@carrier.example.net>;tag=caller";
    assert_eq!(answer.header("From"), from);
    assert_eq!(answer.header("To"), "<sip:+48221234567@10.0.0.1>;tag=callee");

    let with_contact = |text: String| format!("{text}Contact: <sip:line7@198.51.100.7:5060>\n");
    stage.receive(CARRIER, &with_contact(from_caller("INVITE", 2, &answer)));
    let again = stage.one();
    assert_eq!(again.header("From"), forwarded.header("From"));
    assert_eq!(again.header("Contact"), "<sip:198.51.100.7:5060>");
    stage.receive(&again.to(), &ok(&again));
    assert_eq!(stage.one().header("From"), from);

    stage.receive(&forwarded.to(), &from_callee("INVITE", 7, &forwarded));
    let back = stage.one();
    assert_eq!(back.to(), CARRIER);
    assert_eq!(back.uri(), "sip:line7@198.51.100.7:5060");
    assert_eq!(back.header("To"), from);
    let more = "Contact: <sip:line7@198.51.100.7:5060>\nP-Asserted-Identity: <sip:+48600000003@carrier.example.net>";
    stage.receive(CARRIER, &response(&back, 200, more));
    let answer = stage.one();
    assert_eq!(answer.header("To"), forwarded.header("From"));
    assert!(!answer.text.contains("600000003") && !answer.text.contains("line7"), "{}", answer.text);
}

#[test]
fn the_token_tells_nothing_of_a_hidden_caller() {
    let mut stage = Stage::new();
    let (forwarded, _) = stage.call(&invite(3));
    let (mut other, _) = (Stage::new(), ());
    let (again, _) = other.call(&invite(3).replace("line7", "line8"));
    assert_ne!(forwarded.header("Record-Route"), again.header("Record-Route"));
    assert!(!forwarded.text.contains("line7"));
}

#[test]
fn presentation_replaces_the_asserted_identity_and_removes_identity() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &named(9).replace("22123", "50123").replace("Max", "Privacy: id;critical\nMax"));
    let forwarded = stage.one();
    assert_eq!(forwarded.header("P-Asserted-Identity"), "<sip:+48501000000@10.0.0.1:5060;user=phone>");
    assert!(forwarded.headers("Identity").is_empty() && forwarded.headers("Privacy").is_empty());
    assert_eq!(forwarded.header("From"), "\"Caller\" <sip:+48600000009@carrier.example.net>;tag=caller");
}

#[test]
fn presentation_adds_an_asserted_identity_where_there_was_none() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(9).replace("22123", "50123"));
    assert_eq!(stage.one().header("P-Asserted-Identity"), "<sip:+48501000000@10.0.0.1:5060;user=phone>");
}

#[test]
fn a_presented_from_is_restored_in_the_dialog() {
    let headers = (r#"headers = ["P-Asserted-Identity"]"#, r#"headers = ["From"]"#);
    let mut stage = Stage::with(&[headers], "");
    let (forwarded, answer) = stage.call(&invite(9).replace("22123", "50123"));
    assert_eq!(forwarded.header("From"), "<sip:+48501000000@10.0.0.1:5060;user=phone>;tag=caller");
    assert_eq!(answer.header("From"), "\"Caller\" <sip:+48600000009@carrier.example.net>;tag=caller");
    stage.receive(CARRIER, &from_caller("BYE", 2, &answer));
    assert_eq!(stage.one().header("From"), forwarded.header("From"));
    stage.receive(&forwarded.to(), &from_callee("BYE", 9, &forwarded));
    assert_eq!(stage.one().header("To"), answer.header("From"));
}

#[test]
fn a_hidden_caller_shows_no_presented_from_either() {
    let headers = (r#"headers = ["P-Asserted-Identity"]"#, r#"headers = ["From"]"#);
    let mut stage = Stage::with(&[headers], "");
    stage.receive(CARRIER, &invite(3).replace("22123", "50123"));
    assert_eq!(stage.one().header("From"), "\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=caller");
}

#[test]
fn an_untrusted_trunk_loses_its_identity_headers() {
    let mut stage = Stage::new();
    stage.receive("203.0.113.9:5060", &named(9));
    let forwarded = stage.one();
    for name in ["P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID", "Diversion"] {
        assert!(forwarded.headers(name).is_empty(), "{name}");
    }
    assert_eq!(forwarded.headers("Identity").len(), 1);
}

#[test]
fn a_private_caller_is_not_named_to_an_untrusted_neighbour() {
    for (privacy, named_there) in [("Privacy: id", 0), ("Privacy: ID;critical", 0), ("Privacy: none", 1)] {
        let mut stage = Stage::new();
        let text = named(9).replace("+4822", "+4833").replace("Max", &format!("{privacy}\nMax"));
        stage.receive(CARRIER, &text);
        let forwarded = stage.one();
        assert_eq!(forwarded.headers("P-Asserted-Identity").len(), named_there, "{privacy}");
    }
}

#[test]
fn an_untrusted_callee_is_not_believed_when_he_says_who_answers() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(9).replace("+4822", "+4833"));
    let forwarded = stage.one();
    stage.receive(&forwarded.to(), &response(&forwarded, 180, "P-Asserted-Identity: <sip:bank@example.com>"));
    assert!(stage.one().headers("P-Asserted-Identity").is_empty());
}

#[test]
fn a_forwarded_call_names_whom_it_was_for() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(4));
    let forwarded = stage.one();
    assert_eq!(forwarded.uri(), "sip:+48229999999@192.0.2.3:5070");
    assert_eq!(forwarded.header("Diversion"), "<sip:+48221234567@10.0.0.1>;reason=unconditional;counter=1");
    assert_eq!(forwarded.header("To"), "<sip:+48221234567@10.0.0.1>");
}

#[test]
fn a_call_that_was_forwarded_to_its_callee_before_is_answered_482() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(4).replace("Max", "Diversion: <sip:+48229999999@10.0.0.1>\nMax"));
    assert_eq!(stage.one().status(), 482);
}

#[test]
fn a_redirect_has_a_contact_and_a_diversion() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(5));
    let redirect = stage.one();
    assert_eq!(redirect.status(), 302);
    assert_eq!(redirect.header("Contact"), "<sip:+48221112233@pbx.example.net>");
    assert_eq!(redirect.header("Diversion"), "<sip:+48221234567@10.0.0.1>;reason=unconditional;counter=1");
}

#[test]
fn a_callee_cannot_have_a_hidden_caller_named_to_himself() {
    let mut stage = Stage::new();
    let (forwarded, _) = stage.call(&invite(3));
    for host in ["203.0.113.66:5060", "192.0.2.3:5070"] {
        let text = from_callee("OPTIONS", 7, &forwarded)
            .replace("sip:198.51.100.7:5060", &format!("sip:{host}"))
            .replace("OPTIONS7", &format!("OPTIONS{}", host.len()));
        stage.receive(&forwarded.to(), &text);
        let sent = stage.one();
        assert_eq!(sent.to(), host);
        assert!(!sent.text.contains("600000003") && !sent.text.contains("line7"), "{}", sent.text);
    }
}

#[test]
fn hide_conceals_the_name_in_contact_and_who_wants_the_reply() {
    let text = invite(3)
        .replace("<sip:line7@", "\"Alice +48600000003\" <sip:line7@")
        .replace("Max", "Reply-To: <sip:+48600000003@example.com>\nReferred-By: <sip:+48600000003@example.com>\nMax");
    let mut stage = Stage::new();
    stage.receive(CARRIER, &text);
    let forwarded = stage.one();
    assert!(!forwarded.text.contains("600000003") && !forwarded.text.contains("Alice"), "{}", forwarded.text);
    assert_eq!(forwarded.header("Contact"), "<sip:198.51.100.7:5060>");
}

#[test]
fn a_presented_from_alone_leaves_privacy_and_the_identity_of_the_network_as_they_are() {
    let from_only = [("headers = [\"P-Asserted-Identity\"]", "headers = [\"From\"]")];
    let mut stage = Stage::with(&from_only, "");
    let (forwarded, answer) = stage.call(&named(9).replace("22123", "50123").replace("Max", "Privacy: id\nMax"));
    assert_eq!(forwarded.header("Privacy"), "id");
    let identity = "P-Asserted-Identity: <sip:+48600000009@carrier.example.net>\nMax";
    stage.receive(CARRIER, &from_caller("UPDATE", 2, &answer).replace("Max", identity));
    assert_eq!(stage.one().header("P-Asserted-Identity"), "<sip:+48600000009@carrier.example.net>");
}

#[test]
fn a_private_callee_is_not_named_to_an_untrusted_caller() {
    for (privacy, named_there) in [("Privacy: id", 0), ("Privacy: none", 1)] {
        let mut stage = Stage::new();
        stage.receive("203.0.113.9:5060", &invite(9));
        let forwarded = stage.one();
        let more = format!("P-Asserted-Identity: <sip:+48221234567@pbx.example.net>\n{privacy}");
        stage.receive(&forwarded.to(), &response(&forwarded, 180, &more));
        assert_eq!(stage.one().headers("P-Asserted-Identity").len(), named_there, "{privacy}");
    }
}
