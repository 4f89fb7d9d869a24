//! Sockets that systemd holds (`sd_listen_fds`(3)).

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

use crate::managed::{PATIENCE, Scene, Service, any, next, options};

/// A socket of each kind, and the config that names both.
fn held() -> (UdpSocket, TcpListener, Scene) {
    let udp = UdpSocket::bind(any()).expect("a port");
    let tcp = TcpListener::bind(any()).expect("a port");
    let scene = Scene::new(udp.local_addr().expect("an address"), tcp.local_addr().expect("an address"));
    (udp, tcp, scene)
}

/// The program with these sockets where systemd puts them: at 3 and 4.
fn given(scene: &Scene, udp: &UdpSocket, tcp: &TcpListener) -> Command {
    let program = scene.command();
    let mut command = Command::new("bash");
    command
        .args(["-c", "exec 3<&0 4<&1 </dev/null >&2; LISTEN_PID=$$ LISTEN_FDS=2 exec \"$@\"", "bash"])
        .arg(program.get_program())
        .args(program.get_args())
        .envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .stdin(Stdio::from(OwnedFd::from(udp.try_clone().expect("another"))))
        .stdout(Stdio::from(OwnedFd::from(tcp.try_clone().expect("another"))));
    command
}

#[test]
fn what_comes_between_two_processes_is_answered_by_the_next() {
    let (udp, tcp, scene) = held();
    let (at, listens) = (udp.local_addr().expect("an address"), tcp.local_addr().expect("an address"));
    let client = UdpSocket::bind(any()).expect("a port");

    let first = Service::start(given(&scene, &udp, &tcp));
    first.says("ringfence ready");
    // Some of these are read by the one shard and some by the other.
    for n in 0..8 {
        client.send_to(options(&client, at, &format!("during-{n}")).as_bytes(), at).expect("sent");
        let answer = next(&client);
        assert!(answer.starts_with("SIP/2.0 200 "), "{answer}");
    }
    first.stop();

    client.send_to(options(&client, at, "between").as_bytes(), at).expect("sent");
    let mut stream = TcpStream::connect(listens).expect("systemd listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.write_all(options(&client, listens, "stream").replace("/UDP", "/TCP").as_bytes()).expect("written");

    let second = Service::start(given(&scene, &udp, &tcp));
    let answer = next(&client);
    assert!(answer.starts_with("SIP/2.0 200 ") && answer.contains("Call-ID: between\r\n"), "{answer}");
    let mut start = [0; 12];
    stream.read_exact(&mut start).expect("an answer");
    assert_eq!(&start, b"SIP/2.0 200 ");
    second.stop();
}

#[test]
fn a_socket_that_listen_does_not_name_refuses_the_start() {
    let (udp, tcp, _) = held();
    let at = udp.local_addr().expect("an address");
    let other = Scene::new(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0), tcp.local_addr().expect("an address"));
    let mut service = Service::start(given(&other, &udp, &tcp));
    service.says(&format!("the service manager passes a socket at {at}, which sip.listen does not name"));
    assert_eq!(service.ended().code(), Some(1));
}
