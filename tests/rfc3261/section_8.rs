//! RFC 3261 section 8, as far as a proxy is a user agent: the requests that it makes itself (ACK to a failure, CANCEL, and
//! ACK and BYE for a call that nobody waits for), and the answers that it gives itself.
//!
//! | requirement | test |
//! | --- | --- |
//! | 8.1.1: To, From, CSeq, Call-ID, Max-Forwards and Via in each request | `each_request_of_ours_has_the_six_mandatory_headers` |
//! | 8.1.1.5: CSeq names the method, and is less than 2^31 | `each_request_of_ours_has_the_six_mandatory_headers`, `the_cseq_of_our_bye_stays_below_2_to_the_31` |
//! | 8.1.1.6: Max-Forwards is 70 | `each_request_of_ours_has_the_six_mandatory_headers` |
//! | 8.1.1.7: the branch has the cookie and is unique, save for ACK to a failure and CANCEL | `each_request_of_ours_has_the_six_mandatory_headers`, `our_ack_and_bye_have_branches_of_their_own` |
//! | 17.1.1.3: ACK to a failure has the top Via, Request-URI, Call-ID, From and CSeq number of its INVITE, and To of the response | `the_ack_to_a_failure_is_made_of_its_invite_and_the_response` |
//! | 17.1.1.3: and its Routes | `the_ack_to_a_failure_follows_the_routes_of_its_invite` |
//! | 8.1.3.3: a response to it with more than one Via is discarded | `a_response_to_our_own_request_with_two_vias_is_discarded` |
//! | 8.2: an answer of ours is stateless: 8.2.7 | deviation: `a_retransmission_gets_the_first_answer_whatever_the_lists_have_become` in tests/engine: a memory repeats it |
//! | 8.2.1: a method that is not allowed is answered 405 with Allow | `a_method_that_its_trunk_may_not_use_is_answered_405_with_allow` |
//! | 8.2.2.1: a scheme that is not understood is answered 416 | `section_16` |
//! | 8.2.2.2: a merged request is answered 482 | not applicable: that is for who is called |
//! | 8.2.2.3: what Require asks of us is answered 420 with Unsupported | `a_requirement_that_we_do_not_know_is_answered_420` |
//! | 8.2.2.3: not for CANCEL and ACK | `section_16::cancel`, `an_ack_is_not_refused_for_what_it_requires` |
//! | 8.2.3: a body that is not understood is answered 415 | gap: OPTIONS to us is answered 200 whatever its body |
//! | 8.2.6.1: no provisional response to a non-INVITE | `rfc_4320` |
//! | 8.2.6.1: 100 has the Timestamp, with the delay | `a_100_has_the_timestamp_and_how_long_it_took`, `a_100_at_once_has_the_timestamp_as_it_came` |
//! | 8.2.6.2: From, Call-ID, CSeq and all Vias in their order are those of the request | `an_answer_of_ours_has_the_mandatory_headers_of_its_request` |
//! | 8.2.6.2: To has a tag, and another for another request | `an_answer_of_ours_has_a_to_tag`, `another_request_gets_another_to_tag` |
//! | 8.2.6.2: save in 100 | `a_100_has_no_to_tag` |
//! | 8.2.6.2: a To tag of the request stays | `the_to_tag_of_a_request_stays_in_its_answer` |
//! | 8.2.6.2, 8.2.7: one request gets one tag | `each_copy_of_a_request_gets_the_same_answer` |
//! | 8.2.7: no provisional response | `a_declined_call_gets_one_answer` |
//! | 8.2.7: no response is retransmitted | `a_declined_call_gets_one_answer` |
//! | 8.2.7: ACK is ignored | `the_ack_to_an_answer_of_ours_is_absorbed`, `an_ack_that_belongs_to_nothing_is_dropped` |
//! | 8.2.7: CANCEL is ignored | deviation: `the_cancel_of_an_answered_request_is_answered_200`, as 8.3 asks of a redirect server |
//! | 8.3: a redirection names another place than the one that was asked | gap: a caller who has followed it is sent there again, if the rule still matches |
//! | 11.2: OPTIONS is answered with Allow and Accept | `options_to_us_is_answered_200` |

use crate::helpers::{CALLEE, answer, forwarded, ringing, statuses};
use crate::stage::{CARRIER, Sent, Stage, from_caller, invite, ok, response};

/// A call that the lists decline.
fn declined() -> String {
    invite(1)
}

fn options() -> String {
    invite(9).replace("INVITE", "OPTIONS").replace("sip:+48221234567@10.0.0.1 SIP", "sip:10.0.0.1 SIP")
}

/// The INVITE that was given up, and the ACK and BYE that its late 200, changed so, makes.
fn ended_late(change: impl Fn(String) -> String) -> (Sent, Sent, Sent) {
    let mut stage = Stage::new();
    let first = forwarded(&mut stage, &invite(9));
    stage.millis(4_000).sent();
    stage.receive(CALLEE, &change(ok(&first)));
    match &stage.sent()[..] {
        [ack, bye] => (first, ack.clone(), bye.clone()),
        other => panic!("{other:?}"),
    }
}

/// One of each request that we make: ACK to a failure, CANCEL, ACK to a late 2xx, BYE.
fn our_requests() -> Vec<Sent> {
    let mut stage = Stage::new();
    let sent = ringing(&mut stage);
    stage.receive(CARRIER, &invite(9).replace("INVITE", "CANCEL"));
    stage.receive(CALLEE, &response(&sent, 487, ""));
    let mut ours: Vec<Sent> = stage.sent().into_iter().filter(|sent| sent.to() == CALLEE).collect();
    let (_, ack, bye) = ended_late(|text| text);
    ours.extend([ack, bye]);
    ours
}

#[test]
fn each_request_of_ours_has_the_six_mandatory_headers() {
    let ours = our_requests();
    let methods: Vec<&str> = ours.iter().map(|sent| sent.first_line().split(' ').next().unwrap()).collect();
    assert_eq!(methods, ["CANCEL", "ACK", "ACK", "BYE"]);
    for (sent, method) in ours.iter().zip(methods) {
        assert!(sent.header("From").ends_with(";tag=caller") && !sent.header("To").is_empty());
        assert_eq!((sent.header("Call-ID"), sent.header("Max-Forwards")), ("call", "70"));
        assert!(sent.header("CSeq").ends_with(method), "{}", sent.text);
        let via = sent.header("Via");
        assert!(via.starts_with("SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK"), "{via}");
        assert_eq!((sent.header("Content-Length"), sent.body()), ("0", &b""[..]));
    }
}

#[test]
fn the_cseq_of_our_bye_stays_below_2_to_the_31() {
    let mut stage = Stage::new();
    let first = forwarded(&mut stage, &invite(9).replace("CSeq: 1", "CSeq: 2147483647"));
    stage.millis(4_000).sent();
    stage.receive(CALLEE, &ok(&first));
    let sent = stage.sent();
    assert_eq!((sent[0].header("CSeq"), sent[1].header("CSeq")), ("2147483647 ACK", "2147483647 BYE"));
}

#[test]
fn our_ack_and_bye_have_branches_of_their_own() {
    let (invite, ack, bye) = ended_late(|text| text);
    assert_ne!(ack.header("Via"), bye.header("Via"));
    assert!([ack, bye].iter().all(|sent| sent.header("Via") != invite.headers("Via")[0]));
}

#[test]
fn the_ack_to_a_failure_is_made_of_its_invite_and_the_response() {
    let mut stage = Stage::new();
    let sent = forwarded(&mut stage, &invite(9));
    stage.receive(CALLEE, &response(&sent, 486, ""));
    let ack = stage.sent().into_iter().find(|sent| sent.is_request("ACK")).unwrap();
    assert_eq!((ack.to(), ack.uri()), (sent.to(), sent.uri()));
    assert_eq!(ack.header("Via"), sent.headers("Via")[0]);
    assert_eq!((ack.header("From"), ack.header("CSeq")), (sent.header("From"), "1 ACK"));
    assert_eq!(ack.header("To"), format!("{};tag=callee", sent.header("To")));
}

#[test]
fn the_ack_to_a_failure_follows_the_routes_of_its_invite() {
    let mut stage = Stage::new();
    let sent = forwarded(&mut stage, &invite(9));
    stage
        .receive(CALLEE, &ok(&sent).replacen("Record-Route: ", "Record-Route: <sip:192.0.2.78;lr>\nRecord-Route: ", 1));
    let answer = stage.one();
    stage.receive(CARRIER, &from_caller("INVITE", 2, &answer));
    let again = stage.one();
    stage.receive(&again.to(), &response(&again, 491, ""));
    let ack = stage.sent().into_iter().find(|sent| sent.is_request("ACK")).unwrap();
    assert_eq!((ack.to(), ack.header("Route")), ("192.0.2.78:5060".to_owned(), "<sip:192.0.2.78;lr>"));
}

#[test]
fn a_response_to_our_own_request_with_two_vias_is_discarded() {
    let mut stage = Stage::new();
    let first = forwarded(&mut stage, &invite(9));
    stage.millis(4_000).sent();
    stage.receive(CALLEE, &ok(&first));
    let bye = stage.sent().pop().unwrap();
    let doubled =
        response(&bye, 200, "").replacen("\nFrom", "\nVia: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK1\nFrom", 1);
    stage.receive(CALLEE, &doubled);
    assert_eq!(stage.counters().stray_responses.get(), 1);
    // So the BYE goes on until it is answered.
    stage.millis(500);
    assert!(stage.sent().iter().any(|sent| sent.text == bye.text));
    stage.receive(CALLEE, &response(&bye, 200, "")).millis(1_500);
    assert!(stage.sent().iter().all(|sent| sent.text != bye.text));
}

#[test]
fn a_method_that_its_trunk_may_not_use_is_answered_405_with_allow() {
    for method in ["SUBSCRIBE", "FLASH"] {
        let answer = answer(&invite(9).replace("INVITE", method));
        assert_eq!(answer.first_line(), "SIP/2.0 405 Method Not Allowed");
        assert!(answer.header("Allow").split(", ").any(|method| method == "INVITE"));
    }
}

#[test]
fn a_requirement_that_we_do_not_know_is_answered_420() {
    let answer = answer(&options().replace("Max", "Require: 100rel, future\nMax"));
    assert_eq!((answer.status(), answer.header("Unsupported")), (420, "100rel, future"));
}

#[test]
fn an_ack_is_not_refused_for_what_it_requires() {
    let mut stage = Stage::new();
    let (_, answer) = stage.call(&invite(9));
    stage.receive(CARRIER, &from_caller("ACK", 1, &answer).replace("Max", "Require: future\nProxy-Require: gin\nMax"));
    assert!(stage.one().is_request("ACK"));
}

#[test]
fn a_100_has_the_timestamp_and_how_long_it_took() {
    for (came, goes) in [("54", "54 0.200"), ("54.21", "54.21 0.200"), ("54 0.3", "54 0.200")] {
        let mut stage = Stage::new();
        forwarded(&mut stage, &invite(9).replace("Max", &format!("Timestamp: {came}\nMax")));
        stage.millis(200);
        let trying = stage.one();
        assert_eq!((trying.status(), trying.header("Timestamp")), (100, goes));
    }
}

#[test]
fn a_100_at_once_has_the_timestamp_as_it_came() {
    let mut stage = Stage::new();
    let text = invite(9).replace("Max", "Timestamp:  54\nMax");
    forwarded(&mut stage, &text);
    stage.receive(CARRIER, &text);
    assert!(stage.one().text.contains("\r\nTimestamp:  54\r\n"));
}

#[test]
fn an_answer_of_ours_has_the_mandatory_headers_of_its_request() {
    let vias = ["SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKinvite", "SIP/2.0/TCP a;branch=z9hG4bKa, SIP/2.0/UDP b"];
    for text in [
        declined(),
        options(),
        invite(9).replace("Max-Forwards: 70", "Max-Forwards: 0"),
        declined().replace("INVITE", "CANCEL"),
    ] {
        let answer = answer(&text.replace("\n        From", &format!("\n        Via: {}\n        From", vias[1])));
        assert_eq!(answer.headers("Via"), vias);
        assert_eq!((answer.header("Call-ID"), answer.header("Content-Length")), ("call", "0"));
        let line = |name: &str| text.lines().map(str::trim).find(|line| line.starts_with(name)).unwrap().to_owned();
        assert!(answer.text.contains(&format!("\r\n{}\r\n", line("From:"))));
        assert!(answer.text.contains(&format!("\r\n{}\r\n", line("CSeq:"))));
        assert!(answer.headers("Max-Forwards").is_empty());
    }
}

#[test]
fn an_answer_of_ours_has_a_to_tag() {
    for text in [declined(), options(), declined().replace("INVITE", "CANCEL")] {
        assert!(!answer(&text).to_tag().is_empty());
    }
}

#[test]
fn another_request_gets_another_to_tag() {
    let first = answer(&declined());
    for (from, to) in [
        ("z9hG4bKinvite", "z9hG4bKother"),
        ("Call-ID: call", "Call-ID: other"),
        ("CSeq: 1", "CSeq: 2"),
        ("tag=caller", "tag=other"),
    ] {
        assert_ne!(answer(&declined().replace(from, to)).to_tag(), first.to_tag(), "{to}");
    }
}

#[test]
fn a_100_has_no_to_tag() {
    let mut stage = Stage::new();
    forwarded(&mut stage, &invite(9));
    stage.millis(200);
    assert_eq!(stage.one().header("To"), "<sip:+48221234567@10.0.0.1>");
}

#[test]
fn the_to_tag_of_a_request_stays_in_its_answer() {
    let answer = answer(&invite(9).replace("10.0.0.1>\n", "10.0.0.1>;tag=his\n"));
    assert_eq!((answer.status(), answer.header("To")), (481, "<sip:+48221234567@10.0.0.1>;tag=his"));
}

#[test]
fn each_copy_of_a_request_gets_the_same_answer() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &declined());
    let first = stage.one();
    // Also once nobody remembers it any more.
    for millis in [500, 40_000] {
        stage.millis(millis).receive(CARRIER, &declined());
        assert_eq!(stage.one().text, first.text);
    }
}

#[test]
fn a_declined_call_gets_one_answer() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &declined()).millis(60_000);
    assert_eq!(statuses(&stage.sent()), [603]);
}

#[test]
fn the_ack_to_an_answer_of_ours_is_absorbed() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &declined());
    let tag = format!("10.0.0.1>;tag={}\n", stage.one().to_tag());
    stage.receive(CARRIER, &declined().replace("INVITE", "ACK").replace("10.0.0.1>\n", &tag));
    assert!(stage.sent().is_empty());
    assert_eq!(stage.counters().stray_acks.get(), 0);
}

#[test]
fn an_ack_that_belongs_to_nothing_is_dropped() {
    let mut stage = Stage::new();
    let ack = invite(9).replace("INVITE", "ACK");
    stage.receive(CARRIER, &ack.replace("10.0.0.1>\n", "10.0.0.1>;tag=x\n")).receive(CARRIER, &ack);
    assert!(stage.sent().is_empty());
    assert_eq!(stage.counters().stray_acks.get(), 2);
}

#[test]
fn the_cancel_of_an_answered_request_is_answered_200() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &declined()).sent();
    stage.receive(CARRIER, &declined().replace("INVITE", "CANCEL"));
    assert_eq!(stage.one().first_line(), "SIP/2.0 200 OK");
}

#[test]
fn options_to_us_is_answered_200() {
    let answer = answer(&options());
    assert_eq!(answer.first_line(), "SIP/2.0 200 OK");
    assert!(answer.header("Allow").contains("INVITE") && answer.header("Accept").contains("application/sdp"));
}
