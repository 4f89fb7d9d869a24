//! `sips:`: TLS on every hop, or no call (RFC 3261 section 26.2.2, RFC 5630).

use crate::messages::{answer, in_dialog, invite, values};
use crate::peer::{Callee, Link};
use crate::scene::{SILENT, Scene, rules};

const CARRIER: &str = "from = [\"127.0.0.2\"]";

#[test]
fn a_sips_call_goes_on_by_tls_and_its_dialog_stays_there() {
    let scene = Scene::new();
    let callee = Callee::start("127.0.0.3", &scene.issue(&["127.0.0.3"]), &scene.authorities());
    // The target in the clear comes first, and is none for this call.
    let to = format!("to = [\"sip:127.0.0.3:9\", \"sip:{};transport=tls\"]", callee.address);
    let stage = scene.start(&rules(CARRIER, &to));
    let mut caller = stage.link("127.0.0.2", None);
    caller.send(&invite(&caller, "sips", "sips:48221234567@us.example"));
    let mut called = callee.accept();
    let arrived = called.next("sips", "INVITE sips:48221234567@127.0.0.3");
    let routes: Vec<&str> = values(&arrived, "Record-Route").collect();
    assert!(routes.len() == 1 && routes[0].starts_with("<sips:"), "{routes:?}");
    called.send(&answer(&called, &arrived, "200 OK"));
    let ok = caller.next("sips", "SIP/2.0 200 ");
    caller.send(&in_dialog(&caller, "ACK", &ok, true));
    called.next("sips", "ACK sips:callee@");
    called.send(&in_dialog(&called, "BYE", &arrived, false));
    caller.next("sips", "BYE sips:48600100200@");
}

#[test]
fn a_sips_call_to_a_trunk_without_tls_is_answered_480() {
    let pbx = Link::udp("127.0.0.3");
    let stage = Scene::new().start(&rules(CARRIER, &format!("to = [\"sip:{}\"]", pbx.local)));
    let mut caller = stage.link("127.0.0.2", None);
    caller.send(&invite(&caller, "clear", "sips:48221234567@us.example"));
    caller.next("clear", "SIP/2.0 480 ");
}

#[test]
fn a_sips_call_that_came_in_the_clear_is_answered_416() {
    let stage = Scene::new().start(&rules(CARRIER, SILENT));
    let mut caller = Link::udp("127.0.0.2").towards(stage.daemon.udp);
    caller.send(&invite(&caller, "udp", "sips:48221234567@us.example"));
    caller.next("udp", "SIP/2.0 416 ");
}
