//! What it costs to read a 650-byte INVITE, to change it for its next hop, and to answer it; rsip beside it.
//!
//! `scan` is what each message costs; `splice` makes the changes of an ordinary forward; `reply` writes a decline. How often
//! they allocate is counted by `tests/allocations.rs`.

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ringfence::sip::reply::{Reply, reply};
use ringfence::sip::{HeaderName, Message, Request, Splice, scan};

mod invite;

fn request() -> Request {
    match scan(Bytes::from_static(invite::INVITE.as_bytes())) {
        Ok(Message::Request(request)) => request,
        other => panic!("no request: {other:?}"),
    }
}

/// What forwarding a call changes: Via, Record-Route, Request-URI, Max-Forwards, P-Asserted-Identity.
fn forward(request: &Request, splice: &mut Splice) -> Bytes {
    let headers = request.headers();
    splice.replace(headers.top(), |out| {
        out.extend_from_slice(
            b"Via: SIP/2.0/UDP 203.0.113.5:5060;branch=z9hG4bK0000000000000001.0123456789abcdef;rport\r\n",
        );
    });
    splice.replace(headers.top(), |out| {
        out.extend_from_slice(b"Record-Route: <sip:AQDnuPq4Kf6Q2qx0c7pQk1o8y4oYk3k2zQ@203.0.113.5:5060;lr>\r\n");
    });
    splice.replace(request.uri_span(), |out| out.extend_from_slice(b"sip:+48221234567@192.0.2.1:5070;user=phone"));
    for field in headers.named(HeaderName::MaxForwards) {
        splice.replace(field.value, |out| out.extend_from_slice(b"68"));
    }
    for field in headers.named(HeaderName::PAssertedIdentity) {
        splice.replace(field.value, |out| out.extend_from_slice(b"<sip:+48223900001@203.0.113.5;user=phone>"));
    }
    splice.finish(headers)
}

fn measure(c: &mut Criterion) {
    let bytes = Bytes::from_static(invite::INVITE.as_bytes());
    let request = request();
    let mut group = c.benchmark_group("sip");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("scan", |bench| bench.iter(|| scan(black_box(bytes.clone()))));
    let mut splice = Splice::new();
    group.bench_function("splice", |bench| bench.iter(|| forward(black_box(&request), &mut splice)));
    let source = "198.51.100.7:5060".parse().expect("an address");
    let decline = Reply { status: 603, phrase: "Decline", to_tag: Some(b"rf0123456789abcdef"), extra: b"" };
    group.bench_function("reply", |bench| bench.iter(|| reply(black_box(request.headers()), source, decline)));
    group.bench_function("rsip scan", |bench| bench.iter(|| rsip::SipMessage::try_from(black_box(invite::INVITE))));
    let theirs = rsip::SipMessage::try_from(invite::INVITE).expect("rsip reads it");
    group.bench_function("rsip write", |bench| bench.iter(|| black_box(&theirs).to_string()));
    group.finish();
}

criterion_group!(benches, measure);
criterion_main!(benches);
