//! What is counted outlives a restart, however the process before it ended once it was written.

use std::fs;
use std::net::UdpSocket;

use crate::daemon::Scene;

#[test]
fn a_callees_attempts_outlive_restarts_and_a_damaged_file_stops_no_start() {
    let callee = Busy::start();
    let scene = Scene::new(&format!(
        r#"
[[trunk]]
name = "pbx"
to = ["sip:{}"]
[[campaign]]
name = "offer"
trunks = ["carrier"]
attempts = "1/24h"
[[route]]
name = "out"
trunks = ["carrier"]
to = "pbx"
"#,
        callee.address
    ));
    let mut daemon = scene.start();
    assert_eq!(daemon.caller().call_from(CALLER), BUSY);
    daemon.stop();
    for _ in 0..2 {
        let mut daemon = scene.start();
        assert_eq!(daemon.caller().call_from(CALLER), DECLINED);
        daemon.kill();
    }

    fs::write(scene.path("state/usage"), "nothing that was written").expect("a file");
    let mut daemon = scene.start();
    assert!(daemon.log().contains("state/usage is damaged"), "{}", daemon.log());
    assert_eq!(daemon.caller().call_from(CALLER), BUSY);
    daemon.stop();
    drop(daemon);
    let daemon = scene.start();
    assert!(!daemon.log().contains("damaged"), "{}", daemon.log());
    assert_eq!(daemon.caller().call_from(CALLER), DECLINED);
}

/// A next hop that answers each call with 486, for as long as the test runs.
struct Busy {
    address: std::net::SocketAddr,
}

impl Busy {
    fn start() -> Busy {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let address = socket.local_addr().expect("it is bound");
        std::thread::spawn(move || {
            let mut buffer = [0; 65_535];
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
                if request.starts_with("INVITE ") {
                    let _ = socket.send_to(answer(&request).as_bytes(), from);
                }
            }
        });
        Busy { address }
    }
}

fn answer(invite: &str) -> String {
    let copied = ["Via:", "From:", "To:", "Call-ID:", "CSeq:"];
    let headers = invite.lines().filter(|line| copied.iter().any(|name| line.starts_with(name)));
    let tagged = headers.map(|line| {
        let tag = if line.starts_with("To:") { ";tag=busy" } else { "" };
        format!("{line}{tag}\r\n")
    });
    format!("SIP/2.0 486 Busy Here\r\n{}Content-Length: 0\r\n\r\n", tagged.collect::<String>())
}

const CALLER: &str = "48600100001";

const BUSY: u16 = 486;

/// As a campaign declines.
const DECLINED: u16 = crate::caller::DECLINED;
