//! Records: one `call` line at the final answer and one `end` line when an answered call is over, as CSV.
//!
//! A call line holds all that [`decide`](crate::screen::decide) was asked, so that the decision can be repeated:
//! the trunk, the whole URIs, what rules read of the headers, the world's generation and the draw.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use smallvec::SmallVec;

use super::call::text_of;
use crate::flow::Flow;
use crate::number::Number;
use crate::screen::{CallFacts, CallView, Policy, Verdict};
use crate::sip::Method;
use crate::text::{put_decimal, put_socket};
use crate::time::{Now, WallTime};
use crate::usage::LiveCall;

/// The columns of both kinds of line.
pub const RECORD_HEADER: &str = "event,time,call_id,transport,peer,from_trunk,to_trunk,method,request_uri,from,asserted,\
privacy,diversion,headers,verdict,rule,list,entry,observed,generation,draw,route,reason,caller,callee,presented,status,\
setup_ms,duration_ms,ended_by";

/// What has been judged and waits for its final answer: the line as far as it is known.
#[derive(Debug)]
pub(super) struct PendingRecord {
    line: Box<[u8]>,
    /// The number that was shown last: another target may have been shown another one.
    pub presented: Option<Number>,
    began: Instant,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EndedBy {
    Caller,
    Callee,
    /// No BYE came within `sip.call_expires`.
    Expiry,
}

/// What a `call` line says.
pub(super) struct JudgedCall<'a, 'v> {
    pub call_id: &'a [u8],
    pub flow: &'a Flow,
    pub method: Method,
    pub facts: &'a CallFacts<'a>,
    pub policy: &'a Policy,
    pub view: &'a CallView<'v>,
    pub verdict: &'a Verdict,
    pub to_trunk: &'a str,
    pub route: &'a str,
    pub presented: Option<Number>,
    pub draw: u64,
}

impl PendingRecord {
    pub(super) fn new(now: Now, times: &mut Times, judged: &JudgedCall<'_, '_>) -> PendingRecord {
        let JudgedCall { facts, policy, verdict, .. } = judged;
        let mut row = Row(Vec::with_capacity(512));
        row.text("call").time(now.wall, times).field(judged.call_id);
        row.text(judged.flow.transport.uri_token()).peer(judged.flow.peer);
        row.text(&policy.trunk(facts.trunk).name).text(judged.to_trunk);
        row.text(judged.method.as_str()).field(facts.request_uri).field(facts.from).list(facts.asserted);
        row.text(if facts.privacy { "yes" } else { "" }).list(facts.diversions);
        row.field(headers(policy, facts).as_bytes()).text(verdict.word());
        row.text(verdict.cause.rule.as_deref().unwrap_or(""));
        row.text(verdict.cause.list.as_deref().unwrap_or(""));
        row.text(&verdict.cause.entry.as_ref().map(ToString::to_string).unwrap_or_default());
        let observed: Vec<String> = verdict
            .observed
            .iter()
            .map(|would| format!("{} {}", would.action.as_str(), would.cause.rule.as_deref().unwrap_or("")))
            .collect();
        row.text(&observed.join("; ")).decimal(verdict.generation).decimal(judged.draw);
        row.text(judged.route).text(&verdict.reason_text().unwrap_or_default()).text(&callers(judged.view));
        row.text(&text_of(judged.view.callee()));
        PendingRecord { line: row.0.into(), presented: judged.presented, began: now.mono }
    }

    /// How long ago the request came.
    pub(super) fn age(&self, now: Now) -> Duration {
        now.mono.saturating_duration_since(self.began)
    }
}

/// Lines on their way to the writer: handed over in chunks, because one at a time costs up to 72 % more CPU a call.
#[derive(Debug, Default)]
pub(super) struct Records {
    chunk: Vec<u8>,
    pub times: Times,
    /// When what there is must go.
    due: Option<Instant>,
}

/// A chunk goes when it has reached this.
const CHUNK: usize = 60_000;

/// A line waits for company no longer than this.
const PATIENCE: Duration = Duration::from_millis(250);

impl Records {
    /// Writes the `call` line; `status` is `None` for a call that was dropped.
    pub(super) fn call(&mut self, now: Now, record: &PendingRecord, status: Option<u16>) {
        self.chunk.extend_from_slice(&record.line);
        let mut row = Row(std::mem::take(&mut self.chunk));
        let setup = record.age(now);
        match record.presented {
            Some(number) => row.decimal(number.get()),
            None => row.text(""),
        };
        match status {
            Some(status) => row.decimal(status).decimal(setup.as_millis()),
            None => row.text("").text(""),
        };
        row.text("").text("");
        self.finish(now, row);
    }

    /// Writes the `end` line.
    pub(super) fn end(&mut self, now: Now, call: &LiveCall, duration: Duration, ended_by: EndedBy) {
        let mut row = Row(std::mem::take(&mut self.chunk));
        row.text("end").time(now.wall, &mut self.times).text(&call.call_id).text("").text("");
        row.text(&call.from_trunk).text(&call.to_trunk).text("").text(&call.callee).text(&call.caller);
        row.text("").text("").text("").text("").text("").text(call.rule.as_deref().unwrap_or(""));
        row.text("").text("").text("").text("").text("").text("").text("");
        row.text(&call.caller).text(&call.callee).text("").text("").text("");
        row.decimal(duration.as_millis());
        row.text(match ended_by {
            EndedBy::Caller => "caller",
            EndedBy::Callee => "callee",
            EndedBy::Expiry => "expiry",
        });
        self.finish(now, row);
    }

    fn finish(&mut self, now: Now, row: Row) {
        self.chunk = row.0;
        self.chunk.pop(); // the comma after the last field
        self.chunk.push(b'\n');
        self.due.get_or_insert(now.mono + PATIENCE);
    }

    /// A chunk whose size or time has come.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<Vec<u8>> {
        let due = self.chunk.len() >= CHUNK || self.due.is_some_and(|due| due <= now);
        due.then(|| self.take()).flatten()
    }

    /// What there is.
    pub(super) fn take(&mut self) -> Option<Vec<u8>> {
        self.due = None;
        let taken = std::mem::take(&mut self.chunk);
        self.chunk.reserve(if taken.len() >= CHUNK { CHUNK + CHUNK / 8 } else { 0 });
        (!taken.is_empty()).then_some(taken)
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due
    }
}

/// `name=value` of the headers that rules read, percent-encoded and joined with `&`.
fn headers(policy: &Policy, facts: &CallFacts<'_>) -> String {
    let mut text = String::new();
    for (name, value) in policy.headers.iter().zip(facts.headers) {
        if let Some(value) = value {
            let separator = if text.is_empty() { "" } else { "&" };
            text += &format!("{separator}{name}={}", percent_encode(value, NON_ALPHANUMERIC));
        }
    }
    text
}

/// Who calls, as it was screened: the asserted identities, then From where that is another.
fn callers(view: &CallView<'_>) -> String {
    let mut texts: SmallVec<[String; 2]> = SmallVec::new();
    for party in view.callers() {
        let text = text_of(party);
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    texts.join(" ")
}

/// A line in the making; each field ends with a comma.
struct Row(Vec<u8>);

impl Row {
    /// A field, in quotes where its bytes ask for them (RFC 4180). A line end becomes a space: each line of a file is a
    /// record, so that a damaged one spoils no other.
    fn field(&mut self, value: &[u8]) -> &mut Row {
        // To the end in any case, so that the compiler can look at many bytes at once.
        let needs_quotes = |found: bool, byte: &u8| found | matches!(byte, b',' | b'"' | b'\r' | b'\n');
        if value.iter().fold(false, needs_quotes) {
            self.0.push(b'"');
            for &byte in value {
                if byte == b'"' {
                    self.0.push(b'"');
                }
                self.0.push(if matches!(byte, b'\r' | b'\n') { b' ' } else { byte });
            }
            self.0.push(b'"');
        } else {
            self.0.extend_from_slice(value);
        }
        self.0.push(b',');
        self
    }

    fn text(&mut self, value: &str) -> &mut Row {
        self.field(value.as_bytes())
    }

    fn decimal(&mut self, value: impl itoa::Integer) -> &mut Row {
        put_decimal(value, &mut self.0);
        self.0.push(b',');
        self
    }

    fn peer(&mut self, peer: SocketAddr) -> &mut Row {
        put_socket(peer, &mut self.0);
        self.0.push(b',');
        self
    }

    fn time(&mut self, time: WallTime, times: &mut Times) -> &mut Row {
        times.put(time, &mut self.0);
        self.0.push(b',');
        self
    }

    /// URIs, which hold no spaces, joined with a space.
    fn list(&mut self, values: &[&[u8]]) -> &mut Row {
        self.field(&values.join(&b' '))
    }
}

/// Writes times; the text of the last second is kept, since many lines fall into one.
#[derive(Debug, Default)]
pub(super) struct Times {
    second: u64,
    /// Up to the dot; empty at first.
    text: Vec<u8>,
}

impl Times {
    fn put(&mut self, time: WallTime, out: &mut Vec<u8>) {
        let (second, micros) = (time.as_micros() / 1_000_000, time.as_micros() % 1_000_000);
        if self.text.is_empty() || self.second != second {
            let whole = time.to_string();
            let dot = whole.find('.').map_or(whole.len(), |dot| dot + 1);
            (self.second, self.text) = (second, whole.as_bytes()[..dot].to_vec());
        }
        out.extend_from_slice(&self.text);
        // A leading one keeps the zeros.
        let start = out.len();
        put_decimal(1_000_000 + micros, out);
        out.remove(start);
        out.push(b'Z');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_a_wall_time_writes_itself() {
        let mut times = Times::default();
        for micros in [0, 1, 999_999, 1_000_000, 1_774_440_000_000_000, 1_774_440_000_012_345, 1_774_440_001_000_000, 7]
        {
            let (time, mut out) = (WallTime::from_micros(micros), Vec::new());
            times.put(time, &mut out);
            assert_eq!(out, time.to_string().as_bytes());
        }
    }
}
