//! Where hops are: names through the system's resolver, and our own address towards a neighbour.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use super::Listen;
use super::post::Post;
use super::tasks::Tasks;
use crate::counters::NetCounters;
use crate::engine::{Hop, Host, Input, QueryId};
use crate::flow::ListenerId;

/// What all shards resolve with.
pub(super) struct Lookups {
    /// The listeners, with the addresses they are bound to.
    pub(super) listeners: Vec<Listen>,
    pub(super) post: Arc<Post>,
    pub(super) tasks: Arc<Tasks>,
    pub(super) counters: Arc<NetCounters>,
    running: Semaphore,
}

impl Lookups {
    pub(super) fn new(
        listeners: Vec<Listen>,
        post: Arc<Post>,
        tasks: Arc<Tasks>,
        counters: Arc<NetCounters>,
    ) -> Lookups {
        Lookups { listeners, post, tasks, counters, running: Semaphore::new(LOOKUPS) }
    }
}

/// One shard's resolver.
pub(super) struct Resolver {
    shard: usize,
    lookups: Arc<Lookups>,
    routes: HashMap<IpAddr, (IpAddr, Instant)>,
}

impl Resolver {
    pub(super) fn new(shard: usize, lookups: Arc<Lookups>) -> Resolver {
        Resolver { shard, lookups, routes: HashMap::new() }
    }

    /// The answer, or `None` when it will be delivered to the shard.
    pub(super) fn resolve(
        &mut self,
        now: Instant,
        query: QueryId,
        host: Host,
        port: u16,
        listener: ListenerId,
    ) -> Option<Input> {
        let counters = &self.lookups.counters;
        counters.resolves.add(1);
        let bound = self.lookups.listeners.iter().find(|listen| listen.id == listener).map(|listen| listen.bind);
        let hops = match (bound, host) {
            (Some(bound), Host::Address(address)) => self.hop(now, bound, SocketAddr::new(address, port)),
            (Some(bound), Host::Name(name)) => {
                // A name that takes seconds is asked for once a call, so the number that run at once is bounded.
                if self.lookups.running.available_permits() > 0 {
                    self.look_up(bound, query, name, port);
                    return None;
                }
                None
            }
            (None, _) => None,
        };
        if hops.is_none() {
            self.lookups.counters.resolves_failed.add(1);
        }
        Some(Input::Resolved { query, hops: hops.into_iter().collect() })
    }

    fn look_up(&self, bound: SocketAddr, query: QueryId, name: String, port: u16) {
        let (shard, lookups) = (self.shard, Arc::clone(&self.lookups));
        self.lookups.tasks.spawn(async move {
            let hops = tokio::select! {
                hops = lookups.hops(bound, &name, port) => hops,
                () = lookups.tasks.stopping() => return,
            };
            if hops.is_empty() {
                lookups.counters.resolves_failed.add(1);
            }
            lookups.post.deliver(shard, Input::Resolved { query, hops }).await;
        });
    }

    fn hop(&mut self, now: Instant, bound: SocketAddr, peer: SocketAddr) -> Option<Hop> {
        if !bound.ip().is_unspecified() {
            return hop(bound, peer);
        }
        match self.routes.get(&peer.ip()) {
            Some(&(local, until)) if now < until => return Some(Hop { peer, local }),
            _ => {}
        }
        let hop = hop(bound, peer)?;
        if self.routes.len() >= ROUTES {
            self.routes.clear();
        }
        self.routes.insert(peer.ip(), (hop.local, now + ROUTE_LIFE));
        Some(hop)
    }
}

impl Lookups {
    async fn hops(&self, bound: SocketAddr, name: &str, port: u16) -> Vec<Hop> {
        let Ok(_permit) = self.running.acquire().await else { return Vec::new() };
        match tokio::time::timeout(LOOKUP_TIMEOUT, tokio::net::lookup_host((name, port))).await {
            Ok(Ok(addresses)) => addresses.filter_map(|peer| hop(bound, peer)).take(HOPS).collect(),
            Ok(Err(_)) | Err(_) => Vec::new(),
        }
    }
}

/// The hop to a peer from a listener, when it has the peer's address family and a route.
fn hop(bound: SocketAddr, peer: SocketAddr) -> Option<Hop> {
    if bound.is_ipv4() != peer.is_ipv4() {
        return None;
    }
    let local = if bound.ip().is_unspecified() { route(bound, peer).ok()? } else { bound.ip() };
    Some(Hop { peer, local })
}

/// The address that the kernel would send from. Connecting a UDP socket looks up the route and sends nothing.
fn route(bound: SocketAddr, peer: SocketAddr) -> io::Result<IpAddr> {
    let socket = UdpSocket::bind((bound.ip(), 0))?;
    socket.connect((peer.ip(), peer.port().max(1)))?;
    Ok(socket.local_addr()?.ip())
}

/// Look-ups at once. Each holds a thread of tokio's blocking pool (512 by default), which files use too.
const LOOKUPS: usize = 128;

/// The resolver's own default for one server: after it the next hop may as well be tried.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);

/// Addresses of one name that are worth trying within a caller's patience.
const HOPS: usize = 8;

/// A route changes when an interface does; a moment of the old address is what any long-lived socket has as well.
const ROUTE_LIFE: Duration = Duration::from_secs(5);

/// More neighbours than a proxy has; above it the cache starts anew.
const ROUTES: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_wildcard_listener_names_the_address_that_routes_to_the_peer() {
        let peer = address("127.0.0.9:5060");
        assert_eq!(hop(address("0.0.0.0:5060"), peer), Some(Hop { peer, local: "127.0.0.1".parse().unwrap() }));
    }

    #[test]
    fn a_bound_listener_names_its_own_address() {
        let peer = address("127.0.0.9:5060");
        assert_eq!(hop(address("127.0.0.2:5060"), peer), Some(Hop { peer, local: "127.0.0.2".parse().unwrap() }));
    }

    #[test]
    fn a_peer_of_the_other_address_family_is_no_hop() {
        assert_eq!(hop(address("0.0.0.0:5060"), address("[::1]:5060")), None);
    }
}
