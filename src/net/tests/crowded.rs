//! More calls than a shard can handle at once.

use std::time::Instant;

use super::{Bench, STRANGER, call_ids_of, client, invite, options, request, until};
use crate::net::admission::LONGEST_WAIT;

#[test]
fn a_cancel_waits_only_behind_its_invite_and_a_copy_not_at_all() {
    let bench = Bench::start("127.0.0.1", 1);
    let trunk = client("127.0.0.1");
    let script = bench.world.load_full();
    let gate = script.gates[0].lock().unwrap();
    let send = |bytes: Vec<u8>| trunk.send_to(&bytes, bench.udp()).unwrap();
    send(options("hold"));
    assert_eq!(bench.next_of(0), ("taken", "hold".to_owned()));
    // All of these are read in one pass, which handles 32 of the calls.
    let calls: Vec<String> = (0..40).map(|n| format!("call-{n}")).collect();
    for call_id in &calls {
        send(invite(call_id));
    }
    send(request("CANCEL", "sip:a@b", "cancel-of-last", "call-39"));
    send(invite("call-39"));
    send(request("CANCEL", "sip:a@b", "cancel-of-last", "call-39"));
    send(request("CANCEL", "sip:a@b", "cancel-of-none", "none"));
    send(request("CANCEL", "sip:a@b", "cancel-of-first", "call-0"));
    // A stranger's call takes no place in the queue.
    client(STRANGER).send_to(&invite("strange"), bench.udp()).unwrap();
    drop(gate);
    let taken = |call_id: &str| ("taken", call_id.to_owned());
    let absorbed = |call_id: &str| ("absorbed", call_id.to_owned());
    let mut expected: Vec<_> = calls[..32].iter().map(|call_id| taken(call_id)).collect();
    expected.extend([absorbed("call-39"), absorbed("cancel-of-last")]);
    expected.extend([taken("cancel-of-none"), taken("cancel-of-first"), taken("strange")]);
    expected.extend(calls[32..].iter().map(|call_id| taken(call_id)));
    expected.push(taken("cancel-of-last"));
    let seen: Vec<_> = expected.iter().map(|_| bench.next_of(0)).collect();
    assert_eq!(seen, expected);
    bench.stop();
}

#[test]
fn a_shard_with_too_many_calls_refuses_its_own_and_passes_on_those_of_others() {
    let bench = Bench::start("127.0.0.1", 2);
    let trunk = bench.client_read_by(0);
    let script = bench.world.load_full();
    let send = |bytes: Vec<u8>| trunk.send_to(&bytes, bench.udp()).unwrap();
    let [hold, stop] = script.gates.each_ref().map(|gate| gate.lock().unwrap());
    let (first, second) = (call_ids_of(0, "hold").next().unwrap(), call_ids_of(0, "stop").next().unwrap());
    send(options(&first));
    assert_eq!(bench.next_of(0), ("taken", first));
    // It handles 32 of these in one pass, of which the first holds it up; eight wait.
    let mut own = call_ids_of(0, "call");
    let held: Vec<String> = std::iter::once(second).chain(own.by_ref().take(39)).collect();
    for call_id in &held {
        send(invite(call_id));
    }
    drop(hold);
    assert_eq!(bench.next_of(0), ("taken", held[0].clone()));
    let began = Instant::now();
    until("they have waited for too long", || began.elapsed() > LONGEST_WAIT);
    let (late, other) = (own.next().unwrap(), call_ids_of(1, "call").next().unwrap());
    send(invite(&other));
    send(invite(&late));
    drop(stop);
    let (mut of_late, mut of_other) = (None, None);
    while of_late.is_none() || of_other.is_none() {
        match bench.next_call() {
            (0, what, call_id) if call_id == late => of_late = Some(what),
            (1, what, call_id) if call_id == other => of_other = Some(what),
            _ => {}
        }
    }
    assert_eq!((of_late, of_other), (Some("refused"), Some("taken")));
    bench.stop();
}

#[test]
fn a_shard_with_too_many_calls_refuses_what_comes_and_what_has_waited_for_too_long() {
    let bench = Bench::start("127.0.0.1", 1);
    let trunk = client("127.0.0.1");
    let script = bench.world.load_full();
    let send = |bytes: Vec<u8>| trunk.send_to(&bytes, bench.udp()).unwrap();
    let [hold, stop] = script.gates.each_ref().map(|gate| gate.lock().unwrap());
    send(options("hold"));
    assert_eq!(bench.next_of(0), ("taken", "hold".to_owned()));
    let calls: Vec<String> = (1..40).map(|n| format!("call-{n}")).collect();
    send(invite("stop"));
    for call_id in &calls {
        send(invite(call_id));
    }
    drop(hold);
    assert_eq!(bench.next_of(0), ("taken", "stop".to_owned()));
    let began = Instant::now();
    until("they have waited for too long", || began.elapsed() > LONGEST_WAIT);
    send(invite("call-40"));
    // A copy of one that waits, a request in a folded writing, an emergency, OPTIONS to us and to somebody else.
    send(invite("call-39"));
    let folded = String::from_utf8(invite("folded")).unwrap().replace("To: ", "To:\r\n ");
    send(folded.into_bytes());
    send(request("INVITE", "sip:112@b", "emergency", "emergency"));
    send(request("OPTIONS", "sip:b", "to-us", "to-us"));
    send(request("OPTIONS", "sip:a@b", "to-another", "to-another"));
    client(STRANGER).send_to(&invite("strange"), bench.udp()).unwrap();
    drop(stop);
    let all = |what: &'static str, call_ids: &[&str]| -> Vec<_> {
        call_ids.iter().map(|call_id| (what, (*call_id).to_owned())).collect()
    };
    let calls: Vec<&str> = calls.iter().map(String::as_str).collect();
    let expected = [
        all("taken", &calls[..31]),
        all("refused", &["call-40"]),
        all("absorbed", &["call-39"]),
        all("refused", &["folded"]),
        all("taken", &["emergency", "to-us"]),
        all("refused", &["to-another"]),
        all("refused", &calls[31..]),
    ]
    .concat();
    let seen: Vec<_> = expected.iter().map(|_| bench.next_of(0)).collect();
    assert_eq!(seen, expected);
    assert_eq!(bench.counters.overload_strangers.get(), 1);
    bench.stop();
}

#[test]
fn calls_for_a_crowded_shard_are_refused_by_who_reads_them_but_not_an_emergency_nor_a_cancel() {
    const CALLS: usize = 100;
    let bench = Bench::start("127.0.0.1", 2);
    let trunk = bench.client_read_by(0);
    let script = bench.world.load_full();
    let send = |bytes: Vec<u8>| trunk.send_to(&bytes, bench.udp()).unwrap();
    let hold = script.gates[0].lock().unwrap();
    let first = call_ids_of(1, "hold").next().unwrap();
    send(options(&first));
    assert_eq!(bench.next_of(1), ("taken", first));
    // Its mailbox gets more than a half full, of what must not be refused.
    let mut call_ids = call_ids_of(1, "call");
    let queued = || bench.net.gauges().queues()[1];
    for filled in (0..=4096).step_by(256) {
        for call_id in call_ids.by_ref().take(256) {
            send(request("OPTIONS", "sip:b", &call_id, &call_id));
        }
        until("they are handed over", || queued() == filled + 256);
    }
    let calls: Vec<String> = call_ids.by_ref().take(CALLS).collect();
    let before = queued();
    for call_id in &calls {
        send(invite(call_id));
    }
    let unread = || usize::try_from(bench.counters.overload_unread.get()).unwrap();
    until("they are refused", || queued() - before + unread() == CALLS);
    assert!(unread() > 0 && queued() > before, "a few are told: {}", unread());
    let (emergency, cancel) = (call_ids.next().unwrap(), call_ids.next().unwrap());
    send(request("INVITE", "sip:112@b", &emergency, &emergency));
    send(request("CANCEL", "sip:a@b", &cancel, &cancel));
    drop(hold);
    let (mut refused, mut taken) = (0, Vec::new());
    while taken.last() != Some(&cancel) {
        match bench.next_of(1) {
            ("refused", call_id) => refused += usize::from(calls.contains(&call_id)),
            (_, call_id) => taken.push(call_id),
        }
    }
    assert_eq!(refused + unread(), CALLS);
    assert!(taken.contains(&emergency) && !calls.iter().any(|call_id| taken.contains(call_id)));
    bench.stop();
}
