//! Calls over TLS, and between TLS and UDP.

use crate::messages::{answer, in_dialog, invite, values};
use crate::peer::{Callee, Link, certificate};
use crate::scene::{Scene, Stage, rules};

const CARRIER: &str = "from = [\"127.0.0.2\"]";

/// The lines of a trunk that is called by TLS.
fn at(callee: &Callee) -> String {
    format!("from = [\"127.0.0.3\"]\nto = [\"sip:{};transport=tls\"]", callee.address)
}

/// A call from `caller` that the other side, which `accept` gives, answers and ends; the INVITE as it has arrived.
fn whole_call(id: &str, caller: &mut Link, accept: impl FnOnce() -> Link) -> String {
    caller.send(&invite(caller, id, "sip:48221234567@us.example"));
    let mut called = accept();
    let arrived = called.next(id, "INVITE sip:48221234567@127.0.0.");
    called.send(&answer(&called, &arrived, "200 OK"));
    let ok = caller.next(id, "SIP/2.0 200 ");
    caller.send(&in_dialog(caller, "ACK", &ok, true));
    called.next(id, "ACK ");
    called.send(&in_dialog(&called, "BYE", &arrived, false));
    let bye = caller.next(id, "BYE ");
    caller.send(&answer(caller, &bye, "200 OK"));
    called.next(id, "SIP/2.0 200 ");
    arrived
}

fn vias(message: &str) -> Vec<&str> {
    values(message, "Via").map(|via| via.split(' ').next().unwrap_or_default()).collect()
}

/// Of each Record-Route whether it leads to TLS, the topmost first.
fn record_routes(message: &str) -> Vec<bool> {
    values(message, "Record-Route").map(|route| route.contains(";transport=tls")).collect()
}

#[test]
fn a_call_from_tls_to_tls_is_set_up_and_ended_from_the_far_end() {
    let scene = Scene::new();
    let callee = Callee::start("127.0.0.3", &scene.issue(&["127.0.0.3"]), &scene.authorities());
    let stage = scene.start(&rules(CARRIER, &at(&callee)));
    let mut caller = stage.link("127.0.0.2", None);
    let arrived = whole_call("tls-tls", &mut caller, || callee.accept());
    assert_eq!(vias(&arrived), ["SIP/2.0/TLS", "SIP/2.0/TLS"]);
    assert_eq!(record_routes(&arrived), [true], "one stands for both sides");
}

#[test]
fn a_call_from_tls_to_udp_has_two_record_routes() {
    let pbx = Link::udp("127.0.0.3");
    let stage = Scene::new().start(&rules(CARRIER, &format!("to = [\"sip:{}\"]", pbx.local)));
    let mut caller = stage.link("127.0.0.2", None);
    let arrived = whole_call("tls-udp", &mut caller, || pbx.towards(stage.daemon.udp));
    assert_eq!(vias(&arrived), ["SIP/2.0/UDP", "SIP/2.0/TLS"]);
    assert_eq!(record_routes(&arrived), [false, true]);
}

#[test]
fn a_call_from_udp_to_tls_has_two_record_routes() {
    let scene = Scene::new();
    let callee = Callee::start("127.0.0.3", &scene.issue(&["127.0.0.3"]), &scene.authorities());
    let stage = scene.start(&rules(CARRIER, &at(&callee)));
    let mut caller = Link::udp("127.0.0.2").towards(stage.daemon.udp);
    let arrived = whole_call("udp-tls", &mut caller, || callee.accept());
    assert_eq!(vias(&arrived), ["SIP/2.0/TLS", "SIP/2.0/UDP"]);
    assert_eq!(record_routes(&arrived), [true, false]);
}

/// Calls through two trunks to one address, of which each demands its own name.
fn two_trunks(callee: &Callee, more: [&str; 2]) -> String {
    let trunk = |name: &str, from: &str, to: &str, more: &str| {
        format!(
            "[[trunk]]\nname = \"{name}\"\nfrom = [\"{from}\"]\n[[trunk]]\nname = \"{to}\"\n\
             to = [\"sip:{};transport=tls\"]\n{more}\n\
             [[route]]\nname = \"{name}\"\ntrunks = [\"{name}\"]\nto = \"{to}\"\n",
            callee.address
        )
    };
    trunk("one", "127.0.0.4", "to-one", more[0]) + &trunk("two", "127.0.0.5", "to-two", more[1])
}

#[track_caller]
fn rings(stage: &Stage, from: &str, id: &str, called: &mut Link) {
    let mut caller = Link::udp(from).towards(stage.daemon.udp);
    caller.send(&invite(&caller, id, "sip:48221234567@us.example"));
    let arrived = called.next(id, "INVITE ");
    called.send(&answer(called, &arrived, "486 Busy Here"));
    caller.next(id, "SIP/2.0 486 ");
}

#[test]
fn a_connection_is_used_again_for_the_same_name_and_for_no_other() {
    let scene = Scene::new();
    let own = scene.issue(&["one.example", "two.example"]);
    let callee = Callee::start("127.0.0.3", &own, &scene.authorities());
    let names = ["tls_names = [\"one.example\"]", "tls_names = [\"two.example\"]"];
    let stage = scene.start(&two_trunks(&callee, names));
    for (from, ids) in [("127.0.0.4", ["a", "b"]), ("127.0.0.5", ["c", "d"])] {
        let mut caller = Link::udp(from).towards(stage.daemon.udp);
        caller.send(&invite(&caller, ids[0], "sip:48221234567@us.example"));
        let mut called = callee.accept();
        let arrived = called.next(ids[0], "INVITE ");
        called.send(&answer(&called, &arrived, "486 Busy Here"));
        caller.next(ids[0], "SIP/2.0 486 ");
        rings(&stage, from, ids[1], &mut called);
    }
    assert_eq!(stage.metric("ringfence_tls_handshakes_total", "side=\"us\""), 2);
}

#[test]
fn a_trunk_is_shown_the_certificate_that_it_names_and_others_that_of_the_table() {
    let scene = Scene::new();
    let own = scene.issue(&["127.0.0.3"]);
    let special = scene.issue(&["special.example"]);
    let callee = Callee::start("127.0.0.3", &own, &scene.authorities());
    let shown = "certificate = \"special.example.pem\"\nkey = \"special.example.key\"";
    let usual = scene.own();
    let stage = scene.start(&two_trunks(&callee, [shown, ""]));
    for (from, expected) in [("127.0.0.4", &special), ("127.0.0.5", &usual)] {
        let caller = Link::udp(from).towards(stage.daemon.udp);
        let mut caller = caller;
        caller.send(&invite(&caller, from, "sip:48221234567@us.example"));
        let called = callee.accept();
        assert_eq!(called.shown, Some(certificate(expected)), "{from}");
    }
}
