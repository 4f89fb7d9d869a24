//! Whatever happens in whatever order, the transaction layer of section 17 keeps its promises.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use bytes::Bytes;
use proptest::prelude::*;
use ringfence::flow::{Flow, ListenerId, Transport};
use ringfence::transaction::{
    ClientId, ClientRequest, Event, Kind, RequestParts, ResponseOutcome, ServerId, ServerKey, Timings, Transactions,
};

/// One thing that happens; numbers choose among what has been opened so far.
#[derive(Debug, Clone)]
enum Step {
    OpenServer { kind: Kind, transport: Transport },
    Request(usize),
    Ack(usize),
    Respond(usize, u16),
    OpenClient { kind: Kind, transport: Transport, keep: bool },
    Response(usize, u16),
    Fail(usize),
    Cancel(usize),
    TryFor(usize, u64),
    Release(usize),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let kind = prop_oneof![Just(Kind::Invite), Just(Kind::NonInvite)];
    let transport = prop_oneof![Just(Transport::Udp), Just(Transport::Tcp)];
    let status = prop_oneof![Just(100_u16), Just(180), Just(200), Just(302), Just(486), 100_u16..700];
    prop_oneof![
        2 => (kind.clone(), transport.clone()).prop_map(|(kind, transport)| Step::OpenServer { kind, transport }),
        1 => any::<usize>().prop_map(Step::Request),
        1 => any::<usize>().prop_map(Step::Ack),
        2 => (any::<usize>(), status.clone()).prop_map(|(which, status)| Step::Respond(which, status)),
        2 => (kind, transport, any::<bool>())
            .prop_map(|(kind, transport, keep)| Step::OpenClient { kind, transport, keep }),
        4 => (any::<usize>(), status).prop_map(|(which, status)| Step::Response(which, status)),
        1 => any::<usize>().prop_map(Step::Fail),
        1 => any::<usize>().prop_map(Step::Cancel),
        1 => (any::<usize>(), 0_u64..40_000).prop_map(|(which, after)| Step::TryFor(which, after)),
        1 => any::<usize>().prop_map(Step::Release),
        4 => prop_oneof![0_u64..700, 0_u64..40_000, 0_u64..200_000].prop_map(Step::Wait),
    ]
}

struct World {
    now: Instant,
    table: Transactions<u32>,
    servers: Vec<ServerId>,
    clients: Vec<ClientId>,
    ended_servers: HashSet<u32>,
    ended_clients: HashSet<ClientId>,
}

impl World {
    fn new() -> World {
        World {
            now: Instant::now(),
            table: Transactions::new(Timings::default()),
            servers: Vec::new(),
            clients: Vec::new(),
            ended_servers: HashSet::new(),
            ended_clients: HashSet::new(),
        }
    }

    fn take(&mut self, step: Step) {
        let now = self.now;
        match step {
            Step::OpenServer { kind, transport } => {
                let number = u32::try_from(self.servers.len()).unwrap();
                let id = self.table.open_server(now, key(number), kind, flow(transport), number);
                self.servers.push(id);
            }
            Step::Request(which) => {
                if let Some(id) = pick(&self.servers, which) {
                    self.table.handle_retransmission(id, flow(Transport::Udp));
                }
            }
            Step::Ack(which) => {
                if let Some(id) = pick(&self.servers, which) {
                    self.table.handle_ack(now, id);
                }
            }
            Step::Respond(which, status) => {
                if let Some(number) = which.checked_rem(self.servers.len()) {
                    let bytes = Bytes::from(number.to_string());
                    let _ = self.table.respond(now, self.servers[number], status, bytes);
                }
            }
            Step::OpenClient { kind, transport, keep } => {
                let number = u32::try_from(self.clients.len()).unwrap();
                let expected = self.table.next_client();
                let bytes = Bytes::from_static(b"request");
                let request =
                    ClientRequest { kind, flow: flow(transport), bytes, keep, timer_c: true, context: number };
                let id = self.table.open_client(now, request);
                assert_eq!(id, expected);
                self.clients.push(id);
            }
            Step::Response(which, status) => {
                if let Some(id) = pick(&self.clients, which) {
                    let outcome = self.table.handle_response(now, id, status);
                    if outcome == ResponseOutcome::PassAndAck && which % 3 != 0 {
                        assert!(self.table.set_ack(id, Bytes::from_static(b"ACK")));
                    }
                    assert_eq!(outcome == ResponseOutcome::Ended, self.ended_clients.contains(&id));
                }
            }
            Step::Fail(which) => {
                if let Some(id) = pick(&self.clients, which) {
                    self.table.client_failed(id);
                }
            }
            Step::Cancel(which) => {
                if let Some(id) = pick(&self.clients, which) {
                    self.table.cancel(now, id);
                }
            }
            Step::TryFor(which, after) => {
                if let Some(id) = pick(&self.clients, which) {
                    self.table.try_for(id, now + Duration::from_millis(after));
                }
            }
            Step::Release(which) => {
                if let Some(id) = pick(&self.clients, which) {
                    self.table.release_request(id);
                }
            }
            // Late now and then: one call after the whole wait instead of one for each timer.
            Step::Wait(span) if span % 3 == 0 => {
                self.now += Duration::from_millis(span);
                self.table.handle_timeout(self.now);
            }
            Step::Wait(span) => self.run(Duration::from_millis(span)),
        }
        self.check();
    }

    fn run(&mut self, span: Duration) {
        let until = self.now + span;
        while let Some(at) = self.table.poll_timeout().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.table.handle_timeout(self.now);
            self.check();
            assert!(self.table.poll_timeout().is_none_or(|next| next > self.now), "a timer that fires moves on");
        }
        self.now = until;
    }

    fn check(&mut self) {
        while let Some(event) = self.table.poll() {
            match event {
                Event::Send { ticket: Some(client), .. }
                | Event::TimedOut { client, .. }
                | Event::TimerC { client, .. }
                | Event::Unanswered { client, .. }
                | Event::CancelNow { client, .. } => assert!(!self.ended_clients.contains(&client), "{event:?}"),
                Event::Send { ticket: None, ref bytes, .. } => {
                    let number = std::str::from_utf8(bytes).unwrap().parse().unwrap();
                    assert!(!self.ended_servers.contains(&number), "{event:?}");
                }
                Event::TryingDue { context, .. } | Event::NoAck { context, .. } => {
                    assert!(!self.ended_servers.contains(&context), "{event:?}");
                }
                Event::ServerEnded { context, .. } => assert!(self.ended_servers.insert(context), "twice"),
                Event::ClientEnded { client, .. } => assert!(self.ended_clients.insert(client), "twice"),
            }
        }
        assert!(self.table.deadlines() <= self.table.len());
        assert_eq!(self.table.servers(), self.servers.len() - self.ended_servers.len());
        assert_eq!(self.table.clients(), self.clients.len() - self.ended_clients.len());
    }
}

fn pick<T: Copy>(from: &[T], which: usize) -> Option<T> {
    which.checked_rem(from.len()).map(|index| from[index])
}

fn flow(transport: Transport) -> Flow {
    Flow {
        transport,
        listener: ListenerId(0),
        local: "192.0.2.1:5060".parse().unwrap(),
        peer: "192.0.2.2:5060".parse().unwrap(),
        connection: None,
        identity: None,
    }
}

fn key(number: u32) -> ServerKey {
    let parts = RequestParts {
        method: b"INVITE",
        branch: None,
        sent_by_host: b"",
        sent_by_port: None,
        request_uri: b"",
        from_tag: None,
        to_tag: None,
        call_id: b"",
        cseq: number,
        via: b"",
    };
    ServerKey::new(&[1; 16], &parts)
}

proptest! {
    #[test]
    fn the_table_is_empty_timer_c_and_64_t1_after_the_last_event(steps in prop::collection::vec(step(), 0..80)) {
        let mut world = World::new();
        for step in steps {
            world.take(step);
        }
        // Only the core ends a ringing INVITE server transaction.
        for number in 0..world.servers.len() {
            world.take(Step::Respond(number, 480));
        }
        let timings = *world.table.timings();
        world.run(timings.timer_c + timings.transaction_timeout());
        prop_assert!(world.table.is_empty());
        prop_assert_eq!(world.table.deadlines(), 0);
        for number in 0..u32::try_from(world.servers.len()).unwrap() {
            prop_assert_eq!(world.table.server(&key(number)), None);
        }
    }
}
