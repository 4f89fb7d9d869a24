//! Targets of a trunk, tried in order.

use std::time::Duration;

use crate::stage::{CARRIER, Sent, Stage, invite, ok, response};

const FIRST: &str = "192.0.2.3:5070";
const SECOND: &str = "192.0.2.4:5070";

fn status_to_caller(sent: &[Sent]) -> Vec<u16> {
    sent.iter().filter(|sent| sent.to() == CARRIER).map(Sent::status).collect()
}

/// The INVITE that went to the first target, and the one that went to the second after `try_for`.
fn given_up(stage: &mut Stage) -> (Sent, Sent) {
    stage.receive(CARRIER, &invite(9));
    let first = stage.one();
    stage.millis(3_999);
    assert!(stage.sent().iter().all(|sent| sent.to() != SECOND));
    stage.millis(1);
    let second = stage.sent().into_iter().find(|sent| sent.to() == SECOND).expect("the second target is tried");
    assert_eq!(first.to(), FIRST);
    assert_ne!(first.headers("Via")[0], second.headers("Via")[0]);
    assert_eq!(second.uri(), "sip:+48221234567@192.0.2.4:5070");
    (first, second)
}

#[test]
fn without_any_response_within_try_for_the_second_target_is_tried() {
    let mut stage = Stage::new();
    let (_, second) = given_up(&mut stage);
    stage.receive(SECOND, &ok(&second));
    assert_eq!(status_to_caller(&stage.sent()), [200]);
    assert_eq!(stage.calls(), 1);
}

#[test]
fn a_late_180_of_the_first_target_is_cancelled_and_not_passed_on() {
    let mut stage = Stage::new();
    let (first, _) = given_up(&mut stage);
    stage.receive(FIRST, &response(&first, 180, ""));
    let cancel = stage.one();
    assert!(cancel.is_request("CANCEL"));
    assert_eq!((cancel.to(), cancel.uri()), (FIRST.to_owned(), first.uri()));
}

#[test]
fn a_late_200_of_the_first_target_is_acknowledged_and_ended() {
    let mut stage = Stage::new();
    let (first, second) = given_up(&mut stage);
    stage.receive(SECOND, &ok(&second)).sent();
    stage.receive(FIRST, &ok(&first));
    let sent = stage.sent();
    assert!(sent.len() == 2 && sent[0].is_request("ACK") && sent[1].is_request("BYE"));
    assert!(sent.iter().all(|sent| sent.to() == FIRST && sent.uri() == "sip:desk@192.0.2.3:5070"));
    assert_eq!((sent[0].header("CSeq"), sent[1].header("CSeq")), ("1 ACK", "2 BYE"));
    stage.receive(FIRST, &ok(&first));
    assert!(stage.one().is_request("ACK"));
    assert_eq!(stage.calls(), 1);
}

#[test]
fn a_503_tries_the_next_target() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(9));
    let first = stage.one();
    stage.receive(FIRST, &response(&first, 503, ""));
    let sent = stage.sent();
    assert!(sent.iter().any(|sent| sent.is_request("ACK") && sent.to() == FIRST));
    assert!(sent.iter().any(|sent| sent.is_request("INVITE") && sent.to() == SECOND));
    assert!(status_to_caller(&sent).is_empty());
}

#[test]
fn after_a_18x_no_other_target_is_tried() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(9));
    let first = stage.one();
    stage.receive(FIRST, &response(&first, 180, "")).sent();
    stage.receive(FIRST, &response(&first, 503, ""));
    let sent = stage.sent();
    assert!(sent.iter().all(|sent| sent.to() != SECOND));
    assert_eq!(status_to_caller(&sent), [500]);
}

#[test]
fn a_busy_callee_is_the_answer_and_no_reason_to_try_further() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(9));
    let first = stage.one();
    stage.receive(FIRST, &response(&first, 486, "Retry-After: 5"));
    let sent = stage.sent();
    assert!(sent.iter().all(|sent| sent.to() != SECOND));
    assert_eq!(status_to_caller(&sent), [486]);
}

#[test]
fn a_transport_error_tries_the_next_target() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(9));
    let first = stage.one();
    stage.fail(first.ticket);
    assert_eq!(stage.one().to(), SECOND);
}

#[test]
fn when_no_target_can_be_reached_the_routes_unavailable_is_the_answer() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(9));
    let first = stage.one();
    stage.fail(first.ticket);
    let second = stage.one();
    stage.fail(second.ticket);
    assert_eq!(stage.one().status(), 500);
}

#[test]
fn a_503_of_the_only_target_is_answered_with_the_routes_unavailable() {
    let mut stage = Stage::new();
    stage.receive(
        "192.0.2.3:5070",
        &invite(9).replace("22123", "50123").replace("198.51.100.7:5060;", "192.0.2.3:5070;"),
    );
    let forwarded = stage.one();
    assert_eq!(forwarded.to(), CARRIER);
    stage.receive(CARRIER, &response(&forwarded, 503, "Retry-After: 60"));
    let answer = stage.sent().into_iter().find(|sent| sent.to() == "192.0.2.3:5070").expect("an answer");
    assert_eq!(answer.status(), 486);
    assert!(answer.headers("Retry-After").is_empty());
}

#[test]
fn a_cancel_is_passed_on_once_the_next_hop_has_answered_provisionally() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(9));
    let first = stage.one();
    stage.receive(CARRIER, &invite(9).replace("INVITE", "CANCEL").replace("Contact", "Reason: SIP;cause=200\nContact"));
    assert_eq!(stage.one().first_line(), "SIP/2.0 200 OK");
    stage.receive(FIRST, &response(&first, 180, ""));
    let sent = stage.sent();
    let cancel = sent.iter().find(|sent| sent.is_request("CANCEL")).expect("a CANCEL");
    assert_eq!(cancel.header("Reason"), "SIP;cause=200");
    stage.receive(FIRST, &response(&first, 487, ""));
    assert_eq!(status_to_caller(&stage.sent()), [487]);
}

#[test]
fn after_a_cancel_no_other_target_is_tried() {
    let cancel = invite(9).replace("INVITE", "CANCEL");
    for trouble in ["503", "error", "silence"] {
        let mut stage = Stage::new();
        stage.receive(CARRIER, &invite(9));
        let first = stage.one();
        stage.receive(CARRIER, &cancel).sent();
        match trouble {
            "503" => stage.receive(FIRST, &response(&first, 503, "")),
            "error" => stage.fail(first.ticket),
            _ => stage.wait(Duration::from_secs(40)),
        };
        let sent = stage.sent();
        assert!(sent.iter().all(|sent| sent.to() != SECOND), "{trouble}");
        assert!(status_to_caller(&sent).ends_with(&[487]), "{trouble}");
    }
}

#[test]
fn a_200_that_crosses_the_cancel_is_passed_on() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(9));
    let first = stage.one();
    stage.receive(FIRST, &response(&first, 180, "")).receive(CARRIER, &invite(9).replace("INVITE", "CANCEL")).sent();
    stage.receive(FIRST, &ok(&first));
    assert_eq!(status_to_caller(&stage.sent()), [200]);
    assert_eq!(stage.calls(), 1);
}

#[test]
fn a_cancelled_call_ends_with_the_487_of_its_target_whatever_an_earlier_one_said() {
    let mut stage = Stage::with(
        &[(
            "to = [\"sip:192.0.2.3:5070\", \"sip:192.0.2.4:5070\"]",
            "to = [\"sip:192.0.2.3:5070\", \"sip:192.0.2.4:5070\"]\nfailover_on = [480]",
        )],
        "",
    );
    stage.receive(CARRIER, &invite(9));
    let first = stage.one();
    stage.receive(&first.to(), &response(&first, 480, ""));
    let sent = stage.sent();
    let second = sent.iter().find(|sent| sent.is_request("INVITE")).expect("the second target").clone();
    stage.receive(&second.to(), &response(&second, 180, ""));
    stage.sent();
    stage.receive(CARRIER, &invite(9).replace("INVITE", "CANCEL"));
    stage.sent();
    stage.receive(&second.to(), &response(&second, 487, ""));
    assert_eq!(status_to_caller(&stage.sent()), [487]);
}
