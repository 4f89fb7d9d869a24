//! Who speaks TLS where SIP is spoken, SIP where TLS is, or nothing at all.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::messages::invite;
use crate::peer::{Link, connect};
use crate::scene::{SILENT, Scene, Stage, rules};

/// The head of what a client of TLS says first, without a line end.
const CLIENT_HELLO: &[u8] = &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, 7, 7, 7, 7];

fn stage() -> Stage {
    Scene::new().start(&rules("from = [\"127.0.0.2\"]", SILENT))
}

/// Whether the daemon hangs up soon: long before a message must be whole.
fn hangs_up(mut stream: TcpStream) -> bool {
    let began = Instant::now();
    let ended = stream.read_to_end(&mut Vec::new());
    ended.map_or_else(|error| error.kind() == ErrorKind::ConnectionReset, |_| true)
        && began.elapsed() < Duration::from_secs(8)
}

#[track_caller]
fn others_are_served(stage: &Stage, id: &str) {
    let mut other = stage.link("127.0.0.2", None);
    other.send(&invite(&other, id, "sip:48221234567@us.example"));
    other.next(id, "SIP/2.0 500 ");
    let mut other = Link::udp("127.0.0.2").towards(stage.daemon.udp);
    other.send(&invite(&other, &format!("{id}-udp"), "sip:48221234567@us.example"));
    other.next(&format!("{id}-udp"), "SIP/2.0 500 ");
}

#[test]
fn tls_on_the_port_of_sip_ends_at_once() {
    let stage = stage();
    let mut stream = connect("127.0.0.2", stage.daemon.listens("tcp"));
    stream.write_all(CLIENT_HELLO).expect("written");
    assert!(hangs_up(stream));
    stage.until("ringfence_streams_broken_total", "", 1);
    others_are_served(&stage, "tls-on-sip");
}

#[test]
fn sip_on_the_port_of_tls_ends_at_once() {
    let stage = stage();
    let mut stream = connect("127.0.0.2", stage.daemon.listens("tls"));
    stream.write_all(b"OPTIONS sip:us.example SIP/2.0\r\n").expect("written");
    assert!(hangs_up(stream));
    stage.until("ringfence_tls_handshakes_failed_total", "side=\"peer\",reason=\"not_tls\"", 1);
    others_are_served(&stage, "sip-on-tls");
}

#[test]
fn handshakes_that_take_too_long_are_cut_off_and_hold_up_nobody() {
    let stage = stage();
    let slow: Vec<TcpStream> = (0..60).map(|_| connect("127.0.0.2", stage.daemon.listens("tls"))).collect();
    for mut stream in slow.iter().step_by(2) {
        stream.write_all(CLIENT_HELLO).expect("written");
    }
    others_are_served(&stage, "slow");
    stage.until("ringfence_tls_handshakes_failed_total", "side=\"peer\",reason=\"timeout\"", 60);
    assert!(slow.into_iter().all(hangs_up));
}
