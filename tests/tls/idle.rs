//! A great many connections on which nothing happens.

use std::time::Instant;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::daemon::Daemon;
use crate::messages::invite;
use crate::peer::{Link, PATIENCE, client};
use crate::scene::{Scene, US};

/// As many as a carrier's phones could hold, or what the system lets two processes have open.
fn many() -> usize {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).expect("up to the hard limit anybody may");
    usize::try_from(hard).unwrap_or(usize::MAX).saturating_sub(SPARE).min(24_000)
}

/// Files of the daemon and of the test that are no connections, many of them of other tests at the same time.
const SPARE: usize = 1_000;

/// Below `sip.connections_per_source`.
const PER_ADDRESS: usize = 100;

/// Of resident memory for each; measured: 16 kB.
const MOST_BYTES: u64 = 24 * 1024;

#[test]
fn thousands_of_idle_connections_stay_open_and_take_a_bounded_amount_of_memory() {
    let (scene, many) = (Scene::new(), many());
    let config = client(&scene.authorities(), None);
    let settings = format!(
        "[sip]\nlisten = [\"udp:127.0.0.1:0\", \"tls:127.0.0.1:0\"]\nconnections = {}\n\
         [tls]\ncertificate = \"own.pem\"\nkey = \"own.key\"\nauthorities = \"authorities.pem\"",
        // Seven eighths of them are for who connects.
        many * 8 / 7 + PER_ADDRESS
    );
    let daemon = Daemon::start(scene.into_dir(), &settings, "[[trunk]]\nname = \"all\"\nfrom = [\"127.1.0.0/16\"]\n");
    let connect = |number: usize| {
        let at = number / PER_ADDRESS;
        let from = format!("127.1.{}.{}", at / 256, at % 256);
        let link = Link::tls(&from, daemon.listens("tls"), US, &config);
        link.unwrap_or_else(|error| panic!("connection {number}: {error}"))
    };
    // The first ones bring what is needed once.
    let _first: Vec<Link> = (0..PER_ADDRESS).map(connect).collect();
    let before = daemon.resident();
    let mut links: Vec<Link> = (PER_ADDRESS..many).map(connect).collect();

    let metrics = daemon.get("/metrics");
    for line in [format!("\nringfence_streams_accepted_total {many}\n"), "\nringfence_streams_closed_total 0\n".into()]
    {
        assert!(metrics.contains(&line), "all of them stay open");
    }
    let each = || daemon.resident().saturating_sub(before) / links.len() as u64;
    let began = Instant::now();
    // What handshakes have used is given back within some seconds.
    while each() > MOST_BYTES {
        assert!(began.elapsed() < PATIENCE, "{} bytes each of {many}", each());
    }
    println!("{many} idle TLS connections: {} bytes each", each());
    let last = links.last_mut().expect("many");
    last.send(&invite(last, "last", "sip:48221234567@us.example"));
    last.next("last", "SIP/2.0 404 ");
}
