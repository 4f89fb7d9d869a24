//! Several sockets: which one a message leaves by, and whose a message is that comes by one.

use ringfence::flow::ListenerId;
use ringfence::sip::Method;

use crate::stage::{CARRIER, LISTEN, Sent, Stage, field, from_callee, from_caller, invite, ok};

const NAMED: &str = "listen = [\"udp:10.0.0.1:5060\", \"tcp:10.0.0.1:5060\", \
                     { name = \"core\", addr = \"udp:10.0.0.2:5060\" }]";
const PBX: &str = "to = [\"sip:192.0.2.3:5070\", \"sip:192.0.2.4:5070\"]";
const CALLEE: &str = "192.0.2.3:5070";
const CORE: ListenerId = ListenerId(2);

/// The changes that name the third socket "core" and have the pbx spoken to from these.
fn with_via(via: &str) -> [(&'static str, String); 2] {
    [(LISTEN, NAMED.to_owned()), (PBX, format!("{PBX}\nvia = {via}"))]
}

fn stage(changes: &[(&'static str, String)]) -> Stage {
    let changes: Vec<(&str, &str)> = changes.iter().map(|(from, to)| (*from, to.as_str())).collect();
    Stage::with(&changes, "")
}

/// The INVITE as it goes on to the pbx.
fn forwarded(changes: &[(&'static str, String)]) -> Sent {
    let mut stage = stage(changes);
    stage.receive(CARRIER, &invite(9));
    stage.one()
}

#[test]
fn a_trunk_is_spoken_to_from_the_first_of_its_sockets_that_fits() {
    for via in
        ["\"core\"", "[\"core\"]", "\"udp:10.0.0.2:5060\"", "[\"tcp:10.0.0.1:5060\", \"core\", \"udp:10.0.0.1:5060\"]"]
    {
        let sent = forwarded(&with_via(via));
        assert_eq!((sent.flow.listener, sent.flow.local.to_string()), (CORE, "10.0.0.2:5060".to_owned()), "{via}");
        assert!(sent.headers("Via")[0].starts_with("SIP/2.0/UDP 10.0.0.2:5060;"), "{via}");
        let routes = sent.headers("Record-Route");
        assert!(routes[0].ends_with("@10.0.0.2:5060;lr>") && routes[1].ends_with("@10.0.0.1:5060;lr>"), "{routes:?}");
    }
}

#[test]
fn a_trunk_that_none_of_its_sockets_can_reach_is_unavailable() {
    let mut stage = stage(&with_via("\"tcp:10.0.0.1:5060\""));
    stage.receive(CARRIER, &invite(9));
    assert_eq!((stage.one().status(), stage.counters().unavailable.get()), (500, 1));
}

#[test]
fn the_hops_of_a_name_are_spoken_to_from_the_sockets_of_the_trunk() {
    let mut changes = with_via("\"core\"");
    changes[1].1 = changes[1].1.replace("sip:192.0.2.3:5070", "sip:sbc.example.net");
    let mut stage = stage(&changes);
    stage.receive(CARRIER, &invite(9)).sent();
    stage.resolve_to(&["tcp:192.0.2.7:5060", "udp:192.0.2.8:5060"]);
    let sent = stage.one();
    assert_eq!((sent.flow.listener, sent.to()), (CORE, "192.0.2.8:5060".to_owned()));
}

#[test]
fn responses_and_requests_inside_the_dialog_take_the_socket_of_their_side() {
    let changes = with_via("\"core\"");
    let mut stage = stage(&changes);
    stage.receive(CARRIER, &invite(9));
    let sent = stage.one();
    stage.receive_by(CALLEE, CORE.0, &ok(&sent));
    let answer = stage.one();
    assert_eq!((answer.flow.listener, answer.to()), (ListenerId(0), CARRIER.to_owned()));

    for method in ["ACK", "INFO", "BYE"] {
        stage.receive(CARRIER, &from_caller(method, 2, &answer));
        let onward = stage.one();
        assert_eq!((onward.flow.listener, onward.to()), (CORE, CALLEE.to_owned()), "{method}");
    }
    stage.receive_by(CALLEE, CORE.0, &from_callee("INFO", 7, &sent));
    let back = stage.one();
    assert_eq!((back.flow.listener, back.to()), (ListenerId(0), CARRIER.to_owned()));
}

#[test]
fn inside_a_dialog_the_route_names_the_socket_that_the_call_used_also_after_a_restart() {
    let mut stage = Stage::new();
    stage.receive_by(CARRIER, CORE.0, &invite(9));
    let sent = stage.one();
    stage.receive(CALLEE, &ok(&sent));
    let answer = stage.one();
    for mut stage in [stage, Stage::of_another_process()] {
        stage.receive(CALLEE, &from_callee("INFO", 7, &sent));
        assert_eq!(stage.one().flow.listener, CORE, "to the caller, who came by it");
        stage.receive_by(CARRIER, CORE.0, &from_caller("INFO", 2, &answer));
        assert_eq!(stage.one().flow.listener, ListenerId(0), "to the callee");
    }
}

#[test]
fn after_a_restart_a_trunks_sockets_win_over_those_that_the_call_used() {
    let mut before = Stage::new();
    let (_, answer) = before.call(&invite(9));
    let changes = with_via("\"core\"");
    let changes: Vec<(&str, &str)> = changes.iter().map(|(from, to)| (*from, to.as_str())).collect();
    let mut stage = Stage::of_another_process_with(&changes, "");
    stage.receive(CARRIER, &from_caller("INFO", 2, &answer));
    assert_eq!(stage.one().flow.listener, CORE);
}

/// Two customers with the same addresses, each on a socket of his own.
const CUSTOMERS: &str = r#"
[[trunk]]
name = "red"
from = ["172.16.0.0/16"]
to = ["sip:172.16.0.9:5060"]
on = "udp:10.0.0.1:5060"
via = "udp:10.0.0.1:5060"
trusted = true
[[trunk]]
name = "blue"
from = ["172.16.0.0/16"]
to = ["sip:172.16.0.9:5060"]
on = ["udp:10.0.0.2:5060"]
via = ["udp:10.0.0.2:5060"]
trusted = true
[[route]]
name = "to-red"
called = ["4835*"]
to = "red"
[[route]]
name = "to-blue"
called = ["4836*"]
to = "blue"
"#;

#[test]
fn the_socket_tells_two_trunks_with_the_same_addresses_apart() {
    let mut stage = Stage::with(&[], CUSTOMERS);
    for (socket, trunk) in [(0, "red"), (2, "blue")] {
        let call = invite(1).replace("z9hG4bKinvite", trunk).replace("Call-ID: call", &format!("Call-ID: {trunk}"));
        stage.receive_by("172.16.0.9:5060", socket, &call);
        assert_eq!(stage.one().status(), 603);
        let counted = stage.counters().trunks.of(&trunk.into());
        assert_eq!(counted.requests_in[Method::Invite as usize].get(), 1, "{trunk}");
        assert!(stage.records().last().is_some_and(|record| field(record, "from_trunk") == trunk), "{trunk}");
    }
    stage.receive_by("172.16.0.9:5060", 1, &invite(9).replace("z9hG4bKinvite", "z9hG4bKneither"));
    assert!(stage.sent().is_empty(), "on the third socket it is a stranger");
}

#[test]
fn what_goes_to_two_trunks_with_the_same_target_is_counted_for_each() {
    let mut stage = Stage::with(&[], CUSTOMERS);
    for (callee, socket, trunk) in [("+4835", 0, "red"), ("+4836", 2, "blue")] {
        let call = invite(9).replace("+4822", callee).replace("z9hG4bKinvite", &format!("z9hG4bK{trunk}"));
        stage.receive(CARRIER, &call.replace("Call-ID: call", &format!("Call-ID: {trunk}")));
        let sent = stage.one();
        assert_eq!((sent.to().as_str(), sent.flow.listener), ("172.16.0.9:5060", ListenerId(socket)));
        let counted = stage.counters().trunks.of(&trunk.into());
        assert_eq!(counted.requests_out[Method::Invite as usize].get(), 1, "{trunk}");
    }
}

#[test]
fn the_local_address_is_asked_for_by_socket() {
    let wildcards = "listen = [\"udp:0.0.0.0:5060\", { name = \"second\", addr = \"udp:0.0.0.0:5080\" }]";
    let more = "[[trunk]]\nname = \"same\"\nto = [\"sip:192.0.2.3:5070\"]\nvia = \"second\"\n\
                [[route]]\nname = \"to-same\"\ncalled = [\"4835*\"]\nto = \"same\"\n";
    let mut stage = Stage::with(&[(LISTEN, wildcards)], more);
    stage.receive(CARRIER, &invite(9)).sent();
    stage.resolve_to(&["udp:192.0.2.3:5070"]);
    assert!(stage.one().headers("Via")[0].starts_with("SIP/2.0/UDP 10.0.0.1:5060;"));
    let other = invite(9).replace("+4822", "+4835").replace("z9hG4bKinvite", "z9hG4bKother");
    stage.receive(CARRIER, &other.replace("Call-ID: call", "Call-ID: other")).sent();
    assert_eq!(stage.asked().len(), 2);
    stage.resolve_to(&["udp:192.0.2.3:5070"]);
    assert!(stage.one().headers("Via")[0].starts_with("SIP/2.0/UDP 10.0.0.1:5080;"));
}
