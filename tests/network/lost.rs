//! A first hop whose connection is lost in each state of a call: TCP says so at once, and nobody waits for a timer.

use std::time::Duration;

use crate::desk::Desk;
use crate::lab::Lab;
use crate::phone::Phone;
use crate::ringfence::Ringfence;

/// Far below `try_for`, which is four seconds.
const AT_ONCE: Duration = Duration::from_secs(2);

/// A call that has come to the first hop, over TCP, and who may still take it.
struct Scene<'l> {
    caller: Phone,
    first: Desk<'l>,
    second: Desk<'l>,
    invite: String,
}

fn with_a_call(then: impl FnOnce(Scene<'_>)) {
    let Some(lab) = Lab::new() else { return };
    let _ringfence = Ringfence::start(&lab, "tcp", "");
    let (caller, mut first, second) = (Phone::on(&lab.caller), Desk::on(&lab.first), Desk::on(&lab.second));
    caller.invites("call");
    let (invite, _) = first.hears("INVITE ");
    then(Scene { caller, first, second, invite });
}

#[test]
fn before_its_100_and_after_it_the_second_takes_the_call_at_once() {
    for says in [None, Some("100 Trying")] {
        with_a_call(|Scene { caller, mut first, mut second, invite }| {
            if let Some(status) = says {
                first.answers(&invite, status);
            }
            first.hangs_up();
            let (invite, took) = second.hears("INVITE ");
            assert!(took < AT_ONCE, "after {took:?}");
            second.answers(&invite, "200 OK");
            caller.hears("call", "SIP/2.0 200 ");
        });
    }
}

#[test]
fn after_its_180_it_may_still_answer_by_another_connection() {
    with_a_call(|Scene { caller, mut first, invite, .. }| {
        first.answers(&invite, "180 Ringing");
        caller.hears("call", "SIP/2.0 180 ");
        first.hangs_up();
        first.calls_back();
        first.answers(&invite, "200 OK");
        caller.hears("call", "SIP/2.0 200 ");
    });
}

#[test]
fn after_its_200_the_ack_and_the_bye_find_it_by_another_connection() {
    with_a_call(|Scene { caller, mut first, invite, .. }| {
        first.answers(&invite, "200 OK");
        let (answer, _) = caller.hears("call", "SIP/2.0 200 ");
        first.hangs_up();
        caller.sends("ACK", 1, &answer);
        first.hears("ACK ");
        caller.sends("BYE", 2, &answer);
        let (bye, _) = first.hears("BYE ");
        first.answers(&bye, "200 OK");
        caller.hears("call", "SIP/2.0 200 ");
    });
}

#[test]
fn a_reinvite_whose_connection_is_lost_is_answered_at_once_and_the_call_goes_on() {
    with_a_call(|Scene { caller, mut first, invite, .. }| {
        first.answers(&invite, "200 OK");
        let (answer, _) = caller.hears("call", "SIP/2.0 200 ");
        caller.sends("ACK", 1, &answer);
        first.hears("ACK ");
        caller.sends("INVITE", 2, &answer);
        first.hears("INVITE ");
        first.hangs_up();
        let (_, took) = caller.hears("call", "SIP/2.0 500 ");
        assert!(took < AT_ONCE, "after {took:?}");
        caller.sends("BYE", 3, &answer);
        first.hears("BYE ");
    });
}
