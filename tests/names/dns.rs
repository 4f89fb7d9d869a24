//! A DNS server on a loopback address, over UDP and TCP, that answers, fails, is late, is silent, lies or cuts.

#![allow(dead_code, reason = "the tests of src/net and of the daemon share it, and each uses other parts")]

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use hickory_resolver::proto::op::{Message, OpCode, Query, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, AAAA, CNAME, NAPTR, SRV};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};

/// What the server does with a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Does {
    Answer,
    /// It answers SERVFAIL.
    Fail,
    /// It says nothing.
    Nothing,
    /// It answers after this.
    AnswerLate(Duration),
    /// Its answers bear the name of somebody else.
    Lie,
    /// Over UDP it says that the answer does not fit.
    Cut,
}

pub(crate) struct DnsServer {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    records: Mutex<Vec<Record>>,
    does: Mutex<HashMap<Option<RecordType>, Does>>,
    asked: Mutex<Vec<String>>,
    stops: AtomicBool,
}

impl DnsServer {
    /// Starts on a free port with these records, one a line: `sbc.example.net 60 A 192.0.2.1`.
    pub(crate) fn start(zone: &str) -> DnsServer {
        let (udp, tcp) = loop {
            let udp = UdpSocket::bind("127.0.0.1:0").expect("a port");
            // The port of the same number may be taken.
            if let Ok(tcp) = TcpListener::bind(udp.local_addr().expect("an address")) {
                break (udp, tcp);
            }
        };
        let address = udp.local_addr().expect("an address");
        let (does, asked, stops) = Default::default();
        let shared = Arc::new(Shared { records: Mutex::new(records(zone)), does, asked, stops });
        let of_udp = Arc::clone(&shared);
        thread::spawn(move || of_udp.serve_udp(&udp));
        let of_tcp = Arc::clone(&shared);
        thread::spawn(move || of_tcp.serve_tcp(&tcp));
        DnsServer { address, shared }
    }

    /// Has other records from now on.
    pub(crate) fn set(&self, zone: &str) {
        *self.shared.records.lock().expect("a lock") = records(zone);
    }

    /// Does this with all questions.
    pub(crate) fn does(&self, what: Does) {
        *self.shared.does.lock().expect("a lock") = HashMap::from([(None, what)]);
    }

    /// Does this with questions for one type.
    pub(crate) fn does_with(&self, kind: RecordType, what: Does) {
        self.shared.does.lock().expect("a lock").insert(Some(kind), what);
    }

    /// The questions since this was last asked, as `A sbc.example.net.`; over TCP with `tcp` before.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.asked.lock().expect("a lock"))
    }
}

impl Drop for DnsServer {
    fn drop(&mut self) {
        self.shared.stops.store(true, Ordering::Relaxed);
        let _ = UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.send_to(&[], self.address));
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn serve_udp(&self, socket: &UdpSocket) {
        let mut buffer = [0; 4096];
        while let Ok((length, peer)) = socket.recv_from(&mut buffer) {
            if self.stops.load(Ordering::Relaxed) {
                return;
            }
            if let Some(bytes) = self.answer(&buffer[..length], true) {
                let _ = socket.send_to(&bytes, peer);
            }
        }
    }

    fn serve_tcp(&self, listener: &TcpListener) {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            if self.stops.load(Ordering::Relaxed) {
                return;
            }
            let _ = stream.set_read_timeout(Some(Duration::from_secs(1)));
            let mut length = [0; 2];
            while stream.read_exact(&mut length).is_ok() {
                let mut query = vec![0; usize::from(u16::from_be_bytes(length))];
                let Ok(()) = stream.read_exact(&mut query) else { break };
                let Some(bytes) = self.answer(&query, false) else { break };
                let length = u16::try_from(bytes.len()).expect("it fits").to_be_bytes();
                let _ = stream.write_all(&[&length[..], &bytes].concat());
            }
        }
    }

    fn answer(&self, bytes: &[u8], by_udp: bool) -> Option<Vec<u8>> {
        let request = Message::from_vec(bytes).ok()?;
        let query = request.queries.first()?.clone();
        let over = if by_udp { "" } else { "tcp " };
        self.asked.lock().expect("a lock").push(format!("{over}{} {}", query.query_type(), query.name()));
        let does = self.does.lock().expect("a lock").clone();
        let does = does.get(&Some(query.query_type())).or_else(|| does.get(&None)).copied().unwrap_or(Does::Answer);
        let mut answer = Message::response(request.metadata.id, OpCode::Query);
        answer.metadata.recursion_desired = true;
        answer.metadata.recursion_available = true;
        answer.add_query(query.clone());
        match does {
            Does::Nothing => return None,
            Does::Fail => answer.metadata.response_code = ResponseCode::ServFail,
            Does::Cut if by_udp => answer.metadata.truncation = true,
            Does::AnswerLate(after) => {
                thread::sleep(after);
                self.fill(&mut answer, &query);
            }
            Does::Answer | Does::Cut => self.fill(&mut answer, &query),
            Does::Lie => {
                self.fill(&mut answer, &query);
                for record in &mut answer.answers {
                    record.name = name("liar.example.org");
                }
            }
        }
        Some(answer.to_vec().expect("an answer"))
    }

    /// Adds what is known, and follows CNAMEs as a resolver does.
    fn fill(&self, answer: &mut Message, query: &Query) {
        let records = self.records.lock().expect("a lock");
        let mut wanted = query.name().clone();
        let mut exists = false;
        for _ in 0..4 {
            let of_name: Vec<&Record> = records.iter().filter(|record| record.name == wanted).collect();
            exists |= !of_name.is_empty();
            answer.add_answers(of_name.iter().filter(|it| it.record_type() == query.query_type()).copied().cloned());
            let alias = of_name.iter().find_map(|record| match &record.data {
                RData::CNAME(alias) => Some(((*record).clone(), alias.0.clone())),
                _ => None,
            });
            let Some((record, target)) = alias else { break };
            answer.add_answer(record);
            wanted = target;
        }
        if !exists {
            answer.metadata.response_code = ResponseCode::NXDomain;
        }
    }
}

fn records(zone: &str) -> Vec<Record> {
    zone.lines().map(str::trim).filter(|line| !line.is_empty()).map(record).collect()
}

fn record(line: &str) -> Record {
    let words: Vec<&str> = line.split_whitespace().collect();
    let number = |at: usize| words[at].parse::<u16>().unwrap_or_else(|_| panic!("{line}"));
    let text = |at: usize| words[at].as_bytes().into();
    let data = match words[2] {
        "A" => RData::A(A(words[3].parse().expect(line))),
        "AAAA" => RData::AAAA(AAAA(words[3].parse().expect(line))),
        "CNAME" => RData::CNAME(CNAME(name(words[3]))),
        "SRV" => RData::SRV(SRV::new(number(3), number(4), number(5), name(words[6]))),
        "NAPTR" => RData::NAPTR(NAPTR::new(number(3), number(4), text(5), text(6), Default::default(), name(words[7]))),
        _ => panic!("{line}"),
    };
    Record::from_rdata(name(words[0]), words[1].parse().expect(line), data)
}

fn name(text: &str) -> Name {
    let mut name = Name::from_ascii(text).expect("a name");
    name.set_fqdn(true);
    name
}
