//! A server of a name dies and comes back: probes notice, and calls go by it.

use std::net::UdpSocket;
use std::time::Instant;

use crate::daemon::Daemon;
use crate::uninterrupted::uninterrupted;
use crate::{PATIENCE, answer, answer_busy, call, next, port, rules, socket, start, two_servers};

/// Answers probes at these sockets, and nowhere else, until the metrics have this line.
fn serve_until(daemon: &Daemon, answering: &[&UdpSocket], line: &str) {
    let end = Instant::now() + PATIENCE;
    let mut buffer = [0; 4096];
    while !daemon.get("/metrics").contains(line) {
        assert!(Instant::now() < end, "in vain: {line}\n{}", daemon.get("/v1/trunks"));
        for socket in answering {
            // Each is asked about once a second: this paces the look at the metrics.
            let length = uninterrupted(|| socket.recv(&mut buffer)).expect("a probe");
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if text.starts_with("OPTIONS ") {
                answer(socket, daemon, &text, "200 OK");
            }
        }
    }
}

#[test]
fn calls_leave_a_dead_server_of_a_name_out_until_it_answers_again() {
    let (dies, lives, caller) = (socket("127.0.0.9"), socket("127.0.0.9"), socket("127.0.0.1"));
    let (first, second) = (port(&dies), port(&lives));
    let dns = two_servers(first, second);
    let probed = rules("\"sip:pbx.example.net\"").replace("try_for", "probe = \"1s\"\ntry_for");
    let daemon = start(&dns, &probed);
    let up =
        |port, value: u8| format!("ringfence_target_up{{trunk=\"pbx\",target=\"udp:127.0.0.9:{port}\"}} {value}\n");
    let goes_to = |callee: &UdpSocket, id: &str| {
        call(&caller, &daemon, id);
        let invite = next(callee, id, "INVITE sip:48221234567@pbx.example.net SIP/2.0\r\n");
        answer_busy(callee, &daemon, &invite);
        next(&caller, id, "SIP/2.0 486 ");
    };
    serve_until(&daemon, &[&dies, &lives], &up(second, 1));
    drop(dies);
    serve_until(&daemon, &[&lives], &up(first, 0));
    goes_to(&lives, "around");
    assert!(daemon.get("/metrics").contains("\nringfence_failovers_total 0\n"), "nothing was tried in vain");
    assert!(daemon.get("/v1/trunks").contains("\"state\":\"down\""));

    let back = UdpSocket::bind(("127.0.0.9", first)).expect("its port again");
    back.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    serve_until(&daemon, &[&back, &lives], &up(first, 1));
    goes_to(&back, "again");

    daemon.reload(&rules(&format!("\"sip:127.0.0.9:{second}\"")));
    let end = Instant::now() + PATIENCE;
    while daemon.get("/metrics").contains("ringfence_target_up{") {
        assert!(Instant::now() < end, "what is probed no more is shown");
    }
}
