//! RFC 3581: rport.
//!
//! | requirement | test |
//! | --- | --- |
//! | 3: as client we ask for rport, without a value | `each_request_asks_for_rport` |
//! | 3: we hear responses where we sent from | `a_reply_leaves_from_the_address_that_the_request_came_to` in src/net/tests.rs |
//! | 4: as server we fill rport with the source port | `rport_is_filled_with_the_source_port` |
//! | 4: and add received, also where it equals sent-by | `received_is_added_beside_rport_also_where_it_says_nothing_new` |
//! | 4: the response goes to where the request came from | `a_response_goes_to_the_source_port_where_rport_asks_for_it`, `our_own_answer_goes_to_the_source_port_where_rport_asks_for_it` |
//! | 4: without rport to the port of sent-by, as ever | `without_rport_a_response_goes_to_the_port_of_sent_by` |
//! | 4: from the address that the request came to | `a_response_leaves_by_the_socket_that_the_request_came_to` |
//! | 4: only the topmost Via is filled | `the_vias_below_stay_as_they_are` |
//! | a value that the sender wrote himself is not believed | `a_value_of_the_senders_own_is_replaced` |

use crate::helpers::{CALLEE, ringing};
use crate::stage::{CARRIER, Sent, Stage, from_caller, invite, response};

/// The far end of an address translation.
const OUTSIDE: &str = "198.51.100.9:41000";

fn with_via(params: &str) -> String {
    invite(9).replace(";branch=z9hG4bKinvite", &format!(";branch=z9hG4bKinvite{params}"))
}

/// The request as it goes on, and the response as it comes back.
fn passed(from: &str, text: &str) -> (Sent, Sent) {
    let mut stage = Stage::new();
    stage.receive(from, text);
    let sent = stage.one();
    stage.receive(CALLEE, &response(&sent, 183, ""));
    (sent, stage.one())
}

#[test]
fn each_request_asks_for_rport() {
    let mut stage = Stage::new();
    let (sent, answer) = stage.call(&invite(9));
    stage.receive(CARRIER, &from_caller("ACK", 1, &answer)).receive(CARRIER, &from_caller("BYE", 2, &answer));
    let mut all = stage.sent();
    all.push(sent);
    let mut stage = Stage::new();
    ringing(&mut stage);
    stage.receive(CARRIER, &invite(9).replace("INVITE", "CANCEL"));
    all.extend(stage.sent().into_iter().filter(|sent| sent.is_request("CANCEL")));
    assert_eq!(all.len(), 4);
    for sent in all {
        assert!(sent.headers("Via")[0].split(';').any(|param| param == "rport"), "{}", sent.text);
    }
}

#[test]
fn rport_is_filled_with_the_source_port() {
    let (sent, _) = passed(OUTSIDE, &with_via(";rport"));
    let via = "SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKinvite;received=198.51.100.9;rport=41000";
    assert_eq!(sent.headers("Via")[1], via);
}

#[test]
fn received_is_added_beside_rport_also_where_it_says_nothing_new() {
    let (sent, _) = passed(CARRIER, &with_via(";RPort;x"));
    assert_eq!(
        sent.headers("Via")[1],
        "SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKinvite;x;received=198.51.100.7;rport=5060"
    );
}

#[test]
fn a_response_goes_to_the_source_port_where_rport_asks_for_it() {
    assert_eq!(passed(OUTSIDE, &with_via(";rport")).1.to(), OUTSIDE);
}

#[test]
fn our_own_answer_goes_to_the_source_port_where_rport_asks_for_it() {
    let mut stage = Stage::new();
    stage.receive(OUTSIDE, &with_via(";rport").replace("09@carrier", "01@carrier"));
    let answer = stage.one();
    assert_eq!((answer.status(), answer.to()), (603, OUTSIDE.to_owned()));
    assert!(answer.header("Via").ends_with(";received=198.51.100.9;rport=41000"));
}

#[test]
fn without_rport_a_response_goes_to_the_port_of_sent_by() {
    let (sent, answer) = passed(OUTSIDE, &with_via(""));
    assert_eq!(answer.to(), "198.51.100.9:5060");
    assert_eq!(sent.headers("Via")[1], "SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKinvite;received=198.51.100.9");
}

#[test]
fn a_response_leaves_by_the_socket_that_the_request_came_to() {
    let mut stage = Stage::new();
    stage.receive_by(CARRIER, 2, &with_via(";rport"));
    let sent = stage.one();
    stage.receive(CALLEE, &response(&sent, 183, ""));
    assert_eq!(stage.one().flow.local, "10.0.0.2:5060".parse().unwrap());
}

#[test]
fn the_vias_below_stay_as_they_are() {
    let far = "SIP/2.0/UDP far.example.net;rport;branch=z9hG4bKfar";
    let (sent, answer) = passed(OUTSIDE, &with_via(";rport").replace("Max", &format!("Via: {far}\nMax")));
    assert_eq!(sent.headers("Via")[2], far);
    assert_eq!(answer.headers("Via")[1], far);
}

#[test]
fn a_value_of_the_senders_own_is_replaced() {
    let (sent, answer) = passed(OUTSIDE, &with_via(";rport=9;received=203.0.113.66"));
    let via = "SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKinvite;received=198.51.100.9;rport=41000";
    assert_eq!((sent.headers("Via")[1], answer.to()), (via, OUTSIDE.to_owned()));
}
