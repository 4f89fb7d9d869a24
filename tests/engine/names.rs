//! Names in a trunk's `to`: the engine asks, and tries what it is told in order (RFC 3263 section 4.3).

use crate::stage::{CARRIER, Sent, Stage, from_callee, from_caller, invite, ok, response};

const TO: &str = "to = [\"sip:192.0.2.3:5070\", \"sip:192.0.2.4:5070\"]";
const LAST: &str = "192.0.2.4:5070";

/// A stage whose pbx is these targets and then 192.0.2.4.
fn stage(names: &[&str]) -> Stage {
    let to: Vec<String> = names.iter().chain(&["sip:192.0.2.4:5070"]).map(|uri| format!("\"{uri}\"")).collect();
    Stage::with(&[(TO, &format!("to = [{}]", to.join(", ")))], "")
}

/// A stage on which a call waits for a name.
fn waiting(names: &[&str]) -> Stage {
    let mut stage = stage(names);
    stage.receive(CARRIER, &invite(9));
    stage.sent();
    stage
}

/// The INVITE that went out; nothing of it has reached the caller.
#[track_caller]
fn tried(stage: &mut Stage) -> Sent {
    let mut sent = stage.sent();
    sent.retain(|sent| !sent.is_request("ACK"));
    match &sent[..] {
        [one] if one.is_request("INVITE") => one.clone(),
        other => panic!("{:?}", other.iter().map(Sent::first_line).collect::<Vec<_>>()),
    }
}

#[test]
fn a_name_is_asked_for_as_it_is_written_and_the_caller_hears_100_at_once() {
    for uri in ["sip:sbc.example.net", "sip:sbc.example.net:5080", "sip:sbc.example.net;transport=tcp"] {
        let mut stage = stage(&[uri]);
        stage.receive(CARRIER, &invite(9));
        assert_eq!(stage.one().status(), 100);
        assert_eq!(stage.asked(), [uri]);
    }
}

#[test]
fn the_request_uri_keeps_the_name_and_the_port_that_is_written() {
    for (uri, host) in
        [("sip:sbc.example.net", "sbc.example.net"), ("sip:sbc.example.net:5080", "sbc.example.net:5080")]
    {
        let mut stage = waiting(&[uri]);
        stage.resolve_to(&["udp:192.0.2.7:5071"]);
        let sent = tried(&mut stage);
        assert_eq!((sent.to().as_str(), sent.uri()), ("192.0.2.7:5071", &*format!("sip:+48221234567@{host}")));
    }
}

#[test]
fn each_hop_is_spoken_to_by_its_transport() {
    let mut stage = waiting(&["sip:sbc.example.net"]);
    stage.resolve_to(&["tcp:192.0.2.7:5071", "udp:192.0.2.7:5071"]);
    let first = tried(&mut stage);
    assert!(first.headers("Via")[0].starts_with("SIP/2.0/TCP "));
    stage.fail(first.ticket);
    assert!(tried(&mut stage).headers("Via")[0].starts_with("SIP/2.0/UDP "));
}

#[test]
fn the_hops_of_a_name_are_tried_in_order_before_the_next_target() {
    let mut stage = waiting(&["sip:sbc.example.net"]);
    stage.resolve_to(&["udp:192.0.2.7:5071", "udp:192.0.2.8:5072", "udp:192.0.2.9:5073"]);
    let refused = tried(&mut stage);
    stage.fail(refused.ticket);
    let busy = tried(&mut stage);
    stage.receive(&busy.to(), &response(&busy, 503, ""));
    let silent = tried(&mut stage);
    stage.millis(4_000);
    let last = stage.sent().into_iter().find(|sent| sent.to() == LAST).expect("the next target is tried");
    let order = [refused.to(), busy.to(), silent.to()];
    assert_eq!(order, ["192.0.2.7:5071", "192.0.2.8:5072", "192.0.2.9:5073"]);
    stage.receive(LAST, &ok(&last));
    assert_eq!(stage.one().status(), 200);
    assert!(stage.asked().len() == 1 && stage.load().waiting == 0);
}

#[test]
fn the_last_hop_of_a_name_may_win_the_call() {
    let mut stage = waiting(&["sip:sbc.example.net"]);
    stage.resolve_to(&["udp:192.0.2.7:5071", "udp:192.0.2.8:5072"]);
    let first = tried(&mut stage);
    stage.fail(first.ticket);
    let second = tried(&mut stage);
    stage.receive(&second.to(), &ok(&second));
    assert_eq!(stage.one().status(), 200);
    assert_eq!(stage.calls(), 1);
}

#[test]
fn hops_of_names_are_bounded_and_addresses_in_the_config_are_not() {
    let mut stage = waiting(&["sip:sbc.example.net", "sip:sbc2.example.net"]);
    let hops: Vec<String> = (1..=12).map(|n| format!("udp:192.0.2.{n}:5080")).collect();
    stage.resolve_to(&hops.iter().map(String::as_str).collect::<Vec<_>>());
    for hop in &hops[..8] {
        let sent = tried(&mut stage);
        assert_eq!(format!("udp:{}", sent.to()), *hop);
        stage.fail(sent.ticket);
    }
    assert_eq!(tried(&mut stage).to(), LAST);
    assert_eq!(stage.asked(), ["sip:sbc.example.net"], "the second name is not worth a look-up");
}

#[test]
fn the_bound_is_on_all_names_together() {
    let mut stage = waiting(&["sip:sbc.example.net", "sip:sbc2.example.net"]);
    let hops = [
        "udp:192.0.2.11:5080",
        "udp:192.0.2.12:5080",
        "udp:192.0.2.13:5080",
        "udp:192.0.2.14:5080",
        "udp:192.0.2.15:5080",
    ];
    stage.resolve_to(&hops);
    for _ in hops {
        let sent = tried(&mut stage);
        stage.fail(sent.ticket);
    }
    assert!(stage.sent().iter().all(|sent| !sent.is_request("INVITE")));
    stage.resolve_to(&hops);
    for _ in 0..3 {
        let sent = tried(&mut stage);
        stage.fail(sent.ticket);
    }
    assert_eq!(tried(&mut stage).to(), LAST);
}

#[test]
fn a_name_that_leads_nowhere_is_passed_over() {
    let mut stage = waiting(&["sip:sbc.example.net"]);
    stage.resolve_to(&[]);
    assert_eq!(tried(&mut stage).to(), LAST);
}

#[test]
fn a_name_that_leads_to_a_socket_of_ours_is_passed_over() {
    // The stage listens on UDP and TCP of 10.0.0.1:5060 and on UDP of 10.0.0.2:5060.
    let mut stage = waiting(&["sip:sbc.example.net"]);
    stage.resolve_to(&["udp:10.0.0.1:5060", "udp:10.0.0.2:5060", "tcp:10.0.0.1:5060"]);
    assert_eq!(tried(&mut stage).to(), LAST);
    let mut stage = waiting(&["sip:sbc.example.net"]);
    stage.resolve_to(&["udp:10.0.0.1:5061"]);
    assert_eq!(tried(&mut stage).to(), "10.0.0.1:5061");
}

#[test]
fn when_names_lead_to_nothing_but_ourselves_the_routes_unavailable_is_the_answer() {
    let mut stage = Stage::with(&[(TO, "to = [\"sip:sbc.example.net\"]")], "");
    stage.receive(CARRIER, &invite(9)).sent();
    stage.resolve_to(&["udp:10.0.0.1:5060"]);
    assert_eq!(stage.one().status(), 500);
    assert_eq!((stage.load().waiting, stage.counters().unavailable.get()), (0, 1));
}

#[test]
fn a_call_that_is_cancelled_while_its_name_is_looked_up_goes_nowhere() {
    let mut stage = waiting(&["sip:sbc.example.net"]);
    stage.receive(CARRIER, &invite(9).replace("INVITE", "CANCEL"));
    stage.sent();
    stage.resolve_to(&["udp:192.0.2.7:5071"]);
    assert!(stage.sent().iter().all(|sent| !sent.is_request("INVITE")));
}

#[test]
fn messages_to_an_address_that_a_name_gave_are_counted_for_its_trunk() {
    let mut stage = waiting(&["sip:sbc.example.net"]);
    stage.resolve_to(&["udp:100.64.0.9:5071"]);
    tried(&mut stage);
    let trunk = stage.counters().trunks.of(&"pbx".into());
    assert_eq!(trunk.requests_out[ringfence::sip::Method::Invite as usize].get(), 1);
}

/// A call whose callee has given a name as his Contact: the 200 that arrived at the caller.
fn answered_by_a_name(stage: &mut Stage) -> Sent {
    stage.receive(CARRIER, &invite(9));
    let forwarded = stage.one();
    stage.receive(&forwarded.to(), &response(&forwarded, 200, "Contact: <sip:desk@phones.example.net>"));
    stage.one()
}

#[test]
fn inside_a_dialog_a_contact_that_is_a_name_is_looked_up_and_its_hops_are_tried() {
    let mut stage = Stage::new();
    let answer = answered_by_a_name(&mut stage);
    stage.receive(CARRIER, &from_caller("ACK", 1, &answer));
    assert_eq!(stage.asked(), ["sip:phones.example.net"]);
    stage.resolve_to(&["udp:192.0.2.7:5071", "udp:192.0.2.8:5072"]);
    let ack = stage.one();
    assert!(ack.is_request("ACK") && ack.to() == "192.0.2.7:5071");

    stage.receive(CARRIER, &from_caller("BYE", 2, &answer));
    assert!(stage.sent().is_empty());
    stage.resolve_to(&["udp:10.0.0.1:5060", "udp:192.0.2.7:5071", "udp:192.0.2.8:5072"]);
    let first = stage.one();
    assert!(first.is_request("BYE") && first.to() == "192.0.2.7:5071");
    stage.fail(first.ticket);
    assert_eq!(stage.one().to(), "192.0.2.8:5072");

    stage.receive(CARRIER, &from_caller("BYE", 3, &answer)).sent();
    stage.resolve_to(&["udp:192.0.2.7:5071", "udp:192.0.2.8:5072"]);
    let first = stage.one();
    stage.receive(&first.to(), &response(&first, 503, ""));
    assert_eq!(stage.one().to(), "192.0.2.8:5072");
}

#[test]
fn an_ack_whose_name_leads_nowhere_is_dropped_and_counted() {
    let mut stage = Stage::new();
    let answer = answered_by_a_name(&mut stage);
    stage.receive(CARRIER, &from_caller("ACK", 1, &answer));
    stage.resolve_to(&[]);
    assert!(stage.sent().is_empty());
    assert_eq!(stage.counters().stray_acks.get(), 1);
}

#[test]
fn a_hidden_caller_is_named_again_towards_an_address_that_his_trunks_name_has_led_to() {
    let to = ("to = [\"sip:198.51.100.7:5060\"]", "to = [\"sip:sbc.carrier.example.net\"]");
    for is_known in [true, false] {
        let mut stage = Stage::with(&[to], "");
        if is_known {
            let out = invite(9).replace("+4822", "+4850").replace("z9hG4bKinvite", "z9hG4bKout");
            stage.receive("192.0.2.3:5070", &out.replace("Call-ID: call", "Call-ID: out")).sent();
            stage.resolve_to(&["udp:100.64.0.9:5060"]).sent();
        }
        // From an address in `from`, to be reached at one that only the name leads to.
        stage.receive(CARRIER, &invite(3).replace("sip:line7@198.51.100.7:5060", "sip:line7@100.64.0.9:5060"));
        let sent = stage.one();
        stage.receive(&sent.to(), &ok(&sent)).sent();
        stage.receive(&sent.to(), &from_callee("BYE", 7, &sent));
        let bye = stage.one();
        assert_eq!(bye.to(), "100.64.0.9:5060");
        assert_eq!(bye.header("To").contains("+48600000003"), is_known, "{}", bye.text);
    }
}
