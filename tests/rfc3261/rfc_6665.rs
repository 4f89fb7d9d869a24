//! RFC 6665: subscriptions pass through, where a trunk's `methods` let them.
//!
//! | requirement | test |
//! | --- | --- |
//! | 4.3: a proxy that wants to see a subscription records the route of the initial SUBSCRIBE | `subscribe_gets_our_record_route` |
//! | 4.3: and of the initial NOTIFY, from which the subscriber takes his Route set | `the_first_notify_gets_our_record_route` |
//! | 4.3: and of all other SUBSCRIBE and NOTIFY | `a_refresh_gets_our_record_route` |
//! | 4.1.2.4: NOTIFY may overtake the answer to SUBSCRIBE | `a_notify_before_the_answer_to_subscribe_goes_through` |
//! | 4.1.2.4, 5.4.9: several may answer a forked SUBSCRIBE, each with its own NOTIFY | `the_notify_of_another_who_answers_goes_through` |
//! | 4.2: Event, Expires, Subscription-State and bodies pass untouched | `what_a_subscription_says_passes_untouched` |
//! | 4.1.2.1: 202, 423 with Min-Expires, 489 with Allow-Events pass | `the_answers_to_subscribe_pass_untouched` |
//! | 4.1.2.2: a refresh goes the way of the subscription | `a_refresh_gets_our_record_route` |
//! | 4.4.4: subscriptions that REFER makes | `the_notify_of_a_refer_goes_through` |
//! | 4: a NOTIFY of no subscription is answered 481 | `a_notify_of_no_subscription_is_answered_481` |

use crate::helpers::{CALLEE, forwarded, with_body};
use crate::stage::{CARRIER, Sent, Stage, from_callee, from_caller, invite, response};

const LINES: &str = "Event: presence;id=7\nExpires: 600\nAccept: application/pidf+xml\nMax-Forwards: 70";

/// A SUBSCRIBE as it arrives.
fn subscribed(stage: &mut Stage) -> Sent {
    forwarded(stage, &invite(9).replace("INVITE", "SUBSCRIBE").replace("Max-Forwards: 70", LINES))
}

fn notify(sent: &Sent, cseq: u32) -> String {
    let lines =
        "Event: presence;id=7\nSubscription-State: active;expires=599\nContact: <sip:desk@192.0.2.3:5070>\nMax-F";
    from_callee("NOTIFY", cseq, sent).replace("Max-F", lines)
}

#[test]
fn subscribe_gets_our_record_route() {
    assert!(subscribed(&mut Stage::for_any_method()).header("Record-Route").ends_with("@10.0.0.1:5060;lr>"));
}

#[test]
fn the_first_notify_gets_our_record_route() {
    let mut stage = Stage::for_any_method();
    let sent = subscribed(&mut stage);
    stage.receive(CALLEE, &notify(&sent, 1));
    let notify = stage.one();
    assert_eq!(notify.header("Record-Route"), sent.header("Record-Route"));
    // With it the subscriber refreshes, from wherever he is by then.
    let mut refresh = notify.clone();
    refresh.text = refresh.text.replace("From: ", "X-From: ").replace("To: ", "From: ").replace("X-From: ", "To: ");
    stage.receive("203.0.113.77:5060", &from_caller("SUBSCRIBE", 2, &refresh));
    assert_eq!(stage.one().to(), CALLEE);
}

#[test]
fn a_refresh_gets_our_record_route() {
    let mut stage = Stage::for_any_method();
    let sent = subscribed(&mut stage);
    stage.receive(CALLEE, &response(&sent, 200, "Expires: 600\nContact: <sip:desk@192.0.2.3:5070>"));
    let answer = stage.one();
    stage.receive(CARRIER, &from_caller("SUBSCRIBE", 2, &answer));
    let refresh = stage.one();
    assert_eq!((refresh.to(), refresh.header("Record-Route")), (CALLEE.to_owned(), sent.header("Record-Route")));
    stage.receive(CALLEE, &notify(&sent, 2));
    assert_eq!(stage.one().header("Record-Route"), sent.header("Record-Route"));
}

#[test]
fn a_notify_before_the_answer_to_subscribe_goes_through() {
    let mut stage = Stage::for_any_method();
    let sent = subscribed(&mut stage);
    stage.receive(CALLEE, &notify(&sent, 1));
    let notify = stage.one();
    assert_eq!((notify.to(), notify.uri()), (CARRIER.to_owned(), "sip:line7@198.51.100.7:5060"));
    stage.receive(CARRIER, &response(&notify, 200, ""));
    assert_eq!(stage.one().to(), CALLEE);
    stage.receive(CALLEE, &response(&sent, 202, ""));
    assert_eq!(stage.one().status(), 202);
}

#[test]
fn the_notify_of_another_who_answers_goes_through() {
    let mut stage = Stage::for_any_method();
    let sent = subscribed(&mut stage);
    let other = notify(&sent, 1).replace("tag=callee", "tag=another").replace("z9hG4bKcallee", "z9hG4bKanother");
    stage.receive(CALLEE, &notify(&sent, 1)).receive("192.0.2.88:5060", &other);
    assert!(stage.sent().iter().all(|sent| sent.is_request("NOTIFY") && sent.to() == CARRIER));
}

#[test]
fn what_a_subscription_says_passes_untouched() {
    let mut stage = Stage::for_any_method();
    let sent = subscribed(&mut stage);
    for line in LINES.lines().take(3) {
        assert!(sent.text.contains(&format!("\r\n{line}\r\n")), "{line}");
    }
    let text = notify(&sent, 1).replace("Max-F", "Content-Type: application/pidf+xml\nMax-F");
    stage.receive_bytes(CALLEE, 0, with_body(&text, b"<presence/>"));
    let notify = stage.one();
    assert_eq!(notify.header("Subscription-State"), "active;expires=599");
    assert_eq!((notify.header("Event"), notify.body()), ("presence;id=7", &b"<presence/>"[..]));
}

#[test]
fn the_answers_to_subscribe_pass_untouched() {
    for (status, line) in [(202, "Expires: 600"), (423, "Min-Expires: 3600"), (489, "Allow-Events: dialog")] {
        let mut stage = Stage::for_any_method();
        let sent = subscribed(&mut stage);
        stage.receive(CALLEE, &response(&sent, status, line));
        let answer = stage.one();
        assert_eq!(answer.status(), status);
        assert!(answer.text.contains(&format!("\r\n{line}\r\n")));
    }
}

#[test]
fn the_notify_of_a_refer_goes_through() {
    let mut stage = Stage::new();
    let (sent, answer) = stage.call(&invite(9));
    stage.receive(CARRIER, &from_caller("REFER", 2, &answer).replace("Max-F", "Refer-To: <sip:c@example.net>\nMax-F"));
    let refer = stage.one();
    assert_eq!(refer.header("Refer-To"), "<sip:c@example.net>");
    stage.receive(CALLEE, &notify(&sent, 7).replace("presence;id=7", "refer"));
    assert_eq!(stage.one().header("Event"), "refer");
}

#[test]
fn a_notify_of_no_subscription_is_answered_481() {
    let mut stage = Stage::for_any_method();
    stage.receive(CARRIER, &invite(9).replace("INVITE", "NOTIFY").replace("10.0.0.1>\n", "10.0.0.1>;tag=x\n"));
    assert_eq!(stage.one().status(), 481);
}
