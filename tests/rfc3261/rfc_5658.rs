//! RFC 5658: Record-Route where the two sides reach us differently.
//!
//! | requirement | test |
//! | --- | --- |
//! | 3261 16.6 item 4: one where both sides reach us alike | `the_record_route_is_one_where_both_sides_reach_us_alike` |
//! | 4: two where address or socket differ: above, what the callee's side reaches | `the_record_route_is_double_where_the_sides_differ` |
//! | 4: two where the transport differs, each with its own | `between_udp_and_tcp_the_record_routes_name_their_transports` |
//! | 4: both are taken out of a Route set, whichever side it comes from | `both_routes_are_taken_out_whichever_side_a_request_comes_from` |
//! | 4: a request goes on by the socket that the other Route names | `a_request_inside_the_dialog_leaves_by_the_other_socket` |
//! | 4: responses are not rewritten | `the_response_has_both_record_routes_as_they_were` |
//! | 4: one of the two alone is consumed as well (a peer that has lost one) | `one_of_the_two_routes_is_enough` |

use ringfence::flow::Transport;

use crate::helpers::CALLEE;
use crate::stage::{CARRIER, Sent, Stage, from_callee, from_caller, invite, ok};

/// A call that comes to the socket on 10.0.0.2 and leaves by that on 10.0.0.1.
fn double(stage: &mut Stage) -> (Sent, Sent) {
    stage.receive_by(CARRIER, 2, &invite(9));
    let sent = stage.one();
    stage.receive(CALLEE, &ok(&sent));
    (sent, stage.one())
}

#[test]
fn the_record_route_is_one_where_both_sides_reach_us_alike() {
    let mut stage = Stage::new();
    let (sent, answer) = stage.call(&invite(9));
    let route = sent.header("Record-Route");
    assert!(route.ends_with("@10.0.0.1:5060;lr>"), "{route}");
    assert_eq!(answer.header("Record-Route"), route);
}

#[test]
fn the_record_route_is_double_where_the_sides_differ() {
    let (sent, _) = double(&mut Stage::new());
    let routes = sent.headers("Record-Route");
    assert_eq!(routes.len(), 2);
    assert!(routes[0].ends_with("@10.0.0.1:5060;lr>") && routes[1].ends_with("@10.0.0.2:5060;lr>"), "{routes:?}");
}

#[test]
fn between_udp_and_tcp_the_record_routes_name_their_transports() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(9).replace("+4822", "+4834"));
    let sent = stage.one();
    assert_eq!((sent.to(), sent.flow.transport), ("192.0.2.130:5060".to_owned(), Transport::Tcp));
    let routes = sent.headers("Record-Route");
    assert!(routes[0].ends_with("@10.0.0.1:5060;transport=tcp;lr>"), "{routes:?}");
    assert!(routes[1].ends_with("@10.0.0.1:5060;lr>"), "{routes:?}");
    assert!(sent.headers("Via")[0].starts_with("SIP/2.0/TCP "));
}

#[test]
fn both_routes_are_taken_out_whichever_side_a_request_comes_from() {
    let mut stage = Stage::new();
    let (sent, answer) = double(&mut stage);
    stage.receive_by(CARRIER, 2, &from_caller("ACK", 1, &answer));
    let ack = stage.one();
    assert_eq!((ack.to(), ack.uri()), (CALLEE.to_owned(), "sip:desk@192.0.2.3:5070"));
    assert!(ack.headers("Route").is_empty());
    stage.receive(CALLEE, &from_callee("BYE", 7, &sent));
    let bye = stage.one();
    assert_eq!((bye.to(), bye.uri()), (CARRIER.to_owned(), "sip:line7@198.51.100.7:5060"));
    assert!(bye.headers("Route").is_empty());
}

#[test]
fn a_request_inside_the_dialog_leaves_by_the_other_socket() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(9).replace("+4822", "+4834"));
    let sent = stage.one();
    stage.receive_by("192.0.2.130:5060", 1, &ok(&sent).replace("192.0.2.130:5060>", "192.0.2.130:5060;transport=tcp>"));
    let answer = stage.one();
    stage.receive(CARRIER, &from_caller("INFO", 2, &answer));
    let info = stage.one();
    assert_eq!(info.flow.transport, Transport::Tcp);
    assert_eq!(info.headers("Record-Route"), sent.headers("Record-Route"));
    stage.receive_by("192.0.2.130:5060", 1, &from_callee("BYE", 7, &sent));
    let bye = stage.one();
    assert_eq!((bye.to(), bye.flow.transport), (CARRIER.to_owned(), Transport::Udp));
}

#[test]
fn the_response_has_both_record_routes_as_they_were() {
    let (sent, answer) = double(&mut Stage::new());
    assert_eq!(answer.headers("Record-Route"), sent.headers("Record-Route"));
}

#[test]
fn one_of_the_two_routes_is_enough() {
    let mut stage = Stage::new();
    let (_, answer) = double(&mut stage);
    let text = from_caller("INFO", 2, &answer);
    let (first, rest) = text.split_once("Route: ").unwrap();
    let (_, rest) = rest.split_once('\n').unwrap();
    // From an address of nobody's, so that nothing but the Route leads on.
    stage.receive_by("203.0.113.77:5060", 2, &format!("{first}{rest}"));
    assert_eq!(stage.one().to(), CALLEE);
}
