//! Names, asked of a server that does what a test says, and of the cache alone, where time is a parameter.

mod cache;
mod questions;
mod weights;

// Shared with the tests of the daemon.
#[path = "../../../../tests/names/dns.rs"]
pub(crate) mod dns;

use std::net::SocketAddr;

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::location::{Group, Location, Place, Server};
use crate::flow::Transport;
use crate::sip::{Scheme, Target, TargetName, Uri};

fn rng() -> StdRng {
    StdRng::seed_from_u64(7)
}

/// The name of a URI.
fn name(uri: &str) -> TargetName {
    let uri = Uri::parse(uri.as_bytes()).unwrap();
    let transport = uri.param(b"transport").and_then(Transport::parse);
    let host = uri.target().unwrap();
    let is_sips = uri.scheme == Scheme::Sips;
    match if is_sips { Target::sips(host, uri.port) } else { Target::new(host, uri.port, transport) } {
        Target::Name(name) => name,
        Target::Address { .. } => panic!("an address"),
    }
}

fn place(text: &str) -> Place {
    let (transport, addr) = text.split_once(':').unwrap();
    Place { transport: Transport::parse(transport.as_bytes()).unwrap(), addr: addr.parse().unwrap() }
}

/// One server that has one address.
fn at(text: &str) -> Location {
    let Place { transport, addr } = place(text);
    Location(vec![Group { transport, servers: vec![server(0, addr)] }])
}

fn server(weight: u16, addr: SocketAddr) -> Server {
    Server { weight, port: addr.port(), addresses: vec![addr.ip()] }
}
