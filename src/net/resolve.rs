//! Where hops are: names by DNS, and our own address towards a neighbour.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::Listen;
use super::names::{Asked, Dns, DnsConfig, Names, Place, Waiter};
use super::post::Post;
use super::tasks::Tasks;
use crate::counters::NetCounters;
use crate::engine::{Hop, Input, MOST_RESOLVED, QueryId};
use crate::flow::{ListenerId, Sockets};
use crate::sip::{Target, TargetName};

/// What all shards resolve with.
pub(super) struct Lookups {
    /// The listeners, with the addresses they are bound to.
    listeners: Vec<Listen>,
    post: Arc<Post>,
    tasks: Arc<Tasks>,
    counters: Arc<NetCounters>,
    dns: Dns,
    names: Mutex<Names>,
}

impl Lookups {
    pub(super) fn new(
        listeners: Vec<Listen>,
        dns: DnsConfig,
        post: Arc<Post>,
        tasks: Arc<Tasks>,
        counters: Arc<NetCounters>,
    ) -> Lookups {
        let dns = Dns::new(dns, &listeners);
        // What it draws is no secret: the order of servers that DNS holds alike.
        let names = Mutex::new(Names::new(rand::make_rng()));
        Lookups { listeners, post, tasks, counters, dns, names }
    }

    fn names(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks a name up, and tells everyone who waits for it.
    fn look_up(self: &Arc<Self>, name: TargetName) {
        let lookups = Arc::clone(self);
        self.tasks.spawn(async move {
            let found = tokio::select! {
                found = lookups.dns.locate(&name) => found,
                () = lookups.tasks.stopping() => return,
            };
            let told = lookups.names().tell(Instant::now(), &name, found);
            lookups.counters.lookups[told.outcome as usize].add(1);
            lookups.answer(told.answers).await;
        });
    }

    /// Tells those who waited for a name, all at once: a shard that is slow to take its answer holds up no other.
    async fn answer(&self, answers: Vec<(Waiter, Vec<Place>)>) {
        let deliveries = answers.into_iter().map(|(Waiter { shard, query, sockets }, places)| {
            let hops = self.hops(&places, &sockets, |bound, peer| local(bound.bind, peer));
            self.post.deliver(shard, Input::Resolved { query, hops })
        });
        join_all(deliveries).await;
    }

    /// The hops that these places are for these sockets.
    fn hops(
        &self,
        places: &[Place],
        sockets: &Sockets,
        mut local: impl FnMut(&Listen, SocketAddr) -> Option<IpAddr>,
    ) -> Vec<Hop> {
        let of_place = |&Place { transport, addr }: &Place| {
            let fits = |listen: &Listen| listen.transport == transport && listen.bind.is_ipv4() == addr.is_ipv4();
            let socket = sockets.first(&self.listeners, fits)?;
            Some(Hop { listener: socket.id, transport, peer: addr, local: local(socket, addr)? })
        };
        let hops: Vec<Hop> = places.iter().filter_map(of_place).take(MOST_RESOLVED).collect();
        if hops.is_empty() {
            self.counters.resolves_failed.add(1);
        }
        hops
    }
}

/// One shard's resolver.
pub(super) struct Resolver {
    shard: usize,
    lookups: Arc<Lookups>,
    routes: HashMap<(ListenerId, IpAddr), (IpAddr, Instant)>,
}

impl Resolver {
    pub(super) fn new(shard: usize, lookups: Arc<Lookups>) -> Resolver {
        Resolver { shard, lookups, routes: HashMap::new() }
    }

    /// The answer, or `None` when it will be delivered to the shard.
    pub(super) fn resolve(&mut self, now: Instant, query: QueryId, target: Target, sockets: Sockets) -> Option<Input> {
        let Resolver { shard, lookups, routes } = self;
        lookups.counters.resolves.add(1);
        let places = match target {
            Target::Address { transport, addr } => vec![Place { transport, addr }],
            Target::Name(name) => {
                let waiter = Waiter { shard: *shard, query, sockets: sockets.clone() };
                let Asked { places, look_up } = lookups.names().ask(now, &name, waiter);
                if look_up {
                    lookups.look_up(name);
                }
                places?
            }
        };
        let hops = lookups.hops(&places, &sockets, |bound, peer| cached(routes, now, bound, peer));
        Some(Input::Resolved { query, hops })
    }
}

/// Our address towards a peer, from the routes that were looked up lately.
fn cached(
    routes: &mut HashMap<(ListenerId, IpAddr), (IpAddr, Instant)>,
    now: Instant,
    socket: &Listen,
    peer: SocketAddr,
) -> Option<IpAddr> {
    if !socket.bind.ip().is_unspecified() {
        return Some(socket.bind.ip());
    }
    let key = (socket.id, peer.ip());
    match routes.get(&key) {
        Some(&(local, until)) if now < until => return Some(local),
        _ => {}
    }
    let local = local(socket.bind, peer)?;
    if routes.len() >= ROUTES {
        routes.clear();
    }
    routes.insert(key, (local, now + ROUTE_LIFE));
    Some(local)
}

/// Our address towards a peer, when there is a route.
fn local(bound: SocketAddr, peer: SocketAddr) -> Option<IpAddr> {
    if bound.ip().is_unspecified() { route(bound, peer).ok() } else { Some(bound.ip()) }
}

/// The address that the kernel would send from. Connecting a UDP socket looks up the route and sends nothing.
fn route(bound: SocketAddr, peer: SocketAddr) -> io::Result<IpAddr> {
    let socket = UdpSocket::bind((bound.ip(), 0))?;
    socket.connect((peer.ip(), peer.port().max(1)))?;
    Ok(socket.local_addr()?.ip())
}

/// A route changes when an interface does; a moment of the old address is what any long-lived socket has as well.
const ROUTE_LIFE: Duration = Duration::from_secs(5);

/// More neighbours than a proxy has; above it the cache starts anew.
const ROUTES: usize = 4096;

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::engine::Dscp;
    use crate::flow::Transport;

    /// What two shards resolve with that have one UDP socket.
    fn lookups() -> Lookups {
        let listen = Listen {
            id: ListenerId(0),
            transport: Transport::Udp,
            bind: address("127.0.0.1:5060"),
            dscp: Dscp::default(),
        };
        let counters = Arc::new(NetCounters::default());
        let post = Arc::new(Post::new(2, [0; 16], Arc::clone(&counters)).unwrap());
        let tasks = Arc::new(Tasks::new(tokio::runtime::Handle::current()));
        Lookups::new(vec![listen], DnsConfig::default(), post, tasks, counters)
    }

    fn places(count: u8) -> Vec<Place> {
        let addr = |n| SocketAddr::from(([127, 0, 1, n], 5060));
        (0..count).map(|n| Place { transport: Transport::Udp, addr: addr(n) }).collect()
    }

    #[tokio::test]
    async fn a_name_has_more_hops_than_a_request_tries_and_no_more_than_are_probed() {
        let lookups = lookups();
        let count = |places: &[Place]| lookups.hops(places, &Sockets::Any, |bound, _| Some(bound.bind.ip())).len();
        assert_eq!([count(&places(20)), count(&places(200))], [20, MOST_RESOLVED]);
    }

    #[tokio::test]
    async fn a_shard_that_takes_nothing_holds_up_no_answer_to_another() {
        let lookups = lookups();
        while lookups.post.hand_over(0, Input::Reloaded) {}
        let answer = |shard| (Waiter { shard, query: QueryId(1), sockets: Sockets::Any }, places(1));
        let told = lookups.answer(vec![answer(0), answer(1)]).now_or_never();
        assert_eq!(told, None, "the first shard is waited for");
        assert_eq!(lookups.post.lengths()[1], 1);
    }

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_wildcard_listener_names_the_address_that_routes_to_the_peer() {
        let found = local(address("0.0.0.0:5060"), address("127.0.0.9:5060"));
        assert_eq!(found, Some("127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn a_bound_listener_names_its_own_address() {
        let found = local(address("127.0.0.2:5060"), address("127.0.0.9:5060"));
        assert_eq!(found, Some("127.0.0.2".parse().unwrap()));
    }
}
