//! Connections: the table of those that are open, and the way to them from the shards.
//!
//! [`connection`] serves any pair of byte streams, `outbox` has what waits to be written to them, `tls` makes safe ones of those that [`listener`] accepts and that are
//! opened here.

mod connection;
mod listener;
mod outbox;
mod sources;
mod tls;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bytes::Bytes;
use dashmap::DashMap;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::Instant;

use super::post::Post;
use super::tasks::Tasks;
use super::{Listen, StreamLimits, dscp};
use crate::counters::NetCounters;
use crate::engine::{Dscp, Input, Ticket};
use crate::flow::{ConnectionId, Flow, Transport};
use connection::{Connection, QueueError};
use outbox::{Outbox, Outgoing};
use sources::Sources;
use tls::Secured;

pub(super) use listener::{adopt, bind};
pub(super) use tls::Handshakes;

/// Every connection, whoever opened it.
pub(super) struct Streams {
    /// The stream listeners, with the addresses they are bound to.
    listeners: Vec<Listen>,
    limits: StreamLimits,
    post: Arc<Post>,
    tasks: Arc<Tasks>,
    counters: Arc<NetCounters>,
    handshakes: Handshakes,
    by_id: DashMap<ConnectionId, Arc<Connection>>,
    /// Open and opening ones that may still take messages. Its locks are never held across an await.
    by_peer: DashMap<SocketAddr, Vec<Arc<Connection>>>,
    sources: Sources,
    count: AtomicUsize,
    next_id: AtomicU64,
}

/// One in so many of all connections is for those that we open: neighbours are fewer than who may connect to us.
const OWN_SHARE: usize = 8;

/// A message could not be queued; it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unsent;

impl Streams {
    pub(super) fn new(
        listeners: Vec<Listen>,
        limits: StreamLimits,
        post: Arc<Post>,
        tasks: Arc<Tasks>,
        counters: Arc<NetCounters>,
        handshakes: Handshakes,
    ) -> Streams {
        Streams {
            listeners,
            limits,
            post,
            tasks,
            counters,
            handshakes,
            by_id: DashMap::new(),
            by_peer: DashMap::new(),
            sources: Sources::default(),
            count: AtomicUsize::new(0),
            next_id: AtomicU64::new(1),
        }
    }

    /// Queues a message: on the flow's connection, else on an open one to its peer, else on a new one
    /// (RFC 3261 sections 18.1.1 and 18.2.2). What fails later is reported to `shard` by the ticket, and after that the loss
    /// of the connection.
    pub(super) fn send(
        self: &Arc<Self>,
        shard: usize,
        flow: Flow,
        bytes: Bytes,
        ticket: Option<Ticket>,
    ) -> Result<ConnectionId, Unsent> {
        let mut outgoing = Outgoing { bytes, ticket: ticket.map(|ticket| (shard, ticket)) };
        let named = flow.connection.and_then(|id| self.by_id.get(&id).map(|entry| Arc::clone(&entry)));
        if let Some(connection) = named {
            match self.queue(&connection, outgoing) {
                Ok(()) => return Ok(connection.id),
                Err(QueueError::Full) => return Err(Unsent),
                Err(QueueError::Closed(back)) => outgoing = back,
            }
        }
        // The entry stays locked, so that two shards do not open two connections.
        let mut known = self.by_peer.entry(flow.peer).or_default();
        for connection in known.iter().filter(|connection| connection.serves(&flow)) {
            match self.queue(connection, outgoing) {
                Ok(()) => return Ok(connection.id),
                Err(QueueError::Full) => return Err(Unsent),
                Err(QueueError::Closed(back)) => outgoing = back,
            }
        }
        if let Some((connection, outbox)) = self.open(&flow, outgoing) {
            known.push(Arc::clone(&connection));
            self.by_id.insert(connection.id, Arc::clone(&connection));
            drop(known);
            let id = connection.id;
            self.tasks.spawn(Arc::clone(self).connect(connection, outbox, flow));
            return Ok(id);
        }
        drop(known);
        self.by_peer.remove_if(&flow.peer, |_, connections| connections.is_empty());
        self.counters.stream_send_failed.add(1);
        Err(Unsent)
    }

    fn queue(&self, connection: &Connection, outgoing: Outgoing) -> Result<(), QueueError> {
        let queued = connection.queue(outgoing);
        if let Err(QueueError::Full) = queued {
            self.counters.stream_send_full.add(1);
        }
        queued
    }

    /// A connection that is yet to be made, with its first message, if there may be one more.
    fn open(&self, flow: &Flow, first: Outgoing) -> Option<(Arc<Connection>, Outbox)> {
        // A transport without a listener is not spoken: nothing leaves in the clear instead of by TLS.
        self.listeners.iter().find(|listen| listen.id == flow.listener && listen.transport == flow.transport)?;
        if flow.transport == Transport::Tls && flow.identity.is_none() {
            return None;
        }
        if !self.take_place(self.limits.connections) {
            return None;
        }
        let (connection, outbox) = self.connection(flow, None);
        if connection.queue(first).is_err() {
            self.give_place_back(None);
            return None;
        }
        Some((connection, outbox))
    }

    fn connection(&self, flow: &Flow, source: Option<IpAddr>) -> (Arc<Connection>, Outbox) {
        let id = ConnectionId(self.next_id.fetch_add(1, Ordering::Relaxed));
        let (connection, outbox) = Connection::new(id, flow, source);
        (Arc::new(connection), outbox)
    }

    async fn connect(self: Arc<Self>, connection: Arc<Connection>, mut outbox: Outbox, flow: Flow) {
        let listen = self.listeners.iter().find(|listen| listen.id == flow.listener);
        let dscp = listen.map_or(Dscp::default(), |listen| listen.dscp);
        let deadline = Instant::now() + self.limits.connect;
        let opened = tokio::select! {
            opened = tokio::time::timeout_at(deadline, open_socket(&flow, dscp)) => opened.ok().and_then(Result::ok),
            () = self.tasks.stopping() => None,
        };
        let Some((stream, local)) = opened else {
            self.counters.streams_connect_failed.add(1);
            return self.abandon(&connection, &mut outbox).await;
        };
        self.counters.streams_connected.add(1);
        // Under the listener's port, which is what the peer knows us by.
        let local = SocketAddr::new(local.ip(), listen.map_or(local.port(), |listen| listen.bind.port()));
        let Some(identity) = flow.identity else {
            let (read, write) = stream.into_split();
            return self.serve(connection, outbox, local, read, write).await;
        };
        let made = tokio::select! {
            made = self.handshakes.connect(deadline, stream, flow.peer, identity) => made,
            () = self.tasks.stopping() => None,
        };
        let Some(Secured { stream, names }) = made else { return self.abandon(&connection, &mut outbox).await };
        self.handshakes.enter(connection.id, names);
        let (read, write) = tokio::io::split(stream);
        self.serve(connection, outbox, local, read, write).await;
    }

    /// What waits for a connection that cannot be had has failed.
    async fn abandon(&self, connection: &Arc<Connection>, outbox: &mut Outbox) {
        self.forget_peer(connection);
        self.forget(connection, outbox).await;
    }

    /// Takes in a connection that a peer opened, unless there are too many.
    fn accept(self: &Arc<Self>, listen: &Listen, stream: TcpStream, peer: SocketAddr) {
        let Ok(local) = stream.local_addr() else { return };
        if !self.take_place_from(peer.ip()) {
            self.counters.streams_refused.add(1);
            return;
        }
        self.counters.streams_accepted.add(1);
        // Messages are written whole, so waiting for more to come only delays them; without the option they still go.
        let _ = stream.set_nodelay(true);
        let (transport, listener) = (listen.transport, listen.id);
        let flow = Flow { transport, listener, local, peer, connection: None, identity: None };
        if transport == Transport::Tls {
            return self.tasks.spawn(Arc::clone(self).welcome(flow, stream));
        }
        let (connection, outbox) = self.connection(&flow, Some(peer.ip()));
        self.enlist(&connection);
        let (read, write) = stream.into_split();
        self.tasks.spawn(Arc::clone(self).serve(connection, outbox, local, read, write));
    }

    /// The handshake of who connects by TLS; nobody knows the connection before.
    async fn welcome(self: Arc<Self>, flow: Flow, stream: TcpStream) {
        let deadline = Instant::now() + self.limits.connect;
        let made = tokio::select! {
            made = self.handshakes.accept(deadline, stream, flow.peer_ip()) => made,
            () = self.tasks.stopping() => None,
        };
        let Some(Secured { stream, names }) = made else { return self.give_place_back(Some(flow.peer_ip())) };
        let (connection, outbox) = self.connection(&flow, Some(flow.peer_ip()));
        self.enlist(&connection);
        self.handshakes.enter(connection.id, names);
        let (read, write) = tokio::io::split(stream);
        self.serve(connection, outbox, flow.local, read, write).await;
    }

    fn enlist(&self, connection: &Arc<Connection>) {
        self.by_peer.entry(connection.peer).or_default().push(Arc::clone(connection));
        self.by_id.insert(connection.id, Arc::clone(connection));
    }

    /// A place for one more connection, of which there may be `most`.
    fn take_place(&self, most: usize) -> bool {
        let is_free = |count: usize| (count < most).then_some(count + 1);
        self.count.fetch_update(Ordering::AcqRel, Ordering::Acquire, is_free).is_ok()
    }

    fn take_place_from(&self, source: IpAddr) -> bool {
        if !self.sources.take(source, self.limits.per_source) {
            return false;
        }
        // Whoever connects leaves room for those that calls need to have opened.
        let is_taken = self.take_place(self.limits.connections - self.limits.connections / OWN_SHARE);
        if !is_taken {
            self.sources.give_back(source);
        }
        is_taken
    }

    fn give_place_back(&self, source: Option<IpAddr>) {
        self.count.fetch_sub(1, Ordering::AcqRel);
        if let Some(source) = source {
            self.sources.give_back(source);
        }
    }

    /// No new messages for this connection but what names it.
    fn forget_peer(&self, connection: &Arc<Connection>) {
        if let Some(mut known) = self.by_peer.get_mut(&connection.peer) {
            known.retain(|other| other.id != connection.id);
        }
        self.by_peer.remove_if(&connection.peer, |_, known| known.is_empty());
    }

    /// Gives the connection's place back, and reports what it could not write and that it is gone.
    async fn forget(&self, connection: &Connection, outbox: &mut Outbox) {
        self.by_id.remove(&connection.id);
        self.handshakes.forget(connection.id);
        self.give_place_back(connection.source);
        for unsent in outbox.close() {
            self.counters.stream_send_failed.add(1);
            if let Some((shard, ticket)) = unsent {
                self.post.deliver(shard, Input::SendFailed { ticket }).await;
            }
        }
        if connection.has_carried_requests() {
            for shard in 0..self.post.shards() {
                self.post.deliver(shard, Input::ConnectionLost { connection: connection.id }).await;
            }
        }
    }
}

/// Connects from the flow's local address; answers with the address that was taken.
pub(super) async fn open_socket(flow: &Flow, dscp: Dscp) -> std::io::Result<(TcpStream, SocketAddr)> {
    let socket = if flow.peer.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if !flow.local.ip().is_unspecified() {
        socket.bind(SocketAddr::new(flow.local.ip(), 0))?;
    }
    dscp::mark(&socket, flow.peer, dscp)?;
    socket.set_nodelay(true)?;
    let stream = socket.connect(flow.peer).await?;
    let local = stream.local_addr()?;
    Ok((stream, local))
}
