//! RFC 3261 sections 16.7, 16.8 and 16.9.
//!
//! | requirement | test |
//! | --- | --- |
//! | 16.7 item 1: the branch finds the response context | `a_response_with_another_branch_is_dropped` |
//! | 16.7 item 1: without one, the response is forwarded statelessly | replaced by RFC 6026 section 7: it is dropped, `rfc_6026` |
//! | 17.1.3: the method of CSeq must match as well | `a_response_to_another_method_is_dropped` |
//! | 16.7 item 2: each 101 to 199 starts Timer C anew | `timer_c_cancels_a_call_that_rings_without_end_and_each_101_to_199_starts_it_anew` |
//! | 16.7 item 3: the topmost Via is removed, and it alone | `the_topmost_via_is_removed_and_it_alone`, `a_via_in_a_list_is_removed_alone` |
//! | 16.7 item 3: a response without a second Via is for nobody else | `a_response_without_a_second_via_is_dropped` |
//! | 16.7 item 4: after a 6xx no branch is made any more | `after_a_6xx_no_other_target_is_tried`; the config refuses a 6xx in `failover_on` |
//! | 16.7 items 4 and 6: a 6xx ends the search also when its target was given up | `atis_1000099` |
//! | 16.7 item 4: a 3xx may be recursed on | not done: `a_3xx_is_passed_on` |
//! | 16.7 item 5: a provisional response other than 100 goes on at once | `a_provisional_response_is_passed_on_at_once` |
//! | 16.7 item 5: a 100 does not | `the_next_hops_100_is_not_passed_on` |
//! | 16.7 item 5: a 2xx goes on at once | `a_2xx_is_passed_on_at_once` |
//! | 16.7 item 5: after the final response only a 2xx to an INVITE | `every_2xx_of_a_branch_is_passed_on`, `after_the_final_response_nothing_but_a_2xx_is_passed_on` |
//! | 16.7 item 5: also the 2xx of another branch | deviation: `a_late_200_of_the_first_target_is_acknowledged_and_ended` in tests/engine |
//! | 16.7 item 6: a final response is chosen when all branches have ended | `a_failure_is_not_passed_on_while_another_target_is_tried` |
//! | 16.7 item 6: 6xx before all others, else the lowest class | `a_6xx_is_the_best_answer_and_else_the_lowest_class` |
//! | 16.7 item 6: in 4xx, what says how to ask again | `in_4xx_the_best_answer_says_how_to_ask_again` |
//! | 16.7 item 6: a 503 becomes 500 | `a_503_of_the_only_target_becomes_500`, `a_503_is_answered_with_the_routes_unavailable` |
//! | 16.7 item 6: without any response 408 | `a_next_hop_that_rings_and_then_says_nothing_more_is_answered_408_after_timer_c`; deviation: `without_any_response_the_routes_unavailable_is_the_answer` |
//! | 16.7 item 7: a 401 or 407 has the challenges of all | `the_challenges_of_all_targets_are_passed_on` |
//! | 16.7 item 8: Record-Route may be rewritten | not done: `what_needs_no_change_passes_byte_for_byte` |
//! | 16.7 item 9: nothing else is added, changed or removed | `what_needs_no_change_passes_byte_for_byte` |
//! | 16.7 item 10: what is pending after a final response is cancelled | `a_final_response_cancels_what_is_pending` |
//! | 16.8: Timer C cancels where a provisional response has come | `timer_c_cancels_…` |
//! | 16.8: else it is as if 408 had come | `without_any_response_…` |
//! | 16.9: a request that cannot be sent is as if 503 had come | `a_transport_error_tries_the_next_target`, `when_no_target_can_be_reached_500_is_the_answer` |
//! | 16.9: a response that cannot be sent changes nothing | `responses_bear_no_ticket` |

use std::time::Duration;

use bytes::Bytes;

use crate::helpers::{CALLEE, SECOND, failing_over_on, forwarded, ringing, statuses, to_caller, with_body};
use crate::stage::{CARRIER, Sent, Stage, from_caller, invite, ok, response};

/// The answer when the first target says this, and the second that.
fn best_of(codes: &str, first: (u16, &str), second: (u16, &str)) -> Sent {
    let mut stage = failing_over_on(codes);
    let sent = forwarded(&mut stage, &invite(9));
    stage.receive(CALLEE, &response(&sent, first.0, first.1));
    let next = stage.sent().into_iter().find(|sent| sent.is_request("INVITE")).unwrap();
    stage.receive(SECOND, &response(&next, second.0, second.1));
    let answers = to_caller(&mut stage);
    assert_eq!(answers.len(), 1);
    answers[0].clone()
}

#[test]
fn a_response_with_another_branch_is_dropped() {
    let mut stage = Stage::new();
    let sent = forwarded(&mut stage, &invite(9));
    let branch = sent.headers("Via")[0].split(";branch=").nth(1).unwrap().split(';').next().unwrap().to_owned();
    let other = |branch: &str| format!(";branch={branch}");
    let own = other(&branch);
    for other in [other("z9hG4bK1"), String::new(), other(&branch[..branch.len() - 9]), own.replace('.', "0")] {
        stage.receive(CALLEE, &ok(&sent).replacen(&own, &other, 1));
        assert!(stage.sent().is_empty(), "{other}");
    }
    assert_eq!(stage.counters().stray_responses.get(), 4);
}

#[test]
fn a_response_to_another_method_is_dropped() {
    let mut stage = Stage::new();
    let sent = forwarded(&mut stage, &invite(9));
    for method in ["BYE", "ACK", "FLASH", "invite"] {
        stage.receive(CALLEE, &ok(&sent).replace("CSeq: 1 INVITE", &format!("CSeq: 1 {method}")));
        assert!(stage.sent().is_empty(), "{method}");
    }
    // Of a CANCEL that was never sent.
    stage.receive(CALLEE, &ok(&sent).replace("CSeq: 1 INVITE", "CSeq: 1 CANCEL"));
    assert!(stage.sent().is_empty());
    stage.receive(CALLEE, &ok(&sent));
    assert_eq!(stage.one().status(), 200);
}

#[test]
fn timer_c_cancels_a_call_that_rings_without_end_and_each_101_to_199_starts_it_anew() {
    let mut stage = Stage::new();
    let sent = ringing(&mut stage);
    stage.millis(180_000).receive(CALLEE, &response(&sent, 183, "")).sent();
    // A 100 does not.
    stage.millis(100_000).receive(CALLEE, &response(&sent, 100, ""));
    stage.millis(80_999);
    assert!(stage.sent().is_empty());
    stage.millis(1);
    let cancel = stage.one();
    assert!(cancel.is_request("CANCEL"));
    assert_eq!(cancel.header("Via"), sent.headers("Via")[0]);
    stage.receive(CALLEE, &response(&cancel, 200, "")).receive(CALLEE, &response(&sent, 487, ""));
    let sent = stage.sent();
    assert_eq!(sent.len(), 2);
    assert!(sent.iter().any(|sent| sent.is_request("ACK") && sent.to() == CALLEE));
    assert!(sent.iter().any(|sent| sent.to() == CARRIER && sent.status() == 487));
}

#[test]
fn the_topmost_via_is_removed_and_it_alone() {
    let mut stage = Stage::new();
    let text = invite(9).replace("Max", "Via: SIP/2.0/TCP far.example.net;branch=z9hG4bKfar;received=203.0.113.1\nMax");
    let sent = forwarded(&mut stage, &text);
    stage.receive(CALLEE, &response(&sent, 183, ""));
    let vias = [
        "SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKinvite",
        "SIP/2.0/TCP far.example.net;branch=z9hG4bKfar;received=203.0.113.1",
    ];
    assert_eq!(stage.one().headers("Via"), vias);
}

#[test]
fn a_via_in_a_list_is_removed_alone() {
    let mut stage = Stage::new();
    let sent = forwarded(&mut stage, &invite(9));
    let joined = response(&sent, 183, "").replacen("\nVia: SIP/2.0/UDP 198", " , SIP/2.0/UDP 198", 1);
    stage.receive(CALLEE, &joined.replacen("Via:", "v:", 1));
    assert_eq!(stage.one().header("v").trim_start(), "SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKinvite");
}

#[test]
fn a_response_without_a_second_via_is_dropped() {
    let mut stage = Stage::new();
    let sent = forwarded(&mut stage, &invite(9));
    stage.receive(CALLEE, &ok(&sent).replace("Via: SIP/2.0/UDP 198", "X-Via: SIP/2.0/UDP 198"));
    assert!(stage.sent().is_empty());
    assert_eq!(stage.calls(), 0);
}

#[test]
fn after_a_6xx_no_other_target_is_tried() {
    let mut stage = Stage::new();
    let sent = forwarded(&mut stage, &invite(9));
    stage.receive(CALLEE, &response(&sent, 603, "")).millis(100);
    let sent = stage.sent();
    assert!(sent.iter().all(|sent| sent.to() != SECOND));
    assert!(sent.iter().any(|sent| sent.to() == CARRIER && sent.status() == 603));
}

#[test]
fn a_3xx_is_passed_on() {
    let mut stage = Stage::new();
    let sent = forwarded(&mut stage, &invite(9));
    stage.receive(CALLEE, &response(&sent, 302, "Contact: <sip:elsewhere@192.0.2.99>;q=0.5, <sip:b@192.0.2.98>"));
    let answers = to_caller(&mut stage);
    assert_eq!(answers[0].status(), 302);
    assert_eq!(answers[0].header("Contact"), "<sip:elsewhere@192.0.2.99>;q=0.5, <sip:b@192.0.2.98>");
}

#[test]
fn a_provisional_response_is_passed_on_at_once() {
    let mut stage = Stage::new();
    let sent = forwarded(&mut stage, &invite(9));
    for status in [180, 183, 181, 180, 199, 155] {
        stage.receive(CALLEE, &response(&sent, status, ""));
        assert_eq!(stage.one().status(), status);
    }
}

#[test]
fn the_next_hops_100_is_not_passed_on() {
    let mut stage = Stage::new();
    let sent = forwarded(&mut stage, &invite(9));
    stage.millis(100).receive(CALLEE, &response(&sent, 100, ""));
    assert!(stage.sent().is_empty());
}

#[test]
fn a_2xx_is_passed_on_at_once() {
    for status in [200, 202, 299] {
        let mut stage = Stage::new();
        let sent = forwarded(&mut stage, &invite(9));
        stage.receive(CALLEE, &response(&sent, status, ""));
        assert_eq!(stage.one().status(), status);
    }
}

#[test]
fn every_2xx_of_a_branch_is_passed_on() {
    let mut stage = Stage::new();
    let (sent, _) = stage.call(&invite(9));
    // A proxy behind us has forked the call, and two have answered.
    stage.receive(CALLEE, &ok(&sent).replace("tag=callee", "tag=another"));
    assert_eq!(stage.one().to_tag(), "another");
}

#[test]
fn after_the_final_response_nothing_but_a_2xx_is_passed_on() {
    for first in [200, 486] {
        let mut stage = Stage::new();
        let sent = forwarded(&mut stage, &invite(9));
        stage.receive(CALLEE, &response(&sent, first, "")).sent();
        for late in [100, 183, 404, 486, 603] {
            stage.receive(CALLEE, &response(&sent, late, ""));
            assert!(to_caller(&mut stage).is_empty(), "{late} after {first}");
        }
    }
}

#[test]
fn a_failure_is_not_passed_on_while_another_target_is_tried() {
    let mut stage = failing_over_on("[480]");
    let sent = forwarded(&mut stage, &invite(9));
    stage.receive(CALLEE, &response(&sent, 480, ""));
    assert!(to_caller(&mut stage).is_empty());
    stage.millis(100);
    assert!(to_caller(&mut stage).is_empty());
}

#[test]
fn a_6xx_is_the_best_answer_and_else_the_lowest_class() {
    let codes = "[302, 404, 500, 503]";
    for (first, second, best) in
        [(500, 404, 404), (404, 500, 404), (404, 302, 302), (302, 404, 302), (404, 603, 603), (302, 600, 600)]
    {
        assert_eq!(best_of(codes, (first, ""), (second, "")).status(), best, "{first}, {second}");
    }
}

#[test]
fn in_4xx_the_best_answer_says_how_to_ask_again() {
    let codes = "[401, 404, 407, 415, 420, 480, 484]";
    for better in [401, 407, 415, 420, 484] {
        for (first, second) in [(better, 404), (404, better), (better, 480)] {
            assert_eq!(best_of(codes, (first, ""), (second, "")).status(), better, "{first}, {second}");
        }
    }
}

#[test]
fn a_503_of_the_only_target_becomes_500() {
    let mut stage = Stage::new();
    stage.receive(CARRIER, &invite(9).replace("+4822", "+4833"));
    let sent = stage.one();
    stage.receive(&sent.to(), &response(&sent, 503, "Retry-After: 60"));
    let answers = to_caller(&mut stage);
    assert_eq!(answers[0].status(), 500);
    assert!(answers[0].headers("Retry-After").is_empty());
}

#[test]
fn a_503_is_answered_with_the_routes_unavailable() {
    let mut stage = Stage::new();
    let text = invite(9).replace("22123", "50123").replace("198.51.100.7:5060;", "192.0.2.3:5070;");
    stage.receive(CALLEE, &text);
    let sent = stage.one();
    assert_eq!(sent.to(), CARRIER);
    stage.receive(CARRIER, &response(&sent, 503, "Retry-After: 60"));
    let answer = stage.sent().into_iter().find(|sent| sent.to() == CALLEE).unwrap();
    assert_eq!(answer.status(), 486);
    assert!(answer.headers("Retry-After").is_empty());
}

#[test]
fn without_any_response_the_routes_unavailable_is_the_answer() {
    let mut stage = Stage::new();
    forwarded(&mut stage, &invite(9));
    stage.wait(Duration::from_secs(40));
    assert_eq!(statuses(&to_caller(&mut stage))[..2], [100, 500]);
}

#[test]
fn a_next_hop_that_rings_and_then_says_nothing_more_is_answered_408_after_timer_c() {
    let mut stage = Stage::new();
    ringing(&mut stage);
    stage.wait(Duration::from_secs(181 + 32));
    assert_eq!(statuses(&to_caller(&mut stage)), [408]);
}

#[test]
fn the_challenges_of_all_targets_are_passed_on() {
    let codes = "[401, 407]";
    let www = "WWW-Authenticate: Digest realm=\"a, b\", nonce=\"1\"";
    let proxy = "Proxy-Authenticate: Digest realm=\"c\", nonce=\"2\"";
    let two =
        "Proxy-Authenticate: Digest realm=\"d\", nonce=\"3\"\nproxy-authenticate: Digest realm=\"e\", nonce=\"4\"";
    let answer = best_of(codes, (401, www), (407, two));
    assert_eq!(answer.status(), 407);
    let lines: Vec<&str> = answer.text.lines().filter(|line| line.to_lowercase().contains("-authenticate:")).collect();
    assert_eq!(lines, two.lines().chain([www]).collect::<Vec<_>>());
    let answer = best_of(codes, (407, proxy), (401, www));
    assert_eq!(answer.status(), 401);
    assert!(answer.text.contains(proxy) && answer.text.contains(www));
    // An answer that asks for nothing has no challenges.
    let answer = best_of("[302, 401]", (401, www), (302, ""));
    assert_eq!((answer.status(), answer.headers("WWW-Authenticate").len()), (302, 0));
}

#[test]
fn what_needs_no_change_passes_byte_for_byte() {
    let mut stage = Stage::new();
    let sent = forwarded(&mut stage, &invite(9));
    let lines = "X-Unknown:no blank,  \"many\"   blanks \nWarning: 399 x \"y\"\nContact: <sip:desk@192.0.2.3:5070;a>;q=1\n\
                 Record-Route: <sip:192.0.2.9;lr>\nRSeq: 988789\nRequire: 100rel\nAccept: ;;;\nContent-Type: application/isup";
    let body = b"\0\x01\xff\r\n\r\nSIP/2.0 200 OK\r\n";
    let bytes = with_body(&response(&sent, 183, lines), body);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    stage.receive_bytes(CALLEE, 0, bytes.clone());
    let passed = stage.one();
    let own = text.lines().find(|line| line.starts_with("Via:")).unwrap();
    assert_eq!(passed.text, text.replacen(&format!("{own}\r\n"), "", 1));
    assert_eq!(Bytes::copy_from_slice(passed.body()), &body[..]);
}

#[test]
fn a_final_response_cancels_what_is_pending() {
    for last in [200, 603] {
        let mut stage = Stage::new();
        let first = forwarded(&mut stage, &invite(9));
        stage.millis(4_000);
        let second = stage.sent().pop().unwrap();
        stage.receive(SECOND, &response(&second, last, "")).sent();
        stage.receive(CALLEE, &response(&first, 180, ""));
        let cancel = stage.one();
        assert!(cancel.is_request("CANCEL") && cancel.to() == CALLEE, "{last}");
    }
}

#[test]
fn a_transport_error_tries_the_next_target() {
    let mut stage = Stage::new();
    let first = forwarded(&mut stage, &invite(9));
    stage.fail(first.ticket);
    assert_eq!(stage.one().to(), SECOND);
}

#[test]
fn when_no_target_can_be_reached_500_is_the_answer() {
    let mut stage = Stage::new();
    let (_, answer) = stage.call(&invite(9));
    stage.receive(CARRIER, &from_caller("INFO", 2, &answer));
    let info = stage.one();
    stage.fail(info.ticket);
    assert_eq!(statuses(&stage.sent()), [500]);
}

#[test]
fn responses_bear_no_ticket() {
    let mut stage = Stage::new();
    let (sent, answer) = stage.call(&invite(9));
    assert!(sent.ticket.is_some() && answer.ticket.is_none());
}
