//! Certificates that change, and such as cannot be used.

use std::fs;

use crate::messages::{answer, invite};
use crate::peer::{Callee, Link, certificate};
use crate::scene::{SILENT, Scene, US, rules};

#[test]
fn certificates_are_replaced_while_calls_go_on() {
    let scene = Scene::new();
    let callee = Callee::start("127.0.0.3", &scene.issue(&["127.0.0.3"]), &scene.authorities());
    let rules = rules("from = [\"127.0.0.2\"]", &format!("to = [\"sip:{};transport=tls\"]", callee.address));
    let stage = scene.start(&rules);
    let mut caller = stage.link("127.0.0.2", None);
    let mut called = None;
    for round in 0..10 {
        let new = stage.authority.issue(&[US]).store(stage.dir(), "own");
        let id = format!("round-{round}");
        caller.send(&invite(&caller, &id, "sip:48221234567@us.example"));
        stage.daemon.reload(&rules);
        let called = called.get_or_insert_with(|| callee.accept());
        let arrived = called.next(&id, "INVITE ");
        called.send(&answer(called, &arrived, "486 Busy Here"));
        caller.next(&id, "SIP/2.0 486 ");
        assert_eq!(stage.link("127.0.0.2", None).shown, Some(certificate(&new)), "{id}");
    }
    assert_eq!(stage.metric("ringfence_tls_handshakes_total", "side=\"us\""), 1, "what is open stays open");
}

#[test]
fn a_reload_with_files_that_do_not_fit_changes_nothing_and_says_why() {
    let stage = Scene::new().start(&rules("from = [\"127.0.0.2\"]", SILENT));
    let before = certificate(&stage.own());
    let answers = |stage: &crate::scene::Stage| {
        let answer = stage.daemon.try_reload(&rules("from = [\"127.0.0.4\"]", SILENT));
        assert!(answer.starts_with("HTTP/1.1 422 "), "{answer}");
        assert_eq!(stage.link("127.0.0.2", None).shown.as_ref(), Some(&before), "the old one is shown");
        assert!(stage.daemon.get("/v1/trunks").contains("\"carrier\""));
        answer
    };
    stage.authority.issue(&[US]).store(stage.dir(), "other");
    fs::rename(stage.dir().join("other.key"), stage.dir().join("own.key")).expect("a file");
    assert!(answers(&stage).contains("own.key: it is no key for"));
    fs::remove_file(stage.dir().join("own.pem")).expect("a file");
    assert!(answers(&stage).contains("own.pem cannot be read"));
    let check = stage.daemon.check();
    assert_eq!(check.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&check.stderr).contains("own.pem cannot be read"), "{check:?}");
}

#[test]
fn without_its_files_it_does_not_start() {
    let scene = Scene::new();
    fs::write(scene.dir().join("own.pem"), "no certificate\n").expect("a file");
    let said = scene.refused(&rules("", SILENT));
    assert!(said.contains("own.pem: there is no certificate in it"), "{said}");
}

#[test]
fn a_certificate_of_ours_that_has_expired_is_told_and_shown() {
    let scene = Scene::new();
    scene.authority.issue_expired(&[US]).store(scene.dir(), "own");
    let stage = scene.start(&rules("from = [\"127.0.0.2\"]", SILENT));
    assert!(stage.daemon.log().contains("our certificate has expired"), "{}", stage.daemon.log());
    assert!(stage.try_link("127.0.0.2", None).is_err(), "the peer does not believe it");
    let mut caller = Link::udp("127.0.0.2").towards(stage.daemon.udp);
    caller.send(&invite(&caller, "goes-on", "sip:48221234567@us.example"));
    caller.next("goes-on", "SIP/2.0 500 ");
}
