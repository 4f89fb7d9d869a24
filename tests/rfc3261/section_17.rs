//! RFC 3261 section 17, with RFC 6026 and the timing of RFC 4320, as far as the transaction layer answers for it.
//!
//! | requirement | test |
//! | --- | --- |
//! | 17.1.1.2: the INVITE is sent when the transaction is made | `an_invite_is_sent_at_once` |
//! | 17.1.1.2: A on unreliable transports only, doubled each time, no cap | `timer_a_doubles_without_cap_until_timer_b`, `an_invite_over_a_stream_is_not_retransmitted` |
//! | 17.1.1.2: B on all transports; its end informs the core | `timer_a_doubles_…`, `an_invite_over_a_stream_…` |
//! | 17.1.1.2: a 1xx moves to Proceeding, is passed, and ends retransmission | `a_provisional_response_ends_retransmission_and_is_passed` |
//! | 17.1.1.2: 300-699 moves to Completed, is passed, and gets an ACK | `a_300_to_699_is_passed_and_acknowledged` |
//! | 17.1.1.2: a retransmitted final gets the ACK again and is not passed | `a_retransmitted_final_is_acknowledged_again_and_absorbed` |
//! | 17.1.1.2: D at least 32 s, zero on streams; destroyed then | `timer_d_is_32_seconds_on_udp`, `timer_d_is_zero_on_streams` |
//! | 17.1.1.2: a transport error in Calling or Completed ends it | `a_transport_error_ends_an_unanswered_invite`, `a_transport_error_of_the_ack_ends_the_transaction`, `a_transport_error_after_a_response_means_nothing` |
//! | RFC 6026 7.2: 2xx moves to Accepted; each 2xx is passed | `every_2xx_is_passed_for_64_t1` |
//! | 17.1.2.2: E doubled up to T2, T2 in Proceeding, none on streams | `timer_e_doubles_up_to_t2_until_timer_f`, `timer_e_is_t2_in_proceeding`, `a_non_invite_over_a_stream_is_not_retransmitted` |
//! | 17.1.2.2: F informs the core, also in Proceeding | `timer_e_doubles_…`, `timer_f_ends_a_transaction_in_proceeding` |
//! | 17.1.2.2: a final is passed once; K is T4, zero on streams | `a_final_response_to_a_non_invite_is_passed_once`, `timer_k_is_zero_on_streams` |
//! | 17.1.3: responses match their client transaction only | `a_response_without_transaction_is_a_stray` |
//! | 17.1.4: a transport error informs the core and ends it | `a_transport_error_ends_a_non_invite_without_final` |
//! | 17.2.1: 100 after 200 ms without a response | `trying_is_due_200_ms_after_an_unanswered_invite`, `trying_is_not_due_after_a_response` |
//! | 17.2.1: a retransmitted INVITE gets the last provisional | `a_retransmitted_invite_gets_the_most_recent_provisional_response`, `a_retransmitted_invite_without_response_asks_for_100` |
//! | RFC 6026 7.1: 2xx moves to Accepted, INVITE absorbed, ACK and 2xx to and from the core, L | `an_accepted_invite_is_the_cores_for_64_t1`, `a_2xx_is_not_retransmitted_by_the_transaction` |
//! | 17.2.1: G doubled up to T2, none on streams; H on both | `timer_g_doubles_up_to_t2_until_timer_h`, `a_final_response_over_a_stream_is_not_retransmitted` |
//! | 17.2.1: a retransmitted INVITE in Completed gets the final | `a_retransmitted_invite_gets_the_final_response_again` |
//! | 17.2.1: ACK ends G; I absorbs further ACKs for T4, zero on streams | `an_ack_ends_retransmission_and_timer_i_absorbs_more`, `timer_i_is_zero_on_streams` |
//! | 17.2.2: requests in Trying are discarded | `a_retransmitted_non_invite_without_response_is_discarded` |
//! | 17.2.2: the last response is sent again in Proceeding and Completed | `a_retransmitted_non_invite_gets_the_most_recent_response` |
//! | 17.2.2: other finals are discarded in Completed | `a_second_final_response_is_refused` |
//! | 17.2.2: J is 64*T1, zero on streams | `timer_j_is_64_t1_on_udp`, `timer_j_is_zero_on_streams` |
//! | 17.2.3: a request belongs to the transaction with its key while it lives | `a_request_finds_its_transaction_until_that_ends` (and the unit tests of the key) |
//! | 17.2.4 with RFC 6026: a response that cannot be sent changes nothing | `responses_bear_no_ticket` |
//! | RFC 4320 4.1: 100 to a non-INVITE when Timer E has reached T2 | `trying_is_due_for_a_non_invite_when_timer_e_reaches_t2` |
//! | RFC 4320 4.2: no 408; the transaction ends unanswered | `an_unanswered_non_invite_is_forgotten_without_a_word` |
//! | 16.6, 16.7, 16.8: Timer C, reset by 101-199 | `timer_c_is_reset_by_101_to_199_only`, `after_timer_c_a_final_response_is_awaited_for_64_t1` |
//! | 9.1: CANCEL not before a 1xx; 64*T1 for its effect | `a_cancel_waits_for_the_first_provisional_response`, `a_cancel_goes_at_once_after_a_provisional_response`, `a_cancelled_invite_without_final_ends_after_64_t1`, `it_is_too_late_to_cancel_after_a_final_response` |

use std::time::{Duration, Instant};

use bytes::Bytes;
use ringfence::flow::{ConnectionId, Flow, ListenerId, Transport};
use ringfence::transaction::{
    AckOutcome, ClientId, ClientRequest, Event, FailureOutcome, Kind, RequestParts, RespondError, ResponseOutcome,
    Retransmission, ServerId, ServerKey, Timings, Transactions,
};

const REQUEST: Bytes = Bytes::from_static(b"request");
const ACK: Bytes = Bytes::from_static(b"ACK");
const T1_64: u64 = 32_000;

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

fn key(branch: &[u8]) -> ServerKey {
    let parts = RequestParts {
        method: b"INVITE",
        branch: Some(branch),
        sent_by_host: b"192.0.2.2",
        sent_by_port: None,
        request_uri: b"sip:b@192.0.2.1",
        from_tag: Some(b"f"),
        to_tag: None,
        call_id: b"c",
        cseq: 1,
        via: b"v",
    };
    ServerKey::new(&[7; 16], &parts)
}

/// A table, its clock in milliseconds, and what it said when.
struct Bench {
    base: Instant,
    now: u64,
    table: Transactions<u32>,
    log: Vec<(u64, Event<u32>)>,
}

impl Bench {
    fn new() -> Bench {
        Bench { base: Instant::now(), now: 0, table: Transactions::new(Timings::default()), log: Vec::new() }
    }

    fn at(&self) -> Instant {
        self.base + Duration::from_millis(self.now)
    }

    fn client(&mut self, kind: Kind, transport: Transport) -> ClientId {
        let request =
            ClientRequest { kind, flow: flow(transport), bytes: REQUEST, keep: false, timer_c: true, context: 5 };
        let id = self.table.open_client(self.at(), request);
        self.drain();
        id
    }

    fn server(&mut self, kind: Kind, transport: Transport) -> ServerId {
        let id = self.table.open_server(self.at(), key(b"z9hG4bK1"), kind, flow(transport), 6);
        self.drain();
        id
    }

    fn response(&mut self, id: ClientId, status: u16) -> ResponseOutcome {
        let outcome = self.table.handle_response(self.at(), id, status);
        self.drain();
        outcome
    }

    fn ack_response(&mut self, id: ClientId) {
        assert!(self.table.set_ack(id, ACK));
        self.drain();
    }

    fn respond(&mut self, id: ServerId, status: u16) -> Result<(), RespondError> {
        let outcome = self.table.respond(self.at(), id, status, Bytes::from(status.to_string()));
        self.drain();
        outcome
    }

    fn again(&mut self, id: ServerId, transport: Transport) -> Retransmission {
        let outcome = self.table.handle_retransmission(id, flow(transport));
        self.drain();
        outcome
    }

    fn ack(&mut self, id: ServerId) -> AckOutcome {
        let outcome = self.table.handle_ack(self.at(), id);
        self.drain();
        outcome
    }

    /// Lets time pass, waking exactly when asked to.
    fn run_to(&mut self, until: u64) {
        while let Some(at) = self.table.poll_timeout() {
            let at_ms = u64::try_from((at - self.base).as_millis()).unwrap();
            if at_ms > until {
                break;
            }
            self.now = at_ms;
            self.table.handle_timeout(self.at());
            self.drain();
        }
        self.now = until;
    }

    fn drain(&mut self) {
        while let Some(event) = self.table.poll() {
            self.log.push((self.now, event));
        }
    }

    /// When something was sent.
    fn sent(&self) -> Vec<u64> {
        self.log.iter().filter(|(_, event)| matches!(event, Event::Send { .. })).map(|(at, _)| *at).collect()
    }

    /// When these bytes were sent.
    fn sent_bytes(&self, wanted: &[u8]) -> Vec<u64> {
        let is_wanted = |event: &Event<u32>| matches!(event, Event::Send { bytes, .. } if bytes == wanted);
        self.log.iter().filter(|(_, event)| is_wanted(event)).map(|(at, _)| *at).collect()
    }

    /// What was said beside sends, and when.
    fn told(&self) -> Vec<(u64, Event<u32>)> {
        self.log.iter().filter(|(_, event)| !matches!(event, Event::Send { .. })).cloned().collect()
    }
}

fn timed_out(client: ClientId) -> Event<u32> {
    Event::TimedOut { client, context: 5 }
}

fn client_ended(client: ClientId) -> Event<u32> {
    Event::ClientEnded { client, context: 5 }
}

fn server_ended(server: ServerId) -> Event<u32> {
    Event::ServerEnded { server, context: 6 }
}

const STREAMS: [Transport; 2] = [Transport::Tcp, Transport::Tls];
const ALL: [Transport; 3] = [Transport::Udp, Transport::Tcp, Transport::Tls];
const KINDS: [Kind; 2] = [Kind::Invite, Kind::NonInvite];

mod invite_client {
    use super::*;

    #[test]
    fn an_invite_is_sent_at_once() {
        for transport in ALL {
            let mut bench = Bench::new();
            let expected = bench.table.next_client();
            let id = bench.client(Kind::Invite, transport);
            assert_eq!(id, expected);
            assert_eq!(bench.log, [(0, Event::Send { flow: flow(transport), bytes: REQUEST, ticket: Some(id) })]);
        }
    }

    #[test]
    fn timer_a_doubles_without_cap_until_timer_b() {
        let mut bench = Bench::new();
        let id = bench.client(Kind::Invite, Transport::Udp);
        bench.run_to(100_000);
        assert_eq!(bench.sent(), [0, 500, 1_500, 3_500, 7_500, 15_500, 31_500]);
        assert_eq!(bench.told(), [(T1_64, timed_out(id)), (T1_64, client_ended(id))]);
        assert!(bench.table.is_empty());
    }

    #[test]
    fn an_invite_over_a_stream_is_not_retransmitted() {
        for transport in STREAMS {
            let mut bench = Bench::new();
            let id = bench.client(Kind::Invite, transport);
            bench.run_to(100_000);
            assert_eq!(bench.sent(), [0]);
            assert_eq!(bench.told(), [(T1_64, timed_out(id)), (T1_64, client_ended(id))]);
        }
    }

    #[test]
    fn a_late_call_sends_nothing_that_has_already_timed_out() {
        for kind in KINDS {
            let mut bench = Bench::new();
            let id = bench.client(kind, Transport::Udp);
            bench.now = 40_000;
            bench.table.handle_timeout(bench.at());
            bench.drain();
            assert_eq!(bench.sent(), [0]);
            assert_eq!(bench.told(), [(40_000, timed_out(id)), (40_000, client_ended(id))]);
        }
    }

    #[test]
    fn a_provisional_response_ends_retransmission_and_is_passed() {
        let mut bench = Bench::new();
        let id = bench.client(Kind::Invite, Transport::Udp);
        assert_eq!(bench.table.is_answered(id), Some(false));
        bench.run_to(600);
        assert_eq!(bench.response(id, 100), ResponseOutcome::Pass);
        assert_eq!(bench.table.is_answered(id), Some(true));
        assert_eq!(bench.response(id, 180), ResponseOutcome::Pass);
        bench.run_to(100_000);
        assert_eq!(bench.response(id, 183), ResponseOutcome::Pass);
        assert_eq!(bench.sent(), [0, 500]);
        assert_eq!(bench.told(), [], "neither Timer B nor anything else");
    }

    #[test]
    fn a_300_to_699_is_passed_and_acknowledged() {
        for transport in ALL {
            for status in [300, 404, 503, 699] {
                for ringing in [false, true] {
                    let mut bench = Bench::new();
                    let id = bench.client(Kind::Invite, transport);
                    if ringing {
                        bench.response(id, 180);
                    }
                    assert_eq!(bench.response(id, status), ResponseOutcome::PassAndAck);
                    bench.ack_response(id);
                    let ack = Event::Send { flow: flow(transport), bytes: ACK, ticket: Some(id) };
                    assert_eq!(bench.log[1], (0, ack));
                }
            }
        }
    }

    #[test]
    fn a_retransmitted_final_is_acknowledged_again_and_absorbed() {
        let mut bench = Bench::new();
        let id = bench.client(Kind::Invite, Transport::Udp);
        bench.response(id, 486);
        assert_eq!(bench.response(id, 486), ResponseOutcome::Absorb, "before the ACK is known");
        bench.ack_response(id);
        for at in [500, 1_500] {
            bench.run_to(at);
            assert_eq!(bench.response(id, 486), ResponseOutcome::Absorb);
        }
        assert_eq!(bench.sent_bytes(b"ACK"), [0, 500, 1_500]);
    }

    #[test]
    fn a_completed_invite_absorbs_what_is_no_failure() {
        let mut bench = Bench::new();
        let id = bench.client(Kind::Invite, Transport::Udp);
        bench.response(id, 486);
        bench.ack_response(id);
        assert_eq!(bench.response(id, 180), ResponseOutcome::Absorb);
        assert_eq!(bench.response(id, 200), ResponseOutcome::Absorb);
        assert_eq!(bench.sent_bytes(b"ACK"), [0]);
    }

    #[test]
    fn timer_d_is_32_seconds_on_udp() {
        let mut bench = Bench::new();
        let id = bench.client(Kind::Invite, Transport::Udp);
        bench.run_to(100);
        bench.response(id, 486);
        bench.ack_response(id);
        bench.run_to(32_099);
        assert_eq!(bench.told(), []);
        bench.run_to(32_100);
        assert_eq!(bench.told(), [(32_100, client_ended(id))]);
        assert!(bench.table.is_empty());
    }

    #[test]
    fn timer_d_is_zero_on_streams() {
        for transport in STREAMS {
            let mut bench = Bench::new();
            let id = bench.client(Kind::Invite, transport);
            bench.response(id, 486);
            bench.ack_response(id);
            assert_eq!(bench.told(), [(0, client_ended(id))]);
            assert!(bench.table.is_empty());
        }
    }

    #[test]
    fn without_an_ack_a_stream_transaction_ends_all_the_same() {
        let mut bench = Bench::new();
        let id = bench.client(Kind::Invite, Transport::Tcp);
        bench.response(id, 486);
        bench.run_to(0);
        assert_eq!(bench.told(), [(0, client_ended(id))]);
        assert!(!bench.table.set_ack(id, ACK));
    }

    #[test]
    fn a_transport_error_ends_an_unanswered_invite() {
        let mut bench = Bench::new();
        let id = bench.client(Kind::Invite, Transport::Udp);
        assert_eq!(bench.table.client_failed(id), FailureOutcome::BeforeFinal);
        bench.drain();
        bench.run_to(100_000);
        assert_eq!(bench.sent(), [0]);
        assert_eq!(bench.told(), [(0, client_ended(id))]);
        assert!(bench.table.is_empty());
    }

    #[test]
    fn a_transport_error_of_the_ack_ends_the_transaction() {
        let mut bench = Bench::new();
        let id = bench.client(Kind::Invite, Transport::Udp);
        bench.response(id, 486);
        bench.ack_response(id);
        assert_eq!(bench.table.client_failed(id), FailureOutcome::AfterFinal);
        bench.drain();
        assert_eq!(bench.told(), [(0, client_ended(id))]);
        assert_eq!(bench.table.client_failed(id), FailureOutcome::Ignored);
    }

    #[test]
    fn a_transport_error_after_a_response_means_nothing() {
        for status in [180, 200] {
            let mut bench = Bench::new();
            let id = bench.client(Kind::Invite, Transport::Udp);
            bench.response(id, status);
            assert_eq!(bench.table.client_failed(id), FailureOutcome::Ignored);
            assert_eq!(bench.table.clients(), 1);
        }
    }

    #[test]
    fn every_2xx_is_passed_for_64_t1() {
        for transport in ALL {
            let mut bench = Bench::new();
            let id = bench.client(Kind::Invite, transport);
            bench.response(id, 180);
            bench.run_to(1_000);
            assert_eq!(bench.response(id, 200), ResponseOutcome::Pass);
            bench.run_to(1_000 + T1_64 - 1);
            assert_eq!(bench.response(id, 200), ResponseOutcome::Pass);
            assert_eq!(bench.response(id, 486), ResponseOutcome::Absorb);
            assert_eq!(bench.response(id, 180), ResponseOutcome::Absorb);
            assert_eq!(bench.told(), []);
            bench.run_to(1_000 + T1_64);
            assert_eq!(bench.told(), [(1_000 + T1_64, client_ended(id))]);
            assert_eq!(bench.sent(), [0], "its ACK is no business of the transaction");
            assert_eq!(bench.response(id, 200), ResponseOutcome::Ended);
        }
    }

    #[test]
    fn a_kept_request_is_readable_and_another_is_let_go() {
        let mut bench = Bench::new();
        let bytes = Bytes::from(vec![b'x'; 600]);
        for keep in [false, true] {
            let request = ClientRequest {
                kind: Kind::Invite,
                flow: flow(Transport::Udp),
                bytes: bytes.clone(),
                keep,
                timer_c: true,
                context: 5,
            };
            let id = bench.table.open_client(bench.at(), request);
            bench.log.clear();
            while bench.table.poll().is_some() {}
            bench.response(id, 180);
            assert_eq!(bench.table.request(id), Some(&bytes).filter(|_| keep));
            assert_eq!(bytes.is_unique(), !keep, "an answered request is dropped unless it was to be kept");
            bench.table.release_request(id);
            assert!(bytes.is_unique());
        }
    }
}

mod timer_c_and_cancel {
    use super::*;

    const TIMER_C: u64 = 181_000;

    fn timer_c(client: ClientId) -> Event<u32> {
        Event::TimerC { client, context: 5 }
    }

    fn cancel_now(client: ClientId) -> Event<u32> {
        Event::CancelNow { client, context: 5 }
    }

    #[test]
    fn timer_c_is_reset_by_101_to_199_only() {
        for (status, expected) in [(100, TIMER_C), (101, 20_000 + TIMER_C), (199, 20_000 + TIMER_C)] {
            for before in [None, Some(100)] {
                let mut bench = Bench::new();
                let id = bench.client(Kind::Invite, Transport::Udp);
                if let Some(before) = before {
                    bench.response(id, before);
                }
                bench.run_to(20_000);
                bench.response(id, status);
                bench.run_to(expected);
                assert_eq!(bench.told(), [(expected, timer_c(id))]);
            }
        }
        assert!(Timings::TIMER_C > Duration::from_secs(180));
    }

    #[test]
    fn after_timer_c_a_final_response_is_awaited_for_64_t1() {
        for cancelled in [false, true] {
            let mut bench = Bench::new();
            let id = bench.client(Kind::Invite, Transport::Udp);
            bench.response(id, 180);
            bench.run_to(TIMER_C);
            let mut expected = vec![(TIMER_C, timer_c(id))];
            if cancelled {
                assert!(bench.table.cancel(bench.at(), id));
                bench.drain();
                expected.push((TIMER_C, cancel_now(id)));
            }
            bench.run_to(TIMER_C + 1_000);
            assert_eq!(bench.response(id, 180), ResponseOutcome::Pass, "it prolongs nothing");
            bench.run_to(TIMER_C + T1_64);
            expected.extend([(TIMER_C + T1_64, timed_out(id)), (TIMER_C + T1_64, client_ended(id))]);
            assert_eq!(bench.told(), expected);
            assert!(bench.table.is_empty());
        }
    }

    #[test]
    fn a_user_agents_invite_rings_without_end() {
        let mut bench = Bench::new();
        let request = ClientRequest {
            kind: Kind::Invite,
            flow: flow(Transport::Udp),
            bytes: REQUEST,
            keep: false,
            timer_c: false,
            context: 5,
        };
        let id = bench.table.open_client(bench.at(), request);
        bench.drain();
        bench.response(id, 180);
        assert_eq!(bench.table.poll_timeout(), None);
        bench.table.drop_client(id);
        bench.drain();
        assert_eq!(bench.told(), [(0, client_ended(id))]);
    }

    #[test]
    fn a_cancel_waits_for_the_first_provisional_response() {
        let mut bench = Bench::new();
        let id = bench.client(Kind::Invite, Transport::Udp);
        bench.run_to(100);
        assert!(bench.table.cancel(bench.at(), id));
        assert!(bench.table.cancel(bench.at(), id));
        bench.drain();
        assert_eq!(bench.told(), []);
        bench.run_to(600);
        assert_eq!(bench.sent(), [0, 500], "until a response comes the INVITE may still be lost");
        bench.response(id, 100);
        assert_eq!(bench.told(), [(600, cancel_now(id))]);
        bench.response(id, 180);
        assert!(bench.table.cancel(bench.at(), id));
        bench.drain();
        assert_eq!(bench.told(), [(600, cancel_now(id))], "once");
        assert_eq!(bench.response(id, 487), ResponseOutcome::PassAndAck);
    }

    #[test]
    fn a_cancel_goes_at_once_after_a_provisional_response() {
        let mut bench = Bench::new();
        let id = bench.client(Kind::Invite, Transport::Udp);
        bench.response(id, 180);
        bench.run_to(5_000);
        assert!(bench.table.cancel(bench.at(), id));
        bench.drain();
        assert_eq!(bench.told(), [(5_000, cancel_now(id))]);
    }

    #[test]
    fn a_cancelled_invite_without_final_ends_after_64_t1() {
        let mut bench = Bench::new();
        let id = bench.client(Kind::Invite, Transport::Udp);
        bench.response(id, 180);
        bench.run_to(5_000);
        bench.table.cancel(bench.at(), id);
        bench.run_to(100_000);
        assert_eq!(bench.told()[1..], [(5_000 + T1_64, timed_out(id)), (5_000 + T1_64, client_ended(id))]);
    }

    #[test]
    fn a_cancelled_invite_without_any_response_ends_with_timer_b() {
        let mut bench = Bench::new();
        let id = bench.client(Kind::Invite, Transport::Udp);
        bench.run_to(5_000);
        assert!(bench.table.cancel(bench.at(), id));
        bench.run_to(100_000);
        assert_eq!(bench.told(), [(T1_64, timed_out(id)), (T1_64, client_ended(id))]);
    }

    #[test]
    fn it_is_too_late_to_cancel_after_a_final_response() {
        for status in [200, 486] {
            let mut bench = Bench::new();
            let id = bench.client(Kind::Invite, Transport::Udp);
            bench.response(id, status);
            assert!(!bench.table.cancel(bench.at(), id));
            bench.drain();
            assert_eq!(bench.told(), []);
        }
        let mut bench = Bench::new();
        let id = bench.client(Kind::NonInvite, Transport::Udp);
        assert!(!bench.table.cancel(bench.at(), id), "only an INVITE is cancelled");
    }

    #[test]
    fn a_cancel_that_waits_is_void_when_the_first_response_is_final() {
        for status in [200, 486] {
            let mut bench = Bench::new();
            let id = bench.client(Kind::Invite, Transport::Udp);
            bench.table.cancel(bench.at(), id);
            bench.response(id, status);
            assert_eq!(bench.told(), []);
        }
    }
}

mod try_for {
    use super::*;

    #[test]
    fn an_unanswered_request_is_reported_and_lives_on() {
        for kind in KINDS {
            let mut bench = Bench::new();
            let id = bench.client(kind, Transport::Udp);
            bench.table.try_for(id, bench.at() + Duration::from_secs(4));
            bench.run_to(5_000);
            assert_eq!(bench.told(), [(4_000, Event::Unanswered { client: id, context: 5 })]);
            assert_eq!(bench.response(id, 100), ResponseOutcome::Pass);
        }
    }

    #[test]
    fn any_response_in_time_ends_the_deadline() {
        for kind in KINDS {
            let mut bench = Bench::new();
            let id = bench.client(kind, Transport::Udp);
            bench.table.try_for(id, bench.at() + Duration::from_secs(4));
            bench.run_to(3_999);
            bench.response(id, 100);
            bench.table.try_for(id, bench.at() + Duration::from_secs(4));
            bench.run_to(20_000);
            assert_eq!(bench.told(), []);
        }
    }
}

mod non_invite_client {
    use super::*;

    #[test]
    fn timer_e_doubles_up_to_t2_until_timer_f() {
        let mut bench = Bench::new();
        let id = bench.client(Kind::NonInvite, Transport::Udp);
        bench.run_to(100_000);
        assert_eq!(bench.sent(), [0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]);
        assert_eq!(bench.told(), [(T1_64, timed_out(id)), (T1_64, client_ended(id))]);
    }

    #[test]
    fn timer_e_is_t2_in_proceeding() {
        let mut bench = Bench::new();
        let id = bench.client(Kind::NonInvite, Transport::Udp);
        bench.run_to(600);
        assert_eq!(bench.response(id, 100), ResponseOutcome::Pass);
        bench.run_to(14_000);
        assert_eq!(bench.sent(), [0, 500, 1_500, 5_500, 9_500, 13_500]);
    }

    #[test]
    fn timer_f_ends_a_transaction_in_proceeding() {
        for transport in ALL {
            let mut bench = Bench::new();
            let id = bench.client(Kind::NonInvite, transport);
            bench.response(id, 100);
            bench.run_to(100_000);
            assert_eq!(bench.told(), [(T1_64, timed_out(id)), (T1_64, client_ended(id))]);
        }
    }

    #[test]
    fn a_non_invite_over_a_stream_is_not_retransmitted() {
        for transport in STREAMS {
            let mut bench = Bench::new();
            let id = bench.client(Kind::NonInvite, transport);
            bench.run_to(100_000);
            assert_eq!(bench.sent(), [0]);
            assert_eq!(bench.told(), [(T1_64, timed_out(id)), (T1_64, client_ended(id))]);
        }
    }

    #[test]
    fn a_final_response_to_a_non_invite_is_passed_once() {
        for ringing in [false, true] {
            let mut bench = Bench::new();
            let id = bench.client(Kind::NonInvite, Transport::Udp);
            if ringing {
                bench.response(id, 100);
            }
            assert_eq!(bench.response(id, 200), ResponseOutcome::Pass);
            bench.run_to(4_999);
            assert_eq!(bench.response(id, 200), ResponseOutcome::Absorb);
            assert_eq!(bench.response(id, 100), ResponseOutcome::Absorb);
            bench.run_to(100_000);
            assert_eq!(bench.sent(), [0]);
            assert_eq!(bench.told(), [(5_000, client_ended(id))], "Timer K is T4");
        }
    }

    #[test]
    fn timer_k_is_zero_on_streams() {
        for transport in STREAMS {
            let mut bench = Bench::new();
            let id = bench.client(Kind::NonInvite, transport);
            assert_eq!(bench.response(id, 200), ResponseOutcome::Pass);
            assert_eq!(bench.told(), [(0, client_ended(id))]);
            assert!(bench.table.is_empty());
        }
    }

    #[test]
    fn a_response_without_transaction_is_a_stray() {
        let mut bench = Bench::new();
        let first = bench.client(Kind::NonInvite, Transport::Tcp);
        bench.response(first, 200);
        let second = bench.client(Kind::NonInvite, Transport::Tcp);
        assert_ne!(first, second);
        assert_eq!(bench.response(first, 200), ResponseOutcome::Ended);
        assert_eq!(bench.response(ClientId::from(u64::MAX), 200), ResponseOutcome::Ended);
        assert_eq!(bench.response(second, 200), ResponseOutcome::Pass);
    }

    #[test]
    fn a_transport_error_ends_a_non_invite_without_final() {
        for ringing in [false, true] {
            let mut bench = Bench::new();
            let id = bench.client(Kind::NonInvite, Transport::Udp);
            if ringing {
                bench.response(id, 100);
            }
            assert_eq!(bench.table.client_failed(id), FailureOutcome::BeforeFinal);
            bench.drain();
            assert_eq!(bench.told(), [(0, client_ended(id))]);
        }
        let mut bench = Bench::new();
        let id = bench.client(Kind::NonInvite, Transport::Udp);
        bench.response(id, 200);
        assert_eq!(bench.table.client_failed(id), FailureOutcome::Ignored);
    }
}

mod invite_server {
    use super::*;

    #[test]
    fn trying_is_due_200_ms_after_an_unanswered_invite() {
        let mut bench = Bench::new();
        let id = bench.server(Kind::Invite, Transport::Udp);
        bench.run_to(100_000);
        assert_eq!(bench.told(), [(200, Event::TryingDue { server: id, context: 6 })]);
        assert!(bench.sent().is_empty());
    }

    #[test]
    fn trying_is_not_due_after_a_response() {
        for (kind, status) in [(Kind::Invite, 180), (Kind::Invite, 200), (Kind::NonInvite, 100), (Kind::NonInvite, 200)]
        {
            let mut bench = Bench::new();
            let id = bench.server(kind, Transport::Udp);
            bench.respond(id, status).unwrap();
            bench.run_to(20_000);
            assert_eq!(bench.told(), []);
        }
    }

    #[test]
    fn a_retransmitted_invite_without_response_asks_for_100() {
        let mut bench = Bench::new();
        let id = bench.server(Kind::Invite, Transport::Udp);
        assert_eq!(bench.again(id, Transport::Udp), Retransmission::Unanswered);
        assert!(bench.sent().is_empty());
    }

    #[test]
    fn a_retransmitted_invite_gets_the_most_recent_provisional_response() {
        let mut bench = Bench::new();
        let id = bench.server(Kind::Invite, Transport::Udp);
        bench.respond(id, 100).unwrap();
        bench.run_to(300);
        bench.respond(id, 180).unwrap();
        bench.run_to(500);
        assert_eq!(bench.again(id, Transport::Udp), Retransmission::Resent);
        assert_eq!(bench.sent_bytes(b"100"), [0]);
        assert_eq!(bench.sent_bytes(b"180"), [300, 500]);
    }

    #[test]
    fn an_accepted_invite_is_the_cores_for_64_t1() {
        for transport in ALL {
            let mut bench = Bench::new();
            let id = bench.server(Kind::Invite, transport);
            bench.respond(id, 200).unwrap();
            bench.run_to(T1_64 - 1);
            assert_eq!(bench.again(id, transport), Retransmission::Absorbed);
            assert_eq!(bench.ack(id), AckOutcome::PassToCore);
            assert_eq!(bench.respond(id, 200), Ok(()), "a further 2xx is passed on");
            for status in [180, 302, 486, 603] {
                assert_eq!(bench.respond(id, status), Err(RespondError::AfterFinal));
            }
            assert_eq!(bench.sent(), [0, T1_64 - 1]);
            assert_eq!(bench.told(), []);
            bench.run_to(T1_64);
            assert_eq!(bench.told(), [(T1_64, server_ended(id))], "Timer L counts from the first 2xx");
            assert_eq!(bench.respond(id, 200), Err(RespondError::Ended));
            assert_eq!(bench.ack(id), AckOutcome::PassToCore);
        }
    }

    #[test]
    fn a_2xx_is_not_retransmitted_by_the_transaction() {
        let mut bench = Bench::new();
        let id = bench.server(Kind::Invite, Transport::Udp);
        bench.respond(id, 200).unwrap();
        bench.run_to(100_000);
        assert_eq!(bench.sent(), [0]);
    }

    #[test]
    fn timer_g_doubles_up_to_t2_until_timer_h() {
        for status in [300, 486, 699] {
            let mut bench = Bench::new();
            let id = bench.server(Kind::Invite, Transport::Udp);
            bench.respond(id, status).unwrap();
            bench.run_to(100_000);
            assert_eq!(bench.sent(), [0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]);
            assert_eq!(bench.told(), [(T1_64, Event::NoAck { server: id, context: 6 }), (T1_64, server_ended(id))]);
            assert!(bench.table.is_empty());
        }
    }

    #[test]
    fn a_final_response_over_a_stream_is_not_retransmitted() {
        for transport in STREAMS {
            let mut bench = Bench::new();
            let id = bench.server(Kind::Invite, transport);
            bench.respond(id, 486).unwrap();
            bench.run_to(100_000);
            assert_eq!(bench.sent(), [0]);
            assert_eq!(bench.told(), [(T1_64, Event::NoAck { server: id, context: 6 }), (T1_64, server_ended(id))]);
        }
    }

    #[test]
    fn a_late_call_sends_no_response_that_nobody_awaits() {
        let mut bench = Bench::new();
        let id = bench.server(Kind::Invite, Transport::Udp);
        bench.respond(id, 486).unwrap();
        bench.now = 40_000;
        bench.table.handle_timeout(bench.at());
        bench.drain();
        assert_eq!(bench.sent(), [0]);
        assert!(bench.table.is_empty());
    }

    #[test]
    fn a_retransmitted_invite_gets_the_final_response_again() {
        let mut bench = Bench::new();
        let id = bench.server(Kind::Invite, Transport::Udp);
        bench.respond(id, 180).unwrap();
        bench.respond(id, 486).unwrap();
        bench.run_to(100);
        assert_eq!(bench.again(id, Transport::Udp), Retransmission::Resent);
        assert_eq!(bench.sent_bytes(b"486"), [0, 100]);
        assert_eq!(bench.respond(id, 180), Err(RespondError::AfterFinal));
        assert_eq!(bench.respond(id, 200), Err(RespondError::AfterFinal));
    }

    #[test]
    fn an_ack_ends_retransmission_and_timer_i_absorbs_more() {
        let mut bench = Bench::new();
        let id = bench.server(Kind::Invite, Transport::Udp);
        assert_eq!(bench.ack(id), AckOutcome::Absorbed, "nothing to acknowledge yet");
        bench.respond(id, 486).unwrap();
        bench.run_to(600);
        assert_eq!(bench.ack(id), AckOutcome::Absorbed);
        bench.run_to(5_599);
        assert_eq!(bench.ack(id), AckOutcome::Absorbed);
        assert_eq!(bench.again(id, Transport::Udp), Retransmission::Absorbed);
        assert_eq!(bench.respond(id, 486), Err(RespondError::AfterFinal));
        bench.run_to(100_000);
        assert_eq!(bench.sent(), [0, 500]);
        assert_eq!(bench.told(), [(5_600, server_ended(id))], "Timer I is T4, from the first ACK");
    }

    #[test]
    fn timer_i_is_zero_on_streams() {
        for transport in STREAMS {
            let mut bench = Bench::new();
            let id = bench.server(Kind::Invite, transport);
            bench.respond(id, 486).unwrap();
            assert_eq!(bench.ack(id), AckOutcome::Absorbed);
            assert_eq!(bench.told(), [(0, server_ended(id))]);
            assert!(bench.table.is_empty());
        }
    }

    #[test]
    fn responses_bear_no_ticket() {
        let mut bench = Bench::new();
        let id = bench.server(Kind::Invite, Transport::Tcp);
        bench.respond(id, 180).unwrap();
        let bytes = Bytes::from_static(b"180");
        assert_eq!(bench.log, [(0, Event::Send { flow: flow(Transport::Tcp), bytes, ticket: None })]);
    }

    #[test]
    fn responses_follow_a_peer_to_its_new_connection_but_not_to_another_address() {
        let mut bench = Bench::new();
        let id = bench.server(Kind::Invite, Transport::Tcp);
        bench.respond(id, 180).unwrap();
        bench.log.clear();
        let moved = Flow { connection: Some(ConnectionId(9)), ..flow(Transport::Tcp) };
        let stranger = flow(Transport::Tcp).towards("203.0.113.9:5060".parse().unwrap());
        for from in [moved, stranger] {
            bench.table.handle_retransmission(id, from);
            bench.drain();
            let bytes = Bytes::from_static(b"180");
            assert_eq!(bench.log.pop(), Some((0, Event::Send { flow: moved, bytes, ticket: None })));
        }
    }
}

mod non_invite_server {
    use super::*;

    #[test]
    fn a_retransmitted_non_invite_without_response_is_discarded() {
        let mut bench = Bench::new();
        let id = bench.server(Kind::NonInvite, Transport::Udp);
        assert_eq!(bench.again(id, Transport::Udp), Retransmission::Unanswered);
        assert_eq!(bench.log, []);
    }

    #[test]
    fn a_retransmitted_non_invite_gets_the_most_recent_response() {
        let mut bench = Bench::new();
        let id = bench.server(Kind::NonInvite, Transport::Udp);
        for (at, status) in [(4_000, 100), (5_000, 183), (6_000, 200)] {
            bench.run_to(at);
            bench.respond(id, status).unwrap();
            assert_eq!(bench.again(id, Transport::Udp), Retransmission::Resent);
            assert_eq!(bench.sent_bytes(status.to_string().as_bytes()), [at, at]);
        }
    }

    #[test]
    fn a_second_final_response_is_refused() {
        let mut bench = Bench::new();
        let id = bench.server(Kind::NonInvite, Transport::Udp);
        bench.respond(id, 200).unwrap();
        for status in [100, 200, 404] {
            assert_eq!(bench.respond(id, status), Err(RespondError::AfterFinal));
        }
        assert_eq!(bench.sent(), [0]);
    }

    #[test]
    fn timer_j_is_64_t1_on_udp() {
        let mut bench = Bench::new();
        let id = bench.server(Kind::NonInvite, Transport::Udp);
        bench.run_to(1_000);
        bench.respond(id, 200).unwrap();
        bench.run_to(1_000 + T1_64 - 1);
        assert_eq!(bench.again(id, Transport::Udp), Retransmission::Resent);
        bench.run_to(100_000);
        assert_eq!(bench.sent(), [1_000, 1_000 + T1_64 - 1]);
        assert_eq!(bench.told(), [(1_000 + T1_64, server_ended(id))]);
    }

    #[test]
    fn timer_j_is_zero_on_streams() {
        for transport in STREAMS {
            let mut bench = Bench::new();
            let id = bench.server(Kind::NonInvite, transport);
            bench.respond(id, 200).unwrap();
            assert_eq!(bench.sent(), [0]);
            assert_eq!(bench.told(), [(0, server_ended(id))]);
            assert!(bench.table.is_empty());
        }
    }

    #[test]
    fn trying_is_due_for_a_non_invite_when_timer_e_reaches_t2() {
        for transport in ALL {
            let mut bench = Bench::new();
            let id = bench.server(Kind::NonInvite, transport);
            bench.run_to(31_999);
            assert_eq!(bench.told(), [(3_500, Event::TryingDue { server: id, context: 6 })]);
        }
    }

    #[test]
    fn an_unanswered_non_invite_is_forgotten_without_a_word() {
        for answered in [false, true] {
            let mut bench = Bench::new();
            let id = bench.server(Kind::NonInvite, Transport::Udp);
            bench.run_to(3_500);
            if answered {
                bench.respond(id, 100).unwrap();
            }
            bench.run_to(100_000);
            assert_eq!(bench.told()[1..], [(T1_64, server_ended(id))]);
            assert!(bench.sent_bytes(b"408").is_empty());
            assert!(bench.table.is_empty());
        }
    }
}

mod matching {
    use super::*;

    #[test]
    fn a_request_finds_its_transaction_until_that_ends() {
        let mut bench = Bench::new();
        assert_eq!(bench.table.server(&key(b"z9hG4bK1")), None);
        let id = bench.server(Kind::NonInvite, Transport::Tcp);
        assert_eq!(bench.table.server(&key(b"z9hG4bK1")), Some(id));
        assert_eq!(bench.table.server(&key(b"z9hG4bK2")), None);
        bench.respond(id, 200).unwrap();
        assert_eq!(bench.table.server(&key(b"z9hG4bK1")), None);
        assert_eq!(bench.again(id, Transport::Tcp), Retransmission::Ended);
    }

    #[test]
    fn a_transaction_that_lost_its_key_leaves_it_to_the_new_one() {
        let mut bench = Bench::new();
        let first = bench.server(Kind::Invite, Transport::Udp);
        let second = bench.server(Kind::Invite, Transport::Udp);
        bench.table.drop_server(first);
        assert_eq!(bench.table.server(&key(b"z9hG4bK1")), Some(second));
    }

    #[test]
    fn contexts_and_flows_are_readable_while_a_transaction_lives() {
        let mut bench = Bench::new();
        let server = bench.server(Kind::Invite, Transport::Udp);
        let client = bench.client(Kind::Invite, Transport::Tls);
        assert_eq!(bench.table.server_context(server), Some(6));
        assert_eq!(bench.table.client_context(client), Some(5));
        assert_eq!(bench.table.server_flow(server), Some(flow(Transport::Udp)));
        assert_eq!(bench.table.client_flow(client), Some(flow(Transport::Tls)));
        assert_eq!((bench.table.servers(), bench.table.clients(), bench.table.len()), (1, 1, 2));
        bench.table.drop_server(server);
        bench.table.drop_client(client);
        assert_eq!(bench.table.server_context(server), None);
        assert_eq!(bench.table.client_flow(client), None);
        assert!(bench.table.is_empty());
        assert_eq!(bench.table.poll_timeout(), None);
    }
}
