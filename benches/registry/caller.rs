//! A caller on one thread, who starts calls on a schedule and waits for nobody.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use crate::batch::{BATCH, BatchSocket};
use crate::message::{method, status, value};
use crate::numbers::Callee;

pub(crate) struct Caller {
    socket: BatchSocket,
    local: SocketAddrV4,
    target: SocketAddrV4,
    /// How many calls were made before the present ones.
    before: usize,
    calls: Vec<Call>,
    /// When to look after which call.
    due: BinaryHeap<Reverse<(Instant, usize)>>,
    open: usize,
    told: Outcome,
}

struct Call {
    callee: Callee,
    /// When the INVITE was sent first.
    since: Instant,
    attempts: u32,
    end: Option<End>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Answered(u16),
    Lost,
}

/// What became of calls.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outcome {
    /// From the INVITE to its final answer, sorted.
    pub(crate) latencies: Vec<Duration>,
    /// Listed callees that were not declined, or others that were.
    pub(crate) wrong: u64,
    /// INVITEs that were sent again.
    pub(crate) resent: u64,
    /// Final answers that came again.
    pub(crate) repeated: u64,
    /// INVITEs without a final answer.
    pub(crate) lost: u64,
    /// How far behind its schedule the caller fell.
    pub(crate) late: Duration,
}

impl Outcome {
    /// Of a thousand calls so many were answered within this time.
    pub(crate) fn permille(&self, permille: usize) -> Duration {
        let last = self.latencies.len().saturating_sub(1);
        self.latencies.get(last * permille / 1000).copied().unwrap_or_default()
    }
}

impl Caller {
    pub(crate) fn new(target: SocketAddrV4) -> io::Result<Caller> {
        let socket = BatchSocket::bind(SocketAddrV4::new(LOCAL, 0))?;
        let local = socket.local()?;
        Ok(Caller {
            socket,
            local,
            target,
            before: 0,
            calls: Vec::new(),
            due: BinaryHeap::new(),
            open: 0,
            told: Outcome::default(),
        })
    }

    /// Calls these callees over and over, so many a second, until it is over, and waits for the last answers.
    pub(crate) fn run(
        &mut self,
        rate: u32,
        callees: &[Callee],
        is_over: impl Fn(Duration) -> bool,
    ) -> io::Result<Outcome> {
        self.forget();
        let began = Instant::now();
        let scheduled = |call: usize| began + Duration::from_secs_f64(call as f64 / f64::from(rate));
        let mut callees = callees.iter().cycle();
        let mut is_starting = true;
        while is_starting || self.open > 0 {
            let taken = self.receive()?;
            let now = Instant::now();
            is_starting = is_starting && !is_over(now - began);
            for _ in 0..STARTS {
                let at = scheduled(self.calls.len());
                if !is_starting || at > now {
                    break;
                }
                self.told.late = self.told.late.max(now - at);
                callees.next().into_iter().for_each(|callee| self.start(*callee));
            }
            self.handle_timeouts(now);
            self.socket.flush();
            if taken < BATCH {
                let next = is_starting.then(|| scheduled(self.calls.len()));
                self.wait(next);
            }
        }
        let mut told = std::mem::take(&mut self.told);
        told.latencies.sort_unstable();
        Ok(told)
    }

    /// Makes one call; the status of its final answer, if there is one.
    pub(crate) fn ask(&mut self, number: u64) -> io::Result<Option<u16>> {
        self.forget();
        self.start(Callee { number, listed: false });
        while self.open > 0 {
            self.handle_timeouts(Instant::now());
            self.socket.flush();
            self.wait(None);
            self.receive()?;
        }
        self.socket.flush();
        Ok(self.calls.first().and_then(|call| match call.end {
            Some(End::Answered(status)) => Some(status),
            _ => None,
        }))
    }

    fn forget(&mut self) {
        self.before += self.calls.len();
        self.calls.clear();
        self.due.clear();
        self.told = Outcome::default();
    }

    fn start(&mut self, callee: Callee) {
        let index = self.calls.len();
        // Read at each call: those before it in a batch take their time.
        let now = Instant::now();
        self.calls.push(Call { callee, since: now, attempts: 0, end: None });
        self.open += 1;
        self.due.push(Reverse((now + T1, index)));
        self.send(index, "INVITE", None);
    }

    /// An INVITE, or the ACK of its transaction (RFC 3261 section 17.1.1.3), which bears the answer's To.
    fn send(&mut self, index: usize, method: &str, to: Option<&str>) {
        let (number, call) = (self.calls[index].callee.number, self.before + index);
        let (local, target, run) = (self.local, self.target, std::process::id());
        let own_to = format!("<sip:+{number}@{target}>");
        let to = to.unwrap_or(&own_to);
        let text = format_args!(
            "{method} sip:+{number}@{target} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bK{run}-{call};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:+12025550100@{local}>;tag=c{call}\r\nTo: {to}\r\n\
             Call-ID: {call}-{run}@registry\r\nCSeq: 1 {method}\r\nContact: <sip:load@{local}>\r\n\
             Content-Length: 0\r\n\r\n"
        );
        // Writing to a Vec cannot fail.
        self.socket.send(target, |out| out.write_fmt(text).unwrap_or_default());
    }

    fn receive(&mut self) -> io::Result<usize> {
        let mut incoming: Vec<Vec<u8>> = Vec::new();
        let taken = self.socket.receive(|bytes, _| incoming.push(bytes.to_vec()))?;
        let now = Instant::now();
        for bytes in incoming {
            self.handle(now, &bytes);
        }
        Ok(taken)
    }

    fn handle(&mut self, now: Instant, message: &[u8]) {
        let status = status(message).filter(|status| *status >= 200 && method(message) == b"INVITE");
        let (Some(status), Some(index)) = (status, self.call_of(message)) else { return };
        let call = &mut self.calls[index];
        match call.end {
            Some(_) => self.told.repeated += 1,
            None => {
                call.end = Some(End::Answered(status));
                self.told.latencies.push(now - call.since);
                self.told.wrong += u64::from(status != if call.callee.listed { LISTED } else { UNLISTED });
                self.open -= 1;
            }
        }
        let to = String::from_utf8_lossy(value(message, "To"));
        self.send(index, "ACK", Some(&to));
    }

    fn handle_timeouts(&mut self, now: Instant) {
        while let Some(&Reverse((due, index))) = self.due.peek() {
            if due > now {
                return;
            }
            self.due.pop();
            let call = &mut self.calls[index];
            if call.end.is_some() {
                continue;
            }
            if now - call.since >= PATIENCE {
                call.end = Some(End::Lost);
                self.told.lost += 1;
                self.open -= 1;
                continue;
            }
            call.attempts += 1;
            self.due.push(Reverse((now + T1 * 2u32.pow(call.attempts), index)));
            self.told.resent += 1;
            self.send(index, "INVITE", None);
        }
    }

    fn wait(&self, next: Option<Instant>) {
        let due = self.due.peek().map(|Reverse((due, _))| *due);
        if let Some(wake) = [next, due].into_iter().flatten().min() {
            self.socket.wait(Some(wake.saturating_duration_since(Instant::now())));
        }
    }

    /// The present call of a response: its number stands at the beginning of the Call-ID.
    fn call_of(&self, message: &[u8]) -> Option<usize> {
        let call_id = std::str::from_utf8(value(message, "Call-ID")).ok()?;
        let (call, run) = call_id.strip_suffix("@registry")?.split_once('-')?;
        let index = call.parse::<usize>().ok()?.checked_sub(self.before)?;
        (run.parse() == Ok(std::process::id()) && index < self.calls.len()).then_some(index)
    }
}

/// The answer to a call to somebody who is listed.
pub(crate) const LISTED: u16 = 603;

/// The answer to a call to anybody else: there is no route.
pub(crate) const UNLISTED: u16 = 404;

/// That of the trunk.
const LOCAL: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// RFC 3261 section 17.1.1.1.
const T1: Duration = Duration::from_millis(500);

/// 64*T1, as there.
const PATIENCE: Duration = Duration::from_secs(32);

/// Calls started in one pass, so that answers are read in between when the caller is behind.
const STARTS: u64 = 64;
