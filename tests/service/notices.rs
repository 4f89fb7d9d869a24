//! What systemd is told (`sd_notify`(3)).

use std::os::unix::net::UnixDatagram;

use nix::sys::signal::Signal;

use crate::managed::{PATIENCE, Scene, Service, any};
use crate::uninterrupted::uninterrupted;

/// The next notice.
fn next(socket: &UnixDatagram) -> String {
    let mut buffer = [0; 4096];
    let length = uninterrupted(|| socket.recv(&mut buffer)).expect("a notice");
    String::from_utf8_lossy(&buffer[..length]).into_owned()
}

#[test]
fn it_tells_when_calls_are_served_that_its_shards_work_and_when_it_drains() {
    let scene = Scene::new(any(), any());
    let path = scene.dir().join("notify");
    let manager = UnixDatagram::bind(&path).expect("a socket");
    manager.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut command = scene.command();
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "200000");
    let mut service = Service::start(command);
    let ready = next(&manager);
    assert!(ready.starts_with("READY=1\nSTATUS=ringfence ready: udp 127.0.0.1:"), "{ready}");
    for _ in 0..5 {
        assert_eq!(next(&manager).trim_end(), "WATCHDOG=1");
    }
    service.signal(Signal::SIGTERM);
    let stopping = std::iter::repeat_with(|| next(&manager)).find(|notice| !notice.starts_with("WATCHDOG=1"));
    assert_eq!(stopping.as_deref().map(str::trim_end), Some("STOPPING=1\nSTATUS=draining: new calls are refused"));
    assert!(service.ended().success());
}

#[test]
fn it_keeps_its_state_where_systemd_says() {
    let scene = Scene::new(any(), any());
    let service = Service::start(scene.command());
    service.says("ringfence ready");
    assert!(scene.dir().join("state/ringfence.db").exists());
    service.stop();
}
