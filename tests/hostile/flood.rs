//! More calls than can be handled.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::ringfence::Role;
use crate::streams::connect;
use crate::uninterrupted::uninterrupted;
use crate::{LISTED, PATIENCE, RULES, memory, metric, refused, request, scene, stranger, until};

/// Calls to 48221234567 go to the callee; there is no way to any other.
const ROUTES: &str = r#"
[numbers]
never_block = ["112"]
[[route]]
name = "to-callee"
trunks = ["caller"]
called = ["48221234567"]
to = "callee"
"#;

/// Calls that are up when the flood comes.
const CALLS: usize = 20;

/// Calls on one connection during the flood.
const STREAMED: u64 = 200;

/// RFC 3261, T1.
const T1: Duration = Duration::from_millis(500);

#[test]
fn a_flood_of_calls_is_refused_and_those_that_are_up_are_ended_and_112_is_heard() {
    let scene = scene();
    let ringfence = scene.start(&format!("{RULES}{ROUTES}"));
    let proxy = scene.address(Role::Ringfence);
    let callee = UdpSocket::bind(scene.address(Role::Callee)).expect("its port is free");
    let caller = UdpSocket::bind((scene.ip(Role::Caller), 0)).expect("a port");
    let flooding = UdpSocket::bind((scene.ip(Role::Caller), 0)).expect("a port");
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // Ends the threads, also when an assertion fails.
        let _end = Ends(&over);
        scope.spawn(|| answer_calls(&callee, &over));
        let local = caller.local_addr().expect("it is bound");
        let calls: Vec<String> = (0..CALLS as u64)
            .map(|number| {
                let answer = exchange(&caller, proxy, &invite(local, number));
                assert!(answer.starts_with("SIP/2.0 200 "), "{answer}");
                let ack = in_dialog("ACK", 1, local, number, &answer);
                caller.send_to(ack.as_bytes(), proxy).expect("a datagram can be sent");
                answer
            })
            .collect();

        scope.spawn(|| flood(&flooding, proxy, &over, call_to_nobody));
        until("calls are refused", || refused(&ringfence.metrics(), "unread") > 1_000);
        for (number, answer) in (0..).zip(&calls) {
            let ended = exchange(&caller, proxy, &in_dialog("BYE", 2, local, number, answer));
            assert!(ended.starts_with("SIP/2.0 200 "), "{ended}");
        }
        let emergency = invite(local, 1_000).replace("sip:48221234567@", "sip:112@");
        let heard = exchange(&caller, proxy, &emergency);
        assert!(heard.starts_with("SIP/2.0 404 "), "{heard}");
        // More than its trunk's share of answers, and all hear something: they would not ask again.
        let mut stream = connect(&scene, scene.ip(Role::Caller));
        let local = stream.local_addr().expect("it is bound");
        for number in 0..STREAMED {
            let call = call_to_nobody(local, 2_000 + number).replace("SIP/2.0/UDP", "SIP/2.0/TCP");
            stream.write_all(call.as_bytes()).expect("it is open");
        }
        let (mut heard, mut buffer) = (String::new(), [0; 4096]);
        let answers = |heard: &str| heard.matches("SIP/2.0 404 ").count() + heard.matches("SIP/2.0 503 ").count();
        while answers(&heard) < usize::try_from(STREAMED).expect("few") {
            let length = uninterrupted(|| stream.read(&mut buffer)).expect("an answer comes");
            heard += &String::from_utf8_lossy(&buffer[..length]);
        }
        let metrics = ringfence.metrics();
        assert!(refused(&metrics, "503") > 0, "{metrics}");
    });
    let metrics = ringfence.metrics();
    assert_eq!(metric(&metrics, "ringfence_calls_opened_total"), CALLS as u64);
    assert_eq!(metric(&metrics, "ringfence_calls_closed_total"), CALLS as u64);
    ringfence.stop();
}

#[test]
fn a_flood_of_strangers_takes_neither_room_nor_time_of_those_who_call() {
    for flooding in [call_to_nobody as fn(SocketAddr, u64) -> String, cancel] {
        let scene = scene();
        let ringfence = scene.start(RULES);
        let proxy = scene.address(Role::Ringfence);
        let caller = UdpSocket::bind((scene.ip(Role::Caller), 0)).expect("a port");
        let local = caller.local_addr().expect("it is bound");
        let strange = UdpSocket::bind((stranger(&scene), 0)).expect("a port");
        let call = |number| {
            let heard = exchange(&caller, proxy, &invite(local, number));
            assert!(heard.starts_with("SIP/2.0 404 "), "{heard}");
        };
        (0..100).for_each(call);
        let before = memory(&ringfence);
        let over = AtomicBool::new(false);
        let mut number = 100;
        std::thread::scope(|scope| {
            let _end = Ends(&over);
            scope.spawn(|| flood(&strange, proxy, &over, flooding));
            until("strangers are turned away", || {
                call(number);
                number += 1;
                metric(&ringfence.metrics(), "ringfence_unknown_source_total") > STRANGE
            });
        });
        let (metrics, after) = (ringfence.metrics(), memory(&ringfence));
        assert_eq!(metric(&metrics, "ringfence_overload_refused_total"), 0, "{metrics}");
        println!("resident: {before} bytes before, {after} after {number} calls");
        assert!(after <= before + GROWTH, "{before} bytes before, {after} after");
        ringfence.stop();
    }
}

/// Requests of strangers. Were they kept, they would be 140 MB.
const STRANGE: u64 = if cfg!(debug_assertions) { 20_000 } else { 200_000 };

/// Of resident memory: what the allocator keeps, and buffers that are touched the first time.
const GROWTH: u64 = 8 << 20;

fn call_to_nobody(local: SocketAddr, number: u64) -> String {
    invite(local, number).replace("sip:48221234567@", "sip:48600700800@")
}

fn cancel(local: SocketAddr, number: u64) -> String {
    request("CANCEL", "UDP", local, number)
}

/// Of somebody whom no list holds.
fn invite(local: SocketAddr, number: u64) -> String {
    request("INVITE", "UDP", local, number).replace(LISTED, "48600100299")
}

struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Requests as fast as one thread can.
fn flood(socket: &UdpSocket, proxy: SocketAddr, over: &AtomicBool, request: fn(SocketAddr, u64) -> String) {
    let local = socket.local_addr().expect("it is bound");
    let mut number = 1_000_000;
    while !over.load(Ordering::Relaxed) {
        let _ = socket.send_to(request(local, number).as_bytes(), proxy);
        number += 1;
    }
}

/// Sends a request, again and again as RFC 3261 says, until its final response comes.
#[track_caller]
fn exchange(socket: &UdpSocket, proxy: SocketAddr, request: &str) -> String {
    let line = |text: &str, name: &str| text.lines().find(|line| line.starts_with(name)).unwrap_or("").to_owned();
    let (call_id, cseq) = (line(request, "Call-ID:"), line(request, "CSeq:"));
    let end = Instant::now() + PATIENCE;
    let mut buffer = [0; 65_535];
    socket.set_read_timeout(Some(T1)).expect("a time");
    while Instant::now() < end {
        socket.send_to(request.as_bytes(), proxy).expect("a datagram can be sent");
        while let Ok(length) = socket.recv(&mut buffer) {
            let answer = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let is_final = !answer.starts_with("SIP/2.0 1");
            if is_final && line(&answer, "Call-ID:") == call_id && line(&answer, "CSeq:") == cseq {
                return answer;
            }
        }
    }
    panic!("no answer to\n{request}");
}

fn in_dialog(method: &str, cseq: u32, local: SocketAddr, number: u64, answer: &str) -> String {
    let line = |name: &str| answer.lines().find(|line| line.starts_with(name)).expect("a 200 has it").to_owned();
    let contact = line("Contact:");
    let target = contact.split(['<', '>']).nth(1).expect("an address");
    let route = line("Record-Route:").replacen("Record-", "", 1);
    format!(
        "{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bK-{method}-{number}\r\nMax-Forwards: 70\r\n\
         {route}\r\n{}\r\n{}\r\n{}\r\nCSeq: {cseq} {method}\r\nContent-Length: 0\r\n\r\n",
        line("From:"),
        line("To:"),
        line("Call-ID:"),
    )
}

/// Says 200 to whatever is asked.
fn answer_calls(socket: &UdpSocket, over: &AtomicBool) {
    let local = socket.local_addr().expect("it is bound");
    socket.set_read_timeout(Some(Duration::from_millis(100))).expect("a time");
    let mut buffer = [0; 65_535];
    while !over.load(Ordering::Relaxed) {
        let Ok((length, peer)) = socket.recv_from(&mut buffer) else { continue };
        let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
        if request.starts_with("ACK ") || request.starts_with("SIP/2.0") {
            continue;
        }
        let mut answer = String::from("SIP/2.0 200 OK\r\n");
        for line in request.lines().skip(1).take_while(|line| !line.is_empty()) {
            let name = line.split(':').next().unwrap_or_default();
            let tag = if name == "To" && !line.contains(";tag=") { ";tag=callee" } else { "" };
            if ["Via", "Record-Route", "From", "To", "Call-ID", "CSeq"].contains(&name) {
                answer += &format!("{line}{tag}\r\n");
            }
        }
        answer += &format!("Contact: <sip:callee@{local}>\r\nContent-Length: 0\r\n\r\n");
        let _ = socket.send_to(answer.as_bytes(), peer);
    }
}
