//! RFC 3261 sections 16.4, 16.5 and 16.12.
//!
//! | requirement | test |
//! | --- | --- |
//! | 16.4: a Request-URI that was our Record-Route is replaced by the last Route, which goes | `a_strict_router_before_us_has_its_request_uri_put_right`, `a_strict_router_before_us_leaves_the_other_routes` |
//! | 16.4: without a Route it has no target | `our_record_route_in_the_request_uri_without_a_route_leads_nowhere` |
//! | 16.4: a maddr that names us goes, with port and transport | `a_maddr_that_names_us_is_taken_out_with_port_and_transport` |
//! | 16.4: one that names another stays, and is the way | `a_maddr_that_names_another_stays_and_is_the_way` |
//! | 16.4: one that names us by another transport than it came by stays | `a_maddr_that_names_us_by_another_transport_leads_nowhere` |
//! | 16.4: a first Route that names us is removed | `a_first_route_that_names_us_is_removed`, `routes_of_ours_that_follow_each_other_are_removed_together` |
//! | 16.4, 16.6 item 6: other Routes stay, in their order | `routes_beyond_ours_stay_as_they_came` |
//! | 16.4: Routes outside a dialog | deviation: `an_invite_with_a_preloaded_route_is_judged_and_its_route_ignored` in tests/engine |
//! | 16.5: inside a dialog the Request-URI is the only target | `inside_a_dialog_the_request_uri_is_the_only_target` |
//! | 16.5: outside a dialog the targets are those of the route's trunk | `the_targets_of_a_call_are_those_of_its_trunk`; deviation: whatever the host of the Request-URI |
//! | 16.5: no target is in the set twice | `each_target_is_tried_once` |
//! | 16.5: a callee that is not here is answered 404 | `a_callee_without_route_is_answered_404` |
//! | 16.5: 485 for a Request-URI that says too little | not applicable: no number is ambiguous |
//! | 16.6 item 6: a strict router behind us is the Request-URI, and the target the last Route | `a_strict_router_behind_us_finds_itself_in_the_request_uri` |
//! | 16.6 item 6: with a loose router behind us the Request-URI stays | `routes_beyond_ours_stay_as_they_came` |
//! | 16.6 item 7: the next hop is the first Route, else the Request-URI | `routes_beyond_ours_stay_as_they_came`, `inside_a_dialog_the_request_uri_is_the_only_target` |
//! | 16.6 item 7: maddr, port and transport of the URI say where | `the_uri_of_the_next_hop_says_port_and_transport` |
//! | 16.6 item 7: a name is looked up | `the_name_of_a_next_hop_is_looked_up`; `src/net/names/tests` has RFC 3263 |
//! | 16.6 item 7: a next hop that cannot be reached is as if it had answered 503 | `a_next_hop_without_address_is_answered_500`, `a_next_hop_by_tls_is_answered_500` |
//! | 16.12.1.3: two proxies in a row both keep their place | `a_request_inside_a_dialog_goes_back_the_way_it_came` |

use crate::helpers::{CALLEE, SECOND, answer, forwarded, statuses};
use crate::stage::{CARRIER, Sent, Stage, from_callee, from_caller, invite, ok};

/// An address of neither side: from there nothing but the Route set leads on.
const STRANGER: &str = "203.0.113.77:5060";

/// A request as a strict router sends it on to us: our Route in the Request-URI, and these Routes.
fn receive_strict(stage: &mut Stage, text: &str, answer: &Sent, routes: &str) {
    let (start, rest) = text.split_once('\n').unwrap();
    let method = start.split(' ').next().unwrap();
    let kept: String = rest
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("Route:"))
        .map(|line| format!("{line}\n"))
        .collect();
    let ours = answer.headers("Record-Route").last().unwrap().trim_matches(['<', '>']).to_owned();
    stage.receive(STRANGER, &format!("{method} {ours} SIP/2.0\n{kept}{routes}"));
}

/// A call whose callee has this Contact and is behind these Record-Routes.
fn call_to(stage: &mut Stage, contact: &str, behind: &[&str]) -> Sent {
    let sent = forwarded(stage, &invite(9));
    let mut answer = ok(&sent).replace("<sip:desk@192.0.2.3:5070>", &format!("<{contact}>"));
    for route in behind.iter().rev() {
        answer = answer.replacen("Record-Route: ", &format!("Record-Route: {route}\nRecord-Route: "), 1);
    }
    stage.receive(CALLEE, &answer);
    stage.one()
}

/// How an INFO of the caller goes on, to a callee with this Contact and behind these Record-Routes.
fn info(contact: &str, behind: &[&str]) -> Vec<Sent> {
    let mut stage = Stage::new();
    let answer = call_to(&mut stage, contact, behind);
    stage.receive(CARRIER, &from_caller("INFO", 2, &answer));
    stage.sent()
}

#[test]
fn a_strict_router_before_us_has_its_request_uri_put_right() {
    let mut stage = Stage::new();
    let (_, answer) = stage.call(&invite(9));
    receive_strict(&mut stage, &from_caller("INFO", 2, &answer), &answer, "Route: <sip:desk@192.0.2.3:5070>");
    let info = stage.one();
    assert_eq!((info.to(), info.uri()), (CALLEE.to_owned(), "sip:desk@192.0.2.3:5070"));
    assert!(info.headers("Route").is_empty());
}

#[test]
fn a_strict_router_before_us_leaves_the_other_routes() {
    let mut stage = Stage::new();
    let answer = call_to(&mut stage, "sip:desk@192.0.2.3:5070", &["<sip:192.0.2.78:5067;lr>"]);
    let routes = "Route: <sip:192.0.2.78:5067;lr>, <sip:desk@192.0.2.3:5070;x=1?Subject=y>";
    receive_strict(&mut stage, &from_caller("INFO", 2, &answer), &answer, routes);
    let info = stage.one();
    assert_eq!((info.to(), info.uri()), ("192.0.2.78:5067".to_owned(), "sip:desk@192.0.2.3:5070;x=1"));
    assert_eq!(info.header("Route"), "<sip:192.0.2.78:5067;lr>");
}

#[test]
fn our_record_route_in_the_request_uri_without_a_route_leads_nowhere() {
    let mut stage = Stage::new();
    let (_, answer) = stage.call(&invite(9));
    receive_strict(&mut stage, &from_caller("INFO", 2, &answer), &answer, "");
    assert_eq!(stage.one().status(), 481);
}

#[test]
fn a_maddr_that_names_us_is_taken_out_with_port_and_transport() {
    for contact in [
        "sip:desk@192.0.2.99;maddr=10.0.0.1",
        "sip:desk@192.0.2.99:5060;maddr=10.0.0.1;transport=udp",
        "sip:desk@192.0.2.99;Transport=UDP;MADDR=10.0.0.1",
    ] {
        let sent = info(contact, &[]);
        assert_eq!((sent[0].to(), sent[0].uri()), ("192.0.2.99:5060".to_owned(), "sip:desk@192.0.2.99"), "{contact}");
    }
    let sent = info("sip:desk@192.0.2.99;a=b;maddr=10.0.0.1;c", &["<sip:192.0.2.78;lr>"]);
    assert_eq!((sent[0].to(), sent[0].uri()), ("192.0.2.78:5060".to_owned(), "sip:desk@192.0.2.99;a=b;c"));
}

#[test]
fn a_maddr_that_names_another_stays_and_is_the_way() {
    let contact = "sip:desk@host.example.net;maddr=192.0.2.99";
    let sent = info(contact, &[]);
    assert_eq!((sent[0].to(), sent[0].uri()), ("192.0.2.99:5060".to_owned(), contact));
}

#[test]
fn a_maddr_that_names_us_by_another_transport_leads_nowhere() {
    // What is left along the call is the way to its other side, and not to ourselves.
    let sent = info("sip:desk@192.0.2.99;maddr=10.0.0.1;transport=tcp", &[]);
    assert_eq!(sent[0].to(), CALLEE);
}

#[test]
fn a_first_route_that_names_us_is_removed() {
    let mut stage = Stage::new();
    let (_, answer) = stage.call(&invite(9));
    stage.receive(STRANGER, &from_caller("INFO", 2, &answer));
    assert!(stage.one().headers("Route").is_empty());
}

#[test]
fn routes_of_ours_that_follow_each_other_are_removed_together() {
    let mut stage = Stage::new();
    let (_, answer) = stage.call(&invite(9));
    let text = from_caller("INFO", 2, &answer).replacen("Route: ", "Route: <sip:10.0.0.1;lr>, <sip:10.0.0.2;lr>, ", 1);
    stage.receive(STRANGER, &text);
    let info = stage.one();
    assert_eq!(info.to(), CALLEE);
    assert!(info.headers("Route").is_empty());
}

#[test]
fn routes_beyond_ours_stay_as_they_came() {
    let mut stage = Stage::new();
    let behind = ["<sip:192.0.2.78:5067;lr;x=1>", "\"Far, far away\" <sip:192.0.2.79;lr>"];
    let answer = call_to(&mut stage, "sip:desk@192.0.2.3:5070", &[behind[1], behind[0]]);
    let joined = from_caller("INFO", 2, &answer).replace("\nRoute: <sip:192", ", <sip:192");
    stage.receive(CARRIER, &joined);
    let info = stage.one();
    assert_eq!((info.to(), info.uri()), ("192.0.2.78:5067".to_owned(), "sip:desk@192.0.2.3:5070"));
    assert_eq!(info.headers("Route"), behind);
}

#[test]
fn inside_a_dialog_the_request_uri_is_the_only_target() {
    let mut stage = Stage::new();
    let answer = call_to(&mut stage, "sip:desk@192.0.2.90:5071", &[]);
    stage.receive(CARRIER, &from_caller("INVITE", 2, &answer));
    let again = stage.one();
    assert_eq!((again.to(), again.uri()), ("192.0.2.90:5071".to_owned(), "sip:desk@192.0.2.90:5071"));
    stage.wait(std::time::Duration::from_secs(40));
    let sent = stage.sent();
    assert!(sent.iter().all(|sent| [again.to(), CARRIER.to_owned()].contains(&sent.to())));
    assert_eq!(sent.iter().rfind(|sent| sent.to() == CARRIER).unwrap().status(), 408);
}

#[test]
fn the_targets_of_a_call_are_those_of_its_trunk() {
    for host in ["10.0.0.1", "elsewhere.example.net", "203.0.113.66:5099"] {
        let text = invite(9).replacen("@10.0.0.1 SIP", &format!("@{host} SIP"), 1);
        let sent = forwarded(&mut Stage::new(), &text);
        assert_eq!(sent.uri(), "sip:+48221234567@192.0.2.3:5070", "{host}");
    }
}

#[test]
fn each_target_is_tried_once() {
    let mut stage = Stage::new();
    let first = forwarded(&mut stage, &invite(9));
    stage.fail(first.ticket);
    let second = stage.one();
    assert_eq!(second.to(), SECOND);
    stage.fail(second.ticket);
    assert_eq!(statuses(&stage.sent()), [500]);
}

#[test]
fn a_callee_without_route_is_answered_404() {
    assert_eq!(answer(&invite(9).replace("+4822", "+4877")).status(), 404);
}

#[test]
fn a_strict_router_behind_us_finds_itself_in_the_request_uri() {
    let sent = info("sip:desk@192.0.2.3:5070", &["<sip:192.0.2.77:5066>", "<sip:192.0.2.78;lr>"]);
    let mut stage = Stage::new();
    let answer = call_to(&mut stage, "sip:desk@192.0.2.3:5070", &["<sip:192.0.2.78;lr>", "<sip:192.0.2.77:5066>"]);
    stage.receive(CARRIER, &from_caller("INFO", 2, &answer));
    let strict = stage.one();
    assert_eq!((strict.to(), strict.uri()), ("192.0.2.77:5066".to_owned(), "sip:192.0.2.77:5066"));
    assert_eq!(strict.headers("Route"), ["<sip:192.0.2.78;lr>", "<sip:desk@192.0.2.3:5070>"]);
    // Further away it is the affair of the router before it.
    assert_eq!((sent[0].to(), sent[0].uri()), ("192.0.2.78:5060".to_owned(), "sip:desk@192.0.2.3:5070"));
}

#[test]
fn the_uri_of_the_next_hop_says_port_and_transport() {
    for (route, to, via) in [
        ("<sip:192.0.2.78;lr>", "192.0.2.78:5060", "SIP/2.0/UDP "),
        ("<sip:192.0.2.78:5067;lr>", "192.0.2.78:5067", "SIP/2.0/UDP "),
        ("<sip:192.0.2.78;transport=tcp;lr>", "192.0.2.78:5060", "SIP/2.0/TCP "),
        ("<sip:host.example.net;maddr=192.0.2.79;lr>", "192.0.2.79:5060", "SIP/2.0/UDP "),
    ] {
        let sent = info("sip:desk@192.0.2.3:5070", &[route]);
        assert_eq!(sent[0].to(), to, "{route}");
        assert!(sent[0].headers("Via")[0].starts_with(via), "{route}");
    }
}

#[test]
fn the_name_of_a_next_hop_is_looked_up() {
    let mut stage = Stage::new();
    let answer = call_to(&mut stage, "sip:desk@pbx.example.net:5071", &[]);
    stage.receive(CARRIER, &from_caller("ACK", 1, &answer));
    assert!(stage.sent().is_empty());
    stage.resolve(Some("192.0.2.91:5071"));
    let ack = stage.one();
    assert_eq!((ack.to(), ack.uri()), ("192.0.2.91:5071".to_owned(), "sip:desk@pbx.example.net:5071"));
}

#[test]
fn a_next_hop_without_address_is_answered_500() {
    let mut stage = Stage::new();
    let answer = call_to(&mut stage, "sip:desk@pbx.example.net", &[]);
    stage.receive(CARRIER, &from_caller("INFO", 2, &answer)).resolve(None);
    assert_eq!(stage.one().status(), 500);
}

#[test]
fn a_next_hop_by_tls_is_answered_500() {
    for route in ["<sip:192.0.2.78;transport=tls;lr>", "<sips:192.0.2.78;lr>"] {
        assert_eq!(statuses(&info("sip:desk@192.0.2.3:5070", &[route])), [500], "{route}");
    }
}

#[test]
fn a_request_inside_a_dialog_goes_back_the_way_it_came() {
    let mut stage = Stage::new();
    let before = "Record-Route: <sip:198.51.100.20:5062;lr>\nRecord-Route: <sip:198.51.100.21;lr>\nMax-Forwards";
    let sent = forwarded(&mut stage, &invite(9).replace("Max-Forwards", before));
    stage.receive(CALLEE, &ok(&sent)).sent();
    stage.receive(CALLEE, &from_callee("BYE", 7, &sent));
    let bye = stage.one();
    assert_eq!((bye.to(), bye.uri()), ("198.51.100.20:5062".to_owned(), "sip:line7@198.51.100.7:5060"));
    assert_eq!(bye.headers("Route"), ["<sip:198.51.100.20:5062;lr>", "<sip:198.51.100.21;lr>"]);
}
