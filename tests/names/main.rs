//! The real program and a trunk that is a name: DNS, caller and targets are plain sockets on loopback addresses.

mod daemon;
mod dns;
mod probing;
#[path = "../shared/uninterrupted.rs"]
mod uninterrupted;

use std::net::UdpSocket;
use std::time::Duration;

use daemon::Daemon;
use dns::{DnsServer, Does};
use uninterrupted::uninterrupted;

/// Long enough for a loaded machine.
const PATIENCE: Duration = Duration::from_secs(20);

fn socket(address: &str) -> UdpSocket {
    let socket = UdpSocket::bind((address, 0)).expect("a port");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    socket
}

fn port(socket: &UdpSocket) -> u16 {
    socket.local_addr().expect("an address").port()
}

/// The next message of this call that begins with this; others are passed over, for nobody here sends ACK.
#[track_caller]
fn next(socket: &UdpSocket, call_id: &str, start: &str) -> String {
    let mut buffer = [0; 4096];
    loop {
        let length = uninterrupted(|| socket.recv(&mut buffer)).unwrap_or_else(|error| panic!("no {start}: {error}"));
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        if text.starts_with(start) && text.contains(&format!("Call-ID: {call_id}\r\n")) {
            return text;
        }
    }
}

/// The program, which asks this server.
fn start(dns: &DnsServer, rules: &str) -> Daemon {
    let dir = tempfile::tempdir().expect("a directory");
    let settings = format!(
        "[sip]\nlisten = [\"udp:127.0.0.1:0\", \"tcp:127.0.0.1:0\"]\nworkers = 2\n\
         [dns]\nservers = [\"{}\"]\ntimeout = \"2s\"",
        dns.address
    );
    Daemon::start(dir, &settings, rules)
}

fn call(caller: &UdpSocket, daemon: &Daemon, id: &str) {
    let from = caller.local_addr().expect("an address");
    let invite = format!(
        "INVITE sip:48221234567@{to} SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bK{id}\r\nMax-Forwards: 70\r\n\
         From: <sip:48600100200@{from}>;tag=1\r\nTo: <sip:48221234567@{to}>\r\nCall-ID: {id}\r\nCSeq: 1 INVITE\r\n\
         Contact: <sip:caller@{from}>\r\nContent-Length: 0\r\n\r\n",
        to = daemon.udp
    );
    caller.send_to(invite.as_bytes(), daemon.udp).expect("sent");
}

/// Answers an INVITE with 486, which ends the call.
fn answer_busy(callee: &UdpSocket, daemon: &Daemon, invite: &str) {
    answer(callee, daemon, invite, "486 Busy Here");
}

fn answer(callee: &UdpSocket, daemon: &Daemon, request: &str, status: &str) {
    let mut text = format!("SIP/2.0 {status}\r\n");
    for line in request.lines() {
        let name = line.split(':').next().unwrap_or_default();
        match name {
            "Via" | "From" | "Call-ID" | "CSeq" => text += &format!("{line}\r\n"),
            "To" => text += &format!("{line};tag=2\r\n"),
            _ => {}
        }
    }
    text += "Content-Length: 0\r\n\r\n";
    callee.send_to(text.as_bytes(), daemon.udp).expect("sent");
}

fn rules(to: &str) -> String {
    format!(
        "[[trunk]]\nname = \"carrier\"\nfrom = [\"127.0.0.1\"]\n[[trunk]]\nname = \"pbx\"\nfrom = [\"127.0.0.9\"]\n\
         to = [{to}]\ntry_for = \"1500ms\"\n[[route]]\nname = \"in\"\ntrunks = [\"carrier\"]\nto = \"pbx\"\n"
    )
}

/// DNS for pbx.example.net: a server at each of these ports, the first before the second.
fn two_servers(first: u16, second: u16) -> DnsServer {
    DnsServer::start(&format!(
        "pbx.example.net 60 NAPTR 10 10 s SIP+D2U _sip._udp.pbx.example.net
        _sip._udp.pbx.example.net 60 SRV 10 0 {first} pbx1.example.net
        _sip._udp.pbx.example.net 60 SRV 20 0 {second} pbx2.example.net
        pbx1.example.net 60 A 127.0.0.9
        pbx2.example.net 60 A 127.0.0.9"
    ))
}

#[test]
fn a_call_to_a_name_reaches_its_srv_target_and_goes_on_to_the_second_when_the_first_is_dead() {
    let (dead, alive, caller) = (socket("127.0.0.9"), socket("127.0.0.9"), socket("127.0.0.1"));
    let (first, second) = (port(&dead), port(&alive));
    let dns = two_servers(first, second);
    let daemon = start(&dns, &rules("\"sip:pbx.example.net\""));
    call(&caller, &daemon, "alive");
    next(&caller, "alive", "SIP/2.0 100 ");
    let invite = next(&dead, "alive", "INVITE sip:48221234567@pbx.example.net SIP/2.0\r\n");
    answer_busy(&dead, &daemon, &invite);
    next(&caller, "alive", "SIP/2.0 486 ");

    drop(dead);
    call(&caller, &daemon, "dead");
    let invite = next(&alive, "dead", "INVITE sip:48221234567@pbx.example.net SIP/2.0\r\n");
    answer_busy(&alive, &daemon, &invite);
    next(&caller, "dead", "SIP/2.0 486 ");
    let naptr = dns.asked().into_iter().filter(|asked| asked.starts_with("NAPTR")).count();
    assert_eq!(naptr, 1, "the second call finds the answer of the first");
    let metrics = daemon.get("/metrics");
    assert!(metrics.contains("ringfence_dns_lookups_total{outcome=\"answered\"} 1"), "{metrics}");
    let trunks = daemon.get("/v1/trunks");
    assert!(trunks.contains("\"to\":[\"sip:pbx.example.net\"]"), "{trunks}");
}

#[test]
fn a_name_that_leads_back_to_us_is_answered_and_not_followed() {
    let caller = socket("127.0.0.1");
    let dns = DnsServer::start("us.example.net 60 A 127.0.0.1\nus.example.net 60 A 0.0.0.0");
    let daemon = start(&dns, "");
    let rules = rules(&format!("\"sip:us.example.net:{}\"", daemon.udp.port()));
    daemon.reload(&rules);
    call(&caller, &daemon, "loop");
    next(&caller, "loop", "SIP/2.0 500 ");
    assert!(daemon.get("/metrics").contains("\nringfence_forwarded_total 1\n"));
}

#[test]
fn a_reload_takes_a_new_name_into_use_and_a_dead_server_costs_the_call_its_timeout() {
    let (callee, caller) = (socket("127.0.0.9"), socket("127.0.0.1"));
    let dns = DnsServer::start("new.example.net 60 A 127.0.0.9");
    let daemon = start(&dns, &rules("\"sip:old.example.net\""));
    call(&caller, &daemon, "old");
    next(&caller, "old", "SIP/2.0 500 ");
    daemon.reload(&rules(&format!("\"sip:new.example.net:{}\"", port(&callee))));
    call(&caller, &daemon, "new");
    let invite = next(&callee, "new", "INVITE sip:48221234567@new.example.net");
    answer_busy(&callee, &daemon, &invite);
    next(&caller, "new", "SIP/2.0 486 ");
    dns.does(Does::Nothing);
    daemon.reload(&rules("\"sip:lost.example.net\""));
    call(&caller, &daemon, "lost");
    next(&caller, "lost", "SIP/2.0 500 ");
    assert!(daemon.get("/metrics").contains("ringfence_dns_lookups_total{outcome=\"failed\"} 1"));
}
