//! What DNS says about a name.

use std::net::{IpAddr, SocketAddr};

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use crate::flow::Transport;

/// Where a name is: groups of servers, those of one group alike to DNS, the groups in the order in which they are to be
/// tried.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Location(pub(super) Vec<Group>);

/// Servers of one transport and one priority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) transport: Transport,
    pub(super) servers: Vec<Server>,
}

/// A host that offers the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) weight: u16,
    pub(super) port: u16,
    /// Of the preferred family first.
    pub(super) addresses: Vec<IpAddr>,
}

/// A place to send to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) transport: Transport,
    pub(crate) addr: SocketAddr,
}

impl Location {
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|group| group.servers.iter().all(|server| server.addresses.is_empty()))
    }

    /// All places in an order for one request.
    pub(super) fn draw(&self, rng: &mut StdRng) -> Vec<Place> {
        let mut places = Vec::new();
        for group in &self.0 {
            for server in by_weight(&group.servers, rng) {
                let mut addresses = server.addresses.clone();
                // DNS servers rotate addresses so that each gets its share; a cached answer no longer does.
                addresses.shuffle(rng);
                let first_family = server.addresses.first().map(IpAddr::is_ipv4);
                addresses.sort_by_key(|address| Some(address.is_ipv4()) != first_family);
                let addr = |ip| SocketAddr::new(ip, server.port);
                places.extend(addresses.into_iter().map(|ip| Place { transport: group.transport, addr: addr(ip) }));
            }
        }
        places
    }
}

/// Servers of one priority in an order that weights make likely (RFC 2782, "Weight"): those of weight 0 stand first, so
/// that they have a small chance beside others.
fn by_weight<'s>(servers: &'s [Server], rng: &mut StdRng) -> Vec<&'s Server> {
    let mut left: Vec<&Server> = servers.iter().collect();
    left.shuffle(rng);
    left.sort_by_key(|server| server.weight != 0);
    let mut ordered = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let sum: u32 = left.iter().map(|server| u32::from(server.weight)).sum();
        let drawn = rng.random_range(0..=sum);
        let mut running = 0;
        let reached = left.iter().position(|server| {
            running += u32::from(server.weight);
            running >= drawn
        });
        ordered.push(left.remove(reached.unwrap_or_default()));
    }
    ordered
}
