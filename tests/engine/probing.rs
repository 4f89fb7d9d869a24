//! Targets that are asked whether they answer, and what calls make of it.

use ringfence::reach::{Place, State};
use ringfence::sip::Target;

use crate::stage::{CARRIER, LISTEN, Sent, Stage, field, invite, message, ok, response};

const TO: &str = "to = [\"sip:192.0.2.3:5070\", \"sip:192.0.2.4:5070\"]";
const FIRST: &str = "192.0.2.3:5070";
const SECOND: &str = "192.0.2.4:5070";

/// The pbx is probed every ten seconds.
const PROBED: (&str, &str) = (TO, "to = [\"sip:192.0.2.3:5070\", \"sip:192.0.2.4:5070\"]\nprobe = \"10s\"");

/// What the carrier would like to call: a number that nothing blocks.
const HELP: &str = "[[route]]\nname = \"help\"\ncalled = [\"112\"]\nto = \"pbx\"\n";

fn stage() -> Stage {
    let mut stage = Stage::with(&[PROBED], HELP);
    stage.reload(&[PROBED], HELP);
    stage
}

fn state(stage: &Stage, target: &str) -> Option<State> {
    let (transport, addr) = target.split_once(':').expect("transport:address");
    let transport = ringfence::flow::Transport::parse(transport.as_bytes()).expect("a transport");
    let target = Target::Address { transport, addr: addr.parse().expect("an address") };
    stage.reach.find(&Place { trunk: "pbx".into(), target }).map(|standing| standing.state())
}

fn pbx(stage: &Stage) -> [State; 2] {
    [FIRST, SECOND].map(|target| state(stage, &format!("udp:{target}")).expect("it is probed"))
}

/// Time passes, in which those listed answer their probes so; how many probes each target got.
fn serve(stage: &mut Stage, seconds: u64, answers: &[(&str, u16)]) -> [usize; 2] {
    let mut probes: Vec<(String, String)> = Vec::new();
    for _ in 0..seconds * 10 {
        stage.millis(100);
        for sent in stage.sent().iter().filter(|sent| sent.is_request("OPTIONS")) {
            probes.push((sent.to(), sent.header("Call-ID").to_owned()));
            if let Some((_, status)) = answers.iter().find(|(target, _)| *target == sent.to()) {
                stage.receive(&sent.to(), &response(sent, *status, ""));
            }
        }
    }
    probes.sort();
    probes.dedup();
    [FIRST, SECOND].map(|target| probes.iter().filter(|(to, _)| to == target).count())
}

const BOTH: [(&str, u16); 2] = [(FIRST, 200), (SECOND, 200)];

/// The first target is down, the second is up.
fn with_dead_first() -> Stage {
    let mut stage = stage();
    serve(&mut stage, 30, &[(SECOND, 200)]);
    assert_eq!(pbx(&stage), [State::Down, State::Up]);
    stage
}

fn all_dead() -> Stage {
    let mut stage = stage();
    serve(&mut stage, 30, &[]);
    assert_eq!(pbx(&stage), [State::Down, State::Down]);
    stage
}

fn requests(sent: &[Sent]) -> Vec<String> {
    sent.iter().filter(|sent| sent.is_request("INVITE")).map(Sent::to).collect()
}

#[test]
fn a_probe_asks_the_neighbour_itself_over_its_transport() {
    let mut stage = stage();
    stage.millis(10_000);
    let probe = stage.sent().into_iter().find(|sent| sent.to() == FIRST).expect("a probe");
    assert_eq!(probe.first_line(), "OPTIONS sip:192.0.2.3:5070;transport=udp SIP/2.0");
    assert_eq!((probe.header("Max-Forwards"), probe.header("CSeq")), ("0", "1 OPTIONS"));
    assert_eq!(probe.header("To"), "<sip:192.0.2.3:5070;transport=udp>");
    assert!(probe.header("From").starts_with("<sip:10.0.0.1:5060>;tag="));
    assert!(probe.header("Via").starts_with("SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK"));
}

#[test]
fn a_probe_over_a_stream_is_answered_over_that_stream() {
    let probed = (
        "to = [\"sip:192.0.2.130:5060;transport=tcp\"]",
        "to = [\"sip:192.0.2.130:5060;transport=tcp\"]\nprobe = \"10s\"",
    );
    let mut stage = Stage::with(&[probed], "");
    stage.reload(&[probed], "");
    stage.millis(10_000);
    let probe = stage.sent().remove(0);
    assert_eq!(probe.header("Contact"), "<sip:10.0.0.1:5060;transport=tcp>");
    assert!(probe.header("From").starts_with("<sip:10.0.0.1:5060;transport=tcp>;tag="));
}

#[test]
fn a_trunk_without_probe_is_left_alone() {
    let mut stage = Stage::new();
    stage.reload(&[], "");
    stage.wait(std::time::Duration::from_secs(3_600));
    assert!(stage.sent().is_empty() && stage.reach.all().is_empty());
}

#[test]
fn a_target_that_answers_is_asked_once_in_each_interval() {
    let mut stage = stage();
    let probes = serve(&mut stage, 100, &BOTH);
    assert!(probes.iter().all(|count| (9..=11).contains(count)), "{probes:?}");
    assert_eq!(pbx(&stage), [State::Up, State::Up]);
}

#[test]
fn targets_are_not_asked_in_one_moment() {
    let mut stage = stage();
    let mut first = [None, None];
    for at in 0..1_000 {
        stage.millis(10);
        for sent in stage.sent() {
            first[usize::from(sent.to() == SECOND)].get_or_insert(at);
        }
    }
    assert_ne!(first[0].expect("a probe"), first[1].expect("a probe"));
}

#[test]
fn any_answer_but_503_and_408_proves_life() {
    for (status, expected) in [
        (100, State::Up),
        (200, State::Up),
        (404, State::Up),
        (483, State::Up),
        (500, State::Up),
        (503, State::Down),
        (408, State::Down),
    ] {
        let mut stage = stage();
        serve(&mut stage, 60, &[(FIRST, status), (SECOND, 200)]);
        assert_eq!(pbx(&stage), [expected, State::Up], "{status}");
    }
}

#[test]
fn a_target_is_down_after_three_silent_probes_and_up_again_after_two_answered_ones() {
    let mut stage = with_dead_first();
    let mut seen = Vec::new();
    for _ in 0..30 {
        serve(&mut stage, 1, &BOTH);
        seen.push(pbx(&stage)[0]);
    }
    assert!(seen.starts_with(&[State::Down]) && seen.ends_with(&[State::Up]), "{seen:?}");
    serve(&mut stage, 60, &[]);
    assert_eq!(pbx(&stage), [State::Down, State::Down]);
}

#[test]
fn death_is_known_within_an_interval_and_nine_seconds() {
    let mut stage = stage();
    serve(&mut stage, 60, &BOTH);
    serve(&mut stage, 20, &[(SECOND, 200)]);
    assert_eq!(pbx(&stage), [State::Down, State::Up]);
}

#[test]
fn a_refused_connection_counts_as_no_answer() {
    let mut stage = stage();
    for _ in 0..300 {
        stage.millis(100);
        for sent in stage.sent().iter().filter(|sent| sent.to() == FIRST) {
            stage.fail(sent.ticket);
        }
    }
    assert_eq!(pbx(&stage)[0], State::Down);
}

#[test]
fn a_target_that_is_down_is_left_out_and_costs_a_call_no_time() {
    let mut stage = with_dead_first();
    stage.receive(CARRIER, &invite(9));
    let sent = stage.one();
    assert_eq!((sent.to().as_str(), sent.uri()), (SECOND, "sip:+48221234567@192.0.2.4:5070"));
    stage.receive(SECOND, &ok(&sent));
    assert_eq!(stage.one().status(), 200);
}

#[test]
fn a_target_that_is_down_is_left_out_when_the_one_before_fails() {
    let mut stage = stage();
    serve(&mut stage, 30, &[(FIRST, 200)]);
    assert_eq!(pbx(&stage), [State::Up, State::Down]);
    stage.receive(CARRIER, &invite(9));
    let sent = stage.one();
    stage.receive(FIRST, &response(&sent, 503, ""));
    let sent = stage.sent();
    assert!(requests(&sent).is_empty());
    assert_eq!(sent.iter().filter(|sent| sent.to() == CARRIER).map(Sent::status).collect::<Vec<_>>(), [500]);
}

#[test]
fn when_all_targets_are_down_the_routes_unavailable_is_answered_at_once() {
    let mut stage = all_dead();
    stage.receive(CARRIER, &invite(9));
    assert_eq!(stage.one().status(), 500);
    assert_eq!(stage.load().proxies, 0);
    let record = stage.records().pop().expect("a record");
    let said = ["to_trunk", "verdict", "status"].map(|name| field(&record, name));
    assert_eq!(said, ["pbx", "pass", "500"]);
    stage.receive(CARRIER, &invite(9));
    assert_eq!(stage.one().status(), 500);
    assert_eq!(stage.counters().unavailable.get(), 1);
}

#[test]
fn a_call_for_help_tries_all_targets_that_are_down() {
    let mut stage = all_dead();
    stage.receive(CARRIER, &invite(9).replace("+48221234567", "112"));
    let first = stage.one();
    stage.fail(first.ticket);
    let second = stage.one();
    assert_eq!([first.to(), second.to()], [FIRST, SECOND]);
    stage.receive(SECOND, &response(&second, 200, "Contact: <sip:help@192.0.2.4>"));
    assert_eq!(stage.one().status(), 200);
}

#[test]
fn requests_inside_a_dialog_go_where_the_dialog_is() {
    let mut stage = stage();
    let (_, answer) = stage.call(&invite(9));
    serve(&mut stage, 30, &[]);
    assert_eq!(pbx(&stage), [State::Down, State::Down]);
    stage.receive(CARRIER, &crate::stage::from_caller("BYE", 2, &answer));
    assert_eq!(stage.one().to(), FIRST);
}

#[test]
fn a_call_that_fails_has_its_target_asked_soon_and_takes_none_down() {
    for status in [Some(503), None] {
        let mut stage = stage();
        serve(&mut stage, 30, &BOTH);
        stage.receive(CARRIER, &invite(9));
        let sent = stage.one();
        match status {
            Some(status) => stage.receive(FIRST, &response(&sent, status, "")),
            None => stage.fail(sent.ticket),
        };
        stage.sent();
        stage.millis(500);
        assert_eq!(pbx(&stage), [State::Probing, State::Up]);
        let probe = stage.sent().into_iter().find(|sent| sent.is_request("OPTIONS")).expect("a probe");
        assert_eq!(probe.to(), FIRST);
        stage.receive(FIRST, &response(&probe, 200, ""));
        assert_eq!(pbx(&stage), [State::Up, State::Up]);
    }
}

#[test]
fn a_call_that_is_not_answered_at_all_has_its_target_asked() {
    let mut stage = stage();
    serve(&mut stage, 30, &BOTH);
    stage.receive(CARRIER, &invite(9));
    serve(&mut stage, 4, &[(SECOND, 200)]);
    stage.millis(600);
    assert_eq!(pbx(&stage), [State::Probing, State::Up]);
}

#[test]
fn a_call_that_is_answered_where_probes_are_not_ends_the_doubt() {
    let mut stage = stage();
    while pbx(&stage)[0] == State::Up {
        serve(&mut stage, 1, &[(SECOND, 200)]);
    }
    assert_eq!(pbx(&stage)[0], State::Probing);
    stage.receive(CARRIER, &invite(9));
    let sent = stage.sent().into_iter().find(|sent| sent.is_request("INVITE")).expect("a call");
    stage.receive(FIRST, &response(&sent, 180, ""));
    stage.millis(500);
    assert_eq!(pbx(&stage)[0], State::Up);
}

/// Time passes, in which names lead to these hops and those listed answer their probes.
fn serve_name(stage: &mut Stage, seconds: u64, hops: &[&str], answering: &[&str]) {
    for _ in 0..seconds * 10 {
        stage.millis(100);
        stage.resolve_all_to(hops);
        for sent in stage.sent() {
            assert_eq!(sent.uri(), "sip:sbc.example.net");
            if answering.contains(&&*sent.to()) {
                stage.receive(&sent.to(), &response(&sent, 200, ""));
            }
        }
    }
}

#[test]
fn every_address_of_a_name_is_asked_apart_and_the_name_is_down_with_the_last() {
    let probed = (TO, "to = [\"sip:sbc.example.net\"]\nprobe = \"10s\"");
    let mut stage = Stage::with(&[probed], "");
    stage.reload(&[probed], "");
    let name = Target::new(ringfence::sip::Host::Name("sbc.example.net".into()), None, None);
    let named = |stage: &Stage| {
        let place = Place { trunk: "pbx".into(), target: name.clone() };
        stage.reach.find(&place).expect("it is probed").state()
    };
    let (mut answering, mut seen) = (vec![FIRST, SECOND], Vec::new());
    for second in 0..120 {
        serve_name(&mut stage, 1, &["udp:192.0.2.3:5070", "udp:192.0.2.4:5070"], &answering);
        seen.push((pbx_if_known(&stage), named(&stage)));
        if second == 30 {
            answering.remove(0);
        }
        if second == 70 {
            answering.clear();
        }
    }
    assert_eq!(seen[30], (Some([State::Up, State::Up]), State::Up));
    assert_eq!(seen[70], (Some([State::Down, State::Up]), State::Up));
    assert_eq!(seen[119], (Some([State::Down, State::Down]), State::Down));
    stage.receive(CARRIER, &invite(9));
    let sent = stage.sent();
    assert_eq!(sent.iter().filter(|sent| sent.to() == CARRIER).map(Sent::status).collect::<Vec<_>>(), [500]);
    assert!(stage.asked().iter().all(|asked| asked == "sip:sbc.example.net"));
}

#[test]
fn hops_that_are_down_leave_the_eight_that_a_call_tries_to_others() {
    let probed = (TO, "to = [\"sip:sbc.example.net\"]\nprobe = \"10s\"");
    let mut stage = Stage::with(&[probed], "");
    stage.reload(&[probed], "");
    let hops: Vec<String> = (1..=12).map(|n| format!("udp:192.0.2.{n}:5080")).collect();
    let hops: Vec<&str> = hops.iter().map(String::as_str).collect();
    let answering = ["192.0.2.11:5080", "192.0.2.12:5080"];
    serve_name(&mut stage, 40, &hops, &answering);
    stage.receive(CARRIER, &invite(9)).sent();
    stage.resolve_to(&hops);
    for hop in answering {
        let sent = stage.one();
        assert_eq!((sent.is_request("INVITE"), &*sent.to()), (true, hop));
        stage.fail(sent.ticket);
    }
}

fn pbx_if_known(stage: &Stage) -> Option<[State; 2]> {
    let [first, second] = [FIRST, SECOND].map(|target| state(stage, &format!("udp:{target}")));
    Some([first?, second?])
}

#[test]
fn a_reload_keeps_the_state_of_targets_that_stay_and_forgets_the_others() {
    let mut stage = with_dead_first();
    let third = (TO, "to = [\"sip:192.0.2.3:5070\", \"sip:192.0.2.5:5070\"]\nprobe = \"20s\"");
    stage.reload(&[third], "");
    assert_eq!(state(&stage, "udp:192.0.2.3:5070"), Some(State::Down));
    assert_eq!(state(&stage, "udp:192.0.2.4:5070"), None);
    assert_eq!(state(&stage, "udp:192.0.2.5:5070"), Some(State::Up));
    stage.reload(&[], "");
    assert!(stage.reach.all().is_empty());
    stage.sent();
    stage.receive(CARRIER, &invite(9));
    assert_eq!(stage.one().to(), FIRST);
}

/// The pbx is spoken to by this socket alone from now on.
fn reload_spoken_to_by(stage: &mut Stage, socket: &str) {
    let probed = format!("{}\nvia = [\"{socket}\"]", PROBED.1);
    stage.reload(&[(TO, &probed)], HELP);
}

#[test]
fn after_a_reload_probes_leave_by_the_socket_that_it_says() {
    let mut stage = stage();
    serve(&mut stage, 30, &BOTH);
    for local in ["10.0.0.2:5060", "10.0.0.1:5060"].repeat(4) {
        reload_spoken_to_by(&mut stage, &format!("udp:{local}"));
        let mut probes = 0;
        for _ in 0..120 {
            for sent in stage.millis(100).sent() {
                assert_eq!(sent.flow.local.to_string(), local);
                stage.receive(&sent.to(), &response(&sent, 200, ""));
                probes += 1;
            }
        }
        assert!(probes >= 2);
    }
}

#[test]
fn a_target_without_a_way_keeps_its_state_and_fails_its_probes() {
    let mut stage = with_dead_first();
    reload_spoken_to_by(&mut stage, "tcp:10.0.0.1:5060");
    stage.millis(1_000);
    assert_eq!((pbx(&stage), stage.sent().len()), ([State::Down, State::Probing], 0));
    serve(&mut stage, 5, &BOTH);
    assert_eq!(pbx(&stage), [State::Down, State::Down]);
    reload_spoken_to_by(&mut stage, "udp:10.0.0.1:5060");
    serve(&mut stage, 3, &[(SECOND, 200)]);
    assert_eq!(pbx(&stage), [State::Down, State::Up]);
}

#[test]
fn names_that_lead_to_one_address_stand_each_by_what_it_proves() {
    let listen = (LISTEN, "listen = [\"udp:10.0.0.1:5060\", \"tls:10.0.0.1:5061\"]");
    let to = (TO, "to = [\"sips:a.example.net\", \"sips:b.example.net\"]\nprobe = \"10s\"");
    let more = "[tls]\ncertificate = \"own.pem\"\nkey = \"own.key\"\n";
    let mut stage = Stage::with(&[listen, to], more);
    stage.reload(&[listen, to], more);
    for _ in 0..600 {
        stage.millis(100);
        stage.resolve_all_to(&["tls:192.0.2.3:5061"]);
        for sent in stage.sent() {
            if sent.uri() == "sips:a.example.net" {
                stage.receive_by(&sent.to(), 1, &response(&sent, 200, ""));
            } else {
                stage.fail(sent.ticket);
            }
        }
    }
    let named = |name: &str| {
        let target = Target::sips(ringfence::sip::Host::Name(name.into()), None);
        stage.reach.find(&Place { trunk: "pbx".into(), target }).expect("it is probed").state()
    };
    assert_eq!([named("a.example.net"), named("b.example.net")], [State::Up, State::Down]);
    assert_eq!(state(&stage, "tls:192.0.2.3:5061"), Some(State::Up));
}

#[test]
fn a_late_answer_of_a_target_that_is_gone_is_nobodys() {
    let mut stage = stage();
    stage.millis(10_000);
    let probe = stage.sent().into_iter().find(|sent| sent.is_request("OPTIONS")).expect("a probe");
    stage.reload(&[], "");
    stage.receive_bytes(&probe.to(), 0, message(&response(&probe, 200, "")));
    stage.millis(2_000).sent();
    stage.wait(std::time::Duration::from_secs(40));
    assert!(stage.sent().is_empty(), "nor is any asked again");
    assert_eq!(stage.load(), ringfence::engine::Load::default());
}
