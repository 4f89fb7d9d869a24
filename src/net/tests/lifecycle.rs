//! What a network does besides: timers, the world in force, its start and its end.

use std::collections::VecDeque;
use std::io::Write;
use std::net::{TcpStream, UdpSocket};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;

use super::{
    Bench, Echo, KEY, PATIENCE, Script, Seen, UDP, assert_closed, client, connect, options, read_exactly, until,
};
use crate::counters::NetCounters;
use crate::engine::Dscp;
use crate::flow::Transport;
use crate::net::{Listen, Net, NetConfig, NetError, StreamLimits};

#[test]
fn timers_fire_when_they_are_due() {
    let script = Script { timer: Some(Duration::from_millis(20)), ..Script::default() };
    let bench = Bench::with("127.0.0.1", 2, script, StreamLimits::default());
    bench.make(Vec::new());
    assert_eq!(bench.next_event(), Seen::Timeout);
    bench.stop();
}

#[test]
fn the_next_message_meets_the_newest_world() {
    let bench = Bench::start("127.0.0.1", 1);
    bench.make(Vec::new());
    assert!(matches!(bench.next(), Seen::Message(..)));
    bench.world.store(Arc::new(Script { timer: Some(Duration::ZERO), ..Script::default() }));
    bench.make(Vec::new());
    assert_eq!(bench.next_event(), Seen::Timeout);
    bench.stop();
}

#[test]
fn a_network_is_alive_while_each_shard_works() {
    let bench = Bench::start("127.0.0.1", 2);
    until("both have made a pass", || bench.net.is_alive());
    until("idle ones are woken", || bench.net.is_alive());
    let trunk = client("127.0.0.1");
    let script = bench.world.load_full();
    let gate = script.gates[0].lock().unwrap();
    trunk.send_to(&options("hold"), bench.udp()).unwrap();
    assert!(matches!(bench.next(), Seen::Message(..)));
    // What it did before it hung.
    bench.net.is_alive();
    assert!((0..100).all(|_| !bench.net.is_alive()));
    drop(gate);
    until("it works again", || bench.net.is_alive());
    bench.stop();
}

#[test]
fn stop_ends_threads_tasks_and_connections_and_frees_the_ports() {
    let bench = Bench::start("127.0.0.1", 3);
    let (udp, tcp) = (bench.udp(), bench.tcp());
    let mut trunk = connect(tcp);
    trunk.write_all(&options("one")).unwrap();
    read_exactly(&mut trunk, &options("one"));
    let Bench { net, runtime, seen, records, .. } = bench;
    let began = Instant::now();
    runtime.block_on(net.stop());
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert_closed(&mut trunk);
    // All cores are gone, and each was asked to finish first.
    let finished = seen.iter().filter(|(_, seen)| *seen == Seen::Finish).count();
    assert_eq!((finished, records.iter().count()), (3, 3));
    UdpSocket::bind(udp).unwrap();
    assert!(TcpStream::connect(tcp).is_err());
}

#[test]
fn an_address_in_use_is_named() {
    let bench = Bench::start("127.0.0.1", 2);
    for (transport, address) in [(Transport::Udp, bench.udp()), (Transport::Tcp, bench.tcp())] {
        let (tell, _seen) = mpsc::channel();
        let core = Echo { index: 0, seen: tell, actions: VecDeque::new(), due: None };
        let config = NetConfig::new(vec![Listen { id: UDP, transport, bind: address, dscp: Dscp::default() }], KEY);
        let world = Arc::new(ArcSwap::from_pointee(Script::default()));
        let started = Net::start(
            config,
            bench.runtime.handle(),
            world,
            vec![core],
            Arc::new(drop),
            Arc::new(NetCounters::default()),
        );
        let kind = std::io::ErrorKind::AddrInUse;
        let error = started.err().unwrap();
        assert_eq!(error, NetError::Listen { transport, address, kind });
        assert!(error.to_string().contains(&format!("{transport}:{address}: the address is in use")), "{error}");
    }
    bench.stop();
}

#[test]
fn the_death_of_a_shard_is_told() {
    let script = Script { panics: true, ..Script::default() };
    let bench = Bench::with("127.0.0.1", 2, script, StreamLimits::default());
    let failed = bench.net.failed();
    bench.make(Vec::new());
    bench.runtime.block_on(async { tokio::time::timeout(PATIENCE, failed).await.unwrap() });
    bench.stop();
}
