//! RFC 5393: loops and Max-Breadth.
//!
//! | requirement | test |
//! | --- | --- |
//! | 4.2.1: a request that comes back unchanged is a loop, and answered 482 | `a_request_that_comes_back_unchanged_is_answered_482`, `a_loop_over_another_proxy_is_found` |
//! | 4.2.1: whatever has been put above our Via, and after a restart as well | `a_loop_over_another_proxy_is_found`, `a_loop_that_began_before_a_restart_is_found` |
//! | 4.2.1: one that comes back with another Request-URI is a spiral, and passes | `a_spiral_passes` |
//! | 4.2.2: all that decides the way is part of the hash | `what_decides_the_way_makes_a_spiral_of_a_loop`; deviation: not the caller's identity, which we change ourselves |
//! | 4.2.2: the method is not, so that ACK and CANCEL find their INVITE's | `our_cancel_is_made_of_its_invite` in `section_16` |
//! | 4.2.2: another proxy's branch proves nothing | `a_via_of_another_proxy_is_no_loop` |
//! | 4.2.1: inside a dialog as well | `a_loop_inside_a_dialog_is_answered_482` |
//! | 5.3.3: a request without Max-Breadth gets one of 60 | `without_max_breadth_60_is_put_in` |
//! | 5.3.3: one above our maximum is lowered to it | `a_max_breadth_above_60_becomes_60` |
//! | 5.3.3: any other is passed on, and not counted down | `max_breadth_is_passed_on_and_not_counted_down` |
//! | 5.3.3: each request has one Max-Breadth | `two_max_breadths_are_answered_400` |
//! | 5.3.3: the branches of a request never have more than came | `one_target_after_the_other_takes_a_breadth_of_1`; deviation: one that was given up without any response counts as ended |
//! | 5.3.3: 440 where it does not suffice | `a_breadth_of_0_is_answered_440` |

use crate::helpers::{CALLEE, answer, forwarded};
use crate::stage::{CARRIER, Sent, Stage, from_caller, invite, response};

/// What the callee's proxy makes of a request that it sends back to us.
fn sent_back(sent: &Sent, hops: usize) -> String {
    let mut text = sent.text.replace("\r\n", "\n").replace("Content-Length: 0\n", "").trim_end().to_owned() + "\n";
    for hop in 0..hops {
        let via = format!("\nVia: SIP/2.0/UDP 192.0.2.3:5070;branch=z9hG4bKback{hop}{}\nVia: ", text.len());
        text = text.replacen("\nVia: ", &via, 1);
    }
    text
}

/// The second time that a request comes back, it has been here from there.
fn come_back(stage: &mut Stage, hops: usize, change: impl Fn(String) -> String) -> Sent {
    let first = forwarded(stage, &invite(9));
    stage.receive(CALLEE, &sent_back(&first, hops));
    let second = stage.sent().pop().unwrap();
    assert!(second.is_request("INVITE"), "{}", second.text);
    stage.receive(CALLEE, &change(sent_back(&second, hops)));
    stage.sent().pop().unwrap()
}

#[test]
fn a_request_that_comes_back_unchanged_is_answered_482() {
    assert_eq!(come_back(&mut Stage::new(), 1, |text| text).first_line(), "SIP/2.0 482 Loop Detected");
}

#[test]
fn a_loop_over_another_proxy_is_found() {
    assert_eq!(
        come_back(&mut Stage::new(), 3, |text| text.replace("Max-Forwards: 68", "Max-Forwards: 12")).status(),
        482
    );
}

#[test]
fn a_loop_that_began_before_a_restart_is_found() {
    let mut stage = Stage::new();
    let first = forwarded(&mut stage, &invite(9));
    stage.receive(CALLEE, &sent_back(&first, 1));
    let second = stage.sent().pop().unwrap();
    let mut restarted = Stage::of_another_process();
    restarted.receive(CALLEE, &sent_back(&second, 1));
    assert_eq!(restarted.one().status(), 482);
}

#[test]
fn a_spiral_passes() {
    let back = come_back(&mut Stage::new(), 1, |text| text.replacen("sip:+48221234567@", "sip:+48221234999@", 1));
    assert_eq!(back.uri(), "sip:+48221234999@192.0.2.3:5070");
}

#[test]
fn what_decides_the_way_makes_a_spiral_of_a_loop() {
    for (from, to) in [
        ("@192.0.2.3:5070 SIP", "@192.0.2.3:5071 SIP"),
        ("tag=caller", "tag=another"),
        ("Call-ID: call", "Call-ID: another"),
        ("CSeq: 1", "CSeq: 2"),
        ("Max-Forwards", "Route: <sip:10.0.0.1;lr>\nMax-Forwards"),
    ] {
        let back = come_back(&mut Stage::new(), 1, |text| text.replacen(from, to, 1));
        assert!(back.is_request("INVITE"), "{to}: {}", back.text);
    }
    // From another trunk it takes another way.
    let mut stage = Stage::new();
    let first = forwarded(&mut stage, &invite(9));
    stage.receive("203.0.113.9:5060", &sent_back(&first, 1));
    let second = stage.sent().pop().unwrap();
    stage.receive(CALLEE, &sent_back(&second, 1));
    assert!(stage.sent().pop().unwrap().is_request("INVITE"));
}

#[test]
fn a_via_of_another_proxy_is_no_loop() {
    let first = forwarded(&mut Stage::new(), &invite(9));
    let branch = first.headers("Via")[0].split(";branch=").nth(1).unwrap().split(';').next().unwrap().to_owned();
    let other = format!("{}00000000", &branch[..branch.len() - 8]);
    let via = format!("Via: SIP/2.0/UDP 10.0.0.1:5060;branch={other}\nMax-Forwards");
    forwarded(&mut Stage::new(), &invite(9).replace("Max-Forwards", &via));
}

#[test]
fn a_loop_inside_a_dialog_is_answered_482() {
    let mut stage = Stage::new();
    let (_, answer) = stage.call(&invite(9));
    stage.receive(CARRIER, &from_caller("INFO", 2, &answer));
    let info = stage.one();
    let via = info.headers("Via")[0].to_owned();
    let again = from_caller("INFO", 2, &answer).replace("z9hG4bKINFO2", "z9hG4bKagain");
    stage.receive(CARRIER, &again.replace("Max-Forwards", &format!("Via: {via}\nMax-Forwards")));
    assert_eq!(stage.one().status(), 482);
}

#[test]
fn without_max_breadth_60_is_put_in() {
    let mut stage = Stage::new();
    let (sent, answer) = stage.call(&invite(9));
    assert_eq!(sent.header("Max-Breadth"), "60");
    for (cseq, method) in [(1, "ACK"), (2, "BYE")] {
        stage.receive(CARRIER, &from_caller(method, cseq, &answer));
        assert_eq!(stage.one().header("Max-Breadth"), "60", "{method}");
    }
}

fn with_breadth(breadth: &str) -> String {
    invite(9).replace("Max-F", &format!("Max-Breadth: {breadth}\nMax-F"))
}

#[test]
fn a_max_breadth_above_60_becomes_60() {
    for breadth in ["61", "4294967296", "many"] {
        assert_eq!(forwarded(&mut Stage::new(), &with_breadth(breadth)).header("Max-Breadth"), "60", "{breadth}");
    }
}

#[test]
fn max_breadth_is_passed_on_and_not_counted_down() {
    for breadth in ["60", "7", "1"] {
        assert_eq!(forwarded(&mut Stage::new(), &with_breadth(breadth)).header("Max-Breadth"), breadth);
    }
}

#[test]
fn two_max_breadths_are_answered_400() {
    let mut stage = Stage::new();
    stage.receive_malformed(CARRIER, &with_breadth("7\nMax-Breadth: 8"));
    assert_eq!(stage.one().status(), 400);
}

#[test]
fn one_target_after_the_other_takes_a_breadth_of_1() {
    let mut stage = Stage::new();
    let first = forwarded(&mut stage, &with_breadth("1"));
    stage.receive(CALLEE, &response(&first, 503, ""));
    let second = stage.sent().into_iter().find(|sent| sent.is_request("INVITE")).unwrap();
    assert_eq!(second.header("Max-Breadth"), "1");
}

#[test]
fn a_breadth_of_0_is_answered_440() {
    assert_eq!(answer(&with_breadth("0")).first_line(), "SIP/2.0 440 Max-Breadth Exceeded");
}
