//! Numbers and addresses of callers stay out of the log, whatever its level. Calls of every outcome go through an engine
//! while all that it says is kept; `tests/user_agent` does the same with the whole program.
#![cfg(feature = "daemon")]

#[path = "sip_properties/proxy.rs"]
mod proxy;
#[path = "engine/stage.rs"]
mod stage;

use std::io;
use std::sync::{Arc, Mutex};

use ringfence::redact::Redacted;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;

/// What identifies the people of the calls below: numbers, a name, and the hosts of their telephones.
const PERSONAL: [&str; 6] = ["600100200", "600100201", "221234567", "221234568", "Kowalski", "192.0.2.77"];

/// Everything that has been logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no writer has panicked").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Log;

    fn make_writer(&self) -> Log {
        self.clone()
    }
}

impl Log {
    /// What is said at any level while `work` is done, spans and their fields included.
    fn of(work: impl FnOnce()) -> String {
        let log = Log::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_span_events(FmtSpan::FULL)
            .with_ansi(false)
            .with_writer(log.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, work);
        let bytes = log.0.lock().expect("no writer has panicked").clone();
        String::from_utf8(bytes).expect("a log of text")
    }
}

/// What of a person stands in a log.
fn personal(log: &str) -> Vec<&str> {
    PERSONAL.into_iter().filter(|text| log.contains(text)).collect()
}

fn invite(caller: &str, called: &str, more: &str) -> Vec<u8> {
    format!(
        "INVITE sip:+48{called}@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.77;branch=z9hG4bK{caller}{called};rport\r\n\
         From: \"Jan Kowalski\" <sip:+48{caller}@192.0.2.77>;tag={caller}\r\nTo: <sip:+48{called}@127.0.0.1>\r\n\
         Call-ID: {caller}{called}@192.0.2.77\r\nCSeq: 1 INVITE\r\nContact: <sip:+48{caller}@192.0.2.77>\r\n\
         {more}Content-Length: 0\r\n\r\n"
    )
    .into_bytes()
}

#[test]
fn no_call_of_any_outcome_leaves_a_trace_of_its_people_in_the_log() {
    let log = Log::of(|| {
        let (hidden, listed, other) = ("600100200", "600100201", "600100202");
        let calls = [
            invite(hidden, "221234567", "P-Asserted-Identity: <sip:+48600100200@192.0.2.77>\r\n"),
            invite(listed, "221234567", ""),
            invite(other, "221234568", ""),
            invite(other, "221234569", "Max-Forwards: 0\r\n"),
            invite(other, "221234567", "Max-Forwards: none\r\n"),
            invite(other, "221234567", "X-Campaign: winter\r\n"),
            b"INVITE sip:+48221234567@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.77\r\nFrom: Kowalski\n\r\n"
                .to_vec(),
        ];
        let mut forwarded = 0;
        for call in &calls {
            // From each neighbour, with answers of every kind, hung up, and with requests from the callee.
            for choice in [0, 1, 2, 4, 5, 6, 7, 64 + 1, 128 + 2, 128 + 6, 128 + 7, 128 + 15] {
                for neighbour in [0, 1, 3] {
                    let mut bench = proxy::Bench::new();
                    bench.call(call, b"Contact: <sip:+48221234567@192.0.2.77>\r\n", &[neighbour, choice, 2]);
                    bench.let_time_pass();
                    forwarded += bench.forwarded;
                }
            }
        }
        assert!(forwarded > 50);
    });
    assert_eq!(personal(&log), Vec::<&str>::new(), "{log}");
    assert!(!log.contains("ERROR"), "{log}");
}

#[test]
fn a_number_that_comes_to_rest_is_told_without_its_digits() {
    let pool = "present = { pool = \"our-numbers\", headers = [\"P-Asserted-Identity\"] }\nunavailable";
    let resting = pool.replace(" }", ", rest_after = 1 }");
    let log = Log::of(|| {
        let mut stage = stage::Stage::with(&[(pool, &resting)], "");
        stage.receive(stage::CARRIER, &stage::invite(9).replace("+4822", "+4850"));
        let sent = stage.one();
        assert!(sent.text.contains("48501000000"), "{}", sent.text);
        stage.receive(&sent.to(), &stage::response(&sent, 608, ""));
    });
    assert!(log.contains("WARN") && log.contains("a number that route \"out\" presents rests"), "{log}");
    assert!(!log.contains("501000000") && !log.contains("600000009"), "{log}");
}

#[test]
fn a_number_that_is_logged_is_found_and_a_redacted_one_is_not() {
    let number = "48600100200";
    let log = Log::of(|| {
        tracing::trace!(caller = %Redacted(number), "a call from {}", Redacted(number));
        tracing::info_span!("call", caller = ?Redacted(number)).in_scope(|| tracing::debug!("judged"));
    });
    assert!(log.contains("a call from <11 characters>") && log.contains("judged"), "{log}");
    assert_eq!(personal(&log), Vec::<&str>::new());
    let log = Log::of(|| tracing::trace!(number, "a call"));
    assert_eq!(personal(&log), ["600100200"]);
    let log = Log::of(|| tracing::trace_span!("call", number).in_scope(|| ()));
    assert_eq!(personal(&log), ["600100200"]);
}
