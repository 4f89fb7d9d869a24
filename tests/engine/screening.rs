//! Nothing escapes, and declining costs no state.

use ringfence::lists::{Change, Details};

use crate::stage::{CARRIER, Stage, field, from_caller, invite, response};

#[test]
fn a_listed_caller_is_declined_and_the_next_hop_hears_nothing() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(1));
    let declined = stage.one();
    assert_eq!(declined.first_line(), "SIP/2.0 603 Decline");
    assert_eq!(declined.to(), CARRIER);
    let load = stage.load();
    assert_eq!((load.transactions, load.proxies, load.remembered), (0, 0, 1));
}

#[test]
fn an_invite_with_an_invented_to_tag_is_answered_481() {
    for caller in [1, 9] {
        let mut stage = Stage::new();
        stage.receive(CARRIER, &invite(caller).replace("10.0.0.1>\n", "10.0.0.1>;tag=invented\n"));
        assert_eq!(stage.one().status(), 481);
    }
}

#[test]
fn an_invite_with_a_preloaded_route_is_judged_and_its_route_ignored() {
    let route = "Route: <sip:192.0.2.4:5070;lr>\nMax-Forwards: 70";
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(1).replace("Max-Forwards: 70", route));
    assert_eq!(stage.one().status(), 603);
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(9).replace("Max-Forwards: 70", route));
    let forwarded = stage.one();
    assert_eq!(forwarded.to(), "192.0.2.3:5070");
    assert!(forwarded.headers("Route").is_empty());
}

#[test]
fn an_invented_to_tag_and_a_preloaded_route_together_lead_nowhere() {
    for route in
        ["<sip:192.0.2.4:5070;lr>", "<sip:10.0.0.1:5060;lr>, <sip:192.0.2.4:5070;lr>", "<sip:token@10.0.0.1;lr>"]
    {
        let mut stage = Stage::new();
        let text = invite(1).replace("10.0.0.1>\n", "10.0.0.1>;tag=invented\n");
        stage.receive(CARRIER, &text.replace("Max-Forwards: 70", &format!("Route: {route}\nMax-Forwards: 70")));
        assert_eq!(stage.one().status(), 481, "{route}");
    }
}

#[test]
fn a_forged_from_of_an_excepted_caller_beside_a_listed_asserted_identity_is_declined() {
    let asserted = "P-Asserted-Identity: <sip:+48600000001@carrier.example.net>\nMax-Forwards: 70";
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(2).replace("Max-Forwards: 70", asserted));
    assert_eq!(stage.one().status(), 603);
}

#[test]
fn a_retransmission_gets_the_first_answer_whatever_the_lists_have_become() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(1));
    let first = stage.one();
    stage.edit("default", "48600000001", Change::Remove);
    stage.millis(500).receive(CARRIER, &invite(1));
    assert_eq!(stage.one().text, first.text);
    assert_eq!(stage.records().len(), 1);

    stage.edit("default", "48600000001", Change::Put(Details::default()));
    let other = invite(9).replace("z9hG4bKinvite", "z9hG4bKother").replace("Call-ID: call", "Call-ID: other");
    stage.receive(CARRIER, &other);
    assert!(stage.one().is_request("INVITE"));
    stage.edit("default", "48600000009", Change::Put(Details::default()));
    stage.millis(10).receive(CARRIER, &other);
    assert_eq!(stage.one().status(), 100);
}

#[test]
fn an_answer_is_remembered_for_64_t1_and_no_longer() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(1));
    stage.edit("default", "48600000001", Change::Remove);
    stage.millis(31_999).receive(CARRIER, &invite(1));
    assert!(stage.sent().iter().all(|sent| sent.status() == 603));
    stage.millis(1).receive(CARRIER, &invite(1));
    assert!(stage.one().is_request("INVITE"));
}

#[test]
fn a_caller_who_never_acknowledges_costs_nothing() {
    let mut stage = Stage::new();
    for at in 0..10 {
        stage.receive(CARRIER, &invite(1)).millis(500);
        assert_eq!(stage.sent().len(), 1, "an answer to each copy, and none by itself ({at})");
    }
    let load = stage.load();
    assert_eq!((load.transactions, load.proxies, load.remembered), (0, 0, 1));
    stage.millis(32_000);
    assert!(stage.sent().is_empty());
    assert_eq!((stage.load().remembered, stage.counters().unacknowledged.get()), (0, 0));
    assert_eq!(stage.records().len(), 1);
}

#[test]
fn a_drop_costs_no_more_and_its_cancel_and_ack_lead_nowhere() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(6));
    let load = stage.load();
    assert_eq!((load.transactions, load.proxies, load.remembered), (0, 0, 1));
    stage.receive(CARRIER, &invite(6).replace("INVITE", "ACK"));
    assert!(stage.sent().is_empty());
    stage.millis(32_000);
    assert_eq!(stage.load().remembered, 0);
    let record = stage.records().pop().expect("a record");
    assert_eq!((field(&record, "verdict"), field(&record, "status")), ("drop", ""));
}

#[test]
fn a_dropped_call_stays_dropped() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(6)).millis(500).receive(CARRIER, &invite(6));
    assert!(stage.sent().is_empty());
    assert_eq!(stage.records().len(), 1);
}

#[test]
fn a_stranger_is_not_answered() {
    let mut stage = Stage::new();
    stage.receive("8.8.8.8:5060", &invite(9));
    stage.receive("8.8.8.8:5060", &invite(9).replace("10.0.0.1>\n", "10.0.0.1>;tag=invented\n"));
    stage.receive("8.8.8.8:5060", &invite(9).replace("INVITE", "CANCEL"));
    assert!(stage.sent().is_empty());
    assert_eq!(stage.counters().unknown_source.get(), 3);
}

#[test]
fn a_call_has_one_record_at_its_final_answer_and_one_at_its_end() {
    let mut stage = Stage::new();
    let (_, answer) = stage.call(&invite(9));
    assert_eq!(stage.records().len(), 1);
    stage.millis(61_000).receive(CARRIER, &from_caller("BYE", 2, &answer));
    let bye = stage.sent().pop().expect("a BYE");
    stage.receive(&bye.to(), &response(&bye, 200, ""));
    let records = stage.records();
    assert_eq!(records.len(), 2);
    assert_eq!((&*records[0][0], field(&records[0], "status")), ("call", "200"));
    assert_eq!((&*records[1][0], field(&records[1], "ended_by")), ("end", "caller"));
    assert_eq!(field(&records[1], "duration_ms"), "61000");
    for record in &records {
        assert_eq!(["caller", "callee"].map(|name| field(record, name)), ["48600000009", "48221234567"]);
    }
}

#[test]
fn a_record_names_both_numbers_of_the_caller_and_the_reason_that_he_was_told() {
    let changes = [("action = \"decline\"", "action = \"decline\"\nstatus = \"Not \\\"you\\\", sorry\"")];
    let mut stage = Stage::with(&changes, "");
    let asserted = "\n        P-Asserted-Identity: <tel:+48-600-000-001>\n        Contact";
    stage.receive(CARRIER, &invite(9).replacen("\n        Contact", asserted, 1));
    assert!(stage.one().header("Reason").contains("Not \\\"you\\\", sorry"));
    let record = stage.records().pop().expect("a record");
    assert_eq!((field(&record, "caller"), field(&record, "reason")), ("48600000001 48600000009", "Not \"you\", sorry"));
}
