//! What many sections need.

use bytes::Bytes;

use crate::stage::{CARRIER, Sent, Stage, invite, message, response};

/// The two targets of the callee's trunk.
pub(crate) const CALLEE: &str = "192.0.2.3:5070";
pub(crate) const SECOND: &str = "192.0.2.4:5070";

/// The last target of a config that fails over on these answers as well.
pub(crate) fn failing_over_on(codes: &str) -> Stage {
    let to = "to = [\"sip:192.0.2.3:5070\", \"sip:192.0.2.4:5070\"]";
    Stage::with(&[(to, &format!("{to}\nfailover_on = {codes}"))], "")
}

/// The request as it arrives at its first target.
#[track_caller]
pub(crate) fn forwarded(stage: &mut Stage, text: &str) -> Sent {
    stage.receive(CARRIER, text);
    let sent = stage.one();
    assert_eq!(sent.to(), CALLEE, "{}", sent.text);
    sent
}

/// The one answer that a request gets, which goes no further.
#[track_caller]
pub(crate) fn answer(text: &str) -> Sent {
    let mut stage = Stage::new();
    stage.receive(CARRIER, text);
    let answer = stage.one();
    assert_eq!(stage.load().transactions, 0);
    answer
}

/// What was sent to the caller since this was last asked.
pub(crate) fn to_caller(stage: &mut Stage) -> Vec<Sent> {
    stage.sent().into_iter().filter(|sent| sent.to() == CARRIER).collect()
}

pub(crate) fn statuses(sent: &[Sent]) -> Vec<u16> {
    sent.iter().map(Sent::status).collect()
}

/// A call that rings: the INVITE as it arrived at the callee.
pub(crate) fn ringing(stage: &mut Stage) -> Sent {
    let sent = forwarded(stage, &invite(9));
    stage.receive(CALLEE, &response(&sent, 180, ""));
    assert_eq!(stage.one().status(), 180);
    sent
}

/// A message with a body, its lines ended as they must be.
pub(crate) fn with_body(text: &str, body: &[u8]) -> Bytes {
    let lines: Vec<&str> = text.trim().lines().map(str::trim_start).collect();
    let head = format!("{}\r\nContent-Length: {}\r\n\r\n", lines.join("\r\n"), body.len());
    Bytes::from([head.as_bytes(), body].concat())
}

/// A final answer of a next hop.
pub(crate) struct Refusal {
    pub(crate) text: String,
    /// What the caller is to get: the same less our Via.
    pub(crate) expected: String,
}

/// What a target answers to this request, with these lines, which need not be as [`message`](crate::stage::message) writes
/// them.
pub(crate) fn refusal(request: &Sent, status_line: &str, lines: &str) -> Refusal {
    let text = response(request, 603, lines).replacen("603 Whatever", status_line, 1);
    let via = format!("Via: {}\n", request.headers("Via")[0]);
    let expected = message(&text.replacen(&via, "", 1));
    Refusal { text, expected: String::from_utf8(expected.to_vec()).unwrap() }
}

/// The one answer that the caller gets when this comes from a target, and that no other target is tried.
#[track_caller]
pub(crate) fn passed_on(stage: &mut Stage, target: &str, refusal: &Refusal) -> String {
    stage.receive(target, &refusal.text);
    let (ours, others): (Vec<Sent>, Vec<Sent>) = stage.sent().into_iter().partition(|sent| sent.to() == CARRIER);
    assert!(others.iter().all(|sent| sent.is_request("ACK")), "{others:?}");
    assert_eq!(ours.len(), 1);
    ours[0].text.clone()
}
