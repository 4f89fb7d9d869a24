//! The caller: starts calls on a schedule and follows each to its end.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::BinaryHeap;
use std::io::{self, Write};
use std::net::SocketAddrV4;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

use crate::batch::loopback;
use crate::message::{SENT, address, method, record_route, status, uri, value};
use crate::report::Latencies;
use crate::socket::{self, Socket};

#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    socket: socket::Options,
    /// What each call is.
    #[arg(long, value_enum, default_value_t = Scenario::Full)]
    scenario: Scenario,
    /// Calls a second.
    #[arg(long, default_value_t = 100)]
    rate: u32,
    /// Instead of a rate: a new call as soon as fewer than these are open.
    #[arg(long, conflicts_with = "rate")]
    at_once: Option<u64>,
    /// Seconds in which calls are started.
    #[arg(long, default_value_t = 10)]
    duration: u32,
    /// Where requests outside a dialog go.
    #[arg(long, default_value = "127.0.0.1:5060")]
    target: SocketAddrV4,
    /// The address, or address and port, to send from: it chooses the trunk.
    #[arg(long, default_value = "127.0.0.2")]
    local: String,
    /// The user of From.
    #[arg(long, default_value = "48600100200")]
    from: String,
    /// The user of the Request-URI and To.
    #[arg(long, default_value = "48221234567")]
    to: String,
    /// A header field to add, as it stands; may be repeated.
    #[arg(long)]
    header: Vec<String>,
    /// Milliseconds between ACK and BYE.
    #[arg(long, default_value_t = 0)]
    hold: u64,
    /// The status that a declined call expects.
    #[arg(long, default_value_t = 603)]
    expect: u16,
    /// Seconds after which a transaction without a final answer has failed.
    #[arg(long, default_value_t = 32)]
    patience: u64,
    /// Write into each INVITE when it was sent, for a next hop that tells how long it took to come there.
    #[arg(long)]
    stamp: bool,
    /// Send everything to the target, whatever Record-Route and Contact say.
    #[arg(long)]
    blind: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Scenario {
    /// INVITE, 180, 200, ACK, BYE, 200.
    Full,
    /// INVITE, a final answer, ACK.
    Declined,
}

/// RFC 3261 section 17.1.1.1.
const T1: Duration = Duration::from_millis(500);

/// Calls started in one pass, so that answers are read in between when the caller is behind.
const STARTS: u64 = 64;

const SDP: &str = "v=0\r\no=load 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
    m=audio 40000 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n\
    a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n";

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// INVITE sent, no response yet.
    Calling,
    /// A provisional response came.
    Proceeding,
    /// 200 and ACK; BYE is due.
    Answered,
    /// BYE sent.
    Ending,
    Completed,
    Failed,
}

struct Call {
    state: State,
    /// When the INVITE, later the BYE, was sent first.
    since: Instant,
    /// When to look after it; older entries of the heap are void.
    due: Instant,
    attempts: u32,
    has_rung: bool,
    dialog: Option<Box<Dialog>>,
}

/// What requests inside the dialog need (RFC 3261 section 12.1.2).
struct Dialog {
    to: Vec<u8>,
    target: Vec<u8>,
    /// Whole Route header fields.
    routes: Vec<u8>,
    next: SocketAddrV4,
}

#[derive(Default)]
struct Counts {
    completed: u64,
    failed: BTreeMap<String, u64>,
    resent: u64,
    repeated_ringing: u64,
    repeated_finals: u64,
    unexpected: u64,
    open: u64,
}

struct Caller<'a> {
    options: &'a Options,
    local: SocketAddrV4,
    /// Tells this run's calls from another's.
    run: u32,
    extra: String,
    calls: Vec<Call>,
    due: BinaryHeap<Reverse<(Instant, usize)>>,
    counts: Counts,
    until_first: Latencies,
    until_final: Latencies,
    until_end: Latencies,
}

pub(crate) fn run(options: &Options) -> io::Result<ExitCode> {
    loopback(options.target)?;
    let local = options.local.parse().or_else(|_| Ok(SocketAddrV4::new(options.local.parse()?, 0)));
    let local = local.map_err(|error: std::net::AddrParseError| io::Error::other(error.to_string()))?;
    let mut socket = Socket::connect(&options.socket, local, options.target)?;
    let mut caller = Caller {
        options,
        local: socket.local()?,
        run: std::process::id(),
        extra: options.header.iter().map(|header| format!("{header}\r\n")).collect(),
        calls: Vec::new(),
        due: BinaryHeap::new(),
        counts: Counts::default(),
        until_first: Latencies::default(),
        until_final: Latencies::default(),
        until_end: Latencies::default(),
    };
    let began = Instant::now();
    let until = began + Duration::from_secs(u64::from(options.duration));
    let scheduled = |call: u64| began + Duration::from_nanos(call * 1_000_000_000 / u64::from(options.rate.max(1)));
    // When the next call is due; `None`: not before another one ends.
    let next_start = |started: u64, open: u64| match options.at_once {
        Some(at_once) => (open < at_once).then_some(began),
        None => Some(scheduled(started)),
    };
    let is_last = |started: u64, now: Instant| match options.at_once {
        Some(_) => now >= until,
        None => started == u64::from(options.rate) * u64::from(options.duration),
    };
    let mut started = 0;
    let mut now = began;
    let mut late = Duration::ZERO;
    let mut ended_starting = began;
    let mut incoming: Vec<Vec<u8>> = Vec::new();
    while !is_last(started, now) || caller.counts.open > 0 {
        let has_more = socket.receive(|bytes, _, _| incoming.push(bytes.to_vec()))?;
        now = Instant::now();
        for bytes in incoming.drain(..) {
            caller.handle(now, &bytes, &mut socket);
        }
        for _ in 0..STARTS {
            let due = next_start(started, caller.counts.open).filter(|due| *due <= now);
            let Some(due) = due.filter(|_| !is_last(started, now)) else { break };
            if options.at_once.is_none() {
                late = late.max(now - due);
            }
            caller.start(now, &mut socket);
            started += 1;
            ended_starting = now;
        }
        caller.handle_timeouts(now, &mut socket);
        socket.flush();
        if !has_more {
            let next = next_start(started, caller.counts.open).filter(|_| !is_last(started, now));
            let due = caller.due.peek().map(|Reverse((due, _))| *due);
            if let Some(wake) = [next, due].into_iter().flatten().min() {
                socket.wait(Some(wake.saturating_duration_since(Instant::now())));
            }
        }
    }
    // What comes a second time comes within moments.
    let quiet_at = Instant::now() + T1 + T1 / 2;
    while Instant::now() < quiet_at {
        socket.receive(|bytes, _, _| incoming.push(bytes.to_vec()))?;
        for bytes in incoming.drain(..) {
            caller.handle(Instant::now(), &bytes, &mut socket);
        }
        socket.flush();
        socket.wait(Some(quiet_at.saturating_duration_since(Instant::now())));
    }
    Ok(caller.report(started, ended_starting - began, late, socket.unsent()))
}

impl Caller<'_> {
    fn transport(&self) -> socket::Transport {
        self.options.socket.transport
    }

    fn start(&mut self, now: Instant, socket: &mut Socket) {
        let index = self.calls.len();
        self.calls.push(Call {
            state: State::Calling,
            since: now,
            due: now,
            attempts: 0,
            has_rung: false,
            dialog: None,
        });
        self.counts.open += 1;
        self.look_after(index, now + T1);
        self.invite(index, socket);
    }

    fn invite(&self, index: usize, socket: &mut Socket) {
        let Options { to, from, target, stamp, .. } = self.options;
        let (local, run, extra) = (self.local, self.run, &self.extra);
        let (via, parameter) = (self.transport().name(), self.transport().parameter());
        let sent = if *stamp { Sent::now() } else { Sent::Untold };
        write(
            socket,
            *target,
            format_args!(
                "INVITE sip:{to}@{target} SIP/2.0\r\nVia: SIP/2.0/{via} {local};branch=z9hG4bK{run}-{index};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{from}@{local}>;tag=c{index}\r\nTo: <sip:{to}@{target}>\r\n\
             Call-ID: {index}-{run}@load\r\nCSeq: 1 INVITE\r\nContact: <sip:load@{local}{parameter}>\r\n{sent}{extra}\
             Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{SDP}",
                SDP.len(),
            ),
        );
        if *stamp {
            // So that nothing stands between the stamp and the wire but the system call.
            socket.flush();
        }
    }

    /// The ACK to a final answer other than 2xx: of the INVITE's transaction (RFC 3261 section 17.1.1.3).
    fn acknowledge_refusal(&self, index: usize, response: &[u8], socket: &mut Socket) {
        let Options { to: callee, from, target, .. } = self.options;
        let (local, run, via) = (self.local, self.run, self.transport().name());
        let to = value(response, "To").as_text();
        write(
            socket,
            *target,
            format_args!(
                "ACK sip:{callee}@{target} SIP/2.0\r\nVia: SIP/2.0/{via} {local};branch=z9hG4bK{run}-{index};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{from}@{local}>;tag=c{index}\r\nTo: {to}\r\n\
             Call-ID: {index}-{run}@load\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n"
            ),
        );
    }

    fn in_dialog(&self, index: usize, method: &str, cseq: u32, socket: &mut Socket) {
        let Some(dialog) = self.calls[index].dialog.as_deref() else { return };
        let (local, run, from, via) = (self.local, self.run, &self.options.from, self.transport().name());
        let (target, routes, to) = (dialog.target.as_text(), dialog.routes.as_text(), dialog.to.as_text());
        write(
            socket,
            dialog.next,
            format_args!(
                "{method} {target} SIP/2.0\r\nVia: SIP/2.0/{via} {local};branch=z9hG4bK{run}-{index}-{method};rport\r\n\
             {routes}Max-Forwards: 70\r\nFrom: <sip:{from}@{local}>;tag=c{index}\r\nTo: {to}\r\n\
             Call-ID: {index}-{run}@load\r\nCSeq: {cseq} {method}\r\nContent-Length: 0\r\n\r\n"
            ),
        );
    }

    fn handle(&mut self, now: Instant, message: &[u8], socket: &mut Socket) {
        let (Some(status), Some(index)) = (status(message), self.call_of(message)) else {
            self.counts.unexpected += 1;
            return;
        };
        match method(message) {
            b"INVITE" => self.handle_invited(now, index, status, message, socket),
            b"BYE" => self.handle_ended(now, index, status),
            _ => self.counts.unexpected += 1,
        }
    }

    fn handle_invited(&mut self, now: Instant, index: usize, status: u16, message: &[u8], socket: &mut Socket) {
        let call = &mut self.calls[index];
        let is_open = matches!(call.state, State::Calling | State::Proceeding);
        if call.state == State::Calling {
            self.until_first.add(now - call.since);
            call.state = State::Proceeding;
        }
        match status {
            100..=199 => {
                if status > 100 && std::mem::replace(&mut call.has_rung, true) {
                    self.counts.repeated_ringing += 1;
                }
            }
            _ if !is_open => {
                self.counts.repeated_finals += 1;
                if status < 300 {
                    self.in_dialog(index, "ACK", 1, socket);
                } else {
                    self.acknowledge_refusal(index, message, socket);
                }
            }
            200..=299 => {
                self.until_final.add(now - call.since);
                match dialog(message, self.options) {
                    Some(dialog) => call.dialog = Some(Box::new(dialog)),
                    None => return self.fail(index, "a 200 without a dialog"),
                }
                self.in_dialog(index, "ACK", 1, socket);
                if self.options.scenario == Scenario::Declined {
                    // It is to end all the same.
                    self.fail(index, "answered");
                    self.in_dialog(index, "BYE", 2, socket);
                    return;
                }
                self.calls[index].state = State::Answered;
                if self.options.hold == 0 {
                    self.end(now, index, socket);
                } else {
                    self.look_after(index, now + Duration::from_millis(self.options.hold));
                }
            }
            _ => {
                self.until_final.add(now - call.since);
                self.acknowledge_refusal(index, message, socket);
                if self.options.scenario == Scenario::Declined && status == self.options.expect {
                    self.close(index, State::Completed);
                    self.counts.completed += 1;
                } else {
                    self.fail(index, &format!("answered {status}"));
                }
            }
        }
    }

    fn end(&mut self, now: Instant, index: usize, socket: &mut Socket) {
        let call = &mut self.calls[index];
        (call.state, call.since, call.attempts) = (State::Ending, now, 0);
        self.look_after(index, now + T1);
        self.in_dialog(index, "BYE", 2, socket);
    }

    fn handle_ended(&mut self, now: Instant, index: usize, status: u16) {
        match (self.calls[index].state, status) {
            (State::Ending, 200..=299) => {
                self.until_end.add(now - self.calls[index].since);
                self.close(index, State::Completed);
                self.counts.completed += 1;
            }
            (State::Ending, 300..) => self.fail(index, &format!("BYE answered {status}")),
            (State::Completed, 200..) => self.counts.repeated_finals += 1,
            _ => {}
        }
    }

    fn handle_timeouts(&mut self, now: Instant, socket: &mut Socket) {
        let is_reliable = self.transport().is_reliable();
        while let Some(&Reverse((due, index))) = self.due.peek() {
            if due > now {
                return;
            }
            self.due.pop();
            let call = &mut self.calls[index];
            if call.due != due {
                continue;
            }
            let is_over = now - call.since >= Duration::from_secs(self.options.patience);
            match call.state {
                State::Calling | State::Proceeding | State::Ending if is_over => self.fail(index, "no final answer"),
                State::Calling | State::Ending if !is_reliable => {
                    call.attempts += 1;
                    let attempts = call.attempts.min(6);
                    let is_bye = call.state == State::Ending;
                    self.counts.resent += 1;
                    self.look_after(index, now + T1 * 2u32.pow(attempts));
                    if is_bye {
                        self.in_dialog(index, "BYE", 2, socket);
                    } else {
                        self.invite(index, socket);
                    }
                }
                State::Calling | State::Proceeding | State::Ending => {
                    let over = call.since + Duration::from_secs(self.options.patience);
                    self.look_after(index, over);
                }
                State::Answered => self.end(now, index, socket),
                State::Completed | State::Failed => call.dialog = None,
            }
        }
    }

    fn look_after(&mut self, index: usize, due: Instant) {
        self.calls[index].due = due;
        self.due.push(Reverse((due, index)));
    }

    fn fail(&mut self, index: usize, why: &str) {
        *self.counts.failed.entry(why.to_owned()).or_default() += 1;
        self.close(index, State::Failed);
    }

    fn close(&mut self, index: usize, state: State) {
        self.calls[index].state = state;
        // Until then a 200 that comes again is acknowledged again.
        self.look_after(index, Instant::now() + 64 * T1);
        self.counts.open -= 1;
    }

    /// The call of a response: its number stands at the beginning of the Call-ID.
    fn call_of(&self, message: &[u8]) -> Option<usize> {
        let call_id = std::str::from_utf8(value(message, "Call-ID")).ok()?;
        let (index, run) = call_id.strip_suffix("@load")?.split_once('-')?;
        let index = index.parse().ok()?;
        (run.parse() == Ok(self.run) && index < self.calls.len()).then_some(index)
    }

    fn report(&mut self, started: u64, took: Duration, late: Duration, unsent: u64) -> ExitCode {
        let counts = &self.counts;
        let failed: u64 = counts.failed.values().sum();
        let rate = started as f64 / took.as_secs_f64().max(1e-9);
        println!("attempted {started}  completed {}  failed {failed}  ({rate:.0} calls/s)", counts.completed);
        for (why, count) in &counts.failed {
            println!("  failed: {why}: {count}");
        }
        println!(
            "came twice: ringing {}  finals {};  sent again {}  unexpected {}  unsent {unsent}  late {:.1} ms",
            counts.repeated_ringing,
            counts.repeated_finals,
            counts.resent,
            counts.unexpected,
            late.as_secs_f64() * 1000.0
        );
        self.until_first.print("INVITE to first response");
        self.until_final.print("INVITE to final response");
        self.until_end.print("BYE to 200");
        if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// The dialog that a 2xx opens.
fn dialog(response: &[u8], options: &Options) -> Option<Dialog> {
    let target = uri(value(response, "Contact"));
    let routes: Vec<&[u8]> = record_route(response).into_iter().rev().collect();
    let next = if options.blind { options.target } else { address(routes.first().map_or(target, |route| uri(route)))? };
    loopback(next).ok()?;
    let routes = routes.iter().flat_map(|route| [&b"Route: "[..], route, b"\r\n"]).collect::<Vec<_>>().concat();
    Some(Dialog { to: value(response, "To").to_vec(), target: target.to_vec(), routes, next })
}

fn write(socket: &mut Socket, to: SocketAddrV4, text: std::fmt::Arguments<'_>) {
    // Writing to a Vec cannot fail.
    socket.send(to, |out| out.write_fmt(text).unwrap_or_default());
}

/// When an INVITE was sent, as a header field.
enum Sent {
    Untold,
    /// Since the epoch.
    At(Duration),
}

impl Sent {
    fn now() -> Sent {
        Sent::At(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
    }
}

impl std::fmt::Display for Sent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Sent::Untold => Ok(()),
            Sent::At(since_epoch) => write!(f, "{SENT}: {}\r\n", since_epoch.as_nanos()),
        }
    }
}

/// Text as it came; what is not UTF-8 is shown as empty and makes the call fail, which is what it should.
trait Text {
    fn as_text(&self) -> &str;
}

impl Text for [u8] {
    fn as_text(&self) -> &str {
        std::str::from_utf8(self).unwrap_or_default()
    }
}
