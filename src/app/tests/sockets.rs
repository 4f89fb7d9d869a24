use super::*;
use crate::net::tests::uninterrupted::uninterrupted;

/// All of it, over real sockets: an entry is added over HTTP, and the next call of that caller is declined.
#[test]
fn a_caller_added_at_the_admin_port_is_declined() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ringfence.toml");
    let sockets = "[sip]\nlisten = [\"udp:127.0.0.1:0\", \"tcp:127.0.0.1:0\"]\n[admin]\nlisten = \"127.0.0.1:0\"\n";
    fs::write(&path, format!("{sockets}{CONFIG}").replace("127.0.0.2", "127.0.0.1")).unwrap();
    fs::write(dir.path().join("default.csv"), "number\n").unwrap();
    let daemon = Daemon::start(Runtime::new().unwrap(), &path).unwrap();
    let admin = daemon.admin.local_address().unwrap();
    let sip = daemon.sip.listeners()[0].bind;
    let in_use = StartError::Store(StoreError::InUse { dir: dir.path().join("state") });
    assert_eq!(Daemon::start(Runtime::new().unwrap(), &path).err(), Some(in_use));
    let serving = daemon.serve();

    let url = format!("http://{admin}/v1/lists/default/entries/%2B48600100200");
    assert_eq!(ureq::put(&url).send("").unwrap().status(), 201);
    let caller = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    caller.set_read_timeout(Some(std::time::Duration::from_secs(10))).unwrap();
    let port = caller.local_addr().unwrap().port();
    let invite = format!(
        "INVITE sip:48221234567@{sip} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK1;rport\r\n\
         From: <sip:+48600100200@127.0.0.1>;tag=1\r\nTo: <sip:48221234567@{sip}>\r\nCall-ID: 1@127.0.0.1\r\n\
         CSeq: 1 INVITE\r\nContact: <sip:127.0.0.1:{port}>\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    );
    caller.send_to(invite.as_bytes(), sip).unwrap();
    let mut answer = [0; 2048];
    let length = uninterrupted(|| caller.recv(&mut answer)).unwrap();
    assert!(answer[..length].starts_with(b"SIP/2.0 603 Decline\r\n"), "{}", String::from_utf8_lossy(&answer[..length]));
    let metrics = ureq::get(format!("http://{admin}/metrics")).call().unwrap().body_mut().read_to_string().unwrap();
    for line in [
        "ringfence_blocked_total 1",
        "ringfence_edits_total 1",
        "ringfence_folds_total 0",
        "ringfence_list_entries{list=\"default\"} 1",
        "ringfence_list_edits{list=\"default\"} 1",
        "ringfence_list_edits_not_folded{list=\"abroad\"} 0",
        "ringfence_list_alarm{list=\"default\"} 0",
    ] {
        assert!(metrics.lines().any(|own| own == line), "{line}\n{metrics}");
    }
    assert!(!metrics.contains("00100200"), "{metrics}");
    assert_eq!(ureq::get(format!("http://{admin}/readyz")).call().unwrap().status(), 200);

    // It is in the records as soon as the shard has handed it over.
    let began = std::time::Instant::now();
    for path in ["calls?number=%2B48-600-100-200", "calls?rule=hotline&verdict=decline", "blocked?number=221234567"] {
        let url = format!("http://{admin}/v1/{path}");
        let call = loop {
            let found: serde_json::Value = ureq::get(&url).call().unwrap().body_mut().read_json().unwrap();
            match &found["calls"][0] {
                serde_json::Value::Null if began.elapsed().as_secs() < 20 => std::thread::yield_now(),
                call => break call.clone(),
            }
        };
        assert_eq!((&call["caller"], &call["status"]), (&"48600100200".into(), &603.into()), "{path}");
    }

    serving.stop();
    let files = fs::read_dir(dir.path().join("state/records")).unwrap().map(|file| file.unwrap().path());
    let records: Vec<PathBuf> = files.filter(|file| file.extension().is_some_and(|it| it == "csv")).collect();
    let records = fs::read_to_string(&records[0]).unwrap();
    let lines: Vec<_> = records.lines().collect();
    assert_eq!(lines.len(), 2, "{records}");
    assert!(lines[1].starts_with("call,") && lines[1].contains(",decline,hotline,default,48600100200,"), "{records}");
    assert!(std::net::TcpStream::connect(admin).is_err());
}

#[test]
fn a_taken_sip_port_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ringfence.toml");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let sockets = format!("[sip]\nlisten = [\"tcp:{address}\"]\n[admin]\nlisten = \"127.0.0.1:0\"\n");
    fs::write(&path, format!("{sockets}{CONFIG}")).unwrap();
    fs::write(dir.path().join("default.csv"), "number\n").unwrap();
    let error = Daemon::start(Runtime::new().unwrap(), &path).err().unwrap();
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}
