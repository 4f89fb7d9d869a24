//! TLS on one side of a call: what belongs to that side stays on TLS.

use ringfence::flow::{ConnectionId, Transport};

use crate::stage::{CARRIER, LISTEN, Sent, Stage, from_callee, from_caller, invite, ok, response};

const SOCKETS: &str = "listen = [\"udp:10.0.0.1:5060\", \"tcp:10.0.0.1:5060\", \"tls:10.0.0.1:5061\"]";
const TLS: u16 = 2;
const TABLE: &str = "[tls]\ncertificate = \"own.pem\"\nkey = \"own.key\"\n";
const PBX: &str = "to = [\"sip:192.0.2.3:5070\", \"sip:192.0.2.4:5070\"]";
const CALLEE: &str = "192.0.2.3:5070";
const CALLER: &str = "198.51.100.7:40000";

fn stage(changes: &[(&str, &str)], more: &str) -> Stage {
    Stage::with(&[&[(LISTEN, SOCKETS)], changes].concat(), &format!("{TABLE}{more}"))
}

/// A call that came by TLS, whose Contact is this: the INVITE as it arrived at the callee.
fn called(stage: &mut Stage, contact: &str) -> Sent {
    let invite = invite(9).replace("SIP/2.0/UDP", "SIP/2.0/TLS").replace("sip:line7@198.51.100.7:5060", contact);
    stage.receive_by(CALLER, TLS, &invite);
    stage.one()
}

#[test]
fn before_his_answer_a_caller_without_certificate_is_reached_by_his_connection_and_no_other_process_has_it() {
    let (mut stage, mut other) = (stage(&[], ""), Stage::of_another_process_with(&[(LISTEN, SOCKETS)], TABLE));
    let sent = called(&mut stage, "sip:line7@198.51.100.7:5061;transport=tls");
    stage.receive(CALLEE, &response(&sent, 180, "")).sent();
    stage.receive(CALLEE, &from_callee("UPDATE", 7, &sent));
    let update = stage.one();
    assert_eq!((update.flow.transport, update.flow.connection), (Transport::Tls, Some(ConnectionId(1))));
    other.receive(CALLEE, &from_callee("UPDATE", 7, &sent));
    assert_eq!(other.one().status(), 500);
}

#[test]
fn a_contact_that_names_no_transport_is_reached_by_tls_where_its_side_came_by_it() {
    let mut stage = stage(&[], "");
    let sent = called(&mut stage, "sip:line7@198.51.100.7:5061");
    stage.receive(CALLEE, &ok(&sent)).sent();
    stage.receive(CALLEE, &from_callee("BYE", 7, &sent));
    assert_eq!(stage.one().flow.transport, Transport::Tls);
}

#[test]
fn what_belongs_to_a_side_that_came_by_tls_never_leaves_in_the_clear() {
    let mut stage = stage(&[], "");
    let sent = called(&mut stage, "sip:line7@198.51.100.7:5060;transport=udp");
    stage.receive(CALLEE, &ok(&sent)).sent();
    stage.receive(CALLEE, &from_callee("BYE", 7, &sent));
    assert_eq!(stage.one().status(), 500);
}

#[test]
fn a_callee_that_only_tls_leads_to_gets_the_rest_of_the_call_by_tls_and_must_prove_who_he_is() {
    let mut stage = stage(&[(PBX, "to = [\"sip:192.0.2.3:5061;transport=tls\"]")], "");
    stage.receive(CARRIER, &invite(9));
    let sent = stage.one();
    assert!(sent.flow.transport == Transport::Tls && sent.flow.identity.is_some());
    stage.receive_by("192.0.2.3:5061", TLS, &response(&sent, 200, "Contact: <sip:desk@192.0.2.3:5061>"));
    let answer = stage.one();
    stage.receive(CARRIER, &from_caller("BYE", 2, &answer));
    let bye = stage.one();
    assert!(bye.flow.transport == Transport::Tls && bye.flow.identity.is_some());
}

#[test]
fn a_sips_call_that_cannot_go_on_takes_no_room_of_others() {
    let limited = (PBX, "to = [\"sip:192.0.2.3:5070\"]\nmax_calls = 1\nmax_cps = 1");
    let mut stage = stage(&[limited], "");
    let sips = invite(9).replace("SIP/2.0/UDP", "SIP/2.0/TLS").replace("INVITE sip:", "INVITE sips:");
    stage.receive_by(CALLER, TLS, &sips.replace("z9hG4bK", "z9hG4bKsips").replace("Call-ID: call", "Call-ID: sips"));
    assert_eq!(stage.one().status(), 480);
    stage.receive(CARRIER, &invite(9));
    assert!(stage.one().is_request("INVITE"));
}

#[test]
fn a_call_for_help_by_sips_goes_by_whatever_way_there_is() {
    let mut stage = stage(&[], "[[route]]\nname = \"help\"\ncalled = [\"112\"]\nto = \"pbx\"\n");
    let sips = invite(9).replace("SIP/2.0/UDP", "SIP/2.0/TLS").replace("INVITE sip:+48221234567", "INVITE sips:112");
    stage.receive_by(CALLER, TLS, &sips);
    assert_eq!(stage.one().flow.transport, Transport::Udp);
}
