//! Hosts of our own: network namespaces, each joined to the one in which Ringfence runs.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::sched::{CloneFlags, setns};

/// The hosts of one test. They end with it, and with them their links.
pub(crate) struct Lab {
    pub(crate) proxy: Host,
    pub(crate) caller: Host,
    pub(crate) first: Host,
    pub(crate) second: Host,
}

/// A namespace with one link, to the proxy; the proxy itself has all of them.
pub(crate) struct Host {
    name: String,
    /// The proxy's end of its link.
    device: String,
    pub(crate) ip: Ipv4Addr,
}

impl Lab {
    /// `None`, and said so, where the system does not let us.
    pub(crate) fn new() -> Option<Lab> {
        static LABS: AtomicU32 = AtomicU32::new(0);
        let lab = format!("rf{}-{}", std::process::id(), LABS.fetch_add(1, Ordering::Relaxed));
        let host = |role: &str, ip| Host { name: format!("{lab}-{role}"), device: format!("to-{role}"), ip };
        let proxy = host("proxy", Ipv4Addr::new(10, 77, 1, 1));
        if !Command::new("ip").args(["netns", "add", &proxy.name]).status().is_ok_and(|status| status.success()) {
            println!("skipped: no network namespace can be made here");
            return None;
        }
        proxy.run("ip link set lo up");
        let [caller, first, second] = [("caller", 1), ("first", 2), ("second", 3)].map(|(role, net)| {
            let host = host(role, Ipv4Addr::new(10, 77, net, 2));
            let device = &host.device;
            run(Command::new("ip").args(["netns", "add", &host.name]));
            proxy.run(&format!("ip link add {device} type veth peer name wire netns {}", host.name));
            proxy.run(&format!("ip addr add 10.77.{net}.1/24 dev {device}"));
            proxy.run(&format!("ip link set {device} up"));
            host.run("ip link set lo up");
            host.run(&format!("ip addr add {}/24 dev wire", host.ip));
            host.run("ip link set wire up");
            host.run(&format!("ip route add default via 10.77.{net}.1"));
            host
        });
        Some(Lab { proxy, caller, first, second })
    }
}

impl Host {
    pub(crate) fn address(&self, port: u16) -> SocketAddr {
        SocketAddr::new(self.ip.into(), port)
    }

    /// The proxy's end of its link.
    pub(crate) fn proxy(&self, port: u16) -> SocketAddr {
        let [a, b, c, _] = self.ip.octets();
        SocketAddr::from(([a, b, c, 1], port))
    }

    /// A command that runs on this host.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name]).arg(program.as_ref());
        command
    }

    /// Does something on this host: a socket that is opened there stays there.
    pub(crate) fn does<T: Send>(&self, what: impl FnOnce() -> T + Send) -> T {
        let namespace = File::open(format!("/run/netns/{}", self.name)).expect("the namespace");
        let there = || {
            setns(namespace, CloneFlags::CLONE_NEWNET).expect("we may enter it");
            what()
        };
        // The thread ends with it, for whoever is in a namespace stays.
        std::thread::scope(|scope| scope.spawn(there).join().expect("it does not panic"))
    }

    /// From now on nothing that is sent to this host arrives, and nobody is told.
    pub(crate) fn falls_silent(&self) {
        self.run("nft add table inet silence");
        self.run("nft add chain inet silence incoming { type filter hook input priority 0 ; policy drop ; }");
    }

    pub(crate) fn is_heard_again(&self) {
        self.run("nft delete table inet silence");
    }

    /// One packet in ten is lost on the way from the proxy and to it. Nobody is told: what a host drops of its own is an
    /// error to who sends it.
    pub(crate) fn loses_a_tenth(&self, proxy: &Host) {
        for (receiver, device) in [(self, "wire"), (proxy, &*self.device)] {
            receiver.run("nft add table netdev loss");
            receiver.run(&format!(
                "nft add chain netdev loss in {{ type filter hook ingress device {device} priority 0 ; }}"
            ));
            receiver.run("nft add rule netdev loss in meta protocol ip numgen random mod 10 == 0 drop");
        }
    }

    pub(crate) fn loses_its_link(&self) {
        self.run("ip link set wire down");
    }

    fn run(&self, line: &str) {
        let mut words = line.split(' ');
        let mut command = self.command(words.next().unwrap_or_default());
        run(command.args(words));
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.name]).status();
    }
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
