//! Connections.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};

use socket2::{Domain, Socket, Type};

use crate::ringfence::{Role, Scene};
use crate::{PATIENCE, RULES, calls, memory, metric, other_caller, request, scene, until};

/// Of resident memory: what the allocator and the threads for connections keep.
const GROWTH: u64 = 4 << 20;

/// A connection from an address of ours.
pub(crate) fn connect(scene: &Scene, from: IpAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.bind(&SocketAddr::new(from, 0).into()).expect("a port");
    socket.connect(&scene.address(Role::Ringfence).into()).expect("it listens");
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).expect("a time");
    stream
}

fn invite(stream: &TcpStream, number: u64) -> String {
    request("INVITE", "TCP", stream.local_addr().expect("it is bound"), number)
}

/// All that it says until it closes the connection.
#[track_caller]
fn heard(mut stream: &TcpStream) -> String {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "it is not closed"),
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn who_speaks_slowly_or_half_or_never_holds_up_nobody_and_is_cut_off() {
    let scene = scene();
    let ringfence = scene.start(RULES);
    let other = other_caller(&scene);
    let from = scene.ip(Role::Caller);
    calls(&other);
    let before = memory(&ringfence);
    let mute: Vec<TcpStream> = (0..EACH).map(|_| connect(&scene, from)).collect();
    let half: Vec<TcpStream> = (0..EACH).map(|_| connect(&scene, from)).collect();
    let slow: Vec<TcpStream> = (0..EACH).map(|_| connect(&scene, from)).collect();
    for (number, mut stream) in (0..).zip(&half) {
        let text = invite(stream, number);
        stream.write_all(&text.as_bytes()[..text.len() / 2]).expect("it is open");
    }
    let texts: Vec<String> = (0..).zip(&slow).map(|(number, stream)| invite(stream, 100 + number)).collect();
    for at in 0..100 {
        for (mut stream, text) in slow.iter().zip(&texts) {
            stream.write_all(&text.as_bytes()[at..=at]).expect("it is open");
        }
        calls(&other);
    }
    // Each further byte changes nothing: the clock runs from the first.
    let mut at = 100;
    let cut_off = || metric(&ringfence.metrics(), "ringfence_streams_timed_out_total");
    until("they are cut off", || {
        for (mut stream, text) in slow.iter().zip(&texts) {
            let _ = stream.write_all(&text.as_bytes()[at % text.len()..=at % text.len()]);
        }
        at += 1;
        calls(&other);
        cut_off() == 2 * EACH as u64
    });
    // Who never speaks keeps his place for an hour, and his neighbours keep theirs.
    assert_eq!(cut_off(), 2 * EACH as u64);
    for stream in &mute {
        stream.set_nonblocking(true).expect("a socket");
        let heard = (&mut &*stream).read(&mut [0; 16]).map_err(|error| error.kind());
        assert_eq!(heard, Err(ErrorKind::WouldBlock));
    }
    drop((mute, half, slow));
    settled(&ringfence, before);
    calls(&other);
    ringfence.stop();
}

#[test]
fn garbage_before_a_message_ends_the_connection_and_after_it_the_message_is_answered() {
    let scene = scene();
    let ringfence = scene.start(RULES);
    let other = other_caller(&scene);
    let from = scene.ip(Role::Caller);
    for number in 0..20 {
        let mut stream = connect(&scene, from);
        let text = invite(&stream, number);
        stream.write_all(format!("garbage\r\n\r\n{text}").as_bytes()).expect("it is open");
        assert!(!heard(&stream).contains(" 603 "));
        let mut stream = connect(&scene, from);
        let text = invite(&stream, 100 + number);
        stream.write_all(format!("{text}garbage\r\n\r\n").as_bytes()).expect("it is open");
        assert!(heard(&stream).starts_with("SIP/2.0 603 "));
        calls(&other);
    }
    assert_eq!(metric(&ringfence.metrics(), "ringfence_streams_broken_total"), 40);
    ringfence.stop();
}

#[test]
fn a_declared_length_of_four_gigabytes_costs_nothing() {
    let scene = scene();
    let ringfence = scene.start(RULES);
    let other = other_caller(&scene);
    calls(&other);
    let before = memory(&ringfence);
    let mut streams = Vec::new();
    for number in 0..EACH as u64 {
        for length in ["4294967296", "4294967295", "18446744073709551616", "99999999999999999999999999"] {
            let mut stream = connect(&scene, [scene.ip(Role::Caller), scene.ip(Role::Second)][streams.len() % 2]);
            let text = invite(&stream, number).replace("Content-Length: 0", &format!("Content-Length: {length}"));
            stream.write_all(text.as_bytes()).expect("it is open");
            streams.push(stream);
        }
        calls(&other);
    }
    assert!(memory(&ringfence) <= before + GROWTH, "{before} bytes before, {} now", memory(&ringfence));
    for stream in &streams {
        let heard = heard(stream);
        assert!(heard.starts_with("SIP/2.0 4") || heard.starts_with("SIP/2.0 5"), "{heard}");
    }
    assert_eq!(metric(&ringfence.metrics(), "ringfence_streams_broken_total"), streams.len() as u64);
    drop(streams);
    settled(&ringfence, before);
    ringfence.stop();
}

#[test]
fn thousands_of_connections_that_open_and_end_leave_nothing_behind() {
    let scene = scene();
    let ringfence = scene.start(RULES);
    let other = other_caller(&scene);
    let from = scene.ip(Role::Caller);
    calls(&other);
    let before = memory(&ringfence);
    for round in 0..30 {
        // Most stay within what one address may hold; those beyond are refused and counted.
        let streams: Vec<TcpStream> = (0..100).map(|_| connect(&scene, from)).collect();
        for (number, mut stream) in (0..).zip(streams.iter().step_by(2)) {
            let _ = stream.write_all(&invite(stream, 1_000 * round + number).as_bytes()[..50]);
        }
        drop(streams);
        calls(&other);
    }
    let metrics = settled(&ringfence, before);
    let told =
        metric(&metrics, "ringfence_streams_accepted_total") + metric(&metrics, "ringfence_streams_refused_total");
    assert_eq!(told, 3_000);
    calls(&other);
    ringfence.stop();
}

/// All connections have ended, and memory is where it was; the metrics of then.
#[track_caller]
fn settled(ringfence: &crate::ringfence::Ringfence<'_>, before: u64) -> String {
    let mut metrics = String::new();
    until("connections end", || {
        metrics = ringfence.metrics();
        metric(&metrics, "ringfence_streams_accepted_total") == metric(&metrics, "ringfence_streams_closed_total")
    });
    // The allocator gives pages back some seconds after they were freed.
    until("memory is given back", || memory(ringfence) <= before + GROWTH);
    println!("resident: {before} bytes before, {} after", memory(ringfence));
    metrics
}

/// Of each kind, so that one address may have them all at once.
const EACH: usize = 40;
