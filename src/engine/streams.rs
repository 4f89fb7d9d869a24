//! Streams: what becomes of a request whose connection is lost, and which requests are too long for a datagram.
//!
//! A connection that is lost before a final response is a transport error (RFC 3261 sections 16.9 and 18.4), for an INVITE
//! as long as it does not ring. Once it rings, nobody else is tried, and who rings will open a connection of his own to say
//! what came of it (section 18.2.2): Timer C bounds how long that takes. Any other request is neither sent again nor to
//! another target: it may have been done, and its sender is answered 500.

use std::collections::HashMap;

use super::action::Ticket;
use super::failures::Failure;
use super::hops;
use super::proxy::ProxyId;
use super::shard::{Context, Engine};
use crate::flow::{ConnectionId, Flow, Sockets, Transport};
use crate::screen::World;
use crate::sip::Method;
use crate::time::Now;
use crate::transaction::ClientId;

/// The client transactions whose requests are on connections.
#[derive(Debug, Default)]
pub(super) struct Carried {
    by_connection: HashMap<ConnectionId, Clients>,
}

#[derive(Debug, Default)]
struct Clients {
    /// Some of them have ended.
    all: Vec<ClientId>,
    /// Beyond this many those that have ended are taken out.
    most: usize,
}

/// Below this, taking out what has ended gives nothing back that is worth the work.
const LEAST_CLIENTS: usize = 64;

impl Carried {
    /// Adds one, and now and then takes out those that do not live any more: at most twice as many are held as do, and each
    /// is looked at twice.
    fn add(&mut self, connection: ConnectionId, client: ClientId, lives: impl Fn(ClientId) -> bool) {
        let clients = self.by_connection.entry(connection).or_default();
        if clients.all.len() >= clients.most {
            clients.all.retain(|&client| lives(client));
            clients.most = LEAST_CLIENTS.max(2 * clients.all.len());
        }
        clients.all.push(client);
    }

    fn take(&mut self, connection: ConnectionId) -> Vec<ClientId> {
        self.by_connection.remove(&connection).unwrap_or_default().all
    }

    /// How many are held.
    pub(super) fn len(&self) -> usize {
        self.by_connection.values().map(|clients| clients.all.len()).sum()
    }
}

impl Engine {
    pub(super) fn handle_queued(&mut self, ticket: Ticket, connection: ConnectionId) {
        let lives = |client| self.transactions.client_context(client).is_some();
        self.carried.add(connection, ClientId::from(ticket.0), lives);
    }

    pub(super) fn handle_connection_lost(&mut self, now: Now, world: &World, connection: ConnectionId) {
        for client in self.carried.take(connection) {
            match self.transactions.client_context(client) {
                Some(Context::Proxy(id)) => self.handle_branch_lost(now, world, id, client),
                Some(Context::Probe(id)) => self.probe_ended(now, id, client, Err("its connection was lost")),
                Some(Context::Bye | Context::Cancel(_)) | None => {}
            }
        }
    }

    fn handle_branch_lost(&mut self, now: Now, world: &World, id: ProxyId, client: ClientId) {
        let Some(proxy) = self.proxies.get(id.0).filter(|proxy| !proxy.answered && !proxy.ringing) else { return };
        if proxy.method == Method::Invite {
            // It may have arrived: whom it still reaches shall not ring beside the next target.
            self.transactions.cancel(now.mono, client);
            self.branch_failed(now, world, id, client, Failure::Unavailable);
        } else {
            self.conclude_without_answer(now, id, Failure::Unavailable);
        }
    }

    /// The stream that a request takes instead of a way by UDP for which it is too long (RFC 3261 section 18.1.1).
    pub(super) fn stream_instead(&self, flow: &Flow, sockets: &Sockets, length: usize) -> Option<Flow> {
        if flow.transport != Transport::Udp || length <= self.config.stream_above? {
            return None;
        }
        let listener = self.config.listener_for(sockets, Transport::Tcp, flow.peer_ip())?;
        let bound = listener.bind.ip();
        let local = if bound.is_unspecified() { flow.local.ip() } else { bound };
        Some(hops::flow(listener, flow.peer, local))
    }
}
