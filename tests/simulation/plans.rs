//! What the callers of one seed are going to do.

use std::time::Duration;

use bytes::Bytes;
use rand::RngExt;
use rand::rngs::StdRng;

use crate::agent::{Acks, Plan, Side};
use crate::network::LAST_START;
use crate::rules::{Facts, Who, spell};

/// Draws 20 to 60 calls.
pub(crate) fn draw(rng: &mut StdRng, seed: u64) -> Vec<Plan> {
    (0..rng.random_range(20..60)).map(|at| plan(rng, format!("{at}-{seed}@sim"))).collect()
}

fn plan(rng: &mut StdRng, call_id: String) -> Plan {
    // By position among the agents of the network: who may call, and on which trunk.
    let (caller, trunk) =
        [(0, "carrier"), (1, "carrier"), (2, "pbx"), (3, "pbx"), (4, "wild"), (6, "wild")][rng.random_range(0..6)];
    let low = rng.random_range(0..40);
    let callee = match (trunk, rng.random_range(0..20)) {
        (_, 0) => 112,
        (_, 1) => 48_330_000_000 + low,
        ("pbx", 2..14) => 48_500_000_000 + low,
        ("pbx" | "carrier", 14..17) => 49_300_000_000 + low,
        ("pbx" | "carrier", 17..20) => 44_300_000_000 + low,
        (_, 2..8) => 48_221_000_000 + low,
        _ => 48_222_000_000 + low,
    };
    let number = if rng.random_bool(0.1) { 48_501_000_000 } else { 48_600_000_000 } + rng.random_range(0..40);
    let who = match rng.random_range(0..20) {
        0 => Who::Anonymous,
        1 | 2 => Who::User(format!("user-{}", rng.random_range(0..5))),
        _ => Who::Number(number),
    };
    let uri = match &who {
        Who::Anonymous => "sip:anonymous@anonymous.invalid".to_owned(),
        Who::User(user) => format!("sip:{user}@caller.example.com"),
        Who::Number(number) => format!("sip:{}@caller.example.com", spell(*number, rng)),
    };
    let from = match rng.random_range(0..3) {
        0 => format!("<{uri}>"),
        1 => format!("\"A. \\\"Caller\\\", esq.\" <{uri}>"),
        _ => format!("Alice <{uri}>"),
    };
    let asserted = rng.random_bool(0.4).then(|| 48_600_000_000 + rng.random_range(0..40));
    let privacy = rng.random_bool(0.05);
    let campaign = rng.random_bool(0.3);
    let mut extra = String::new();
    if let Some(asserted) = asserted {
        extra += &format!("P-Asserted-Identity: <sip:{}@caller.example.com>\r\n", spell(asserted, rng));
    }
    if privacy {
        extra += "Privacy: id\r\n";
    }
    if campaign {
        extra += "X-Campaign: spring\r\n";
    }
    if rng.random_bool(0.2) {
        extra += "X-Unknown: one,\r\n two\r\nIdentity: abc;info=<https://example.com/cert>\r\n";
    }
    let method = if trunk == "pbx" && rng.random_bool(0.1) { "MESSAGE" } else { "INVITE" };
    let body: Vec<u8> = (0..rng.random_range(0..300)).map(|_| rng.random()).collect();
    let contact_user = format!("cu{}x", rng.random_range(100_000..999_999));
    let seconds = |rng: &mut StdRng, range: std::ops::Range<u64>| {
        Duration::from_millis(rng.random_range(range.start * 1_000..range.end * 1_000))
    };
    let hangs_up = rng.random_range(0..10);
    let mut side = |hangs_up: bool| Side {
        keeps_record_route: rng.random_bool(0.85),
        requests: (0..rng.random_range(0..3))
            .map(|_| (seconds(rng, 1..30), ["INVITE", "UPDATE", "INFO"][rng.random_range(0..3)]))
            .collect(),
        stale_cseq: rng.random_bool(0.1),
        hangs_up: hangs_up.then(|| seconds(rng, 2..60)),
        hangs_up_early: rng.random_bool(0.06),
        bye_from_new_port: rng.random_bool(0.2),
    };
    let (caller_side, callee_side) = (side(hangs_up < 5), side((4..8).contains(&hangs_up)));
    Plan {
        call_id,
        caller,
        facts: Facts { trunk, from: who, asserted, privacy, callee, campaign },
        method,
        request_uri: format!("sip:{}@10.0.0.1", spell(callee, rng)),
        from,
        extra,
        contact_user,
        vias: rng.random_range(0..3),
        max_forwards: match rng.random_range(0..20) {
            0 => None,
            1 => Some(0),
            2 => Some(1),
            _ => Some(70),
        },
        preloaded_route: rng.random_bool(0.1),
        invented_tag: method == "INVITE" && rng.random_bool(0.05),
        body: Bytes::from(body),
        start: LAST_START.mul_f64(rng.random()),
        cancel_after: rng.random_bool(0.25).then(|| seconds(rng, 0..15)),
        cancels_answered: rng.random_bool(0.05),
        acks: match rng.random_range(0..20) {
            0 => Acks::Never,
            1 => Acks::WithWrongCSeq,
            _ => Acks::Rightly,
        },
        caller_side,
        callee_side,
    }
}
