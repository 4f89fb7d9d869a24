//! A first hop that is asked whether it answers.

use std::time::{Duration, Instant};

use crate::lab::Lab;
use crate::phone::{PATIENCE, Phone};
use crate::ringfence::Ringfence;

/// Answers whoever asks by OPTIONS until the metrics say so of the first hop.
fn answer_until(ringfence: &Ringfence<'_>, answering: &[&Phone], up: u8) {
    let line = format!("ringfence_target_up{{trunk=\"callees\",target=\"udp:10.77.2.2:5060\"}} {up}\n");
    let deadline = Instant::now() + PATIENCE;
    while !ringfence.get("/metrics").contains(&line) {
        assert!(Instant::now() < deadline, "in vain: {line}");
        for phone in answering {
            // Each is asked about once a second: this paces the look at the metrics.
            let (options, _) = phone.hears("", "OPTIONS ");
            phone.answers(&options, "200 OK");
        }
    }
}

#[test]
fn calls_go_by_a_hop_that_fell_silent_without_delay_and_come_back_when_it_is_heard_again() {
    let Some(lab) = Lab::new() else { return };
    let ringfence = Ringfence::start(&lab, "udp", "probe = \"1s\"");
    let [caller, first, second] = [&lab.caller, &lab.first, &lab.second].map(Phone::on);
    answer_until(&ringfence, &[&first, &second], 1);

    lab.first.falls_silent();
    answer_until(&ringfence, &[&second], 0);
    caller.invites("silent");
    let (_, took) = second.hears("silent", "INVITE ");
    assert!(took < Duration::from_secs(1), "after {took:?}, though it is known to be down");

    lab.first.is_heard_again();
    answer_until(&ringfence, &[&first, &second], 1);
    caller.invites("heard");
    first.hears("heard", "INVITE ");
}
