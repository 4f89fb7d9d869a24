//! RFC 3263 section 4, with a server that does what a test says.

use std::time::{Duration, Instant};

use hickory_resolver::proto::rr::RecordType;
use tokio::runtime::Runtime;

use super::super::cache::Found;
use super::super::{Dns, DnsConfig, DnsServer as Server};
use super::dns::{DnsServer, Does};
use super::*;
use crate::engine::Dscp;
use crate::flow::ListenerId;
use crate::net::Listen;

struct Bench {
    server: DnsServer,
    dns: Dns,
    runtime: Runtime,
}

impl Bench {
    /// UDP and TCP sockets of IPv4.
    fn new(zone: &str) -> Bench {
        Bench::with(zone, &["udp:127.0.0.1:5060", "tcp:127.0.0.1:5060"], Duration::from_secs(30))
    }

    fn impatient(zone: &str) -> Bench {
        Bench::with(zone, &["udp:127.0.0.1:5060", "tcp:127.0.0.1:5060"], Duration::from_millis(600))
    }

    fn with(zone: &str, listeners: &[&str], timeout: Duration) -> Bench {
        let server = DnsServer::start(zone);
        let listen = |(id, text)| {
            let Place { transport, addr } = place(text);
            Listen { id: ListenerId(id), transport, bind: addr, dscp: Dscp::default() }
        };
        let listeners: Vec<Listen> = (0..).zip(listeners.iter().copied()).map(listen).collect();
        let dns = Dns::new(DnsConfig { servers: vec![Server(server.address)], timeout }, &listeners);
        Bench { server, dns, runtime: Runtime::new().unwrap() }
    }

    fn locate(&self, uri: &str) -> Found {
        self.runtime.block_on(self.dns.locate(&name(uri)))
    }

    /// The places of a name, in an order that weights and turns allow.
    fn places(&self, uri: &str) -> Vec<String> {
        match self.locate(uri) {
            Found::Places { location, .. } => {
                let places = location.draw(&mut rng());
                places.iter().map(|place| format!("{}:{}", place.transport, place.addr)).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    fn life(&self, uri: &str) -> u64 {
        match self.locate(uri) {
            Found::Places { life, is_whole: true, .. } => life.as_secs(),
            other => panic!("{other:?}"),
        }
    }
}

const WHOLE: &str = "
    sbc.example.net 300 NAPTR 10 50 s SIPS+D2T _sips._tcp.sbc.example.net
    sbc.example.net 300 NAPTR 20 50 s SIP+D2T _sip._tcp.sbc.example.net
    sbc.example.net 300 NAPTR 20 60 S sip+d2u _sip._udp.elsewhere.example.net
    sbc.example.net 300 NAPTR 20 10 u E2U+sip .
    _sips._tcp.sbc.example.net 300 SRV 0 0 5061 one.example.net
    _sip._tcp.sbc.example.net 300 SRV 20 0 5072 two.example.net
    _sip._tcp.sbc.example.net 120 SRV 10 0 5071 one.example.net
    _sip._udp.sbc.example.net 300 SRV 10 0 5079 two.example.net
    _sip._udp.elsewhere.example.net 300 SRV 10 0 5073 two.example.net
    one.example.net 90 A 192.0.2.1
    two.example.net 300 A 192.0.2.2
    sbc.example.net 300 A 192.0.2.9
";

#[test]
fn sips_leads_to_tls_and_to_nothing_else() {
    let sockets = ["udp:127.0.0.1:5060", "tcp:127.0.0.1:5060", "tls:127.0.0.1:5061"];
    let bench = Bench::with(WHOLE, &sockets, Duration::from_secs(30));
    assert_eq!(bench.places("sips:sbc.example.net"), ["tls:192.0.2.1:5061"], "by NAPTR");
    assert_eq!(bench.places("sips:sbc.example.net:5099"), ["tls:192.0.2.9:5099"]);
    bench.server.asked();
    assert_eq!(bench.places("sip:sbc.example.net;transport=tls"), ["tls:192.0.2.1:5061"]);
    assert!(!bench.server.asked().iter().any(|asked| asked.starts_with("NAPTR")), "the transport is known");
    assert_eq!(bench.places("sips:two.example.net"), ["tls:192.0.2.2:5061"], "without SRV");
    let plain = bench.places("sip:sbc.example.net");
    assert!(plain.iter().all(|place| !place.starts_with("tls:")), "{plain:?}");
}

#[test]
fn naptr_chooses_the_services_in_their_order_and_srv_the_servers_by_priority() {
    let bench = Bench::new(WHOLE);
    let expected = ["tcp:192.0.2.1:5071", "tcp:192.0.2.2:5072", "udp:192.0.2.2:5073"];
    assert_eq!(bench.places("sip:sbc.example.net"), expected);
    let asked = bench.server.asked();
    assert_eq!(asked[0], "NAPTR sbc.example.net.");
    assert!(asked.iter().all(|asked| !asked.contains("_sips") && asked != "A sbc.example.net."), "{asked:?}");
}

#[test]
fn an_answer_is_good_for_the_least_ttl_that_it_rests_on() {
    assert_eq!(Bench::new(WHOLE).life("sip:sbc.example.net"), 90);
    assert_eq!(Bench::new(WHOLE).life("sip:two.example.net:5060"), 300);
}

#[test]
fn a_service_by_a_transport_without_socket_is_passed_over() {
    let bench = Bench::with(WHOLE, &["udp:127.0.0.1:5060"], Duration::from_secs(30));
    assert_eq!(bench.places("sip:sbc.example.net"), ["udp:192.0.2.2:5073"]);
}

#[test]
fn without_naptr_srv_is_asked_for_each_transport_udp_first() {
    let without = WHOLE.lines().filter(|line| !line.contains("NAPTR")).collect::<Vec<_>>().join("\n");
    let bench = Bench::new(&without);
    let expected = ["udp:192.0.2.2:5079", "tcp:192.0.2.1:5071", "tcp:192.0.2.2:5072"];
    assert_eq!(bench.places("sip:sbc.example.net"), expected);
}

#[test]
fn with_a_transport_naptr_is_not_asked() {
    let bench = Bench::new(WHOLE);
    assert_eq!(bench.places("sip:sbc.example.net;transport=udp"), ["udp:192.0.2.2:5079"]);
    assert_eq!(bench.server.asked(), ["SRV _sip._udp.sbc.example.net.", "A two.example.net."]);
    assert_eq!(bench.places("sip:one.example.net;transport=tcp"), ["tcp:192.0.2.1:5060"]);
    assert_eq!(bench.server.asked(), ["SRV _sip._tcp.one.example.net.", "A one.example.net."]);
}

#[test]
fn with_a_port_addresses_alone_are_asked_for() {
    let bench = Bench::new(WHOLE);
    assert_eq!(bench.places("sip:sbc.example.net:5080"), ["udp:192.0.2.9:5080"]);
    assert_eq!(bench.places("sip:sbc.example.net:5080;transport=tcp"), ["tcp:192.0.2.9:5080"]);
    assert_eq!(bench.server.asked(), ["A sbc.example.net.", "A sbc.example.net."]);
}

#[test]
fn without_any_srv_the_host_itself_is_spoken_to_by_udp() {
    let bench = Bench::new(WHOLE);
    assert_eq!(bench.places("sip:one.example.net"), ["udp:192.0.2.1:5060"]);
    let bench = Bench::with(WHOLE, &["tcp:127.0.0.1:5060"], Duration::from_secs(30));
    assert_eq!(bench.places("sip:one.example.net"), ["tcp:192.0.2.1:5060"]);
}

#[test]
fn the_target_of_a_single_dot_says_that_the_service_is_not_there() {
    let bench = Bench::new("_sip._udp.sbc.example.net 60 SRV 0 0 0 .\nsbc.example.net 60 A 192.0.2.1");
    assert!(matches!(bench.locate("sip:sbc.example.net"), Found::Nothing(_)));
    assert!(bench.server.asked().iter().all(|asked| asked != "A sbc.example.net."));
}

#[test]
fn each_family_is_asked_for_that_a_socket_can_use_in_the_order_of_the_sockets() {
    let zone = "sbc.example.net 60 A 192.0.2.1\nsbc.example.net 60 AAAA 2001:db8::1";
    let bench = Bench::with(zone, &["udp:[::1]:5060", "udp:127.0.0.1:5060"], Duration::from_secs(30));
    let expected = ["udp:[2001:db8::1]:5060", "udp:192.0.2.1:5060"];
    assert_eq!(bench.places("sip:sbc.example.net:5060"), expected);
    let bench = Bench::new(zone);
    assert_eq!(bench.places("sip:sbc.example.net:5060"), ["udp:192.0.2.1:5060"]);
    assert_eq!(bench.server.asked(), ["A sbc.example.net."]);
}

#[test]
fn a_cname_is_followed() {
    let bench = Bench::new("sbc.example.net 30 CNAME farm.example.org\nfarm.example.org 60 A 192.0.2.7");
    assert_eq!(bench.places("sip:sbc.example.net"), ["udp:192.0.2.7:5060"]);
    assert_eq!(bench.life("sip:sbc.example.net:5060"), 30);
}

#[test]
fn cnames_in_a_circle_lead_nowhere_and_end() {
    let bench = Bench::new("sbc.example.net 60 CNAME x.example.net\nx.example.net 60 CNAME sbc.example.net");
    assert!(matches!(bench.locate("sip:sbc.example.net"), Found::Nothing(_) | Found::Failed));
    assert!(bench.server.asked().len() <= 64);
}

#[test]
fn an_answer_about_another_name_is_none() {
    let bench = Bench::new(WHOLE);
    bench.server.does(Does::Lie);
    for uri in ["sip:sbc.example.net", "sip:sbc.example.net:5060"] {
        assert!(matches!(bench.locate(uri), Found::Nothing(_) | Found::Failed), "{uri}");
    }
}

#[test]
fn addresses_that_are_nobodys_are_left_out() {
    let addresses = ["0.0.0.0", "224.0.0.1", "255.255.255.255", "192.0.2.1"];
    let bench = Bench::new(&addresses.map(|ip| format!("sbc.example.net 60 A {ip}")).join("\n"));
    assert_eq!(bench.places("sip:sbc.example.net"), ["udp:192.0.2.1:5060"]);
}

#[test]
fn an_answer_that_does_not_fit_a_datagram_is_fetched_by_tcp() {
    let bench = Bench::new(WHOLE);
    bench.server.does(Does::Cut);
    assert_eq!(bench.places("sip:sbc.example.net:5060"), ["udp:192.0.2.9:5060"]);
    assert!(bench.server.asked().contains(&"tcp A sbc.example.net.".to_owned()));
}

#[test]
fn of_a_huge_answer_a_part_is_used_and_few_questions_follow() {
    let mut zone = String::new();
    for n in 0..400 {
        zone += &format!("_sip._udp.sbc.example.net 60 SRV {} 0 5060 h{n}.example.net\n", n / 4);
        zone += &format!("h{n}.example.net 60 A 10.0.{}.{}\n", n / 200, n % 200 + 1);
        zone += &format!("many.example.net 60 A 10.1.{}.{}\n", n / 200, n % 200 + 1);
    }
    let bench = Bench::new(&zone);
    bench.server.does(Does::Cut);
    let places = bench.places("sip:sbc.example.net;transport=udp");
    assert!((8..=64).contains(&places.len()), "{}", places.len());
    assert!(bench.server.asked().len() <= 64);
    let places = bench.places("sip:many.example.net:5060");
    assert!((8..=64).contains(&places.len()), "{}", places.len());
}

#[test]
fn a_server_that_fails_says_nothing_about_the_name() {
    let bench = Bench::new(WHOLE);
    bench.server.does(Does::Fail);
    assert_eq!(bench.locate("sip:sbc.example.net"), Found::Failed);
    bench.server.does(Does::Answer);
    assert_eq!(bench.places("sip:sbc.example.net").len(), 3);
}

#[test]
fn a_silent_server_is_waited_for_no_longer_than_the_timeout() {
    let bench = Bench::impatient(WHOLE);
    bench.server.does(Does::Nothing);
    let began = Instant::now();
    assert_eq!(bench.locate("sip:sbc.example.net"), Found::Failed);
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

#[test]
fn a_slow_server_is_waited_for() {
    let bench = Bench::new(WHOLE);
    bench.server.does(Does::AnswerLate(Duration::from_millis(100)));
    assert_eq!(bench.places("sip:sbc.example.net:5060"), ["udp:192.0.2.9:5060"]);
}

#[test]
fn a_server_that_is_silent_about_naptr_alone_gives_a_part_of_the_answer() {
    let bench = Bench::with(WHOLE, &["udp:127.0.0.1:5060"], Duration::from_secs(3));
    bench.server.does_with(RecordType::NAPTR, Does::Nothing);
    let Found::Places { location, is_whole, .. } = bench.locate("sip:sbc.example.net") else { panic!("no places") };
    assert_eq!((location.draw(&mut rng()), is_whole), (vec![place("udp:192.0.2.2:5079")], false));
}

#[test]
fn a_name_that_does_not_exist_is_nowhere() {
    let bench = Bench::new(WHOLE);
    assert!(matches!(bench.locate("sip:nowhere.example.net"), Found::Nothing(_)));
}

#[test]
fn no_server_at_all_is_a_failure() {
    let bench = Bench::impatient("");
    let Bench { server, dns, runtime } = bench;
    drop(server);
    assert_eq!(runtime.block_on(dns.locate(&name("sip:sbc.example.net"))), Found::Failed);
}
