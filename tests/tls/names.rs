//! Targets that are names: DNS says where they are, and never who they are.

use crate::dns::DnsServer;
use crate::messages::{answer, invite};
use crate::peer::{Callee, Link};
use crate::scene::{Scene, Stage, rules};

/// A PBX that NAPTR and SRV lead to, with a certificate for these names.
fn behind_dns(borne: &[&str], to: &str) -> (Stage, Callee, DnsServer) {
    let dns = DnsServer::start("");
    let scene = Scene::with(&format!("[dns]\nservers = [\"{}\"]", dns.address));
    let callee = Callee::start("127.0.0.3", &scene.issue(borne), &scene.authorities());
    dns.set(&format!(
        "sbc.example.net 60 NAPTR 10 10 s SIP+D2U _sip._udp.sbc.example.net
        sbc.example.net 60 NAPTR 20 10 s SIPS+D2T _sips._tcp.hosting.example.net
        _sips._tcp.hosting.example.net 60 SRV 10 0 {port} host7.example.net
        _sips._tcp.sbc.example.net 60 SRV 10 0 {port} host7.example.net
        host7.example.net 60 A 127.0.0.3",
        port = callee.address.port()
    ));
    let stage = scene.start(&rules("from = [\"127.0.0.2\"]", &format!("to = [\"{to}\"]")));
    (stage, callee, dns)
}

fn call(stage: &Stage) -> Link {
    let mut caller = Link::udp("127.0.0.2").towards(stage.daemon.udp);
    caller.send(&invite(&caller, "named", "sip:48221234567@us.example"));
    caller
}

#[test]
fn a_name_is_found_by_dns_and_proved_by_the_certificate_of_its_domain() {
    for to in ["sips:sbc.example.net", "sip:sbc.example.net;transport=tls"] {
        let (stage, callee, _dns) = behind_dns(&["sip:sbc.example.net"], to);
        let mut caller = call(&stage);
        let mut called = callee.accept();
        let arrived = called.next("named", "INVITE sip:48221234567@sbc.example.net");
        called.send(&answer(&called, &arrived, "486 Busy Here"));
        caller.next("named", "SIP/2.0 486 ");
    }
}

#[test]
fn the_name_that_dns_leads_to_proves_nothing() {
    let (stage, callee, _dns) = behind_dns(&["host7.example.net", "hosting.example.net"], "sips:sbc.example.net");
    let mut caller = call(&stage);
    callee.refused();
    caller.next("named", "SIP/2.0 500 ");
    assert_eq!(stage.metric("ringfence_tls_handshakes_failed_total", "reason=\"name\""), 1);
}
