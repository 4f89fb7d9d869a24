//! `nat = true`: inside a dialog a neighbour is sought where it was seen, for its Contact is of another network.

use ringfence::flow::{ListenerId, Transport};

use crate::stage::{CARRIER, Sent, Stage, from_callee, from_caller, invite, ok, response};

const CARRIER_NAT: (&str, &str) = ("name = \"carrier\"", "name = \"carrier\"\nnat = true");
const PBX_NAT: (&str, &str) = ("name = \"pbx\"", "name = \"pbx\"\nnat = true");
const PUBLIC: &str = "198.51.100.77:40001";
const CALLEE: &str = "192.0.2.3:5070";

/// A call from a phone that knows only its private address.
fn from_behind() -> String {
    invite(9).replace("sip:line7@198.51.100.7:5060", "sip:line7@192.168.1.5:5060")
}

/// A 200 of a phone that knows only its private address.
fn private_ok(request: &Sent) -> String {
    response(request, 200, "Contact: <sip:desk@192.168.1.9:5060>")
}

/// A call from behind an address translation, which came by this socket: the INVITE as it arrived at the callee.
fn called(stage: &mut Stage, socket: u16) -> Sent {
    stage.receive_by(PUBLIC, socket, &from_behind());
    let sent = stage.one();
    stage.receive(CALLEE, &ok(&sent)).sent();
    sent
}

#[test]
fn a_request_to_the_caller_goes_where_his_invite_came_from_also_after_a_restart() {
    let mut stage = Stage::with(&[CARRIER_NAT], "");
    let sent = called(&mut stage, 0);
    assert_eq!(sent.header("Contact"), "<sip:line7@192.168.1.5:5060>", "it goes on as it is");
    for mut stage in [stage, Stage::of_another_process_with(&[CARRIER_NAT], "")] {
        for method in ["INFO", "BYE"] {
            stage.receive(CALLEE, &from_callee(method, 7, &sent));
            let onward = stage.one();
            assert_eq!((onward.to().as_str(), onward.uri()), (PUBLIC, "sip:line7@192.168.1.5:5060"));
        }
    }
}

#[test]
fn over_a_stream_it_goes_to_the_other_end_of_his_connection() {
    let mut stage = Stage::with(&[CARRIER_NAT], "");
    let sent = called(&mut stage, 1);
    for mut stage in [stage, Stage::of_another_process_with(&[CARRIER_NAT], "")] {
        stage.receive(CALLEE, &from_callee("BYE", 7, &sent));
        let bye = stage.one();
        assert_eq!((bye.to().as_str(), bye.flow.transport, bye.flow.listener), (PUBLIC, Transport::Tcp, ListenerId(1)));
    }
}

#[test]
fn a_request_to_the_callee_goes_where_the_invite_went_also_after_a_restart() {
    let mut stage = Stage::with(&[PBX_NAT], "");
    stage.receive(CARRIER, &invite(9));
    let sent = stage.one();
    stage.receive(CALLEE, &private_ok(&sent));
    let answer = stage.one();
    assert_eq!(answer.header("Contact"), "<sip:desk@192.168.1.9:5060>", "it goes on as it is");
    for mut stage in [stage, Stage::of_another_process_with(&[PBX_NAT], "")] {
        for method in ["ACK", "INFO", "BYE"] {
            stage.receive(CARRIER, &from_caller(method, 2, &answer));
            let onward = stage.one();
            assert_eq!((onward.to().as_str(), onward.uri()), (CALLEE, "sip:desk@192.168.1.9:5060"), "{method}");
        }
    }
}

#[test]
fn the_callee_is_sought_at_the_target_that_has_answered() {
    let mut stage = Stage::with(&[PBX_NAT], "");
    stage.receive(CARRIER, &invite(9));
    let first = stage.one();
    stage.fail(first.ticket);
    let second = stage.one();
    stage.receive(&second.to(), &private_ok(&second));
    let answer = stage.one();
    stage.receive(CARRIER, &from_caller("ACK", 1, &answer));
    assert_eq!(stage.one().to(), "192.0.2.4:5070");
}

#[test]
fn both_sides_may_be_behind_one() {
    let mut stage = Stage::with(&[CARRIER_NAT, PBX_NAT], "");
    stage.receive(PUBLIC, &from_behind());
    let sent = stage.one();
    stage.receive(CALLEE, &private_ok(&sent));
    let answer = stage.sent().pop().expect("the answer");
    let mut stage = Stage::of_another_process_with(&[CARRIER_NAT, PBX_NAT], "");
    stage.receive(PUBLIC, &from_caller("INFO", 2, &answer));
    assert_eq!(stage.one().to(), CALLEE);
    stage.receive(CALLEE, &from_callee("INFO", 7, &sent));
    assert_eq!(stage.one().to(), PUBLIC);
}

#[test]
fn a_private_contact_that_is_an_address_of_ours_too_is_no_obstacle() {
    let mut stage = Stage::with(&[CARRIER_NAT], "");
    stage.receive(PUBLIC, &from_behind().replace("192.168.1.5", "10.0.0.1"));
    let sent = stage.one();
    stage.receive(CALLEE, &ok(&sent)).sent();
    stage.receive(CALLEE, &from_callee("BYE", 7, &sent));
    assert_eq!(stage.one().to(), PUBLIC);
}

#[test]
fn without_it_requests_go_to_the_contact() {
    let mut stage = Stage::new();
    stage.receive(PUBLIC, &from_behind());
    let sent = stage.one();
    stage.receive(CALLEE, &ok(&sent)).sent();
    stage.receive(CALLEE, &from_callee("BYE", 7, &sent));
    assert_eq!(stage.one().to(), "192.168.1.5:5060");
}

#[test]
fn a_long_request_does_not_leave_the_way_that_the_translation_lets_through() {
    let above = ("[sip]\n", "[sip]\nstream_above = 1300\n");
    for has_routes in [true, false] {
        let mut stage = Stage::with(&[above, CARRIER_NAT], "");
        let sent = called(&mut stage, 0);
        let text = from_callee("INFO", 7, &sent);
        let lines = text.lines().filter(|line| has_routes || !line.trim_start().starts_with("Route:"));
        let padding = format!("X-Padding: {}", "x".repeat(1_300));
        let text = lines.chain([padding.as_str()]).collect::<Vec<_>>().join("\n");
        stage.receive(CALLEE, text.trim_end());
        let onward = stage.one();
        assert_eq!((onward.to().as_str(), onward.flow.transport), (PUBLIC, Transport::Udp), "{has_routes}");
    }
}
