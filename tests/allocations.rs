//! How often memory is asked for on the path of a call: by the wire format once for the index of a message, whatever its
//! header fields are, and twice for a changed message; by a look-up in a list never. And how much memory
//! what is counted of callees takes.

#[path = "../benches/scan/invite.rs"]
mod invite;

use allocation_counter::measure;
use bytes::Bytes;
use ringfence::lists::{BaseBuilder, Change, Class, Details, Entry, List};
use ringfence::number::{Number, Party};
use ringfence::sip::{HeaderName, Message, Splice, scan};
use ringfence::time::WallTime;
use ringfence::usage::{Attempt, AttemptLimit, Attempts};

/// The INVITE with so many more header fields.
fn invite_with(more: usize) -> Bytes {
    let fields: String = (0..more).map(|at| format!("X-Field-{at}: <sip:{at}@example.com>;a=\"b\"\r\n")).collect();
    Bytes::from(invite::INVITE.replacen("Max-Forwards", &format!("{fields}Max-Forwards"), 1))
}

fn allocations(work: impl FnOnce()) -> u64 {
    measure(work).count_total
}

#[test]
fn the_invite_is_of_the_size_that_is_spoken_of() {
    assert_eq!(invite::INVITE.len(), 650);
}

#[test]
fn a_scan_allocates_once_for_an_ordinary_message() {
    for more in [0, 1, 5, 13] {
        let bytes = invite_with(more);
        let mut message = None;
        assert_eq!(allocations(|| message = scan(bytes).ok()), 1, "{more} more fields");
        assert!(message.is_some());
    }
}

#[test]
fn a_scan_of_ten_times_the_fields_allocates_a_few_times_more() {
    let bytes = invite_with(300);
    let mut message = None;
    let count = allocations(|| message = scan(bytes).ok());
    // The index doubles: 24, 48, 96, 192, 384.
    assert!(message.is_some() && count <= 5, "{count}");
}

#[test]
fn reading_what_was_scanned_allocates_nothing() {
    let Ok(Message::Request(request)) = scan(invite_with(5)) else { panic!("a request") };
    let mut length = 0;
    let count = allocations(|| {
        length += request.from().uri.len() + request.to().uri.len() + request.via().host.len();
        length += request.uri().host.len() + request.call_id().len() + request.branch().len();
        length += request.headers().values(HeaderName::Contact).map(<[u8]>::len).sum::<usize>();
        length += request.headers().other(b"x-field-3").map_or(0, <[u8]>::len);
    });
    assert!(length > 100);
    assert_eq!(count, 0);
}

#[test]
fn a_splice_allocates_the_new_message_and_nothing_else() {
    let Ok(Message::Request(request)) = scan(invite_with(0)) else { panic!("a request") };
    let headers = request.headers();
    let mut splice = Splice::new();
    let mut change = || {
        splice.replace(headers.top(), |out| out.extend_from_slice(b"Via: SIP/2.0/UDP 203.0.113.5;branch=z9hG4bKa\r\n"));
        splice.replace(request.uri_span(), |out| out.extend_from_slice(b"sip:48221234567@192.0.2.1:5070"));
        headers.named(HeaderName::PAssertedIdentity).for_each(|field| splice.remove(field.line));
        splice.finish(headers)
    };
    let mut out = Bytes::new();
    // The bytes, and the counter of those who share them.
    assert!(allocations(|| out = change()) <= 2);
    assert!(scan(out).is_ok());
}

#[test]
fn a_look_up_allocates_nothing_whichever_entry_it_finds() {
    let entry = |text: &str| -> Entry { text.parse().expect("an entry") };
    let mut builder = BaseBuilder::new();
    for number in 48_221_000_000u64..48_221_200_000 {
        builder.push(entry(&(7 * number % 1_000_000_000 + 48_000_000_000).to_string()), &Details::default());
    }
    for text in ["4870*", "48500000000-48500009999", "112", "anonymous"] {
        builder.push(entry(text), &Details { expires: Some(WallTime::from_micros(7)), ..Details::default() });
    }
    let list = List::new("list".into(), Class::Dnc, None, builder.build().into());
    let edits: Vec<_> = (48_600_000_000u64..48_600_001_000)
        .map(|number| (entry(&number.to_string()), Change::Put(Details::default())))
        .chain([(entry("4871*"), Change::Put(Details::default())), (entry("4870*"), Change::Remove)])
        .collect();
    let edited = list.with(&edits);
    let numbers = ["48221000000", "48600000500", "48701234567", "48711234567", "48500000500", "12025550142"];
    let parties = numbers.map(|text| Party::Number(text.parse().expect("a number")));
    let mut found = 0;
    for list in [&list, &edited, &edited.folded()] {
        let count = allocations(|| {
            for party in parties.iter().chain(&[Party::Anonymous]) {
                found += usize::from(list.lookup(party, WallTime::default()).is_some());
            }
        });
        assert_eq!(count, 0);
    }
    assert!(found > 6, "{found}");
}

#[test]
fn a_callee_whose_attempts_are_counted_takes_less_than_100_bytes() {
    const CALLEES: u64 = 100_000;
    let limit = AttemptLimit::parse("3/24h").expect("a limit");
    let mut attempts = std::sync::Arc::default();
    let room = measure(|| {
        attempts = std::sync::Arc::new(Attempts::default());
        for call in 0..3 * CALLEES {
            let callee = Number::new(48_600_000_000 + call % CALLEES).expect("a number");
            let at = WallTime::from_micros(1_774_440_000_000_000 + call * 1_000);
            attempts.commit(callee, &[limit], limit, at).map(Attempt::stand).expect("within the limit");
        }
    });
    assert_eq!(attempts.callees(), 100_000);
    let each = room.bytes_current / 100_000;
    eprintln!("{each} bytes a callee; {} at the most while it grew", room.bytes_max / CALLEES);
    assert!(each < 100, "{each}");
}
