//! Names that actions ask for.

use std::time::Duration;

use super::{Bench, Seen, TCP, UDP, resolve};
use crate::counters::LookupOutcome;
use crate::engine::{Hop, QueryId};
use crate::flow::Transport;
use crate::net::names::tests::dns::{DnsServer, Does};

#[test]
fn names_and_addresses_are_resolved_with_our_own_address() {
    let dns = DnsServer::start(
        "_sip._tcp.sbc.example.net 60 SRV 2 0 5071 two.example.net
        _sip._udp.sbc.example.net 60 SRV 1 0 5070 two.example.net
        two.example.net 60 A 127.0.0.2",
    );
    let bench = Bench::asking("0.0.0.0", 2, &dns);
    let local = "127.0.0.1".parse().unwrap();
    let hop = |transport: Transport, peer: &str| {
        let listener = if transport == Transport::Udp { UDP } else { TCP };
        Hop { listener, transport, peer: peer.parse().unwrap(), local }
    };
    bench.make(vec![resolve(1, "localhost", Some(5070))]);
    assert_eq!(bench.next_event(), Seen::Resolved(QueryId(1), vec![hop(Transport::Udp, "127.0.0.1:5070")]));
    bench.make(vec![resolve(2, "127.0.0.9", Some(5070))]);
    assert_eq!(bench.next_event(), Seen::Resolved(QueryId(2), vec![hop(Transport::Udp, "127.0.0.9:5070")]));
    bench.make(vec![resolve(3, "[::1]", Some(5070))]);
    assert_eq!(bench.next_event(), Seen::Resolved(QueryId(3), vec![]));
    bench.make(vec![resolve(4, "nowhere.example.net", None)]);
    assert_eq!(bench.next_event(), Seen::Resolved(QueryId(4), vec![]));
    assert_eq!(bench.counters.resolves_failed.get(), 2);
    bench.make(vec![resolve(5, "sbc.example.net", None)]);
    let hops = vec![hop(Transport::Udp, "127.0.0.2:5070"), hop(Transport::Tcp, "127.0.0.2:5071")];
    assert_eq!(bench.next_event(), Seen::Resolved(QueryId(5), hops));
    let lookups = LookupOutcome::ALL.map(|outcome| bench.counters.lookups[outcome as usize].get());
    assert_eq!(lookups, [2, 1, 0, 0]);
    bench.stop();
}

#[test]
fn one_look_up_serves_all_who_ask_meanwhile_and_later() {
    let dns = DnsServer::start("sbc.example.net 60 A 127.0.0.2");
    dns.does(Does::AnswerLate(Duration::from_millis(50)));
    let bench = Bench::asking("127.0.0.1", 2, &dns);
    bench.make((0..20).map(|query| resolve(query, "sbc.example.net", Some(5070))).collect());
    let local = "127.0.0.1".parse().unwrap();
    let hop = Hop { listener: UDP, transport: Transport::Udp, peer: "127.0.0.2:5070".parse().unwrap(), local };
    for query in 0..20 {
        assert_eq!(bench.next_event(), Seen::Resolved(QueryId(query), vec![hop]));
    }
    bench.make(vec![resolve(20, "sbc.example.net", Some(5070))]);
    assert_eq!(bench.next_event(), Seen::Resolved(QueryId(20), vec![hop]));
    assert_eq!(dns.asked(), ["A sbc.example.net."]);
    bench.stop();
}

#[test]
fn a_silent_server_holds_nothing_up_but_who_asks() {
    let dns = DnsServer::start("");
    dns.does(Does::Nothing);
    let bench = Bench::asking("127.0.0.1", 1, &dns);
    bench.make(vec![resolve(1, "sbc.example.net", None)]);
    assert!(matches!(bench.next(), Seen::Message(..)));
    bench.make(Vec::new());
    assert!(matches!(bench.next(), Seen::Message(..)));
    assert_eq!(bench.next_event(), Seen::Resolved(QueryId(1), vec![]));
    assert_eq!(bench.counters.lookups[LookupOutcome::Failed as usize].get(), 1);
    bench.stop();
}
