//! A strict user agent against the real program over real sockets: three addresses, UDP and TCP. SIPp answers to the
//! address a message came from; this agent obeys Route, Record-Route and Contact to the letter.
#![cfg(feature = "daemon")]

mod agent;
mod daemon;
mod link;

use std::time::{Duration, Instant};

use agent::{Agent, Dialog, Incoming, all, header};
use daemon::Daemon;

const CALLER: &str = "48600100200";
const CALLEE: &str = "48221234567";
const DIVERTED: &str = "48221234569";

/// All numbers that the calls of these tests have: none of them may stand in the log.
const NUMBERS: [&str; 3] = [CALLER, CALLEE, DIVERTED];

/// A caller, the program and a callee.
struct Scene {
    caller: Agent,
    callee: Agent,
    daemon: Daemon,
}

/// An answered call with both sides' view of it.
struct Call {
    at_caller: Dialog,
    at_callee: Dialog,
    invite: Incoming,
}

impl Scene {
    fn new(caller: Agent, callee: Agent, rules: &str) -> Scene {
        let trunks = format!(
            "[[trunk]]\nname = \"calling\"\nfrom = [\"127.0.0.2\"]\nto = [\"{}\"]\ntrusted = true\n\
             [[trunk]]\nname = \"called\"\nfrom = [\"127.0.0.3\"]\nto = [\"{}\"]\n\
             [[route]]\nname = \"out\"\ntrunks = [\"calling\"]\nto = \"called\"\n{rules}",
            caller.trunk_uri(),
            callee.trunk_uri(),
        );
        Scene { daemon: Daemon::start(&trunks), caller, callee }
    }

    fn udp() -> Scene {
        Scene::new(Agent::udp("127.0.0.2", CALLER), Agent::udp("127.0.0.3", CALLEE), "")
    }

    fn proxy(&self) -> std::net::SocketAddr {
        if self.caller.trunk_uri().contains("tcp") { self.daemon.tcp } else { self.daemon.udp }
    }

    /// A call is set up, and its ACK arrives.
    fn call(&mut self, called: &str) -> Call {
        let proxy = self.proxy();
        let dialog = self.caller.invite(proxy, called, "call@127.0.0.2", Vec::new());
        let invite = self.callee.expect_request("INVITE");
        self.callee.respond(&invite, 180, Vec::new());
        self.caller.expect_response(180);
        self.callee.respond(&invite, 200, Vec::new());
        let response = self.caller.expect_response(200);
        let mut at_caller = self.caller.established(dialog, &response);
        let at_callee = self.callee.accepted(&invite);
        self.caller.request(&mut at_caller, "ACK");
        arrived(&self.callee.expect_request("ACK"), &self.callee);
        Call { at_caller, at_callee, invite }
    }

    fn caller_sends(&mut self, call: &mut Call, method: &str) -> Incoming {
        exchange(&mut self.caller, &mut self.callee, &mut call.at_caller, method)
    }

    fn callee_sends(&mut self, call: &mut Call, method: &str) -> Incoming {
        exchange(&mut self.callee, &mut self.caller, &mut call.at_callee, method)
    }
}

/// A request inside the dialog arrives, and its 200 comes back; that of an INVITE is acknowledged.
fn exchange(from: &mut Agent, to: &mut Agent, dialog: &mut Dialog, method: &str) -> Incoming {
    from.request(dialog, method);
    let incoming = to.expect_request(method);
    arrived(&incoming, to);
    to.respond(&incoming, 200, Vec::new());
    let response = from.expect_response(200);
    assert!(header(&response.headers, "CSeq").ends_with(method));
    if method == "INVITE" {
        from.request(dialog, "ACK");
        arrived(&to.expect_request("ACK"), to);
    }
    incoming
}

/// The Request-URI is our Contact, and every Route has been consumed.
fn arrived(incoming: &Incoming, at: &Agent) {
    // rsip writes transports in capitals; they are compared without regard to case (RFC 3261 section 19.1.4).
    assert!(incoming.uri.eq_ignore_ascii_case(&at.contact()), "{}", incoming.uri);
    assert_eq!(all(&incoming.headers, "Route"), Vec::<String>::new());
}

/// Every kind of request inside the dialog, from both sides.
fn talk(scene: &mut Scene, called: &str) -> Call {
    let mut call = scene.call(called);
    for method in ["INVITE", "UPDATE", "INFO", "PRACK", "WHATEVER"] {
        scene.caller_sends(&mut call, method);
        scene.callee_sends(&mut call, method);
    }
    call
}

#[test]
fn requests_inside_a_dialog_pass_both_ways_over_udp() {
    let mut scene = Scene::udp();
    let mut call = talk(&mut scene, CALLEE);
    assert_eq!(call.at_caller.route_set.len(), 1, "the same socket on both sides");
    assert_eq!(call.at_caller.route_set, call.at_callee.route_set);
    scene.caller_sends(&mut call, "BYE");
    // The next call ends from the other side; its Call-ID is the same, its dialog another.
    let mut call = scene.call(CALLEE);
    scene.callee_sends(&mut call, "BYE");
}

#[test]
fn between_udp_and_tcp_each_side_has_a_record_route_of_its_own() {
    let agents = [
        (Agent::udp("127.0.0.2", CALLER), Agent::tcp("127.0.0.3", CALLEE)),
        (Agent::tcp("127.0.0.2", CALLER), Agent::udp("127.0.0.3", CALLEE)),
    ];
    for (caller, callee) in agents {
        let mut scene = Scene::new(caller, callee, "");
        let mut call = talk(&mut scene, CALLEE);
        assert_eq!(call.at_caller.route_set.len(), 2);
        let mut seen = call.at_callee.route_set.clone();
        seen.reverse();
        assert_eq!(call.at_caller.route_set, seen);
        scene.callee_sends(&mut call, "BYE");
    }
}

#[test]
fn an_early_dialog_has_its_requests_before_the_call_is_answered() {
    let mut scene = Scene::new(Agent::udp("127.0.0.2", CALLER), Agent::tcp("127.0.0.3", CALLEE), "");
    let proxy = scene.proxy();
    let dialog = scene.caller.invite(proxy, CALLEE, "early@127.0.0.2", Vec::new());
    let invite = scene.callee.expect_request("INVITE");
    let reliable =
        vec![rsip::Header::Other("Require".into(), "100rel".into()), rsip::Header::Other("RSeq".into(), "7".into())];
    scene.callee.respond(&invite, 183, reliable);
    let response = scene.caller.expect_response(183);
    assert_eq!(header(&response.headers, "RSeq"), "7");
    let at_caller = scene.caller.established(dialog, &response);
    let mut call = Call { at_caller, at_callee: scene.callee.accepted(&invite), invite };
    scene.caller_sends(&mut call, "PRACK");
    scene.callee_sends(&mut call, "UPDATE");
    scene.callee.respond(&call.invite, 200, Vec::new());
    let response = scene.caller.expect_response(200);
    assert!(header(&response.headers, "CSeq").ends_with("INVITE"));
    scene.caller.request(&mut call.at_caller, "ACK");
    assert_eq!(header(&scene.callee.expect_request("ACK").headers, "CSeq"), "1 ACK");
    scene.caller_sends(&mut call, "BYE");
}

#[test]
fn a_bye_from_a_new_source_port_arrives_and_is_answered_there() {
    let mut scene = Scene::udp();
    let mut call = scene.call(CALLEE);
    scene.caller.move_to_new_port();
    scene.caller_sends(&mut call, "BYE");
}

#[test]
fn a_call_outlives_a_restart_of_the_program() {
    let mut scene = Scene::udp();
    let mut call = scene.call(CALLEE);
    scene.daemon = scene.daemon.restart();
    scene.callee_sends(&mut call, "INVITE");
    scene.caller_sends(&mut call, "BYE");
}

#[test]
fn a_call_between_udp_and_tcp_outlives_a_restart_of_the_program() {
    let mut scene = Scene::new(Agent::udp("127.0.0.2", CALLER), Agent::tcp("127.0.0.3", CALLEE), "");
    let mut call = scene.call(CALLEE);
    scene.daemon = scene.daemon.restart();
    scene.caller_sends(&mut call, "BYE");
}

#[test]
fn trying_is_sent_when_nothing_has_come_for_200_milliseconds() {
    let mut scene = Scene::udp();
    let (proxy, sent) = (scene.proxy(), Instant::now());
    scene.caller.invite(proxy, CALLEE, "slow@127.0.0.2", Vec::new());
    let response = scene.caller.expect_response(100);
    assert!(sent.elapsed() >= Duration::from_millis(199), "{:?}", sent.elapsed());
    assert!(!header(&response.headers, "To").contains("tag="));
    let invite = scene.callee.expect_request("INVITE");
    scene.callee.respond(&invite, 486, Vec::new());
    scene.caller.expect_response(486);
    // Hop by hop: the ACK to the callee is ours.
    scene.callee.expect_request("ACK");
}

#[test]
fn a_hidden_caller_stays_hidden_and_knows_his_own_dialog() {
    let rules = format!("[[inbound]]\nname = \"hide\"\ncallers = [\"{CALLER}\"]\naction = \"hide\"\n");
    let mut scene = Scene::new(Agent::udp("127.0.0.2", CALLER), Agent::udp("127.0.0.3", CALLEE), &rules);
    let mut call = scene.call(CALLEE);
    let hidden = |incoming: &Incoming| {
        let text = format!("{} {}", incoming.uri, incoming.headers);
        assert!(!text.contains(CALLER), "{text}");
        let from = header(&incoming.headers, "From");
        assert_eq!(from, "\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=caller-tag");
    };
    hidden(&call.invite);
    assert_eq!(header(&call.invite.headers, "Privacy"), "id");
    assert!(!call.at_callee.remote_target.contains('@'), "{:?}", call.at_callee);
    hidden(&scene.caller_sends(&mut call, "INVITE"));
    let own = call.at_caller.local.clone();
    // The caller finds his Contact whole and his own name in To.
    let incoming = scene.callee_sends(&mut call, "INVITE");
    assert_eq!(header(&incoming.headers, "To"), own);
    let incoming = scene.callee_sends(&mut call, "BYE");
    assert_eq!(header(&incoming.headers, "To"), own);
}

#[test]
fn a_forwarded_call_names_whom_it_was_for_and_is_one_dialog() {
    let rules =
        format!("[[inbound]]\nname = \"f\"\ncalled = [\"{DIVERTED}\"]\naction = \"forward\"\nto = \"{CALLEE}\"\n");
    let mut scene = Scene::new(Agent::udp("127.0.0.2", CALLER), Agent::tcp("127.0.0.3", CALLEE), &rules);
    let mut call = scene.call(DIVERTED);
    assert!(call.invite.uri.contains(CALLEE), "{}", call.invite.uri);
    assert!(header(&call.invite.headers, "Diversion").contains(DIVERTED));
    scene.callee_sends(&mut call, "UPDATE");
    scene.caller_sends(&mut call, "BYE");
}
