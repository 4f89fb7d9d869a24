//! Targets of a trunk, tried in order.

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
fn each_late_200_of_a_forked_first_target_is_ended_once() {
    let mut stage = Stage::new();
    let (first, second) = given_up(&mut stage);
    stage.receive(SECOND, &ok(&second)).sent();
    for tag in ["one", "other"] {
        let late = ok(&first).replace("tag=callee", &format!("tag={tag}"));
        stage.receive(FIRST, &late);
        let sent = stage.sent();
        assert!(sent.len() == 2 && sent[0].is_request("ACK") && sent[1].is_request("BYE"), "{tag}");
        assert!(sent.iter().all(|sent| sent.to_tag() == tag));
        stage.receive(FIRST, &late);
        assert!(stage.one().is_request("ACK"));
    }
    assert_eq!(stage.calls(), 1);
}

#[test]
fn however_many_late_forks_come_first_the_call_that_is_answered_is_up() {
    let mut stage = Stage::new();
    let (first, second) = given_up(&mut stage);
    for fork in 0..20 {
        stage.receive(FIRST, &ok(&first).replace("tag=callee", &format!("tag=fork{fork}"))).sent();
    }
    stage.receive(SECOND, &ok(&second));
    assert_eq!(status_to_caller(&stage.sent()), [200]);
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
fn when_no_target_can_be_reached_the_routes_unavailable_is_the_answer() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(9));
    let first = stage.one();
    stage.fail(first.ticket);
    let second = stage.one();
    stage.fail(second.ticket);
    assert_eq!(stage.one().status(), 500);
}
