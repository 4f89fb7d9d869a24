//! Targets that do not prove who they are: the next one is tried.

use crate::authority::{Authority, Stored};
use crate::messages::{answer, invite};
use crate::peer::{Callee, Link};
use crate::scene::{Scene, rules};

/// A call whose first target has this certificate goes to the second, and metrics and log say why.
#[track_caller]
fn goes_on_to_the_next(scene: Scene, own: &Stored, reason: &str) {
    let good = scene.issue(&["127.0.0.3"]);
    let first = Callee::start("127.0.0.3", own, &scene.authorities());
    let second = Callee::start("127.0.0.3", &good, &scene.authorities());
    let to = format!(
        "to = [\"sip:{};transport=tls\", \"sip:{};transport=tls\"]\ntry_for = \"10s\"",
        first.address, second.address
    );
    let stage = scene.start(&rules("from = [\"127.0.0.2\"]", &to));
    let mut caller = Link::udp("127.0.0.2").towards(stage.daemon.udp);
    let mut called = None;
    for id in ["once", "again"] {
        caller.send(&invite(&caller, id, "sip:48221234567@us.example"));
        first.refused();
        let called = called.get_or_insert_with(|| second.accept());
        let arrived = called.next(id, "INVITE ");
        called.send(&answer(called, &arrived, "486 Busy Here"));
        caller.next(id, "SIP/2.0 486 ");
    }
    let labels = format!("side=\"us\",reason=\"{reason}\"");
    assert_eq!(stage.metric("ringfence_tls_handshakes_failed_total", &labels), 2);
    let log = stage.daemon.log();
    assert_eq!(log.matches("a peer does not prove to be 127.0.0.3").count(), 1, "it is told once: {log}");
}

#[test]
fn one_with_another_name_is_passed_over() {
    let scene = Scene::new();
    let own = scene.issue(&["127.0.0.4", "sbc.example"]);
    goes_on_to_the_next(scene, &own, "name");
}

#[test]
fn one_whose_certificate_has_expired_is_passed_over() {
    let scene = Scene::new();
    let own = scene.authority.issue_expired(&["127.0.0.3"]).store(scene.dir(), "expired");
    goes_on_to_the_next(scene, &own, "expired");
}

#[test]
fn one_of_a_foreign_authority_is_passed_over() {
    let scene = Scene::new();
    let own = Authority::new("a foreign authority").issue(&["127.0.0.3"]).store(scene.dir(), "foreign");
    goes_on_to_the_next(scene, &own, "untrusted");
}

#[test]
fn without_another_target_the_route_says_what_the_caller_hears() {
    let scene = Scene::new();
    let callee = Callee::start("127.0.0.3", &scene.issue(&["127.0.0.4"]), &scene.authorities());
    let to = format!("to = [\"sip:{};transport=tls\"]", callee.address);
    let stage = scene.start(&rules("from = [\"127.0.0.2\"]", &to));
    let mut caller = Link::udp("127.0.0.2").towards(stage.daemon.udp);
    caller.send(&invite(&caller, "none", "sip:48221234567@us.example"));
    caller.next("none", "SIP/2.0 500 ");
}
