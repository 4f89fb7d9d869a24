//! Bytes that nobody should send, against the real binary: whatever comes, the calls of another caller are answered, every
//! one, the counters say what came, and memory is afterwards where it was.
#![cfg(feature = "daemon")]

#[path = "../faults/caller.rs"]
mod caller;
#[path = "../sipp/facts.rs"]
#[allow(dead_code, unused_macros, unused_imports, reason = "facts of SIPp have more settings")]
mod facts;
#[path = "../sipp/ringfence.rs"]
#[allow(dead_code, reason = "facts of SIPp look at more")]
mod ringfence;
#[path = "../shared/uninterrupted.rs"]
mod uninterrupted;

mod datagrams;
mod flood;
mod random;
mod streams;

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use caller::Caller;
use facts::{Setting, Transport};
use ringfence::{Ringfence, Role, Scene};

/// Nobody may call anybody but the listed caller, who hears 603; all others hear 404.
const RULES: &str = r#"
[[inbound]]
name = "hotline"
lists = ["default"]
[[list]]
name = "default"
class = "personal"
entries = ["48600100200"]
"#;

const LISTED: &str = "48600100200";

/// What a page of memory has.
const PAGE: u64 = 4096;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

fn scene() -> Scene {
    Scene::new(Setting { transport: Transport::Udp, workers: 1 })
}

/// An address of the scene that no trunk has.
fn stranger(scene: &Scene) -> IpAddr {
    let IpAddr::V4(ip) = scene.ip(Role::Caller) else { panic!("scenes are IPv4") };
    let [a, b, c, _] = ip.octets();
    IpAddr::from([a, b, c, 99])
}

/// Somebody whose calls go on whatever others do.
fn other_caller(scene: &Scene) -> Caller {
    Caller::new(scene.ip(Role::Callee), scene.address(Role::Ringfence))
}

/// A call of a listed caller and one of another.
#[track_caller]
fn calls(caller: &Caller) {
    assert_eq!((caller.call_from(LISTED), caller.call_from("48600100299")), (caller::DECLINED, caller::PASSED));
}

/// Resident bytes.
fn memory(ringfence: &Ringfence<'_>) -> u64 {
    let statm = fs::read_to_string(format!("/proc/{}/statm", ringfence.process.id)).expect("it runs");
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).expect("pages") * PAGE
}

/// The sum of all series of a family.
fn metric(metrics: &str, family: &str) -> u64 {
    let of = |line: &&str| line.split(['{', ' ']).next() == Some(family);
    metrics.lines().filter(of).filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok()).sum()
}

/// Calls that were refused, by how their callers heard of it.
fn refused(metrics: &str, answer: &str) -> u64 {
    let series = format!("ringfence_overload_refused_total{{answer=\"{answer}\"}} ");
    metrics.lines().find_map(|line| line.strip_prefix(&series)?.parse().ok()).expect("it is always told")
}

/// Waits until something holds; looks ten times a second.
#[track_caller]
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    let (_open, never) = mpsc::channel::<()>();
    while !holds() {
        assert!(Instant::now() < end, "in vain: {what}");
        let _ = never.recv_timeout(Duration::from_millis(100));
    }
}

/// A request as it should be.
fn request(method: &str, transport: &str, local: SocketAddr, number: u64) -> String {
    format!(
        "{method} sip:48221234567@example.net SIP/2.0\r\n\
         Via: SIP/2.0/{transport} {local};branch=z9hG4bK-hostile-{number}\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:48600100200@example.org>;tag=hostile\r\n\
         To: <sip:48221234567@example.net>\r\n\
         Call-ID: {number}@hostile\r\n\
         CSeq: 1 {method}\r\n\
         Contact: <sip:{local}>\r\n\
         Content-Length: 0\r\n\r\n"
    )
}
