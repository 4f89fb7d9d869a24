//! Connections that are lost while somebody waits (RFC 3261 sections 16.9, 18.2.2 and 18.4), and requests that are too long
//! for a datagram (section 18.1.1).

use ringfence::flow::Transport;

use crate::stage::{CARRIER, Sent, Stage, from_caller, invite, message, ok, response};

const STREAM: &str = "to = [\"sip:192.0.2.130:5060;transport=tcp\"]";
const STREAM_AND_MORE: &str = "to = [\"sip:192.0.2.130:5060;transport=tcp\", \"sip:192.0.2.131:5060\"]";
const FIRST: &str = "192.0.2.130:5060";
const SECOND: &str = "192.0.2.131:5060";
const CONNECTION: u64 = 7;

/// A call to the trunk that is reached by TCP.
fn call() -> String {
    invite(9).replace("+4822", "+4834")
}

/// The same when it has gone out on the connection to the first of two targets.
fn written() -> (Stage, Sent) {
    let mut stage = Stage::with(&[(STREAM, STREAM_AND_MORE)], "");
    stage.receive(CARRIER, &call());
    let sent = stage.one();
    assert_eq!((sent.to().as_str(), sent.flow.transport), (FIRST, Transport::Tcp));
    stage.queued(sent.ticket, CONNECTION);
    (stage, sent)
}

/// What was sent since this was last asked, as `METHOD or status > peer`.
fn told(stage: &mut Stage) -> Vec<String> {
    let line = |sent: Sent| {
        let first = sent.first_line().trim_start_matches("SIP/2.0 ");
        format!("{} > {}", first.split(' ').next().expect("a word"), sent.to())
    };
    stage.sent().into_iter().map(line).collect()
}

#[test]
fn an_invite_without_a_response_goes_to_the_next_target_when_its_connection_is_lost() {
    let (mut stage, _) = written();
    stage.lose(CONNECTION);
    assert_eq!(told(&mut stage), [format!("INVITE > {SECOND}")]);
}

#[test]
fn after_100_it_goes_to_the_next_target_too_and_the_first_is_cancelled() {
    let (mut stage, sent) = written();
    stage.receive_by(FIRST, 1, &response(&sent, 100, ""));
    assert_eq!(told(&mut stage), [""; 0]);
    stage.lose(CONNECTION);
    let mut told = told(&mut stage);
    told.sort();
    assert_eq!(told, [format!("CANCEL > {FIRST}"), format!("INVITE > {SECOND}")]);
}

#[test]
fn who_answers_by_another_connection_what_was_lost_is_acknowledged_and_ended() {
    let (mut stage, sent) = written();
    stage.lose(CONNECTION);
    let second = stage.one();
    stage.receive(SECOND, &ok(&second)).sent();
    stage.receive_by(FIRST, 1, &ok(&sent));
    assert_eq!(told(&mut stage), [format!("ACK > {FIRST}"), format!("BYE > {FIRST}")]);
}

#[test]
fn an_invite_that_rings_waits_for_an_answer_by_another_connection() {
    let (mut stage, sent) = written();
    stage.receive_by(FIRST, 1, &response(&sent, 180, "")).sent();
    stage.lose(CONNECTION);
    assert!(stage.sent().is_empty());
    stage.receive_by(FIRST, 1, &ok(&sent));
    assert_eq!(told(&mut stage), [format!("200 > {CARRIER}")]);
    assert_eq!(stage.calls(), 1);
}

#[test]
fn without_another_target_the_routes_unavailable_is_the_answer() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &call());
    let sent = stage.one();
    stage.queued(sent.ticket, CONNECTION).lose(CONNECTION);
    assert_eq!((stage.one().status(), stage.counters().unavailable.get()), (500, 1));
}

#[test]
fn a_call_that_was_cancelled_is_answered_487_when_its_connection_is_lost() {
    let (mut stage, sent) = written();
    stage.receive_by(FIRST, 1, &response(&sent, 100, ""));
    stage.receive(CARRIER, &call().replace("INVITE", "CANCEL"));
    assert_eq!(told(&mut stage), [format!("200 > {CARRIER}"), format!("CANCEL > {FIRST}")]);
    stage.lose(CONNECTION);
    assert_eq!(told(&mut stage), [format!("487 > {CARRIER}")]);
}

#[test]
fn a_bye_is_answered_500_and_not_sent_again() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &call());
    let sent = stage.one();
    stage.receive_by(FIRST, 1, &ok(&sent).replace("130:5060>", "130:5060;transport=tcp>"));
    let answer = stage.one();
    assert_eq!(stage.calls(), 1);
    stage.receive(CARRIER, &from_caller("BYE", 2, &answer));
    let bye = stage.one();
    assert_eq!((bye.to().as_str(), bye.flow.transport), (FIRST, Transport::Tcp));
    stage.queued(bye.ticket, CONNECTION).lose(CONNECTION);
    assert_eq!(told(&mut stage), [format!("500 > {CARRIER}")]);
    assert_eq!(stage.calls(), 0);
    stage.millis(40_000);
    assert!(stage.sent().is_empty());
}

#[test]
fn a_message_that_may_have_been_read_is_delivered_to_nobody_else() {
    let any = ("name = \"carrier\"", "name = \"carrier\"\nmethods = [\"*\"]");
    let mut stage = Stage::with(&[any, (STREAM, STREAM_AND_MORE)], "");
    stage.receive(CARRIER, &call().replace("INVITE", "MESSAGE"));
    let sent = stage.one();
    stage.queued(sent.ticket, CONNECTION).lose(CONNECTION);
    assert_eq!(told(&mut stage), [format!("500 > {CARRIER}")]);
}

#[test]
fn the_loss_of_another_connection_and_of_one_that_nobody_waits_on_changes_nothing() {
    let (mut stage, sent) = written();
    stage.lose(CONNECTION + 1);
    assert!(stage.sent().is_empty());
    stage.receive_by(FIRST, 1, &ok(&sent)).sent();
    stage.lose(CONNECTION);
    assert!(stage.sent().is_empty());
    assert_eq!(stage.calls(), 1);
}

#[test]
fn a_connection_that_stays_open_holds_no_requests_that_are_over() {
    let mut stage = Stage::new();
    for n in 0..1_000 {
        let text = call().replace("z9hG4bKinvite", &format!("z9hG4bK{n}"));
        stage.receive(CARRIER, &text.replace("Call-ID: call", &format!("Call-ID: {n}")));
        let sent = stage.one();
        stage.queued(sent.ticket, CONNECTION);
        stage.receive_by(FIRST, 1, &response(&sent, 486, "")).sent();
    }
    assert!(stage.load().carried <= 64, "{}", stage.load().carried);
    stage.lose(CONNECTION);
    assert_eq!(stage.load().carried, 0);
}

/// A stage that has requests of more than 1300 bytes leave by TCP.
fn moving(changes: &[(&str, &str)]) -> Stage {
    let above = ("[sip]\n", "[sip]\nstream_above = 1300\n");
    Stage::with(&[&[above], changes].concat(), "")
}

/// A call to the pbx, whose targets are reached by UDP, of so many bytes.
fn padded(length: usize) -> String {
    let text = invite(9);
    let missing = length - message(&text).len();
    text.replace("Call-ID: call", &format!("Call-ID: call\nX-Padding: {}", "x".repeat(missing - 13)))
}

#[test]
fn a_request_that_is_too_long_for_a_datagram_leaves_by_tcp_and_says_so() {
    let mut stage = moving(&[]);
    stage.receive(CARRIER, &padded(2_000));
    let sent = stage.one();
    assert_eq!((sent.to().as_str(), sent.flow.transport), ("192.0.2.3:5070", Transport::Tcp));
    assert!(sent.headers("Via")[0].starts_with("SIP/2.0/TCP 10.0.0.1:5060;"));
    let routes = sent.headers("Record-Route");
    assert!(routes[0].ends_with("@10.0.0.1:5060;transport=tcp;lr>"), "{routes:?}");
    assert!(routes[1].ends_with("@10.0.0.1:5060;lr>"), "{routes:?}");
    stage.receive_by("192.0.2.3:5070", 1, &ok(&sent));
    assert_eq!(stage.one().status(), 200);
}

#[test]
fn a_request_that_is_not_too_long_leaves_by_udp() {
    let mut stage = moving(&[]);
    stage.receive(CARRIER, &padded(800));
    let sent = stage.one();
    assert!(sent.text.len() <= 1_300 && sent.flow.transport == Transport::Udp);
}

#[test]
fn when_no_connection_can_be_made_it_leaves_by_udp_all_the_same() {
    let mut stage = moving(&[]);
    stage.receive(CARRIER, &padded(2_000));
    let stream = stage.one();
    stage.fail(stream.ticket);
    let sent = stage.one();
    assert_eq!((sent.to().as_str(), sent.flow.transport), ("192.0.2.3:5070", Transport::Udp));
    assert!(sent.headers("Via")[0].starts_with("SIP/2.0/UDP 10.0.0.1:5060;"));
    assert!(sent.header("Record-Route").ends_with("@10.0.0.1:5060;lr>"));
    stage.fail(sent.ticket);
    let next = stage.one();
    assert_eq!((next.to().as_str(), next.flow.transport), ("192.0.2.4:5070", Transport::Tcp));
}

/// What becomes of a request that a target has.
type Fate = fn(&mut Stage, &Sent);

#[test]
fn a_target_that_has_the_request_by_tcp_does_not_get_it_by_udp_as_well() {
    let answered = |stage: &mut Stage, sent: &Sent| {
        stage.receive_by(&sent.to(), 1, &response(sent, 503, ""));
    };
    let silent = |stage: &mut Stage, _: &Sent| {
        stage.millis(9_000);
    };
    let lost = |stage: &mut Stage, sent: &Sent| {
        stage.queued(sent.ticket, CONNECTION).lose(CONNECTION);
    };
    for fate in [answered as Fate, silent, lost] {
        let mut stage = moving(&[]);
        stage.receive(CARRIER, &padded(2_000));
        let sent = stage.one();
        fate(&mut stage, &sent);
        let next = stage.sent().into_iter().find(|sent| sent.is_request("INVITE")).expect("the next target");
        assert_eq!((next.to().as_str(), next.flow.transport), ("192.0.2.4:5070", Transport::Tcp));
    }
}

#[test]
fn a_connection_that_hangs_does_not_use_up_try_for() {
    let mut stage = moving(&[]);
    stage.receive(CARRIER, &padded(2_000));
    let stream = stage.one();
    // The network gives a connection 4 s, as long as `try_for` is.
    stage.millis(4_000).fail(stream.ticket);
    let sent = stage.sent().pop().expect("the same target again");
    assert_eq!((sent.to().as_str(), sent.flow.transport), ("192.0.2.3:5070", Transport::Udp));
}

#[test]
fn without_a_tcp_socket_that_the_trunk_may_be_spoken_to_from_it_stays_on_udp() {
    let to = "to = [\"sip:192.0.2.3:5070\", \"sip:192.0.2.4:5070\"]";
    let mut stage = moving(&[(to, &format!("{to}\nvia = \"udp:10.0.0.1:5060\""))]);
    stage.receive(CARRIER, &padded(2_000));
    assert_eq!(stage.one().flow.transport, Transport::Udp);
}

#[test]
fn a_long_request_inside_a_dialog_leaves_by_tcp_and_falls_back_to_udp() {
    let mut stage = moving(&[]);
    let (_, answer) = stage.call(&invite(9));
    let text = from_caller("INFO", 2, &answer);
    stage.receive(CARRIER, &text.replace("Call-ID: call", &format!("Call-ID: call\nX-Padding: {}", "x".repeat(1_300))));
    let sent = stage.one();
    assert_eq!(sent.flow.transport, Transport::Tcp);
    stage.fail(sent.ticket);
    assert_eq!(stage.one().flow.transport, Transport::Udp);
}
