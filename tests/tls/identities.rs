//! Whose a message is: certificates of who connects, and which of ours he is shown.

use crate::authority::Authority;
use crate::messages::invite;
use crate::peer::{Link, certificate, client};
use crate::scene::{SILENT, Scene, Stage, US, rules};

/// Calls of a carrier that is known by its certificate go to a PBX that has no socket: they are answered 500, those of
/// strangers 403.
fn known_by_name(from: &str, scene: Scene) -> Stage {
    let carrier = format!("tls_names = [\"sbc.carrier.example\", \"sbc2.carrier.example\"]\n{from}");
    scene.start(&rules(&carrier, SILENT))
}

const KNOWN: &str = "SIP/2.0 500 ";
const STRANGE: &str = "SIP/2.0 403 ";

#[track_caller]
fn hears(mut link: Link, id: &str, status: &str) {
    link.send(&invite(&link, id, "sip:48221234567@us.example"));
    loop {
        let heard = link.next(id, "SIP/2.0 ");
        if !heard.starts_with("SIP/2.0 100 ") {
            return assert!(heard.starts_with(status), "{id}: {heard}");
        }
    }
}

#[test]
fn a_trunk_without_from_is_known_by_its_certificate_from_any_address() {
    let scene = Scene::new();
    let [host, uri] = [["sbc2.carrier.example"], ["sip:sbc.carrier.example"]].map(|names| scene.issue(&names));
    let [other, wild] = [["sbc.other.example"], ["*.carrier.example"]].map(|names| scene.issue(&names));
    let stage = known_by_name("", scene);
    hears(stage.link("127.0.0.7", Some(&host)), "host", KNOWN);
    hears(stage.link("127.0.0.8", Some(&uri)), "uri", KNOWN);
    hears(stage.link("127.0.0.7", Some(&other)), "other", STRANGE);
    hears(stage.link("127.0.0.7", Some(&wild)), "wildcard", STRANGE);
    hears(stage.link("127.0.0.7", None), "none", STRANGE);
}

#[test]
fn a_trunk_with_from_and_names_needs_both_and_tls() {
    let scene = Scene::new();
    let right = scene.issue(&["sbc.carrier.example"]);
    let wrong = scene.issue(&["sbc.other.example"]);
    let stage = known_by_name("from = [\"127.0.0.2\"]", scene);
    hears(stage.link("127.0.0.2", Some(&right)), "both", KNOWN);
    hears(stage.link("127.0.0.7", Some(&right)), "elsewhere", STRANGE);
    hears(stage.link("127.0.0.2", Some(&wrong)), "wrong", STRANGE);
    hears(stage.link("127.0.0.2", None), "none", STRANGE);
    hears(Link::udp("127.0.0.2").towards(stage.daemon.udp), "udp", STRANGE);
}

#[test]
fn a_reload_decides_anew_whose_an_open_connection_is() {
    let scene = Scene::new();
    let own = scene.issue(&["sbc.carrier.example"]);
    let stage = known_by_name("", scene);
    let link = stage.link("127.0.0.7", Some(&own));
    let other = rules("tls_names = [\"new.carrier.example\"]", SILENT);
    stage.daemon.reload(&other);
    hears(link, "old", STRANGE);
}

#[test]
fn a_certificate_of_a_foreign_authority_or_of_the_past_gets_no_connection() {
    let scene = Scene::new();
    let foreign = Authority::new("a foreign authority").issue(&["sbc.carrier.example"]).store(scene.dir(), "foreign");
    let expired = scene.authority.issue_expired(&["sbc.carrier.example"]).store(scene.dir(), "expired");
    let stage = known_by_name("", scene);
    for (own, reason) in [(&foreign, "reason=\"untrusted\""), (&expired, "reason=\"expired\"")] {
        // In TLS 1.3 the client hears of it with what it reads next.
        assert!(stage.try_link("127.0.0.2", Some(own)).map_or(true, |mut link| link.is_closed()), "{reason}");
        stage.until("ringfence_tls_handshakes_failed_total", reason, 1);
    }
}

#[test]
fn certificates_can_be_required_of_everybody() {
    let scene = Scene::with("client_certificates = \"require\"");
    let own = scene.issue(&["sbc.carrier.example"]);
    let stage = known_by_name("", scene);
    hears(stage.link("127.0.0.2", Some(&own)), "shown", KNOWN);
    assert!(stage.try_link("127.0.0.2", None).map_or(true, |mut link| link.is_closed()));
    stage.until("ringfence_tls_handshakes_failed_total", "reason=\"no_certificate\"", 1);
}

#[test]
fn the_name_that_a_peer_asks_for_chooses_our_certificate() {
    let scene = Scene::with("[[tls.identity]]\ncertificate = \"other.example.pem\"\nkey = \"other.example.key\"");
    let (other, own) = (scene.issue(&["other.example"]), scene.own());
    let stage = known_by_name("", scene);
    let config = client(&stage.dir().join("authorities.pem"), None);
    for (name, expected) in [(US, &own), ("other.example", &other)] {
        let link = Link::tls("127.0.0.2", stage.daemon.listens("tls"), name, &config).expect("a handshake");
        assert_eq!(link.shown, Some(certificate(expected)), "{name}");
    }
}
