//! A first hop that is there no more.

use std::time::Duration;

use crate::lab::{Host, Lab};
use crate::phone::Phone;
use crate::ringfence::Ringfence;

fn the_second_hop_takes_the_call_when_the_first(breaks: impl Fn(&Host)) {
    let Some(lab) = Lab::new() else { return };
    let ringfence = Ringfence::start(&lab, "udp", "try_for = \"1s\"");
    let [caller, first, second] = [&lab.caller, &lab.first, &lab.second].map(Phone::on);
    caller.invites("well");
    let (invite, _) = first.hears("well", "INVITE ");
    first.answers(&invite, "200 OK");
    caller.hears("well", "SIP/2.0 200 ");

    breaks(&lab.first);
    caller.invites("ill");
    let (invite, took) = second.hears("ill", "INVITE ");
    assert!((Duration::from_millis(500)..Duration::from_secs(4)).contains(&took), "after {took:?}");
    second.answers(&invite, "200 OK");
    caller.hears("ill", "SIP/2.0 200 ");
    assert!(ringfence.get("/metrics").contains("\nringfence_failovers_total 1\n"));
}

#[test]
fn the_second_hop_takes_the_call_when_the_first_falls_silent() {
    the_second_hop_takes_the_call_when_the_first(Host::falls_silent);
}

#[test]
fn the_second_hop_takes_the_call_when_the_first_loses_its_link() {
    the_second_hop_takes_the_call_when_the_first(Host::loses_its_link);
}

#[test]
fn a_hop_that_is_heard_again_gets_the_next_call() {
    let Some(lab) = Lab::new() else { return };
    let _ringfence = Ringfence::start(&lab, "udp", "try_for = \"1s\"");
    let [caller, first, second] = [&lab.caller, &lab.first, &lab.second].map(Phone::on);
    lab.first.falls_silent();
    caller.invites("ill");
    second.hears("ill", "INVITE ");
    lab.first.is_heard_again();
    caller.invites("well");
    first.hears("well", "INVITE ");
}
