//! All transactions of one shard: who is who, which timer is next, and what is to be sent.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;

use super::client::Client;
use super::event::{AckOutcome, Event, FailureOutcome, RespondError, ResponseOutcome, Retransmission};
use super::id::{ClientId, ServerId};
use super::invite_client::InviteClient;
use super::invite_server::InviteServer;
use super::key::ServerKey;
use super::server::Server;
use super::timer::{Deadlines, Fired, Timer, Timings};
use crate::flow::{Flow, KeptFlow};
use crate::prehashed::PrehashedMap;
use crate::slots::Slots;

/// Which of the two kinds of machine a request needs. ACK needs none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// INVITE: three messages, and a person who takes his time.
    Invite,
    /// Every other method, known or not.
    NonInvite,
}

/// A request to be sent in a client transaction of its own.
#[derive(Debug, Clone)]
pub struct ClientRequest<C> {
    /// Its kind.
    pub kind: Kind,
    /// The way it takes, also when it is sent again.
    pub flow: Flow,
    /// The request, with [`Transactions::next_client`] in its branch.
    pub bytes: Bytes,
    /// Whether the bytes stay readable ([`Transactions::request`]) until the transaction ends.
    pub keep: bool,
    /// Whether Timer C bounds the ringing, as in a proxy. Without it only the core ends a ringing INVITE.
    pub timer_c: bool,
    /// What the core wants to find again.
    pub context: C,
}

/// The transactions of one shard. `C` is what the core remembers with each, most likely the number of its call.
#[derive(Debug)]
pub struct Transactions<C> {
    timings: Timings,
    servers: Slots<ServerEntry<C>>,
    clients: Slots<ClientEntry<C>>,
    by_key: PrehashedMap<ServerKey, ServerId>,
    deadlines: Deadlines,
    /// Drained after each call; a call adds a few events for each transaction that it touches.
    events: VecDeque<Event<C>>,
    /// How often a timer sent something again.
    resent: usize,
}

#[derive(Debug)]
struct ServerEntry<C> {
    key: ServerKey,
    flow: KeptFlow,
    context: C,
    machine: ServerMachine,
}

#[derive(Debug)]
enum ServerMachine {
    Invite(InviteServer),
    NonInvite(Server),
}

#[derive(Debug)]
struct ClientEntry<C> {
    flow: KeptFlow,
    context: C,
    machine: ClientMachine,
}

#[derive(Debug)]
enum ClientMachine {
    Invite(InviteClient),
    NonInvite(Client),
}

impl<C: Copy> Transactions<C> {
    /// An empty table.
    pub fn new(timings: Timings) -> Transactions<C> {
        Transactions {
            timings,
            servers: Slots::default(),
            clients: Slots::default(),
            by_key: PrehashedMap::default(),
            deadlines: Deadlines::default(),
            events: VecDeque::new(),
            resent: 0,
        }
    }

    /// How long its timers run.
    pub fn timings(&self) -> &Timings {
        &self.timings
    }
}

/// Requests that came in.
impl<C: Copy> Transactions<C> {
    /// The transaction that a request with this key belongs to.
    pub fn server(&self, key: &ServerKey) -> Option<ServerId> {
        self.by_key.get(key).copied()
    }

    /// Opens the transaction of a new request that came by `flow`; its responses leave by the same.
    ///
    /// Ask [`Transactions::server`] first: a second transaction with one key takes the key over.
    pub fn open_server(&mut self, now: Instant, key: ServerKey, kind: Kind, flow: Flow, context: C) -> ServerId {
        let machine = match kind {
            Kind::Invite => ServerMachine::Invite(InviteServer::open(now, &self.timings)),
            Kind::NonInvite => ServerMachine::NonInvite(Server::open(now, &self.timings)),
        };
        let id = ServerId(self.servers.insert(ServerEntry { key, flow: flow.into(), context, machine }));
        self.by_key.insert(key, id);
        self.settle_server(id);
        id
    }

    /// Handles a request that this transaction has had already: sends the last response again, if it has one.
    ///
    /// `flow` is that of the retransmission. When it comes from the same address on another port or connection,
    /// responses leave by it from now on; a copy from elsewhere changes nothing.
    pub fn handle_retransmission(&mut self, id: ServerId, flow: Flow) -> Retransmission {
        let Some(server) = self.servers.get_mut(id.0) else { return Retransmission::Ended };
        let before = server.flow.get();
        if flow.transport == before.transport && flow.peer_ip() == before.peer_ip() {
            server.flow = flow.into();
        }
        let again = match &server.machine {
            ServerMachine::Invite(machine) => machine.handle_retransmission(),
            ServerMachine::NonInvite(machine) => machine.handle_retransmission(),
        };
        match again {
            Ok(bytes) => {
                self.events.push_back(Event::Send { flow: server.flow.get(), bytes, ticket: None });
                Retransmission::Resent
            }
            Err(outcome) => outcome,
        }
    }

    /// Handles an ACK whose key led to this transaction.
    pub fn handle_ack(&mut self, now: Instant, id: ServerId) -> AckOutcome {
        let Some(server) = self.servers.get_mut(id.0) else { return AckOutcome::PassToCore };
        let outcome = match &mut server.machine {
            ServerMachine::Invite(machine) => {
                machine.handle_ack(now, &self.timings, server.flow.get().transport.is_reliable())
            }
            // An ACK has the key of an INVITE, so the caller mixed up ids.
            ServerMachine::NonInvite(_) => AckOutcome::PassToCore,
        };
        self.settle_server(id);
        outcome
    }

    /// Sends a response of this status (100 to 699), and again where the transaction has to.
    ///
    /// # Errors
    /// The response is not sent after a final one (save for further 2xx to an INVITE) or with a stale id.
    pub fn respond(&mut self, now: Instant, id: ServerId, status: u16, response: Bytes) -> Result<(), RespondError> {
        let server = self.servers.get_mut(id.0).ok_or(RespondError::Ended)?;
        let reliable = server.flow.get().transport.is_reliable();
        match &mut server.machine {
            ServerMachine::Invite(machine) => machine.respond(now, &self.timings, reliable, status, &response)?,
            ServerMachine::NonInvite(machine) => machine.respond(now, &self.timings, reliable, status, &response)?,
        }
        self.events.push_back(Event::Send { flow: server.flow.get(), bytes: response, ticket: None });
        self.settle_server(id);
        Ok(())
    }

    /// The context that the transaction was opened with; `None` when it has ended.
    pub fn server_context(&self, id: ServerId) -> Option<C> {
        self.servers.get(id.0).map(|server| server.context)
    }

    /// The way by which its responses leave; `None` when it has ended.
    pub fn server_flow(&self, id: ServerId) -> Option<Flow> {
        self.servers.get(id.0).map(|server| server.flow.get())
    }

    /// Ends a transaction in whatever state, without a word to the peer.
    pub fn drop_server(&mut self, id: ServerId) {
        let Some(server) = self.servers.remove(id.0) else { return };
        self.deadlines.set(server_owner(id), None);
        if self.by_key.get(&server.key) == Some(&id) {
            self.by_key.remove(&server.key);
        }
        self.events.push_back(Event::ServerEnded { server: id, context: server.context });
    }

    /// After each change: the queue of timers follows, and what has ended goes.
    fn settle_server(&mut self, id: ServerId) {
        let Some(server) = self.servers.get(id.0) else { return };
        if server.machine.is_terminated() {
            self.drop_server(id);
        } else {
            self.deadlines.set(server_owner(id), server.machine.next_timer().map(|(at, _)| at));
        }
    }

    fn handle_server_timer(&mut self, now: Instant, id: ServerId) {
        let Some(server) = self.servers.get_mut(id.0) else { return };
        let Some((_, timer)) = server.machine.next_timer() else { return };
        let context = server.context;
        let fired = match &mut server.machine {
            ServerMachine::Invite(machine) => machine.handle_timer(now, &self.timings, timer),
            ServerMachine::NonInvite(machine) => machine.handle_timer(timer),
        };
        match fired {
            Fired::Resend(bytes) => {
                self.resent += 1;
                self.events.push_back(Event::Send { flow: server.flow.get(), bytes, ticket: None });
            }
            Fired::TryingDue => self.events.push_back(Event::TryingDue { server: id, context }),
            Fired::NoAck => self.events.push_back(Event::NoAck { server: id, context }),
            Fired::Nothing | Fired::TimedOut | Fired::TimerC | Fired::Unanswered => {}
        }
        self.settle_server(id);
    }
}

/// Requests that go out.
impl<C: Copy> Transactions<C> {
    /// The id that the next [`Transactions::open_client`] will give: it has to stand in the branch of that request.
    pub fn next_client(&self) -> ClientId {
        ClientId(self.clients.vacant())
    }

    /// Sends a request.
    pub fn open_client(&mut self, now: Instant, request: ClientRequest<C>) -> ClientId {
        let ClientRequest { kind, flow, bytes, keep, timer_c, context } = request;
        let reliable = flow.transport.is_reliable();
        let machine = match kind {
            Kind::Invite => {
                ClientMachine::Invite(InviteClient::open(now, &self.timings, reliable, &bytes, keep, timer_c))
            }
            Kind::NonInvite => ClientMachine::NonInvite(Client::open(now, &self.timings, reliable, &bytes, keep)),
        };
        let id = ClientId(self.clients.insert(ClientEntry { flow: flow.into(), context, machine }));
        self.events.push_back(Event::Send { flow, bytes, ticket: Some(id) });
        self.settle_client(id);
        id
    }

    /// Handles a response whose branch led to this transaction. The engine has compared the method of CSeq, which
    /// tells a response to CANCEL from one to its INVITE where both bear one branch (RFC 3261 section 17.1.3).
    pub fn handle_response(&mut self, now: Instant, id: ClientId, status: u16) -> ResponseOutcome {
        let Some(client) = self.clients.get_mut(id.0) else { return ResponseOutcome::Ended };
        let reliable = client.flow.get().transport.is_reliable();
        let outcome = match &mut client.machine {
            ClientMachine::Invite(machine) => {
                let (outcome, cancel_now) = machine.handle_response(now, &self.timings, reliable, status);
                if cancel_now {
                    self.events.push_back(Event::CancelNow { client: id, context: client.context });
                }
                if outcome == ResponseOutcome::Absorb
                    && let Some(bytes) = machine.ack_again(status)
                {
                    self.events.push_back(Event::Send { flow: client.flow.get(), bytes, ticket: Some(id) });
                }
                outcome
            }
            ClientMachine::NonInvite(machine) => machine.handle_response(now, &self.timings, reliable, status),
        };
        self.settle_client(id);
        outcome
    }

    /// Sends the ACK to a 300-699, the way its INVITE went, and again for each retransmission of the response.
    /// Whether it was sent: not unless [`ResponseOutcome::PassAndAck`] asked for it.
    pub fn set_ack(&mut self, id: ClientId, ack: Bytes) -> bool {
        let Some(client) = self.clients.get_mut(id.0) else { return false };
        let sent = match &mut client.machine {
            ClientMachine::Invite(machine) => machine.set_ack(client.flow.get().transport.is_reliable(), &ack),
            ClientMachine::NonInvite(_) => false,
        };
        if sent {
            self.events.push_back(Event::Send { flow: client.flow.get(), bytes: ack, ticket: Some(id) });
            self.settle_client(id);
        }
        sent
    }

    /// Handles the news that an [`Event::Send`] with this ticket could not be carried out.
    pub fn client_failed(&mut self, id: ClientId) -> FailureOutcome {
        let Some(client) = self.clients.get_mut(id.0) else { return FailureOutcome::Ignored };
        let outcome = match &mut client.machine {
            ClientMachine::Invite(machine) => machine.handle_failure(),
            ClientMachine::NonInvite(machine) => machine.handle_failure(),
        };
        self.settle_client(id);
        outcome
    }

    /// Asks for an INVITE to be cancelled: [`Event::CancelNow`] says when, at once if a provisional response has come,
    /// else at the first one. From then on a final response is awaited for 64*T1 (RFC 3261 section 9.1).
    ///
    /// `false` when it is too late: a final response has come, or the id is stale or that of another method.
    pub fn cancel(&mut self, now: Instant, id: ClientId) -> bool {
        let Some(client) = self.clients.get_mut(id.0) else { return false };
        let ClientMachine::Invite(machine) = &mut client.machine else { return false };
        let Some(cancel_now) = machine.cancel(now, &self.timings) else { return false };
        if cancel_now {
            self.events.push_back(Event::CancelNow { client: id, context: client.context });
        }
        self.settle_client(id);
        true
    }

    /// Asks for [`Event::Unanswered`] when no response at all has come by `deadline`. Does nothing after a response.
    pub fn try_for(&mut self, id: ClientId, deadline: Instant) {
        let Some(client) = self.clients.get_mut(id.0) else { return };
        match &mut client.machine {
            ClientMachine::Invite(machine) => machine.try_for(deadline),
            ClientMachine::NonInvite(machine) => machine.try_for(deadline),
        }
        self.settle_client(id);
    }

    /// Whether any response has come; `None` when the transaction has ended.
    pub fn is_answered(&self, id: ClientId) -> Option<bool> {
        self.clients.get(id.0).map(|client| match &client.machine {
            ClientMachine::Invite(machine) => machine.is_answered(),
            ClientMachine::NonInvite(machine) => machine.is_answered(),
        })
    }

    /// The request, if it was to be kept.
    pub fn request(&self, id: ClientId) -> Option<&Bytes> {
        match &self.clients.get(id.0)?.machine {
            ClientMachine::Invite(machine) => machine.kept_request(),
            ClientMachine::NonInvite(machine) => machine.kept_request(),
        }
    }

    /// Keeps the request no longer than its retransmission needs it.
    pub fn release_request(&mut self, id: ClientId) {
        match self.clients.get_mut(id.0).map(|client| &mut client.machine) {
            Some(ClientMachine::Invite(machine)) => machine.release_request(),
            Some(ClientMachine::NonInvite(machine)) => machine.release_request(),
            None => {}
        }
    }

    /// Keeps other bytes in place of the request of an INVITE that has had a provisional response and is not sent again.
    pub fn keep_instead(&mut self, id: ClientId, bytes: Bytes) {
        if let Some(ClientMachine::Invite(machine)) = self.clients.get_mut(id.0).map(|client| &mut client.machine) {
            machine.keep_instead(bytes);
        }
    }

    /// The context that the transaction was opened with; `None` when it has ended.
    pub fn client_context(&self, id: ClientId) -> Option<C> {
        self.clients.get(id.0).map(|client| client.context)
    }

    /// The way its request took; `None` when it has ended.
    pub fn client_flow(&self, id: ClientId) -> Option<Flow> {
        self.clients.get(id.0).map(|client| client.flow.get())
    }

    /// Ends a transaction in whatever state. Its late responses become strays.
    pub fn drop_client(&mut self, id: ClientId) {
        let Some(client) = self.clients.remove(id.0) else { return };
        self.deadlines.set(client_owner(id), None);
        self.events.push_back(Event::ClientEnded { client: id, context: client.context });
    }

    fn settle_client(&mut self, id: ClientId) {
        let Some(client) = self.clients.get(id.0) else { return };
        if client.machine.is_terminated() {
            self.drop_client(id);
        } else {
            self.deadlines.set(client_owner(id), client.machine.next_timer().map(|(at, _)| at));
        }
    }

    fn handle_client_timer(&mut self, now: Instant, id: ClientId) {
        let Some(client) = self.clients.get_mut(id.0) else { return };
        let Some((_, timer)) = client.machine.next_timer() else { return };
        let context = client.context;
        let fired = match &mut client.machine {
            ClientMachine::Invite(machine) => machine.handle_timer(now, &self.timings, timer),
            ClientMachine::NonInvite(machine) => machine.handle_timer(now, &self.timings, timer),
        };
        match fired {
            Fired::Resend(bytes) => {
                self.resent += 1;
                self.events.push_back(Event::Send { flow: client.flow.get(), bytes, ticket: Some(id) });
            }
            Fired::TimedOut => self.events.push_back(Event::TimedOut { client: id, context }),
            Fired::TimerC => self.events.push_back(Event::TimerC { client: id, context }),
            Fired::Unanswered => self.events.push_back(Event::Unanswered { client: id, context }),
            Fired::Nothing | Fired::TryingDue | Fired::NoAck => {}
        }
        self.settle_client(id);
    }
}

/// Time and what comes out.
impl<C: Copy> Transactions<C> {
    /// Lets every timer fire that is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        // Ends: a timer that fires is either gone or set to a later time than `now`.
        while let Some((at, owner)) = self.deadlines.first() {
            if at > now {
                break;
            }
            match owner_of(owner) {
                Owner::Server(index) => {
                    let slot = self.servers.tenant_at(index).expect("who ends takes his deadline along");
                    self.handle_server_timer(now, ServerId(slot));
                }
                Owner::Client(index) => {
                    let slot = self.clients.tenant_at(index).expect("who ends takes his deadline along");
                    self.handle_client_timer(now, ClientId(slot));
                }
            }
        }
    }

    /// When [`Transactions::handle_timeout`] has something to do next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.first().map(|(at, _)| at)
    }

    /// What is to be sent or told next; drain it after each call.
    pub fn poll(&mut self) -> Option<Event<C>> {
        self.events.pop_front()
    }

    /// How many server transactions there are.
    pub fn servers(&self) -> usize {
        self.servers.len()
    }

    /// How many client transactions there are.
    pub fn clients(&self) -> usize {
        self.clients.len()
    }

    /// How often a timer has sent a request or a response again.
    pub fn resent(&self) -> usize {
        self.resent
    }

    /// How many transactions there are.
    pub fn len(&self) -> usize {
        self.servers() + self.clients()
    }

    /// Whether every transaction has ended.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many deadlines wait: never more than there are transactions.
    pub fn deadlines(&self) -> usize {
        self.deadlines.len()
    }
}

impl ServerMachine {
    fn is_terminated(&self) -> bool {
        match self {
            ServerMachine::Invite(machine) => machine.is_terminated(),
            ServerMachine::NonInvite(machine) => machine.is_terminated(),
        }
    }

    fn next_timer(&self) -> Option<(Instant, Timer)> {
        match self {
            ServerMachine::Invite(machine) => machine.next_timer(),
            ServerMachine::NonInvite(machine) => machine.next_timer(),
        }
    }
}

impl ClientMachine {
    fn is_terminated(&self) -> bool {
        match self {
            ClientMachine::Invite(machine) => machine.is_terminated(),
            ClientMachine::NonInvite(machine) => machine.is_terminated(),
        }
    }

    fn next_timer(&self) -> Option<(Instant, Timer)> {
        match self {
            ClientMachine::Invite(machine) => machine.next_timer(),
            ClientMachine::NonInvite(machine) => machine.next_timer(),
        }
    }
}

/// Whose a deadline is, by slot.
enum Owner {
    Server(u32),
    Client(u32),
}

/// Servers have the even numbers, clients the odd ones.
fn server_owner(id: ServerId) -> u32 {
    id.0.index << 1
}

fn client_owner(id: ClientId) -> u32 {
    id.0.index << 1 | 1
}

fn owner_of(owner: u32) -> Owner {
    if owner & 1 == 0 { Owner::Server(owner >> 1) } else { Owner::Client(owner >> 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ringing proxied call holds one entry of each kind, their places in the index and in the queue of timers, the
    /// last provisional response and what a CANCEL needs of the request (about 400 and 300 bytes): 1.1 kB together.
    #[test]
    fn a_ringing_call_takes_no_more_than_400_bytes_beside_its_messages() {
        let servers = size_of::<ServerEntry<u32>>() + size_of::<(ServerKey, ServerId)>() * 2;
        let clients = size_of::<ClientEntry<u32>>();
        let timers = 2 * (size_of::<(Instant, u32)>() + 2 * size_of::<u32>());
        println!("server {servers}, client {clients}, timers {timers}");
        assert!(servers + clients + timers <= 400, "server {servers}, client {clients}, timers {timers}");
    }
}
